"""Deadlines in arguments: seconds or milliseconds, from now or since 1970."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.engine.args import integer
from redpoll.engine.session import Session
from redpoll.errors import CommandError, invalid_expire
from redpoll.protocol.numbers import INT64_MAX, INT64_MIN


def absolute_ms(session: Session, amount: bytes, unit: bytes, name: bytes) -> i64:
    """The deadline that `amount` of EX, PX, EXAT or PXAT means, in ms since 1970.

    It must be positive and fit in 64 bits.
    """
    number: int = integer(amount)
    if number <= 0:
        raise CommandError(invalid_expire(name))
    return instant_ms(session, number, unit in (b"EX", b"EXAT"), unit in (b"EX", b"PX"), name)


def instant_ms(session: Session, number: int, seconds: bool, from_now: bool, name: bytes) -> i64:
    """`number` as a deadline in ms since 1970.  Raises CommandError if it exceeds 64 bits."""
    if seconds:
        number *= 1000
    if not INT64_MIN <= number <= INT64_MAX:
        raise CommandError(invalid_expire(name))
    if from_now:
        number += int(session.db.moment.now_ms)
        if number > INT64_MAX:
            raise CommandError(invalid_expire(name))
    return number
