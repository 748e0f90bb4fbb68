"""Decimal arithmetic as the reference's 80-bit `long double` does it, in exact integers.

INCRBYFLOAT and HINCRBYFLOAT print what a 64-bit significand makes of their operands, and clients compare those
digits.  Every number here is a Fraction that a long double can hold.  Source: spec/values.md, "Numbers".
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

SIGNIFICAND_BITS: Final = 64
LEAST_EXPONENT: Final = -16445
MOST_EXPONENT: Final = 16384
MOST_BYTES: Final = 5119
DECIMALS: Final = 17

_DECIMAL: Final = re.compile(rb"([+-]?)(\d+\.?\d*|\.\d+)(?:e([+-]?\d+))?", re.IGNORECASE)
_HEX: Final = re.compile(rb"([+-]?)0x([0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p([+-]?\d+))?", re.IGNORECASE)
_INFINITY: Final = re.compile(rb"([+-]?)(?:inf|infinity)", re.IGNORECASE)


def parse_long_double(text: bytes) -> Fraction | float | None:
    """The number, rounded to a long double; an infinity as a float; None for what is refused.

    Refused are nan, numbers beyond the range and such as round to zero though they are not.
    """
    if len(text) > MOST_BYTES:
        return None
    infinity = _INFINITY.fullmatch(text)
    if infinity is not None:
        return float("-inf") if infinity.group(1) == b"-" else float("inf")
    exact = _exact(text)
    if exact is None:
        return None
    if exact == 0:
        return Fraction(0)
    found = rounded(exact)
    return found if found is not None and found != 0 else None


def _exact(text: bytes) -> Fraction | None:
    found = _DECIMAL.fullmatch(text)
    if found is not None:
        sign, digits, exponent = found.groups()
        whole, _, part = digits.partition(b".")
        power = int(exponent or b"0") - len(part)
        significant = int(whole + part or b"0")
        if significant == 0:
            return Fraction(0)
        # Far out of range either way: no need for numbers of millions of digits.
        reach = power + len((whole + part).lstrip(b"0"))
        if not -5100 < reach < 5100:
            return Fraction(2) ** (20000 if reach > 0 else -20000)
        value = Fraction(significant) * Fraction(10) ** power
        return -value if sign == b"-" else value
    found = _HEX.fullmatch(text)
    if found is None:
        return None
    sign, digits, exponent = found.groups()
    whole, _, part = digits.partition(b".")
    power = max(-40000, min(40000, int(exponent or b"0"))) - 4 * len(part)
    value = Fraction(int(whole + part or b"0", 16)) * Fraction(2) ** power
    return -value if sign == b"-" else value


def rounded(exact: Fraction) -> Fraction | None:
    """The nearest long double, halves to even; None beyond the range."""
    if exact == 0:
        return exact
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if Fraction(2) ** exponent > size:
        exponent -= 1
    step = Fraction(2) ** max(exponent - SIGNIFICAND_BITS + 1, LEAST_EXPONENT)
    nearest = round(exact / step) * step
    return None if abs(nearest) >= Fraction(2) ** MOST_EXPONENT else nearest


def add_long_doubles(augend: bytes, addend: bytes) -> bytes | None:
    """The sum as INCRBYFLOAT prints it; None if it is infinite.  Both parse."""
    left = parse_long_double(augend)
    right = parse_long_double(addend)
    if not isinstance(left, Fraction) or not isinstance(right, Fraction):
        return None
    total = rounded(left + right)
    return None if total is None else format_long_double(total)


def format_long_double(value: Fraction) -> bytes:
    """Plain decimal with up to 17 places, no exponent, no trailing zeros."""
    scaled = round(value * 10**DECIMALS)
    sign = "-" if scaled < 0 else ""
    whole, part = divmod(abs(scaled), 10**DECIMALS)
    text = f"{sign}{_digits(whole)}.{part:017d}".rstrip("0").rstrip(".")
    return text.encode()


def _digits(whole: int) -> str:
    """Decimal digits of an integer of any size; Python refuses to print very long ones in one go."""
    if whole < 10**4000:
        return str(whole)
    high, low = divmod(whole, 10**4000)
    return f"{high}{low:04000d}"
