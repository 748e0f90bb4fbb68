"""The numbers of the snapshot format: versions, opcodes, types of values.  Source: spec/rdb.md, sections 1, 2 and 7."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

VALKEY_80: Final[i64] = 80
REDIS_11: Final[i64] = 11
REDIS_10: Final[i64] = 10
FIRST_FOREIGN: Final[i64] = 12
LAST_FOREIGN: Final[i64] = 79
"""Versions of Redis from 7.4 on."""
SUMMED_FROM: Final[i64] = 5
"""Files of earlier versions have no checksum."""

MAGIC: Final = {VALKEY_80: b"VALKEY080", REDIS_11: b"REDIS0011", REDIS_10: b"REDIS0010"}
"""The first bytes of the files that we write, by version."""

FUNCTION: Final[i64] = 245
OLD_FUNCTION: Final[i64] = 246
MODULE_AUX: Final[i64] = 247
IDLE: Final[i64] = 248
FREQ: Final[i64] = 249
AUX: Final[i64] = 250
RESIZE: Final[i64] = 251
EXPIRE_MS: Final[i64] = 252
EXPIRE_S: Final[i64] = 253
SELECT: Final[i64] = 254
END: Final[i64] = 255
SLOT_INFO: Final[i64] = 244
SLOT_IMPORT: Final[i64] = 243

STRING: Final[i64] = 0
LIST: Final[i64] = 1
SET: Final[i64] = 2
ZSET_TEXT: Final[i64] = 3
HASH: Final[i64] = 4
ZSET: Final[i64] = 5
OLD_MODULE: Final[i64] = 6
MODULE: Final[i64] = 7
HASH_ZIPMAP: Final[i64] = 9
LIST_ZIPLIST: Final[i64] = 10
SET_INTSET: Final[i64] = 11
ZSET_ZIPLIST: Final[i64] = 12
HASH_ZIPLIST: Final[i64] = 13
LIST_ZIPLISTS: Final[i64] = 14
STREAM_1: Final[i64] = 15
HASH_LISTPACK: Final[i64] = 16
ZSET_LISTPACK: Final[i64] = 17
LIST_LISTPACKS: Final[i64] = 18
STREAM_2: Final[i64] = 19
SET_LISTPACK: Final[i64] = 20
STREAM_3: Final[i64] = 21
HASH_TIMES: Final[i64] = 22
"""A hash with deadlines of fields, in the form of Valkey 9.  Files of Redis use another form under this number."""
HASH_TIMES_LISTPACK_RC: Final[i64] = 23
HASH_TIMES_REDIS: Final[i64] = 24
HASH_TIMES_LISTPACK: Final[i64] = 25

PLAIN_NODE: Final[i64] = 1
PACKED_NODE: Final[i64] = 2
