"""Snapshots under way: whatever runs meanwhile, the file has the data as it was at the start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.differential.catalogue import golden
from tests.differential.test_random import Drawer, in_groups
from tests.differential.wire import as_bytes
from tests.unit.engine.machine import Kept
from tests.unit.keyspace.places import check_tables
from tests.unit.persistence.contents import Telling, field_deadlines, load_bytes, opened, small_slices, value_of
from tests.unit.persistence.test_saving import Failing

from redpoll.engine.engine import Engine
from redpoll.engine.session import Peer, Session
from redpoll.env.clock import VirtualClock
from redpoll.keyspace.slots import SLOTS
from redpoll.persistence import background
from redpoll.persistence.saving import save
from redpoll.protocol.reply import Error
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.kinds import STRING_RAW

LEFT_OUT = {"flushall", "migrate", "wait", "waitaof", "shutdown", "debug", "restore"}
"""FLUSHALL ends a snapshot; the others need another server or a payload."""
NAMES = sorted(
    name
    for name, tree in golden().items()
    if (in_groups(name) or name in ("flushdb", "swapdb", "select")) and name not in LEFT_OUT
)


@pytest.fixture(autouse=True, scope="module", params=["usual", "small"])
def in_slices(request: pytest.FixtureRequest) -> Iterator[None]:
    """All tests run twice: few values need slices, then most of them."""
    if request.param == "usual":
        yield
    else:
        with small_slices():
            yield


def session_of(engine: Engine) -> Session:
    session = Session(engine, 7, Peer())
    session.may_block = False
    return session


def do(engine: Engine, session: Session, *words: object) -> object:
    engine.start_unit()
    return engine.execute(session, [as_bytes(word) for word in words])  # type: ignore[arg-type]


def fill(engine: Engine, session: Session) -> None:
    """Keys of the names that the drawn commands use, large and small, and many others around them."""
    for db in range(3):
        do(engine, session, "SELECT", db)
        for n in range(150):
            do(engine, session, "SET", f"filler:{n}", "v" * (n % 90), "PX", 5000 + n * 1000)
        do(engine, session, "HSET", f"large:hash:{db}", *[f"{n}" for n in range(800)])
    do(engine, session, "SELECT", 1)
    do(engine, session, "SADD", "a", *[f"member {n}" for n in range(300)], "m", "n")
    do(engine, session, "HSET", "b", *[f"{n}" for n in range(800)], "m", "1", "n", "2")
    do(engine, session, "HPEXPIRE", "b", 3000, "FIELDS", 3, "m", "2", "4")
    do(engine, session, "SET", "c", "x" * 3000)
    do(engine, session, "SELECT", 2)
    do(engine, session, "RPUSH", "a", *[f"element {n}" for n in range(500)], "m", "n")
    do(engine, session, "SET", "", "12")
    do(engine, session, "PFADD", "b", *[f"{n}" for n in range(3000)])
    do(engine, session, "SELECT", 0)
    do(engine, session, "ZADD", "a", *[word for n in range(200) for word in (n, f"member {n}")], 1, "m", 2, "n")
    for n in range(1, 150):
        do(engine, session, "XADD", "b", f"{n}-1", "field", f"value {n}", *(["m", "n"] if n % 5 == 0 else []))
    do(engine, session, "XGROUP", "CREATE", "b", "m", "0")
    do(engine, session, "XREADGROUP", "GROUP", "m", "n", "COUNT", "40", "STREAMS", "b", ">")
    do(engine, session, "RPUSH", "c", "m", "n", "o", "1")


def contents(engine: Engine) -> dict[tuple[int, bytes], Any]:
    """All keys with what they hold."""
    found: dict[tuple[int, bytes], Any] = {}
    for db in engine.databases:
        keys = Records()
        for table in db.tables.existing():
            for b in range(table.buckets):
                read_bucket(table, b, keys)
        for key in list(keys.keys):
            assert db.look(key)
            kind, deadline = int(db.table.kind()), int(db.table.deadline())
            fields = field_deadlines(db.container()) if kind > STRING_RAW else {}
            found[db.index, key] = (kind, deadline, fields, value_of(db, key))
    return found


def loaded(data: bytes) -> dict[tuple[int, bytes], Any]:
    engine = opened()
    assert load_bytes(engine, data) == ""
    return contents(engine)


def finish(engine: Engine) -> None:
    for _ in range(100000):
        running = engine.durability.running
        if running is None:
            return
        running.step(0)
    raise AssertionError("it does not end")


steps = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 1 << 20), st.integers(0, 9)), max_size=60)


IN_CLUSTER = {"cluster_enabled": "yes", "cluster_databases": "16"}


@pytest.mark.parametrize("options", [{}, IN_CLUSTER], ids=["alone", "in a cluster"])
@given(sketch=steps)
@settings(max_examples=settings().max_examples // 2 + 1)
def test_the_file_has_what_there_was_at_the_start(options: dict[str, str], sketch: list[tuple[str, int, int]]) -> None:
    engine = opened(**options)
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    session = session_of(engine)
    fill(engine, session)
    assert save(engine)
    expected = loaded(engine.config.files.read(b"dump.rdb"))
    assert len(expected) > 450
    assert background.start(engine)
    for at, (name, seed, way) in enumerate(sketch):
        if way == 0:
            clock.advance_ms(seed % 20000)
            engine.tick()
        elif way < 4 and engine.durability.running is not None:
            engine.durability.running.step(0)
        do(engine, session, *Drawer(seed, at).command(name)[1])
        if name == "select" or seed % 4 == 0:
            do(engine, session, "SELECT", seed % 3)
    # Splits and merges, and what goes in one piece.
    for db in range(3):
        do(engine, session, "DISCARD")
        do(engine, session, "SELECT", db)
        for n in range(len(sketch) * 7 % 400):
            do(engine, session, "SET", f"more:{n}", "v" * 60)
        for n in range(150):
            do(engine, session, "DEL", f"filler:{n}")
    finish(engine)
    assert loaded(engine.config.files.read(b"dump.rdb")) == expected
    for each in engine.databases:
        assert all(table.keeper is None for table in each.tables.existing())
    assert engine.moment.used_bytes == sum(check_tables(each.tables) for each in engine.databases)


def begun(**options: str) -> tuple[Engine, Session]:
    engine = opened(**options)
    session = session_of(engine)
    fill(engine, session)
    assert background.start(engine)
    return engine, session


def test_slots_that_go_meanwhile_are_written_and_then_given_back() -> None:
    engine, session = begun(**IN_CLUSTER)
    total = sum(db.tables.size() for db in engine.databases)
    do(engine, session, "SELECT", 1)
    for slot in range(SLOTS):
        engine.databases[1].drop_slot(slot)
    do(engine, session, "SET", "a", "v")
    do(engine, session, "SELECT", 2)
    do(engine, session, "FLUSHDB")
    assert engine.reclaimer.pending() == 0
    finish(engine)
    data = engine.config.files.read(b"dump.rdb")
    assert len(loaded(data)) == total
    assert data.count(b"slot-info") > 300
    assert engine.reclaimer.pending() > 100
    assert engine.moment.used_bytes == sum(check_tables(each.tables) for each in engine.databases)


def test_tables_that_go_meanwhile_are_written_and_then_given_back() -> None:
    engine, session = begun()
    total = sum(db.table.size for db in engine.databases)
    do(engine, session, "SWAPDB", 0, 1)
    do(engine, session, "FLUSHDB")
    do(engine, session, "SELECT", 2)
    do(engine, session, "FLUSHDB", "SYNC")
    assert engine.reclaimer.pending() == 0
    finish(engine)
    assert len(loaded(engine.config.files.read(b"dump.rdb"))) == total
    assert engine.reclaimer.pending() == 2


def test_it_is_told_how_far_it_is_and_how_it_ended() -> None:
    engine, session = begun()
    running = engine.durability.running
    assert running is not None and running.keys_done() == 0
    assert running.total == sum(db.table.size for db in engine.databases)
    assert running.step(0)
    assert 0 < running.keys_done() < running.total
    do(engine, session, "SET", "k", "v")
    finish(engine)
    durability = engine.durability
    assert (durability.saves, durability.last_save_worked, durability.took_s) == (1, True, 0)
    assert engine.unsaved_changes() == 1
    host = engine.host
    assert isinstance(host, Telling)
    assert host.lines[-1] == "Background saving terminated with success"


def test_it_may_be_given_up() -> None:
    engine, session = begun()
    assert do(engine, session, "BGSAVE").text == b"ERR Background save already in progress"  # type: ignore[attr-defined]
    running = engine.durability.running
    assert running is not None
    running.step(0)
    do(engine, session, "BGSAVE", "CANCEL")
    assert engine.durability.running is None
    assert engine.config.files.matching(b"*") == []
    assert all(db.table.keeper is None for db in engine.databases)
    assert (engine.durability.saves, engine.durability.took_s) == (1, 0)


def test_in_a_transaction_it_is_put_off() -> None:
    engine = opened()
    session = session_of(engine)
    do(engine, session, "MULTI")
    do(engine, session, "SET", "k", "v")
    do(engine, session, "BGSAVE")
    do(engine, session, "SET", "k", "w")
    do(engine, session, "EXEC")
    finish(engine)
    assert loaded(engine.config.files.read(b"dump.rdb"))[0, b"k"][3] == "dw=="


@pytest.mark.parametrize("failing", ["open", "write", "sync", "rename"])
def test_a_disk_that_refuses_holds_up_writes_where_there_are_save_points(failing: str) -> None:
    files = Failing("")
    engine = opened(files=files, save="3600 1")
    session = session_of(engine)
    do(engine, session, "SET", "k", "v")
    files.failing = failing
    assert background.start(engine) == (failing != "open")
    finish(engine)
    assert not engine.durability.last_save_worked
    assert do(engine, session, "SET", "k", "w").text.startswith(b"MISCONF ")  # type: ignore[attr-defined]
    assert do(engine, session, "GET", "k") == b"v"
    files.failing = ""
    assert background.start(engine)
    finish(engine)
    assert engine.durability.last_save_worked
    do(engine, session, "SET", "k", "w")
    assert do(engine, session, "GET", "k") == b"w"
    assert set(files.contents) == {b"/dump.rdb"}


@pytest.mark.parametrize(
    ("db", "words"),
    [
        (0, "XREADGROUP GROUP m n COUNT 5 STREAMS b >"),
        (0, "XREADGROUP GROUP m other STREAMS b 0"),
        (0, "XACK b m 1-1 2-1"),
        (0, "XCLAIM b m other 0 3-1"),
        (0, "XAUTOCLAIM b m other 0 0 COUNT 5"),
        (0, "XADD b 900-1 f v"),
        (0, "XGROUP DESTROY b m"),
        (0, "ZADD a 99 m"),
        (0, "ZPOPMIN a 5"),
        (0, "HSET large:hash:0 3 changed"),
        (0, "RENAME a other"),
        (0, "RPUSH c more"),
        (1, "SREM a m"),
        (1, "SPOP a 3"),
        (1, "HDEL b m"),
        (1, "HPERSIST b FIELDS 1 m"),
        (1, "APPEND c more"),
        (1, "SETRANGE c 5 more"),
        (1, "SETBIT c 7 1"),
        (1, "GETDEL c"),
        (1, "PERSIST filler:3"),
        (2, "LTRIM a 3 10"),
        (2, "LSET a 4 changed"),
        (2, "LPOP a 7"),
        (2, "INCR ''"),
        (2, "PFADD b more than before"),
        (2, "PFCOUNT b"),
        (2, "UNLINK a"),
    ],
)
def test_each_change_comes_after_what_it_changes_is_written(db: int, words: str) -> None:
    engine = opened()
    session = session_of(engine)
    fill(engine, session)
    assert save(engine)
    expected = loaded(engine.config.files.read(b"dump.rdb"))
    do(engine, session, "SELECT", db)
    assert background.start(engine)
    reply = do(engine, session, *["" if word == "''" else word for word in words.split()])
    assert not isinstance(reply, Error), reply
    # Hash fields go past their deadline too.
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    clock.advance_ms(4000)
    engine.start_unit()
    engine.expiry.expire()
    finish(engine)
    assert loaded(engine.config.files.read(b"dump.rdb")) == expected


def test_the_folder_may_change_meanwhile() -> None:
    engine = opened()
    files = engine.config.files
    session = session_of(engine)
    do(engine, session, "SET", "k", "v")
    files.append(b"/elsewhere/file").close()
    assert background.start(engine)
    files.enter(b"/elsewhere")
    finish(engine)
    assert engine.durability.last_save_worked
    assert files.matching(b"/*") == [b"/dump.rdb", b"/elsewhere/file"]


@pytest.mark.parametrize(("policy", "told"), [("allkeys-lru", "IDLETIME"), ("allkeys-lfu", "FREQ")])
def test_keys_that_are_used_meanwhile_are_no_older_for_it(policy: str, told: str) -> None:
    engine = opened(maxmemory_policy=policy)
    session = session_of(engine)
    for n in range(200):
        do(engine, session, "SET", f"k{n}", "v")
    assert background.start(engine)
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    clock.advance_ms(130_000)
    for n in range(100):
        do(engine, session, "GET", f"k{n}")
    finish(engine)
    other = opened(maxmemory_policy=policy)
    assert load_bytes(other, engine.config.files.read(b"dump.rdb")) == ""
    uses = [do(other, session_of(other), "OBJECT", told, f"k{n}") for n in range(200)]
    if told == "IDLETIME":
        assert uses == [0] * 100 + [130] * 100
    else:
        # Two minutes without a use take two from the first count, which is 5; the use adds one.
        assert uses == [4] * 100 + [3] * 100


def test_two_engines_save_into_one_folder_at_once() -> None:
    first = opened()
    second = opened(files=first.config.files, dbfilename="second.rdb")
    for engine, count in ((first, 300), (second, 20)):
        for n in range(count):
            do(engine, session_of(engine), "SET", f"k{n}", "v")
        assert background.start(engine)
        running = engine.durability.running
        assert running is not None and running.step(0)
    for engine, name, count in ((first, b"dump.rdb", 300), (second, b"second.rdb", 20)):
        finish(engine)
        assert engine.durability.last_save_worked
        assert len(loaded(engine.config.files.read(name))) == count
    assert sorted(first.config.files.matching(b"*")) == [b"/dump.rdb", b"/second.rdb"]


def test_the_end_of_a_save_makes_no_command_a_change_and_hides_none() -> None:
    for changes in range(1, 4):
        engine = opened()
        session = session_of(engine)
        do(engine, session, "MSET", *["k", "v"] * changes)
        journal = Kept()
        engine.unit.attach(journal)
        assert background.start(engine)
        finish(engine)
        do(engine, session, "GET", "k")
        do(engine, session, "SET", "k", "w")
        assert save(engine)
        do(engine, session, "SET", "k", "x")
        assert journal.units == ["0 SET k w", "0 SET k x"]
