"""One database: keys and values, and the only methods to read and change them.

Every look-up deletes a key past its deadline first, moves the access clock and counts hits and misses; every change is
reported by one call, `changed`.  A handler therefore only has to look up and to report.
"""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.errors import WRONGTYPE, CommandError
from redpoll.keyspace.all_keys import AllKeys
from redpoll.keyspace.content import Content
from redpoll.keyspace.events import DEL, EXPIRED, NEW, Event
from redpoll.keyspace.moment import NOTIFIED
from redpoll.protocol.numbers import int_text, to_int, to_int_at
from redpoll.protocol.reply import Strings
from redpoll.structures.lookups import MOST as LOOKUPS
from redpoll.structures.segment import CLOCK_MASK, KIND_MASK, KIND_SHIFT, OUTSIDE, VOLATILE_KIND, Outside
from redpoll.types.forms import empty
from redpoll.types.hash import Hash
from redpoll.types.kinds import (
    HASH_LISTPACK,
    HASH_VOLATILE,
    LIST_LISTPACK,
    LIST_QUICKLIST,
    SET_HASHTABLE,
    SET_INTSET,
    STREAM,
    STRING_RAW,
    ZSET_LISTPACK,
    ZSET_SKIPLIST,
)
from redpoll.types.list import List
from redpoll.types.set import Set
from redpoll.types.stream import Stream
from redpoll.types.string import LongString, String, rewrite_digits, string_kind
from redpoll.types.value import CREATED, Value
from redpoll.types.zset import ZSet


