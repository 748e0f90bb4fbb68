"""String: bytes inside the record; an object beside it if long; a buffer once it is changed in place.

Reading and SET go straight through `Database`; the façade here is for commands that read, modify and write.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.protocol.numbers import NO_INT, is_int, is_int_at, to_int_at
from redpoll.structures.keeper import TextKeeper
from redpoll.structures.mover import Mover
from redpoll.structures.segment import Outside
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

EMBEDDED_WITH_SHORT_KEY: Final[i64] = 113
EMBEDDED_WITH_LONG_KEY: Final[i64] = 111
DEADLINE_FIELD: Final[i64] = 8


@mypyc_attr(acyclic=True)
class LongString(Outside):
    """A string beside its record: immutable `data`, or a `buffer` that changes in place."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data: bytes = data
        """Beside a buffer: what `head` has returned, until the bytes change, because that takes longer than most
        commands."""
        self.buffer: bytearray | None = None
        self.keeper: TextKeeper | None = None
        """Of the snapshot that is under way, if the string is in a buffer."""

    def head(self) -> bytes:
        """The first HEAD_BYTES bytes, or all if there are fewer."""
        if self.buffer is None:
            return self.data[:HEAD_BYTES]
        first = self.data
        if len(first) == 0:
            first = self.part(0, HEAD_BYTES)
            self.data = first
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
            self.data = b""
        keeper = self.keeper
        if keeper is not None:
            keeper.overwrites(at, at + len(data))
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

    def is_number(self) -> bool:
        """Whether the value is a canonical 64-bit integer."""
        long = self.long
        if long is None:
            return is_int_at(self.blob, self.start, self.stop)
        return long.length() <= 20 and is_int(long.text())

    def number(self) -> i64:
        """The string as an integer, or NO_INT; `is_number` distinguishes NO_INT from the integer of that value."""
        long = self.long
        if long is None:
            return to_int_at(self.blob, self.start, self.stop)
        if long.length() > 20:
            return NO_INT
        text = long.text()
        return to_int_at(text, 0, len(text))

    def set_digits(self, digits: bytes) -> None:
        """Set the value to an integer, given as `digits`."""
        self.kind = STRING_INT
        if self.long is None and self.stop - self.start == len(digits):
            self.patch(self.start, digits)
        else:
            self.set_text(digits, STRING_INT)

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
