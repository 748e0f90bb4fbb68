"""Numbers on the wire: bytes to numbers and back, without exceptions and mostly without objects.

Integers are int64 in their one canonical spelling (`0`, or an optional `-`, a digit 1-9, digits).  Doubles are read by
a grammar of their own, narrower than Python's, and printed with the digits that Grisu2 finds (`grisu.py`).  Invalid
input causes no exception: integers return NO_INT, doubles nan (a client cannot send nan).
"""

from __future__ import annotations

from math import inf, nan
from typing import Final

from librt.strings import BytesWriter, write_f64_le, write_i16_le, write_i32_le, write_i64_le
from librt.vecs import append, vec
from mypy_extensions import i16, i32, i64, u8

from redpoll.protocol.grisu import shortest
from redpoll.scratch import SHARED

NO_INT: Final[i64] = -4611686018427387904
"""The result of `to_int` for text that is not an integer.  It is also a valid integer; `is_int` distinguishes the two.

-2^62 is the lowest constant with which compiled code compares without creating an object.
"""

INT64_MAX: Final = 9223372036854775807
INT64_MIN: Final = -9223372036854775808
"""Plain integers, to compare with sums that may have left 64 bits."""
MAX_INT_DIGITS: Final = b"9223372036854775807"
MIN_INT_DIGITS: Final = b"9223372036854775808"
ULONG_MAX: Final = 18446744073709551615

TAB: Final = 9
CARRIAGE_RETURN: Final = 13
BLANK: Final = 32
PLUS: Final = 43
MINUS: Final = 45
POINT: Final = 46
ZERO: Final = 48
NINE: Final = 57

SMALL_INTS: Final[list[bytes]] = [str(n).encode() for n in range(4096)]
"""The texts of 0 to 4095, shared by all callers."""


