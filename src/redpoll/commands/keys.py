"""Keys whatever they hold: existence, type, deletion, walking over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64

from redpoll.catalogue.keyspec import DELETE, RM, RO, key_range, one_key
from redpoll.catalogue.spec import DANGEROUS, FAST, KEYSPACE, LOADING, READONLY, STALE, WRITE
from redpoll.engine.args import Args, integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import FREQ_UNDER_LRU, INVALID_CURSOR, SYNTAX, CommandError
from redpoll.keyspace.scan import TypeFilter, glob_or_none, scan_keys
from redpoll.protocol.numbers import int_text, parse_scan_cursor
from redpoll.protocol.reply import OK, Status
from redpoll.types.kinds import ENCODING_NAME, TYPE_NAME

if TYPE_CHECKING:
    from redpoll.keyspace.database import Database


@command(
    "del", arity=-2, flags=WRITE, acl=KEYSPACE, keys=key_range(1, -1, 1, RM | DELETE), group="generic",
    tips="request_policy:multi_shard response_policy:agg_sum",
    since="1.0.0", complexity="O(1) for each key; large values are freed afterwards, in slices",
    summary="Delete keys; how many there were.",
)  # fmt: skip
def del_(session: Session, args: list[bytes]) -> object:
    """DEL key [key ...]"""
    deleted: i64 = 0
    for key in args[1:]:
        if session.db.delete(key):
            deleted += 1
    return deleted


@command(
    "exists", arity=-2, flags=READONLY | FAST, acl=KEYSPACE, keys=key_range(1, -1, 1, RO), group="generic",
    tips="request_policy:multi_shard response_policy:agg_sum",
    since="1.0.0", complexity="O(1) for each key", summary="How many of the named keys there are.",
)  # fmt: skip
def exists(session: Session, args: list[bytes]) -> object:
    """EXISTS key [key ...]"""
    found: i64 = 0
    for key in args[1:]:
        if session.db.peek(key):
            found += 1
    return found


TYPE_STATUS = [Status(name) for name in TYPE_NAME]
NONE = Status(b"none")


@command(
    "type", arity=2, flags=READONLY | FAST, acl=KEYSPACE, keys=one_key(RO), group="generic",
    since="1.0.0", complexity="O(1)", summary="The type of what a key holds.",
)  # fmt: skip
def type_(session: Session, args: list[bytes]) -> object:
    """TYPE key"""
    db = session.db
    return TYPE_STATUS[db.table.kind()] if db.peek(args[1]) else NONE


@command(
    "dbsize", arity=1, flags=READONLY | FAST, acl=KEYSPACE, group="server",
    tips="request_policy:all_shards response_policy:agg_sum",
    since="1.0.0", complexity="O(1)", summary="How many keys the selected database has.",
)  # fmt: skip
def dbsize(session: Session, args: list[bytes]) -> object:
    """DBSIZE"""
    return session.db.table.size


@command(
    "scan", arity=-2, flags=READONLY, acl=KEYSPACE, group="generic",
    tips="nondeterministic_output request_policy:special response_policy:special",
    since="2.8.0", complexity="O(1) for each call, O(keys) for a whole walk",
    summary="Walk over the keys of a database, some with each call.",
)  # fmt: skip
def scan(session: Session, args: list[bytes]) -> object:
    """SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]"""
    cursor = parse_scan_cursor(args[1])
    if cursor is None:
        raise CommandError(INVALID_CURSOR)
    count: i64 = 10
    pattern: bytes | None = None
    wanted = TypeFilter(None)
    options = Args(args, 2)
    while options.left() > 0:
        word = options.word()
        if word == b"NOVALUES" or word == b"NOSCORES":
            only = b"HSCAN" if word == b"NOVALUES" else b"ZSCAN"
            raise CommandError(b"ERR %b option can only be used in %b" % (word, only))
        if options.left() == 0:
            raise CommandError(SYNTAX)
        if word == b"COUNT":
            count = integer(options.next())
            if count < 1:
                raise CommandError(SYNTAX)
        elif word == b"MATCH":
            pattern = options.next()
        elif word == b"TYPE":
            wanted = TypeFilter(options.next())
        else:
            raise CommandError(SYNTAX)
    following, keys = scan_keys(session.db, cursor, count, glob_or_none(pattern), wanted)
    return [int_text(following), keys]


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


@command(
    "object", arity=-2, flags=0, group="generic", since="2.2.3", complexity="depends on the subcommand",
    summary="How a key's value is kept.",
)  # fmt: skip
def object_(session: Session, args: list[bytes]) -> object:
    """OBJECT subcommand"""
    raise AssertionError("a container is resolved before it runs")


def _found(db: Database, key: bytes) -> bool:
    return db.peek(key, False)


@command(
    "object|encoding", arity=3, flags=READONLY, acl=KEYSPACE, keys=one_key(RO, 2), group="generic",
    tips="nondeterministic_output",
    since="2.2.3", complexity="O(1)", summary="The encoding of a key's value.",
)  # fmt: skip
def object_encoding(session: Session, args: list[bytes]) -> object:
    """OBJECT ENCODING key"""
    return ENCODING_NAME[session.db.table.kind()] if _found(session.db, args[2]) else None


@command(
    "object|refcount", arity=3, flags=READONLY, acl=KEYSPACE, keys=one_key(RO, 2), group="generic",
    tips="nondeterministic_output",
    since="2.2.3", complexity="O(1)", summary="How many share the value: always 1.",
)  # fmt: skip
def object_refcount(session: Session, args: list[bytes]) -> object:
    """OBJECT REFCOUNT key"""
    return 1 if _found(session.db, args[2]) else None


@command(
    "object|idletime", arity=3, flags=READONLY, acl=KEYSPACE, keys=one_key(RO, 2), group="generic",
    tips="nondeterministic_output",
    since="2.2.3", complexity="O(1)", summary="Seconds since a key was last read or written.",
)  # fmt: skip
def object_idletime(session: Session, args: list[bytes]) -> object:
    """OBJECT IDLETIME key"""
    db = session.db
    return (db.moment.clock - db.table.access_clock()) & 0xFFFFFF if _found(db, args[2]) else None


@command(
    "object|freq", arity=3, flags=READONLY, acl=KEYSPACE, keys=one_key(RO, 2), group="generic",
    tips="nondeterministic_output",
    since="4.0.0", complexity="O(1)", summary="How often a key is used, under an LFU policy.",
)  # fmt: skip
def object_freq(session: Session, args: list[bytes]) -> object:
    """OBJECT FREQ key"""
    if not _found(session.db, args[2]):
        return None
    raise CommandError(FREQ_UNDER_LRU)


@command(
    "object|help", arity=2, flags=LOADING | STALE, acl=KEYSPACE, group="generic",
    since="6.2.0", complexity="O(1)", summary="What OBJECT can tell.",
)  # fmt: skip
def object_help(session: Session, args: list[bytes]) -> object:
    """OBJECT HELP"""
    return help_lines(b"OBJECT", [
        b"ENCODING <key>", b"The encoding of the key's value.",
        b"FREQ <key>", b"How often the key is used, under an LFU policy.",
        b"IDLETIME <key>", b"Seconds since the key was last used.",
        b"REFCOUNT <key>", b"How many share the value.",
    ])  # fmt: skip


def help_lines(container: bytes, lines: list[bytes]) -> list[object]:
    """The reply of HELP subcommands: forms and their descriptions by turns in `lines`."""
    found: list[object] = [Status(b"%b <subcommand> [<arg> [value] [opt] ...]. Subcommands are:" % container)]
    for n in range(0, len(lines), 2):
        found.append(Status(lines[n]))
        found.append(Status(b"    " + lines[n + 1]))
    found.append(Status(b"HELP"))
    found.append(Status(b"    Print this help."))
    return found