class Database(AllKeys):
    """See the module's docstring.  `index` is its number.  SWAPDB exchanges tables, not databases."""

    def another(self) -> Database:
        """An empty database with the same number."""
        return Database(self.index, self.moment, self.reclaimer, self.most_buckets, self.tables.slots)

    def string(self, key: bytes) -> bytes | None:
        """The string at `key`, or None.  Raises WRONGTYPE."""
        if not self.look(key):
            return None
        return self.text()

    def strings(self, args: list[bytes]) -> Strings:
        """The string at each key of `args[1:]`, null if there is none or if it has another type."""
        if self.slotted:
            return self._strings_of_slots(args)
        found = Strings()
        table = self.table
        moment = self.moment
        lookups = moment.lookups
        last: i64 = len(args)
        at: i64 = 1
        while at < last:
            start = at
            stop = at + LOOKUPS if at + LOOKUPS < last else last
            lookups.prepare(table, args, start, stop)
            while at < stop:
                key = args[at]
                if not (lookups.find(table, at - start, key) and self._found(key)):
                    self._miss(key)
                    found.add(None)
                else:
                    moment.hits += 1
                    if table.kind() > STRING_RAW:
                        found.add(None)
                    elif table.is_outside():
                        found.add(self.text())
                    else:
                        found.add_part(table.blob(), table.value_start(), table.record_stop())
                at += 1
        return found

    def _strings_of_slots(self, args: list[bytes]) -> Strings:
        """`strings`, if each slot has a table of its own."""
        found = Strings()
        at: i64 = 1
        while at < len(args):
            if self.look(args[at]) and self.table.kind() <= STRING_RAW:
                found.add(self.text())
            else:
                found.add(None)
            at += 1
        return found

    def text(self) -> bytes:
        """The string at the position.  Raises WRONGTYPE."""
        table = self.table
        word = table.word
        if (word >> KIND_SHIFT) & KIND_MASK > STRING_RAW:
            raise CommandError(WRONGTYPE)
        if word & OUTSIDE == 0:
            return table.value()
        found = table.object()
        assert isinstance(found, LongString)
        return found.text()

    def number(self) -> i64:
        """The integer that the string at the position spells, or NO_INT (see `to_int`).  Raises WRONGTYPE."""
        table = self.table
        word = table.word
        if (word >> KIND_SHIFT) & KIND_MASK > STRING_RAW:
            raise CommandError(WRONGTYPE)
        if word & OUTSIDE == 0:
            return to_int_at(table.blob(), table.value_start(), table.record_stop())
        return to_int(self.text())

    def is_text(self, text: bytes) -> bool:
        """Whether the string at the position is `text`.  Raises WRONGTYPE."""
        if self.table.word & OUTSIDE != 0:
            found = self.table.object()
            if isinstance(found, LongString):
                return found.is_text(text)
        return self.text() == text

    def string_to_change(self, key: bytes, create: bool = True) -> String | None:
        """The string at `key` to change; with `create` an empty new one if there is none.  Raises WRONGTYPE."""
        if not self.look_to_change(key):
            return String() if create else None
        return self.found_string()

    def string_to_read(self, key: bytes) -> String | None:
        """The string at `key`, to read its length or a part of it, or None.  Raises WRONGTYPE."""
        return self.found_string() if self.look(key) else None

    def found_string(self) -> String:
        """The string at the position.  Raises WRONGTYPE."""
        table = self.table
        word = table.word
        kind = (word >> KIND_SHIFT) & KIND_MASK
        if kind > STRING_RAW:
            raise CommandError(WRONGTYPE)
        value = String()
        if word & OUTSIDE == 0:
            value.open(table)
        else:
            found = table.object()
            assert isinstance(found, LongString)
            value.kind = kind
            value.take(found, table)
        return value

    def _kept(self, first: i64, last: i64) -> Outside | None:
        """The object at the position, None if the value is packed.  Raises WRONGTYPE for kinds outside the range.

        The caller sets its place, because it knows the exact class: a call on `Value` would be slower.
        """
        table = self.table
        word = table.word
        kind = (word >> KIND_SHIFT) & KIND_MASK
        if kind < first or kind > last:
            raise CommandError(WRONGTYPE)
        if word & OUTSIDE == 0:
            return None
        return table.object()

    def list_(self, key: bytes) -> List | None:
        """The list at `key` to read, or None.  Raises WRONGTYPE."""
        return self._list() if self.look(key) else None

    def list_to_change(self, key: bytes, create: bool) -> List | None:
        """The list at `key` to change; with `create` a new one if there is none.  Raises WRONGTYPE."""
        if self.look_to_change(key):
            return self._list()
        return List() if create else None

    def _list(self) -> List:
        found = self._kept(LIST_LISTPACK, LIST_QUICKLIST)
        if found is not None:
            assert isinstance(found, List)
            found.remember_place(self.table)
            return found
        value = List()
        value.open(self.table)
        return value

    def hash(self, key: bytes) -> Hash | None:
        """The hash at `key` to read, or None.  Raises WRONGTYPE."""
        return self._hash() if self.look(key) else None

    def hash_to_change(self, key: bytes, create: bool) -> Hash | None:
        """The hash at `key` to change; with `create` a new one if there is none.  Raises WRONGTYPE."""
        if self.look_to_change(key):
            return self._hash()
        return Hash() if create else None

    def _hash(self) -> Hash:
        value: Hash
        found = self._kept(HASH_LISTPACK, HASH_VOLATILE)
        if found is not None:
            assert isinstance(found, Hash)
            found.remember_place(self.table)
            value = found
        else:
            value = Hash()
            value.open(self.table)
        if value.kind == HASH_VOLATILE:
            value.set_time(self.moment.past_ms())
        return value

    def members(self, key: bytes) -> Set | None:
        """The set at `key` to read, or None.  Raises WRONGTYPE."""
        return self.found_members() if self.look(key) else None

    def members_to_change(self, key: bytes, create: bool) -> Set | None:
        """The set at `key` to change; with `create` a new one if there is none.  Raises WRONGTYPE."""
        if self.look_to_change(key):
            return self.found_members()
        return Set() if create else None

    def found_members(self) -> Set:
        """The set at the position.  Raises WRONGTYPE."""
        found = self._kept(SET_INTSET, SET_HASHTABLE)
        if found is not None:
            assert isinstance(found, Set)
            found.remember_place(self.table)
            return found
        value = Set()
        value.open(self.table)
        return value

    def zset(self, key: bytes) -> ZSet | None:
        """The sorted set at `key` to read, or None.  Raises WRONGTYPE."""
        return self.found_zset() if self.look(key) else None

    def zset_to_change(self, key: bytes, create: bool) -> ZSet | None:
        """The sorted set at `key` to change; with `create` a new one if there is none.  Raises WRONGTYPE."""
        if self.look_to_change(key):
            return self.found_zset()
        return ZSet() if create else None

    def found_zset(self) -> ZSet:
        """The sorted set at the position.  Raises WRONGTYPE."""
        found = self._kept(ZSET_LISTPACK, ZSET_SKIPLIST)
        if found is not None:
            assert isinstance(found, ZSet)
            found.remember_place(self.table)
            return found
        value = ZSet()
        value.open(self.table)
        return value

    def stream(self, key: bytes) -> Stream | None:
        """The stream at `key` to read, or None.  Raises WRONGTYPE."""
        return self._stream() if self.look(key) else None

    def stream_to_change(self, key: bytes, create: bool) -> Stream | None:
        """The stream at `key` to change; with `create` a new one if there is none.  Raises WRONGTYPE."""
        if self.look_to_change(key):
            return self._stream()
        return Stream() if create else None

    def _stream(self) -> Stream:
        found = self._kept(STREAM, STREAM)
        if found is not None:
            if self.table.keeper is not None:
                # What reads a stream for a group changes the group.
                self.preserve()
            assert isinstance(found, Stream)
            found.remember_place(self.table)
            return found
        value = Stream()
        value.open(self.table)
        return value

    def look_again(self, key: bytes, there: bool) -> None:
        """Count another look-up of `key` for reading, because XREAD and XREADGROUP look each key up twice."""
        moment = self.moment
        if there:
            moment.hits += 1
            if moment.clock > CLOCK_MASK and moment.touching and self.find(key):
                self._count_use()
        else:
            self._miss(key)

    def container(self) -> Value:
        """The container at the position, of any type but string.  For reports and files."""
        found = self._kept(STRING_RAW + 1, KIND_MASK)
        if found is None:
            value = empty(self.table.kind())
            value.open(self.table)
        else:
            assert isinstance(found, Value)
            value = found
            value.remember_place(self.table)
        value.set_time(self.moment.past_ms())
        return value

    def set_string(self, key: bytes, value: bytes, keep_deadline: bool = False) -> None:
        """Set `key` to a string, whatever it held before.  The caller calls `changed`."""
        there = self.look_to_change(key)
        self.set_found(key, value, there, keep_deadline)

    def set_found(self, key: bytes, value: bytes, there: bool, keep_deadline: bool) -> None:
        """`set_string` after a look-up of `key`: the position is that of the key, or where it will be inserted."""
        if not there:
            if not self.moment.deleting_expired:
                self._make_room(key)
            if self.slotted:
                self.aim_to_insert(key)
        table = self.table
        timed = there and table.volatile > 0 and table.deadline() != 0
        kind = string_kind(key, value, timed)
        if there and table.word & OUTSIDE != 0:
            gone = table.object()
            if table.fits(len(key), len(value)):
                table.replace(value, kind)
            else:
                table.replace_outside(key, LongString(value), kind)
            self.reclaimer.drop(gone)
        elif table.fits(len(key), len(value)):
            if there:
                table.replace(value, kind)
            else:
                table.clock = self.moment.first_clock()
                table.insert(key, value, kind)
                self._created(key, kind)
        elif there:
            table.replace_outside(key, LongString(value), kind)
        else:
            table.clock = self.moment.first_clock()
            table.insert_outside(key, LongString(value), kind)
            self._created(key, kind)
        if timed and not keep_deadline:
            self.set_deadline(0)

    def set_number(self, key: bytes, there: bool, old: i64, new: i64) -> None:
        """Set `key` to an integer after a look-up, which found the integer `old` or nothing.  The deadline stays.

        The caller calls `changed`.
        """
        table = self.table
        if not there or table.word & OUTSIDE != 0 or not rewrite_digits(table, old, new):
            self.set_found(key, int_text(new), there, True)

    def set_container(self, key: bytes, value: Value) -> None:
        """Set `key` to a new `value`, whatever it held before.  The caller calls `changed` without a value."""
        if not self.look_to_change(key):
            self._put_in(key, value)
            self._created(key, value.kind)
            return
        table = self.table
        gone = table.object() if table.is_outside() else None
        if table.volatile > 0:
            self.set_deadline(0)
        value.put_back(table, key)
        if gone is not None:
            self.reclaimer.drop(gone)

    def _created(self, key: bytes, kind: i64) -> None:
        moment = self.moment
        if moment.interest != 0:
            if moment.interest & NOTIFIED != 0:
                moment.listener.changed(self.index, key, NEW)
            if (moment.awaited >> kind) & 1 != 0:
                moment.listener.grown(self.index, key)

    def changed(self, key: bytes, value: Value | None, event: Event, count: i64) -> None:
        """Report that `key` changed: the one call after every change.

        Writes `value` back, inserts it if a look-up created it, or removes it if it is empty (and reports `del` too).
        None means that a method of this class has written already.  Adds `count` to the changes,
        updates the sum of memory, and calls every listener.  With a `count` of 0 the content of `value` is unchanged:
        only its encoding is stored, and nothing is reported.  The journal and waiting sessions are handled at the end
        of the unit, not here.
        """
        moment = self.moment
        moment.changes += count
        if self.slotted:
            self.aim(key)
        if value is not None:
            if value.puts > 0:
                value.apply_limits(moment.limits)
            if count == 0:
                self._keep_encoding(key, value)
                return
            if value.is_empty():
                self._empty(key, value, event)
                return
            if value.home == CREATED:
                self._put_in(key, value)
                self._created(key, value.kind)
            else:
                value.put_back(self.table, key)
        table = self.table
        if table.record_bytes + table.outside_bytes != table.content_told or (
            self.slotted and table.volatile_items + table.items_counted > 0
        ):
            # A deadline of a field may have changed without a change of the size.
            self._account()
        if moment.interest != 0:
            moment.listener.changed(self.index, key, event)
            # An existing list, set or sorted set has elements, so no session waits for it.  Sessions do wait for new
            # entries of an existing stream.
            if value is not None and value.kind == STREAM and (moment.awaited >> STREAM) & 1 != 0:
                moment.listener.grown(self.index, key)

    def changed_too(self, key: bytes, value: Value, event: Event) -> None:
        """Report a second changed key of a command that counts as one change (LMOVE)."""
        self.changed(key, value, event, 1)
        self.moment.changes -= 1

    def _keep_encoding(self, key: bytes, value: Value) -> None:
        """Store the encoding after a command that did not change the content (ZADD XX of a long member)."""
        if value.home != CREATED and self.find(key) and self.table.kind() != value.kind:
            self.table.set_kind(value.kind)
            if self.slotted:
                self.count_records()

    def put_back(self, key: bytes, value: Value) -> None:
        """Write `value` back without reporting a change.  Only reports that a key is new.

        For BITFIELD, which extends a string even for numbers that it then does not write.
        """
        if value.home == CREATED:
            self._put_in(key, value)
            self._created(key, value.kind)
        else:
            if self.slotted:
                self.aim(key)
            value.put_back(self.table, key)
        self._account()

    def keep(self, key: bytes, value: Value, count: i64 = 0) -> None:
        """Write an existing `value` back, and count `count` changes without an event.

        For changes of a stream other than its entries; and before `changed` with None, if no session can wait for such
        a change.
        """
        self.moment.changes += count
        if self.slotted:
            self.aim(key)
        value.put_back(self.table, key)
        table = self.table
        if table.record_bytes + table.outside_bytes != table.content_told:
            self._account()

    def _put_in(self, key: bytes, value: Value) -> None:
        """Insert `value` at `key`, which a look-up did not find."""
        moment = self.moment
        if not moment.deleting_expired:
            self._make_room(key)
        if self.slotted:
            self.aim_to_insert(key)
        self.table.clock = moment.first_clock()
        value.put_back(self.table, key)

    def _empty(self, key: bytes, value: Value, event: Event) -> None:
        if value.home != CREATED and self.find(key):
            self._remove()
        if self.moment.interest != 0:
            self.moment.listener.changed(self.index, key, event)
            self.moment.listener.changed(self.index, key, DEL)

    def delete(self, key: bytes) -> bool:
        """Delete `key` and report `del`; return whether the key existed."""
        if not self.find(key) or (self.table.volatile > 0 and self._is_gone(key)):
            return False
        self._remove()
        self.changed(key, None, DEL, 1)
        return True

    # Moving.  A value leaves its record before it gets another: no command holds two values of one key.

    def take(self) -> Content:
        """Remove the record at the position; return its value and deadline."""
        content = Content(self.table)
        self.table.remove()
        self._account()
        return content

    def copy(self) -> Content:
        """Return a copy of the value and deadline; the record stays.  O(1) if packed, else O(size).

        Expired fields are not copied, unless all fields have expired.
        """
        content = Content(self.table)
        content.detach(self.moment.past_ms())
        return content

    def put(self, key: bytes, content: Content) -> None:
        """Insert `content` at `key`, which must not exist.  Reports `new`; the caller calls `changed`."""
        there = self.find(key)
        assert not there
        if self.slotted:
            self.aim_to_insert(key)
        table = self.table
        table.clock = self.moment.first_clock()
        content.fit_record(table, key)
        outside = content.outside
        if outside is None:
            table.insert(key, content.packed, content.kind)
        else:
            table.insert_outside(key, outside, content.kind)
        if content.deadline != 0:
            table.set_deadline(content.deadline)
        if content.kind == VOLATILE_KIND:
            table.note_items_earliest(content.items_earliest())
        self._account()
        self._created(key, content.kind)

    def load(self, key: bytes, value: Value | None, text: bytes, deadline: i64, clock: i64) -> bool:
        """Let `key` hold what a file has for it, a container or else `text`; False if the key is there already.

        Tells nobody.  The sum of memory is wrong until `end_loading`.
        """
        if self.find(key):
            return False
        if self.slotted:
            self.aim_to_insert(key)
        table = self.table
        table.clock = clock
        if value is not None:
            value.put_back(table, key)
        elif table.fits(len(key), len(text)):
            table.insert(key, text, string_kind(key, text, deadline != 0))
        else:
            table.insert_outside(key, LongString(text), string_kind(key, text, deadline != 0))
        if deadline != 0:
            table.set_deadline(deadline)
        if self.slotted:
            self.count_records()
        return True

    def end_loading(self) -> None:
        """Bring the sum of memory up to date.  O(tables)."""
        for table in self.tables.existing():
            self.table = table
            self._account()

    def discard(self, key: bytes) -> bool:
        """Delete `key`, expired or not, without reporting it; return whether it existed.

        For callers that store another value there, or report an empty result.
        """
        if not self.find(key):
            return False
        self._remove()
        return True

    def expire_now(self, key: bytes) -> None:
        """Delete the key at the position because a command set its deadline in the past."""
        self._remove()
        self.moment.expired += 1
        self.changed(key, None, EXPIRED, 1)

    def set_deadline(self, at_ms: i64) -> None:
        """Set or remove (0) the deadline of the key at the position.  The caller calls `changed`."""
        self.table.set_deadline(at_ms)
        self._account()

    def set_encoding(self, kind: i64) -> None:
        """Set the encoding of the string at the position.  The caller calls `changed`."""
        self.table.set_kind(kind)
