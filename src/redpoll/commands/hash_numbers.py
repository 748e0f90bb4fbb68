"""Counting in fields of hashes: HINCRBY and HINCRBYFLOAT."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, RW, UPDATE, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, HASH, WRITE
from redpoll.commands.hash_fields import tell_overwritten
from redpoll.engine.args import integer
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.errors import (
    HASH_VALUE_NOT_A_FLOAT,
    HASH_VALUE_NOT_AN_INTEGER,
    INCREMENT_NOT_FINITE,
    NOT_A_FLOAT,
    OVERFLOW,
    VALUE_NOT_FINITE,
    CommandError,
)
from redpoll.keyspace.events import HINCRBY, HINCRBYFLOAT, Event
from redpoll.protocol.long_double import MOST_BYTES, add_long_doubles, parse_long_double
from redpoll.protocol.numbers import INT64_MAX, INT64_MIN, NO_INT, int_text, is_int
from redpoll.types.hash import Hash


def keep_number(session: Session, args: list[bytes], value: Hash, there: bool, text: bytes, event: Event) -> None:
    """Set the field that `args` names and keep its deadline.  If it is `there`, `locate` has found it."""
    key = args[1]
    field = args[2]
    if value.times is not None or event is HINCRBYFLOAT:
        journal_number(session, args, value, there, text)
    if there:
        value.put_located(field, text)
    else:
        value.put(field, text)
        if value.times is not None:
            tell_overwritten(session, key, value)
    session.changed(key, value, event, 1)


def journal_number(session: Session, args: list[bytes], value: Hash, there: bool, text: bytes) -> None:
    """Write the result into the journal, with the field's deadline."""
    at_ms = value.located_deadline() if there else 0
    if at_ms != 0:
        session.journal_as([b"HSETEX", args[1], b"PXAT", int_text(at_ms), b"FIELDS", b"1", args[2], text])
    else:
        session.journal_as([b"HSET", args[1], args[2], text])


class Hincrby(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        increment = integer(args[3])
        value = session.db.hash_to_change(args[1], True)
        assert value is not None
        there = value.locate(args[2])
        number: i64 = 0
        if there:
            number = value.located_number()
            if number == NO_INT and not is_int(value.located_value()):
                raise CommandError(HASH_VALUE_NOT_AN_INTEGER)
        if (increment > 0 and number > INT64_MAX - increment) or (increment < 0 and number < INT64_MIN - increment):
            raise CommandError(OVERFLOW)
        number += increment
        keep_number(session, args, value, there, int_text(number), HINCRBY)
        return number


command(
    "hincrby", arity=4, flags=WRITE | DENYOOM | FAST, acl=HASH, keys=one_key(RW | ACCESS | UPDATE), group="hash",
    arguments="key#0 field increment:integer",
    since="2.0.0", complexity="O(1)", summary="Add to the integer in a hash field. A missing field counts as 0.",
)(Hincrby())  # fmt: skip


@command(
    "hincrbyfloat", arity=4, flags=WRITE | DENYOOM | FAST, acl=HASH, keys=one_key(RW | ACCESS | UPDATE), group="hash",
    arguments="key#0 field increment:double",
    since="2.6.0", complexity="O(1)", summary="Add to the decimal number in a hash field. A missing field counts as 0.",
)  # fmt: skip
def hincrbyfloat(session: Session, args: list[bytes]) -> object:
    increment = parse_long_double(args[3])
    if increment is None:
        raise CommandError(NOT_A_FLOAT)
    if isinstance(increment, float):
        raise CommandError(VALUE_NOT_FINITE)
    value = session.db.hash_to_change(args[1], True)
    assert value is not None
    there = value.locate(args[2])
    old = value.located_value() if there else b"0"
    if len(old) > MOST_BYTES or parse_long_double(old) is None:
        raise CommandError(HASH_VALUE_NOT_A_FLOAT)
    total = add_long_doubles(old, args[3])
    if total is None:
        raise CommandError(INCREMENT_NOT_FINITE)
    keep_number(session, args, value, there, total, HINCRBYFLOAT)
    return total
