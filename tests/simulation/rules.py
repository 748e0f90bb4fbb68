"""What must hold in the simulated cluster, at every step.

* No two nodes own one slot with the same config epoch, epochs that were taken without asking anybody apart.
* What a node has announced (its epochs) never goes back, across crashes too.
* A node votes for one candidate in an epoch, and a candidate wins an epoch alone.
* A write that WAIT has found on all nodes of its shard is in the data of whoever serves its slot, while one of these
  nodes has neither crashed nor was made another one.  See `Promise` for what ends a promise.
* No node has a part of a transaction.
* Nodes at the same place of the same stream have the same data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation.clients import Client, Write
from tests.simulation.node import BusEnd, ServedEnd, ServedPeer, SimNode

from redpoll.cluster import messages
from redpoll.cluster.messages import decode
from redpoll.cluster.slot_sets import has, ranges
from redpoll.keyspace.slots import key_slot
from redpoll.observe.digest import data_digest
from redpoll.replication.replica import ONLINE

if TYPE_CHECKING:
    from tests.simulation.world import World

FORCED_MS: Final = 15000
"""For so long after CLUSTER FAILOVER FORCE or TAKEOVER a promotion may be its result."""


class Promise:
    """A write that all nodes of its shard had.

    It ends when all these nodes have crashed, and when the cluster is made to do without: a primary that crashed comes
    back as one with what its disk has, an operator forces the failover to a node without the data, or moves the slot.
    """

    def __init__(self, write: Write, primary: int, copies: set[int]) -> None:
        self.write: Final = write
        self.primary: Final = primary
        self.copies: Final = copies
        self.active = False
        """Whether the client knows of it."""
        self.ended = ""


class Announced:
    """What a node has told others, over all its lives."""

    def __init__(self) -> None:
        self.epoch = 0
        self.config_epoch = 0
        self.votes: dict[int, int] = {}


class Rules:
    """See the module's docstring."""

    def __init__(self, world: World) -> None:
        self.world: Final = world
        self.announcements: Final[dict[int, Announced]] = {}
        self.was_replica: Final[dict[int, bool]] = {}
        self.shards: Final[dict[int, bytes]] = {}
        self.epochs: Final[dict[int, int]] = {}
        self.slots: Final[dict[int, int]] = {}
        self.forced: Final[dict[int, int]] = {}
        """When a failover without regard to data was ordered."""
        self.winners: dict[int, bytes] = {}
        self.bumped: set[int] = set()
        """Epochs that a node took without asking anybody: two may take the same one."""
        self.taken_over = False
        """Whether an operator has ordered TAKEOVER: then two nodes of one shard may both vote."""
        self.moved: set[int] = set()
        """The slots that an operator has moved, or tried to, since all agreed ..."""
        self.ever_moved: set[int] = set()
        """... and before that: of these a part of the keys may be elsewhere."""
        self.promises: list[Promise] = []
        self.digests: dict[tuple[bytes, int], tuple[bytes, str]] = {}
        self.broken: list[str] = []
        # Counts, for a report.
        self.promised = 0
        self.kept = 0
        self.checked = 0
        self.full_syncs = 0
        self.partial_syncs = 0
        self.elections = 0
        self.compared = 0
        self.refusals: dict[bytes, int] = {}

    def violated(self, what: str) -> None:
        world = self.world
        self.broken.append(f"seed {world.seed}, {len(world.nodes)} nodes, at {world.now} ms: {what}")
        world.trace(f"VIOLATED: {what}")

    def refused(self, word: bytes) -> None:
        self.refusals[word] = self.refusals.get(word, 0) + 1

    # The bus.

    def announced(self, node: SimNode, end: BusEnd, data: bytes) -> None:
        """A message leaves a node: remember what it promises."""
        message = decode(data)
        if message.light:
            return
        known = self.announcements.setdefault(node.index, Announced())
        if message.current_epoch < known.epoch:
            self.violated(f"{node.name} announces epoch {message.current_epoch} after {known.epoch}")
        known.epoch = message.current_epoch
        if not message.primary:
            if message.config_epoch < known.config_epoch:
                self.violated(f"{node.name} announces config epoch {message.config_epoch}")
            known.config_epoch = message.config_epoch
        if message.kind == messages.AUTH_ACK and end.pipe is not None:
            candidate = end.pipe.places[1 - end.side].index
            before = known.votes.setdefault(message.current_epoch, candidate)
            if before != candidate:
                self.violated(f"{node.name} votes for n{before} and n{candidate} in {message.current_epoch}")

    # A turn of a node.

    def check(self, node: SimNode) -> None:
        """What a turn of `node` may have broken."""
        assert node.engine is not None
        if node.engine.counters.internal_errors:
            node.engine.counters.internal_errors = 0
            self.violated(f"{node.name}: internal error")
        if node.engine.counters.propagation_errors:
            node.engine.counters.propagation_errors = 0
            self.violated(f"{node.name}: a command of the stream has failed")
        view = node.machine.view
        myself = view.myself
        n = node.index
        known = self.announcements.get(n)
        if known is not None and view.current_epoch < known.epoch:
            self.violated(f"the epoch of {node.name} went back to {view.current_epoch}")
        if view.last_vote_epoch > view.current_epoch:
            self.violated(f"{node.name} has voted in the future")
        if self.shards.get(n) != myself.shard:
            self.shards[n] = myself.shard
            self.forget_copies(n)
        was_replica = self.was_replica.get(n, False)
        won = was_replica and myself.is_primary()
        if myself.config_epoch > self.epochs.get(n, 10**9) and not won and myself.is_primary():
            self.bumped.add(myself.config_epoch)
        changed = won or myself.config_epoch != self.epochs.get(n) or myself.slots != self.slots.get(n)
        self.epochs[n] = myself.config_epoch
        self.slots[n] = myself.slots
        self.was_replica[n] = myself.is_replica()
        if not changed or not myself.is_primary() or not myself.slots:
            return
        if won and myself.config_epoch not in self.bumped:
            self.elections += 1
            if self.winners.setdefault(myself.config_epoch, myself.name) != myself.name:
                if self.taken_over:
                    self.bumped.add(myself.config_epoch)
                else:
                    self.violated(f"{node.name} wins epoch {myself.config_epoch} after another")
        if won:
            self.check_promotion(node)
        self.check_owners(node)

    def check_owners(self, node: SimNode) -> None:
        """Nobody else may own our slots with our epoch."""
        myself = node.machine.view.myself
        if myself.config_epoch in self.bumped:
            return
        for other in self.world.nodes:
            if other is node or other.engine is None:
                continue
            them = other.machine.view.myself
            if them.is_primary() and them.config_epoch == myself.config_epoch and them.slots & myself.slots:
                both = ranges(them.slots & myself.slots)[:3]
                self.violated(f"{node.name} and {other.name} own {both} with epoch {myself.config_epoch}")

    # Writes.

    def waited(self, end: ServedEnd, count: int) -> None:
        """WAIT answers a client that `count` replicas have its write."""
        client = end.client
        if not isinstance(client, Client) or client.write is None:
            return
        node = end.node
        write = client.write
        myself = node.machine.view.myself
        have = {node.index}
        for replica in node.replication.primary.replicas:
            if replica.state == ONLINE and replica.acknowledged >= end.session.stream_offset:
                peer = replica.session.peer
                assert isinstance(peer, ServedPeer) and peer.end.pipe is not None
                near = peer.end.pipe.ends[0]
                assert near is not None
                if near.place.life == near.life and isinstance(near.place, SimNode) and near.place.is_running():
                    have.add(near.place.index)
        shard = {other for other, its in self.shards.items() if its == myself.shard}
        by_name = {other.machine.view.myself.name: other.index for other in self.world.nodes if other.life}
        for other in node.machine.view.replicas_of(myself):
            shard.add(by_name.get(other.name, 0))
        if count < len(have) - 1 or not shard <= have or write.slot in self.moved or not has(myself.slots, write.slot):
            return
        promise = Promise(write, node.index, have)
        self.promises.append(promise)
        client.promise = promise

    def reset(self, node: SimNode, hard: bool) -> None:
        """A node is to forget the cluster.  If it forgets its name too, nothing that it has said counts any more."""
        self.forget_copies(node.index)
        known = self.announcements.get(node.index)
        if hard:
            self.announcements.pop(node.index, None)
        elif known is not None:
            # A replica has no config epoch of its own after a restart.
            known.config_epoch = 0

    def forget_copies(self, index: int) -> None:
        """A node has lost its memory, or is another one now."""
        for promise in self.promises:
            promise.copies.discard(index)

    def crashed(self, node: SimNode, forgets: bool) -> None:
        self.full_syncs += int(node.replication.primary.full_syncs)
        self.partial_syncs += int(node.replication.primary.partial_syncs)
        for promise in self.promises:
            if forgets or promise.primary != node.index or not node.syncs_always():
                promise.copies.discard(node.index)
        self.promises = [promise for promise in self.promises if promise.copies]

    def started(self, node: SimNode) -> None:
        """A node has come back.  A primary serves what its disk has."""
        myself = node.machine.view.myself
        self.was_replica[node.index] = myself.is_replica()
        if myself.is_primary():
            for promise in self.promises:
                if has(myself.slots, promise.write.slot) and not promise.ended:
                    if promise.write.survives_in(node):
                        continue
                    if node.syncs_always() and node.index in promise.copies:
                        self.violated(f"{node.name} has synced {promise.write}, and does not have it after its start")
                    promise.ended = "a primary came back without it"

    def check_promotion(self, node: SimNode) -> None:
        """A replica has become the primary: it must have all promised writes."""
        myself = node.machine.view.myself
        forced = self.world.now - self.forced.get(node.index, -FORCED_MS) < FORCED_MS
        for promise in self.promises:
            if not promise.active or promise.ended or not has(myself.slots, promise.write.slot):
                continue
            if promise.write.slot in self.moved:
                continue
            self.checked += 1
            if promise.write.survives_in(node):
                continue
            if forced or self.world.elects_old_data:
                promise.ended = "a failover was forced"
            else:
                self.violated(f"{node.name} is promoted without {promise.write}, which {promise.copies} have")
                promise.ended = "violated"

    def check_promises(self) -> None:
        """All agree on the owners: they must have all promised writes."""
        for promise in self.promises:
            if not promise.active or promise.ended or promise.write.slot in self.moved or not promise.copies:
                continue
            for node in self.world.nodes:
                if node.engine is not None and has(node.machine.view.myself.slots, promise.write.slot):
                    if promise.write.survives_in(node):
                        self.kept += 1
                    else:
                        self.violated(f"{node.name} has lost {promise.write}, which {promise.copies} had")
        self.promises = []

    # Data.

    def compare(self) -> None:
        """Nodes at the same place of the same stream must have the same data."""
        for node in self.world.nodes:
            if node.engine is None or node.busy or node.engine.durability.loading:
                continue
            self.check_transactions(node)
            role = node.replication
            if role.primary.stream is None:
                continue
            place = (role.history, int(role.link.applied_offset() if role.is_replica else role.offset))
            digest = data_digest(node.engine)
            known = self.digests.setdefault(place, (digest, node.name))
            self.compared += 1
            if known[0] != digest:
                self.violated(f"{node.name} differs from {known[1]} at {place[1]} of {place[0].decode()}")
                self.digests[place] = (digest, node.name)

    def check_transactions(self, node: SimNode) -> None:
        """No node may have a part of a transaction."""
        for client in self.world.clients:
            for (kind, tag), generation in client.generations.items():
                key = b"{c%d:%d}EXEC:%d" % (-client.index, tag, generation)
                slot = int(key_slot(key))
                if kind != b"EXEC" or slot in self.moved or slot in self.ever_moved:
                    continue
                pushed, counted = node.peek(b"LLEN", key), node.peek(b"GET", key + b":count") or 0
                assert isinstance(counted, (bytes, int))
                if pushed != int(counted):
                    self.violated(f"{node.name} has {pushed} elements of {key.decode()}, and counts {int(counted)}")

    def check_replicas(self) -> list[str]:
        """Which replicas do not have the data of their primaries."""
        found = []
        for node in self.world.nodes:
            assert node.engine is not None
            primary = node.machine.view.myself.primary
            if primary is None:
                continue
            other = self.world.node_at(primary.port)
            assert other.engine is not None
            role = node.replication
            if not role.link.is_up():
                found.append(f"the link of {node.name} is {role.link.state_name().decode()}")
            elif role.link.applied_offset() != other.replication.offset or role.history != other.replication.history:
                found.append(f"{node.name} is behind {other.name}")
            elif data_digest(node.engine) != data_digest(other.engine):
                self.violated(f"{node.name} differs from its primary {other.name}")
        return found
