"""SHUTDOWN: the end of the server."""

from __future__ import annotations

from redpoll.catalogue.spec import ADMIN, ALLOW_BUSY, LOADING, NO_MULTI, NOSCRIPT, STALE
from redpoll.cluster_errors import FAILOVER_NEEDS_CLUSTER
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import NO_SHUTDOWN, SYNTAX, CommandError
from redpoll.observe.client_line import client_for_log
from redpoll.protocol.reply import NO_REPLY, OK

WORDS = frozenset((b"NOSAVE", b"SAVE", b"NOW", b"FORCE", b"SAFE", b"FAILOVER"))


@command(
    "shutdown", arity=-1, flags=ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY, group="server",
    arguments="[abort-selector: (save-selector-block: [save-selector: NOSAVE | "
              "SAVE] [NOW@7.0.0] [FORCE@7.0.0] [SAFE@9.0.0] [FAILOVER@9.0.0]) | ABORT@7.0.0]",
    since="1.0.0", complexity="O(data) if it is saved, else O(1)", summary="Stop the server.",
)  # fmt: skip
def shutdown(session: Session, args: list[bytes]) -> object:
    words = [word.upper() for word in args[1:]]
    if words == [b"ABORT"]:
        if not session.engine.host.go_on():
            raise CommandError(NO_SHUTDOWN)
        return OK
    if not WORDS.issuperset(words) or (b"SAVE" in words and b"NOSAVE" in words):
        raise CommandError(SYNTAX)
    if b"FAILOVER" in words:
        raise CommandError(FAILOVER_NEEDS_CLUSTER)
    session.last_command = b"shutdown"
    refusal = session.engine.host.shut_down(session, client_for_log(session).encode("utf-8", "surrogateescape"), words)
    if refusal:
        raise CommandError(refusal)
    if session.engine.host.waits_to_end():
        return session.engine.blocking.block(session, args, [], 0, None, 0)
    return NO_REPLY
