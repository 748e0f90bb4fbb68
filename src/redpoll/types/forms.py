"""The class of each kind of container, for code that creates values without a command: COPY, RENAME, loading files."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.types.hash import Hash
from redpoll.types.kinds import (
    HASH_LISTPACK,
    HASH_VOLATILE,
    LIST_LISTPACK,
    LIST_QUICKLIST,
    SET_HASHTABLE,
    SET_INTSET,
    STREAM,
    ZSET_LISTPACK,
    ZSET_SKIPLIST,
)
from redpoll.types.list import List
from redpoll.types.set import Set
from redpoll.types.stream import Stream
from redpoll.types.value import Value
from redpoll.types.zset import ZSet


def empty(kind: i64) -> Value:
    """A new container of this kind, without items."""
    made: Value
    if HASH_LISTPACK <= kind <= HASH_VOLATILE:
        made = Hash()
    elif LIST_LISTPACK <= kind <= LIST_QUICKLIST:
        made = List()
    elif SET_INTSET <= kind <= SET_HASHTABLE:
        made = Set()
    elif kind == STREAM:
        made = Stream()
    else:
        assert ZSET_LISTPACK <= kind <= ZSET_SKIPLIST, "a kind without a class"
        made = ZSet()
    made.kind = kind
    return made
