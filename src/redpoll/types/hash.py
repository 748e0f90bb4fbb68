"""Hash: fields to values, packed as `[length][field][length][value]...` or, once large, a Table.

Packed, every look-up is a walk over lengths (some 4 ns a field), so it is left at PACKED_LIMIT bytes, or when a
field or value is longer than 254 bytes.  `OBJECT ENCODING` follows the configured limits instead and is kept in
`kind`.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.structures.packed import LENGTH_BYTE, equal_at, spliced, without
from redpoll.structures.segment import Outside
from redpoll.structures.table import Table
from redpoll.structures.table_copy import copied
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.kinds import HASH_HASHTABLE, HASH_LISTPACK, EncodingLimits
from redpoll.types.value import Value

PACKED_LIMIT: Final[i64] = 1024
ITEM_LIMIT: Final[i64] = 254


@mypyc_attr(acyclic=True)
class LongValue(Outside):
    """A field's value that does not fit its record."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data

    def size_bytes(self) -> i64:
        return len(self.data) + 96

    def copy(self) -> Outside:
        return LongValue(self.data)


@mypyc_attr(acyclic=True, free_list_len=1)
class Hash(Value):
    """See the module's docstring.  Lookups and changes are O(1) on average (packed: O(fields), a few dozen)."""

    def __init__(self) -> None:
        super().__init__(HASH_LISTPACK)
        self.table: Table | None = None

    def is_large(self) -> bool:
        return self.table is not None

    def is_empty(self) -> bool:
        table = self.table
        return table.size == 0 if table is not None else self.start == self.stop

    def count(self) -> i64:
        """Number of fields."""
        table = self.table
        if table is not None:
            return table.size
        blob = self.blob
        at = self.start
        stop = self.stop
        found: i64 = 0
        while at < stop:
            at += 1 + blob[at]
            at += 1 + blob[at]
            found += 1
        return found

    def get(self, field: bytes) -> bytes | None:
        """The value of `field`, or None."""
        table = self.table
        if table is not None:
            if not table.find(field):
                return None
            return _value_at(table)
        at = self._find(field)
        if at < 0:
            return None
        return self.blob[at + 1 : at + 1 + self.blob[at]]

    def length(self, field: bytes) -> i64:
        """The length of the value of `field` in bytes, 0 if there is none."""
        value = self.get(field)
        return 0 if value is None else len(value)

    def _find(self, field: bytes) -> i64:
        """Where the value of `field` begins (its length byte) in the packed form, -1 if there is none."""
        blob = self.blob
        at = self.start
        stop = self.stop
        wanted: i64 = len(field)
        while at < stop:
            length: i64 = blob[at]
            following: i64 = at + 1 + length
            if length == wanted and equal_at(blob, at + 1, field, length):
                return following
            at = following + 1 + blob[following]
        return -1

    def put(self, field: bytes, value: bytes) -> bool:
        """Set `field` to `value`; whether the field is new."""
        new_size: i64 = len(value)
        field_size: i64 = len(field)
        self.puts += 1
        if field_size > self.longest:
            self.longest = field_size
        if new_size > self.longest:
            self.longest = new_size
        table = self.table
        if table is not None:
            return _put_in(table, field, value)
        if field_size > ITEM_LIMIT or new_size > ITEM_LIMIT:
            return _put_in(self._grow(), field, value)
        at = self._find(field)
        if at >= 0:
            old_size: i64 = self.blob[at]
            if old_size == new_size:
                self.patch(at + 1, value)
                return False
            changed = b"%b%b" % (LENGTH_BYTE[new_size], value)
            at -= self.start
            self.rewrite(spliced(self.packed(), at, at + 1 + old_size, changed))
        else:
            self.rewrite(b"%b%b%b%b%b" % (self.packed(), LENGTH_BYTE[field_size], field, LENGTH_BYTE[new_size], value))
        if self.stop > PACKED_LIMIT:
            self._grow()
        return at < 0

    def remove(self, field: bytes) -> bool:
        """Take `field` away; whether it was there."""
        table = self.table
        if table is not None:
            if not table.find(field):
                return False
            table.remove()
            return True
        at = self._find(field)
        if at < 0:
            return False
        begin: i64 = at - 1 - len(field) - self.start
        end: i64 = at + 1 + self.blob[at] - self.start
        self.rewrite(without(self.packed(), begin, end))
        return True

    def _grow(self) -> Table:
        """Take the native form."""
        table = Table()
        blob = self.blob
        at = self.start
        while at < self.stop:
            middle: i64 = at + 1 + blob[at]
            end: i64 = middle + 1 + blob[middle]
            _put_in(table, blob[at + 1 : middle], blob[middle + 1 : end])
            at = end
        self.table = table
        self.rewrite(b"")
        return table

    def apply_limits(self, limits: EncodingLimits) -> None:
        # A command with more pairs than the limit counts as large, though they may name one field.
        if self.kind == HASH_LISTPACK:
            entries = limits.hash_entries
            if self.longest > limits.hash_value or self.puts > entries or self._exceeds(entries):
                self.kind = HASH_HASHTABLE

    def _exceeds(self, entries: i64) -> bool:
        # A field takes at least two bytes, so most packed hashes need no counting.
        if self.table is None and self.stop - self.start <= entries * 2:
            return False
        return self.count() > entries

    def rows(self) -> list[bytes]:
        found: list[bytes] = []
        table = self.table
        if table is None:
            blob = self.blob
            at = self.start
            while at < self.stop:
                following: i64 = at + 1 + blob[at]
                found.append(blob[at + 1 : following])
                at = following
            return found
        for b in range(table.buckets):
            records = Records()
            read_bucket(table, b, records, True)
            for n in range(len(records.keys)):
                found.append(records.keys[n])
                found.append(value_of(records, n))
        return found

    def row_width(self) -> i64:
        return 2

    def inner(self) -> Table | None:
        return self.table

    def size_bytes(self) -> i64:
        table = self.table
        return 200 + (table.size_bytes() if table is not None else len(self.blob))

    def copy(self) -> Outside:
        made = Hash()
        made.stand_beside(self.kind, self.packed())
        table = self.table
        if table is not None:
            made.table = copied(table)
        return made

    def in_pieces(self) -> bool:
        return True

    def release(self, budget: i64) -> i64:
        table = self.table
        return table.release(budget) if table is not None else budget - 1


def value_of(records: Records, n: i64) -> bytes:
    """The value of record `n` of a walk over a hash's table."""
    outside = records.objects[n]
    if outside is None:
        return records.values[n]
    assert isinstance(outside, LongValue)
    return outside.data


def _value_at(table: Table) -> bytes:
    if not table.is_outside():
        return table.value()
    outside = table.object()
    assert isinstance(outside, LongValue)
    return outside.data


def _put_in(table: Table, field: bytes, value: bytes) -> bool:
    there = table.find(field)
    if table.fits(len(field), len(value)):
        if there:
            table.replace(value, 0)
        else:
            table.insert(field, value, 0)
    elif there:
        table.replace_outside(field, LongValue(value), 0)
    else:
        table.insert_outside(field, LongValue(value), 0)
    return not there
