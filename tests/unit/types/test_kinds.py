"""Kinds: their names and numbers belong together, and the kinds of a type are neighbours."""

from __future__ import annotations

from itertools import groupby

from redpoll.structures.segment import KIND_MASK
from redpoll.types.kinds import (
    ENCODING_NAME,
    HASH_HASHTABLE,
    HASH_LISTPACK,
    HASH_VOLATILE,
    LIST_LISTPACK,
    LIST_QUICKLIST,
    LISTPACKS,
    SET_HASHTABLE,
    SET_INTSET,
    SET_LISTPACK,
    STREAM,
    STRING_EMBSTR,
    STRING_INT,
    STRING_RAW,
    TYPE_NAME,
    TYPE_NUMBER,
    ZSET_LISTPACK,
    ZSET_SKIPLIST,
    EncodingLimits,
)


def test_a_name_and_a_number_for_every_kind() -> None:
    kinds = (
        STRING_INT, STRING_EMBSTR, STRING_RAW, LIST_LISTPACK, LIST_QUICKLIST, SET_INTSET, SET_LISTPACK,
        SET_HASHTABLE, HASH_LISTPACK, HASH_HASHTABLE, HASH_VOLATILE, ZSET_LISTPACK, ZSET_SKIPLIST, STREAM,
    )  # fmt: skip
    told = {kind: (TYPE_NAME[kind], ENCODING_NAME[kind], TYPE_NUMBER[kind]) for kind in kinds}
    assert list(told.values()) == [
        (b"string", b"int", 0), (b"string", b"embstr", 0), (b"string", b"raw", 0),
        (b"list", b"listpack", 1), (b"list", b"quicklist", 1),
        (b"set", b"intset", 2), (b"set", b"listpack", 2), (b"set", b"hashtable", 2),
        (b"hash", b"listpack", 4), (b"hash", b"hashtable", 4), (b"hash", b"hashtable", 4),
        (b"zset", b"listpack", 3), (b"zset", b"skiplist", 3), (b"stream", b"stream", 6),
    ]  # fmt: skip
    assert sorted(told) == list(range(len(TYPE_NAME)))
    assert len(TYPE_NAME) == len(ENCODING_NAME) == len(TYPE_NUMBER) <= KIND_MASK + 1


def test_kinds_of_a_type_are_neighbours() -> None:
    names = [name for name, _ in groupby(TYPE_NAME)]
    assert len(names) == len(set(names))
    assert [ENCODING_NAME[kind] for kind in LISTPACKS] == [b"listpack"] * len(LISTPACKS)


def test_the_limits_are_the_reference_s() -> None:
    limits = EncodingLimits()
    assert (limits.set_intset, limits.set_entries, limits.set_value) == (512, 128, 64)
    assert (limits.hash_entries, limits.hash_value) == (512, 64)
    assert (limits.zset_entries, limits.zset_value) == (128, 64)
