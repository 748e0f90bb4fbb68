"""What this node knows of the cluster: the nodes, the owner of each slot, and the epochs.

Nothing here sends or saves.  `slots` of a node and `owners` always agree; `check` verifies that.
"""

from __future__ import annotations

from array import array
from typing import Final

from redpoll.cluster.flags import MASTER, MIGRATE_TO, MYSELF, REPLICA
from redpoll.cluster.node import Node
from redpoll.cluster.slot_sets import ALL_SLOTS, SLOT_COUNT, has, members, one

NUMBER: Final = "H"


class View:
    """See the module's docstring."""

    def __init__(self, myself: Node) -> None:
        myself.flags |= MYSELF
        self.myself: Node = myself
        self.nodes: Final[dict[bytes, Node]] = {myself.name: myself}
        self.current_epoch = 0
        self.last_vote_epoch = 0
        self.owners: Final = array(NUMBER, bytes(2 * SLOT_COUNT))
        """The owner of each slot as its number in `numbered`; 0 for none."""
        self.numbered: Final[list[Node | None]] = [None]
        self.assigned = 0
        """The slots that have an owner."""
        self.not_claiming = 0
        """The slots whose owner has stopped to claim them."""
        self.migrating: Final[dict[int, Node]] = {}
        self.importing: Final[dict[int, Node]] = {}
        self.blacklist: Final[dict[bytes, int]] = {}
        """Names of forgotten nodes, with the time until which they are not met again."""

    # Nodes.

    def add(self, node: Node) -> None:
        assert node.name not in self.nodes
        self.nodes[node.name] = node

    def rename(self, node: Node, name: bytes) -> None:
        assert name not in self.nodes
        del self.nodes[node.name]
        node.name = name
        self.nodes[name] = node

    def delete(self, node: Node) -> None:
        """Remove a node: its slots, its reports and all that points to it."""
        assert node is not self.myself
        self.unassign(node.slots)
        for slot in [slot for slot, target in self.migrating.items() if target is node]:
            del self.migrating[slot]
        for slot in [slot for slot, source in self.importing.items() if source is node]:
            del self.importing[slot]
        if node in self.numbered:
            self.numbered[self.numbered.index(node)] = None
        for other in self.nodes.values():
            other.reports.pop(node.name, None)
            if other.primary is node:
                other.primary = None
        node.primary = None
        del self.nodes[node.name]

    def replicas_of(self, node: Node) -> list[Node]:
        """O(nodes)."""
        return [other for other in self.nodes.values() if other.primary is node and other.is_replica()]

    def has_replicas(self, node: Node) -> bool:
        return any(other.primary is node and other.is_replica() for other in self.nodes.values())

    def shard_primary(self) -> Node | None:
        """This node if it is a primary, else its primary."""
        myself = self.myself
        return myself if myself.is_primary() else myself.primary

    def set_primary(self, node: Node) -> None:
        """Make a node a primary."""
        before = node.primary
        node.set_role(MASTER)
        node.primary = None
        if before is not None:
            self._may_lose_flag(before)

    def set_replica(self, node: Node, primary: Node | None) -> None:
        """Make a node a replica; of nobody if its primary is not known."""
        before = node.primary
        node.set_role(REPLICA)
        node.flags &= ~MIGRATE_TO
        node.primary = primary
        if primary is not None:
            primary.flags |= MIGRATE_TO
            if primary.shard:
                node.shard = primary.shard
        if before is not None and before is not primary:
            self._may_lose_flag(before)

    def _may_lose_flag(self, primary: Node) -> None:
        """A primary whose last replica has gone elsewhere is left alone."""
        if not self.has_replicas(primary):
            primary.flags &= ~MIGRATE_TO

    # Slots.

    def owner(self, slot: int) -> Node | None:
        return self.numbered[self.owners[slot]]

    def number(self, node: Node) -> int:
        """The number of a node in `owners`, which it gets now if it has none."""
        numbered = self.numbered
        for n in range(1, len(numbered)):
            if numbered[n] is node:
                return n
        for n in range(1, len(numbered)):
            if numbered[n] is None:
                numbered[n] = node
                return n
        numbered.append(node)
        return len(numbered) - 1

    def assign(self, slots: int, node: Node) -> None:
        """Make `node` the owner of slots, whoever had them.  O(slots + nodes)."""
        if slots == 0:
            return
        for other in self.numbered:
            if other is not None and other is not node and other.slots & slots:
                other.slots &= ~slots
        number = self.number(node)
        if node.slots == 0 and any(other.is_replica() and other.primary is not None for other in self.nodes.values()):
            # Where others have replicas, a primary with slots should get some.
            node.flags |= MIGRATE_TO
        node.slots |= slots
        self.assigned |= slots
        self.not_claiming &= ~slots
        owners = self.owners
        for slot in members(slots):
            owners[slot] = number

    def unassign(self, slots: int) -> None:
        """Leave slots without an owner."""
        if slots == 0:
            return
        for other in self.numbered:
            if other is not None and other.slots & slots:
                other.slots &= ~slots
        self.assigned &= ~slots
        self.not_claiming &= ~slots
        owners = self.owners
        for slot in members(slots):
            owners[slot] = 0

    def claimed_by(self, node: Node) -> int:
        """The slots of a node that it still claims, for an UPDATE about it."""
        return node.slots & ~self.not_claiming

    # Epochs and votes.

    def size(self) -> int:
        """How many voting primaries there are.  O(nodes)."""
        count = 0
        for node in self.nodes.values():
            if node.votes():
                count += 1
        return count

    def quorum(self) -> int:
        return self.size() // 2 + 1

    def greatest_epoch(self) -> int:
        """The greatest of all config epochs and the current epoch."""
        greatest = self.current_epoch
        for node in self.nodes.values():
            if node.config_epoch > greatest:
                greatest = node.config_epoch
        return greatest

    def shown_epoch(self, node: Node) -> int:
        """The config epoch of a primary; for a replica, the one of its primary."""
        if node.is_replica() and node.primary is not None:
            return node.primary.config_epoch
        return node.config_epoch

    def check(self) -> None:
        """Verify that owners and slots agree."""
        seen = 0
        for node in self.nodes.values():
            assert node.slots & seen == 0, "two owners"
            assert node.slots == 0 or node in self.numbered
            seen |= node.slots
        assert seen == self.assigned
        assert self.not_claiming & ~seen == 0
        assert seen & ~ALL_SLOTS == 0
        for slot in range(SLOT_COUNT):
            owner = self.owner(slot)
            assert (owner is not None) == has(seen, slot)
            assert owner is None or owner.slots & one(slot)
