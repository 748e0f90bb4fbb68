"""String: bytes inside the record; an object beside it if long; a buffer once it is changed in place.

Reading and SET go straight through `Database`; the façade here is for commands that read, modify and write.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr, u8

from redpoll.protocol.numbers import ZERO, is_int
from redpoll.scratch import SHARED
from redpoll.structures.mover import Mover
from redpoll.structures.segment import LENGTH_MASK, Outside
from redpoll.structures.table import Table
from redpoll.types.kinds import STRING_EMBSTR, STRING_INT, STRING_RAW
from redpoll.types.value import BESIDE, CREATED, INSIDE, Value

BUFFER_FROM: Final[i64] = 1024
"""From this size on, a string that is changed in place is kept in a buffer, so that a change does not copy it.
"""

HEAD_BYTES: Final[i64] = 16
"""What `head` returns: the head of a HyperLogLog."""
SMALL_PART: Final[i64] = 4096
"""A part of a buffer up to this many bytes is sliced; a larger one is copied through a view."""

MOST_DIGITS: Final[i64] = 18
"""Integers of so many digits are changed in place."""

EMBEDDED_WITH_SHORT_KEY: Final[i64] = 113
EMBEDDED_WITH_LONG_KEY: Final[i64] = 111
DEADLINE_FIELD: Final[i64] = 8


def powers_of_ten() -> vec[i64]:
    """10^0 to 10^18."""
    powers = vec[i64](capacity=19)
    power: i64 = 1
    for _ in range(MOST_DIGITS):
        powers = append(powers, power)
        power *= 10
    return append(powers, power)


POWERS: Final = powers_of_ten()

_scratch: Final = BytesWriter()


@mypyc_attr(acyclic=True)
class LongString(Outside):
    """A string beside its record: immutable `data`, or a `buffer` that changes in place."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data: bytes = data
        self.buffer: bytearray | None = None
        self.first: bytes = b""
        """What `head` has returned, until the bytes change: a slice of a buffer takes longer than most commands."""

    def head(self) -> bytes:
        """The first HEAD_BYTES bytes, or all if there are fewer."""
        first = self.first
        if len(first) == 0:
            first = self.part(0, HEAD_BYTES)
            self.first = first
        return first

    def text(self) -> bytes:
        """The bytes; a copy if they are in a buffer."""
        buffer = self.buffer
        return self.data if buffer is None else bytes(buffer)

    def part(self, start: i64, stop: i64) -> bytes:
        """The bytes from `start` to before `stop`.  O(their number)."""
        buffer = self.buffer
        if buffer is None:
            return self.data[start:stop]
        if stop - start < SMALL_PART:
            return bytes(buffer[start:stop])
        # A slice of the buffer itself would be copied twice.
        with memoryview(buffer) as whole:
            return bytes(whole[start:stop])

    def length(self) -> i64:
        buffer = self.buffer
        return len(self.data) if buffer is None else len(buffer)

    def is_text(self, text: bytes) -> bool:
        """Whether the string equals `text`.  Copies nothing."""
        buffer = self.buffer
        return self.data == text if buffer is None else buffer == text

    def to_buffer(self) -> bytearray:
        """The buffer; created if there is none."""
        buffer = self.buffer
        if buffer is None:
            buffer = bytearray(self.data)
            self.buffer = buffer
            self.data = b""
        return buffer

    def write_at(self, at: i64, data: bytes) -> None:
        """Write `data` from byte `at` on, with zeros before it if the string ends earlier.

        O(written) on average, once in a buffer; a gap longer than the string costs a copy.  The string grows in one
        step: if there is no memory for that, it does not change.
        """
        buffer = self.to_buffer()
        size: i64 = len(buffer)
        if at < HEAD_BYTES or size < HEAD_BYTES:
            self.first = b""
        gap = at - size
        if gap > size:
            grown = bytearray(at + len(data))
            grown[:size] = buffer
            grown[at:] = data
            self.buffer = grown
        elif gap > 0:
            buffer += bytes(gap) + data
        elif gap == 0:
            buffer += data
        else:
            buffer[at : at + len(data)] = data

    def size_bytes(self) -> i64:
        return self.length() + 128

    def copy(self) -> Outside:
        return LongString(self.text())

    def is_light(self) -> bool:
        return self.buffer is None

    def move_bytes(self, mover: Mover) -> None:
        self.data = mover.bytes_(self.data)


def string_kind(key: bytes, value: bytes, had_deadline: bool) -> i64:
    """The encoding that SET gives: `int`, `embstr` or `raw`.  Source: spec/values.md, "Encodings"."""
    size: i64 = len(value)
    if size <= 20 and is_int(value):
        return STRING_INT
    return embedded_or_raw(len(key), size, had_deadline)


def embedded_or_raw(key_length: i64, size: i64, had_deadline: bool) -> i64:
    """The encoding of a string that is not an integer."""
    limit = EMBEDDED_WITH_SHORT_KEY if key_length <= 31 else EMBEDDED_WITH_LONG_KEY
    if had_deadline:
        limit -= DEADLINE_FIELD
    return STRING_EMBSTR if key_length + size <= limit else STRING_RAW


