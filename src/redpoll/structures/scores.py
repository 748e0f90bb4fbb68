"""A score in one to nine bytes: whole numbers, which most scores are, take as few as they need.

    first byte            then       score
    000 vvvvv                        0 to 31
    001 vvvvv             1 byte     to 8,191
    010 vvvvv             2 bytes    to 2,097,151
    ...
    110 vvvvv             6 bytes    to 2^53 - 1: the number, big-endian, from the five bits on
    111 00000             8 bytes    any other double, little-endian, -0.0 among them
    111 00kkk, k from 1   k bytes    -1 - n for the number n of k bytes, big-endian, down to -2^48

Every score has one spelling, the shortest.  A packed score says how long it is in its first byte.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_f64_le, write_f64_le
from mypy_extensions import i64, u8

from redpoll.scratch import SHARED

OTHER: Final[i64] = 0b111_00000
"""First bytes below it belong to nonnegative whole numbers."""

ONE_BYTE: Final[i64] = 1 << 5
TWO_BYTES: Final[i64] = 1 << 13
THREE_BYTES: Final[i64] = 1 << 21
FOUR_BYTES: Final[i64] = 1 << 29

MOST_WHOLE: Final = 9007199254740991.0
LEAST_WHOLE: Final = -281474976710656.0

SIGN: Final[i64] = 128

_scratch: Final = BytesWriter()
_sign: Final = BytesWriter()


def size_at(blob: bytes, at: i64) -> i64:
    """How many bytes the score at `at` takes."""
    first: i64 = blob[at]
    if first < OTHER:
        return (first >> 5) + 1
    return i64(9) if first == OTHER else (first & 7) + 1


def score_at(blob: bytes, at: i64) -> float:
    """The score at `at`."""
    first: i64 = blob[at]
    if first < 64:
        if first < 32:
            return float(first)
        return float((first & 31) << 8 | i64(blob[at + 1]))
    if first < 96:
        return float((first & 31) << 16 | i64(blob[at + 1]) << 8 | i64(blob[at + 2]))
    return _long_score_at(blob, at, first)


def _long_score_at(blob: bytes, at: i64, first: i64) -> float:
    if first == OTHER:
        return read_f64_le(blob, at + 1)
    n: i64 = 0
    rest: i64 = first >> 5
    if first > OTHER:
        rest = first & 7
    else:
        n = first & 31
    while rest > 0:
        at += 1
        n = n << 8 | i64(blob[at])
        rest -= 1
    return float(-1 - n if first > OTHER else n)


def packed(score: float) -> bytes:
    """`score`, which is a number, in as few bytes as it needs."""
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    write_packed(out, score)
    return out.getvalue()


def to_whole(score: float) -> i64:
    """The number that `score` is, if it is whole, not negative, and below 2^53; else -1."""
    if score >= 0.0 and score <= MOST_WHOLE:
        n = i64(score)
        if float(n) == score:
            return n
    return -1


def write_packed(out: BytesWriter, score: float) -> None:
    """Append `score` as `packed` spells it."""
    n = to_whole(score)
    if n > 0 or (n == 0 and not is_negative(score)):
        if n < ONE_BYTE:
            out.append(u8(n))
            return
        if n < TWO_BYTES:
            out.append(u8(0b001_00000 | n >> 8))
        elif n < THREE_BYTES:
            out.append(u8(0b010_00000 | n >> 16))
            out.append(u8(n >> 8 & 255))
        else:
            bits: i64 = 24
            while n >> bits >= ONE_BYTE:
                bits += 8
            out.append(u8(bits << 2 | n >> bits))
            _write_low_bits(out, n >> 8, bits - 8)
        out.append(u8(n & 255))
        return
    if score < 0.0 and score >= LEAST_WHOLE:
        n = i64(score)
        if float(n) == score:
            n = -1 - n
            bits = 8
            while n >> bits > 0:
                bits += 8
            out.append(u8(OTHER | bits >> 3))
            _write_low_bits(out, n, bits)
            return
    out.append(u8(OTHER))
    write_f64_le(out, score)


def _write_low_bits(out: BytesWriter, n: i64, bits: i64) -> None:
    """Append the `bits` low bits of `n`, whole bytes, the highest first."""
    while bits > 0:
        bits -= 8
        out.append(u8(n >> bits & 255))


def is_negative(score: float) -> bool:
    """Whether a number carries a minus sign; it tells -0.0 from 0.0, which compare equal."""
    out = _sign if SHARED else BytesWriter()
    out.truncate(0)
    write_f64_le(out, score)
    return i64(out[7]) >= SIGN
