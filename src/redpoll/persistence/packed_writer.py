"""Writes listpacks and intsets for snapshots.  Source: spec/rdb.md, sections 8.1 and 8.2."""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, write_i16_le, write_i32_le, write_i64_le
from librt.vecs import vec
from mypy_extensions import i16, i32, i64, mypyc_attr, u8

from redpoll.protocol.numbers import is_int, to_int
from redpoll.structures.intset import shift_of

UNCOUNTED: Final[i64] = 65535
LONGEST_INTEGER: Final[i64] = 20


@mypyc_attr(acyclic=True)
class ListpackWriter:
    """Collects elements; `finish` gives the listpack and begins the next one.

    Servers disagree about the size of the length after an element of 2^14-1, 2^21-1 or 2^28-1 bytes.  With
    `long_lengths` it has an unnecessary byte, which Redis expects; otherwise the fewest bytes, which Valkey expects.
    """

    def __init__(self, long_lengths: bool = False) -> None:
        self.out: Final = BytesWriter()
        self.long_lengths = long_lengths
        self.count: i64 = 0
        self._begin()

    def _begin(self) -> None:
        out = self.out
        out.truncate(0)
        write_i32_le(out, 0)
        write_i16_le(out, 0)
        self.count = 0

    def words(self, width: i64, count: i64) -> bytes:
        """The first bytes of an intset: width and count."""
        out = self.out
        out.truncate(0)
        write_i32_le(out, i32(width))
        write_i32_le(out, i32(count))
        head = out.getvalue()
        self._begin()
        return head

    def finish(self) -> bytes:
        """The listpack of all elements since the last call."""
        out = self.out
        out.append(255)
        size: i64 = len(out)
        count = self.count if self.count < UNCOUNTED else UNCOUNTED
        out[0] = u8(size & 255)
        out[1] = u8(size >> 8 & 255)
        out[2] = u8(size >> 16 & 255)
        out[3] = u8(size >> 24 & 255)
        out[4] = u8(count & 255)
        out[5] = u8(count >> 8)
        packed = out.getvalue()
        self._begin()
        return packed

    def text(self, item: bytes) -> None:
        """Add an element: an integer if it spells one canonically."""
        size: i64 = len(item)
        if size <= LONGEST_INTEGER and size > 0 and item[size - 1] <= 57 and is_int(item):
            self.integer(to_int(item))
            return
        self.count += 1
        out = self.out
        if size < 64:
            out.append(u8(size | 128))
            head: i64 = 1
        elif size < 4096:
            out.append(u8(size >> 8 | 224))
            out.append(u8(size & 255))
            head = 2
        else:
            out.append(240)
            write_i32_le(out, i32(size))
            head = 5
        out.write(item)
        self._back_length(size + head)

    def integer(self, n: i64) -> None:
        """Add an integer."""
        self.count += 1
        out = self.out
        if 0 <= n <= 127:
            out.append(u8(n))
            out.append(1)
        elif -4096 <= n <= 4095:
            out.append(u8((n >> 8 & 31) | 192))
            out.append(u8(n & 255))
            out.append(2)
        elif -32768 <= n <= 32767:
            out.append(241)
            write_i16_le(out, i16(n))
            out.append(3)
        elif -8388608 <= n <= 8388607:
            out.append(242)
            out.append(u8(n & 255))
            out.append(u8(n >> 8 & 255))
            out.append(u8(n >> 16 & 255))
            out.append(4)
        elif -2147483648 <= n <= 2147483647:
            out.append(243)
            write_i32_le(out, i32(n))
            out.append(5)
        else:
            out.append(244)
            write_i64_le(out, n)
            out.append(9)

    def _back_length(self, entry: i64) -> None:
        """Append the length of an entry in the form that is read backwards."""
        out = self.out
        if entry <= 127:
            out.append(u8(entry))
            return
        limit: i64 = 1 << 14
        groups: i64 = 2
        while entry > limit - (2 if self.long_lengths else 1) and groups < 5:
            limit <<= 7
            groups += 1
        shift = 7 * (groups - 1)
        out.append(u8(entry >> shift))
        while shift > 0:
            shift -= 7
            out.append(u8(entry >> shift & 127 | 128))


def intset_of(ascending: vec[i64]) -> bytes:
    """The intset of these numbers.  There must be at least one."""
    count: i64 = len(ascending)
    shift = shift_of(ascending[0])
    last = shift_of(ascending[count - 1])
    if last > shift:
        shift = last
    out = BytesWriter()
    write_i32_le(out, i32(1 << shift))
    write_i32_le(out, i32(count))
    i: i64 = 0
    while i < count:
        if shift == 1:
            write_i16_le(out, i16(ascending[i]))
        elif shift == 2:
            write_i32_le(out, i32(ascending[i]))
        else:
            write_i64_le(out, ascending[i])
        i += 1
    return out.getvalue()
