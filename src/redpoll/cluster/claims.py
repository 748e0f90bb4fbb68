"""Config epochs and the ownership of slots.

A primary claims its slots with its config epoch.  The newer claim to a slot wins, so all nodes come to the same owners
whatever the order of the messages.  Source: spec/cluster.md, section 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redpoll.cluster import outgoing, state
from redpoll.cluster.node import Node
from redpoll.cluster.slot_sets import has, members, one

if TYPE_CHECKING:
    from redpoll.cluster.machine import Machine


def bump_epoch(machine: Machine) -> bool:
    """Take a new config epoch without asking anybody; False if ours is the greatest already."""
    view = machine.view
    myself = view.myself
    greatest = view.greatest_epoch()
    if myself.config_epoch != 0 and myself.config_epoch == greatest:
        return False
    view.current_epoch = max(view.current_epoch, greatest) + 1
    myself.config_epoch = view.current_epoch
    machine.changed()
    outgoing.broadcast_pong(machine)
    return True


def resolve_collision(machine: Machine, sender: Node) -> None:
    """Two primaries have one config epoch: the one with the smaller name takes a new one."""
    view = machine.view
    myself = view.myself
    if myself.name >= sender.name:
        return
    view.current_epoch += 1
    myself.config_epoch = view.current_epoch
    machine.changed()


def claim(machine: Machine, node: Node, epoch: int, slots: int) -> None:
    """Give `node` each of `slots` for which `epoch` is the newest claim."""
    view = machine.view
    myself = view.myself
    if node is myself:
        return
    ours = view.shard_primary()
    ours_before = ours.slots if ours is not None else 0
    mine_before = myself.slots
    view.not_claiming &= ~(slots & node.slots)
    won = slots & ~view.assigned | slots & ~node.slots & view.not_claiming
    for other in view.numbered:
        if other is not None and other is not node and other.config_epoch < epoch:
            won |= slots & other.slots
    dropped = node.slots & ~slots
    if won:
        view.assign(won, node)
        machine.changed()
    if dropped & ~view.not_claiming:
        view.not_claiming |= dropped
        machine.unsaved = True
    dirty = mine_before & won
    update_open_slots(machine, node, epoch, slots, won)
    after_loss(machine, node, epoch, ours, ours_before & won, dirty)


def update_open_slots(machine: Machine, node: Node, epoch: int, slots: int, won: int) -> None:
    """Bring migrating and importing slots into line with a claim."""
    view = machine.view
    myself = view.myself
    for slot, target in list(view.migrating.items()):
        if has(won, slot) and node.shard != myself.shard:
            del view.migrating[slot]
            machine.changed()
        elif not has(slots, slot) and target is not node and target.shard == node.shard:
            if target.config_epoch < epoch or target.is_replica():
                view.migrating[slot] = node
                machine.changed()
    for slot, source in list(view.importing.items()):
        if has(won, slot) and source is not node:
            if source.shard == node.shard:
                view.importing[slot] = node
            else:
                del view.importing[slot]
            machine.changed()
        elif not has(slots, slot) and source is node and myself.is_primary():
            del view.importing[slot]
            machine.changed()
            if view.owner(slot) is not myself:
                view.assign(one(slot), myself)
                bump_epoch(machine)


def after_loss(machine: Machine, node: Node, epoch: int, ours: Node | None, lost: int, dirty: int) -> None:
    """Follow `node` if our shard has lost its last slot to it; else delete the keys of the slots that it has won."""
    view = machine.view
    myself = view.myself
    lost_all = ours is not None and lost != 0 and ours.slots == 0
    same_shard = node.shard == myself.shard
    replaced = (
        node.slots == 0
        and myself.slots == 0
        and ours is not None
        and ours.slots == 0
        and same_shard
        and myself.primary is not node
        and view.shown_epoch(myself) < epoch
        and node.is_primary()
    )
    follows = machine.settings.allow_replica_migration or same_shard
    if (lost_all or replaced) and follows:
        state.become_replica(machine, node, not same_shard, same_shard)
        return
    if dirty:
        dirty = machine.outside.keys_in(dirty)
        if dirty:
            machine.outside.log(f"deleting the keys of {len(members(dirty))} slots that node {node.shown()} now owns")
            machine.outside.delete_keys(dirty)
