"""Reading a snapshot without keeping its data, to check it and to count its contents."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.keyspace.database import Database
from redpoll.persistence.snapshot_reader import Progress, SnapshotReader
from redpoll.persistence.source import Source
from redpoll.types.kinds import STRING_RAW, TYPE_NAME
from redpoll.types.value import Value

LARGEST: Final = 10
"""Number of largest keys to show."""


class Sum:
    """Sums over some keys: their number, the number with a deadline, and their bytes in the file."""

    def __init__(self) -> None:
        self.keys: i64 = 0
        self.timed: i64 = 0
        self.bytes: i64 = 0

    def add(self, size: i64, timed: bool) -> None:
        self.keys += 1
        self.timed += int(timed)
        self.bytes += size


class Survey(SnapshotReader):
    """Reads and checks a whole snapshot.  It keeps only sums, and each key to find duplicates.

    Expired keys count too.
    """

    def __init__(self, engine: Engine, source: Source, progress: Progress) -> None:
        super().__init__(engine, source, progress)
        self.types: dict[bytes, Sum] = {}
        self.prefixes: dict[bytes, Sum] = {}
        """Sums by prefix: the text before the first colon of a key.  Keys without a colon have the empty prefix."""
        self.largest: list[tuple[int, int, bytes, bytes]] = []
        """Bytes, database, key and type of the largest keys, the largest first."""
        self.seen: set[tuple[int, bytes]] = set()
        self.began: i64 = 0

    def starts(self) -> None:
        self.began = self.source.offset()

    def keep(self, db: Database, key: bytes, value: Value | None, text: bytes, deadline: i64, clock: i64) -> bool:
        place = (db.index, key)
        if place in self.seen:
            return False
        self.seen.add(place)
        size = self.source.offset() - self.began
        name = TYPE_NAME[STRING_RAW if value is None else value.kind]
        prefix, colon, _ = key.partition(b":")
        timed = deadline != 0
        for sums, of in ((self.types, name), (self.prefixes, prefix if colon else b"")):
            if of not in sums:
                sums[of] = Sum()
            sums[of].add(size, timed)
        largest = self.largest
        if len(largest) < LARGEST or size > largest[-1][0]:
            largest.append((int(size), db.index, key, name))
            largest.sort(reverse=True)
            del largest[LARGEST:]
        return True
