"""Decimal arithmetic like the reference's 80-bit `long double`, in exact integers.

INCRBYFLOAT and HINCRBYFLOAT print results that are rounded to a 64-bit significand, and clients compare those digits.
A number is a significand and a shift, significand * 2^shift; text is read as an exact quotient of integers first and
then rounded once.  Source: spec/values.md, "Numbers".
"""

from __future__ import annotations

import re
from typing import Final

SIGNIFICAND_BITS: Final = 64
LEAST_EXPONENT: Final = -16445
MOST_EXPONENT: Final = 16384
MOST_BYTES: Final = 5119
"""A longer text is no number."""
DECIMALS: Final = 17
MOST_DIGITS_AT_ONCE: Final = 4000

_DECIMAL: Final = re.compile(rb"([+-]?)(\d+\.?\d*|\.\d+)(?:e([+-]?\d+))?", re.IGNORECASE)
_HEX: Final = re.compile(rb"([+-]?)0x([0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p([+-]?\d+))?", re.IGNORECASE)
_INFINITY: Final = re.compile(rb"([+-]?)(?:inf|infinity)", re.IGNORECASE)


def parse_long_double(text: bytes) -> tuple[int, int] | float | None:
    """Significand and shift of the number, rounded to a long double; an infinity as a float; None if it is refused.

    Refuses nan, numbers beyond the range, and nonzero numbers that would round to zero.
    """
    if len(text) > MOST_BYTES:
        return None
    infinity = _INFINITY.fullmatch(text)
    if infinity is not None:
        return float("-inf") if infinity.group(1) == b"-" else float("inf")
    return _parts(text)


def add_long_doubles(augend: bytes, addend: bytes) -> bytes | None:
    """The sum as INCRBYFLOAT prints it; None if it is infinite.  Both parse."""
    left = _parts(augend)
    right = _parts(addend)
    if left is None or right is None:
        return None
    shift = min(left[1], right[1])
    total = (left[0] << (left[1] - shift)) + (right[0] << (right[1] - shift))
    parts = _rounded(total << max(shift, 0), 1 << max(-shift, 0))
    if parts is None:
        return None
    significand, shift = parts
    return _printed(significand << max(shift, 0), 1 << max(-shift, 0))


def _parts(text: bytes) -> tuple[int, int] | None:
    """Significand and shift of a finite number; None if it is not a number or out of range."""
    found = _DECIMAL.fullmatch(text)
    if found is not None:
        sign, digits, exponent = found.groups()
        whole, _, part = digits.partition(b".")
        power = _exponent(exponent) - len(part)
        value = _integer(whole + part)
        # Far out of range either way, so numbers of millions of digits are not computed.
        reach = power + len((whole + part).lstrip(b"0"))
        if value != 0 and not -5100 < reach < 5100:
            return None
        base = 10
    else:
        found = _HEX.fullmatch(text)
        if found is None:
            return None
        sign, digits, exponent = found.groups()
        whole, _, part = digits.partition(b".")
        # The digits of such a short text cannot bring an exponent beyond this back into range.
        power = max(-40000, min(40000, _exponent(exponent))) - 4 * len(part)
        value = int(whole + part, 16)
        base = 2
    if value == 0:
        return 0, 0
    scale = base ** abs(power)
    parts = _rounded(value * scale, 1) if power >= 0 else _rounded(value, scale)
    if parts is None or parts[0] == 0:
        return None
    return (-parts[0], parts[1]) if sign == b"-" else parts


def _exponent(text: bytes | None) -> int:
    """The exponent, 0 if there is none.  An exponent far out of range is truncated."""
    if text is None:
        return 0
    size = int(text.lstrip(b"+-").lstrip(b"0")[:9] or b"0")
    return -size if text[:1] == b"-" else size


def _integer(digits: bytes) -> int:
    """The value of any number of decimal digits.  Python refuses to convert very many at once."""
    if len(digits) <= MOST_DIGITS_AT_ONCE:
        return int(digits)
    high = _integer(digits[:-MOST_DIGITS_AT_ONCE])
    shifted: int = high * 10**MOST_DIGITS_AT_ONCE
    return shifted + int(digits[-MOST_DIGITS_AT_ONCE:])


def _divided(numerator: int, denominator: int) -> int:
    """The nearest integer to the quotient, halves to even; the denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    if rest * 2 > denominator or (rest * 2 == denominator and quotient & 1):
        quotient += 1
    return quotient


def _rounded(numerator: int, denominator: int) -> tuple[int, int] | None:
    """The nearest long double to a quotient, halves to even, as significand and shift; None beyond the range."""
    size = abs(numerator)
    if size == 0:
        return 0, 0
    # 2^exponent <= size < 2^(exponent + 1); the last bit of the significand weighs 2^shift.
    exponent = size.bit_length() - denominator.bit_length()
    if denominator << max(exponent, 0) > size << max(-exponent, 0):
        exponent -= 1
    shift = max(exponent - SIGNIFICAND_BITS + 1, LEAST_EXPONENT)
    significand = _divided(size << max(-shift, 0), denominator << max(shift, 0))
    if significand.bit_length() + shift > MOST_EXPONENT:
        return None
    return (-significand if numerator < 0 else significand), shift


def _printed(numerator: int, denominator: int) -> bytes:
    """A quotient as plain decimal text: up to 17 places, no exponent, no trailing zeros."""
    scaled = _divided(numerator * 10**DECIMALS, denominator)
    sign = "-" if scaled < 0 else ""
    whole, part = divmod(abs(scaled), 10**DECIMALS)
    places = str(part).zfill(DECIMALS).rstrip("0")
    text = f"{sign}{_digits(whole)}.{places}" if places else f"{sign}{_digits(whole)}"
    return text.encode()


def _digits(whole: int) -> str:
    """Decimal digits of an integer of any size.  Python refuses to convert very many at once."""
    if whole.bit_length() < 3 * MOST_DIGITS_AT_ONCE:
        return str(whole)
    high, low = divmod(whole, 10**MOST_DIGITS_AT_ONCE)
    return f"{high}{str(low).zfill(MOST_DIGITS_AT_ONCE)}" if high > 0 else str(low)
