"""The decimal digits of a double by Grisu2, with 64-bit significands.

Grisu2 multiplies the number and the ends of its rounding interval by a cached power of ten, so that the digits can be
read off an integer, and stops at the first that falls into the interval.  The result always reads back as the same
double; in one of a thousand cases it is a digit longer than need be, or not the nearest of the shortest.  The reference
prints scores with these digits, so `repr` cannot be used.

A significand of 64 bits does not fit a signed word, and compiled and interpreted words overflow differently.  It
is therefore kept in three limbs of 22, 22 and 20 bits, and a product in 40 and 24 bits: nothing exceeds 2^62.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_f64_le
from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.scratch import SHARED

LIMB: Final[i64] = (1 << 22) - 1
LOW: Final[i64] = (1 << 24) - 1
FRACTION: Final[i64] = (1 << 52) - 1
HIDDEN_BIT: Final[i64] = 1 << 52
# 60 binary places: their greatest fraction and their 1, to be shifted down to fewer places.  `1 << x` would not do, as
# mypyc hands it on to C, where a literal 1 has 32 bits.
MOST_PLACES: Final[i64] = 60
ALL_PLACES: Final[i64] = (1 << 60) - 1
ONE: Final[i64] = 1 << 60
WIDEST_UNIT: Final[i64] = 1 << 19
"""Subnormals below 2^33 times the smallest have a rounding interval of more than 2^31 of 2^64."""

FIRST_POWER: Final = -348
"""The powers of ten kept are 10^-348, 10^-340 ... 10^340."""
POWER_STEP: Final = 8
LAST_POWER: Final = 340


@mypyc_attr(acyclic=True)
class Powers:
    """The cached powers of ten in columns: limbs of the 64-bit significand, and the binary exponent."""

    def __init__(self) -> None:
        self.high = vec[i64](capacity=88)
        self.middle = vec[i64](capacity=88)
        self.low = vec[i64](capacity=88)
        self.exponent = vec[i64](capacity=88)
        for power in range(FIRST_POWER, LAST_POWER + 1, POWER_STEP):
            self.add(power)

    def add(self, power: int) -> None:
        """Append 10^power, rounded to 64 significant bits."""
        if power >= 0:
            exponent = (10**power).bit_length() - 64
            numerator, denominator = 10**power, 1
        else:
            exponent = -((10**-power).bit_length()) - 63
            numerator, denominator = 1, 10**-power
        if exponent >= 0:
            denominator <<= exponent
        else:
            numerator <<= -exponent
        significand = (2 * numerator + denominator) // (2 * denominator)
        if significand >> 64:
            exponent += 1
            significand >>= 1
        assert significand >> 63 == 1
        self.high = append(self.high, i64(significand >> 44))
        self.middle = append(self.middle, i64((significand >> 22) & LIMB))
        self.low = append(self.low, i64(significand & LIMB))
        self.exponent = append(self.exponent, i64(exponent))


POWERS: Final = Powers()
_scratch: Final = BytesWriter()


def bits_of(d: float) -> i64:
    """The 64 bits of `d`."""
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    write_f64_le(out, d)
    return read_i64_le(out.getvalue(), 0)


def power_for(q: i64) -> i64:
    """Index of the power that brings a 64-bit significand with binary exponent `q` into the range -60 to -32."""
    estimate = int(float(-(q + 87)) * 0.30102999566398114)
    index: i64 = (i64(estimate) - FIRST_POWER) >> 3
    while q + POWERS.exponent[index] + 64 < -60:
        index += 1
    while q + POWERS.exponent[index] + 64 > -32:
        index -= 1
    return index


def product(m: i64, shift: i64, power: i64) -> tuple[i64, i64]:
    """The upper 64 bits, rounded, of `m << shift`, 64 bits wide, times the power with that index: 40 bits and 24."""
    a0: i64 = (m & (LIMB >> shift)) << shift
    a1: i64 = (m >> (22 - shift)) & LIMB
    a2: i64 = m >> (44 - shift)
    b0: i64 = POWERS.low[power]
    b1: i64 = POWERS.middle[power]
    b2: i64 = POWERS.high[power]
    # Columns of weight 2^0, 2^22, 2^44, 2^66, 2^88; the half that rounds is 2^63 = 2^19 * 2^44.
    column: i64 = a0 * b1 + a1 * b0 + ((a0 * b0) >> 22)
    column = a0 * b2 + a1 * b1 + a2 * b0 + (column >> 22) + (1 << 19)
    column = (column >> 20) + ((a1 * b2 + a2 * b1) << 2)
    return a2 * b2 + (column >> 24), column & LOW


def shortest(d: float) -> tuple[i64, i64]:
    """Digits and exponent, digits * 10^exponent, that read back as `d`, which is finite and above zero.  O(1).

    The digits are a number below 10^18.
    """
    bits = bits_of(d)
    f: i64 = bits & FRACTION
    e: i64 = bits >> 52
    if e == 0:
        e = 1
    else:
        f += HIDDEN_BIT
    e -= 1075
    closer_below = f == HIDDEN_BIT
    # Subnormals are brought to 53 bits; the ends of the interval, half a unit away, move along.
    unit: i64 = 1
    while f < HIDDEN_BIT:
        f <<= 1
        unit <<= 1
        e -= 1
    q: i64 = e - 11
    power = power_for(q)
    value_high, value_low = product(f, 11, power)
    high, low = product(2 * f + unit, 10, power)
    if closer_below:
        lower_high, lower_low = product(4 * f - 1, 9, power)
    else:
        lower_high, lower_low = product(2 * f - unit, 10, power)
    x: i64 = -(q + POWERS.exponent[power] + 64)
    exponent: i64 = -(FIRST_POWER + POWER_STEP * power)
    if unit > WIDEST_UNIT:
        return generate_wide(high, low, (lower_high, lower_low), (value_high, value_low), x, exponent)
    # One off each end makes up for the rounding of the products.
    delta: i64 = ((high - lower_high) << 24) + low - lower_low - 2
    distance: i64 = ((high - value_high) << 24) + low - value_low - 1
    return generate(high, low - 1, delta, distance, x, exponent)


def generate(high: i64, low: i64, delta: i64, distance: i64, x: i64, exponent: i64) -> tuple[i64, i64]:
    """Digits of the upper end `high * 2^24 + low`, which has `x` binary places, until one is within `delta` of it.

    `distance` is what the number itself lies below the upper end.  The result is digits * 10^exponent, with the
    `exponent` given for a last digit before the binary point.
    """
    if low < 0:
        high -= 1
        low += LOW + 1
    integer: i64 = high >> (x - 24)
    fraction: i64 = ((high & (ALL_PLACES >> (MOST_PLACES + 24 - x))) << 24) | low
    digits: i64 = 0
    weight: i64 = 1000000000
    places: i64 = 10
    while places > 0:
        digit: i64 = integer // weight
        integer -= digit * weight
        digits = digits * 10 + digit
        places -= 1
        # `delta` is below 2^32 and an integer digit worth more, so nothing can be within reach before the last one.
        if integer == 0 and fraction <= delta:
            return digits, exponent + places
        weight //= 10
    while True:
        # Ten times as much in units twice as large, so that nothing exceeds 2^63.
        fraction *= 5
        delta *= 5
        distance *= 5
        x -= 1
        digits = digits * 10 + (fraction >> x)
        fraction &= ALL_PLACES >> (MOST_PLACES - x)
        exponent -= 1
        if fraction < delta:
            break
    # Lower the last digit while that stays in the interval and comes nearer to the number.
    step: i64 = ONE >> (MOST_PLACES - x)
    while (
        fraction < distance
        and delta - fraction >= step
        and (fraction + step < distance or distance - fraction > fraction + step - distance)
    ):
        digits -= 1
        fraction += step
    return digits, exponent


def generate_wide(
    high: i64, low: i64, lower: tuple[i64, i64], value: tuple[i64, i64], x: i64, exponent: i64
) -> tuple[i64, i64]:
    """`generate` for the tiniest numbers, whose interval is too wide for words: the same with integers of any size.

    `lower` and `value` are products like `high` and `low`.
    """
    upper: int = (int(high) << 24) + int(low) - 1
    delta: int = upper - ((int(lower[0]) << 24) + int(lower[1]) + 1)
    distance: int = upper - ((int(value[0]) << 24) + int(value[1]))
    places = 10
    digits = 0
    rest = upper
    step: int = 10**10 << int(x)
    while True:
        if places > 0:
            step //= 10
        else:
            rest *= 10
            delta *= 10
            distance *= 10
        places -= 1
        digits = digits * 10 + rest // step
        rest %= step
        if rest < delta or (places >= 0 and rest == delta):
            break
    while rest < distance and delta - rest >= step and (rest + step < distance or 2 * distance > 2 * rest + step):
        digits -= 1
        rest += step
    return digits, exponent + places
