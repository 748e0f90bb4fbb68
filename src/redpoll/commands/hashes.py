"""Hashes: fields and values under one key."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, RO, RW, UPDATE, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, HASH, READONLY, WRITE
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import CommandError, wrong_arity
from redpoll.keyspace.events import HDEL, HSET
from redpoll.protocol.reply import MAP, Map, View
from redpoll.types.hash import Hash


class PackedItems(View):
    """The fields and values of a packed hash, read off its bytes."""

    def __init__(self, value: Hash) -> None:
        super().__init__(value.count() * 2, MAP)
        self.packed = value.packed()
        self.at: i64 = 0

    def start(self) -> None:
        self.at = 0

    def step(self) -> bytes:
        packed = self.packed
        begin: i64 = self.at + 1
        end: i64 = begin + packed[self.at]
        self.at = end
        return packed[begin:end]


@command(
    "hset", arity=-4, flags=WRITE | DENYOOM | FAST, acl=HASH, keys=one_key(RW | UPDATE), group="hash",
    arguments="key#0 (data: field value) ...",
    since="2.0.0", complexity="O(1) for each field", summary="Set fields of a hash; how many are new.",
)  # fmt: skip
def hset(session: Session, args: list[bytes]) -> object:
    count: i64 = len(args)
    if count & 1 != 0:
        raise CommandError(wrong_arity(b"hset"))
    key = args[1]
    value = session.db.hash_to_change(key, True)
    assert value is not None

    added: i64 = 0
    i: i64 = 2
    while i < count:
        if value.put(args[i], args[i + 1]):
            added += 1
        i += 2
    session.changed(key, value, HSET, (count - 2) >> 1)
    return added


@command(
    "hget", arity=3, flags=READONLY | FAST, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    arguments="key#0 field",
    since="2.0.0", complexity="O(1)", summary="The value of a field of a hash.",
)  # fmt: skip
def hget(session: Session, args: list[bytes]) -> object:
    value = session.db.hash(args[1])
    return value.get(args[2]) if value is not None else None


@command(
    "hgetall", arity=2, flags=READONLY, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    tips="nondeterministic_output_order",
    arguments="key#0",
    since="2.0.0", complexity="O(fields)", summary="All fields of a hash with their values.",
)  # fmt: skip
def hgetall(session: Session, args: list[bytes]) -> object:
    value = session.db.hash(args[1])
    if value is None:
        return Map([])
    if not value.is_large():
        return PackedItems(value)
    items: list[object] = []
    items.extend(value.rows())
    return Map(items)


@command(
    "hdel", arity=-3, flags=WRITE | FAST, acl=HASH, keys=one_key(RW | DELETE), group="hash",
    arguments="key#0 field ...",
    since="2.0.0", complexity="O(1) for each field", summary="Remove fields of a hash; how many were there.",
)  # fmt: skip
def hdel(session: Session, args: list[bytes]) -> object:
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
