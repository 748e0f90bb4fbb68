"""A column of deadlines in bytes, which precedes the items of a packed value.

    column = count and width (2 bytes) | earliest deadline (6 bytes) | offset (`width` bytes)...

One deadline for each item, in order, in ms since 1970; 0 means none.  The offset of an item is 0 if it has no deadline,
else 1 + what its deadline is later than the earliest one.  The width is that of the largest offset.  Width 0: all
deadlines are the same, or all are 0.  Width 7: a deadline is beyond 2^48, and the column is `[ms, 8 bytes]...` without
the earliest.  Numbers are little-endian; the width is in the high bits of the first.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i16_le, read_i32_le, read_i64_le, write_i16_le, write_i64_le
from librt.vecs import append, vec
from mypy_extensions import i16, i64, u8

from redpoll.scratch import SHARED
from redpoll.structures.segment import NEVER, earliest_of

COLUMN_LIMIT: Final[i64] = 4096
"""A column has fewer deadlines than that."""
COUNT_MASK: Final[i64] = 4095
WIDTH_SHIFT: Final[i64] = 12

RAW: Final[i64] = 7
SIX_BYTES: Final[i64] = 1 << 48
HEAD_BYTES: Final[i64] = 8
"""Count, width and earliest deadline."""
LOW_WORD: Final[i64] = (1 << 32) - 1
LOW_HALF: Final[i64] = (1 << 16) - 1

_scratch: Final = BytesWriter()


def packed_column(column: vec[i64], items: bytes) -> bytes:
    """The bytes of `column`, and `items` after them."""
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    count: i64 = len(column)
    assert count < COLUMN_LIMIT
    earliest = earliest_of(column)
    width = _width_of(column, earliest)
    write_i16_le(out, i16(width << WIDTH_SHIFT | count))
    i: i64 = 0
    if width == RAW:
        while i < count:
            write_i64_le(out, column[i])
            i += 1
    else:
        if earliest == NEVER:
            earliest = 0
        _write(out, earliest, 6)
        while width > 0 and i < count:
            _write(out, column[i] - earliest + 1 if column[i] != 0 else i64(0), width)
            i += 1
    out.write(items)
    return out.getvalue()


def _width_of(column: vec[i64], earliest: i64) -> i64:
    """The width of the column's offsets."""
    latest: i64 = 0
    same = True
    i: i64 = 0
    count: i64 = len(column)
    while i < count:
        if column[i] > latest:
            latest = column[i]
        if column[i] != column[0]:
            same = False
        i += 1
    if latest >= SIX_BYTES:
        return RAW
    width: i64 = 0
    if not same:
        rest = latest - earliest + 1
        while rest > 0:
            width += 1
            rest >>= 8
    return width


def column_at(blob: bytes, at: i64) -> vec[i64]:
    """Read the column whose bytes begin at `at`."""
    head = i64(read_i16_le(blob, at))
    count = head & COUNT_MASK
    width = head >> WIDTH_SHIFT
    column = vec[i64](capacity=(count + 3) & ~3)
    if width == RAW:
        at += 2
        while count > 0:
            column = append(column, read_i64_le(blob, at))
            at += 8
            count -= 1
        return column
    earliest = _earliest(blob, at)
    at += HEAD_BYTES
    while count > 0:
        if width == 0:
            column = append(column, earliest)
        else:
            offset: i64 = 0
            k = width
            while k > 0:
                k -= 1
                offset = offset << 8 | i64(blob[at + k])
            column = append(column, earliest + offset - 1 if offset != 0 else i64(0))
            at += width
        count -= 1
    return column


def column_bytes(blob: bytes, at: i64) -> i64:
    """How many bytes the column that begins at `at` takes."""
    head = i64(read_i16_le(blob, at))
    count = head & COUNT_MASK
    width = head >> WIDTH_SHIFT
    return 2 + count * 8 if width == RAW else HEAD_BYTES + count * width


def earliest_at(blob: bytes, at: i64) -> i64:
    """The earliest deadline of the column whose bytes begin at `at`, NEVER if there is none."""
    if i64(read_i16_le(blob, at)) >> WIDTH_SHIFT == RAW:
        return earliest_of(column_at(blob, at))
    earliest = _earliest(blob, at)
    return earliest if earliest != 0 else NEVER


def _earliest(blob: bytes, at: i64) -> i64:
    """The six bytes after count and width."""
    low = i64(read_i32_le(blob, at + 2)) & LOW_WORD
    return (i64(read_i16_le(blob, at + 6)) & LOW_HALF) << 32 | low


def _write(out: BytesWriter, number: i64, width: i64) -> None:
    """Append the `width` low bytes of a number, the lowest first."""
    while width > 0:
        out.append(u8(number & 255))
        number >>= 8
        width -= 1
