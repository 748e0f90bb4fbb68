"""Scores as text in snapshots: exactly the texts that C's `strtod` reads, including hexadecimal numbers."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.protocol.numbers import double_at, format_double, int_text

WHOLE_BITS = 4611686018427387904.0
"""2^62: whole scores up to it are written as integers."""


def score_in(text: bytes) -> float:
    """The score in `text`; nan if it is not a number."""
    score = double_at(text, 0, False)
    if score == score:
        return score
    digits = text.lstrip(b"+-")
    if digits[:2] in (b"0x", b"0X"):
        try:
            return float.fromhex(text.decode("ascii"))
        except (ValueError, OverflowError):
            return score
    return score


def score_text(score: float) -> bytes:
    """The shortest text of a score in a packed sorted set: whole numbers with all digits, zero without a sign."""
    if -WHOLE_BITS <= score <= WHOLE_BITS:
        whole: i64 = int(score)
        if float(whole) == score:
            return int_text(whole)
    return format_double(score)
