"""DEBUG DIGEST: one number for the content of a data set, the same on any server with the same content.

SHA-1 is mixed in two ways: *in order*, where the digest so far is hashed together with what comes, and *in any order*,
where hashes are combined by exclusive or.  Keys, members and fields may come in any order, a list's elements may not.
"""

from __future__ import annotations

from typing import Final

from redpoll.engine.engine import Engine
from redpoll.env.openssl import sha1
from redpoll.keyspace.database import Database
from redpoll.keyspace.scan import all_keys, visible_keys
from redpoll.observe.aside import Aside
from redpoll.protocol.numbers import parse_double, shortest_text
from redpoll.structures.ids import number_of
from redpoll.types.kinds import (
    LIST_LISTPACK,
    LIST_QUICKLIST,
    STREAM,
    STRING_RAW,
    TYPE_NUMBER,
    ZSET_LISTPACK,
    ZSET_SKIPLIST,
)
from redpoll.types.stream import Stream
from redpoll.types.value import Value

NOTHING: Final = bytes(20)


def combined(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(20, "big")


def with_any(digest: bytes, data: bytes) -> bytes:
    """Mix `data` into `digest`, so that the order does not matter."""
    return combined(digest, sha1(data))


def with_next(digest: bytes, data: bytes) -> bytes:
    """Mix `data` into `digest`, in order."""
    return sha1(with_any(digest, data))


def number(n: int) -> bytes:
    return n.to_bytes(4, "big")


def value_digest(db: Database, key: bytes, start: bytes) -> bytes:
    """The digest of the value at `key`, and of whether it has a deadline, on top of `start`.  The key must exist."""
    kind = db.kind_of(key)
    timed = db.table.deadline() != 0
    digest = with_next(start, number(TYPE_NUMBER[kind]))
    if kind <= STRING_RAW:
        digest = with_next(digest, db.string(key) or b"")
    elif kind == STREAM:
        value = db.container()
        assert isinstance(value, Stream)
        digest = stream_digest(value, digest)
    else:
        digest = container_digest(db.container(), kind, digest)
    return with_any(digest, b"!!expire!!") if timed else digest


def container_digest(value: Value, kind: int, digest: bytes) -> bytes:
    """The digest of a container's items on top of `digest`: a list's in order, others in any order."""
    rows = value.rows()
    width = int(value.row_width())
    for at in range(0, len(rows), width):
        if ZSET_LISTPACK <= kind <= ZSET_SKIPLIST:
            score = shortest_text(parse_double(rows[at + 1]))
            digest = with_any(digest, with_next(with_next(NOTHING, rows[at]), score))
        elif width == 2:
            digest = with_any(digest, with_next(with_next(NOTHING, rows[at]), rows[at + 1]))
        elif LIST_LISTPACK <= kind <= LIST_QUICKLIST:
            digest = with_next(digest, rows[at])
        else:
            digest = with_any(digest, rows[at])
    return digest


def stream_digest(stream: Stream, digest: bytes) -> bytes:
    """The digest of a stream's entries on top of `digest`; groups do not enter."""
    entries = stream.all_entries()
    for k in range(entries.count()):
        digest = with_next(digest, b"%d.%d" % (number_of(entries.ms[k]), number_of(entries.seq[k])))
        items = entries.items(k)
        if items is not None:
            for item in items:
                digest = with_next(digest, item)
    return digest


def key_digest(db: Database, key: bytes) -> bytes:
    """The digest of one value, 20 zeros for a missing key."""
    with Aside(db.moment):
        return value_digest(db, key, NOTHING) if db.kind_of(key) >= 0 else NOTHING


def data_digest(engine: Engine) -> bytes:
    """The digest of all databases.  O(data)."""
    total = NOTHING
    with Aside(engine.moment):
        for db in engine.databases:
            if visible_keys(db) > 0:
                total = with_next(total, number(db.index))
                for key in all_keys(db, None):
                    if isinstance(key, bytes) and db.kind_of(key) >= 0:
                        total = with_any(total, value_digest(db, key, with_next(NOTHING, key)))
    return total
