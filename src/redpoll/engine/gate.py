"""The checks before a command, one for each gate, in the reference's order (spec/server.md, section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.catalogue.spec import DENYOOM, NO_MULTI
from redpoll.engine.command import Command
from redpoll.engine.gates import (
    GATE_CLUSTER,
    GATE_DEBUG,
    GATE_LOADING,
    GATE_MONITOR,
    GATE_MULTI,
    GATE_NOAUTH,
    GATE_OOM,
    GATE_PAUSED,
    GATE_SUBSCRIBED,
    GATE_WRITE_DISK,
)
from redpoll.engine.session import Session, Transaction
from redpoll.errors import (
    DEBUG_NOT_ALLOWED,
    MODULE_NOT_ALLOWED,
    NO_KEYS_FOR_MONITORS,
    NO_ROOM,
    NOAUTH,
    cannot_save,
    loading,
    not_in_transaction,
    only_for_subscribers,
)
from redpoll.protocol.reply import QUEUED, Marker

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine

RUN_IN_MULTI: Final = frozenset((b"exec", b"discard", b"multi", b"watch", b"quit", b"reset"))

MAY_RUN: Final = Marker("may run")


def check(engine: Engine, session: Session, command: Command, args: list[bytes], gates: i64) -> object:
    """Check the closed gates.

    Returns MAY_RUN, or the reply of the first one that stops the command: an error, QUEUED or BLOCKED.
    """
    if gates & GATE_NOAUTH:
        return engine.refuse(session, command, NOAUTH)
    if gates & GATE_DEBUG:
        if command.name == b"debug":
            if not engine.allows_debug(session):
                return engine.refuse(session, command, DEBUG_NOT_ALLOWED)
        elif not engine.allows_modules(session):
            return engine.refuse(session, command, MODULE_NOT_ALLOWED)
    transaction = session.transaction
    if transaction is not None and command.flag(NO_MULTI):
        return engine.refuse(session, command, not_in_transaction(command.name))
    if gates & GATE_CLUSTER:
        misplaced = engine.misplaced(session, command, args)
        if misplaced is not None:
            return misplaced
    if gates & GATE_OOM and not engine.eviction.make_room() and asks_for_memory(transaction, command):
        return engine.refuse(session, command, NO_ROOM)
    if gates & GATE_WRITE_DISK:
        return engine.refuse(session, command, cannot_save(engine.options.extended_redis_compatibility))
    if gates & GATE_SUBSCRIBED:
        return engine.refuse(session, command, only_for_subscribers(command.name))
    if gates & GATE_LOADING:
        return engine.refuse(session, command, loading(engine.options.extended_redis_compatibility))
    if gates & GATE_MONITOR:
        return engine.refuse(session, command, NO_KEYS_FOR_MONITORS)
    if gates & GATE_PAUSED and engine.pause.holds(session, command):
        return engine.pause.postpone(session, command, args)
    if transaction is not None and gates & GATE_MULTI and command.name not in RUN_IN_MULTI:
        if not transaction.spoiled and not session.watch_broken:
            # A transaction that has failed already need not queue more commands.
            transaction.queued.append(args)
            if engine.options.maxmemory_clients != 0:
                for word in args:
                    transaction.size += len(word)
            if engine.outliers.weighing:
                transaction.weighed = True
            transaction.gates |= command.gates
            if command.flag(DENYOOM):
                transaction.asks_for_memory = True
        session.last_command = command.name
        return QUEUED
    return MAY_RUN


def asks_for_memory(transaction: Transaction | None, command: Command) -> bool:
    """Whether a command may take more memory; EXEC may if one of those queued may."""
    if command.name == b"exec":
        return transaction is not None and transaction.asks_for_memory
    return command.flag(DENYOOM)
