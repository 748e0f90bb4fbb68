"""HyperLogLog registers: 16384 numbers of 6 bits, packed or one for each byte, and the estimate of the number of
elements.

Packed, register i has bits 6i to 6i + 5 of one little-endian string of bits, so four registers share three bytes.
The estimate is Ertl's improved raw estimator.  Source: spec/values.md, section 1.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Final

from librt.strings import BytesWriter
from librt.vecs import append, extend, vec
from mypy_extensions import i64, u8

REGISTERS: Final[i64] = 16384
PACKED_BYTES: Final[i64] = 12288
VALUES: Final[i64] = 64
MOST: Final[i64] = 51
"""The highest value that an element gives: 50 bits of its hash and one more are counted."""

ALPHA: Final = 0.721347520444481703680


def _zeros(count: i64) -> vec[u8]:
    made = vec[u8](capacity=count)
    for _ in range(count):
        made = append(made, u8(0))
    return made


_NO_REGISTERS: Final = _zeros(16384)
"""Only ever copied."""


def empty_registers() -> vec[u8]:
    """All registers, one for each byte, set to 0."""
    return extend(vec[u8](capacity=REGISTERS), _NO_REGISTERS)


def raise_to_packed(registers: vec[u8], data: bytes, at: i64) -> None:
    """Raise each register to the one packed in `data` from `at` on, if that is higher.  O(registers)."""
    i: i64 = 0
    while i < REGISTERS:
        a: i64 = data[at]
        b: i64 = data[at + 1]
        c: i64 = data[at + 2]
        _raise(registers, i, a & 63)
        _raise(registers, i + 1, (a >> 6) | ((b & 15) << 2))
        _raise(registers, i + 2, (b >> 4) | ((c & 3) << 4))
        _raise(registers, i + 3, c >> 2)
        i += 4
        at += 3


def _raise(registers: vec[u8], i: i64, value: i64) -> None:
    if value > i64(registers[i]):
        registers[i] = u8(value)


def packed_registers(registers: vec[u8]) -> bytes:
    """The packed form.  O(registers)."""
    out = BytesWriter()
    i: i64 = 0
    while i < REGISTERS:
        a: i64 = i64(registers[i])
        b: i64 = i64(registers[i + 1])
        c: i64 = i64(registers[i + 2])
        d: i64 = i64(registers[i + 3])
        out.append(u8(a | ((b & 3) << 6)))
        out.append(u8((b >> 2) | ((c & 15) << 4)))
        out.append(u8((c >> 4) | (d << 2)))
        i += 4
    return out.getvalue()


def histogram_of_packed(data: bytes, at: i64) -> vec[i64]:
    """How many registers have each value, of those packed in `data` from `at` on.  O(registers)."""
    counts = empty_histogram()
    stop: i64 = at + PACKED_BYTES
    while at < stop:
        a: i64 = data[at]
        b: i64 = data[at + 1]
        c: i64 = data[at + 2]
        counts[a & 63] += 1
        counts[(a >> 6) | ((b & 15) << 2)] += 1
        counts[(b >> 4) | ((c & 3) << 4)] += 1
        counts[c >> 2] += 1
        at += 3
    return counts


def histogram(registers: vec[u8]) -> vec[i64]:
    """How many registers have each value.  O(registers)."""
    counts = empty_histogram()
    i: i64 = 0
    while i < REGISTERS:
        counts[i64(registers[i])] += 1
        i += 1
    return counts


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
    z += m * _sigma(float(counts[0]) / m)
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
