"""MONITOR: show all commands as they run."""

from __future__ import annotations

from redpoll.catalogue.spec import ADMIN, LOADING, NOSCRIPT, STALE
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import NO_MONITOR, CommandError
from redpoll.protocol.reply import NO_REPLY, OK


@command(
    "monitor", arity=1, flags=ADMIN | NOSCRIPT | LOADING | STALE, group="server",
    since="1.0.0", complexity="O(1)", summary="Show every command that the server runs.",
)  # fmt: skip
def monitor(session: Session, args: list[bytes]) -> object:
    if not session.can_block():
        raise CommandError(NO_MONITOR)
    if session.monitors:
        return NO_REPLY
    session.engine.monitors.add(session)
    return OK
