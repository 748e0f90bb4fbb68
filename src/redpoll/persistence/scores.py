"""Scores as text in snapshots: what C's `strtod` reads, hexadecimal digits among it, and nothing beside."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.protocol.numbers import double_at, format_double, int_text

WHOLE_BITS = 4611686018427387904.0
"""2^62: whole scores up to it are written as integers."""


def score_in(text: bytes) -> float:
    """The score that `text` spells; nan if it is none."""
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
    """The shortest text of a score as packed sorted sets have it: whole ones in all their digits, no sign of zero."""
    if -WHOLE_BITS <= score <= WHOLE_BITS:
        whole: i64 = int(score)
        if float(whole) == score:
            return int_text(whole)
    return format_double(score)
