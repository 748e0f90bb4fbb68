"""Reads the bytes of a snapshot forward: numbers, lengths and strings, never beyond the end.

A file is read in pieces of PIECE bytes, so memory does not depend on its size.  A payload is in memory as a whole.  A
damaged length never allocates more than the remaining bytes.  Source: spec/rdb.md, sections 3 and 4.
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_f64_le, read_i16_le, read_i32_be, read_i32_le, read_i64_be, read_i64_le
from mypy_extensions import i64, mypyc_attr

from redpoll.env.files import Reader
from redpoll.persistence.crc64 import crc64
from redpoll.persistence.damage import UNKNOWN_PLACE, DamagedError
from redpoll.persistence.lzf import decompressed
from redpoll.protocol.numbers import int_text

PIECE: Final[i64] = 1 << 20

TOO_SHORT: Final = "the file ends too early"

INT8: Final[i64] = 0xC0
INT16: Final[i64] = 0xC1
INT32: Final[i64] = 0xC2
COMPRESSED: Final[i64] = 0xC3


@mypyc_attr(acyclic=True)
class Source:
    """See the module's docstring.  All reading methods raise DamagedError if there are too few bytes.

    `data` is the current piece, `at` the index in it, and `before` the number of bytes in earlier pieces.
    """

    def __init__(self, data: bytes, size: i64, reader: Reader | None = None, summing: bool = False) -> None:
        self.data: bytes = data
        self.at: i64 = 0
        self.before: i64 = 0
        self.size: i64 = size
        """Number of bytes in all."""
        self.reader: Reader | None = reader
        self.summing = summing
        self.sum: i64 = 0
        """The checksum of the bytes up to `summed` ..."""
        self.summed: i64 = 0
        """... an index into `data`."""
        self.mark: i64 = 0
        """Start of the last string: damage inside the string is reported at this offset."""

    def offset(self) -> i64:
        """Number of bytes read so far."""
        return self.before + self.at

    def left(self) -> i64:
        """Number of remaining bytes."""
        return self.size - self.before - self.at

    def damaged(self, reason: str) -> DamagedError:
        """An error at the place of the last item."""
        return DamagedError(reason, self.offset())

    def place(self, damage: DamagedError) -> None:
        """Add the offset of the damage to an error."""
        if damage.offset == UNKNOWN_PLACE:
            damage.offset = self.mark

    def _pass(self, count: i64) -> i64:
        """Go past the next `count` bytes; return where they begin in `data`, which may be another piece then."""
        if count > self.size - self.before - self.at or count < 0:
            raise self.damaged(TOO_SHORT)
        if self.at + count > len(self.data):
            self._fetch(count)
        at = self.at
        self.at = at + count
        return at

    def _fetch(self, count: i64) -> None:
        reader = self.reader
        if reader is None:
            raise self.damaged(TOO_SHORT)
        if self.summing:
            self.sum = crc64(self.sum, self.data, self.summed, self.at)
        parts: list[bytes] = [self.data[self.at :]]
        have: i64 = len(parts[0])
        self.before += self.at
        self.at = 0
        self.summed = 0
        while have < count:
            more = reader.read(int(PIECE if count - have < PIECE else count - have))
            if len(more) == 0:
                self.data = b"".join(parts)
                raise self.damaged(TOO_SHORT)
            parts.append(more)
            have += len(more)
        self.data = b"".join(parts)

    def checksum(self) -> i64:
        """The checksum of all bytes read so far."""
        self.sum = crc64(self.sum, self.data, self.summed, self.at)
        self.summed = self.at
        return self.sum

    # Items.

    def byte(self) -> i64:
        at = self.at
        if at >= len(self.data) or self.before + at >= self.size:
            at = self._pass(1)
        else:
            self.at = at + 1
        return self.data[at]

    def take(self, count: i64) -> bytes:
        """The next `count` bytes."""
        at = self._pass(count)
        return self.data[at : at + count]

    def word(self) -> i64:
        """8 bytes, the low ones first."""
        at = self._pass(8)
        return read_i64_le(self.data, at)

    def word_be(self) -> i64:
        """8 bytes, the high ones first."""
        at = self._pass(8)
        return read_i64_be(self.data, at)

    def seconds(self) -> i64:
        """4 bytes, signed."""
        at = self._pass(4)
        return i64(read_i32_le(self.data, at))

    def double(self) -> float:
        at = self._pass(8)
        return read_f64_le(self.data, at)

    def number(self) -> i64:
        """A length of up to 64 bits.  Lengths of 2^63 and more are returned as the negative word with the same bits."""
        first = self.byte()
        if first < 64:
            return first
        if first < 128:
            return (first & 63) << 8 | self.byte()
        if first == 0x80:
            at = self._pass(4)
            return i64(read_i32_be(self.data, at)) & 0xFFFFFFFF
        if first == 0x81:
            return self.word_be()
        self.at -= 1
        raise self.damaged(f"a length was expected, not byte {first}")

    def count(self, least: i64 = 1) -> i64:
        """A number of items of at least `least` bytes each.  Raises DamagedError if the rest is too short."""
        number = self.number()
        if number < 0 or number > self.left() // least:
            raise self.damaged("a count is larger than what is left")
        return number

    def text(self) -> bytes:
        """A string in any of its encodings."""
        self.mark = self.offset()
        first = self.byte()
        if first < 64:
            return self.take(first)
        if first < 0xC0:
            self.at -= 1
            size = self.number()
            if size < 0 or size > self.left():
                raise self.damaged("a string is longer than what is left")
            return self.take(size)
        if first == INT8:
            number = self.byte()
            return int_text(number - ((number & 128) << 1))
        if first == INT16:
            at = self._pass(2)
            return int_text(i64(read_i16_le(self.data, at)))
        if first == INT32:
            return int_text(self.seconds())
        if first == COMPRESSED:
            return self._decompressed()
        self.at -= 1
        raise self.damaged(f"unknown string encoding {first & 63}")

    def _decompressed(self) -> bytes:
        packed = self.number()
        size = self.number()
        if packed < 0 or size < 0 or packed > self.left():
            raise self.damaged("a compressed string is longer than what is left")
        at = self._pass(packed)
        return decompressed(self.data, at, at + packed, size)
