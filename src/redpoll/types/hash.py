"""Hash: fields to values, packed as `[length][field][length][value]...` or, once large, a Table.

A look-up in the packed form walks over lengths (about 4 ns for each field).  Therefore a hash leaves the packed form at
PACKED_LIMIT bytes, or when a field or value is longer than 254 bytes.  `OBJECT ENCODING` follows the configured limits
instead, and is kept in `kind`.

If fields have deadlines (`times`, `field_times.py`), and only then, the hash is of kind HASH_VOLATILE.  The packed form
stores them in a column before the items, the large form in its table (`field_records.py`).
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.protocol.numbers import to_int, to_int_at
from redpoll.structures.columns import appended, removed
from redpoll.structures.deadlines import column_at, column_bytes, packed_column
from redpoll.structures.packed import LENGTH_BYTE, equal_at, spliced, without
from redpoll.structures.segment import NEVER, Outside, earliest_of
from redpoll.structures.table import Table, large_table
from redpoll.structures.table_copy import copied
from redpoll.structures.table_walk import Records, due, past_count, read_bucket
from redpoll.types.field_records import set_record, value_at, value_of
from redpoll.types.field_times import FieldTimes, has_deadline, without_deadlines
from redpoll.types.kinds import HASH_HASHTABLE, HASH_LISTPACK, HASH_VOLATILE, EncodingLimits
from redpoll.types.value import Value

PACKED_LIMIT: Final[i64] = 1024
ITEM_LIMIT: Final[i64] = 254


@mypyc_attr(acyclic=True, free_list_len=1)
class Hash(Value):
    """See the module's docstring.  Look-ups and changes are O(1) on average (packed: O(fields), a few dozen)."""

    def __init__(self) -> None:
        super().__init__(HASH_LISTPACK)
        self.table: Table | None = None
        self.times: FieldTimes | None = None
        """The data about deadlines of fields; None for a hash without deadlines."""
        self.at: i64 = -1
        """The position in the packed form: where the value of the field begins that `locate` found."""

    def set_time(self, now_ms: i64) -> None:
        if self.kind == HASH_VOLATILE:
            times = self.times
            if times is None:
                times = self._open_column()
            times.now_ms = now_ms
            times.overwritten = 0

    def stand_beside(self, kind: i64, packed: bytes) -> None:
        super().stand_beside(kind, packed)
        if kind == HASH_VOLATILE:
            self._open_column()
            self.rewrite(self.items())

    def _open_column(self) -> FieldTimes:
        """Read the column of deadlines before the items."""
        times = FieldTimes(column_at(self.blob, self.start))
        self.start += column_bytes(self.blob, self.start)
        times.earliest = earliest_of(times.column)
        self.times = times
        return times

    def packed(self) -> bytes:
        items = self.items()
        times = self.times
        return items if times is None else packed_column(times.column, items)

    def items(self) -> bytes:
        """The items of the packed form, including expired fields."""
        if self.start > 0 or self.shared:
            return self.blob[self.start : self.stop]
        return self.blob

    def put_back(self, table: Table, key: bytes) -> None:
        times = self.times
        if times is None:
            super().put_back(table, key)
            return
        self.review_times()
        super().put_back(table, key)
        if self.kind == HASH_VOLATILE:
            table.note_items_earliest(times.earliest)

    def earliest(self) -> i64:
        times = self.times
        return NEVER if times is None else times.earliest

    def is_large(self) -> bool:
        return self.table is not None

    def is_empty(self) -> bool:
        table = self.table
        return table.size == 0 if table is not None else self.start == self.stop

    def count(self) -> i64:
        """Number of fields, including expired ones."""
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
            if not table.find(field) or (table.volatile > 0 and self.is_at_past()):
                return None
            return value_at(table)
        at = self._find(field)
        if at < 0 or (self.times is not None and self._is_past_at(at)):
            return None
        return self.blob[at + 1 : at + 1 + self.blob[at]]

    def _find(self, field: bytes) -> i64:
        """The offset of the value of `field` (its length byte) in the packed form, -1 if there is none."""
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

    def put(self, field: bytes, value: bytes, keep_deadline: bool = False) -> bool:
        """Set `field` to `value`, and remove its deadline unless it is to be kept; return whether the field is new.

        An expired field counts as new, and never keeps its deadline.
        """
        new_size: i64 = len(value)
        field_size: i64 = len(field)
        self.puts += 1
        if field_size > self.longest:
            self.longest = field_size
        if new_size > self.longest:
            self.longest = new_size
        table = self.table
        if table is not None:
            return self._put_in(table, field, value, keep_deadline)
        if field_size > ITEM_LIMIT or new_size > ITEM_LIMIT:
            return self._put_in(self._grow(), field, value, keep_deadline)
        at = self._find(field)
        if at >= 0:
            if self.times is None:
                self._set_value(at, value)
                return False
            self.at = at
            new = self._write_over(keep_deadline)
            self._set_value(self.at, value)
            return new
        times = self.times
        item = b"%b%b%b%b" % (LENGTH_BYTE[field_size], field, LENGTH_BYTE[new_size], value)
        if times is None:
            self.splice(self.stop, self.stop, item)
        else:
            self.rewrite(self.items() + item)
            times.column = appended(times.column, 0)
        if self.stop - self.start > PACKED_LIMIT:
            self._grow()
        return True

    def fill(self, items: list[bytes], column: vec[i64]) -> bool:
        """Hold these fields and values, which come by turns, in an empty hash; whether no field comes twice.

        `column` has a deadline for each field, 0 for none, or nothing at all.  The kind is the caller's to set, but
        with a deadline it is HASH_VOLATILE.
        """
        count: i64 = len(items)
        size: i64 = count
        longest: i64 = 0
        for item in items:
            length: i64 = len(item)
            size += length
            if length > longest:
                longest = length
        if longest > ITEM_LIMIT or size > PACKED_LIMIT:
            return self._fill_table(items, column)
        fields = set(items[::2])
        if len(fields) * 2 != count:
            return False
        parts: list[bytes] = []
        for item in items:
            parts.append(LENGTH_BYTE[len(item)])
            parts.append(item)
        self.rewrite(b"".join(parts))
        if has_deadline(column):
            self._keep_times(FieldTimes(column))
        return True

    def _fill_table(self, items: list[bytes], column: vec[i64]) -> bool:
        table = large_table()
        timed = len(column) > 0
        for n in range(len(items) // 2):
            field = items[2 * n]
            if table.find(field):
                return False
            set_record(table, field, items[2 * n + 1], False)
            if timed and column[n] != 0:
                table.set_deadline(column[n])
        self.table = table
        self.rewrite(b"")
        if has_deadline(column):
            times = FieldTimes(vec[i64]())
            self._keep_times(times)
            times.earliest = earliest_of(column)
        return True

    def _keep_times(self, times: FieldTimes) -> None:
        times.earliest = earliest_of(times.column)
        self.times = times
        self.kind = HASH_VOLATILE

    def _set_value(self, at: i64, value: bytes) -> None:
        """Replace the value at `at`."""
        old_size: i64 = self.blob[at]
        new_size: i64 = len(value)
        if old_size == new_size:
            self.patch(at + 1, value)
            return
        changed = b"%b%b" % (LENGTH_BYTE[new_size], value)
        if self.times is None:
            self.splice(at, at + 1 + old_size, changed)
        else:
            at -= self.start
            self.rewrite(spliced(self.items(), at, at + 1 + old_size, changed))
        if self.stop - self.start > PACKED_LIMIT:
            self._grow()

    def _put_in(self, table: Table, field: bytes, value: bytes, keep_deadline: bool) -> bool:
        there = table.find(field)
        new = not there
        if there and table.volatile > 0:
            new = self._write_over_record(table, keep_deadline)
        set_record(table, field, value, there)
        return new

    def remove(self, field: bytes) -> bool:
        """Remove `field`; return whether it was there."""
        if not self.locate(field):
            return False
        self.remove_located(field)
        return True

    def stores(self, field: bytes) -> bool:
        """Whether `field` is stored, expired or not."""
        table = self.table
        return table.find(field) if table is not None else self._find(field) >= 0

    def discard(self, field: bytes) -> bool:
        """Remove `field`, expired or not; return whether it was stored."""
        if not self.stores(field):
            return False
        if self.table is None:
            self.at = self._find(field)
        self.remove_located(field)
        return True

    # At the position: `locate` goes to a field, and the methods below work on it, until the next look-up or change.

    def locate(self, field: bytes) -> bool:
        """Go to `field`; return False if it does not exist or has expired."""
        table = self.table
        if table is not None:
            return table.find(field) and (table.volatile == 0 or not self.is_at_past())
        at = self._find(field)
        self.at = at
        return at >= 0 and (self.times is None or not self._is_past_at(at))

    def located_value(self) -> bytes:
        """The value of the field at the position."""
        table = self.table
        if table is not None:
            return value_at(table)
        at = self.at
        return self.blob[at + 1 : at + 1 + self.blob[at]]

    def located_length(self) -> i64:
        """The length of that value in bytes."""
        table = self.table
        if table is None:
            return self.blob[self.at]
        if table.is_outside():
            return len(value_at(table))
        return table.record_stop() - table.value_start()

    def located_number(self) -> i64:
        """This value as an integer, or NO_INT, as in `to_int`."""
        table = self.table
        if table is None:
            at = self.at + 1
            return to_int_at(self.blob, at, at + self.blob[at - 1])
        if table.is_outside():
            return to_int(value_at(table))
        return to_int_at(table.blob(), table.value_start(), table.record_stop())

    def put_located(self, field: bytes, value: bytes) -> None:
        """Replace the value of `field`, which is at the position.  Its deadline stays."""
        new_size: i64 = len(value)
        self.puts += 1
        if new_size > self.longest:
            self.longest = new_size
        table = self.table
        if table is not None:
            set_record(table, field, value, True)
        elif new_size > ITEM_LIMIT:
            table = self._grow()
            table.find(field)
            set_record(table, field, value, True)
        else:
            self._set_value(self.at, value)

    def remove_located(self, field: bytes) -> None:
        """Take the field at the position, which is `field`, away."""
        table = self.table
        if table is not None:
            table.remove()
            return
        at = self.at
        begin: i64 = at - 1 - len(field)
        end: i64 = at + 1 + self.blob[at]
        times = self.times
        if times is None:
            self.splice(begin, end, b"")
        else:
            times.column = removed(times.column, self._ordinal(at))
            self.rewrite(without(self.items(), begin - self.start, end - self.start))

    def located_deadline(self) -> i64:
        """The deadline of the field at the position, 0 if it has none."""
        table = self.table
        if table is not None:
            return table.deadline()
        times = self.times
        return i64(0) if times is None else times.column[self._ordinal(self.at)]

    def set_located_deadline(self, at_ms: i64) -> None:
        """Set a future deadline for the field at the position, or remove it (0)."""
        times = self.times
        if times is None:
            if at_ms == 0:
                return
            times = FieldTimes(without_deadlines(i64(0) if self.table is not None else self.count()))
            self.times = times
            self.kind = HASH_VOLATILE
        table = self.table
        if table is not None:
            table.set_deadline(at_ms)
        else:
            times.column[self._ordinal(self.at)] = at_ms
            self.unshare()
        if at_ms != 0 and at_ms < times.earliest:
            times.earliest = at_ms

    # Deadlines.

    def unshare(self) -> None:
        # A change of the column cannot be done by patching the bucket.
        if self.shared:
            self.at -= self.start
            super().unshare()

    def _ordinal(self, at: i64) -> i64:
        """The number of the packed field whose value begins at `at`."""
        blob = self.blob
        found: i64 = 0
        here = self.start
        while True:
            here += 1 + blob[here]
            if here == at:
                return found
            here += 1 + blob[here]
            found += 1

    def is_at_past(self) -> bool:
        """Whether the record at the table's position is past its deadline."""
        table = self.table
        times = self.times
        return table is not None and times is not None and times.is_past(table.deadline())

    def _is_past_at(self, at: i64) -> bool:
        """Whether the field whose value begins at `at` is past its deadline."""
        times = self.times
        return times is not None and times.some_past() and times.is_past(times.column[self._ordinal(at)])

    def _write_over(self, keep_deadline: bool) -> bool:
        """Prepare the field at the position for another value; return whether it had expired."""
        times = self.times
        assert times is not None
        n = self._ordinal(self.at)
        past = times.is_past(times.column[n])
        times.overwritten += int(past)
        if times.column[n] != 0 and (past or not keep_deadline):
            times.column[n] = 0
            self.unshare()
        return past

    def _write_over_record(self, table: Table, keep_deadline: bool) -> bool:
        """`_write_over` for the record at the table's position."""
        times = self.times
        assert times is not None
        past = times.is_past(table.deadline())
        times.overwritten += int(past)
        if past or not keep_deadline:
            table.set_deadline(0)
        return past

    def review_times(self) -> None:
        """Update the kind after changes of deadlines: HASH_VOLATILE if any field has one."""
        times = self.times
        if times is None:
            return
        table = self.table
        if table is None:
            times.earliest = earliest_of(times.column)
        if not (table.volatile > 0 if table is not None else has_deadline(times.column)):
            self.unshare()
            self.times = None
            self.kind = HASH_HASHTABLE

    def live_count(self) -> i64:
        """Number of fields that have not expired.  O(fields) if any has."""
        count = self.count()
        times = self.times
        if times is None or not times.some_past():
            return count
        table = self.table
        if table is not None:
            return count - past_count(table, times.now_ms)
        for at_ms in times.column:
            count -= int(times.is_past(at_ms))
        return count

    def remove_due(self, most: i64) -> list[bytes]:
        """Remove about `most` expired fields; return them."""
        found: list[bytes] = []
        times = self.times
        if times is None or not times.some_past():
            return found
        table = self.table
        if table is None:
            self._remove_packed(times, found)
            return found
        due(table, times.now_ms, most, found)
        for field in found:
            table.find(field)
            table.remove()
        times.earliest = NEVER
        for segment in table.segments:
            if segment.first < times.earliest:
                times.earliest = segment.first
        return found

    def _remove_packed(self, times: FieldTimes, found: list[bytes]) -> None:
        kept: list[bytes] = []
        column = vec[i64]()
        blob = self.blob
        at = self.start
        for at_ms in times.column:
            begin = at
            at += 1 + blob[at]
            end: i64 = at + 1 + blob[at]
            if times.is_past(at_ms):
                found.append(blob[begin + 1 : at])
            else:
                kept.append(blob[begin:end])
                column = appended(column, at_ms)
            at = end
        times.column = column
        times.earliest = earliest_of(column)
        self.rewrite(b"".join(kept))

    def live_items(self) -> bytes:
        """The items of the packed form without expired fields."""
        times = self.times
        if times is None or not times.some_past():
            return self.items()
        blob = self.blob
        at = self.start
        kept: list[bytes] = []
        for at_ms in times.column:
            begin = at
            at += 1 + blob[at]
            at += 1 + blob[at]
            if not times.is_past(at_ms):
                kept.append(blob[begin:at])
        return b"".join(kept)

    def now_ms(self) -> i64:
        """The time that decides which fields have expired; 0 if no field has a deadline."""
        times = self.times
        return i64(0) if times is None else times.now_ms

    # The whole.

    def _grow(self) -> Table:
        """Switch to the native form."""
        table = large_table()
        blob = self.blob
        at = self.start
        times = self.times
        n: i64 = 0
        while at < self.stop:
            middle: i64 = at + 1 + blob[at]
            end: i64 = middle + 1 + blob[middle]
            field = blob[at + 1 : middle]
            table.find(field)
            set_record(table, field, blob[middle + 1 : end], False)
            if times is not None:
                table.set_deadline(times.column[n])
                n += 1
            at = end
        if times is not None:
            times.column = vec[i64]()
        self.table = table
        self.rewrite(b"")
        return table

    def apply_limits(self, limits: EncodingLimits) -> None:
        # A command with more pairs than the limit makes the hash large, even if all pairs name one field.
        if self.kind == HASH_LISTPACK:
            entries = limits.hash_entries
            if self.longest > limits.hash_value or self.puts > entries or self._exceeds(entries):
                self.kind = HASH_HASHTABLE

    def _exceeds(self, entries: i64) -> bool:
        # A field takes at least two bytes, so most packed hashes need not be counted.
        if self.table is None and self.stop - self.start <= entries * 2:
            return False
        return self.count() > entries

    def rows(self) -> list[bytes]:
        found: list[bytes] = []
        table = self.table
        if table is None:
            blob = self.live_items()
            at: i64 = 0
            stop: i64 = len(blob)
            while at < stop:
                following: i64 = at + 1 + blob[at]
                found.append(blob[at + 1 : following])
                at = following
            return found
        now_ms = self.now_ms()
        for b in range(table.buckets):
            records = Records()
            read_bucket(table, b, records, True)
            for n in range(len(records.keys)):
                if records.deadlines[n] == 0 or records.deadlines[n] > now_ms:
                    found.append(records.keys[n])
                    found.append(value_of(records, n))
        return found

    def row_width(self) -> i64:
        return 2

    def inner(self) -> Table | None:
        return self.table

    def size_bytes(self) -> i64:
        table = self.table
        times = self.times
        return (
            216
            + (table.size_bytes() if table is not None else len(self.blob))
            + (0 if times is None else 64 + len(times.column) * 8)
        )  # fmt: skip

    def copy(self) -> Outside:
        made = Hash()
        made.stand_beside(HASH_HASHTABLE, self.items())
        made.kind = self.kind
        table = self.table
        if table is not None:
            made.table = copied(table)
        times = self.times
        if times is not None:
            made.times = times.twin()
        return made

    def in_pieces(self) -> bool:
        return True

    def release(self, budget: i64) -> i64:
        table = self.table
        return table.release(budget) if table is not None else budget - 1