def pairs_of_digits() -> vec[i16]:
    """For each of 0 to 99 its two digits as a little-endian word."""
    pairs = vec[i16](capacity=100)
    for n in range(100):
        pairs = append(pairs, i16(ZERO + n // 10 + ((ZERO + n % 10) << 8)))
    return pairs


PAIRS: Final = pairs_of_digits()

POWERS_OF_TEN: Final[list[float]] = [float(10**n) for n in range(23)]
"""10^0 to 10^22, which binary64 holds exactly."""

EXACT_DIGITS: Final = 15
"""Integers of so many digits are exact in binary64, so one division by an exact power rounds correctly."""

_scratch: Final = BytesWriter()
"""For texts that are put together and taken out again within one call."""


# Integers


def is_int(b: bytes) -> bool:
    """Whether all of `b` is an int64 in canonical spelling.  O(1)."""
    return is_int_at(b, 0, len(b))


def is_int_at(b: bytes, start: i64, end: i64) -> bool:
    """Whether `b[start:end]`, a range within `b`, is an int64 in canonical spelling."""
    size: i64 = end - start
    if size <= 0 or size > 20:
        return False
    at: i64 = start
    negative = b[at] == MINUS
    if negative:
        at += 1
        if at == end or b[at] == ZERO:
            return False
    elif b[at] == ZERO:
        return size == 1
    digits: i64 = end - at
    if digits > 19:
        return False
    while at < end:
        c: i64 = b[at]
        if c < ZERO or c > NINE:
            return False
        at += 1
    if digits < 19:
        return True
    return b[end - 19 : end] <= (MIN_INT_DIGITS if negative else MAX_INT_DIGITS)


def to_int(b: bytes) -> i64:
    """Parse `b` as an integer, or return NO_INT.

    NO_INT is also a valid i64.  A caller that has not called `is_int` before writes

        n = to_int(b)
        if n == NO_INT and not is_int(b):
            raise CommandError(NOT_AN_INTEGER)
    """
    return to_int_at(b, 0, len(b))


def to_int_at(b: bytes, start: i64, end: i64) -> i64:
    """The integer that `b[start:end]`, a range within `b`, spells, or NO_INT (see `to_int`)."""
    size: i64 = end - start
    if size <= 0:
        return NO_INT
    at: i64 = start
    c: i64 = b[at]
    negative = c == MINUS
    if negative:
        at += 1
        if at == end:
            return NO_INT
        c = b[at]
    if c <= ZERO or c > NINE:
        if c == ZERO and size == 1:
            return 0
        return NO_INT
    if end - at > 18:
        return long_int_at(b, start, end)
    n: i64 = c - ZERO
    at += 1
    while at < end:
        c = b[at]
        if c < ZERO or c > NINE:
            return NO_INT
        n = n * 10 + (c - ZERO)
        at += 1
    return -n if negative else n


def long_int_at(b: bytes, start: i64, end: i64) -> i64:
    """`to_int_at` for 19 digits, where not every text fits."""
    if not is_int_at(b, start, end):
        return NO_INT
    at: i64 = start
    negative = b[at] == MINUS
    if negative:
        at += 1
    # The sum is built downwards, because the most negative number has no positive counterpart.
    n: i64 = 0
    while at < end:
        c: i64 = b[at]
        n = n * 10 - (c - ZERO)
        at += 1
    return n if negative else -n


def int_text(n: i64) -> bytes:
    """The canonical text of `n`."""
    if n >= 0 and n < 4096:
        return SMALL_INTS[n]
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    write_int(out, n)
    return out.getvalue()


def write_int(out: BytesWriter, n: i64) -> None:
    """Append the canonical text of `n` without making an object of it."""
    if n < 0:
        # The first comparison usually avoids the second, whose constant is an object.
        if n < NO_INT and n == INT64_MIN:
            out.append(MINUS)
            out.write(MIN_INT_DIGITS)
            return
        out.append(MINUS)
        n = -n
    if n < 100:
        if n < 10:
            out.append(u8(ZERO + n))
        else:
            write_i16_le(out, PAIRS[n])
    elif n < 10000:
        write_up_to_four(out, n)
    elif n < 100000000:
        high: i64 = n // 10000
        write_up_to_four(out, high)
        write_four(out, n - high * 10000)
    else:
        upper: i64 = n // 100000000
        write_int(out, upper)
        write_eight(out, n - upper * 100000000)


def write_up_to_four(out: BytesWriter, n: i64) -> None:
    """Append `n`, 0 to 9999, without leading zeros."""
    if n < 10:
        out.append(u8(ZERO + n))
        return
    if n < 100:
        write_i16_le(out, PAIRS[n])
        return
    # n // 100 by multiplying, right for all n below 10^4.
    high: i64 = (n * 5243) >> 19
    low: i64 = n - high * 100
    if n < 1000:
        out.append(u8(ZERO + high))
        write_i16_le(out, PAIRS[low])
        return
    first = i64(PAIRS[high])
    second = i64(PAIRS[low])
    write_i32_le(out, i32(first | second << 16))


def write_four(out: BytesWriter, n: i64) -> None:
    """Append `n`, 0 to 9999, as exactly four digits."""
    write_i32_le(out, i32(four_digits(n)))


def write_eight(out: BytesWriter, n: i64) -> None:
    """Append `n`, 0 to 99999999, as exactly eight digits."""
    high: i64 = n // 10000
    write_i64_le(out, four_digits(high) | four_digits(n - high * 10000) << 32)


def four_digits(n: i64) -> i64:
    """The four digits of `n`, 0 to 9999, as a little-endian word."""
    high: i64 = (n * 5243) >> 19
    first = i64(PAIRS[high])
    second = i64(PAIRS[n - high * 100])
    return first | second << 16


def parse_scan_cursor(b: bytes) -> int | None:
    """The cursor of SCAN and related commands, 0 to 2^64-1, or None if it is invalid.

    It is read as C's strtoul reads it, but a canonical negative integer is refused: `-1` is refused, `-01` is not.
    """
    if is_int(b) and b[0] == MINUS:
        return None
    return parse_unsigned(b)


def parse_unsigned(b: bytes) -> int | None:
    """Parse a number from 0 to 2^64-1 as C's strtoul does; return None if it is not a number.

    White space and a sign may lead; a minus wraps modulo 2^64; nothing may follow but a zero byte, which ends the text.
    """
    at: i64 = 0
    end: i64 = b.find(b"\0")
    if end < 0:
        end = len(b)
    while at < end and (b[at] == BLANK or (b[at] >= TAB and b[at] <= CARRIAGE_RETURN)):
        at += 1
    negative = at < end and b[at] == MINUS
    if at < end and (negative or b[at] == PLUS):
        at += 1
    if at == end:
        return None
    for i in range(at, end):
        if b[i] < ZERO or b[i] > NINE:
            return None
    while at < end - 1 and b[at] == ZERO:
        at += 1
    if end - at > 20:
        return None
    number = int(b[at:end])
    if number > ULONG_MAX:
        return None
    return (ULONG_MAX + 1 - number) & ULONG_MAX if negative else number


# Doubles


def parse_double(b: bytes) -> float:
    """Parse `b` as a double, correctly rounded; return nan if it is not a number.

    An optional sign, digits with an optional point, an optional exponent; or `inf`, `infinity` in any case.  A number
    that is too large, or nonzero and too small, gives nan.
    """
    return double_at(b, 0, True)


def parse_score_bound(b: bytes, start: i64 = 0) -> float:
    """The end of a range of scores in `b[start:]` (after a `(`), or nan.

    Like `parse_double`, but the empty text is 0, a number that is too large is infinite, one that is too small is 0,
    and a zero byte ends the text.
    """
    if start == len(b):
        return 0.0
    if start == 0:
        # The usual spelling of the ends: the other ones take some 500 instructions.
        if b == b"+inf":
            return inf
        if b == b"-inf":
            return -inf
    found = double_at(b, start, False)
    if found == found:
        return found
    end = b.find(b"\0")
    return nan if end < 0 else parse_score_bound(b[:end], start)


def double_at(b: bytes, start: i64, strict: bool) -> float:
    """The double in `b[start:]`, or nan; `strict` makes overflow and underflow nan as well."""
    at: i64 = start
    end: i64 = len(b)
    if at == end:
        return nan
    negative = b[at] == MINUS
    if negative or b[at] == PLUS:
        at += 1
    mantissa: i64 = 0
    digits: i64 = 0
    point: i64 = -1
    while at < end:
        c: i64 = b[at]
        if c >= ZERO and c <= NINE:
            if digits < EXACT_DIGITS:
                mantissa = mantissa * 10 + (c - ZERO)
            digits += 1
        elif c == POINT and point < 0:
            point = digits
        else:
            break
        at += 1
    if at == end and digits > 0 and digits <= EXACT_DIGITS:
        value = float(mantissa)
        if point >= 0:
            value = value / POWERS_OF_TEN[digits - point]
        return -value if negative else value
    if digits == 0:
        return infinity_at(b, start)
    if at < end and not is_exponent_at(b, at):
        return nan
    value = float(b[start:])
    if strict and (value == inf or value == -inf or (value == 0.0 and not is_zero_at(b, start))):
        return nan
    return value


def infinity_at(b: bytes, start: i64) -> float:
    """Plus or minus infinity if `b[start:]` is one of its names, else nan."""
    if len(b) - start > 9:
        return nan
    word = b[start:].lower()
    if word == b"inf" or word == b"+inf" or word == b"infinity" or word == b"+infinity":
        return inf
    if word == b"-inf" or word == b"-infinity":
        return -inf
    return nan


def is_exponent_at(b: bytes, start: i64) -> bool:
    """Whether `b[start:]`, which is not empty, is `e`, an optional sign, and digits."""
    at: i64 = start
    end: i64 = len(b)
    if b[at] != 101 and b[at] != 69:
        return False
    at += 1
    if at < end and (b[at] == PLUS or b[at] == MINUS):
        at += 1
    if at == end:
        return False
    while at < end:
        if b[at] < ZERO or b[at] > NINE:
            return False
        at += 1
    return True


def is_zero_at(b: bytes, start: i64) -> bool:
    """Whether the decimal number in `b[start:]` has only zeros before its exponent."""
    at: i64 = start
    end: i64 = len(b)
    while at < end:
        c: i64 = b[at]
        if c > ZERO and c <= NINE:
            return False
        if c == 101 or c == 69:
            return True
        at += 1
    return True


SIGN_BIT: Final[i64] = 128
"""In the last byte of a little-endian double."""

INTEGRAL_LIMIT: Final = 4611686018427387904.0
"""2^62: integral doubles up to here are printed with all their digits."""


def format_double(d: float) -> bytes:
    """The text of a score, as the reference prints it.

    Integral values as integers; others with the digits of Grisu2, plain or with an exponent, whichever its
    rule says.
    """
    if d != d:
        return b"nan"
    if d >= -INTEGRAL_LIMIT and d <= INTEGRAL_LIMIT:
        n = i64(d)
        if float(n) == d:
            if n == 0 and is_negative_zero(d):
                return b"-0"
            return int_text(n)
    return shortest_text(d)


def shortest_text(d: float) -> bytes:
    """The text of a score with the digits of Grisu2, even if it is whole, for digests: `1e+15`."""
    if d == inf:
        return b"inf"
    if d == -inf:
        return b"-inf"
    if d == 0.0:
        return b"-0" if is_negative_zero(d) else b"0"
    number, exponent = shortest(-d if d < 0.0 else d)
    digits = int_text(number)
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    if d < 0.0:
        out.append(MINUS)
    lay_out(out, digits, exponent)
    return out.getvalue()


def digits_of(d: float) -> bytes:
    """The text of `d` with 17 significant digits, used only by ZSCAN: `0.10000000000000001`, `1e+21`."""
    return b"%.17g" % d


def is_negative_zero(zero: float) -> bool:
    """Whether a zero is negative, which comparisons do not show."""
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    write_f64_le(out, zero)
    return i64(out[7]) >= SIGN_BIT


def int_size(n: i64) -> i64:
    """The length of the text of `n`, for up to 18 digits."""
    size: i64 = 1
    if n < 0:
        size = 2
        n = -n
    while n >= 1000:
        size += 3
        n //= 1000
    if n >= 100:
        return size + 2
    return size + 1 if n >= 10 else size


def lay_out(out: BytesWriter, digits: bytes, exponent: i64) -> None:
    """Append digits * 10^exponent: with all digits, as a plain fraction, or with an exponent."""
    n: i64 = len(digits)
    scientific: i64 = exponent + n - 1
    if scientific < 0:
        scientific = -scientific
    if exponent >= 0 and scientific < n + 7:
        out.write(digits)
        write_zeros(out, exponent)
    elif exponent < 0 and (exponent > -7 or scientific < 4):
        point: i64 = n + exponent
        if point > 0:
            out.write(digits[:point])
            out.append(POINT)
            out.write(digits[point:])
        else:
            out.append(ZERO)
            out.append(POINT)
            write_zeros(out, -point)
            out.write(digits)
    else:
        out.write(digits[:1])
        if n > 1:
            out.append(POINT)
            out.write(digits[1:])
        out.append(101)
        out.append(MINUS if exponent + n - 1 < 0 else PLUS)
        write_int(out, scientific)


def write_zeros(out: BytesWriter, count: i64) -> None:
    """Append `count` times the digit 0."""
    for _ in range(count):
        out.append(ZERO)