def rewrite_digits(table: Table, old: i64, new: i64) -> bool:
    """Overwrite the integer `old` at the position, inside the record, if `new` has the same sign and length.

    Only the digits that differ are written: usually one.  Returns whether it was done.
    """
    start = table.value_start()
    at = table.record_stop()
    digits = at - start
    if old < 0 or new < 0 or digits > MOST_DIGITS or new >= POWERS[digits] or (digits > 1 and new < POWERS[digits - 1]):
        return False
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    out.write(table.blob())
    while old != new:
        rest = new // 10
        at -= 1
        out[at] = u8(ZERO + new - rest * 10)
        old //= 10
        new = rest
    table.replace_blob(out.getvalue(), table.word & LENGTH_MASK)
    if table.kind() != STRING_INT:
        table.set_kind(STRING_INT)
    return True


@mypyc_attr(acyclic=True, free_list_len=1)
class String(Value):
    """A string for commands that change it.  Handlers finish with `Database.changed`, as for every value."""

    def __init__(self) -> None:
        super().__init__(STRING_RAW)
        self.long: LongString | None = None

    def take(self, long: LongString, table: Table) -> None:
        """Use the string beside the record at the table's position."""
        self.home = BESIDE
        self.long = long
        self.remember_place(table)

    def is_large(self) -> bool:
        return self.long is not None

    def is_empty(self) -> bool:
        # An empty string is not deleted.
        return False

    def text(self) -> bytes:
        long = self.long
        return self.packed() if long is None else long.text()

    def length(self) -> i64:
        long = self.long
        return self.stop - self.start if long is None else long.length()

    def part(self, start: i64, stop: i64) -> bytes:
        """The bytes from `start` to before `stop`.  O(their number)."""
        long = self.long
        if long is None:
            return self.blob[self.start + start : self.start + stop]
        return long.part(start, stop)

    def head(self) -> bytes:
        """The first HEAD_BYTES bytes, or all if there are fewer."""
        long = self.long
        return self.part(0, HEAD_BYTES) if long is None else long.head()

    def set_text(self, text: bytes, kind: i64) -> None:
        """Replace the whole value."""
        self.kind = kind
        self.long = None
        self.rewrite(text)

    def append(self, more: bytes) -> i64:
        """Add bytes at the end; return the new length.  O(added) once in a buffer."""
        size: i64 = self.length() + len(more)
        if size >= BUFFER_FROM:
            buffer = self._to_long().to_buffer()
            buffer += more
            self.kind = STRING_RAW
        else:
            self.set_text(b"%b%b" % (self.text(), more), STRING_RAW)
        return size

    def write_at(self, at: i64, data: bytes) -> i64:
        """Write `data` from byte `at` on, with zeros before it if the string ends earlier; return the new length.

        O(written) once in a buffer.
        """
        size: i64 = max(self.length(), at + len(data))
        if size < BUFFER_FROM:
            if self.long is None and at + len(data) <= self.stop - self.start:
                self.patch(self.start + at, data)
                self.kind = STRING_RAW
                return size
            text = self.text()
            if len(text) < at:
                text += bytes(at - len(text))
            self.set_text(b"%b%b%b" % (text[:at], data, text[at + len(data) :]), STRING_RAW)
        else:
            self._to_long().write_at(at, data)
            self.kind = STRING_RAW
        return size

    def write_word(self, at: i64, word: i64, count: i64) -> None:
        """Overwrite bytes from byte `at` on with the low `count` bytes of a word, the highest first."""
        out = _scratch if SHARED else BytesWriter()
        out.truncate(0)
        if self.long is None and self.stop - self.start < BUFFER_FROM:
            out.write(self.blob)
            at += self.start + count
            while count > 0:
                at -= 1
                count -= 1
                out[at] = u8(word & 0xFF)
                word >>= 8
            self.blob = out.getvalue()
            self.kind = STRING_RAW
            return
        while count > 0:
            count -= 1
            out.append(u8((word >> (count << 3)) & 0xFF))
        self.write_at(at, out.getvalue())

    def _to_long(self) -> LongString:
        long = self.long
        if long is None:
            long = LongString(self.packed())
            self.long = long
        return long

    def put_back(self, table: Table, key: bytes) -> None:
        long = self.long
        if long is None and not table.fits(len(key), self.stop - self.start):
            long = LongString(self.packed())
            self.long = long
        if long is None:
            if self.home == BESIDE:
                # Unlike a container, a string has no reason to stay outside: it goes into the record as soon as it
                # fits, as with SET.
                self.home = INSIDE
            super().put_back(table, key)
            return
        if self.home != CREATED and self.stamp == table.stamp:
            table.seek(self.bucket, self.index, self.offset)
            table.replace_outside(key, long, self.kind)
        elif table.find(key):
            table.replace_outside(key, long, self.kind)
        else:
            table.insert_outside(key, long, self.kind)
        self.home = BESIDE
        self.remember_place(table)
