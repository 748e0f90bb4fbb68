"""The CLUSTER subcommands that move whole slots to another node at once.  commands/cluster.py declares them.

SYNCSLOTS is what nodes say to each other; clients only get its errors.
"""

from __future__ import annotations

from typing import Final

from redpoll.cluster import operations
from redpoll.cluster.machine import Machine
from redpoll.cluster.migration_job import TRACKED, joined
from redpoll.cluster.migration_seat import SlotMover
from redpoll.cluster.node import Node
from redpoll.cluster.nodes_conf import is_name
from redpoll.cluster.router import ClusterRouter
from redpoll.cluster.slot_import import SlotImport
from redpoll.cluster_errors import (
    NO_END_SLOT,
    NO_MIGRATIONS,
    NO_SLOT_RANGES,
    SLOT_RANGES_OVERLAP,
    only_for_migrations,
    range_reversed,
    ranges_overlap,
)
from redpoll.commands.cluster_node import node_of, slot_number
from redpoll.engine.session import Session
from redpoll.errors import SYNTAX, CommandError
from redpoll.observe.client_line import client_for_log
from redpoll.protocol.numbers import is_int
from redpoll.protocol.reply import NO_REPLY, OK, Map

BETWEEN_NODES: Final = (b"ACK", b"SNAPSHOT-EOF", b"REQUEST-PAUSE", b"PAUSED", b"REQUEST-FAILOVER", b"FAILOVER-GRANTED")


def ranges_at(args: list[bytes], at: int) -> tuple[list[tuple[int, int]], int]:
    """The slot ranges from `at` on, and where they end.  Raises CommandError."""
    found: list[tuple[int, int]] = []
    while at < len(args) and is_int(args[at]):
        if at + 1 == len(args):
            raise CommandError(NO_END_SLOT)
        first, last = slot_number(args[at]), slot_number(args[at + 1])
        if first > last:
            raise CommandError(range_reversed(first, last))
        for before in found:
            if first <= before[1] and before[0] <= last:
                raise CommandError(ranges_overlap(first, last, before))
        found.append((first, last))
        at += 2
    if not found:
        raise CommandError(NO_SLOT_RANGES)
    return found, at


def migrateslots(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    operations.check_may_migrate(machine)
    migrations = machine.migrations
    wanted: list[tuple[list[tuple[int, int]], Node]] = []
    at = 2
    slots = 0
    while at < len(args):
        if args[at].upper() != b"SLOTSRANGE":
            raise CommandError(SYNTAX)
        ranges, at = ranges_at(args, at + 1)
        if at + 1 >= len(args) or args[at].upper() != b"NODE":
            raise CommandError(SYNTAX)
        target = operations.export_target(machine, args[at + 1], ranges)
        at += 2
        if slots & joined(ranges):
            raise CommandError(SLOT_RANGES_OVERLAP)
        slots |= joined(ranges)
        wanted.append((ranges, target))
    jobs = [migrations.export(ranges, target) for ranges, target in wanted]
    for job in jobs:
        migrations.outside.note(
            f"Slot migration initiated through CLUSTER MIGRATESLOTS command: {job.shown()} (user request from "
            f"'{client_for_log(session)}')"
        )
    return OK


def cancelslotmigrations(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    migrations = machine.migrations
    if len(migrations.exports()) == 0:
        raise CommandError(NO_MIGRATIONS)
    migrations.cancel()
    migrations.outside.note(f"Canceled all in progress slot migrations (user request from '{client_for_log(session)}')")
    machine.finish()
    return OK


def getslotmigrations(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    migrations = machine.migrations
    reply: list[object] = []
    for job in migrations.jobs():
        row: list[object] = [
            b"name", job.name, b"operation", b"EXPORT" if job.is_export() else b"IMPORT",
            b"slot_ranges", job.range_words(),
        ]  # fmt: skip
        if job.kind != TRACKED:
            row += [b"target_node", job.target, b"source_node", job.source]
        row += [
            b"create_time", machine.seconds(job.created), b"last_update_time", machine.seconds(job.updated),
            b"last_ack_time", machine.seconds(job.heard), b"state", job.state, b"message", job.message,
            b"cow_size", 0, b"remaining_repl_size", migrations.outside.unsent(job),
        ]  # fmt: skip
        reply.append(Map(row))
    return reply


def syncslots(session: Session, args: list[bytes]) -> object:
    if session.is_primary:
        return repeated(session, args)
    machine = node_of(session)
    word = args[2].upper()
    if word in BETWEEN_NODES:
        raise CommandError(only_for_migrations(word))
    if word == b"CAPA":
        return NO_REPLY
    if word == b"ESTABLISH":
        return establish(session, machine, args)
    raise CommandError(SYNTAX)


class Proposal:
    """The words of SYNCSLOTS ESTABLISH.  Raises CommandError."""

    def __init__(self, args: list[bytes]) -> None:
        self.source = b""
        self.name = b""
        self.ranges: list[tuple[int, int]] = []
        at = 3
        while at < len(args):
            word = args[at].upper()
            if word == b"SLOTSRANGE" and not self.ranges:
                self.ranges, at = ranges_at(args, at + 1)
                continue
            if at + 1 == len(args) or not is_name(args[at + 1]):
                raise CommandError(SYNTAX)
            if word == b"SOURCE" and not self.source:
                self.source = args[at + 1]
            elif word == b"NAME" and not self.name:
                self.name = args[at + 1]
            else:
                raise CommandError(SYNTAX)
            at += 2
        if not self.source or not self.name or not self.ranges:
            raise CommandError(SYNTAX)


def establish(session: Session, machine: Machine, args: list[bytes]) -> object:
    """Another node begins to move slots here; from now on its commands go to the import."""
    operations.check_may_migrate(machine)
    proposal = Proposal(args)
    source = operations.check_import(machine, proposal.source, proposal.ranges)
    migrations = machine.migrations
    mover = migrations.outside
    assert isinstance(mover, SlotMover)
    session.engine.unit.force()
    job = migrations.accept(proposal.name, source, proposal.ranges)
    session.peer.write(b"+OK\r\n")
    mover.imports[job.name] = SlotImport(mover, session, job)
    return NO_REPLY


def repeated(session: Session, args: list[bytes]) -> object:
    """What our primary was told, or what the append-only file says: follow the import."""
    session.engine.unit.force()
    router = session.engine.router
    if not isinstance(router, ClusterRouter):
        # The node is not active yet; it deletes the keys of others' slots when it is.
        return OK
    machine = router.machine
    machine.outside.update_time()
    word = args[2].upper()
    if word == b"ESTABLISH":
        proposal = Proposal(args)
        machine.migrations.track(proposal.name, proposal.ranges)
    elif word == b"FINISH":
        options = [args[at].upper() for at in range(3, len(args), 2)]
        values = dict(zip(options, args[4::2], strict=False))
        machine.migrations.finish_tracked(
            values.get(b"NAME", b""), values.get(b"STATE", b"").lower(), values.get(b"MESSAGE", b"")
        )
    return OK
