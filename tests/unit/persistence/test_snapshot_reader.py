"""Files of real servers, whole and damaged: what they hold is loaded exactly, or refused as recorded."""

from __future__ import annotations

import json

import pytest
from tests.unit.persistence.contents import GOLDEN, Telltale, check_contents, load_bytes, opened

from redpoll.engine.routing import SlotArrival
from redpoll.env.files import MemoryAppender, MemoryFile
from redpoll.keyspace.database import Database
from redpoll.keyspace.key_lookups import counted_bytes
from redpoll.persistence import codes
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_reader import Progress, SnapshotReader
from redpoll.persistence.snapshot_writer import SnapshotWriter
from redpoll.persistence.source import Source
from redpoll.types.kinds import HASH_VOLATILE

WHOLE = [
    ("valkey-9.1.2", "dump.rdb", "expected.json"),
    ("valkey-9.1.2", "dump-plain-nochecksum.rdb", "expected-plain-nochecksum.json"),
    ("valkey-9.1.2", "dump-lru.rdb", "expected-lru.json"),
    ("valkey-9.1.2", "dump-lfu.rdb", "expected-lfu.json"),
    ("redis-7.0.15", "dump.rdb", "expected.json"),
    ("redis-7.0.15", "dump-plain-nochecksum.rdb", "expected-plain-nochecksum.json"),
    ("redis-7.0.15", "dump-lru.rdb", "expected-lru.json"),
    ("redis-7.0.15", "dump-lfu.rdb", "expected-lfu.json"),
    ("valkey-dev-rdb11", "dump.rdb", "expected.json"),
    ("redis-dev-rdb12", "dump.rdb", "expected.json"),
    ("legacy", "types-0-19.rdb", "types-0-19.expected.json"),
    ("legacy", "types-0-21.rdb", "types-0-21.expected.json"),
]

DAMAGED = json.loads((GOLDEN / "rdb-files.json").read_text())
GOOD = bytes.fromhex(next(case for case in DAMAGED if case["name"] == "magic-VALKEY080")["file_hex"])


@pytest.mark.parametrize(("origin", "name", "expected"), WHOLE)
def test_files_of_real_servers_are_loaded_exactly(origin: str, name: str, expected: str) -> None:
    engine = opened(rdb_version_check="relaxed" if origin == "redis-dev-rdb12" else "strict")
    assert load_bytes(engine, (GOLDEN / origin / name).read_bytes()) == ""
    check_contents(engine, GOLDEN / origin / expected, encodings=origin == "valkey-9.1.2")


@pytest.mark.parametrize("origin", ["valkey-9.1.2", "redis-7.0.15", "valkey-dev-rdb11", "redis-dev-rdb12"])
def test_files_of_clusters_are_loaded(origin: str) -> None:
    engine = opened(rdb_version_check="relaxed" if origin == "redis-dev-rdb12" else "strict")
    assert load_bytes(engine, (GOLDEN / origin / "dump-cluster.rdb").read_bytes()) == ""
    db = engine.databases[0]
    assert db.deadline_of(b"{a}1") == 4102444800000
    for key in (b"{a}1", b"{a}2", b"b", b"c"):
        assert db.string(key) == b"v"
    if origin != "redis-7.0.15" and origin != "valkey-dev-rdb11":
        assert db.hash(b"{a}h") is not None
        assert db.kind_of(b"{a}h2") == HASH_VOLATILE


def test_files_without_keys_and_of_a_primary_are_loaded() -> None:
    for name in ("valkey-9.1.2/dump-empty.rdb", "redis-7.0.15/dump-empty.rdb", "valkey-9.1.2/dump-repl-aux.rdb"):
        assert load_bytes(opened(), (GOLDEN / name).read_bytes()) == ""


def test_idle_times_are_kept() -> None:
    engine = opened()
    assert load_bytes(engine, (GOLDEN / "valkey-9.1.2" / "dump-lru.rdb").read_bytes()) == ""
    db = engine.databases[0]
    assert db.peek(b"idle100000")
    assert (engine.moment.clock - db.table.access_clock()) & 0xFFFFFF == 100000


