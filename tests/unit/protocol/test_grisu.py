"""Grisu2 in words against the same procedure in integers of any size."""

from __future__ import annotations

import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.protocol.grisu import shortest


def power(k: int) -> tuple[int, int]:
    """10^k as a significand of 64 bits and a binary exponent."""
    exact = Fraction(10) ** k
    exponent = exact.numerator.bit_length() - exact.denominator.bit_length() - 64
    while round(exact / Fraction(2) ** exponent) >> 64:
        exponent += 1
    return round(exact / Fraction(2) ** exponent), exponent


def grisu2(d: float) -> tuple[int, int]:
    """Digits and exponent, as spec/values.md has the procedure."""
    bits = struct.unpack("<q", struct.pack("<d", d))[0]
    f, e = (bits & (2**52 - 1), -1074) if bits < 2**52 else (bits & (2**52 - 1) | 2**52, (bits >> 52) - 1075)
    upper, q = 2 * f + 1, e - 1
    upper, q = upper << 64 - upper.bit_length(), q - (64 - upper.bit_length())
    shift = 2 if f == 2**52 else 1
    lower = (f * 2**shift - 1) << (e - shift - q)
    value = f << 64 - f.bit_length()
    index = int((int(-(q + 87) * 0.30102999566398114) + 348) / 8)
    while q + power(-348 + 8 * index)[1] + 64 < -60:
        index += 1
    while q + power(-348 + 8 * index)[1] + 64 > -32:
        index -= 1
    c, p = power(-348 + 8 * index)
    w, u, low = (((product * c) + 2**63) >> 64 for product in (value, upper, lower))
    u, low = u - 1, low + 1
    delta, distance, x, exponent = u - low, u - w, -(q + p + 64), 348 - 8 * index
    digits, rest, step = 0, u, 0
    for places in range(9, -1, -1):
        step = 10**places << x
        digits, rest = digits * 10 + rest // step, rest % step
        if rest <= delta:
            exponent += places
            break
    else:
        while True:
            rest, delta, distance, exponent = rest * 10, delta * 10, distance * 10, exponent - 1
            digits, rest = digits * 10 + rest // step, rest % step
            if rest < delta:
                break
    while (
        rest < distance
        and delta - rest >= step
        and (rest + step < distance or distance - rest > rest + step - distance)
    ):
        digits, rest = digits - 1, rest + step
    return digits, exponent


def double(bits: int) -> float:
    found: float = struct.unpack("<d", struct.pack("<q", bits))[0]
    return found


EDGES = sorted(
    {double(bit + step) for bit in (1 << n for n in range(1, 62)) for step in (-1, 0, 1)}
    | {double(exponent << 52 | f) for exponent in range(1, 2047, 31) for f in (0, 1, 2**52 - 1, 0x5555555555555)}
    | {10.0**n for n in range(-320, 309, 3)}
)


@pytest.mark.parametrize("start", range(0, len(EDGES), 100))
def test_digits_at_the_edges(start: int) -> None:
    for d in EDGES[start : start + 100]:
        assert grisu2(d) == shortest(d), d


@given(st.integers(1, 0x7FEFFFFFFFFFFFFF) | st.integers(1, 1 << 53))
def test_digits_of_any_double(bits: int) -> None:
    assert grisu2(double(bits)) == shortest(double(bits))


@given(st.floats(1e-9, 1e12))
def test_digits_of_usual_doubles(d: float) -> None:
    digits, exponent = shortest(d)
    assert grisu2(d) == (digits, exponent)
    assert float(f"{digits}e{exponent}") == d
