"""The time-out of blocking commands: seconds as a decimal number, or whole milliseconds; 0 means for ever."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.engine.args import integer
from redpoll.engine.session import Session
from redpoll.errors import (
    TIMEOUT_NEGATIVE,
    TIMEOUT_NOT_A_FLOAT,
    TIMEOUT_NOT_AN_INTEGER,
    TIMEOUT_OUT_OF_RANGE,
    CommandError,
)
from redpoll.protocol.long_double import parse_long_double
from redpoll.protocol.numbers import INT64_MAX


def timeout_deadline(session: Session, word: bytes) -> i64:
    """The end in ms of a wait of `word` seconds, rounded up; 0 for never."""
    seconds = parse_long_double(word)
    if seconds is None:
        raise CommandError(TIMEOUT_NOT_A_FLOAT)
    if isinstance(seconds, float):
        raise CommandError(TIMEOUT_OUT_OF_RANGE if seconds > 0 else TIMEOUT_NEGATIVE)
    significand, shift = seconds
    exact = significand * 1000
    ms = exact << shift if shift >= 0 else -(-exact >> -shift)
    if ms < 0:
        raise CommandError(TIMEOUT_NEGATIVE)
    if ms > INT64_MAX or ms + int(session.db.moment.now_ms) > INT64_MAX:
        raise CommandError(TIMEOUT_OUT_OF_RANGE)
    return ms + session.db.moment.now_ms if ms > 0 else i64(0)


def timeout_deadline_ms(session: Session, word: bytes) -> i64:
    """The same for a wait of `word` milliseconds (WAIT, XREAD BLOCK)."""
    ms: int = integer(word, TIMEOUT_NOT_AN_INTEGER)
    if ms < 0:
        raise CommandError(TIMEOUT_NEGATIVE)
    if ms + int(session.db.moment.now_ms) > INT64_MAX:
        raise CommandError(TIMEOUT_OUT_OF_RANGE)
    return ms + session.db.moment.now_ms if ms > 0 else i64(0)
