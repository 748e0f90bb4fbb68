"""The base of all containers: one class for each type, a façade over its two forms, which knows its place in the table.

While small, a value is *packed*: bytes inside the record of its key, or beside it once it outgrows 255 bytes.  A
look-up then returns a short-lived object that points into the bucket's records without copying them.  Once large, the
value has native structures, and the object itself is in the table.  Handlers do not see the difference: the methods
change the form, in the middle of a command if necessary.

A value that a look-up creates is not in the table yet.  `put_back`, called only by `Database.changed`, inserts it, so a
handler that raises leaves no empty key behind.  A value remembers its place together with the table's stamp, which no
other table shares.  If the stamp has changed, the key is found again.

Methods that add items update `longest` and `puts`.  `Database.changed` then lets `apply_limits` decide the encoding.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.structures.mover import Mover
from redpoll.structures.packed import patched, spliced
from redpoll.structures.segment import RECORD_LIMIT, Outside
from redpoll.structures.table import Table
from redpoll.structures.table_move import move_bucket
from redpoll.types.kinds import EncodingLimits

CREATED: Final[i64] = 0
INSIDE: Final[i64] = 1
BESIDE: Final[i64] = 2

LIGHT_BUCKETS: Final[i64] = 4
"""A large value whose table has no more buckets is copied in a few microseconds."""

RETURN_LIMIT: Final[i64] = 128
"""A packed value beside its record moves back inside below this size.

The gap to 255 prevents moving back and forth.
"""


@mypyc_attr(acyclic=True)
class Value(Outside):
    """A container and its place.  `blob` from `start` to `stop` is the packed form, while there is one."""

    def __init__(self, kind: i64) -> None:
        super().__init__()
        self.kind: i64 = kind
        self.home: i64 = CREATED
        self.bucket: i64 = 0
        self.index: i64 = 0
        self.offset: i64 = 0
        self.stamp: i64 = -1
        self.blob: bytes = b""
        self.start: i64 = 0
        self.stop: i64 = 0
        self.shared = False
        """Whether `blob` is (a changed copy of) the whole bucket, not only this value."""
        self.longest: i64 = 0
        """The length in bytes of the longest item put since the look-up ..."""
        self.puts: i64 = 0
        """... and the number of such puts, of items that were there already too."""

    def open(self, table: Table) -> None:
        """Use the packed value at the table's position."""
        blob = table.segment.blobs[table.j]
        self.kind = table.kind()
        self.home = INSIDE
        self.blob = blob
        self.start = table.offset + 1 + blob[table.offset]
        self.stop = table.record_stop()
        self.shared = True
        self.remember_place(table)

    def remember_place(self, table: Table) -> None:
        """Remember the table's position as this value's place."""
        self.bucket = table.bucket
        self.index = table.index
        self.offset = table.offset
        self.stamp = table.stamp
        self.longest = 0
        self.puts = 0

    def stand_beside(self, kind: i64, packed: bytes) -> None:
        """Use a packed value of this kind beside its record."""
        self.kind = kind
        self.home = BESIDE
        self.rewrite(packed)

    def set_time(self, now_ms: i64) -> None:
        """Set the time that decides which items have expired.  A look-up calls it for a value with deadlines."""

    def is_large(self) -> bool:
        """Whether the native form is in use."""
        raise NotImplementedError

    def is_empty(self) -> bool:
        raise NotImplementedError

    def apply_limits(self, limits: EncodingLimits) -> None:
        """Update `kind` (the encoding) after the puts since the look-up; see `longest` and `puts`."""

    def rows(self) -> list[bytes]:
        """All items, for code that need not be fast: `row_width` of them belong together.  O(items).

        List: elements.  Set: members.  Hash: field, value.  Sorted set: member, score as text.
        """
        raise NotImplementedError

    def row_width(self) -> i64:
        """How many neighbours of `rows` belong together."""
        return 1

    def inner(self) -> Table | None:
        """The hash table of the large form, None if there is none."""
        return None

    def is_light(self) -> bool:
        if not self.is_large():
            return True
        table = self.inner()
        return table is not None and table.buckets <= LIGHT_BUCKETS

    def move_bytes(self, mover: Mover) -> None:
        self.blob = mover.bytes_(self.blob)

    def move_piece(self, mover: Mover, at: i64) -> i64:
        table = self.inner()
        return at + 1 if table is not None and move_bucket(table, at, mover) else i64(-1)

    def packed(self) -> bytes:
        """The packed form alone."""
        if self.shared:
            return self.blob[self.start : self.stop]
        return self.blob

    def rewrite(self, packed: bytes) -> None:
        """Replace the packed form."""
        self.blob = packed
        self.start = 0
        self.stop = len(packed)
        self.shared = False

    def unshare(self) -> None:
        """Make `blob` contain only this value."""
        if self.shared:
            self.rewrite(self.blob[self.start : self.stop])

    def patch(self, at: i64, data: bytes) -> None:
        """Overwrite bytes of `blob` with `data` from `at` on.  No length changes."""
        self.blob = patched(self.blob, at, data)

    def splice(self, start: i64, stop: i64, data: bytes) -> None:
        """Put `data` in place of `blob[start:stop]`, a part of the packed form."""
        grown: i64 = len(data) - (stop - start)
        if self.shared and self.stop + grown - self.offset > RECORD_LIMIT:
            stop -= self.start
            start -= self.start
            self.unshare()
        self.blob = spliced(self.blob, start, stop, data)
        self.stop += grown

    def put_back(self, table: Table, key: bytes) -> None:
        """Write the value to its place: the only way into the table."""
        in_place = self.home == BESIDE
        if self.home != CREATED and self.stamp == table.stamp:
            table.seek(self.bucket, self.index, self.offset)
            if self.shared:
                same = table.replace_blob(self.blob, self.stop - self.offset)
                if table.kind() != self.kind:
                    table.set_kind(self.kind)
                # If a record changes its length, other records may have moved out of the bucket, but `blob` still has
                # them.
                self.stamp = table.stamp if same else i64(-1)
                self.longest = 0
                self.puts = 0
                return
            there = True
        else:
            there = table.find(key)
            in_place = False
        large = self.is_large()
        if not large:
            packed = self.packed()
            limit: i64 = len(packed)
            if self.home == BESIDE and limit > RETURN_LIMIT:
                limit = 255
            if table.fits(len(key), limit):
                if there:
                    table.replace(packed, self.kind)
                else:
                    table.insert(key, packed, self.kind)
                self.home = INSIDE
                self.remember_place(table)
                return
            self.unshare()
        if in_place and table.kind() == self.kind:
            table.tell_size(self)
        elif there:
            table.replace_outside(key, self, self.kind)
        else:
            table.insert_outside(key, self, self.kind)
        self.home = BESIDE
        self.remember_place(table)
