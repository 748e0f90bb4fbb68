"""HGETEX, HSETEX and HGETDEL: read or set hash fields with their deadlines, or read and delete them."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, INSERT, RW, UPDATE, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, HASH, WRITE
from redpoll.commands.hash_fields import counted_fields, named_fields, place_of_fields, tell_overwritten
from redpoll.commands.times import instant_ms
from redpoll.engine.args import Args, integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import SYNTAX, CommandError, invalid_expire
from redpoll.keyspace.events import DEL, HDEL, HEXPIRE, HEXPIRED, HPERSIST, HSET, NEW
from redpoll.protocol.numbers import int_text
from redpoll.types.hash import Hash

UNITS: Final = (b"EX", b"PX", b"EXAT", b"PXAT")


class FieldOptions:
    """The options between the key and FIELDS: a time; PERSIST for HGETEX; conditions and KEEPTTL for HSETEX.

    `fields` are all arguments after the number of fields.  The amount of time is read later, by `read_time`.
    """

    def __init__(self, args: list[bytes], name: bytes, setting: bool) -> None:
        self.name: Final = name
        self.only_new = False
        self.only_old = False
        self.only_new_fields = False
        self.only_old_fields = False
        self.keep_deadline = False
        self.persist = False
        self.unit = b""
        self.amount = b""
        self.timed = False
        """Whether there is a time ..."""
        self.at_ms: i64 = 0
        """... and which, in ms since 1970, once it has been read."""
        self.place: i64 = place_of_fields(args, 2)
        cursor = Args(args[: self.place], 2)
        while cursor.left() > 0:
            word = cursor.word()
            if setting and self._is_condition(word):
                continue
            if word == (b"KEEPTTL" if setting else b"PERSIST") and not self.unit:
                self.keep_deadline = setting
                self.persist = not setting
            elif word in UNITS and self.unit in (b"", word) and not (self.keep_deadline or self.persist):
                self.unit = word
                self.amount = cursor.next()
                self.timed = True
            else:
                raise CommandError(SYNTAX)
        self.fields = counted_fields(args, self.place, 2 if setting else 1)

    def _is_condition(self, word: bytes) -> bool:
        """Accept NX, XX, FNX or FXX, unless it contradicts an earlier word."""
        if word == b"NX" and not self.only_old:
            self.only_new = True
        elif word == b"XX" and not self.only_new:
            self.only_old = True
        elif word == b"FNX" and not self.only_old_fields:
            self.only_new_fields = True
        elif word == b"FXX" and not self.only_new_fields:
            self.only_old_fields = True
        else:
            return False
        return True

    def read_time(self, session: Session) -> None:
        """Set `at_ms`; complain of an invalid amount."""
        if self.timed:
            number: int = integer(self.amount)
            if number < 0:
                raise CommandError(invalid_expire(self.name))
            unit = self.unit
            self.at_ms = instant_ms(session, number, unit in (b"EX", b"EXAT"), unit in (b"EX", b"PX"), self.name)

    def is_past(self, session: Session) -> bool:
        """Whether there is a time, and it is past."""
        return self.timed and self.at_ms <= session.db.moment.past_ms()

    def absolute(self, args: list[bytes]) -> list[bytes]:
        """The command without its conditions and with its time as PXAT, so that it has the same effect later."""
        told = args[:2]
        if self.timed:
            told += [b"PXAT", int_text(self.at_ms)]
        elif self.keep_deadline:
            told.append(b"KEEPTTL")
        return told + args[self.place :]


@command(
    "hgetdel", arity=-5, flags=WRITE | FAST, acl=HASH, keys=one_key(RW | ACCESS | DELETE), group="hash",
    arguments="key#0 FIELDS (fields: numfields:integer#0 field ...)",
    since="9.1.0", complexity="O(1) for each field", summary="Delete hash fields and return their values.",
)  # fmt: skip
def hgetdel(session: Session, args: list[bytes]) -> object:
    fields = named_fields(args)
    value = session.db.hash_to_change(args[1], False)
    found: list[object] = []
    removed: i64 = 0
    for field in fields:
        if value is None or not value.locate(field):
            found.append(None)
            continue
        found.append(value.located_value())
        value.remove_located(field)
        removed += 1
    if removed > 0:
        session.changed(args[1], value, HDEL, removed)
    return found


@command(
    "hgetex", arity=-5, flags=WRITE | FAST, acl=HASH, keys=one_key(RW | ACCESS | UPDATE), group="hash",
    arguments="key#0 [expiration: EX seconds:integer | PX milliseconds:integer | EXAT unix-time-seconds:unix-time | "
              "PXAT unix-time-milliseconds:unix-time | PERSIST] FIELDS (fields: numfields:integer#0 field ...)",
    since="9.0.0", complexity="O(1) for each field",
    summary="Return the values of hash fields, and set or remove their expiry.",
)  # fmt: skip
def hgetex(session: Session, args: list[bytes]) -> object:
    options = FieldOptions(args, b"hgetex", False)
    key = args[1]
    value = session.db.hash(key)
    options.read_time(session)
    past = options.is_past(session)

    found: list[object] = []
    changed: list[bytes] = []
    for field in options.fields:
        if value is None or not value.locate(field):
            found.append(None)
            continue
        found.append(value.located_value())
        if past:
            value.remove_located(field)
        elif options.timed:
            value.set_located_deadline(options.at_ms)
        elif options.persist and value.located_deadline() != 0:
            value.set_located_deadline(0)
        else:
            continue
        changed.append(field)

    count: i64 = len(changed)
    if count > 0 and past:
        session.db.moment.expired_fields += count
        session.changed(key, value, HEXPIRED, count)
        session.journal_as([b"HDEL", key, *changed])
    elif count > 0 and options.timed:
        session.changed(key, value, HEXPIRE, count)
        session.journal_as(
            [b"HPEXPIREAT", key, int_text(options.at_ms), b"FIELDS", int_text(count), *changed]
        )  # fmt: skip
    elif count > 0:
        session.changed(key, value, HPERSIST, count)
        session.journal_as([b"HPERSIST", key, b"FIELDS", int_text(count), *changed])
    return found


@command(
    "hsetex", arity=-6, flags=WRITE | DENYOOM | FAST, acl=HASH, keys=one_key(RW | INSERT), group="hash",
    arguments="key#0 [key-condition: NX | XX] [fields-condition: FNX | FXX] [expiration: EX seconds:integer | "
              "PX milliseconds:integer | EXAT unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time | "
              "KEEPTTL] FIELDS (fields: numfields:integer#0 (data: field value) ...)",
    since="9.0.0", complexity="O(1) for each field",
    summary="Set hash fields, optionally with an expiry and conditions; return whether they were set.",
)  # fmt: skip
def hsetex(session: Session, args: list[bytes]) -> object:
    options = FieldOptions(args, b"hsetex", True)
    key = args[1]
    value = session.db.hash_to_change(key, False)
    if (options.only_new and value is not None) or (options.only_old and value is None):
        return 0
    options.read_time(session)
    if not allows_fields(options, value):
        return 0
    if options.is_past(session):
        replace_by_nothing(session, key, value, options)
        return 1

    pairs = options.fields
    if value is None:
        value = Hash()
    overwritten = past_fields(value, pairs) if options.keep_deadline else []
    i: i64 = 0
    while i < len(pairs):
        field = pairs[i]
        value.put(field, pairs[i + 1], options.keep_deadline)
        if options.timed:
            value.locate(field)
            value.set_located_deadline(options.at_ms)
        i += 2

    tell_overwritten(session, key, value)
    session.changed(key, value, HSET, len(pairs) >> 1)
    if options.timed:
        session.also(key, HEXPIRE)
    if len(overwritten) > 0:
        # A replica does not expire fields by itself, so it would keep the old deadline.
        session.journal_as([b"HDEL", key, *overwritten])
    session.journal_as(options.absolute(args))
    return 1


def allows_fields(options: FieldOptions, value: Hash | None) -> bool:
    """Whether FNX or FXX, if given, is met."""
    if not (options.only_new_fields or options.only_old_fields):
        return True
    for field in options.fields[::2]:
        there = value is not None and value.locate(field)
        if there == options.only_new_fields:
            return False
    return True


def past_fields(value: Hash, pairs: list[bytes]) -> list[bytes]:
    """The fields of `pairs` that have expired but are still stored."""
    found: list[bytes] = []
    times = value.times
    if times is not None and times.some_past():
        for field in pairs[::2]:
            if field not in found and not value.locate(field) and value.stores(field):
                found.append(field)
    return found


def replace_by_nothing(session: Session, key: bytes, value: Hash | None, options: FieldOptions) -> None:
    """Set fields with a deadline that is past: report the changes as if they had been set, and store nothing."""
    removed: list[bytes] = []
    if value is None:
        session.also(key, NEW)
    else:
        for field in options.fields[::2]:
            if value.discard(field):
                removed.append(field)
    session.db.moment.expired_fields += len(options.fields) >> 1
    session.also(key, HSET)
    session.also(key, HEXPIRE)
    if len(removed) > 0:
        session.changed(key, value, HEXPIRED, len(removed))
        session.journal_as([b"HDEL", key, *removed])
        return
    session.also(key, HEXPIRED)
    if value is None:
        session.also(key, DEL)
