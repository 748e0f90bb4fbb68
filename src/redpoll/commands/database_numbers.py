"""Numbers of databases in arguments."""

from __future__ import annotations

from redpoll.engine.args import integer
from redpoll.engine.session import Session
from redpoll.errors import DB_OUT_OF_RANGE, NOT_AN_INT32, CommandError
from redpoll.keyspace.database import Database


def numbered(session: Session, index: int) -> Database:
    """The database with a number.  Raises CommandError if there is none."""
    if not 0 <= index < len(session.engine.databases):
        raise CommandError(DB_OUT_OF_RANGE)
    return session.engine.databases[index]


def database_at(session: Session, word: bytes) -> Database:
    """The database whose number is `word`.

    Raises CommandError if it is not a 32-bit number, or there is no such database.
    """
    index: int = integer(word)
    if not is_int32(index):
        raise CommandError(NOT_AN_INT32)
    found = numbered(session, index)
    found.named = True
    return found


def is_int32(number: int) -> bool:
    """Whether a number fits in 32 bits with its sign."""
    return -(1 << 31) <= number < 1 << 31
