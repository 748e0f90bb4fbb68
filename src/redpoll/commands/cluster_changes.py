"""The CLUSTER subcommands that change the node.  commands/cluster.py declares them.

Each ends with `finish`: what it changes is on disk, and on its way to other nodes, before the reply.
"""

from __future__ import annotations

import ipaddress

from redpoll.cluster import claims, operations
from redpoll.cluster.machine import Machine
from redpoll.cluster.seat import BUS_OFFSET, MOST_PORT
from redpoll.cluster.slot_sets import has, one, span
from redpoll.cluster_errors import (
    BUS_PORT_OUT_OF_RANGE,
    CLUSTER_SAVE_FAILED,
    PORT_OUT_OF_RANGE,
    SETSLOT_ACTION,
    invalid_base_port,
    invalid_bus_port,
    invalid_epoch,
    invalid_node_address,
    slot_busy,
    slot_repeated,
    slot_unassigned,
    slots_reversed,
)
from redpoll.commands.cluster_node import node_of, slot_number
from redpoll.engine.args import integer
from redpoll.engine.session import Session
from redpoll.errors import (
    SYNTAX,
    TIMEOUT_MISSING,
    TIMEOUT_NEGATIVE,
    TIMEOUT_NOT_AN_INTEGER,
    CommandError,
    wrong_arity,
    wrong_subcommand,
)
from redpoll.keyspace.events import DEL
from redpoll.protocol.numbers import is_int
from redpoll.protocol.reply import OK, Status

# Slots.


def listed(machine: Machine, words: list[bytes], add: bool) -> int:
    """The slots that are listed, all of which must be free (`add`) or taken."""
    found = 0
    for word in words:
        slot = slot_number(word)
        found = with_slots(machine, found, one(slot), slot, slot, add)
    return found


def ranged(machine: Machine, args: list[bytes], add: bool) -> int:
    """The slots of the ranges."""
    if len(args) % 2 != 0:
        raise CommandError(wrong_arity(b"cluster|addslotsrange" if add else b"cluster|delslotsrange"))
    pairs: list[tuple[int, int]] = []
    for at in range(2, len(args), 2):
        first, last = slot_number(args[at]), slot_number(args[at + 1])
        if first > last:
            raise CommandError(slots_reversed(first, last))
        pairs.append((first, last))
    found = 0
    for first, last in pairs:
        found = with_slots(machine, found, span(first, last), first, last, add)
    return found


def with_slots(machine: Machine, found: int, more: int, first: int, last: int, add: bool) -> int:
    """`found` and `more`; complains about the first slot that cannot be used."""
    assigned = machine.view.assigned
    wrong = (more & assigned if add else more & ~assigned) | (more & found)
    if wrong:
        for slot in range(first, last + 1):
            if has(assigned, slot) == add:
                raise CommandError(slot_busy(slot) if add else slot_unassigned(slot))
            if has(found, slot):
                raise CommandError(slot_repeated(slot))
    return found | more


