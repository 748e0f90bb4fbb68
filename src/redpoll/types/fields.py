"""Integers of 1 to 64 bits anywhere in a string, as BITFIELD reads and writes them: the highest bit first."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.types.string import String

WRAP: Final[i64] = 0
SAT: Final[i64] = 1
FAIL: Final[i64] = 2

POWERS: Final[list[int]] = [2**n for n in range(73)]
"""Up to that of the nine bytes that a field may touch."""


class Field:
    """`width` bits from bit `offset` on, with a sign or without."""

    def __init__(self, signed: bool, width: i64, offset: i64) -> None:
        self.signed = signed
        self.width: i64 = width
        self.offset: i64 = offset

    def end_byte(self) -> i64:
        """How many bytes a string has that ends with the field."""
        return (self.offset + self.width + 7) >> 3

    def read(self, value: String) -> int:
        """The number; bits behind the end of the string are 0.  O(1)."""
        bits = self._around(value) // POWERS[self._behind()] % POWERS[self.width]
        if self.signed and bits >= POWERS[self.width - 1]:
            bits -= POWERS[self.width]
        return bits

    def write(self, value: String, number: int) -> None:
        """Write a number that fits into the field, into a string that reaches to its end.  O(1) in a buffer."""
        around = self._around(value)
        unit = POWERS[self._behind()]
        span = POWERS[self.width]
        around += (number % span - around // unit % span) * unit
        first = self.offset >> 3
        value.write_at(first, around.to_bytes(self.end_byte() - first, "big"))

    def fitted(self, number: int, overflow: i64) -> int | None:
        """What the field holds of any number: wrapped, the nearest that fits, or None if it must not overflow."""
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

    def takes_for_huge(self, number: int) -> bool:
        """Whether SET means 2^64 more by a negative number: it then overflows at the top and not at the bottom.

        Without a sign it always does.  With one the reference looks how far below the highest the number is, in a word
        of 64 bits, and what overflows that is above for it.
        """
        return not self.signed or (self.width < 64 and POWERS[self.width - 1] - number > POWERS[63])

    def _around(self, value: String) -> int:
        """The bytes that the field touches, as one number."""
        first = self.offset >> 3
        stop = self.end_byte()
        size = value.length()
        data = value.part(first, min(stop, size)) if first < size else b""
        missing = stop - first - len(data)
        return int.from_bytes(data, "big") * POWERS[missing << 3]

    def _behind(self) -> i64:
        """How many bits of the last byte lie behind the field."""
        return (self.end_byte() << 3) - self.offset - self.width
