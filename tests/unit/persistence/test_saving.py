"""Saving: what a crash leaves at any moment, what happens when the disk refuses, what the file is called."""

from __future__ import annotations

import errno
import os

import pytest
from tests.unit.persistence.contents import GOLDEN, Telling, check_contents, load_bytes, opened

from redpoll.engine.engine import Engine
from redpoll.env.files import Appender, MemoryAppender, MemoryFiles
from redpoll.keyspace.key_lookups import counted_bytes
from redpoll.persistence.loading import load, open_snapshot, reload
from redpoll.persistence.saving import save
from redpoll.persistence.snapshot_reader import Progress


def filled() -> Engine:
    engine = opened()
    assert load_bytes(engine, (GOLDEN / "valkey-9.1.2" / "dump.rdb").read_bytes()) == ""
    return engine


def lines(engine: Engine) -> list[str]:
    host = engine.host
    assert isinstance(host, Telling)
    return host.lines


@pytest.mark.parametrize("compression", ["yes", "no"])
@pytest.mark.parametrize("checksum", ["yes", "no"])
def test_what_is_saved_is_loaded(compression: str, checksum: str) -> None:
    engine = opened(rdbcompression=compression, rdbchecksum=checksum)
    assert load_bytes(engine, (GOLDEN / "valkey-9.1.2" / "dump.rdb").read_bytes()) == ""
    engine.moment.changes = 5
    assert save(engine)
    assert engine.unsaved_changes() == 0
    assert lines(engine)[-1] == "DB saved on disk"
    data = engine.config.files.read(b"dump.rdb")
    assert (data[-8:] == bytes(8)) == (checksum == "no")
    other = opened()
    assert load_bytes(other, data) == ""
    check_contents(other, GOLDEN / "valkey-9.1.2" / "expected.json")


def test_a_crash_leaves_the_old_file_or_the_new_one() -> None:
    engine = filled()
    files = engine.config.files
    assert isinstance(files, MemoryFiles)
    assert save(engine)
    files.crash()
    assert set(files.contents) == {b"/dump.rdb"}
    first = files.read(b"dump.rdb")
    engine.databases[0].set_string(b"more", b"v")
    assert save(engine)
    files.crash()
    assert files.read(b"dump.rdb") != first
    other = opened()
    assert load_bytes(other, files.read(b"dump.rdb")) == ""
    assert other.databases[0].string(b"more") == b"v"


class Failing(MemoryFiles):
    """Refuses the operation of that name."""

    def __init__(self, failing: str) -> None:
        super().__init__()
        self.failing = failing

    def refuse(self, name: str) -> None:
        if name == self.failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def append(self, path: bytes) -> Appender:
        self.refuse("open")
        super().append(path)
        return FailingAppender(self, self.contents[self.absolute(path)])

    def rename(self, old: bytes, new: bytes) -> None:
        self.refuse("rename")
        super().rename(old, new)

    def sync_folder(self, path: bytes) -> None:
        self.refuse("sync_folder")
        super().sync_folder(path)


class FailingAppender(MemoryAppender):
    def __init__(self, files: Failing, file: object) -> None:
        super().__init__(file)  # type: ignore[arg-type]
        self.files = files

    def write(self, data: bytes) -> None:
        self.files.refuse("write")
        super().write(data)

    def sync(self) -> None:
        self.files.refuse("sync")
        super().sync()


@pytest.mark.parametrize("failing", ["open", "write", "sync", "rename", "sync_folder"])
def test_a_disk_that_refuses_is_told_and_leaves_no_draft(failing: str) -> None:
    files = Failing("")
    engine = opened(files=files)
    engine.databases[0].set_string(b"k", b"v")
    assert save(engine)
    before = files.read(b"dump.rdb")
    engine.databases[0].set_string(b"k", b"w")
    engine.moment.changes = 1
    files.failing = failing
    assert not save(engine)
    assert "No space left on device" in lines(engine)[-1]
    assert engine.unsaved_changes() == 1
    assert set(files.contents) == {b"/dump.rdb"}
    assert failing == "sync_folder" or files.read(b"dump.rdb") == before
    files.failing = ""
    assert save(engine)


