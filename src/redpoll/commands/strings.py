"""Strings: GET, SET, and commands that count in them."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, INSERT, OW, RO, RW, UPDATE, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, READONLY, STRING, WRITE
from redpoll.catalogue.variable_keys import set_key
from redpoll.commands.string_options import EXISTENCE, EXPECTED, KEEP, OLD_VALUE, StringOptions
from redpoll.commands.times import absolute_ms
from redpoll.engine.args import Args, integer
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.errors import (
    DECREMENT_OVERFLOW,
    INCREMENT_NOT_FINITE,
    NOT_A_FLOAT,
    NOT_AN_INTEGER,
    OVERFLOW,
    TOO_LONG,
    CommandError,
)
from redpoll.keyspace.events import APPEND, EXPIRE, INCRBY, INCRBYFLOAT, SET
from redpoll.protocol.long_double import MOST_BYTES, add_long_doubles, parse_long_double
from redpoll.protocol.numbers import INT64_MAX, INT64_MIN, NO_INT, int_text, is_int
from redpoll.protocol.reply import OK
from redpoll.types.string import embedded_or_raw, string_kind
from redpoll.types.value import CREATED


class Get(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return session.db.string(args[1])


command(
    "get", arity=2, flags=READONLY | FAST, acl=STRING, keys=one_key(RO | ACCESS), group="string",
    arguments="key#0",
    since="1.0.0", complexity="O(1)", summary="Return the string at a key.",
)(Get())  # fmt: skip


class Set(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        if len(args) == 3:
            session.db.set_string(args[1], args[2])
            session.changed(args[1], None, SET, 1)
            return OK
        options = StringOptions(session, Args(args, 3), EXISTENCE | EXPECTED | OLD_VALUE | KEEP, b"set")
        return set_with_options(session, args, options)


command(
    "set", arity=-3, flags=WRITE | DENYOOM, acl=STRING, keys=set_key(),
    arguments="key#0 value [condition: NX@2.6.12 | XX@2.6.12 | IFEQ comparison-value@8.1.0] "
              "[GET@6.2.0] [expiration: EX seconds:integer@2.6.12 | PX milliseconds:integer@2.6.12 | "
              "EXAT unix-time-seconds:unix-time@6.2.0 | PXAT unix-time-milliseconds:unix-time@6.2.0 | "
              "KEEPTTL@6.0.0]",
    group="string", since="1.0.0", complexity="O(1)",
    summary="Set a string, optionally with an expiry and conditions.",
)(Set())  # fmt: skip


def set_with_options(session: Session, args: list[bytes], options: StringOptions) -> object:
    """SET with options; return the old value, OK or null."""
    db = session.db
    key = args[1]
    old: bytes | None = None
    if options.get:
        old = db.string(key)
    kind = db.kind_of(key)
    there = kind >= 0
    met = not (options.only_new and there) and not (options.only_old and not there)
    if options.expected is not None:
        met = there and db.look_to_change(key) and db.is_text(options.expected)
    if not met:
        if there:
            db.look_to_change(key)
        return old if options.get else None
    past = options.deadline_ms > 0 and options.deadline_ms <= db.moment.now_ms
    if past and db.moment.deleting_expired:
        if there and db.look_to_change(key):
            db.expire_now(key)
            session.journal_as([b"UNLINK", key])
        return old if options.get else OK
    store(session, key, args[2], options.deadline_ms, options.keep_deadline)
    if options.get and options.deadline_ms == 0:
        session.journal_as(options.without_get(args))
    return old if options.get else OK


def store(session: Session, key: bytes, value: bytes, deadline_ms: i64, keep_deadline: bool) -> None:
    """Set a string, with a deadline in ms since 1970 (0: none), and report the change."""
    db = session.db
    db.set_string(key, value, keep_deadline)
    if deadline_ms > 0:
        db.set_deadline(deadline_ms)
        session.journal_as([b"SET", key, value, b"PXAT", int_text(deadline_ms)])
    session.changed(key, None, SET, 1)
    if deadline_ms > 0:
        session.also(key, EXPIRE)


class Setnx(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        if session.db.look_to_change(args[1]):
            return 0
        session.db.set_found(args[1], args[2], False, False)
        session.changed(args[1], None, SET, 1)
        return 1


command(
    "setnx", arity=3, flags=WRITE | DENYOOM | FAST, acl=STRING, keys=one_key(OW | INSERT), group="string",
    arguments="key#0 value",
    since="1.0.0", complexity="O(1)", summary="Set a string, unless the key exists.",
)(Setnx())  # fmt: skip


class Setex(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        store(session, args[1], args[3], absolute_ms(session, args[2], b"EX", b"setex"), False)
        return OK


command(
    "setex", arity=4, flags=WRITE | DENYOOM, acl=STRING, keys=one_key(OW | UPDATE), group="string",
    arguments="key#0 seconds:integer value",
    since="2.0.0", complexity="O(1)", summary="Set a string and its time to live in seconds.",
)(Setex())  # fmt: skip


@command(
    "psetex", arity=4, flags=WRITE | DENYOOM, acl=STRING, keys=one_key(OW | UPDATE), group="string",
    arguments="key#0 milliseconds:integer value",
    since="2.6.0", complexity="O(1)", summary="Set a string and its time to live in milliseconds.",
)  # fmt: skip
def psetex(session: Session, args: list[bytes]) -> object:
    store(session, args[1], args[3], absolute_ms(session, args[2], b"PX", b"psetex"), False)
    return OK


def add(session: Session, key: bytes, delta: i64) -> object:
    """Add to the integer at `key`, which counts from 0 if there is none; return the sum."""
    db = session.db
    there = db.look_to_change(key)
    number: i64 = 0
    if there:
        number = db.number()
        if number == NO_INT and not is_int(db.text()):
            raise CommandError(NOT_AN_INTEGER)
    if (delta > 0 and number > INT64_MAX - delta) or (delta < 0 and number < INT64_MIN - delta):
        raise CommandError(OVERFLOW)
    db.set_number(key, there, number, number + delta)
    session.changed(key, None, INCRBY, 1)
    return number + delta


class Incr(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return add(session, args[1], 1)


command(
    "incr", arity=2, flags=WRITE | DENYOOM | FAST, acl=STRING, keys=one_key(RW | ACCESS | UPDATE), group="string",
    arguments="key#0",
    since="1.0.0", complexity="O(1)", summary="Add 1 to the integer at a key. A missing key counts as 0.",
)(Incr())  # fmt: skip


class Decr(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return add(session, args[1], -1)


command(
    "decr", arity=2, flags=WRITE | DENYOOM | FAST, acl=STRING, keys=one_key(RW | ACCESS | UPDATE), group="string",
    arguments="key#0",
    since="1.0.0", complexity="O(1)", summary="Subtract 1 from the integer at a key. A missing key counts as 0.",
)(Decr())  # fmt: skip


class Incrby(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return add(session, args[1], integer(args[2]))


command(
    "incrby", arity=3, flags=WRITE | DENYOOM | FAST, acl=STRING, keys=one_key(RW | ACCESS | UPDATE), group="string",
    arguments="key#0 increment:integer",
    since="1.0.0", complexity="O(1)", summary="Add to the integer at a key. A missing key counts as 0.",
)(Incrby())  # fmt: skip


class Decrby(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        decrement = integer(args[2])
        if decrement == INT64_MIN:
            raise CommandError(DECREMENT_OVERFLOW)
        return add(session, args[1], -decrement)


command(
    "decrby", arity=3, flags=WRITE | DENYOOM | FAST, acl=STRING, keys=one_key(RW | ACCESS | UPDATE), group="string",
    arguments="key#0 decrement:integer",
    since="1.0.0", complexity="O(1)", summary="Subtract from the integer at a key. A missing key counts as 0.",
)(Decrby())  # fmt: skip


@command(
    "incrbyfloat", arity=3, flags=WRITE | DENYOOM | FAST, acl=STRING, keys=one_key(RW | ACCESS | UPDATE),
    arguments="key#0 increment:double",
    group="string", since="2.6.0", complexity="O(1)",
    summary="Add to the decimal number at a key. A missing key counts as 0.",
)  # fmt: skip
def incrbyfloat(session: Session, args: list[bytes]) -> object:
    key = args[1]
    value = session.db.string_to_change(key)
    assert value is not None
    if value.length() > MOST_BYTES:
        raise CommandError(NOT_A_FLOAT)
    old = value.text() if value.home != CREATED else b"0"
    if parse_long_double(old) is None or parse_long_double(args[2]) is None:
        raise CommandError(NOT_A_FLOAT)
    total = add_long_doubles(old, args[2])
    if total is None:
        raise CommandError(INCREMENT_NOT_FINITE)
    timed = value.home != CREATED and session.db.table.deadline() > 0
    value.set_text(total, embedded_or_raw(len(key), len(total), timed))
    session.changed(key, value, INCRBYFLOAT, 1)
    session.journal_as([b"SET", key, total, b"KEEPTTL"])
    return total


class Append(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        key = args[1]
        value = session.db.string_to_change(key)
        assert value is not None
        if value.length() + len(args[2]) > session.engine.most_bulk_bytes:
            raise CommandError(TOO_LONG)
        if value.home == CREATED:
            value.set_text(args[2], string_kind(key, args[2], False))
            size: i64 = len(args[2])
        else:
            size = value.append(args[2])
        session.changed(key, value, APPEND, 1)
        return size


command(
    "append", arity=3, flags=WRITE | DENYOOM | FAST, acl=STRING, keys=one_key(RW | INSERT), group="string",
    arguments="key#0 value",
    since="2.0.0", complexity="O(1) on average", summary="Append to a string and return its new length.",
)(Append())  # fmt: skip
