"""The state of the cluster, and this node's change between primary and replica.

Source: spec/cluster.md, sections 10.3, 10.5, 11 and 12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redpoll.cluster import elections, outgoing
from redpoll.cluster.flags import FAIL, MIGRATE_TO
from redpoll.cluster.node import Node
from redpoll.cluster.slot_sets import ALL_SLOTS

if TYPE_CHECKING:
    from redpoll.cluster.machine import Machine

FIRST_WAIT_MS: Final = 2000
"""A primary does not turn ok earlier than this after its start: it may have been replaced meanwhile."""
LEAST_REJOIN_MS: Final = 500
MOST_REJOIN_MS: Final = 5000
ORPHANED_MS: Final = 5000
"""For how long a primary must be without replicas until one moves to it."""


def update(machine: Machine) -> None:
    """Look whether the cluster is ok.  A primary waits before it accepts writes again."""
    view = machine.view
    now = machine.now
    if machine.first_look == 0:
        machine.first_look = now
    is_ok = not machine.settings.require_full_coverage or is_covered(machine)
    size = 0
    reached = 0
    for node in view.nodes.values():
        if node.votes():
            size += 1
            if not node.is_failing():
                reached += 1
    if reached < size // 2 + 1:
        is_ok = False
        machine.minority_ended = now
    if is_ok == machine.state_ok:
        return
    if is_ok and view.myself.is_primary():
        if now - machine.first_look < FIRST_WAIT_MS:
            return
        wait = min(max(machine.settings.timeout, LEAST_REJOIN_MS), MOST_REJOIN_MS)
        if machine.minority_ended and now - machine.minority_ended < wait:
            return
    machine.state_ok = is_ok
    machine.routing_changed = True
    machine.outside.log(f"Cluster state changed: {'ok' if is_ok else 'fail'}")


def is_covered(machine: Machine) -> bool:
    """Whether each slot has an owner that has not failed."""
    view = machine.view
    if view.assigned != ALL_SLOTS:
        return False
    return all(not (node.slots and node.flags & FAIL) for node in view.nodes.values())


def become_replica(machine: Machine, primary: Node, full: bool, keep_open: bool) -> None:
    """Follow a primary.  This node owns no slots."""
    view = machine.view
    myself = view.myself
    assert myself.slots == 0 and primary is not myself
    view.set_replica(myself, primary)
    if not keep_open:
        view.migrating.clear()
        view.importing.clear()
    elections.drop(machine)
    machine.outside.follow(primary, full)
    machine.changed()
    # A new primary accepts a failover by hand only from a node that it knows as its replica.
    outgoing.broadcast_pong(machine)


def promote(machine: Machine) -> None:
    """Take the place of our primary.  Its slots are ours; the config epoch is new already."""
    view = machine.view
    myself = view.myself
    old = myself.primary
    view.set_primary(myself)
    machine.outside.promote()
    if old is not None:
        view.assign(old.slots, myself)
    elections.drop(machine)
    machine.changed()
    update(machine)
    outgoing.broadcast_pong(machine)


# Replica migration.


def consider_migration(machine: Machine) -> None:
    """Move this replica to a primary without replicas, if its own has more than enough."""
    view = machine.view
    myself = view.myself
    if not machine.settings.allow_replica_migration or not machine.state_ok:
        return
    working = working_replicas(machine)
    target: Node | None = None
    for node in view.nodes.values():
        if not node.votes():
            continue
        orphaned = node.flags & FAIL == 0 and node.flags & MIGRATE_TO != 0 and working.get(node.name, 0) == 0
        if not orphaned:
            node.orphaned_since = 0
        elif node.orphaned_since == 0:
            node.orphaned_since = machine.now
        elif machine.now - node.orphaned_since > ORPHANED_MS and target is None:
            target = node
    primary = myself.primary
    if target is None or primary is None:
        return
    most = max(working.values(), default=0)
    if most < 2 or working.get(primary.name, 0) != most or most <= machine.settings.migration_barrier:
        return
    for node in view.nodes.values():
        if node.is_replica() and not node.has_failed() and node.name < myself.name and node.primary is not None:
            if working.get(node.primary.name, 0) == most:
                return
    machine.outside.log(f"moving to the primary {target.shown()}, which has no replicas")
    become_replica(machine, target, True, False)


def working_replicas(machine: Machine) -> dict[bytes, int]:
    """How many replicas of each primary have not failed."""
    found: dict[bytes, int] = {}
    for node in machine.view.nodes.values():
        if node.is_replica() and not node.has_failed() and node.primary is not None:
            name = node.primary.name
            found[name] = found.get(name, 0) + 1
    return found
