"""Bits of strings: SETBIT, GETBIT, BITCOUNT, BITPOS and BITOP."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, OW, RO, RW, UPDATE, key_range, one_key
from redpoll.catalogue.spec import BITMAP, DENYOOM, FAST, READONLY, WRITE
from redpoll.engine.args import integer
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.errors import BIT_NEITHER, BIT_OFFSET, BIT_VALUE, BITOP_NOT_OF_ONE, SYNTAX, CommandError
from redpoll.keyspace.events import DEL, SET, SETBIT
from redpoll.types.bits import (
    AND,
    NOT,
    OR,
    XOR,
    byte_at,
    combine_all,
    first_bit,
    ones_between,
    put_byte,
)
from redpoll.types.kinds import STRING_RAW
from redpoll.types.string import String

HIGHEST: Final[i64] = 128


def bit_offset(session: Session, word: bytes) -> i64:
    """The offset of a bit, at most in a string of `proto-max-bulk-len` bytes.  Raises CommandError."""
    return checked_offset(session, integer(word, BIT_OFFSET))


def checked_offset(session: Session, offset: i64) -> i64:
    """The same for an offset that is a number already."""
    if offset < 0 or offset >> 3 >= session.engine.most_bulk_bytes:
        raise CommandError(BIT_OFFSET)
    return offset


class Setbit(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        key = args[1]
        offset = bit_offset(session, args[2])
        bit = integer(args[3], BIT_VALUE)
        if bit != 0 and bit != 1:
            raise CommandError(BIT_VALUE)
        value = session.db.string_to_change(key)
        assert value is not None
        at = offset >> 3
        mask = HIGHEST >> (offset & 7)
        old = byte_at(value, at)
        new = old | mask if bit == 1 else old & ~mask
        if new != old or at >= value.length():
            put_byte(value, at, new)
            session.changed(key, value, SETBIT, 1)
        elif value.kind != STRING_RAW:
            value.kind = STRING_RAW
            session.changed(key, value, SETBIT, 0)
        return 1 if old & mask != 0 else 0


command(
    "setbit", arity=4, flags=WRITE | DENYOOM, acl=BITMAP, keys=one_key(RW | ACCESS | UPDATE), group="bitmap",
    arguments="key#0 offset:integer value:integer",
    since="2.2.0", complexity="O(1), and the bytes by which the string grows",
    summary="Set or clear one bit of a string and return its old value. A short string is filled up with zeros.",
)(Setbit())  # fmt: skip


class Getbit(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        offset = bit_offset(session, args[2])
        value = session.db.string_to_read(args[1])
        if value is None:
            return 0
        return 1 if byte_at(value, offset >> 3) & (HIGHEST >> (offset & 7)) != 0 else 0


command(
    "getbit", arity=3, flags=READONLY | FAST, acl=BITMAP, keys=one_key(RO | ACCESS), group="bitmap",
    arguments="key#0 offset:integer",
    since="2.2.0", complexity="O(1)", summary="Return one bit of a string, 0 beyond its end.",
)(Getbit())  # fmt: skip


class BitRange:
    """`[start [end [BYTE | BIT]]]` from index `at` on: both included, below 0 counted from the end of the string.

    After `clamp` is called with the number of bits, the range is from `first` to before `stop`.
    """

    def __init__(self, args: list[bytes], at: i64) -> None:
        # The reference looks at the unit before it reads the end.
        count = len(args) - at
        if count > 3:
            raise CommandError(SYNTAX)
        self.start: i64 = integer(args[at]) if count > 0 else i64(0)
        unit = args[at + 2].upper() if count > 2 else b"BYTE"
        if unit != b"BYTE" and unit != b"BIT":
            raise CommandError(SYNTAX)
        self.end: i64 = integer(args[at + 1]) if count > 1 else i64(-1)
        self.has_end = count > 1
        self.in_bits = unit == b"BIT"
        self.first: i64 = 0
        self.stop: i64 = 0

    def is_backwards(self) -> bool:
        """Whether both count from the end, and `start` lies after `end`."""
        return self.start < 0 and self.end < 0 and self.start > self.end

    def clamp(self, bits: i64) -> None:
        """Set `first` and `stop`.  Positions before the beginning mean the first bit or byte."""
        size = bits if self.in_bits else bits >> 3
        first = max(self.start + size, 0) if self.start < 0 else self.start
        last = max(self.end + size, 0) if self.end < 0 else min(self.end, size - 1)
        if first > last or size == 0:
            self.first = self.stop = 0
        elif self.in_bits:
            self.first = first
            self.stop = last + 1
        else:
            self.first = first << 3
            self.stop = (last + 1) << 3


class Bitcount(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        asked = BitRange(args, 2)
        value = session.db.string_to_read(args[1])
        if value is None or asked.is_backwards():
            return 0
        asked.clamp(value.length() << 3)
        return ones_between(value, asked.first, asked.stop)


command(
    "bitcount", arity=-2, flags=READONLY, acl=BITMAP, keys=one_key(RO | ACCESS), group="bitmap",
    arguments="key#0 [range: start:integer [end-unit-block: end:integer [unit: BYTE | BIT]@7.0.0]]",
    since="2.6.0", complexity="O(bytes of the range)",
    summary="Count the bits that are set in a string, or in a range of it.",
)(Bitcount())  # fmt: skip


@command(
    "bitpos", arity=-3, flags=READONLY, acl=BITMAP, keys=one_key(RO | ACCESS), group="bitmap",
    arguments="key#0 bit:integer [range: start:integer [end-unit-block: end:integer [unit: BYTE | BIT]@7.0.0]]",
    since="2.8.7", complexity="O(bytes before what is found)",
    summary="Return the position of the first bit that is 0 or 1, in a string or in a range of it.",
)  # fmt: skip
def bitpos(session: Session, args: list[bytes]) -> object:
    bit = integer(args[2])
    if bit != 0 and bit != 1:
        raise CommandError(BIT_NEITHER)
    asked = BitRange(args, 3)
    value = session.db.string_to_read(args[1])
    if value is None:
        return -bit
    size = value.length() << 3
    asked.clamp(size)
    found = first_bit(value, bit, asked.first, asked.stop)
    if found < 0 and bit == 0 and not asked.has_end and asked.first < asked.stop:
        # Without an end, the string counts as followed by zeros.
        return size
    return found


OPERATIONS: Final = {b"AND": AND, b"OR": OR, b"XOR": XOR, b"NOT": NOT}


@command(
    "bitop", arity=-4, flags=WRITE | DENYOOM, acl=BITMAP,
    keys=[*one_key(OW | UPDATE, 2), *key_range(3, -1, 1, RO | ACCESS)], group="bitmap",
    arguments="(operation: AND | OR | XOR | NOT) destkey#0 key#1 ...",
    since="2.6.0", complexity="O(bytes of all)",
    summary="Combine strings bit by bit, store the result and return its length. Short strings are padded with zeros.",
)  # fmt: skip
def bitop(session: Session, args: list[bytes]) -> object:
    target = args[2]
    operation = OPERATIONS.get(args[1].upper())
    if operation is None:
        raise CommandError(SYNTAX)
    if operation == NOT and len(args) != 4:
        raise CommandError(BITOP_NOT_OF_ONE)
    db = session.db
    sources: list[String | None] = []
    for at in range(3, len(args)):
        sources.append(db.string_to_read(args[at]))
    result = combine_all(operation, sources)
    if len(result) == 0:
        # As in the reference, the deletion of an expired key counts as the command's, not as an expiry.
        if db.discard(target):
            session.changed(target, None, DEL, 1)
        return 0
    db.set_string(target, result)
    db.set_encoding(STRING_RAW)
    session.changed(target, None, SET, 1)
    return len(result)
