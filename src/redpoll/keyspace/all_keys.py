"""What a database does with all keys, or with all keys of a slot: flushing, exchanging, active expiry.

`database.py` adds the values of single keys and their changes.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.keyspace.events import Event
from redpoll.keyspace.key_lookups import KeyLookups
from redpoll.keyspace.tables import Tables
from redpoll.structures.table import Table
from redpoll.structures.table_walk import Records, due, mean_ttl_ms, read_bucket

ENOUGH: Final[i64] = 4096
"""The mean time to live is of at least so many keys, if there are as many."""


class AllKeys(KeyLookups):
    """See the module's docstring."""

    def exchange(self, other: AllKeys) -> None:
        """Exchange the keys of two databases."""
        if other is self:
            return
        listener = self.moment.listener
        ours = self.tables
        theirs = other.tables
        listener.replaced(self.index, theirs)
        listener.replaced(other.index, ours)
        self._use(theirs)
        other._use(ours)
        if self.moment.awaited != 0:
            listener.exchanged(self.index)
            listener.exchanged(other.index)

    def _use(self, tables: Tables) -> None:
        """Use these tables from now on: the database then has their keys."""
        self.tables = tables
        self.table = tables.tables[0]

    def expire_due(self, most: i64) -> i64:
        """Delete expired keys, worth up to about `most` small ones; return how much that was.

        O(deleted + segments).  With a table for each slot, the search continues where it stopped.
        """
        if not self.slotted:
            return self._expire_due_in(self.table, most)
        done: i64 = 0
        slot = self.tables.due(self.expires_from, self.moment.now_ms)
        while slot >= 0 and done < most:
            done += self._expire_due_in(self.tables.tables[slot], most - done)
            self.expires_from = slot if done >= most else slot + 1
            slot = self.tables.due(self.expires_from, self.moment.now_ms)
        if slot < 0:
            self.expires_from = 0
        return done

    def _expire_due_in(self, table: Table, most: i64) -> i64:
        """`expire_due` for one table."""
        found: list[bytes] = []
        due(table, self.moment.now_ms, most, found)
        done: i64 = 0
        hidden = self.moment.hidden
        for key in found:
            if hidden.any and hidden.holds(key):
                # The node that serves it sends its deletion.
                continue
            if self.find(key):
                done += self.table.object().weight() if self.table.is_outside() else 1
                self._expire(key)
                if done >= most:
                    break
        return done

    def set_aside(self) -> Tables:
        """Start again without keys; return the tables of the old ones for `end_aside`."""
        kept = self.tables
        if kept.size() > 0:
            self.moment.listener.replaced(self.index, None)
        self.moment.used_bytes -= kept.size_told()
        self._use(Tables(kept.slots, self.most_buckets))
        self._begin_sum()
        return kept

    def end_aside(self, kept: Tables, back: bool) -> None:
        """Drop the keys that were set aside, or with `back` the new ones."""
        gone = kept
        if back:
            gone = self.tables
            self.moment.used_bytes += kept.size_told() - gone.size_told()
            self._use(kept)
        self._give_back(gone)

    def _give_back(self, gone: Tables) -> None:
        for table in gone.existing():
            self.free_table(table)

    def flush(self) -> i64:
        """Delete all keys; return how many there were.  The memory is freed in slices."""
        gone = self.set_aside()
        self._give_back(gone)
        return gone.size()

    def mean_ttl_ms(self) -> i64:
        """The mean time that keys with a deadline have left, in ms, 0 without any.

        O(segments).  With a table for each slot, it is the mean of a few thousand keys.
        """
        now_ms = self.moment.now_ms
        if not self.slotted:
            return mean_ttl_ms(self.table, now_ms)
        total = 0
        seen: i64 = 0
        slot = self.tables.following(0)
        while slot >= 0 and seen < ENOUGH:
            table = self.tables.tables[slot]
            if table.volatile > 0:
                total += int(mean_ttl_ms(table, now_ms)) * int(table.volatile)
                seen += table.volatile
            slot = self.tables.following(slot + 1)
        if seen == 0:
            return 0
        mean: i64 = total // int(seen)
        return mean

    # Slots of a cluster.

    def count_in_slot(self, slot: i64) -> i64:
        """How many keys of the slot there are, expired ones too.  O(1)."""
        return self.tables.tables[slot].size

    def keys_in_slot(self, slot: i64, most: i64 = -1) -> list[bytes]:
        """The keys of the slot, at most so many (below 0: all), expired ones too.  O(keys returned)."""
        table = self.tables.tables[slot]
        records = Records()
        b: i64 = 0
        while b < table.buckets and (most < 0 or len(records.keys) < most):
            read_bucket(table, b, records)
            b += 1
        return records.keys if most < 0 else records.keys[:most]

    def tables_of(self, first: i64, last: i64) -> list[Table]:
        """The tables with the keys of the slots from `first` to `last`, in the order of the slots.  O(tables)."""
        found: list[Table] = []
        slot = self.tables.following(first)
        while 0 <= slot <= last:
            found.append(self.tables.tables[slot])
            slot = self.tables.following(slot + 1)
        return found

    def drop_slot(self, slot: i64) -> i64:
        """Delete all keys of the slot at once and report none of them; return how many.  O(1).

        The memory is freed in slices.
        """
        tables = self.tables
        if tables.tables[slot] is tables.absent:
            return 0
        gone = tables.drop(slot)
        self.table = tables.absent
        self.moment.used_bytes -= gone.size_told
        self.free_table(gone)
        return gone.size

    def flush_slot(self, slot: i64, event: Event) -> None:
        """Delete all keys of the slot, and count each as a change.

        O(1) if nobody listens.  Otherwise O(keys), because each is reported as `event`.
        """
        moment = self.moment
        moment.changes += self.count_in_slot(slot)
        if moment.interest == 0:
            self.drop_slot(slot)
            return
        for key in self.keys_in_slot(slot):
            self.find(key)
            self._remove()
            moment.listener.changed(self.index, key, event)

    def free_table(self, gone: Table) -> None:
        """Free a dropped table in slices.  A snapshot that still needs it does that later."""
        if gone.size > 0 and gone.keeper is None:
            self.reclaimer.tables.append(gone)
