"""Deadlines of hash fields: setting, reading and taking them away."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, RO, RW, UPDATE, one_key
from redpoll.catalogue.spec import FAST, HASH, READONLY, WRITE
from redpoll.commands.expiry import Condition
from redpoll.commands.hash_fields import counted_fields, named_fields, place_of_fields
from redpoll.commands.times import instant_ms
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import SYNTAX, CommandError, invalid_expire
from redpoll.keyspace.events import HEXPIRE, HEXPIRED, HPERSIST
from redpoll.protocol.numbers import int_text
from redpoll.types.hash import Hash

NO_FIELD: Final = -2
NO_DEADLINE: Final = -1
UNMET: Final = 0
DONE: Final = 1
GONE: Final = 2
"""The reply for each field."""


def set_deadlines(session: Session, args: list[bytes], name: bytes, seconds: bool, from_now: bool) -> object:
    """HEXPIRE and related commands: for each field DONE, UNMET, NO_FIELD, or GONE if the deadline is past."""
    at = place_of_fields(args, 3)
    condition = Condition(args[3:at])
    fields = counted_fields(args, at, 1)
    number: int = integer(args[2])
    if number < 0:
        raise CommandError(invalid_expire(name))
    at_ms = instant_ms(session, number, seconds, from_now, name)

    key = args[1]
    value = session.db.hash_to_change(key, False)
    if value is None:
        return [NO_FIELD for _ in fields]
    if at_ms <= session.db.moment.past_ms():
        return expire_at_once(session, key, value, fields, condition, at_ms)

    codes: list[object] = []
    changed: i64 = 0
    for field in fields:
        if not value.locate(field):
            codes.append(NO_FIELD)
        elif condition.met(value.located_deadline(), at_ms):
            value.set_located_deadline(at_ms)
            codes.append(DONE)
            changed += 1
        else:
            codes.append(UNMET)
    if changed > 0:
        session.changed(key, value, HEXPIRE, changed)
        session.journal_as([b"HPEXPIREAT", key, int_text(at_ms), *args[3:]])
    return codes


def expire_at_once(
    session: Session, key: bytes, value: Hash, fields: list[bytes], condition: Condition, at_ms: i64
) -> object:
    """Delete the fields, because the deadline is past."""
    codes: list[object] = []
    gone: list[bytes] = []
    for field in fields:
        if not value.locate(field):
            codes.append(NO_FIELD)
        elif condition.met(value.located_deadline(), at_ms):
            value.remove_located(field)
            codes.append(GONE)
            gone.append(field)
        else:
            codes.append(UNMET)
    if len(gone) > 0:
        session.db.moment.expired_fields += len(gone)
        session.changed(key, value, HEXPIRED, len(gone))
        session.journal_as([b"HDEL", key, *gone])
    return codes


@command(
    "hexpire", arity=-6, flags=WRITE | FAST, acl=HASH, keys=one_key(RW | UPDATE), group="hash",
    arguments="key#0 seconds:integer [condition: NX | XX | GT | LT] FIELDS (fields: numfields:integer field ...)",
    since="9.0.0", complexity="O(1) for each field", summary="Set the time to live of hash fields in seconds.",
)  # fmt: skip
def hexpire(session: Session, args: list[bytes]) -> object:
    return set_deadlines(session, args, b"hexpire", True, True)


@command(
    "hpexpire", arity=-6, flags=WRITE | FAST, acl=HASH, keys=one_key(RW | UPDATE), group="hash",
    arguments="key#0 milliseconds:integer [condition: NX | XX | GT | LT]@9.0.0 FIELDS (fields: numfields:integer#0 "
              "field ...)",
    since="9.0.0", complexity="O(1) for each field", summary="Set the time to live of hash fields in milliseconds.",
)  # fmt: skip
def hpexpire(session: Session, args: list[bytes]) -> object:
    return set_deadlines(session, args, b"hpexpire", False, True)


@command(
    "hexpireat", arity=-6, flags=WRITE | FAST, acl=HASH, keys=one_key(RW | UPDATE), group="hash",
    arguments="key#0 unix-time-seconds:integer [condition: NX | XX | GT | LT]@9.0.0 FIELDS (fields: "
              "numfields:integer#0 field ...)",
    since="9.0.0", complexity="O(1) for each field",
    summary="Set when hash fields expire, as Unix time in seconds.",
)  # fmt: skip
def hexpireat(session: Session, args: list[bytes]) -> object:
    return set_deadlines(session, args, b"hexpireat", True, False)


@command(
    "hpexpireat", arity=-6, flags=WRITE | FAST, acl=HASH, keys=one_key(RW | UPDATE), group="hash",
    arguments="key#0 unix-time-milliseconds:integer [condition: NX | XX | GT | LT]@9.0.0 FIELDS (fields: "
              "numfields:integer#0 field ...)",
    since="9.0.0", complexity="O(1) for each field",
    summary="Set when hash fields expire, as Unix time in milliseconds.",
)  # fmt: skip
def hpexpireat(session: Session, args: list[bytes]) -> object:
    return set_deadlines(session, args, b"hpexpireat", False, False)


def told_deadlines(session: Session, args: list[bytes], seconds: bool, from_now: bool) -> object:
    """HTTL and related commands: for each field its deadline, NO_DEADLINE or NO_FIELD.  Seconds are rounded."""
    fields = named_fields(args, SYNTAX)
    value = session.db.hash(args[1])
    now_ms = int(session.db.moment.now_ms)
    found: list[object] = []
    for field in fields:
        if value is None or not value.locate(field):
            found.append(NO_FIELD)
            continue
        at_ms = int(value.located_deadline())
        if at_ms == 0:
            found.append(NO_DEADLINE)
            continue
        ms = at_ms - now_ms if from_now else at_ms
        found.append((ms + 500) // 1000 if seconds else ms)
    return found


@command(
    "httl", arity=-5, flags=READONLY | FAST, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    arguments="key#0 FIELDS (fields: numfields:integer#0 field ...)",
    since="9.0.0", complexity="O(1) for each field", summary="Return the seconds until hash fields expire.",
)  # fmt: skip
def httl(session: Session, args: list[bytes]) -> object:
    return told_deadlines(session, args, True, True)


@command(
    "hpttl", arity=-5, flags=READONLY | FAST, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    arguments="key#0 FIELDS (fields: numfields:integer#0 field ...)",
    since="9.0.0", complexity="O(1) for each field", summary="Return the milliseconds until hash fields expire.",
)  # fmt: skip
def hpttl(session: Session, args: list[bytes]) -> object:
    return told_deadlines(session, args, False, True)


@command(
    "hexpiretime", arity=-5, flags=READONLY | FAST, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    arguments="key#0 FIELDS (fields: numfields:integer#0 field ...)",
    since="9.0.0", complexity="O(1) for each field", summary="Return when hash fields expire, as Unix time in seconds.",
)  # fmt: skip
def hexpiretime(session: Session, args: list[bytes]) -> object:
    return told_deadlines(session, args, True, False)


@command(
    "hpexpiretime", arity=-5, flags=READONLY | FAST, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    arguments="key#0 FIELDS (fields: numfields:integer#0 field ...)",
    since="9.0.0", complexity="O(1) for each field",
    summary="Return when hash fields expire, as Unix time in milliseconds.",
)  # fmt: skip
def hpexpiretime(session: Session, args: list[bytes]) -> object:
    return told_deadlines(session, args, False, False)


@command(
    "hpersist", arity=-5, flags=WRITE | FAST, acl=HASH, keys=one_key(RW | UPDATE), group="hash",
    arguments="key#0 FIELDS (fields: numfields:integer#0 field ...)",
    since="9.0.0", complexity="O(1) for each field", summary="Remove the expiry of hash fields.",
)  # fmt: skip
def hpersist(session: Session, args: list[bytes]) -> object:
    fields = named_fields(args)
    key = args[1]
    value = session.db.hash_to_change(key, False)
    codes: list[object] = []
    changed: i64 = 0
    for field in fields:
        if value is None or not value.locate(field):
            codes.append(NO_FIELD)
        elif value.located_deadline() == 0:
            codes.append(NO_DEADLINE)
        else:
            value.set_located_deadline(0)
            codes.append(DONE)
            changed += 1
    if changed > 0:
        session.changed(key, value, HPERSIST, changed)
    return codes
