"""The survey: it walks over the keys to find memory by type, the largest keys and the streams.

The walk reads one bucket of each database in turn, and pauses after a pass.  The order of buckets is that of hashes,
so the keys seen so far are a random sample, and their sums are scaled to all keys.  Until the first pass over a
database is complete, the figures are estimates.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.keyspace.database import Database
from redpoll.keyspace.tables import Tables
from redpoll.structures.segment import KIND_MASK, KIND_SHIFT, LENGTH_MASK
from redpoll.structures.table_walk import Records, scan
from redpoll.types.kinds import STREAM, TYPE_NAME
from redpoll.types.stream import Stream

KINDS: Final = 16
MOST_LARGE: Final = 20
MOST_STREAMS: Final = 64
REST_US: Final[i64] = 1_000_000
"""Least time between two passes over a database."""
WORD_BYTES: Final[i64] = 8


class Place:
    """A key of a database."""

    def __init__(self, db: int, key: bytes) -> None:
        self.db: Final = db
        self.key: Final = key

    def id(self) -> tuple[int, bytes]:
        """Identifies the key among the keys of all databases."""
        return self.db, self.key


class LargeKey(Place):
    """A key with its size in bytes and the name of its type."""

    def __init__(self, db: int, key: bytes, size: int, type_name: str) -> None:
        super().__init__(db, key)
        self.size: Final = size
        self.type_name: Final = type_name


class Tally:
    """Keys and bytes by kind that one pass has seen so far."""

    def __init__(self) -> None:
        self.seen: i64 = 0
        self.keys: Final[vec[i64]] = vec[i64]([0] * KINDS)
        self.sizes: Final[vec[i64]] = vec[i64]([0] * KINDS)


class Walk:
    """The walk over one database."""

    def __init__(self, db: Database) -> None:
        self.db: Final = db
        self.tables: Tables = db.tables
        self.slot: i64 = 0
        self.cursor: i64 = 0
        """The place of the walk: a slot, and a cursor of its table."""
        self.tally = Tally()
        self.complete: Tally | None = None
        """The last complete pass."""
        self.next_us: i64 = 0

    def known(self) -> Tally:
        return self.complete if self.complete is not None else self.tally

    def restart(self) -> None:
        """Whether another table has replaced the table of the walk (FLUSHDB, SWAPDB)."""
        self.tables = self.db.tables
        self.slot = 0
        self.cursor = 0
        self.tally = Tally()
        self.complete = None

    def read(self, found: Records) -> None:
        """Read the next bucket.  The place is the first one again after the last bucket."""
        slot = self.tables.following(self.slot)
        if slot != self.slot:
            self.cursor = 0
        if slot >= 0:
            self.cursor = scan(self.tables.tables[slot], self.cursor, found)
            if self.cursor == 0:
                slot = self.tables.following(slot + 1)
        self.slot = slot if slot >= 0 else i64(0)


class TypeShare:
    """Number and bytes of the keys of a type; both may be estimates."""

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self.keys = 0
        self.size = 0


class Survey:
    """The survey of one engine.  It does not delete expired keys, change access clocks, or count hits."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self.walks: Final = [Walk(db) for db in engine.databases]
        self.large: Final[dict[tuple[int, bytes], LargeKey]] = {}
        self.least: i64 = 0
        """Size of the smallest of the largest keys."""
        self.streams: Final[dict[tuple[int, bytes], Place]] = {}

    def work(self, budget_us: i64) -> None:
        """Work for about this long."""
        clock = self.engine.clock
        began_us = clock.now_us()
        now_us = began_us
        while now_us - began_us < budget_us:
            busy = False
            for walk in self.walks:
                if walk.tables is not walk.db.tables:
                    self.restart(walk)
                if walk.next_us > now_us + REST_US:
                    # The clock was set back.
                    walk.next_us = now_us
                if walk.tables.size() > 0 and walk.next_us <= now_us:
                    busy = True
                    self.read(walk, now_us)
                elif walk.tables.size() == 0 and walk.complete is not None:
                    walk.restart()
            if not busy:
                return
            before_us = now_us
            now_us = clock.now_us()
            if now_us < before_us:
                return

    def restart(self, walk: Walk) -> None:
        """Drop the results of a database whose table was replaced."""
        walk.restart()
        for found in list(self.large.values()):
            if found.db == int(walk.db.index):
                del self.large[found.id()]
        self.least = 0

    def read(self, walk: Walk, now_us: i64) -> None:
        """Read one bucket.  O(its records)."""
        found = Records()
        walk.read(found)
        tally = walk.tally
        db = int(walk.db.index)
        for n in range(len(found.keys)):
            word = found.words[n]
            kind = (word >> KIND_SHIFT) & KIND_MASK
            size: i64 = (word & LENGTH_MASK) + WORD_BYTES
            if found.deadlines[n] != 0:
                size += WORD_BYTES
            outside = found.objects[n]
            if outside is not None:
                size += outside.size_bytes()
            tally.seen += 1
            tally.keys[kind] += 1
            tally.sizes[kind] += size
            if size > self.least:
                self.note_large(LargeKey(db, found.keys[n], int(size), TYPE_NAME[kind].decode()))
            if kind == STREAM and len(self.streams) < MOST_STREAMS:
                place = Place(db, found.keys[n])
                self.streams[place.id()] = place
        if walk.slot == 0 and walk.cursor == 0:
            walk.complete = tally
            walk.tally = Tally()
            walk.next_us = now_us + REST_US

    def note_large(self, found: LargeKey) -> None:
        """Keep a key if it is among the largest.  O(MOST_LARGE)."""
        self.large[found.id()] = found
        if len(self.large) > MOST_LARGE:
            smallest = found
            for other in self.large.values():
                if other.size < smallest.size:
                    smallest = other
            del self.large[smallest.id()]
            self.least = smallest.size

    # ---- results

    def types(self) -> list[TypeShare]:
        """Keys and bytes of each type in the data, in a fixed order, scaled to all keys."""
        shares = {name.decode(): TypeShare(name.decode()) for name in TYPE_NAME}
        for walk in self.walks:
            tally = walk.known()
            if tally.seen == 0 or walk.tables is not walk.db.tables:
                continue
            scale = float(walk.tables.size()) / float(tally.seen)
            for kind in range(len(TYPE_NAME)):
                share = shares[TYPE_NAME[kind].decode()]
                share.keys += round(float(tally.keys[kind]) * scale)
                share.size += round(float(tally.sizes[kind]) * scale)
        return [share for share in shares.values() if share.keys > 0]

    def seen_share(self) -> float:
        """The share of all keys that the survey has seen, 1 if it is complete."""
        seen = 0
        size = 0
        for walk in self.walks:
            keys = walk.db.tables.size()
            size += keys
            if walk.tables is walk.db.tables:
                whole = walk.complete is not None
                seen += keys if whole else min(walk.tally.seen, keys)
        return seen / size if size > 0 else 1.0

    def largest(self) -> list[LargeKey]:
        """The largest keys found so far with their current sizes, the largest first.  O(MOST_LARGE)."""
        current: list[LargeKey] = []
        for old in list(self.large.values()):
            table = self.walks[old.db].db.tables.of(old.key)
            if not table.find(old.key):
                del self.large[old.id()]
                self.least = 0
                continue
            size: i64 = (table.word & LENGTH_MASK) + WORD_BYTES
            if table.deadline() != 0:
                size += WORD_BYTES
            if table.is_outside():
                size += table.object().size_bytes()
            now = LargeKey(old.db, old.key, int(size), TYPE_NAME[table.kind()].decode())
            self.large[old.id()] = now
            current.append(now)
        current.sort(key=size_of, reverse=True)
        return current

    def found_streams(self) -> list[tuple[Place, Stream]]:
        """The streams found so far that still exist.  O(MOST_STREAMS)."""
        found: list[tuple[Place, Stream]] = []
        for place in list(self.streams.values()):
            db = self.walks[place.db].db
            if db.find(place.key) and db.table.kind() == STREAM:
                stream = db.container()
                assert isinstance(stream, Stream)
                found.append((place, stream))
            else:
                del self.streams[place.id()]
        return found


def size_of(key: LargeKey) -> int:
    return key.size
