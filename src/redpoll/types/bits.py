"""Bits of strings: counting, finding and combining them.  Bit 0 is the highest of byte 0.

Long strings are processed chunk by chunk, so that nothing is copied as a whole.  Within a chunk, compiled code uses
words of 64 bits (5 GB/s to count, 3 to combine).  Interpreted, that would be 200 times slower; integers as long as the
chunk reach 1 and 0.5 GB/s.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from mypy_extensions import i64, u8

from redpoll.scratch import COMPILED, SHARED
from redpoll.structures.packed import LENGTH_BYTE
from redpoll.types.kinds import STRING_RAW
from redpoll.types.string import String

CHUNK: Final[i64] = 1 << 14
"""In bytes.  A chunk of a string fits into the first-level cache."""

AND: Final[i64] = 0
OR: Final[i64] = 1
XOR: Final[i64] = 2
NOT: Final[i64] = 3

ONES: Final = bytes([n.bit_count() for n in range(256)])
"""How many bits of a byte are set."""

FULL: Final[i64] = 255
LEADING_ZEROS: Final = bytes([8 - n.bit_length() for n in range(256)])
INVERSE: Final = bytes(range(255, -1, -1))
FILL: Final = (bytes(1 << 14), b"\xff" * (1 << 14))
"""A chunk in which every bit is 0, and one in which every bit is 1."""

ALTERNATE: Final[i64] = 0x2AAAAAAAAAAAAAAA
"""A mask of every second bit except the lowest, because a constant beyond 62 bits would be boxed."""

_scratch: Final = BytesWriter()


def count_ones(data: bytes) -> i64:
    """How many bits are set.  O(bytes)."""
    if COMPILED:
        return count_by_words(data)
    return int.from_bytes(data, "little").bit_count()


def count_by_words(data: bytes) -> i64:
    """Like `count_ones`: adds up four words at a time, in ever wider fields."""
    size: i64 = len(data)
    stop = size - 31
    every_second = (ALTERNATE << 1) | 1
    total: i64 = 0
    at: i64 = 0
    while at < stop:
        a = read_i64_le(data, at)
        b = read_i64_le(data, at + 8)
        c = read_i64_le(data, at + 16)
        d = read_i64_le(data, at + 24)
        # In fields of 2 bits, then of 4, which hold a pair of words: at most 8 in each.
        a -= (a >> 1) & every_second
        b -= (b >> 1) & every_second
        c -= (c >> 1) & every_second
        d -= (d >> 1) & every_second
        a = (a & 0x3333333333333333) + ((a >> 2) & 0x3333333333333333)
        a += (b & 0x3333333333333333) + ((b >> 2) & 0x3333333333333333)
        c = (c & 0x3333333333333333) + ((c >> 2) & 0x3333333333333333)
        c += (d & 0x3333333333333333) + ((d >> 2) & 0x3333333333333333)
        # In fields of 8 bits for all four words: at most 32.  Then in fields of 16 bits.
        a = (a & 0x0F0F0F0F0F0F0F0F) + ((a >> 4) & 0x0F0F0F0F0F0F0F0F)
        a += (c & 0x0F0F0F0F0F0F0F0F) + ((c >> 4) & 0x0F0F0F0F0F0F0F0F)
        a = (a & 0x00FF00FF00FF00FF) + ((a >> 8) & 0x00FF00FF00FF00FF)
        a += a >> 32
        total += (a + (a >> 16)) & 0x3FF
        at += 32
    while at < size:
        total += ONES[data[at]]
        at += 1
    return total


def combine(operation: i64, data: bytes, more: bytes) -> bytes:
    """AND, OR or XOR of two strings of the same length.  O(bytes)."""
    if COMPILED:
        return combine_by_words(operation, data, more)
    left = int.from_bytes(data, "little")
    right = int.from_bytes(more, "little")
    if operation == AND:
        left &= right
    elif operation == OR:
        left |= right
    else:
        left ^= right
    return left.to_bytes(len(data), "little")


def combine_by_words(operation: i64, data: bytes, more: bytes) -> bytes:
    """Like `combine`."""
    size: i64 = len(data)
    stop = size - 7
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    at: i64 = 0
    while at < stop:
        word = read_i64_le(data, at)
        if operation == AND:
            word &= read_i64_le(more, at)
        elif operation == OR:
            word |= read_i64_le(more, at)
        else:
            word ^= read_i64_le(more, at)
        write_i64_le(out, word)
        at += 8
    while at < size:
        byte: i64 = data[at]
        if operation == AND:
            byte &= more[at]
        elif operation == OR:
            byte |= more[at]
        else:
            byte ^= more[at]
        out.append(u8(byte))
        at += 1
    return out.getvalue()


def combine_all(operation: i64, sources: list[String | None]) -> bytes:
    """AND, OR or XOR of all strings, or NOT of the only one; as long as the longest.  O(bytes of all).

    Shorter and missing strings are filled up with zeros.
    """
    size: i64 = 0
    for source in sources:
        if source is not None:
            size = max(size, source.length())
    # BytesIO grows in place, and getting its content makes no copy.  Joining chunks would take twice the memory.
    result = BytesIO()
    at: i64 = 0
    while at < size:
        stop = min(at + CHUNK, size)
        chunk = _padded(sources[0], at, stop)
        for number in range(1, len(sources)):
            chunk = combine(operation, chunk, _padded(sources[number], at, stop))
        result.write(inverted(chunk) if operation == NOT else chunk)
        at = stop
    return result.getvalue()


def _padded(source: String | None, start: i64, stop: i64) -> bytes:
    data = source.part(start, min(stop, source.length())) if source is not None and start < source.length() else b""
    return data if len(data) == stop - start else data.ljust(stop - start, b"\0")


def inverted(data: bytes) -> bytes:
    """Invert every bit of a chunk.  O(bytes)."""
    if COMPILED:
        return combine_by_words(XOR, data, FILL[1])
    return data.translate(INVERSE)


def ones_between(value: String, start: i64, stop: i64) -> i64:
    """How many bits are set from bit `start` to before bit `stop`, which lie in the string.  O(bits)."""
    if start >= stop:
        return 0
    at = start >> 3
    end = (stop + 7) >> 3
    # The first and the last byte are counted as a whole, so their bits outside the range are subtracted.
    total: i64 = -ONES[byte_at(value, at) >> (8 - (start & 7))]
    if stop & 7 != 0:
        total -= ONES[byte_at(value, end - 1) & (FULL >> (stop & 7))]
    while at < end:
        data = value.part(at, min(at + CHUNK, end))
        total += count_ones(data)
        at += CHUNK
    return total


def first_bit(value: String, bit: i64, start: i64, stop: i64) -> i64:
    """The first bit that is `bit`, from bit `start` to before bit `stop`, which lie in the string; -1 if none is.

    O(bits before it).
    """
    if start >= stop:
        return -1
    at = start >> 3
    byte = byte_at(value, at)
    if bit == 0:
        byte ^= FULL
    byte &= FULL >> (start & 7)
    end = (stop + 7) >> 3
    if byte == 0:
        other: i64 = 1 - bit
        at += 1
        while at < end:
            data = value.part(at, min(at + CHUNK, end))
            size: i64 = len(data)
            fill = FILL[other]
            if size < CHUNK or data != fill:
                within: i64 = size - len(data.lstrip(fill[:1]))
                if within < size:
                    at += within
                    byte = data[within]
                    break
            at += size
        if at >= end:
            return -1
        if bit == 0:
            byte ^= FULL
    found: i64 = (at << 3) + LEADING_ZEROS[byte]
    return found if found < stop else i64(-1)


def byte_at(value: String, at: i64) -> i64:
    """The byte at an index, 0 beyond the end.  O(1)."""
    if at >= value.length():
        return 0
    long = value.long
    if long is None:
        return value.blob[value.start + at]
    buffer = long.buffer
    return long.data[at] if buffer is None else buffer[at]


def put_byte(value: String, at: i64, byte: i64) -> None:
    """Write the byte at an index, with zeros before it if the string ends earlier.

    O(1) once the string is in a buffer.
    """
    if value.long is None and at < value.stop - value.start:
        value.patch(value.start + at, LENGTH_BYTE[byte])
        value.kind = STRING_RAW
    else:
        value.write_at(at, LENGTH_BYTE[byte])
