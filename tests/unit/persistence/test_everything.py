"""Commands, expiry, eviction, compaction, snapshots and reloads together, against a twin without compaction and snapshots.

The twin gets the same commands at the same time and draws the same random numbers, so that its buckets, access clocks
and events are the same to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.differential.test_random import Drawer
from tests.differential.wire import as_bytes
from tests.profiles import scaled
from tests.unit.engine.machine import Told
from tests.unit.keyspace.places import check_tables
from tests.unit.persistence.contents import field_deadlines, load_bytes, opened, small_slices, stream_of
from tests.unit.persistence.test_background import NAMES, contents

from redpoll.engine.trimming import EngineCompaction
from redpoll.engine.unit import Journal
from redpoll.env.clock import VirtualClock
from redpoll.keyspace.compaction import Compaction
from redpoll.keyspace.database import Database
from redpoll.persistence import background
from redpoll.persistence.saving import save
from redpoll.protocol.encode import encode
from redpoll.protocol.output import Output
from redpoll.protocol.reply import BLOCKED, NO_REPLY
from redpoll.structures.mover import Mover
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.stream import Stream
from redpoll.types.string import LongString
from redpoll.types.value import Value

POLICIES = (
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-ttl",
)
KEYS = ("a", "b", "c", "", "k" * 230)
DRAWN = [name for name in NAMES if name not in ("select", "swapdb", "flushdb", "multi", "exec", "discard")]
"""Not what changes for which database or when the others run."""

LIMITS = (
    "hash-max-listpack-entries",
    "set-max-listpack-entries",
    "zset-max-listpack-entries",
    "list-max-listpack-size",
)

keys = st.sampled_from(KEYS)
sizes = st.integers(1, 300)


@pytest.fixture(autouse=True, scope="module")
def in_small_slices() -> Iterator[None]:
    """Snapshots then write most of the values in slices."""
    with small_slices():
        yield


class Effects(Journal):
    """Keeps what is written."""

    def __init__(self) -> None:
        self.units: list[object] = []

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        self.units.append((list(databases), list(effects)))


class Side:
    """An engine with a client that sends commands, one that waits, and one that hears the events of all keys."""

    def __init__(self, options: dict[str, str]) -> None:
        self.engine = opened(databases="3", maxmemory_samples="3", **options)
        self.engine.options.enable_debug_command = b"yes"
        clock = self.engine.clock
        assert isinstance(clock, VirtualClock)
        self.clock = clock
        self.session = self.engine.open_session(Told())
        self.session.may_block = False
        self.ear = Told()
        self.waiting = Told()
        self.waiter = self.engine.open_session(self.waiting)
        self.journal = Effects()
        self.engine.unit.attach(self.journal)
        self.do("CONFIG", "SET", "notify-keyspace-events", "KEAmn")
        ears = self.engine.open_session(self.ear)
        self.engine.execute(ears, [b"PSUBSCRIBE", b"__keyspace*"])

    def do(self, *words: object) -> object:
        self.engine.start_unit()
        return self.engine.execute(self.session, [as_bytes(word) for word in words])  # type: ignore[arg-type]

    def heard(self) -> list[object]:
        told = [message.items for message in self.ear.taken()]
        replies, self.waiting.replies = self.waiting.replies, []
        units, self.journal.units = self.journal.units, []
        return [*told, *map(plain, replies), *units]


def plain(reply: object) -> object:
    """A reply as it is on the wire."""
    if reply is BLOCKED or reply is NO_REPLY:
        return reply
    out = Output()
    encode(out, reply, 3)
    return b"".join(out.take())


def buckets_of(db: Database) -> Iterator[Records]:
    """The records of each bucket of each table."""
    for table in db.tables.existing():
        for b in range(table.buckets):
            records = Records()
            read_bucket(table, b, records, True)
            yield records


def state_of(db: Database) -> list[Any]:
    """All that a database holds, by bucket.  Changes nothing."""
    found: list[Any] = []
    for records in buckets_of(db):
        inside: list[Any] = []
        for outside in records.objects:
            if isinstance(outside, LongString):
                inside.append(outside.text())
            elif isinstance(outside, Stream):
                inside.append(stream_of(outside))
            elif isinstance(outside, Value):
                inside.append((outside.kind, outside.size_bytes(), outside.rows(), field_deadlines(outside)))
        found.append((records.keys, records.values, list(records.words), list(records.deadlines), inside))
    return found


class Everything(RuleBasedStateMachine):
    options: dict[str, str] = {}

    def __init__(self) -> None:
        super().__init__()
        self.main = Side(self.options)
        self.twin = Side(self.options)
        self.at = 0
        self.compaction: Compaction | None = None
        self.expected: dict[tuple[int, bytes], Any] | None = None
        self.lists = 0

    def do(self, *words: object) -> None:
        replies = [plain(side.do(*words)) for side in (self.main, self.twin)]
        if str(words[0]).upper() not in ("DEBUG", "INFO", "MEMORY", "RANDOMKEY"):
            assert replies[0] == replies[1], words

    @initialize(policy=st.sampled_from(POLICIES), count=sizes)
    def begin(self, policy: str, count: int) -> None:
        self.do("CONFIG", "SET", "maxmemory-policy", policy)
        for db in range(3):
            self.do("SELECT", db)
            self.fill("filler", count, 40 * db, 100 + db)
            for kind, key in enumerate(KEYS):
                self.large(key, count, (kind + db) % 7)

    @rule(seed=st.integers(0, 1 << 30), count=st.integers(1, 30))
    def commands(self, seed: int, count: int) -> None:
        drawn = Random(seed)
        for _ in range(count):
            self.at += 1
            self.do(*Drawer(drawn.randrange(1 << 30), self.at).command(drawn.choice(DRAWN))[1])

    @rule(db=st.integers(0, 2))
    def select(self, db: int) -> None:
        self.do("SELECT", db)

    @rule(name=st.sampled_from(["filler", "more"]), count=sizes, size=st.integers(0, 300), timed=st.integers(0, 20000))
    def fill(self, name: str, count: int, size: int, timed: int) -> None:
        for n in range(count):
            self.do("SET", f"{name}:{n}", "v" * size, *(["PX", 10 + n * 7 + timed] if timed % 3 and n % 2 else []))

    @rule(name=st.sampled_from(["filler", "more"]), count=sizes)
    def thin_out(self, name: str, count: int) -> None:
        for n in range(count):
            self.do("DEL", f"{name}:{n}")

    @rule(key=keys, count=sizes, kind=st.integers(0, 6))
    def large(self, key: str, count: int, kind: int) -> None:
        """A container with so many items in the place of what was there."""
        self.do("DEL", key)
        items = [f"item {n}" for n in range(count * 2)]
        if kind == 0:
            self.do("HSET", key, *items)
        elif kind == 1:
            self.do("SADD", key, *items)
        elif kind == 2:
            self.do("RPUSH", key, *items)
        elif kind == 3:
            self.do("ZADD", key, *[word for n in range(count) for word in (n, items[n])])
        elif kind == 4:
            for n in range(count):
                self.do("XADD", key, f"{n + 1}-0", "f", items[n])
            self.do("XGROUP", "CREATE", key, "m", "0")
            self.do("XREADGROUP", "GROUP", "m", "n", "COUNT", count // 2 + 1, "STREAMS", key, ">")
        elif kind == 5:
            self.do("PFADD", key, *items)
        else:
            self.do("SET", key, "x" * count * 9)

    @rule(key=keys, ms=st.integers(1, 5000), count=st.integers(1, 40))
    def let_fields_expire(self, key: str, ms: int, count: int) -> None:
        self.large(key, count * 2, 0)
        self.do("HPEXPIRE", key, ms, "FIELDS", count, *[f"item {2 * n}" for n in range(count)])

    @rule(key=keys, ms=st.integers(1, 5000))
    def let_expire(self, key: str, ms: int) -> None:
        self.do("PEXPIRE", key, ms)

    @rule(key=keys, other=keys, words=st.sampled_from(["RENAME", "COPY", "MOVE", "RESTORE", "GET", "OBJECT FREQ"]))
    def move_key(self, key: str, other: str, words: str) -> None:
        if words == "RENAME":
            self.do("RENAME", key, other)
        elif words == "COPY":
            self.do("COPY", key, other, "REPLACE")
        elif words == "MOVE":
            self.do("MOVE", key, len(other) % 3)
        elif words == "RESTORE":
            payload = self.twin.do("DUMP", key)
            assert self.main.do("DUMP", key) == payload
            if isinstance(payload, bytes):
                use = ["FREQ", "77"] if len(payload) % 2 else ["IDLETIME", "1000"]
                self.do("RESTORE", other, 0, payload, "REPLACE", *use)
        else:
            self.do(*words.split(), key)

    @rule(seed=st.integers(0, 1 << 30), count=st.integers(1, 10))
    def transaction(self, seed: int, count: int) -> None:
        self.do("WATCH", "a")
        self.do("MULTI")
        self.commands(seed, count)
        self.do("EXEC")

    @rule(ms=st.integers(1, 20), what=st.sampled_from(["WRITE", "ALL"]))
    def pause(self, ms: int, what: str) -> None:
        """Keys past their deadline are hidden then, not deleted.  What runs in process runs on."""
        self.do("CLIENT", "PAUSE", ms, what)

    @rule(name=st.sampled_from(LIMITS), number=st.sampled_from([1, 8, 64, 512]))
    def change_encodings(self, name: str, number: int) -> None:
        self.do("CONFIG", "SET", name, number)

    @rule(key=keys, kind=st.sampled_from(["BLPOP", "BZPOPMIN", "XREAD", "XREADGROUP"]))
    def wait(self, key: str, kind: str) -> None:
        words: list[object] = [kind, key, "0.3"]
        if kind == "XREAD":
            words = [kind, "BLOCK", "300", "STREAMS", key, "$"]
        elif kind == "XREADGROUP":
            words = [kind, "GROUP", "m", "n", "BLOCK", "300", "STREAMS", key, ">"]
        if self.main.waiter.waiting is None:
            replies = []
            for side in (self.main, self.twin):
                side.engine.start_unit()
                replies.append(plain(side.engine.execute(side.waiter, [as_bytes(word) for word in words])))  # type: ignore[arg-type]
            assert replies[0] == replies[1]

    @rule(policy=st.sampled_from(POLICIES), part=st.sampled_from([4, 8, 9, 99]))
    def limit(self, policy: str, part: int) -> None:
        self.do("CONFIG", "SET", "maxmemory-policy", policy)
        used = self.twin.engine.moment.used_bytes
        self.do("CONFIG", "SET", "maxmemory", 0 if part > 10 else int(used * part // 10))

    @rule(words=st.sampled_from(["SWAPDB 0 1", "SWAPDB 1 2", "SWAPDB 0 2", "FLUSHDB", "FLUSHALL"]))
    def replace_tables(self, words: str) -> None:
        if words == "FLUSHALL":
            self.expected = None
        self.do(*words.split())

    @rule(words=st.sampled_from(["", "NOFLUSH MERGE"]))
    def reload(self, words: str) -> None:
        self.expected = None
        self.do("DEBUG", "RELOAD", *words.split())

    @rule(ms=st.sampled_from([0, 1, 10, 100, 1000, 5000, 70000]), ticks=st.integers(1, 5))
    def tick(self, ms: int, ticks: int) -> None:
        for side in (self.main, self.twin):
            side.clock.advance_ms(ms)
        for _ in range(ticks):
            self.main.engine.tick()
            self.twin.engine.tick()

    @rule(steps=st.integers(1, 2000))
    def compact(self, steps: int) -> None:
        if self.compaction is None:
            # Move everything, from anywhere to anywhere.
            self.compaction = EngineCompaction(self.main.engine, Mover(anywhere=True))
        for _ in range(steps):
            if not self.compaction.step():
                self.compaction = None
                break

    @precondition(lambda self: self.main.engine.durability.running is None and self.expected is None)
    @rule()
    def start_snapshot(self) -> None:
        assert save(self.twin.engine)
        self.expected = loaded(self.twin)
        assert background.start(self.main.engine)

    @rule(steps=st.integers(1, 20))
    def step_snapshot(self, steps: int) -> None:
        for _ in range(steps):
            running = self.main.engine.durability.running
            if running is not None:
                running.step(0)

    @rule()
    def give_up_snapshot(self) -> None:
        running = self.main.engine.durability.running
        if running is not None:
            running.cancel("test")
            self.expected = None

    @invariant()
    def snapshot_is_of_its_start(self) -> None:
        if self.main.engine.durability.running is None:
            if self.expected is not None:
                assert self.main.engine.durability.last_save_worked
                assert loaded(self.main) == self.expected
                self.expected = None
            for db in self.main.engine.databases:
                assert all(table.keeper is None for table in db.tables.existing())

    @invariant()
    def both_are_the_same(self) -> None:
        assert self.main.heard() == self.twin.heard()
        for side in (self.main, self.twin):
            assert side.engine.moment.used_bytes == sum(check_tables(db.tables) for db in side.engine.databases)
        assert self.main.engine.moment.used_bytes == self.twin.engine.moment.used_bytes
        for ours, theirs in zip(self.main.engine.databases, self.twin.engine.databases, strict=True):
            assert state_of(ours) == state_of(theirs)


def loaded(side: Side) -> dict[tuple[int, bytes], Any]:
    """What the snapshot file of an engine has."""
    engine = opened(databases="3")
    assert load_bytes(engine, side.engine.config.files.read(b"dump.rdb")) == ""
    return contents(engine)


class EverythingInSlots(Everything):
    """Each slot has a table of its own."""

    options = {"cluster_enabled": "yes", "cluster_databases": "3"}


TestEverythingInSlots = EverythingInSlots.TestCase
TestEverythingInSlots.settings = scaled(0.2, 0.7)
TestEverything = Everything.TestCase
TestEverything.settings = scaled(0.2, 0.7)
