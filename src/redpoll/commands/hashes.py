"""Hashes: fields and values under one key.

`hash_numbers.py` counts in them, `hash_random.py` draws fields, `hash_expiry.py` and `hash_takes.py` deal with fields
that have deadlines.
"""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, INSERT, RO, RW, UPDATE, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, HASH, READONLY, WRITE
from redpoll.commands.hash_fields import tell_overwritten
from redpoll.commands.hash_replies import BOTH, FIELDS, VALUES, all_fields, no_fields
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.errors import CommandError, wrong_arity
from redpoll.keyspace.events import HDEL, HSET
from redpoll.protocol.reply import ARRAY, MAP, OK


def put_pairs(session: Session, args: list[bytes]) -> i64:
    """Set the fields that `args` names from the third on; return how many are new."""
    count: i64 = len(args)
    key = args[1]
    value = session.db.hash_to_change(key, True)
    assert value is not None

    added: i64 = 0
    i: i64 = 2
    while i < count:
        if value.put(args[i], args[i + 1]):
            added += 1
        i += 2

    if value.times is not None:
        tell_overwritten(session, key, value)
    session.changed(key, value, HSET, (count - 2) >> 1)
    return added


class Hset(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        if len(args) & 1 != 0:
            raise CommandError(wrong_arity(b"hset"))
        return put_pairs(session, args)


command(
    "hset", arity=-4, flags=WRITE | DENYOOM | FAST, acl=HASH, keys=one_key(RW | UPDATE), group="hash",
    arguments="key#0 (data: field value) ...",
    since="2.0.0", complexity="O(1) for each field", summary="Set hash fields and return how many are new.",
)(Hset())  # fmt: skip


@command(
    "hmset", arity=-4, flags=WRITE | DENYOOM | FAST, acl=HASH, keys=one_key(RW | UPDATE), group="hash",
    arguments="key#0 (data: field value) ...",
    since="2.0.0", complexity="O(1) for each field", summary="Set several hash fields.",
)  # fmt: skip
def hmset(session: Session, args: list[bytes]) -> object:
    if len(args) & 1 != 0:
        raise CommandError(wrong_arity(b"hmset"))
    put_pairs(session, args)
    return OK


@command(
    "hsetnx", arity=4, flags=WRITE | DENYOOM | FAST, acl=HASH, keys=one_key(RW | INSERT), group="hash",
    arguments="key#0 field value",
    since="2.0.0", complexity="O(1)", summary="Set a hash field if it does not exist; return whether it was set.",
)  # fmt: skip
def hsetnx(session: Session, args: list[bytes]) -> object:
    key = args[1]
    value = session.db.hash_to_change(key, True)
    assert value is not None
    if value.locate(args[2]):
        return 0
    value.put(args[2], args[3])
    if value.times is not None:
        # A replica does not expire fields by itself, and may still have the old one.
        session.journal_as([b"HSET", key, args[2], args[3]])
        tell_overwritten(session, key, value)
    session.changed(key, value, HSET, 1)
    return 1


class Hget(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        value = session.db.hash(args[1])
        return value.get(args[2]) if value is not None else None


command(
    "hget", arity=3, flags=READONLY | FAST, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    arguments="key#0 field",
    since="2.0.0", complexity="O(1)", summary="Return the value of a hash field.",
)(Hget())  # fmt: skip


class Hmget(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        value = session.db.hash(args[1])
        found: list[object] = []
        i: i64 = 2
        while i < len(args):
            found.append(value.get(args[i]) if value is not None else None)
            i += 1
        return found


command(
    "hmget", arity=-3, flags=READONLY | FAST, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    arguments="key#0 field ...",
    since="2.0.0", complexity="O(1) for each field", summary="Return the values of several hash fields.",
)(Hmget())  # fmt: skip


class Hdel(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        value = session.db.hash_to_change(args[1], False)
        if value is None:
            return 0
        removed: i64 = 0
        for field in args[2:]:
            if value.remove(field):
                removed += 1
        if removed > 0:
            session.changed(args[1], value, HDEL, removed)
        return removed


command(
    "hdel", arity=-3, flags=WRITE | FAST, acl=HASH, keys=one_key(RW | DELETE), group="hash",
    arguments="key#0 field ...",
    since="2.0.0", complexity="O(1) for each field", summary="Delete fields of a hash and return how many existed.",
)(Hdel())  # fmt: skip


class Hexists(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        value = session.db.hash(args[1])
        return int(value is not None and value.locate(args[2]))


command(
    "hexists", arity=3, flags=READONLY | FAST, acl=HASH, keys=one_key(RO), group="hash",
    arguments="key#0 field",
    since="2.0.0", complexity="O(1)", summary="Return whether a field of a hash exists.",
)(Hexists())  # fmt: skip


@command(
    "hlen", arity=2, flags=READONLY | FAST, acl=HASH, keys=one_key(RO), group="hash",
    arguments="key#0",
    since="2.0.0", complexity="O(1), O(fields) for a small hash", summary="Return the number of fields of a hash.",
)  # fmt: skip
def hlen(session: Session, args: list[bytes]) -> object:
    value = session.db.hash(args[1])
    return value.count() if value is not None else 0


@command(
    "hstrlen", arity=3, flags=READONLY | FAST, acl=HASH, keys=one_key(RO), group="hash",
    arguments="key#0 field",
    since="3.2.0", complexity="O(1)", summary="Return the length of the value of a hash field.",
)  # fmt: skip
def hstrlen(session: Session, args: list[bytes]) -> object:
    value = session.db.hash(args[1])
    return value.located_length() if value is not None and value.locate(args[2]) else 0


class Hgetall(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        value = session.db.hash(args[1])
        return all_fields(value, BOTH, MAP) if value is not None else no_fields(BOTH)


command(
    "hgetall", arity=2, flags=READONLY, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    tips="nondeterministic_output_order",
    arguments="key#0",
    since="2.0.0", complexity="O(fields)", summary="Return all fields and values of a hash.",
)(Hgetall())  # fmt: skip


@command(
    "hkeys", arity=2, flags=READONLY, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    tips="nondeterministic_output_order",
    arguments="key#0",
    since="2.0.0", complexity="O(fields)", summary="Return all field names of a hash.",
)  # fmt: skip
def hkeys(session: Session, args: list[bytes]) -> object:
    value = session.db.hash(args[1])
    return all_fields(value, FIELDS, ARRAY) if value is not None else no_fields(FIELDS)


@command(
    "hvals", arity=2, flags=READONLY, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    tips="nondeterministic_output_order",
    arguments="key#0",
    since="2.0.0", complexity="O(fields)", summary="Return all values of a hash.",
)  # fmt: skip
def hvals(session: Session, args: list[bytes]) -> object:
    value = session.db.hash(args[1])
    return all_fields(value, VALUES, ARRAY) if value is not None else no_fields(VALUES)
