"""A database on a time of the test's own, with a listener that remembers all that it is told."""

from __future__ import annotations

from redpoll.keyspace.database import Database
from redpoll.keyspace.events import HSET, SET, Event
from redpoll.keyspace.key_lookups import counted_bytes
from redpoll.keyspace.moment import Listener, Moment
from redpoll.keyspace.reclaim import Reclaimer
from redpoll.keyspace.slots import key_slot
from redpoll.keyspace.tables import BLOCK_BITS, Tables, first_due
from redpoll.structures.table_check import check
from redpoll.structures.table_walk import Records, read_bucket


class Ear(Listener):
    """Remembers what it is told as lines: `0 set k`, `grown 0 k`."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def changed(self, db: int, key: bytes, event: Event) -> None:
        self.lines.append(f"{db} {event.name.decode()} {key.decode()}")

    def grown(self, db: int, key: bytes) -> None:
        self.lines.append(f"grown {db} {key.decode()}")

    def replaced(self, db: int, following: Tables | None) -> None:
        self.lines.append(f"replaced {db} by {following.size() if following is not None else None}")

    def exchanged(self, db: int) -> None:
        self.lines.append(f"exchanged {db}")

    def expiring(self) -> None:
        self.lines.append("expiring")

    def fields_expired(self, db: int, key: bytes, fields: list[bytes], emptied: bool) -> None:
        told = b" ".join(sorted(fields)).decode()
        self.lines.append(f"fields expired {db} {key.decode()}: {told}{' (all)' if emptied else ''}")

    def expired(self, db: int, key: bytes) -> None:
        self.lines.append(f"expired {db} {key.decode()}")

    def heard(self) -> list[str]:
        """What it was told since this was asked last."""
        lines = self.lines
        self.lines = []
        return lines


class Place:
    """Two databases and what belongs to them; `interest` and `awaited` are set on `moment`."""

    def __init__(self, most_buckets: int = 1 << 26, slots: int = 1) -> None:
        self.ear = Ear()
        self.moment = Moment(self.ear)
        self.moment.set_time(1_700_000_000_000_000)
        self.reclaimer = Reclaimer()
        self.db = Database(0, self.moment, self.reclaimer, most_buckets, slots)
        self.other = Database(1, self.moment, self.reclaimer, most_buckets, slots)

    def pass_ms(self, ms: int) -> None:
        self.moment.set_time(self.moment.now_us + ms * 1000)

    def set(self, key: bytes, value: bytes, ms: int = 0) -> None:
        self.db.set_string(key, value)
        if ms:
            self.db.set_deadline(self.moment.now_ms + ms)
        self.db.changed(key, None, SET, 1)

    def hset(self, key: bytes, field: bytes, value: bytes) -> None:
        found = self.db.hash_to_change(key, True)
        assert found is not None
        found.put(field, value)
        self.db.changed(key, found, HSET, 1)

    def hexpire(self, key: bytes, field: bytes, ms: int) -> None:
        found = self.db.hash_to_change(key, False)
        assert found is not None
        assert found.locate(field)
        found.set_located_deadline(self.moment.now_ms + ms)
        self.db.changed(key, found, HSET, 1)

    def sound(self) -> None:
        """The tables are whole, and the running sum of memory is what a full walk finds."""
        assert self.moment.used_bytes == check_tables(self.db.tables) + check_tables(self.other.tables)


def check_tables(tables: Tables) -> int:
    """Raises AssertionError where a table, a slot or a sum is wrong.  The bytes of all tables."""
    slotted = tables.slots > 1
    there = tables.existing()
    assert there == [table for table in tables.tables if table is not tables.absent]
    assert len(there) == tables.count == sum(tables.block_tables)
    assert tables.absent.size == 0 and tables.absent.record_bytes == 0
    assert sum(table.size == 0 for table in there) <= 1, "empty tables stay"
    for table in there:
        check(table)
        assert tables.tables[table.slot] is table
        if slotted:
            for b in range(table.buckets):
                found = Records()
                read_bucket(table, b, found)
                assert {int(key_slot(key)) for key in found.keys} <= {int(table.slot)}
            if table.volatile > 0 or table.volatile_items > 0:
                assert tables.block_due[table.slot >> BLOCK_BITS] <= first_due(table)
    assert tables.size() == sum(table.size for table in there)
    assert tables.volatile() == sum(table.volatile for table in there)
    assert tables.volatile_items() == sum(table.volatile_items for table in there)
    assert tables.content_bytes() == sum(table.record_bytes + table.outside_bytes for table in there)
    if slotted:
        for block in range(len(tables.block_sizes)):
            within = [table for table in there if table.slot >> BLOCK_BITS == block]
            assert tables.block_sizes[block] == sum(table.size for table in within)
            assert tables.block_volatile[block] == sum(table.volatile for table in within)
            assert tables.block_tables[block] == len(within)
    held = sum(int(counted_bytes(table)) for table in there)
    assert tables.size_told() == held + (int(tables.absent.size_bytes()) if slotted else 0)
    return int(tables.size_told())
