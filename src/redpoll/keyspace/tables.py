"""The tables of one database: a single one, or in cluster mode one for each slot that has keys.

A slot without keys points at `absent`, an empty table that all of them share and that nothing writes to.  The table of
a slot is made for its first key.  It is dropped after its last key, but not at once: a key that comes and goes would
make a table each time.  At most one table is empty, the one that became so last.

The sums over all tables are kept up to date by `update`, which every change of a slot's table ends with.  So that
nothing looks at all slots, each block of 128 slots has sums of its own, and the time before which none of its keys
expires.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.env.random import Random
from redpoll.keyspace.slots import key_slot
from redpoll.structures.segment import NEVER
from redpoll.structures.table import Table

BLOCK_BITS: Final[i64] = 7
BLOCK: Final[i64] = 1 << 7
"""How many slots a block has."""


@mypyc_attr(acyclic=True)
class Tables:
    """See the module's docstring.  `slots` is 1, or a multiple of BLOCK."""

    def __init__(self, slots: i64, most_buckets: i64) -> None:
        self.slots: Final[i64] = slots
        self.most_buckets: Final[i64] = most_buckets
        self.absent: Final = Table(1)
        self.absent.size_told = self.absent.size_bytes()
        self.absent.content_told = 0
        self.tables: list[Table] = [self.absent] * int(slots)
        """The table of each slot."""
        self.count: i64 = 0
        """How many tables there are."""
        self.emptied: Table = self.absent
        """The table that became empty last."""
        blocks = int((slots + BLOCK - 1) >> BLOCK_BITS)
        self.block_tables: vec[i64] = vec[i64]([0] * blocks)
        self.block_sizes: vec[i64] = vec[i64]([0] * blocks)
        self.block_volatile: vec[i64] = vec[i64]([0] * blocks)
        self.block_due: vec[i64] = vec[i64]([NEVER] * blocks)
        """A time in ms before which no key, and no field, of the block expires."""
        self.sum_size: i64 = 0
        self.sum_volatile: i64 = 0
        self.sum_volatile_items: i64 = 0
        self.sum_content: i64 = 0
        if slots == 1:
            self.make(0)

    # Sums over all tables.

    def size(self) -> i64:
        """How many keys there are."""
        return self.sum_size if self.slots > 1 else self.tables[0].size

    def volatile(self) -> i64:
        """How many keys have a deadline."""
        return self.sum_volatile if self.slots > 1 else self.tables[0].volatile

    def volatile_items(self) -> i64:
        """How many keys have values with deadlines of their own."""
        return self.sum_volatile_items if self.slots > 1 else self.tables[0].volatile_items

    def content_bytes(self) -> i64:
        """The bytes of all records and of the objects beside them."""
        if self.slots > 1:
            return self.sum_content
        table = self.tables[0]
        return table.record_bytes + table.outside_bytes

    def size_told(self) -> i64:
        """What the keyspace's sum of memory holds for all tables.  O(tables)."""
        told: i64 = self.absent.size_told if self.slots > 1 else i64(0)
        for table in self.existing():
            told += table.size_told
        return told

    # Tables.

    def of(self, key: bytes) -> Table:
        """The table of a key's slot, or `absent`."""
        return self.tables[key_slot(key) if self.slots > 1 else i64(0)]

    def make(self, slot: i64) -> Table:
        """The new table of a slot that has none."""
        table = Table(self.most_buckets)
        table.slot = slot
        self.tables[slot] = table
        self.block_tables[slot >> BLOCK_BITS] += 1
        self.count += 1
        return table

    def drop(self, slot: i64) -> Table:
        """Remove the table of a slot, which has one, with all its keys; return it."""
        table = self.tables[slot]
        block = slot >> BLOCK_BITS
        self.tables[slot] = self.absent
        self.block_tables[block] -= 1
        self.count -= 1
        self.sum_size -= table.size_counted
        self.block_sizes[block] -= table.size_counted
        self.sum_volatile -= table.volatile_counted
        self.block_volatile[block] -= table.volatile_counted
        self.sum_volatile_items -= table.items_counted
        self.sum_content -= table.content_counted
        table.size_counted = 0
        table.volatile_counted = 0
        table.items_counted = 0
        table.content_counted = 0
        if self.emptied is table:
            self.emptied = self.absent
        return table

    def update(self, table: Table) -> Table:
        """Update the sums after a change of the table of a slot; return the table that has to be dropped, or `absent`.

        The position of the table is that of the change.
        """
        block = table.slot >> BLOCK_BITS
        grown = table.size - table.size_counted
        surplus = self.absent
        if grown != 0:
            table.size_counted += grown
            self.sum_size += grown
            self.block_sizes[block] += grown
            if table.size == 0:
                if self.emptied is not table and self.emptied.size == 0:
                    surplus = self.emptied
                self.emptied = table
        content = table.record_bytes + table.outside_bytes - table.content_counted
        if content != 0:
            table.content_counted += content
            self.sum_content += content
        if table.volatile != table.volatile_counted:
            timed = table.volatile - table.volatile_counted
            table.volatile_counted += timed
            self.sum_volatile += timed
            self.block_volatile[block] += timed
        if table.volatile_items != table.items_counted:
            self.sum_volatile_items += table.volatile_items - table.items_counted
            table.items_counted = table.volatile_items
        if table.volatile > 0 or table.volatile_items > 0:
            segment = table.segment
            if segment.first < self.block_due[block]:
                self.block_due[block] = segment.first
            if segment.items_first < self.block_due[block]:
                self.block_due[block] = segment.items_first
        return surplus

    # Walking.

    def following(self, slot: i64) -> i64:
        """The first slot from `slot` on that has a table; -1 if there is none.  O(blocks + BLOCK)."""
        while slot < self.slots:
            block = slot >> BLOCK_BITS
            stop = (block + 1) << BLOCK_BITS
            if stop > self.slots:
                stop = self.slots
            if self.block_tables[block] > 0:
                tables = self.tables
                while slot < stop:
                    if tables[slot] is not self.absent:
                        return slot
                    slot += 1
            slot = stop
        return -1

    def existing(self) -> list[Table]:
        """All tables, in the order of their slots.  O(tables + blocks)."""
        found: list[Table] = []
        slot = self.following(0)
        while slot >= 0:
            found.append(self.tables[slot])
            slot = self.following(slot + 1)
        return found

    def due(self, slot: i64, now_ms: i64) -> i64:
        """The first slot from `slot` on whose block has a key, or a field, that may have expired; -1 if there is none.

        O(blocks + BLOCK).
        """
        while slot < self.slots:
            block = slot >> BLOCK_BITS
            stop = (block + 1) << BLOCK_BITS
            if self.block_due[block] <= now_ms:
                if slot & (BLOCK - 1) == 0:
                    self._find_due(block, stop)
                while slot < stop:
                    table = self.tables[slot]
                    if (table.volatile > 0 or table.volatile_items > 0) and first_due(table) <= now_ms:
                        return slot
                    slot += 1
            slot = stop
        return -1

    def _find_due(self, block: i64, stop: i64) -> None:
        """Compute again when the first key or field of a block expires."""
        first: i64 = NEVER
        slot: i64 = block << BLOCK_BITS
        while slot < stop:
            table = self.tables[slot]
            if table.volatile > 0 or table.volatile_items > 0:
                at_ms = first_due(table)
                if at_ms < first:
                    first = at_ms
            slot += 1
        self.block_due[block] = first

    # Choosing.

    def drawn(self, random: Random, timed: bool) -> Table:
        """A table, chosen by its share of the keys, or of those with a deadline if `timed`.  There must be such a key.

        O(blocks + BLOCK).
        """
        if self.slots == 1:
            return self.tables[0]
        left = random.below(self.sum_volatile if timed else self.sum_size)
        sums = self.block_volatile if timed else self.block_sizes
        block: i64 = 0
        while left >= sums[block]:
            left -= sums[block]
            block += 1
        slot: i64 = block << BLOCK_BITS
        while True:
            table = self.tables[slot]
            share = table.volatile if timed else table.size
            if left < share:
                return table
            left -= share
            slot += 1


def first_due(table: Table) -> i64:
    """A time in ms before which no key, and no field, of the table expires.  O(segments)."""
    first: i64 = NEVER
    for segment in table.segments:
        if segment.first < first:
            first = segment.first
        if segment.items_first < first:
            first = segment.items_first
    return first
