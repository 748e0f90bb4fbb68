"""A database on a time of the test's own, with a listener that remembers all that it is told."""

from __future__ import annotations

from redpoll.keyspace.database import Database
from redpoll.keyspace.events import HSET, SET, Event
from redpoll.keyspace.key_lookups import counted_bytes
from redpoll.keyspace.moment import Listener, Moment
from redpoll.keyspace.reclaim import Reclaimer
from redpoll.structures.table import Table
from redpoll.structures.table_check import check


class Ear(Listener):
    """Remembers what it is told as lines: `0 set k`, `grown 0 k`."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def changed(self, db: int, key: bytes, event: Event) -> None:
        self.lines.append(f"{db} {event.name.decode()} {key.decode()}")

    def grown(self, db: int, key: bytes) -> None:
        self.lines.append(f"grown {db} {key.decode()}")

    def replaced(self, db: int, following: Table | None) -> None:
        self.lines.append(f"replaced {db} by {following.size if following is not None else None}")

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

    def __init__(self, most_buckets: int = 1 << 26) -> None:
        self.ear = Ear()
        self.moment = Moment(self.ear)
        self.moment.set_time(1_700_000_000_000_000)
        self.reclaimer = Reclaimer()
        self.db = Database(0, self.moment, self.reclaimer, most_buckets)
        self.other = Database(1, self.moment, self.reclaimer, most_buckets)

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
        for db in (self.db, self.other):
            check(db.table)
        assert self.moment.used_bytes == counted_bytes(self.db.table) + counted_bytes(self.other.table)
