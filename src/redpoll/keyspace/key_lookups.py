"""Look-ups of keys in a database: expiry, the access clock, hits and misses.

Every look-up first deletes an expired key, updates the access clock, and counts.  `database.py` adds the values and
their changes.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.keyspace.events import EVICTED, EXPIRED, KEYMISS
from redpoll.keyspace.moment import NOTIFIED, Moment
from redpoll.keyspace.reclaim import Reclaimer
from redpoll.keyspace.slots import key_slot
from redpoll.keyspace.tables import Tables
from redpoll.structures.segment import CLOCK_MASK, CLOCK_SHIFT, OUTSIDE
from redpoll.structures.table import Table
from redpoll.structures.warming import WORTHWHILE

WARM_KEYS: Final[i64] = 32
"""Commands with many keys bring this many at a time into cache: a power of two."""

WARM_FROM: Final[i64] = 4
"""Fewer keys are not worth it."""

LOST_SHIFT: Final[i64] = 4
"""A sixteenth of the memory lies in free blocks between others, even after the data was moved together."""


def counted_bytes(table: Table) -> i64:
    """What the sum of memory counts for a database: its table, and what the allocator loses.  O(1)."""
    size = table.size_bytes()
    return size + (size >> LOST_SHIFT)


class KeyLookups:
    """See the module's docstring.  `index` is the database's number."""

    def __init__(
        self, index: int, moment: Moment, reclaimer: Reclaimer, most_buckets: i64 = 1 << 26, slots: i64 = 1
    ) -> None:
        self.index: Final = index
        self.moment: Final = moment
        self.reclaimer: Final = reclaimer
        self.most_buckets: i64 = most_buckets
        self.named = index == 0
        """Whether a command has used this database.  MEMORY STATS then shows it, even if it is empty."""
        self.slotted = slots > 1
        """Whether each slot has a table of its own, as in a node of a cluster."""
        self.tables = Tables(slots, most_buckets)
        self.table: Table = self.tables.tables[0]
        """The table of the key that was looked up last.  The position of a key is in its table."""
        self.expires_from: i64 = 0
        self.fields_expire_from: i64 = 0
        """The slots whose keys, and whose hash fields, active expiry looks at first."""
        self._begin_sum()

    def _begin_sum(self) -> None:
        """Add new tables without keys to the sum of memory."""
        if self.slotted:
            self.moment.used_bytes += self.tables.absent.size_told
        else:
            self._account()

    def aim(self, key: bytes) -> None:
        """Let `table` be the table of the slot of `key`, or `absent`."""
        moment = self.moment
        slot = moment.slot if key is moment.slot_key else moment.find_slot(key)
        self.table = self.tables.tables[slot]

    def aim_to_insert(self, key: bytes) -> None:
        """Go to the place where `key`, which does not exist, will be inserted.  Makes the table of its slot."""
        self.aim(key)
        if self.table is self.tables.absent:
            self.table = self.tables.make(self.moment.slot)
        self.table.find(key)

    def look(self, key: bytes) -> bool:
        """Go to `key` to read it: touches the access clock and counts a hit or a miss."""
        if self._find(key) and self._found(key):
            self.moment.hits += 1
            return True
        self._miss(key)
        return False

    def _find(self, key: bytes) -> bool:
        """`Table.find`, with the hash that the warm pass has computed."""
        moment = self.moment
        if self.slotted:
            slot = moment.slot if key is moment.slot_key else moment.find_slot(key)
            self.table = self.tables.tables[slot]
        warming = moment.warming
        if key is warming.key:
            return self.table.find_hashed(key, warming.hash)
        return self.table.find(key)

    def look_to_change(self, key: bytes) -> bool:
        """Go to `key` to change it: touches the access clock, counts nothing."""
        if not self._find(key) or not self._found(key):
            return False
        if self.table.keeper is not None:
            self.preserve()
        return True

    def preserve(self) -> None:
        """Before an object beside the record at the position changes in its place: a snapshot may have to have it."""
        if self.table.word & OUTSIDE != 0:
            self.table.keep_bucket()

    def _found(self, key: bytes) -> bool:
        """Whether the key that the table has found has not expired.  Updates the access clock."""
        table = self.table
        if table.volatile > 0 and self._is_gone(key):
            return False
        moment = self.moment
        clock = moment.clock
        if (table.word >> CLOCK_SHIFT) & CLOCK_MASK != clock and moment.touching:
            if clock <= CLOCK_MASK:
                table.set_access_clock(clock)
            else:
                self._count_use()
        return True

    def _count_use(self) -> None:
        """One more use of the key at the position, under an LFU policy."""
        moment = self.moment
        self.table.set_access_clock(moment.access.touched(self.table.access_clock(), moment.now_us))

    def peek(self, key: bytes, counting: bool = True) -> bool:
        """Go to `key` without touching the access clock (TYPE, TTL, OBJECT …); hits and misses count if asked."""
        if self.find(key) and not (self.table.volatile > 0 and self._is_gone(key)):
            if counting:
                self.moment.hits += 1
            return True
        if counting:
            self._miss(key)
        return False

    def _miss(self, key: bytes) -> None:
        moment = self.moment
        moment.misses += 1
        if moment.interest & NOTIFIED != 0:
            moment.listener.changed(self.index, key, KEYMISS)

    def _is_gone(self, key: bytes) -> bool:
        """Whether the key at the position has expired.  Deletes it then, unless deleting is off (pause, replica)."""
        at_ms = self.table.deadline()
        if at_ms == 0 or at_ms > self.moment.now_ms or self.moment.repeating:
            return False
        if self.moment.deleting_expired:
            self._expire(key)
            # The table may have shrunk, so find the position again where the key would be inserted.
            self.table.find(key)
        return True

    def _make_room(self, key: bytes) -> None:
        """Delete an expired key that a look-up only hid, because a new value takes its place."""
        if self.find(key):
            self._expire(key)
            self.table.find(key)

    def _expire(self, key: bytes) -> None:
        moment = self.moment
        moment.lags.add(moment.now_ms - self.table.deadline())
        if self.table.is_outside():
            moment.listener.expiring()
        self._remove()
        moment.expired += 1
        moment.listener.expired(self.index, key)
        if moment.interest != 0:
            moment.listener.changed(self.index, key, EXPIRED)

    def warm(self, args: list[bytes], at: i64, step: i64) -> None:
        """Bring the memory of the next WARM_KEYS keys into cache: every `step`-th argument from `at` on."""
        table = self.table
        stop: i64 = len(args)
        if self.slotted or table.size < WORTHWHILE or stop - at < WARM_FROM * step:
            return
        if stop > at + WARM_KEYS * step:
            stop = at + WARM_KEYS * step
        warming = self.moment.warming
        while at < stop:
            warming.add(table, args[at])
            at += step
        self.moment.warmed = warming.touch(table)

    def warm_first(self, commands: list[list[bytes]], at: i64) -> bool:
        """Bring the memory of the first keys of the next WARM_KEYS commands into cache; return whether it was done.

        Then `Warming.expect` knows their hashes.
        """
        if self.tables.size() < WORTHWHILE:
            return False
        stop: i64 = len(commands)
        if stop > at + WARM_KEYS:
            stop = at + WARM_KEYS
        warming = self.moment.warming
        if self.slotted:
            self._warm_slots(commands, at, stop)
            return True
        table = self.table
        turn: i64 = 0
        while at < stop:
            args = commands[at]
            if len(args) > 1:
                warming.hashes[turn] = warming.add(table, args[1])
            turn += 1
            at += 1
        self.moment.warmed = warming.touch(table)
        return True

    def _warm_slots(self, commands: list[list[bytes]], at: i64, stop: i64) -> None:
        """`warm_first`, if each slot has a table of its own."""
        warming = self.moment.warming
        # This pass overwrites the slots of the pass before.
        warming.expect_none()
        tables = self.tables.tables
        absent = self.tables.absent
        while at < stop:
            args = commands[at]
            if len(args) > 1:
                slot = key_slot(args[1])
                warming.add_of(tables[slot], args[1], slot)
            else:
                warming.add_of(absent, args[0], 0)
            at += 1
        self.moment.warmed = warming.touch_all()

    def find(self, key: bytes) -> bool:
        """Go to `key`.  Does not touch, count or expire."""
        if self.slotted:
            self.aim(key)
        return self.table.find(key)

    def kind_of(self, key: bytes) -> i64:
        """The kind of the value at `key`, -1 if there is none.  Does not touch or count."""
        if self.peek(key, False):
            return self.table.kind()
        return -1

    def is_past(self, key: bytes) -> bool:
        """Whether `key` has expired but is not deleted yet.  Changes nothing."""
        return self.find(key) and self.table.deadline() != 0 and self.table.deadline() <= self.moment.past_ms()

    def deadline_of(self, key: bytes) -> i64:
        """The deadline in ms, 0 if the key has none, -1 if there is no key.  Counts, does not touch."""
        if self.peek(key):
            return self.table.deadline()
        return -1

    def count_records(self) -> None:
        """Update the sums over the tables of slots after a change of `table`."""
        tables = self.tables
        surplus = tables.update(self.table)
        if surplus is not tables.absent:
            self.moment.used_bytes -= surplus.size_told
            tables.drop(surplus.slot)

    def may_expire(self) -> bool:
        """Whether a key, or a field of a hash, has a deadline.  Asked for each database at every turn of the loop."""
        if self.slotted:
            return self.tables.sum_volatile > 0 or self.tables.sum_volatile_items > 0
        table = self.table
        return table.volatile > 0 or table.volatile_items > 0

    def _account(self) -> None:
        """Update the running sum of memory.  Every method that changes the size of a table ends with this call."""
        table = self.table
        held = counted_bytes(table)
        moment = self.moment
        moment.used_bytes += held - table.size_told
        table.size_told = held
        table.content_told = table.record_bytes + table.outside_bytes
        if self.slotted:
            self.count_records()
        if moment.used_bytes > moment.most_bytes:
            moment.listener.over_limit()

    def evict(self, key: bytes) -> None:
        """Delete `key`, which is at the position, to make room; no change is counted."""
        self._remove()
        moment = self.moment
        moment.evicted += 1
        if moment.interest != 0:
            moment.listener.changed(self.index, key, EVICTED)
        moment.listener.evicted(self.index, key)

    def _remove(self) -> None:
        table = self.table
        if table.word & OUTSIDE == 0:
            table.remove()
        else:
            gone = table.object()
            table.remove()
            # Only after the removal: if there is no memory for that, the key stays.
            self.reclaimer.drop(gone)
        self._account()
