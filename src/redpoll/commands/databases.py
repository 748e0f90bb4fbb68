"""Whole databases: counted, emptied and exchanged."""

from __future__ import annotations

from redpoll.catalogue.spec import DANGEROUS, FAST, KEYSPACE, READONLY, WRITE
from redpoll.cluster_errors import NO_SWAPDB_IN_CLUSTER
from redpoll.commands.database_numbers import is_int32, numbered
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import FIRST_DB_INVALID, SECOND_DB_INVALID, SYNTAX, CommandError
from redpoll.keyspace.scan import visible_keys
from redpoll.persistence.saving import save
from redpoll.protocol.reply import OK


@command(
    "dbsize", arity=1, flags=READONLY | FAST, acl=KEYSPACE, group="server",
    tips="request_policy:all_shards response_policy:agg_sum",
    since="1.0.0", complexity="O(1)", summary="Return the number of keys in the database.",
)  # fmt: skip
def dbsize(session: Session, args: list[bytes]) -> object:
    return visible_keys(session.db)


def check_mode(args: list[bytes]) -> None:
    """ASYNC, SYNC or nothing, which are the same: nobody else shall wait until the memory of all keys is free."""
    if len(args) > 1 and not (len(args) == 2 and args[1].upper() in (b"ASYNC", b"SYNC")):
        raise CommandError(SYNTAX)


@command(
    "flushall", arity=-1, flags=WRITE, acl=KEYSPACE | DANGEROUS, group="server",
    tips="request_policy:all_shards response_policy:all_succeeded",
    arguments="[flush-type: ASYNC@4.0.0 | SYNC@6.2.0]",
    since="1.0.0", complexity="O(1); the memory comes back in slices",
    summary="Delete all keys of all databases.",
)  # fmt: skip
def flushall(session: Session, args: list[bytes]) -> object:
    check_mode(args)
    engine = session.engine
    if engine.router is not None:
        engine.router.flushed()
    session.journal_always()
    running = engine.durability.running
    if running is not None and not running.is_rewrite:
        running.cancel("FLUSHALL")
    for db in engine.databases:
        db.moment.changes += db.flush()
    if engine.config.words(b"save") and not engine.durability.loading:
        # Otherwise the deleted data would be back after a crash.
        save(engine)
    return OK


@command(
    "flushdb", arity=-1, flags=WRITE, acl=KEYSPACE | DANGEROUS, group="server",
    tips="request_policy:all_shards response_policy:all_succeeded",
    arguments="[flush-type: ASYNC@4.0.0 | SYNC@6.2.0]",
    since="1.0.0", complexity="O(1); the memory comes back in slices",
    summary="Delete all keys of the selected database.",
)  # fmt: skip
def flushdb(session: Session, args: list[bytes]) -> object:
    check_mode(args)
    router = session.engine.router
    if router is not None:
        router.flushed()
    session.journal_always()
    session.db.moment.changes += session.db.flush()
    return OK


def database_index(word: bytes, complaint: bytes) -> int:
    """A database's number for SWAPDB, which complains in its own words."""
    index: int = integer(word, complaint)
    if not is_int32(index):
        raise CommandError(complaint)
    return index


@command(
    "swapdb", arity=3, flags=WRITE | FAST, acl=KEYSPACE | DANGEROUS, group="server",
    arguments="index1:integer index2:integer",
    since="4.0.0", complexity="O(keys watched and waited for)", summary="Exchange the keys of two databases.",
)  # fmt: skip
def swapdb(session: Session, args: list[bytes]) -> object:
    if session.engine.router is not None:
        raise CommandError(NO_SWAPDB_IN_CLUSTER)
    one = database_index(args[1], FIRST_DB_INVALID)
    other = database_index(args[2], SECOND_DB_INVALID)
    first = numbered(session, one)
    second = numbered(session, other)
    if first is not second:
        first.named = second.named = True
        first.exchange(second)
    session.db.moment.changes += 1
    return OK
