"""The checks before a command that a gate's bit calls for, in the reference's order (spec/server.md, section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redpoll.catalogue.spec import NO_MULTI
from redpoll.engine.command import Command
from redpoll.engine.gates import GATE_DEBUG, GATE_MULTI, GATE_NOAUTH
from redpoll.engine.session import Session
from redpoll.errors import DEBUG_NOT_ALLOWED, NOAUTH, not_in_transaction
from redpoll.protocol.reply import QUEUED, Error

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine

RUN_IN_MULTI = frozenset((b"exec", b"discard", b"multi", b"watch", b"quit", b"reset"))


def check(engine: Engine, session: Session, command: Command, args: list[bytes]) -> object | None:
    """The reply of a command that may not run now (an Error, or QUEUED), or None if it may."""
    gates = command.gates & (engine.gates | session.gates)
    if gates & GATE_NOAUTH:
        return Error(NOAUTH)
    if gates & GATE_DEBUG and not engine.allows_debug(session):
        return Error(DEBUG_NOT_ALLOWED)
    transaction = session.transaction
    if transaction is not None:
        if command.flag(NO_MULTI):
            return Error(not_in_transaction(command.name))
        if gates & GATE_MULTI and command.name not in RUN_IN_MULTI:
            transaction.queued.append(args)
            session.last_command = command.name
            return QUEUED
    return None
