"""Shared by commands on hash fields: `FIELDS n field ...`, and expired fields that are overwritten."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.engine.args import integer
from redpoll.engine.session import Session
from redpoll.errors import NUMFIELDS, SYNTAX, CommandError
from redpoll.keyspace.events import HEXPIRED
from redpoll.types.hash import Hash


def named_fields(args: list[bytes], complaint: bytes = NUMFIELDS) -> list[bytes]:
    """The fields of `COMMAND key FIELDS n field ...`.  `complaint` is raised if the number does not match."""
    if args[2].upper() != b"FIELDS":
        raise CommandError(SYNTAX)
    return counted_fields(args, 2, 1, complaint)


def counted_fields(args: list[bytes], at: i64, width: i64, complaint: bytes = NUMFIELDS) -> list[bytes]:
    """The arguments after the word FIELDS at `at`: a number, and that many groups of `width` arguments."""
    number: int = integer(args[at + 1])
    fields = args[at + 2 :]
    if number < 1 or number * int(width) != len(fields):
        raise CommandError(complaint)
    return fields


def place_of_fields(args: list[bytes], at: i64) -> i64:
    """The index of the word FIELDS, from `at` on, with a number after it."""
    last: i64 = len(args) - 1
    while at < last:
        if args[at].upper() == b"FIELDS":
            return at
        at += 1
    raise CommandError(NUMFIELDS)


def tell_overwritten(session: Session, key: bytes, value: Hash) -> None:
    """Report the expired fields that a command overwrote, before it reports its own change."""
    times = value.times
    if times is not None and times.overwritten > 0:
        session.db.moment.expired_fields += times.overwritten
        session.also(key, HEXPIRED)
