"""The checks before a command that a gate's bit calls for, in the reference's order (spec/server.md, section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.catalogue.spec import NO_MULTI
from redpoll.engine.command import Command
from redpoll.engine.gates import (
    GATE_DEBUG,
    GATE_LOADING,
    GATE_MONITOR,
    GATE_MULTI,
    GATE_NOAUTH,
    GATE_PAUSED,
    GATE_WRITE_DISK,
)
from redpoll.engine.session import Session
from redpoll.errors import (
    DEBUG_NOT_ALLOWED,
    MODULE_NOT_ALLOWED,
    NO_KEYS_FOR_MONITORS,
    NOAUTH,
    cannot_save,
    loading,
    not_in_transaction,
)
from redpoll.protocol.reply import QUEUED, Marker

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine

RUN_IN_MULTI: Final = frozenset((b"exec", b"discard", b"multi", b"watch", b"quit", b"reset"))

MAY_RUN: Final = Marker("may run")


def check(engine: Engine, session: Session, command: Command, args: list[bytes], gates: i64) -> object:
    """MAY_RUN, or the reply of the first closed gate that holds the command up: a refusal, QUEUED, BLOCKED."""
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
    if gates & GATE_WRITE_DISK:
        return engine.refuse(session, command, cannot_save(engine.options.extended_redis_compatibility))
    if gates & GATE_LOADING:
        return engine.refuse(session, command, loading(engine.options.extended_redis_compatibility))
    if gates & GATE_MONITOR:
        return engine.refuse(session, command, NO_KEYS_FOR_MONITORS)
    if gates & GATE_PAUSED and engine.pause.holds(session, command):
        return engine.pause.postpone(session, command, args)
    if transaction is not None and gates & GATE_MULTI and command.name not in RUN_IN_MULTI:
        if not transaction.spoiled and not session.watch_broken:
            # What cannot run any more need not be kept.
            transaction.queued.append(args)
            if engine.outliers.weighing:
                transaction.weighed = True
            transaction.gates |= command.gates
        session.last_command = command.name
        return QUEUED
    return MAY_RUN
