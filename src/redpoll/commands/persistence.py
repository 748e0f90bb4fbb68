"""Saving to disk: SAVE, BGSAVE, BGREWRITEAOF and LASTSAVE."""

from __future__ import annotations

from redpoll.catalogue.spec import (
    ADMIN,
    ADMINISTRATIVE,
    DANGEROUS,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    STALE,
)
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import (
    NO_SAVE_DURING_REWRITE,
    NO_SAVE_IN_PROGRESS,
    REWRITE_FAILED,
    REWRITE_IN_PROGRESS,
    SAVE_FAILED,
    SAVE_IN_PROGRESS,
    SYNTAX,
    CommandError,
)
from redpoll.persistence import background
from redpoll.persistence.saving import save
from redpoll.protocol.reply import OK, Status


@command(
    "save", arity=1, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI, group="server",
    since="1.0.0", complexity="O(data)", summary="Save all data to the snapshot file; all clients wait.",
)  # fmt: skip
def save_(session: Session, args: list[bytes]) -> object:
    running = session.engine.durability.running
    if running is not None and running.is_save():
        raise CommandError(SAVE_IN_PROGRESS)
    session.engine.durability.saves += 1
    if not save(session.engine):
        raise CommandError(SAVE_FAILED)
    return OK


@command(
    "bgsave", arity=-1, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING, group="server",
    arguments="[operation: SCHEDULE@3.2.2 | CANCEL@8.1.0]",
    since="1.0.0", complexity="O(1), then O(data) in slices",
    summary="Save the data of this moment to the snapshot file while commands run.",
)  # fmt: skip
def bgsave(session: Session, args: list[bytes]) -> object:
    words = [word.upper() for word in args[1:]]
    if words not in ([], [b"SCHEDULE"], [b"CANCEL"]):
        raise CommandError(SYNTAX)
    engine = session.engine
    running = engine.durability.running
    if words == [b"CANCEL"]:
        if running is not None and running.is_save():
            running.cancel("BGSAVE CANCEL")
            return Status(b"Background saving cancelled")
        if engine.durability.scheduled:
            engine.durability.scheduled = False
            return Status(b"Scheduled background saving cancelled")
        raise CommandError(NO_SAVE_IN_PROGRESS)
    if running is not None and running.is_save():
        raise CommandError(SAVE_IN_PROGRESS)
    if running is not None:
        if words != [b"SCHEDULE"]:
            raise CommandError(NO_SAVE_DURING_REWRITE)
        engine.durability.scheduled = True
        return Status(b"Background saving scheduled")
    if session.executing > 0:
        # A snapshot must not contain an unfinished transaction.
        background.schedule(engine)
        return Status(b"Background saving scheduled")
    # It may have failed already: the status in INFO and the log tell.
    background.start(engine)
    return Status(b"Background saving started")


@command(
    "bgrewriteaof", arity=1, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING, group="server",
    since="1.0.0", complexity="O(1), then O(data) in slices",
    summary="Rewrite the append-only file to the commands that create the data of this moment, while commands run.",
)  # fmt: skip
def bgrewriteaof(session: Session, args: list[bytes]) -> object:
    durability = session.engine.durability
    log = durability.append_only
    if log is None:
        raise CommandError(REWRITE_FAILED)
    running = durability.running
    if running is not None and running.is_rewrite:
        raise CommandError(REWRITE_IN_PROGRESS)
    if running is not None or session.executing > 0:
        # A base must not contain an unfinished transaction.
        log.schedule()
        return Status(b"Background append only file rewriting scheduled")
    if not log.rewrite():
        raise CommandError(REWRITE_FAILED)
    return Status(b"Background append only file rewriting started")


@command(
    "lastsave", arity=1, flags=LOADING | STALE | FAST, acl=ADMINISTRATIVE | DANGEROUS, group="server",
    tips="nondeterministic_output",
    since="1.0.0", complexity="O(1)",
    summary="Return the Unix time of the last save, or of the start of the server.",
)  # fmt: skip
def lastsave(session: Session, args: list[bytes]) -> object:
    return session.engine.durability.saved_s
