"""BITFIELD and BITFIELD_RO: integers of any width at any bit of a string."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.catalogue.keyspec import ACCESS, RO, one_key
from redpoll.catalogue.spec import BITMAP, DENYOOM, FAST, READONLY, WRITE
from redpoll.catalogue.variable_keys import bitfield_key
from redpoll.commands.bits import bit_offset, checked_offset
from redpoll.engine.args import integer
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.errors import BIT_OFFSET, BITFIELD_ONLY_GET, BITFIELD_OVERFLOW, BITFIELD_TYPE, SYNTAX, CommandError
from redpoll.keyspace.events import SETBIT
from redpoll.protocol.numbers import NO_INT, int_text, to_int_at
from redpoll.types.fields import FAIL, SAT, WRAP, Field
from redpoll.types.kinds import STRING_RAW
from redpoll.types.string import String

GET: Final[i64] = 0
PUT: Final[i64] = 1
ADD: Final[i64] = 2
OVERFLOW: Final[i64] = 3
UNKNOWN: Final[i64] = 4

OVERFLOWS: Final = {b"WRAP": WRAP, b"SAT": SAT, b"FAIL": FAIL}
SIGNED: Final = ord("i")
UNSIGNED: Final = ord("u")
HASH: Final = ord("#")
FEW_FIELDS: Final[i64] = 1 << 48
"""So many fields of any width are no more bits than a word can count."""
TWO_TO_63: Final = 1 << 63
TWO_TO_64: Final = 1 << 64


@mypyc_attr(acyclic=True, free_list_len=1)
class Step:
    """One GET, SET or INCRBY: its field, its number, and what happens on overflow."""

    def __init__(self, action: i64, field: Field, number: i64, overflow: i64) -> None:
        self.action: i64 = action
        self.field: Final = field
        self.number: i64 = number
        self.overflow: i64 = overflow


def parsed_field(session: Session, word: bytes, place: bytes) -> Field:
    """A type (`i1` to `i64`, `u1` to `u63`) and an offset, in bits or, after a `#`, in fields of that type."""
    first: i64 = word[0] if len(word) > 0 else 0
    signed = first == SIGNED
    if not signed and first != UNSIGNED:
        raise CommandError(BITFIELD_TYPE)
    width = to_int_at(word, 1, len(word))
    if width < 1 or width > 64 or (width == 64 and not signed):
        raise CommandError(BITFIELD_TYPE)
    if len(place) > 0 and place[0] == HASH:
        count = to_int_at(place, 1, len(place))
        if count == NO_INT:
            count = integer(place[1:], BIT_OFFSET)
        if count < 0 or count > FEW_FIELDS:
            # The reference multiplies words of 64 bits, which wrap around.
            count = (int(count) * int(width) + TWO_TO_63) % TWO_TO_64 - TWO_TO_63
            return Field(signed, width, bit_offset(session, int_text(count)))
        return Field(signed, width, checked_offset(session, count * width))
    return Field(signed, width, bit_offset(session, place))


def action_of(word: bytes) -> i64:
    """The action or OVERFLOW that a word in upper case names, or UNKNOWN."""
    if word == b"GET":
        return GET
    if word == b"SET":
        return PUT
    if word == b"INCRBY":
        return ADD
    return OVERFLOW if word == b"OVERFLOW" else UNKNOWN


def parsed_steps(session: Session, args: list[bytes]) -> list[Step]:
    """Parse everything after the key.  Every complaint is made here, before the look-up."""
    steps: list[Step] = []
    overflow: i64 = WRAP
    count: i64 = len(args)
    at: i64 = 2
    while at < count:
        action = action_of(args[at])
        if action == UNKNOWN:
            action = action_of(args[at].upper())
        left = count - at - 1
        if action == OVERFLOW and left >= 1:
            found = OVERFLOWS.get(args[at + 1].upper())
            if found is None:
                raise CommandError(BITFIELD_OVERFLOW)
            overflow = found
            at += 2
            continue
        if action >= OVERFLOW or left < (2 if action == GET else 3):
            raise CommandError(SYNTAX)
        field = parsed_field(session, args[at + 1], args[at + 2])
        number: i64 = 0
        at += 3
        if action != GET:
            number = integer(args[at])
            at += 1
        steps.append(Step(action, field, number, overflow))
    return steps


def read_fields(session: Session, key: bytes, steps: list[Step]) -> object:
    """The reply to steps that only read."""
    value = session.db.string_to_read(key)
    found: list[object] = []
    for step in steps:
        found.append(step.field.read(value) if value is not None else 0)
    return found


def run_step(value: String, step: Step, found: list[object]) -> bool:
    """Run a step and append its reply; return whether the field changed.

    If the number overflows and OVERFLOW is FAIL, the reply is None and nothing is written.
    """
    field = step.field
    old = field.read(value)
    if step.action == ADD:
        new = field.sum(old, step.number, step.overflow)
    else:
        new = field.kept(step.number, step.overflow)
    if new is None:
        found.append(None)
        return False
    if new != old:
        field.write(value, new)
    found.append(new if step.action == ADD else old)
    return new != old


class Bitfield(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        key = args[1]
        steps = parsed_steps(session, args)
        size: i64 = 0
        for step in steps:
            if step.action != GET:
                size = max(size, step.field.end_byte())
        if size == 0:
            return read_fields(session, key, steps)

        value = session.db.string_to_change(key)
        assert value is not None
        # The string grows for every field first, even for a field that then fails to change because of OVERFLOW FAIL.
        grows = size > value.length()
        if grows:
            value.write_at(size - 1, b"\0")
        value.kind = STRING_RAW
        changes: i64 = 0
        found: list[object] = []
        for step in steps:
            if step.action == GET:
                found.append(step.field.read(value))
            elif run_step(value, step, found) or (grows and found[-1] is not None):
                changes += 1
        if changes > 0:
            session.changed(key, value, SETBIT, changes)
        elif grows:
            session.db.put_back(key, value)
        else:
            session.changed(key, value, SETBIT, 0)
        return found


command(
    "bitfield", arity=-2, flags=WRITE | DENYOOM, acl=BITMAP, keys=bitfield_key(),
    arguments="key#0 [operation: GET (get-block: encoding offset:integer) | (write: "
              "[OVERFLOW (overflow-block: WRAP | SAT | "
              "FAIL)] (write-operation: SET (set-block: encoding offset:integer value:integer) | "
              "INCRBY (incrby-block: encoding offset:integer increment:integer)))] ...",
    group="bitmap", since="3.2.0", complexity="O(steps), and the bytes by which the string grows",
    summary="Read, write and increment integers of any width at any bit of a string.",
)(Bitfield())  # fmt: skip


@command(
    "bitfield_ro", arity=-2, flags=READONLY | FAST, acl=BITMAP, keys=one_key(RO | ACCESS), group="bitmap",
    arguments="key#0 [GET (get-block: encoding offset:integer)] ...",
    since="6.0.0", complexity="O(steps)", summary="Read integers of any width at any bit of a string.",
)  # fmt: skip
def bitfield_ro(session: Session, args: list[bytes]) -> object:
    steps = parsed_steps(session, args)
    for step in steps:
        if step.action != GET:
            raise CommandError(BITFIELD_ONLY_GET)
    return read_fields(session, args[1], steps)
