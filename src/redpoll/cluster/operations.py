"""What CLUSTER subcommands do to a node.  The complaints are those of the reference, in its order.

Every operation makes all its complaints before its first change.  Source: spec/cluster.md, section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redpoll.cluster import claims, elections, outgoing, state
from redpoll.cluster.flags import MASTER, MEET, MIGRATE_TO
from redpoll.cluster.migration_job import joined
from redpoll.cluster.node import Node
from redpoll.cluster.nodes_conf import is_name
from redpoll.cluster.slot_sets import has, members, one
from redpoll.cluster_errors import (
    ALREADY_BUMPED,
    CANNOT_FORGET_MYSELF,
    CANNOT_FORGET_PRIMARY,
    CANNOT_REPLICATE_MYSELF,
    FAILOVER_NEEDS_FORCE,
    FAILOVER_NEEDS_REPLICA,
    FAILOVER_WITHOUT_PRIMARY,
    KEYS_IN_EMPTIED_NODE,
    KNOWS_OTHER_NODES,
    MIGRATION_NEEDS_PRIMARY,
    NOT_EMPTY_FOR_REPLICATE,
    NOT_EMPTY_FOR_RESET,
    OWNERSHIP_DISAGREES,
    REPLICATE_NEEDS_PRIMARY,
    SETSLOT_NEEDS_PRIMARY,
    SLOT_EXPORT_RUNS,
    SLOT_IMPORT_RUNS,
    SLOTS_ALREADY_IMPORTED,
    SLOTS_MANUALLY_IMPORTED,
    SLOTS_MANUALLY_MIGRATED,
    SLOTS_NOT_SERVED,
    SLOTS_OF_SEVERAL_SHARDS,
    SOURCE_IS_TARGET,
    TARGET_IS_MYSELF,
    TARGET_NODE_IS_MYSELF,
    TARGET_NOT_PRIMARY,
    UNKNOWN_SOURCE,
    already_migrating,
    already_owner,
    invalid_node_name,
    keys_left_in_slot,
    not_owner,
    slot_busy,
    slot_unassigned,
    slot_without_node,
    unknown_node,
    unknown_node_name,
    unknown_target,
)
from redpoll.errors import CommandError

if TYPE_CHECKING:
    from redpoll.cluster.machine import Machine


def find_node(machine: Machine, name: bytes) -> Node:
    """The node with this id.  Raises CommandError."""
    node = machine.view.nodes.get(name)
    if node is None:
        raise CommandError(unknown_node(name))
    return node


# Membership.


def meet(machine: Machine, ip: bytes, port: int, bus_port: int) -> None:
    """Begin a handshake with the node at an address."""
    machine.start_handshake(ip, port, bus_port, MEET)


def forget(machine: Machine, name: bytes) -> None:
    """Remove a node, do not meet it again for a while, and tell the other nodes so."""
    view = machine.view
    node = view.nodes.get(name)
    if node is None:
        if is_name(name) and machine.blacklisted(name):
            return
        raise CommandError(unknown_node(name))
    if node is view.myself:
        raise CommandError(CANNOT_FORGET_MYSELF)
    if view.myself.is_replica() and view.myself.primary is node:
        raise CommandError(CANNOT_FORGET_PRIMARY)
    view.blacklist[name] = machine.now + machine.settings.blacklist_ttl_s * 1000
    machine.delete_node(node)
    outgoing.broadcast_pong(machine)


def replicate(machine: Machine, name: bytes) -> None:
    """Become a replica of another node."""
    view = machine.view
    myself = view.myself
    node = find_node(machine, name)
    if node is myself:
        raise CommandError(CANNOT_REPLICATE_MYSELF)
    if not node.is_primary():
        raise CommandError(REPLICATE_NEEDS_PRIMARY)
    if myself.primary is node and myself.is_replica():
        return
    if myself.is_primary() and (myself.slots or machine.outside.has_keys()):
        raise CommandError(NOT_EMPTY_FOR_REPLICATE)
    state.become_replica(machine, node, True, False)


def replicate_no_one(machine: Machine) -> None:
    """A replica becomes an empty primary of a shard of its own."""
    view = machine.view
    myself = view.myself
    if not myself.is_replica():
        return
    machine.outside.promote()
    machine.outside.flush()
    view.set_primary(myself)
    myself.shard = machine.random.hex_digits(40)
    view.migrating.clear()
    view.importing.clear()
    elections.drop(machine)
    machine.changed()
    outgoing.broadcast_pong(machine)


def reset(machine: Machine, hard: bool) -> None:
    """Forget the cluster; with `hard` also the epochs and the own id."""
    view = machine.view
    myself = view.myself
    if myself.is_primary() and machine.outside.has_keys():
        raise CommandError(NOT_EMPTY_FOR_RESET)
    if myself.is_replica():
        machine.outside.promote()
        machine.outside.flush()
        view.set_primary(myself)
    for node in list(view.nodes.values()):
        if node is not myself:
            machine.delete_node(node)
    for link in list(machine.links.values()):
        machine.close(link)
    view.unassign(view.assigned)
    view.migrating.clear()
    view.importing.clear()
    view.blacklist.clear()
    elections.drop(machine)
    myself.flags = myself.flags & ~MIGRATE_TO | MASTER
    myself.shard = machine.random.hex_digits(40)
    if hard:
        view.current_epoch = 0
        view.last_vote_epoch = 0
        myself.config_epoch = 0
        view.rename(myself, machine.random.hex_digits(40))
    machine.changed()


# Epochs and failover.


def set_config_epoch(machine: Machine, epoch: int) -> None:
    """Give this node its first config epoch, while it knows nobody."""
    view = machine.view
    if len(view.nodes) > 1:
        raise CommandError(KNOWS_OTHER_NODES)
    if view.myself.config_epoch != 0:
        raise CommandError(ALREADY_BUMPED)
    view.myself.config_epoch = epoch
    view.current_epoch = max(view.current_epoch, epoch)
    machine.changed()


def failover(machine: Machine, force: bool, takeover: bool) -> None:
    """Begin to take the place of our primary."""
    myself = machine.view.myself
    if myself.is_primary():
        raise CommandError(FAILOVER_NEEDS_REPLICA)
    primary = myself.primary
    if primary is None:
        raise CommandError(FAILOVER_WITHOUT_PRIMARY)
    reached = primary.link is not None and primary.link.is_up
    if (primary.has_failed() or not reached) and not force and not takeover:
        raise CommandError(FAILOVER_NEEDS_FORCE)
    if takeover:
        elections.take_over(machine)
    else:
        elections.start_manual(machine, force)


# Slots.


def add_slots(machine: Machine, slots: int) -> None:
    """Take free slots."""
    view = machine.view
    busy = slots & view.assigned
    if busy:
        raise CommandError(slot_busy(members(busy)[0]))
    view.assign(slots, view.myself)
    for slot in [slot for slot in view.importing if has(slots, slot)]:
        del view.importing[slot]
    machine.changed()


def remove_slots(machine: Machine, slots: int) -> None:
    """Leave slots without an owner."""
    view = machine.view
    missing = slots & ~view.assigned
    if missing:
        raise CommandError(slot_unassigned(members(missing)[0]))
    view.unassign(slots)
    machine.changed()


def flush_slots(machine: Machine) -> None:
    if machine.outside.has_keys():
        raise CommandError(KEYS_IN_EMPTIED_NODE)
    machine.view.unassign(machine.view.myself.slots)
    machine.changed()


def check_may_set_slots(machine: Machine) -> None:
    if machine.view.myself.is_replica():
        raise CommandError(SETSLOT_NEEDS_PRIMARY)
    if len(machine.migrations.imports()) > 0:
        raise CommandError(SLOT_IMPORT_RUNS)
    if len(machine.migrations.exports()) > 0:
        raise CommandError(SLOT_EXPORT_RUNS)


# Slots that move at once.


def check_may_migrate(machine: Machine) -> None:
    """Raises CommandError unless whole slots may leave or arrive."""
    view = machine.view
    if view.myself.is_replica():
        raise CommandError(MIGRATION_NEEDS_PRIMARY)
    if view.importing:
        raise CommandError(SLOTS_MANUALLY_IMPORTED)
    if view.migrating:
        raise CommandError(SLOTS_MANUALLY_MIGRATED)


def shard_of_slots(machine: Machine, ranges: list[tuple[int, int]]) -> Node:
    """The only owner of the slots.  Raises CommandError."""
    view = machine.view
    owner: Node | None = None
    for first, last in ranges:
        for slot in range(first, last + 1):
            found = view.owner(slot)
            if found is None:
                raise CommandError(slot_without_node(slot))
            if owner is not None and found is not owner:
                raise CommandError(SLOTS_OF_SEVERAL_SHARDS)
            owner = found
    assert owner is not None
    return owner


def check_import(machine: Machine, source: bytes, ranges: list[tuple[int, int]]) -> Node:
    """The node that wants to move these slots here.  Raises CommandError."""
    owner = shard_of_slots(machine, ranges)
    node = machine.view.nodes.get(source)
    if node is None:
        raise CommandError(UNKNOWN_SOURCE)
    if node is machine.view.myself:
        raise CommandError(SOURCE_IS_TARGET)
    if owner is not node:
        raise CommandError(OWNERSHIP_DISAGREES)
    if joined(ranges) & machine.migrations.imported():
        raise CommandError(SLOTS_ALREADY_IMPORTED)
    return node


def export_target(machine: Machine, name: bytes, ranges: list[tuple[int, int]]) -> Node:
    """The node to which these slots of ours may move.  Raises CommandError."""
    view = machine.view
    if shard_of_slots(machine, ranges) is not view.myself:
        raise CommandError(SLOTS_NOT_SERVED)
    if not is_name(name):
        raise CommandError(invalid_node_name(name))
    node = view.nodes.get(name)
    if node is None:
        raise CommandError(unknown_node_name(name))
    if node is view.myself:
        raise CommandError(TARGET_NODE_IS_MYSELF)
    busy = joined(ranges) & machine.migrations.exported()
    if busy:
        raise CommandError(already_migrating(members(busy)[0]))
    return node


def migration_target(machine: Machine, slot: int, name: bytes) -> Node:
    """The node to which keys of our slot may move.  Raises CommandError."""
    if machine.view.owner(slot) is not machine.view.myself:
        raise CommandError(not_owner(slot))
    return other_primary(machine, name)


def import_source(machine: Machine, slot: int, name: bytes) -> Node:
    """The node from which keys of its slot may move here.  Raises CommandError."""
    if machine.view.owner(slot) is machine.view.myself:
        raise CommandError(already_owner(slot))
    return other_primary(machine, name)


def other_primary(machine: Machine, name: bytes) -> Node:
    """The other node of a slot that opens.  Raises CommandError."""
    node = machine.view.nodes.get(name)
    if node is None:
        raise CommandError(unknown_target(name))
    if node is machine.view.myself:
        raise CommandError(TARGET_IS_MYSELF)
    if not node.is_primary():
        raise CommandError(TARGET_NOT_PRIMARY)
    return node


def new_owner(machine: Machine, slot: int, name: bytes) -> Node:
    """The node that may get a slot at the end of its migration.  Raises CommandError."""
    view = machine.view
    node = find_node(machine, name)
    if not node.is_primary():
        raise CommandError(TARGET_NOT_PRIMARY)
    if view.owner(slot) is view.myself and node is not view.myself and machine.outside.keys_in(one(slot)):
        raise CommandError(keys_left_in_slot(slot))
    return node


def set_migrating(machine: Machine, slot: int, target: Node) -> None:
    """Keys of our slot are moving to another node."""
    machine.view.migrating[slot] = target
    machine.changed()


def set_importing(machine: Machine, slot: int, source: Node) -> None:
    """Keys of another node's slot are moving here."""
    machine.view.importing[slot] = source
    machine.changed()


def set_stable(machine: Machine, slot: int) -> None:
    """Close an open slot."""
    machine.view.importing.pop(slot, None)
    machine.view.migrating.pop(slot, None)
    machine.changed()


def set_owner(machine: Machine, slot: int, node: Node) -> None:
    """Give a slot to a node, at the end of its migration."""
    view = machine.view
    myself = view.myself
    if machine.outside.keys_in(one(slot)) == 0:
        view.migrating.pop(slot, None)
    ours = view.shard_primary()
    had = ours is not None and view.owner(slot) is ours
    view.assign(one(slot), node)
    machine.changed()
    lost_all = had and ours is not None and ours is not node and ours.slots == 0
    if lost_all and machine.settings.allow_replica_migration:
        state.become_replica(machine, node, node.shard != myself.shard, False)
    if (node is myself or node is myself.primary) and slot in view.importing:
        del view.importing[slot]
        if node is myself:
            claims.bump_epoch(machine)
            outgoing.broadcast_pong(machine)