def addslots(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    return added(machine, listed(machine, args[2:], True))


def addslotsrange(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    return added(machine, ranged(machine, args, True))


def delslots(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    return removed(machine, listed(machine, args[2:], False))


def delslotsrange(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    return removed(machine, ranged(machine, args, False))


def added(machine: Machine, slots: int) -> object:
    operations.add_slots(machine, slots)
    machine.finish()
    return OK


def removed(machine: Machine, slots: int) -> object:
    operations.remove_slots(machine, slots)
    machine.finish()
    return OK


def flushslots(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    operations.flush_slots(machine)
    machine.finish()
    return OK


def flushslot(session: Session, args: list[bytes]) -> object:
    node_of(session)
    slot = slot_number(args[2])
    if len(args) > 4:
        raise CommandError(wrong_subcommand(args[1], b"CLUSTER"))
    if len(args) == 4 and args[3].upper() not in (b"ASYNC", b"SYNC"):
        raise CommandError(SYNTAX)
    for db in session.engine.databases:
        db.flush_slot(slot, DEL)
    return OK


def setslot(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    operations.check_may_set_slots(machine)
    slot = slot_number(args[2])
    action = args[3].upper()
    if action == b"STABLE":
        check_timeout(args, 4)
        operations.set_stable(machine, slot)
    elif action == b"MIGRATING" and len(args) > 4:
        target = operations.migration_target(machine, slot, args[4])
        check_timeout(args, 5)
        operations.set_migrating(machine, slot, target)
    elif action == b"IMPORTING" and len(args) > 4:
        source = operations.import_source(machine, slot, args[4])
        check_timeout(args, 5)
        operations.set_importing(machine, slot, source)
    elif action == b"NODE" and len(args) > 4:
        owner = operations.new_owner(machine, slot, args[4])
        check_timeout(args, 5)
        operations.set_owner(machine, slot, owner)
    else:
        raise CommandError(SETSLOT_ACTION)
    machine.finish()
    return OK


def check_timeout(args: list[bytes], at: int) -> None:
    """TIMEOUT among the words from `at` on, of which all others are ignored."""
    while at < len(args):
        if args[at].upper() == b"TIMEOUT":
            at += 1
            if at >= len(args):
                raise CommandError(TIMEOUT_MISSING)
            if integer(args[at], TIMEOUT_NOT_AN_INTEGER) < 0:
                raise CommandError(TIMEOUT_NEGATIVE)
        at += 1


# Nodes.


def meet(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    if len(args) > 5:
        raise CommandError(wrong_subcommand(args[1], b"CLUSTER"))
    if not is_int(args[3]):
        raise CommandError(invalid_base_port(args[3]))
    port = int(args[3])
    if not 0 < port <= MOST_PORT:
        raise CommandError(PORT_OUT_OF_RANGE)
    bus_port = port + BUS_OFFSET
    if len(args) == 5:
        if not is_int(args[4]):
            raise CommandError(invalid_bus_port(args[4]))
        bus_port = int(args[4])
    if not 0 < bus_port <= MOST_PORT:
        raise CommandError(BUS_PORT_OUT_OF_RANGE)
    ip = normal_address(args[2])
    if not ip:
        raise CommandError(invalid_node_address(args[2], args[3]))
    operations.meet(machine, ip, port, bus_port)
    machine.finish()
    return OK


def normal_address(word: bytes) -> bytes:
    """A literal IP address in its usual spelling; empty if `word` is none."""
    try:
        return str(ipaddress.ip_address(word.decode("ascii"))).encode()
    except ValueError:
        return b""


def forget(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    operations.forget(machine, args[2])
    machine.finish()
    return OK


def replicate(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    if len(args) == 4 and args[2].upper() == b"NO" and args[3].upper() == b"ONE":
        operations.replicate_no_one(machine)
    elif len(args) == 3:
        operations.replicate(machine, args[2])
    else:
        raise CommandError(wrong_subcommand(args[1], b"CLUSTER"))
    machine.finish()
    return OK


def reset(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    if len(args) > 3:
        raise CommandError(wrong_subcommand(args[1], b"CLUSTER"))
    hard = len(args) == 3 and args[2].upper() == b"HARD"
    if len(args) == 3 and not hard and args[2].upper() != b"SOFT":
        raise CommandError(SYNTAX)
    operations.reset(machine, hard)
    machine.finish()
    return OK


# Epochs.


def failover(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    word = args[2].upper() if len(args) > 2 else b""
    if len(args) > 3 or word not in (b"", b"FORCE", b"TAKEOVER"):
        raise CommandError(SYNTAX)
    operations.failover(machine, word == b"FORCE", word == b"TAKEOVER")
    machine.finish()
    return OK


def set_config_epoch(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    epoch: int = integer(args[2])
    if epoch < 0:
        raise CommandError(invalid_epoch(epoch))
    operations.set_config_epoch(machine, epoch)
    machine.finish()
    return OK


def bumpepoch(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    bumped = claims.bump_epoch(machine)
    machine.finish()
    return Status(b"%s %d" % (b"BUMPED" if bumped else b"STILL", machine.view.myself.config_epoch))


def saveconfig(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    machine.unsaved = True
    machine.finish()
    if machine.unsaved:
        raise CommandError(CLUSTER_SAVE_FAILED)
    return OK
