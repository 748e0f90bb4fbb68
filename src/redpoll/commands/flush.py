"""Whole databases: emptied and exchanged."""

from __future__ import annotations

from redpoll.catalogue.spec import DANGEROUS, KEYSPACE, WRITE
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import SYNTAX, CommandError
from redpoll.protocol.reply import OK


class FlushMode:
    """ASYNC, SYNC or nothing (then lazily, as `lazyfree-lazy-user-flush` is on unless changed)."""

    def __init__(self, session: Session, args: list[bytes]) -> None:
        self.lazily = session.engine.lazy_flush
        if len(args) == 2 and args[1].upper() == b"ASYNC":
            self.lazily = True
        elif len(args) == 2 and args[1].upper() == b"SYNC":
            self.lazily = False
        elif len(args) > 1:
            raise CommandError(SYNTAX)


@command(
    "flushall", arity=-1, flags=WRITE, acl=KEYSPACE | DANGEROUS, group="server",
    tips="request_policy:all_shards response_policy:all_succeeded",
    since="1.0.0", complexity="O(1); the memory comes back in slices, with SYNC at once",
    summary="Delete all keys of all databases.",
)  # fmt: skip
def flushall(session: Session, args: list[bytes]) -> object:
    """FLUSHALL [ASYNC | SYNC]"""
    mode = FlushMode(session, args)
    for db in session.engine.databases:
        db.moment.changes += db.flush(mode.lazily)
    return OK


@command(
    "flushdb", arity=-1, flags=WRITE, acl=KEYSPACE | DANGEROUS, group="server",
    tips="request_policy:all_shards response_policy:all_succeeded",
    since="1.0.0", complexity="O(1); the memory comes back in slices, with SYNC at once",
    summary="Delete all keys of the selected database.",
)  # fmt: skip
def flushdb(session: Session, args: list[bytes]) -> object:
    """FLUSHDB [ASYNC | SYNC]"""
    mode = FlushMode(session, args)
    session.db.moment.changes += session.db.flush(mode.lazily)
    return OK