@pytest.mark.parametrize("case", DAMAGED, ids=lambda case: case["name"])
def test_damaged_files_are_refused_as_recorded(case: dict[str, object]) -> None:
    answers = case["responses"]
    assert isinstance(answers, dict)
    recorded = answers["valkey-9.1.2"]
    given = case["file_hex"]
    engine = opened()
    notes = Telltale()
    complaint = load_bytes(engine, bytes.fromhex(given if isinstance(given, str) else given["valkey-9.1.2"]), notes)  # type: ignore[index]
    if recorded["result"] == "loaded":
        assert complaint == ""
        assert sorted(contents(engine.databases)) == sorted(map(tuple, recorded["keys"]))
        for line in recorded["log"]:
            assert any(line in told for told in notes.lines), notes.lines
    else:
        assert complaint.startswith("at offset ")
        if recorded["log"] and recorded["log"][0].startswith(("Can't handle", "Wrong RDB")):
            assert recorded["log"][0] in complaint


def contents(databases: list[Database]) -> list[tuple[int, str, int]]:
    found = []
    for db in databases:
        if db.table.size > 0:
            for key in (b"k", b"j"):
                if db.peek(key):
                    found.append((db.index, key.decode(), db.table.deadline() or -1))
    return found


def test_a_file_that_ends_anywhere_is_refused() -> None:
    whole = (GOLDEN / "valkey-9.1.2" / "dump-lru.rdb").read_bytes()
    engine = opened()
    for end in range(len(whole)):
        assert load_bytes(engine, whole[:end]).startswith("at offset "), end
        for db in engine.databases:
            db.flush()


def test_a_key_that_comes_twice_is_fatal_unless_it_is_merged() -> None:
    engine = opened()
    assert load_bytes(engine, GOOD) == ""
    assert "RDB has duplicated key 'k' in DB 0" in load_bytes(engine, GOOD)
    assert load_bytes(engine, GOOD, merging=True) == ""
    assert engine.databases[0].string(b"k") == b"hello"


def test_what_is_past_is_left_out() -> None:
    data = GOOD[:-9] + b"\xfc" + (1).to_bytes(8, "little") + b"\x00\x01a\x01v" + b"\xff" + bytes(8)
    engine = opened()
    notes = Telltale()
    assert load_bytes(engine, data, notes) == ""
    assert engine.databases[0].table.size == 1
    assert engine.durability.keys_expired == 1
    # A replica waits until its primary says so.
    engine = opened()
    engine.moment.deleting_expired = False
    assert load_bytes(engine, data) == ""
    assert engine.databases[0].table.size == 2


def test_progress_is_told_with_what_is_left() -> None:
    engine = opened(loading_process_events_interval_bytes="1024")
    notes = Telltale()
    whole = (GOLDEN / "valkey-9.1.2" / "dump.rdb").read_bytes()
    assert load_bytes(engine, whole, notes) == ""
    assert len(notes.moves) > 5
    assert notes.moves == sorted(notes.moves)
    assert {total for _, total in notes.moves} == {len(whole)}


def test_memory_is_accounted_for() -> None:
    engine = opened()
    assert load_bytes(engine, (GOLDEN / "valkey-9.1.2" / "dump.rdb").read_bytes()) == ""
    assert engine.moment.used_bytes == sum(counted_bytes(db.table) for db in engine.databases)


def with_imports(imports: list[tuple[bytes, list[tuple[int, int]]]], version: int = int(codes.VALKEY_80)) -> bytes:
    """A snapshot without keys, taken while slots are imported."""
    file = MemoryFile()
    writer = SnapshotWriter(Sink(False, MemoryAppender(file)), version, opened().moment, 0)
    writer.begin(0, 0, [], arrivals=[SlotArrival(name, ranges) for name, ranges in imports])
    writer.end(True)
    return file.data


def imports_in(data: bytes, **settings: str) -> list[tuple[bytes, list[tuple[int, int]]]]:
    reader = SnapshotReader(opened(**settings), Source(data, len(data)), Progress())
    reader.read()
    return [(arrival.name, arrival.ranges) for arrival in reader.arrivals]


def test_running_imports_of_slots_are_read_back() -> None:
    imports = [(b"first", [(0, 5), (100, 16383)]), (b"second", [(7, 7)])]
    assert imports_in(with_imports(imports), cluster_enabled="yes") == imports
    # The formats of Redis have no place for them.
    assert imports_in(with_imports(imports, 11)) == []


@pytest.mark.parametrize("span", [(5, 4), (0, 16384), (16384, 16384)])
def test_an_import_of_slots_that_do_not_exist_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(DamagedError):
        imports_in(with_imports([(b"first", [span])]), cluster_enabled="yes")


def test_an_import_of_slots_is_refused_outside_a_cluster() -> None:
    with pytest.raises(DamagedError):
        imports_in(with_imports([(b"first", [(0, 5)])]))
