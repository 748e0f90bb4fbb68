"""Large values in a snapshot under way: whatever happens to them meanwhile, the file has them as they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.persistence.append import Opened
from tests.unit.persistence.contents import Telltale, load_bytes, opened, put_file, small_slices, without_times
from tests.unit.persistence.test_background import contents, do, finish, loaded, session_of
from tests.unit.persistence.test_saving import Failing

from redpoll.engine.engine import Engine
from redpoll.engine.session import Session
from redpoll.env.clock import VirtualClock
from redpoll.env.files import MemoryAppender, MemoryFile
from redpoll.keyspace.key_lookups import counted_bytes
from redpoll.observe.digest import data_digest
from redpoll.persistence import background, codes
from redpoll.persistence.append_control import AppendFile, open_append_only
from redpoll.persistence.background import BackgroundSave, LargeParts
from redpoll.persistence.command_writer import CommandWriter
from redpoll.persistence.long_texts import LongText
from redpoll.persistence.saving import save
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_reader import Progress
from redpoll.persistence.snapshot_writer import SLICES
from redpoll.structures.table_check import check
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.kinds import STREAM
from redpoll.types.value import Value

BASE = b"/appendonlydir/appendonly.aof.2.base.aof"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True, scope="module")
def in_small_slices() -> Iterator[None]:
    with small_slices():
        yield


def fill(engine: Engine, session: Session) -> None:
    """Large values of every type in two databases, small ones between them."""
    for db in range(2):
        do(engine, session, "SELECT", db)
        for n in range(40):
            do(engine, session, "SET", f"filler:{n}", "v" * (n % 90))
        do(engine, session, "HSET", "hash", *[f"{n}" for n in range(600)])
        do(
            engine,
            session,
            "HSET",
            "wide",
            *[word for n in range(40) for word in (f"f{n}", "x" * n * 20)],
            "y" * 500,
            "z",
        )
        do(engine, session, "HSET", "timed", *[f"{n}" for n in range(300)])
        do(engine, session, "HSET", "timed", "t" * 500, "v" * 500)
        do(engine, session, "HPEXPIRE", "timed", 2000, "FIELDS", 5, 0, 2, 4, 6, "t" * 500)
        do(engine, session, "SADD", "set", *[f"member {n}" for n in range(400)], "m" * 700)
        do(engine, session, "SADD", "numbers", *range(450))
        do(
            engine,
            session,
            "ZADD",
            "zset",
            *[word for n in range(400) for word in (n % 50, f"member {n}")],
            7,
            "z" * 300,
        )
        do(engine, session, "ZADD", "short", *[word for n in range(100) for word in (n, f"m{n}")])
        do(engine, session, "RPUSH", "list", *[f"element {n}" for n in range(500)], "e" * 20000, *range(50))
        for n in range(1, 160):
            do(engine, session, "XADD", "stream", f"{n}-1", "field", f"value {n}", *(["m", "n"] if n % 5 == 0 else []))
        for group in ("one", "two"):
            do(engine, session, "XGROUP", "CREATE", "stream", group, "0")
            for consumer in ("a", "b"):
                do(engine, session, "XREADGROUP", "GROUP", group, consumer, "COUNT", 60, "STREAMS", "stream", ">")
        do(engine, session, "SET", "text", "some text, " * 200)
        do(engine, session, "SET", "noise", bytes(Random(db).randrange(256) for _ in range(2000)))
        do(engine, session, "SET", "raw", "long text, " * 400)
        do(engine, session, "APPEND", "buffer", "b" * 3000)
        do(engine, session, "PFADD", "hll", *range(500))
    do(engine, session, "SELECT", 0)


def loaded_file(engine: Engine) -> dict[tuple[int, bytes], Any]:
    """What the file has."""
    return loaded(engine.config.files.read(b"dump.rdb"))


NAMES = (
    "hash", "wide", "timed", "set", "numbers", "zset", "short", "list", "stream", "text", "noise", "raw", "buffer",
    "hll", "filler:7", "other",
)  # fmt: skip


def change(draw: Random) -> list[list[object]]:
    """Some commands that change one thing, most often inside a large value."""
    n = draw.randrange(500)
    many = range(n, n + draw.choice((1, 3, 40, 400)))
    name, other = draw.choice(NAMES), draw.choice(NAMES)
    member = f"member {n}"
    options: list[list[list[object]]] = [
        [["HSET", "hash", *[word for k in many for word in (k, f"new {k}")]]],
        [["HDEL", "hash", *many]],
        [["HINCRBY", "hash", n - n % 2, 5]],
        [["HSET", "wide", f"f{n % 40}", "changed" * (n % 30)]],
        [["HDEL", "wide", f"f{n % 40}", "y" * 500]],
        [["HSET", "timed", n, "changed"]],
        [["HPEXPIRE", "timed", 1000 + n, "FIELDS", 1, n % 600 // 2 * 2]],
        [["HPERSIST", "timed", "FIELDS", 2, 0, 4]],
        [["HGETDEL", "timed", "FIELDS", 1, n]],
        [["SADD", "set", *many]],
        [["SREM", "set", *[f"member {k}" for k in many]]],
        [["SPOP", "set", draw.choice((1, 20, 390))]],
        [["SMOVE", "set", "numbers", member]],
        [["SADD", "numbers", *many]],
        [["SREM", "numbers", *many]],
        [["SUNIONSTORE", name, "set", "numbers"]],
        [["ZADD", "zset", *[word for k in many for word in (k % 60, f"member {k}")]]],
        [["ZADD", "zset", 30, "z" * 300]],
        [["ZINCRBY", "zset", 3.5, member]],
        [["ZREM", "zset", *[f"member {k}" for k in many]]],
        [["ZPOPMIN", "zset", n % 60], ["ZPOPMAX", "zset", n % 9]],
        [["ZREMRANGEBYRANK", "zset", n % 100, n]],
        [["ZREMRANGEBYSCORE", "zset", n % 50, n % 50 + 3]],
        [["ZADD", "short", n, f"m{n % 100}"], ["ZREM", "short", f"m{n % 70}"]],
        [["ZRANGESTORE", name, "zset", 0, n]],
        [["RPUSH", "list", *many], ["LPUSH", "list", *many]],
        [["LPOP", "list", n], ["RPOP", "list", n % 300]],
        [["LSET", "list", n, "changed" * (n % 400)]],
        [["LINSERT", "list", "BEFORE", f"element {n}", "inserted"], ["LREM", "list", 0, f"element {n + 1}"]],
        [["LTRIM", "list", n % 200, n + 200]],
        [["LMOVE", "list", "list", "LEFT", "RIGHT"]],
        [["SORT", "list", "ALPHA", "STORE", name]],
        [["XADD", "stream", "*", "field", "new"] for _ in many],
        [["XDEL", "stream", *[f"{k % 160}-1" for k in many]]],
        [["XTRIM", "stream", "MAXLEN", n % 250]],
        [["XTRIM", "stream", "MAXLEN", 0], ["XSETID", "stream", "3-1"], ["XADD", "stream", "5-5", "f", "v"]],
        [["XACK", "stream", "one", *[f"{k % 160}-1" for k in many]]],
        [["XREADGROUP", "GROUP", "two", "c", "COUNT", n, "STREAMS", "stream", ">"]],
        [["XCLAIM", "stream", "one", "b", 0, *[f"{k % 160}-1" for k in many]]],
        [["XGROUP", "DELCONSUMER", "stream", "one", "a"]],
        [["XGROUP", "DESTROY", "stream", "two"], ["XGROUP", "CREATE", "stream", "three", "7"]],
        [["APPEND", "text", "more"], ["APPEND", "buffer", "more"], ["APPEND", "raw", "more"]],
        [["SETRANGE", "buffer", n * 6, "changed"], ["SETBIT", "raw", n, 1]],
        [["SET", "text", "short"], ["SET", "raw", "another" * 100]],
        [["PFADD", "hll", *many], ["PFCOUNT", "hll"]],
        [["DEL", name]],
        [["UNLINK", name]],
        [["RENAME", name, other]],
        [["COPY", name, other, "REPLACE"]],
        [["COPY", name, other, "DB", n % 4]],
        [["MOVE", name, 3 + n % 2]],
        [["PEXPIRE", name, n * 10], ["PERSIST", other]],
        [["SWAPDB", n % 4, n // 4 % 4]],
        [["FLUSHDB"]],
        [["SELECT", n % 4]],
        [["SET", f"more:{k}", "v" * 60] for k in many],
        [["DEL", f"filler:{k}"] for k in many],
    ]
    return draw.choice(options)


steps = st.lists(st.tuples(st.integers(0, 1 << 24), st.integers(0, 12)), max_size=50)


@given(steps, st.sampled_from((3000, 1 << 20)))
@settings(max_examples=settings().max_examples // 4 + 1)
def test_the_file_has_them_as_they_were(sketch: list[tuple[int, int]], side_bytes: int) -> None:
    SLICES.side_bytes = side_bytes
    engine = opened()
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    session = session_of(engine)
    fill(engine, session)
    assert save(engine)
    expected = loaded_file(engine)
    assert background.start(engine)
    change_meanwhile(engine, session, sketch)
    assert engine.durability.last_save_worked
    assert loaded_file(engine) == expected
    check_after(engine)


def change_meanwhile(engine: Engine, session: Session, sketch: list[tuple[int, int]]) -> None:
    """Change values between the slices of a running snapshot, and let it end."""
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    for seed, slices in sketch:
        draw = Random(seed)
        for words in change(draw):
            do(engine, session, *words)
        if slices == 0:
            clock.advance_ms(draw.randrange(1500))
            engine.tick()
        for _ in range(slices * slices):
            running = engine.durability.running
            if running is not None:
                running.step(0)
    finish(engine)


def begun_log(engine: Engine) -> tuple[AppendFile, Session]:
    """An append-only file with large values, in `engine`."""
    log = open_append_only(engine, Progress())
    session = session_of(engine)
    fill(engine, session)
    return log, session


def at_once(engine: Engine) -> bytes:
    """The commands that create the data, written without slices."""
    file = MemoryFile()
    writer = CommandWriter(Sink(False, MemoryAppender(file)))
    for db in engine.databases:
        writer.select(db.index)
        for b in range(db.table.buckets):
            writer.bucket(db.table, b)
    writer.end(False)
    return file.data


def created(data: bytes) -> dict[tuple[int, bytes], Any]:
    """What commands create.  They set no times of consumers."""
    engine = opened(appendonly="yes")
    put_file(engine, b"appendonlydir/a", data)
    put_file(engine, b"appendonlydir/appendonly.aof.manifest", b"file a seq 1 type b\n")
    told = Telltale()
    open_append_only(engine, told)
    assert not any("ignored" in line for line in told.lines), told.lines
    return {
        key: (kind, deadline, fields, without_times(value) if kind == STREAM else value)
        for key, (kind, deadline, fields, value) in contents(engine).items()
    }


@given(steps, st.sampled_from((3000, 1 << 20)))
@settings(max_examples=settings().max_examples // 4 + 1)
def test_commands_create_them_as_they_were(sketch: list[tuple[int, int]], side_bytes: int) -> None:
    SLICES.side_bytes = side_bytes
    engine = opened(appendonly="yes", aof_use_rdb_preamble="no")
    log, session = begun_log(engine)
    expected = created(at_once(engine))
    assert log.rewrite()
    change_meanwhile(engine, session, sketch)
    assert log.rewrite_worked
    assert created(engine.config.files.read(BASE)) == expected
    check_after(engine)
    engine.tick()
    assert log.flush()
    log.close()
    again = Opened(engine.config.files, int(engine.moment.now_ms - opened().moment.now_ms))
    assert again.digest() == data_digest(engine)


def check_after(engine: Engine) -> None:
    """Nothing of the snapshot is left, and all is whole."""
    files = engine.config.files
    assert [name for name in files.matching(b"/*") if b"temp-" in name or b".side" in name] == []
    engine.reclaimer.finish()
    for db in engine.databases:
        assert db.table.keeper is None
        check(db.table)
        for b in range(db.table.buckets):
            records = Records()
            read_bucket(db.table, b, records)
            for outside in records.objects:
                inner = outside.inner() if isinstance(outside, Value) else None
                if inner is not None:
                    assert inner.keeper is None
                    check(inner)
    assert engine.moment.used_bytes == sum(counted_bytes(db.table) for db in engine.databases)


def begun(engine: Engine) -> tuple[Session, BackgroundSave, dict[Any, Any]]:
    session = session_of(engine)
    fill(engine, session)
    assert save(engine)
    expected = loaded_file(engine)
    assert background.start(engine)
    running = engine.durability.running
    assert isinstance(running, BackgroundSave)
    return session, running, expected


def parts_of(running: BackgroundSave) -> LargeParts:
    """What it needs for large values."""
    return running.parts


def test_commands_of_deadlines_buffers_greatest_numbers_and_changed_items() -> None:
    engine = opened(appendonly="yes", aof_use_rdb_preamble="no")
    log = open_append_only(engine, Progress())
    session = session_of(engine)
    many = [f"item {n}" for n in range(400)]
    do(engine, session, "RPUSH", "list", *many)
    do(engine, session, "SADD", "set", *many)
    do(engine, session, "HSET", "hash", *many)
    for key in ("list", "set", "hash"):
        do(engine, session, "PEXPIREAT", key, 4102444800000)
    for _ in range(2):
        do(engine, session, "APPEND", "buffer", "b" * 3000)
    for n in range(63):
        do(engine, session, "XADD", "stream", f"5-{n + 1}", "field", "value")
    # The last entry of a step, and what follows it.
    do(engine, session, "XADD", "stream", "5-18446744073709551615", "field", "value")
    for n in range(100):
        do(engine, session, "XADD", "stream", f"6-{n}", "field", "value")
    expected = created(at_once(engine))
    assert log.rewrite()
    running = engine.durability.running
    assert isinstance(running, BackgroundSave)
    while len(parts_of(running).queue.waiting) == 0:
        assert running.step(0)
    do(engine, session, "HDEL", "hash", *many[::2])
    do(engine, session, "SREM", "set", *many)
    finish(engine)
    assert created(engine.config.files.read(BASE)) == expected
    check_after(engine)


def test_a_long_string_of_commands_is_written_in_slices() -> None:
    """Also keys that change meanwhile stay outside its command."""
    engine = opened(appendonly="yes", aof_use_rdb_preamble="no")
    log, session = begun_log(engine)
    expected = created(at_once(engine))
    assert log.rewrite()
    running = engine.durability.running
    assert isinstance(running, BackgroundSave)
    inside = 0
    while running.step(0):
        stream = parts_of(running).queue.open
        if stream is None or stream.text is None or stream.text.at <= 0:
            continue
        inside += 1
        for db in range(2):
            do(engine, session, "SELECT", db)
            do(engine, session, "SET", f"filler:{inside % 40}", inside)
            do(engine, session, "HDEL", "hash", inside)
    assert inside > 20
    assert created(engine.config.files.read(BASE)) == expected
    check_after(engine)


def open_value(running: BackgroundSave, key: bytes) -> None:
    """Go on until the value of a key is half written."""
    for _ in range(100000):
        stream = parts_of(running).queue.open
        if stream is not None and stream.key == key and stream.side is None:
            for _ in range(3):
                running.step(0)
            if parts_of(running).queue.open is stream:
                return
        assert running.step(0)
    raise AssertionError("it does not come")


@pytest.mark.parametrize("key", ["hash", "wide", "timed", "set", "zset"])
def test_all_items_go_and_others_come_while_it_is_half_written(key: str) -> None:
    engine = opened()
    session, running, expected = begun(engine)
    open_value(running, key.encode())
    db = parts_of(running).queue.open.index if parts_of(running).queue.open is not None else 0
    do(engine, session, "SELECT", db)
    for n in range(900):
        words: dict[str, list[object]] = {
            "set": ["SREM", "set", f"member {n}"],
            "zset": ["ZREM", "zset", f"member {n}"],
        }
        do(engine, session, *words.get(key, ["HDEL", key, n, f"f{n}"]))
    for n in range(2000):
        if key == "zset":
            do(engine, session, "ZADD", key, n, f"new {n}")
        else:
            do(engine, session, *(["SADD", key, f"new {n}"] if key == "set" else ["HSET", key, f"new {n}", "v"]))
    do(engine, session, "DEL", key)
    engine.tick()
    finish(engine)
    assert loaded_file(engine) == expected
    check_after(engine)


def test_a_value_that_goes_with_its_database_is_freed_when_it_is_written() -> None:
    engine = opened()
    session, _, expected = begun(engine)
    for key in ("hash", "zset", "set", "list", "stream"):
        # Databases 3 and 4 were empty, so their tables have no keeper.
        do(engine, session, "MOVE", key, 3 + len(key) % 2)
    for db in (3, 4):
        do(engine, session, "SELECT", db)
        do(engine, session, "HSET", "hash", "new", "field")
        do(engine, session, "FLUSHDB", "ASYNC")
    engine.reclaimer.finish()
    assert engine.reclaimer.pending() == 0
    finish(engine)
    assert loaded_file(engine) == expected
    check_after(engine)


def test_what_exceeds_the_side_is_in_a_file() -> None:
    SLICES.side_bytes = 3000
    engine = opened()
    session, running, expected = begun(engine)
    moved = False
    for db in range(2):
        do(engine, session, "SELECT", db)
        for n in range(0, 600, 2):
            do(engine, session, "HSET", "hash", n, "changed")
            do(engine, session, "ZADD", "zset", 1, f"member {n}")
            do(engine, session, "SREM", "set", f"member {n}")
            assert parts_of(running).overflow.held <= SLICES.side_bytes + 400 * 12
            moved = moved or len(engine.config.files.matching(b"/*.side")) == 1
    assert moved
    finish(engine)
    assert loaded_file(engine) == expected
    check_after(engine)


@pytest.mark.parametrize("ending", ["cancel", "write"])
def test_an_end_half_way_leaves_the_values_alone(ending: str) -> None:
    files = Failing("")
    engine = opened(files=files)
    session, running, _ = begun(engine)
    for n in range(300):
        do(engine, session, "HSET", "hash", n * 2, "changed")
    do(engine, session, "DEL", "set")
    for _ in range(40):
        running.step(0)
    before = contents(engine)
    if ending == "cancel":
        do(engine, session, "BGSAVE", "CANCEL")
    else:
        files.failing = "write"
        do(engine, session, "SET", "big", "v")
        for n in range(400):
            do(engine, session, "ZADD", "zset", 1, f"member {n}")
            do(engine, session, "ZADD", "zset", n % 50, f"member {n}")
        finish(engine)
        assert not engine.durability.last_save_worked
        files.failing = ""
        do(engine, session, "DEL", "big")
    assert engine.durability.running is None
    check_after(engine)
    assert contents(engine) == before
    assert background.start(engine)
    finish(engine)
    assert loaded_file(engine) == before


def test_the_progress_counts_each_key_once() -> None:
    engine = opened()
    _, running, _ = begun(engine)
    seen = [running.keys_done()]
    while running.step(0):
        seen.append(running.keys_done())
    assert seen == sorted(seen)
    assert seen[-1] == running.total


@given(
    st.binary(max_size=300)
    | st.builds(lambda part, n: part * n, st.binary(min_size=1, max_size=5), st.integers(0, 400))
)
def test_a_long_string_has_the_same_bytes_in_slices(text: bytes) -> None:
    text += b"no number"
    for compressing in (False, True):
        whole, slices = Sink(compressing), Sink(compressing)
        whole.text(text)
        long = LongText(text, compressing)
        while long.step(slices):
            pass
        assert slices.out.getvalue() == whole.out.getvalue()


def test_what_differs_from_the_reference() -> None:
    """The row `rdb-large-values`: the general form of large listpacks, and long strings without compression."""
    assert "`rdb-large-values`" in (ROOT / "docs" / "differences.md").read_text()
    engine = opened(hash_max_listpack_entries="1000", set_max_intset_entries="5000", zset_max_listpack_entries="1000")
    session = session_of(engine)
    do(engine, session, "HSET", "hash", *range(600))
    do(engine, session, "SADD", "set", *range(10**12, 10**12 + 3000))
    do(engine, session, "ZADD", "zset", *range(400))
    do(engine, session, "SET", "text", "some text, " * 1000)
    before = contents(engine)
    assert background.start(engine)
    finish(engine)
    data = engine.config.files.read(b"dump.rdb")
    for type, key in ((codes.HASH, b"hash"), (codes.SET, b"set"), (codes.ZSET, b"zset"), (codes.STRING, b"text")):
        assert bytes([type, len(key)]) + key in data
    assert len(data) > 11000
    other = opened(hash_max_listpack_entries="1000", set_max_intset_entries="5000", zset_max_listpack_entries="1000")
    assert load_bytes(other, data) == ""
    assert contents(other) == before


def test_a_list_that_goes_meanwhile_is_freed_in_steps() -> None:
    engine = opened()
    session = session_of(engine)
    do(engine, session, "RPUSH", "list", *[f"element {n}" for n in range(5000)])
    assert background.start(engine)
    do(engine, session, "DEL", "list")
    engine.reclaimer.finish()
    assert engine.reclaimer.freed == 1
    finish(engine)
    assert (engine.reclaimer.pending(), engine.reclaimer.pending_objects()) == (1, 0)
    engine.reclaimer.finish()
    assert engine.reclaimer.freed == 1
