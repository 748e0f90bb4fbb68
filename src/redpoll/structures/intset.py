"""A small set of integers packed in ascending order: `[log2 of the width, 1 byte][number]...`, little-endian.

All numbers have one width: 2, 4 or 8 bytes, as the widest number so far needed.  Functions over a blob and a range in
it, so that they work inside the records of a whole bucket.  An empty set is no bytes at all.
"""

from __future__ import annotations

from typing import Final

from librt.strings import (
    BytesWriter,
    read_i16_le,
    read_i32_le,
    read_i64_le,
    write_i16_le,
    write_i32_le,
    write_i64_le,
)
from librt.vecs import append, vec
from mypy_extensions import i16, i32, i64, u8

from redpoll.scratch import SHARED
from redpoll.structures.packed import without

LENGTH_LIMIT: Final[i64] = 20
"""The characters of the longest integer."""

_scratch: Final = BytesWriter()


def shift_of(n: i64) -> i64:
    """The width that `n` needs: 1, 2 or 3 for 2, 4 or 8 bytes."""
    if -32768 <= n <= 32767:
        return 1
    if -2147483648 <= n <= 2147483647:
        return 2
    return 3


def count(blob: bytes, start: i64, stop: i64) -> i64:
    """How many numbers there are.  O(1)."""
    if start == stop:
        return 0
    shift: i64 = blob[start]
    return (stop - start - 1) >> shift


def number_at(blob: bytes, start: i64, rank: i64) -> i64:
    """The number with a rank that exists.  O(1)."""
    shift: i64 = blob[start]
    at = start + 1 + (rank << shift)
    if shift == 1:
        return i64(read_i16_le(blob, at))
    if shift == 2:
        return i64(read_i32_le(blob, at))
    return read_i64_le(blob, at)


def place(blob: bytes, start: i64, stop: i64, n: i64) -> i64:
    """How many numbers are less than `n`: its rank, or the rank that it would get.  O(log count)."""
    low: i64 = 0
    high = count(blob, start, stop)
    # Numbers often come in ascending order.
    if high > 0 and number_at(blob, start, high - 1) < n:
        return high
    while low < high:
        middle = (low + high) >> 1
        if number_at(blob, start, middle) < n:
            low = middle + 1
        else:
            high = middle
    return low


def find(blob: bytes, start: i64, stop: i64, n: i64) -> i64:
    """The rank of `n`, -1 if it is not there.  O(log count)."""
    rank = place(blob, start, stop, n)
    if rank == count(blob, start, stop) or number_at(blob, start, rank) != n:
        return -1
    return rank


def with_number(packed: bytes, rank: i64, n: i64) -> bytes:
    """The set with `n` added at its rank.  `n` is not in the set yet.  O(count)."""
    shift = shift_of(n)
    size: i64 = len(packed)
    kept: i64 = packed[0] if size > 0 else 0
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    if shift <= kept:
        write_number(out, kept, n)
        at = 1 + (rank << kept)
        if at == size:
            return b"%b%b" % (packed, out.getvalue())
        return b"%b%b%b" % (packed[:at], out.getvalue(), packed[at:])
    # A wider number comes before or after all others.
    out.append(u8(shift))
    last = count(packed, 0, size)
    if rank == 0:
        write_number(out, shift, n)
    i: i64 = 0
    while i < last:
        write_number(out, shift, number_at(packed, 0, i))
        i += 1
    if rank > 0:
        write_number(out, shift, n)
    return out.getvalue()


def without_rank(packed: bytes, rank: i64) -> bytes:
    """The set without its number of that rank.  O(count)."""
    shift: i64 = packed[0]
    start = 1 + (rank << shift)
    stop = 1 + ((rank + 1) << shift)
    if start == 1 and stop == len(packed):
        return b""
    return without(packed, start, stop)


def write_number(out: BytesWriter, shift: i64, n: i64) -> None:
    """Append `n`, which fits, in the width that `shift` stands for."""
    if shift == 1:
        write_i16_le(out, i16(n))
    elif shift == 2:
        write_i32_le(out, i32(n))
    else:
        write_i64_le(out, n)


def numbers(blob: bytes, start: i64, stop: i64) -> vec[i64]:
    """All numbers, ascending."""
    size = count(blob, start, stop)
    found = vec[i64](capacity=size)
    i: i64 = 0
    while i < size:
        found = append(found, number_at(blob, start, i))
        i += 1
    return found


def packed_numbers(ascending: vec[i64]) -> bytes:
    """The set of these numbers, each greater than the one before it."""
    size: i64 = len(ascending)
    if size == 0:
        return b""
    first = shift_of(ascending[0])
    last = shift_of(ascending[size - 1])
    shift = first if first > last else last
    out = BytesWriter()
    out.append(u8(shift))
    i: i64 = 0
    while i < size:
        write_number(out, shift, ascending[i])
        i += 1
    return out.getvalue()
