"""Commands on keys of any type: existence, type, deletion, search."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import DELETE, RM, RO, key_range, one_key
from redpoll.catalogue.spec import DANGEROUS, FAST, KEYSPACE, READONLY, WRITE
from redpoll.commands.scan_options import ScanOptions, scan_cursor
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.keyspace.scan import all_keys, glob_or_none, random_key, scan_keys, slot_of_matches
from redpoll.protocol.numbers import int_text
from redpoll.protocol.reply import Status
from redpoll.types.kinds import TYPE_NAME


def deleted(session: Session, args: list[bytes]) -> int:
    """Delete the keys named after the command; return how many there were."""
    found: i64 = 0
    for key in args[1:]:
        if session.db.delete(key):
            found += 1
    return int(found)


class Del(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return deleted(session, args)


command(
    "del", arity=-2, flags=WRITE, acl=KEYSPACE, keys=key_range(1, -1, 1, RM | DELETE), group="generic",
    tips="request_policy:multi_shard response_policy:agg_sum",
    arguments="key#0 ...",
    since="1.0.0", complexity="O(1) for each key; of large values only strings are freed at once",
    summary="Delete keys and return how many existed.",
)(Del())  # fmt: skip


@command(
    "unlink", arity=-2, flags=WRITE | FAST, acl=KEYSPACE, keys=key_range(1, -1, 1, RM | DELETE), group="generic",
    tips="request_policy:multi_shard response_policy:agg_sum",
    arguments="key#0 ...",
    since="4.0.0", complexity="O(1) for each key; of large values only strings are freed at once",
    summary="Delete keys, free their memory later, and return how many existed.",
)  # fmt: skip
def unlink(session: Session, args: list[bytes]) -> object:
    return deleted(session, args)


class Exists(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        found: i64 = 0
        for key in args[1:]:
            if session.db.peek(key):
                found += 1
        return found


command(
    "exists", arity=-2, flags=READONLY | FAST, acl=KEYSPACE, keys=key_range(1, -1, 1, RO), group="generic",
    tips="request_policy:multi_shard response_policy:agg_sum",
    arguments="key#0 ...",
    since="1.0.0", complexity="O(1) for each key", summary="Return how many of the keys exist.",
)(Exists())  # fmt: skip


@command(
    "touch", arity=-2, flags=READONLY | FAST, acl=KEYSPACE, keys=key_range(1, -1, 1, RO), group="generic",
    tips="request_policy:multi_shard response_policy:agg_sum",
    arguments="key#0 ...",
    since="3.2.1", complexity="O(1) for each key", summary="Update the access time of keys and return how many exist.",
)  # fmt: skip
def touch(session: Session, args: list[bytes]) -> object:
    found: i64 = 0
    for key in args[1:]:
        if session.db.look(key):
            found += 1
    return found


TYPE_STATUS: Final = [Status(name) for name in TYPE_NAME]
NONE: Final = Status(b"none")


@command(
    "type", arity=2, flags=READONLY | FAST, acl=KEYSPACE, keys=one_key(RO), group="generic",
    arguments="key#0",
    since="1.0.0", complexity="O(1)", summary="Return the type of a value.",
)  # fmt: skip
def type_(session: Session, args: list[bytes]) -> object:
    db = session.db
    return TYPE_STATUS[db.table.kind()] if db.peek(args[1]) else NONE


@command(
    "keys", arity=2, flags=READONLY, acl=KEYSPACE | DANGEROUS, group="generic",
    tips="request_policy:all_shards nondeterministic_output_order",
    arguments="pattern:pattern",
    since="1.0.0", complexity="O(keys of the database)", summary="Return all keys that match a pattern.",
)  # fmt: skip
def keys(session: Session, args: list[bytes]) -> object:
    return all_keys(session.db, glob_or_none(args[1]), slot_of_matches(session.db, args[1]))


@command(
    "randomkey", arity=1, flags=READONLY, acl=KEYSPACE, group="generic",
    tips="request_policy:all_shards response_policy:special nondeterministic_output",
    since="1.0.0", complexity="O(1) on average", summary="Return a random key of the database.",
)  # fmt: skip
def randomkey(session: Session, args: list[bytes]) -> object:
    return random_key(session.db, session.engine.random)


@command(
    "scan", arity=-2, flags=READONLY, acl=KEYSPACE, group="generic",
    tips="nondeterministic_output request_policy:special response_policy:special",
    arguments="cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [TYPE type@6.0.0]",
    since="2.8.0", complexity="O(1) for each call, O(keys) for a whole walk",
    summary="Iterate over the keys of the database, a few with each call.",
)  # fmt: skip
def scan(session: Session, args: list[bytes]) -> object:
    cursor = scan_cursor(args[1])
    options = ScanOptions(args, 2, b"SCAN")
    only = slot_of_matches(session.db, options.pattern)
    following, keys = scan_keys(session.db, cursor, options.count, options.glob, options.type, only)
    return [int_text(following), keys]
