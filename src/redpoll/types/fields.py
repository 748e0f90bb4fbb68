"""Integers of 1 to 64 bits at any bit of a string, for BITFIELD: the highest bit first.

A field touches nine bytes at most.  Up to seven bytes are handled as one machine word; more as two, because shifting a
full word would involve its sign.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr, u8

from redpoll.scratch import SHARED
from redpoll.types.string import String

WRAP: Final[i64] = 0
SAT: Final[i64] = 1
FAIL: Final[i64] = 2

POWERS: Final[list[int]] = [2**n for n in range(73)]

NARROW: Final[i64] = 61
"""Sums of fields up to this width, and how far they are from their limits, fit a machine word."""

ONE_WORD: Final[i64] = 7
"""Bytes that are one word; of more, the last LOW_BYTES are a word of their own."""
LOW_BYTES: Final[i64] = 4
LOW_BITS: Final[i64] = 32
LOW_MASK: Final[i64] = 0xFFFFFFFF


def _masks() -> vec[i64]:
    made = vec[i64](capacity=62)
    mask: i64 = 0
    for _ in range(62):
        made = append(made, mask)
        mask = mask << 1 | 1
    return made


MASKS: Final = _masks()
"""So many bits, all of them set."""

_scratch: Final = BytesWriter()


@mypyc_attr(acyclic=True, free_list_len=1)
class Field:
    """`width` bits from bit `offset` on, with a sign or without."""

    def __init__(self, signed: bool, width: i64, offset: i64) -> None:
        self.signed = signed
        self.width: i64 = width
        self.offset: i64 = offset

    def end_byte(self) -> i64:
        """The length of the shortest string that contains the field."""
        return (self.offset + self.width + 7) >> 3

    def read(self, value: String) -> i64:
        """Read the number.  Bits beyond the end of the string are 0.  O(1)."""
        first = self.offset >> 3
        end = self.end_byte()
        behind = (end << 3) - self.offset - self.width
        width = self.width
        if end - first <= ONE_WORD:
            bits = (_word(value, first, end) >> behind) & MASKS[width]
            if self.signed and bits > MASKS[width - 1]:
                bits -= MASKS[width] + 1
            return bits
        middle = end - LOW_BYTES
        above = width - (LOW_BITS - behind)
        high = _word(value, first, middle) & MASKS[above]
        if self.signed and high > MASKS[above - 1]:
            high -= MASKS[above] + 1
        return (high << (LOW_BITS - behind)) | (_word(value, middle, end) >> behind)

    def write(self, value: String, number: i64) -> None:
        """Write a number that fits into the field.  The string reaches to the field's end.  O(1) in a buffer."""
        first = self.offset >> 3
        end = self.end_byte()
        behind = (end << 3) - self.offset - self.width
        if end - first <= ONE_WORD:
            mask = MASKS[self.width]
            word = _word(value, first, end)
            value.write_word(first, (word & ~(mask << behind)) | (number & mask) << behind, end - first)
        else:
            out = _scratch if SHARED else BytesWriter()
            out.truncate(0)
            middle = end - LOW_BYTES
            mask = MASKS[self.width - (LOW_BITS - behind)]
            high = _word(value, first, middle)
            _write(out, (high & ~mask) | (number >> (LOW_BITS - behind)) & mask, middle - first)
            low = _word(value, middle, end) & MASKS[behind]
            _write(out, low | (number & MASKS[LOW_BITS - behind]) << behind, LOW_BYTES)
            value.write_at(first, out.getvalue())

    def sum(self, old: i64, increment: i64, overflow: i64) -> int | None:
        """The new value after adding `increment` to `old`; None if it overflows and OVERFLOW is FAIL."""
        width = self.width
        if width <= NARROW:
            lowest, highest = self._limits()
            # An increment has 64 bits, so the sum could wrap.  Compare the increment with the remaining room instead.
            if lowest - old <= increment and increment <= highest - old:
                return old + increment
        return self.fitted(int(old) + int(increment), overflow)

    def kept(self, number: i64, overflow: i64) -> int | None:
        """The new value after setting the field to `number`; None if it overflows and OVERFLOW is FAIL.

        For an unsigned field, a negative number counts as the unsigned 64-bit word with the same bits.
        """
        if self.width <= NARROW:
            lowest, highest = self._limits()
            if lowest <= number and number <= highest:
                return number
        whole = int(number)
        if number < 0 and self._takes_for_huge(whole):
            whole += POWERS[64]
        return self.fitted(whole, overflow)

    def _limits(self) -> tuple[i64, i64]:
        """The lowest and the highest number of a field of up to NARROW bits."""
        if self.signed:
            highest = MASKS[self.width - 1]
            return -1 - highest, highest
        return 0, MASKS[self.width]

    def fitted(self, number: int, overflow: i64) -> int | None:
        """A number made to fit: wrapped, saturated, or None if OVERFLOW is FAIL."""
        span = POWERS[self.width]
        lowest = -POWERS[self.width - 1] if self.signed else 0
        highest = lowest + span - 1
        if lowest <= number <= highest:
            return number
        if overflow == FAIL:
            return None
        if overflow == SAT:
            return highest if number > highest else lowest
        return (number - lowest) % span + lowest

    def _takes_for_huge(self, number: int) -> bool:
        """Whether SET reads a negative number as 2^64 more, so that it overflows at the top and not at the bottom.

        For unsigned fields it always does.  For signed fields the reference computes in 64 bits how far the number is
        below the maximum.  If that wraps, it treats the number as above the maximum.
        """
        return not self.signed or (self.width < 64 and POWERS[self.width - 1] - number > POWERS[63])


def _word(value: String, at: i64, end: i64) -> i64:
    """Up to seven bytes of the string as one number, with zeros beyond its end."""
    size = value.length()
    word: i64 = 0
    long = value.long
    if long is None:
        blob = value.blob
        start = value.start
        while at < end and at < size:
            word = word << 8 | i64(blob[start + at])
            at += 1
    else:
        buffer = long.buffer
        data = long.data
        while at < end and at < size:
            word = word << 8 | (i64(data[at]) if buffer is None else i64(buffer[at]))
            at += 1
    return word << ((end - at) << 3)


def _write(out: BytesWriter, word: i64, count: i64) -> None:
    """Append the low `count` bytes of a word, the highest first."""
    while count > 0:
        count -= 1
        out.append(u8((word >> (count << 3)) & 0xFF))