def test_reloading_a_damaged_file_keeps_what_there_is() -> None:
    engine = filled()
    assert save(engine)
    data = engine.config.files.read(b"dump.rdb")
    engine.config.files.remove(b"dump.rdb")
    assert reload(engine, b"dump.rdb", Progress(), True, False) == "there is no such file"
    check_contents(engine, GOLDEN / "valkey-9.1.2" / "expected.json")
    file = engine.config.files.append(b"dump.rdb")
    file.write(data[:5000])
    file.close()
    assert reload(engine, b"dump.rdb", Progress(), True, False).startswith("at offset ")
    check_contents(engine, GOLDEN / "valkey-9.1.2" / "expected.json")
    assert engine.moment.used_bytes == sum(counted_bytes(db.table) for db in engine.databases)


def test_the_sum_of_memory_is_right_when_loading_beside_the_data_fails() -> None:
    engine = filled()
    assert save(engine)
    data = engine.config.files.read(b"dump.rdb")
    file = engine.config.files.append(b"damaged.rdb")
    file.write(data[:-20])
    file.close()
    for merging in (True, False):
        assert reload(engine, b"damaged.rdb", Progress(), False, merging).startswith("at offset ")
        assert engine.moment.used_bytes == sum(counted_bytes(db.table) for db in engine.databases)
    other = opened()
    file = other.config.files.append(b"damaged.rdb")
    file.write(data[:-20])
    file.close()
    assert reload(other, b"damaged.rdb", Progress(), False, False).startswith("at offset ")
    assert other.databases[0].table.size > 0
    assert other.moment.used_bytes == sum(counted_bytes(db.table) for db in other.databases)


def test_idle_times_are_written_under_a_policy_that_goes_by_them() -> None:
    for policy, idle in (("noeviction", 0), ("allkeys-lru", 500)):
        engine = opened(maxmemory_policy=policy)
        engine.databases[0].set_string(b"k", b"v")
        engine.moment.set_time(engine.moment.now_us + 500_000_000)
        assert save(engine)
        other = opened(files=engine.config.files)
        reader = open_snapshot(other, b"dump.rdb")
        assert reader is not None
        assert load(other, reader, Progress()) == ""
        assert other.databases[0].peek(b"k")
        assert other.moment.clock - other.databases[0].table.access_clock() == idle


def test_counters_are_written_under_an_lfu_policy() -> None:
    engine = opened(maxmemory_policy="allkeys-lfu")
    engine.databases[0].set_string(b"k", b"v")
    engine.moment.access.log_factor = 0
    for _ in range(20):
        assert engine.databases[0].string_to_read(b"k") is not None
    assert save(engine)
    for policy, counter in (("allkeys-lfu", 25), ("volatile-lfu", 25), ("allkeys-lru", 0)):
        other = opened(files=engine.config.files, maxmemory_policy=policy)
        reader = open_snapshot(other, b"dump.rdb")
        assert reader is not None
        assert load(other, reader, Progress()) == ""
        assert other.databases[0].peek(b"k")
        field = other.databases[0].table.access_clock()
        if counter:
            assert other.moment.access.count(field, other.moment.now_us) == counter
        else:
            assert field == other.moment.clock


def test_a_file_that_is_damaged_leaves_the_sum_of_memory_right() -> None:
    engine = filled()
    data = (GOLDEN / "valkey-9.1.2" / "dump.rdb").read_bytes()
    other = opened()
    assert load_bytes(other, data[: len(data) // 2]).startswith("at offset ")
    assert 0 < other.databases[0].table.size < engine.databases[0].table.size
    assert other.moment.used_bytes == sum(counted_bytes(db.table) for db in other.databases)
