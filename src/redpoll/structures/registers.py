"""HyperLogLog registers: 16384 numbers of 6 bits, and the estimate of the number of elements.

Packed, register i has bits 6i to 6i + 5 of one little-endian string of bits.  Worked on, they are words of 48 bits:
eight registers each, in the same order, so that packing is a matter of moving words and a step works on several
registers at once.  The estimate is Ertl's improved raw estimator.  Source: spec/values.md, section 1.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from librt.vecs import append, extend, vec
from mypy_extensions import i64

from redpoll.scratch import SHARED

REGISTERS: Final[i64] = 16384
WORDS: Final[i64] = 2048
PACKED_BYTES: Final[i64] = 12288
VALUES: Final[i64] = 64
MOST: Final[i64] = 51
"""The highest value that an element gives: 50 bits of its hash and one more are counted."""

ALPHA: Final = 0.721347520444481703680

WORD_MASK: Final[i64] = 0xFFFFFFFFFFFF
EVEN: Final[i64] = 0x03F03F03F03F
"""Registers 0, 2, 4 and 6 of a word, each with six bits free above it."""
ABOVE_EVEN: Final[i64] = 0x040040040040
"""The lowest of the free bits."""
LOW_5: Final[i64] = 0x7DF7DF7DF7DF
"""The low five bits of every register of a word."""
BIT_5: Final[i64] = 0x820820820820
"""The highest bit of every register of a word."""
EACH: Final[i64] = 0x041041041041
"""The lowest bit of every register of a word."""

FEW_WORDS: Final[i64] = 32
"""So many words can be summed up in the six bits of a register."""
HALVES: Final[i64] = 31
HALVED: Final[i64] = 1 << 31
"""2^-n for registers n below 32, as whole numbers."""

_scratch: Final = BytesWriter()


def _zeros(count: i64) -> vec[i64]:
    made = vec[i64](capacity=count)
    for _ in range(count):
        made = append(made, 0)
    return made


_NO_REGISTERS: Final = _zeros(2048)
"""Only ever copied."""


def empty_registers() -> vec[i64]:
    """All registers, 0 each, as words."""
    return extend(vec[i64](capacity=WORDS), _NO_REGISTERS)


def register_at(registers: vec[i64], i: i64) -> i64:
    """The value of register `i`."""
    return (registers[i >> 3] >> (6 * (i & 7))) & 63


def raise_one(registers: vec[i64], i: i64, value: i64) -> None:
    """Raise register `i` to `value`, if that is higher."""
    shift = 6 * (i & 7)
    word = registers[i >> 3]
    held = (word >> shift) & 63
    if value > held:
        registers[i >> 3] = word ^ ((held ^ value) << shift)


def raise_to_packed(registers: vec[i64], data: bytes, at: i64) -> None:
    """Raise each register to the one packed in `data` from `at`, at least 2, on, if that is higher.  O(registers)."""
    i: i64 = 0
    # A word of 64 bits that ends with the one wanted never reaches beyond the end.
    at -= 2
    while i < WORDS:
        word = (read_i64_le(data, at) >> 16) & WORD_MASK
        held = registers[i]
        if held == 0:
            registers[i] = word
        elif word != held:
            registers[i] = _highest(held & EVEN, word & EVEN) | (_highest((held >> 6) & EVEN, (word >> 6) & EVEN) << 6)
        at += 6
        i += 1


def _highest(a: i64, b: i64) -> i64:
    """The higher one of each pair of four registers that have free bits between them."""
    # The bit above is borrowed from where the second one is the higher.
    kept = ((a | ABOVE_EVEN) - b) & ABOVE_EVEN
    kept -= kept >> 6
    return b ^ ((a ^ b) & kept)


def packed_registers(registers: vec[i64]) -> bytes:
    """The packed form.  O(registers)."""
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    i: i64 = 0
    while i < WORDS:
        a = registers[i]
        b = registers[i + 1]
        c = registers[i + 2]
        d = registers[i + 3]
        # Four words in three of 64 bits, whose highest part carries the sign.
        write_i64_le(out, a | _signed(b & 0xFFFF, 0x8000) << 48)
        write_i64_le(out, b >> 16 | _signed(c & 0xFFFFFFFF, 0x80000000) << 32)
        write_i64_le(out, c >> 32 | _signed(d, 0x800000000000) << 16)
        i += 4
    return out.getvalue()


def _signed(n: i64, top: i64) -> i64:
    """A number whose highest bit is `top`, with that bit as its sign."""
    return (n ^ top) - top


def histogram(registers: vec[i64]) -> vec[i64]:
    """How many registers have each value.  O(registers)."""
    counts = empty_histogram()
    i: i64 = 0
    while i < REGISTERS:
        counts[register_at(registers, i)] += 1
        i += 1
    return counts


def estimate_of(registers: vec[i64]) -> i64:
    """How many distinct elements registers have seen.  O(registers).

    The same as `estimate(histogram(registers))`.  Where no register is above 31, which takes a billion elements, the
    sum of 2^-register that the histogram is for is a whole number of 2^-31, and no step of it is rounded.
    """
    total: i64 = 0
    filled: i64 = 0
    few: i64 = 0
    i: i64 = 0
    while i < WORDS:
        word = registers[i]
        if word & BIT_5 != 0:
            return estimate(histogram(registers))
        few += ((word + LOW_5) & BIT_5) >> 5
        total += (
            (HALVED >> (word & 63))
            + (HALVED >> (word >> 6 & 63))
            + (HALVED >> (word >> 12 & 63))
            + (HALVED >> (word >> 18 & 63))
            + (HALVED >> (word >> 24 & 63))
            + (HALVED >> (word >> 30 & 63))
            + (HALVED >> (word >> 36 & 63))
            + (HALVED >> (word >> 42))
        )
        i += 1
        if i & (FEW_WORDS - 1) == 0:
            filled += _sum_of_registers(few)
            few = 0
    zeros = REGISTERS - filled
    return _estimated(float(total - (zeros << HALVES)) / float(HALVED), zeros)


def _sum_of_registers(word: i64) -> i64:
    total: i64 = 0
    while word != 0:
        total += word & 63
        word >>= 6
    return total


def empty_histogram() -> vec[i64]:
    """No register for any value."""
    counts = vec[i64](capacity=VALUES)
    for _ in range(VALUES):
        counts = append(counts, 0)
    return counts


def estimate(counts: vec[i64]) -> i64:
    """Estimate the number of distinct elements from a histogram of registers.  O(1)."""
    m = float(REGISTERS)
    z = m * _tau((m - float(counts[MOST])) / m)
    j: i64 = MOST - 1
    while j >= 1:
        z = 0.5 * (z + float(counts[j]))
        j -= 1
    return _estimated(z, counts[0])


def _estimated(z: float, zeros: i64) -> i64:
    """The estimate from the sum of 2^-register over the registers that are not 0, and the number of those that are."""
    m = float(REGISTERS)
    z += m * _sigma(float(zeros) / m)
    if z == inf:
        return 0
    # Rounded to the nearest, halves away from zero.
    return i64(int(ALPHA * m * m / z + 0.5))


def _sigma(x: float) -> float:
    if x == 1.0:
        return inf
    y = 1.0
    z = x
    while True:
        x *= x
        before = z
        z += x * y
        y += y
        if z == before:
            return z


def _tau(x: float) -> float:
    if x == 0.0 or x == 1.0:
        return 0.0
    y = 1.0
    z = 1.0 - x
    while True:
        x = sqrt(x)
        before = z
        y *= 0.5
        z -= (1.0 - x) * (1.0 - x) * y
        if z == before:
            return z / 3.0
