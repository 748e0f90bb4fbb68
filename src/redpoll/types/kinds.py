"""The kind of a value: its type and its encoding (as OBJECT ENCODING shows it), in 4 bits of the record's word.

The encoding is stored, not derived: after `SET k 1`, `APPEND k 2` the string is `raw`; a hash that has shrunk stays a
`hashtable`.  Source: spec/values.md, "Encodings".
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.structures.segment import VOLATILE_KIND

STRING_INT: Final[i64] = 0
STRING_EMBSTR: Final[i64] = 1
STRING_RAW: Final[i64] = 2
LIST_LISTPACK: Final[i64] = 3
LIST_QUICKLIST: Final[i64] = 4
SET_INTSET: Final[i64] = 5
SET_LISTPACK: Final[i64] = 6
SET_HASHTABLE: Final[i64] = 7
HASH_LISTPACK: Final[i64] = 8
HASH_HASHTABLE: Final[i64] = 9
HASH_VOLATILE: Final[i64] = VOLATILE_KIND
"""A hash some of whose fields have deadlines; its encoding is `hashtable` too."""
ZSET_LISTPACK: Final[i64] = 11
ZSET_SKIPLIST: Final[i64] = 12
STREAM: Final[i64] = 13

TYPE_NAME: Final = (
    b"string", b"string", b"string", b"list", b"list", b"set", b"set", b"set",
    b"hash", b"hash", b"hash", b"zset", b"zset", b"stream",
)  # fmt: skip
ENCODING_NAME: Final = (
    b"int", b"embstr", b"raw", b"listpack", b"quicklist", b"intset", b"listpack", b"hashtable",
    b"listpack", b"hashtable", b"hashtable", b"listpack", b"skiplist", b"stream",
)  # fmt: skip

LISTPACKS: Final = (LIST_LISTPACK, SET_LISTPACK, HASH_LISTPACK, ZSET_LISTPACK)
TYPE_NUMBER: Final = (0, 0, 0, 1, 1, 2, 2, 2, 4, 4, 4, 3, 3, 6)
"""The types as files and digests number them."""


class EncodingLimits:
    """The settings that decide encodings: `hash-max-listpack-*`, `set-max-intset-entries` and similar ones."""

    def __init__(self) -> None:
        self.set_intset: i64 = 512
        self.set_entries: i64 = 128
        self.set_value: i64 = 64
        self.hash_entries: i64 = 512
        self.hash_value: i64 = 64
        self.zset_entries: i64 = 128
        self.zset_value: i64 = 64
        self.list_size: i64 = -2
        """`list-max-listpack-size`: elements of a node, or -1 to -5 for 4 to 64 KB of them."""
        self.list_compress_depth: i64 = 0
        self.hll_sparse_bytes: i64 = 3000
        self.stream_node_bytes: i64 = 4096
        self.stream_node_entries: i64 = 100
