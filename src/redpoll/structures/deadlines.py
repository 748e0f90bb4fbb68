"""A column of deadlines in bytes, which precedes the items of a packed value: `[count, 2 bytes][ms, 8 bytes]...`.

One deadline for each item, in order, in ms since 1970; 0 means none.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i16_le, read_i64_le, write_i16_le, write_i64_le
from librt.vecs import append, vec
from mypy_extensions import i16, i64

from redpoll.scratch import SHARED
from redpoll.structures.segment import NEVER

COLUMN_LIMIT: Final[i64] = 4096
"""A column has fewer deadlines than that."""

_scratch: Final = BytesWriter()


def packed_column(column: vec[i64], items: bytes) -> bytes:
    """The bytes of `column`, and `items` after them."""
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    count: i64 = len(column)
    assert count < COLUMN_LIMIT
    write_i16_le(out, i16(count))
    i: i64 = 0
    while i < count:
        write_i64_le(out, column[i])
        i += 1
    out.write(items)
    return out.getvalue()


def column_at(blob: bytes, at: i64) -> vec[i64]:
    """Read the column whose bytes begin at `at`."""
    count = i64(read_i16_le(blob, at))
    column = vec[i64](capacity=(count + 3) & ~3)
    at += 2
    i: i64 = 0
    while i < count:
        column = append(column, read_i64_le(blob, at))
        at += 8
        i += 1
    return column


def column_bytes(count: i64) -> i64:
    """How many bytes a column of `count` deadlines takes."""
    return 2 + count * 8


def earliest_at(blob: bytes, at: i64) -> i64:
    """The earliest deadline of the column whose bytes begin at `at`, NEVER if there is none."""
    count = i64(read_i16_le(blob, at))
    at += 2
    earliest: i64 = NEVER
    while count > 0:
        deadline = read_i64_le(blob, at)
        if deadline != 0 and deadline < earliest:
            earliest = deadline
        at += 8
        count -= 1
    return earliest
