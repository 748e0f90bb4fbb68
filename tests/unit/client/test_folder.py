"""`redpoll.open(path)`: a store that is loaded from a folder and saved there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import redpoll
from redpoll.client.store import Store
from redpoll.env.clock import VirtualClock
from redpoll.env.files import FolderFiles, MemoryFiles


def test_the_data_is_there_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with redpoll.open(folder) as store:
        store.set("greeting", "hello")
        store.rpush("jobs", 1, 2)
        store.execute("SELECT", 3)
        store.set("k", "in database 3")
        assert (folder / "dump.rdb.lock").read_text() == f"{os.getpid()}\n"
    assert sorted(path.name for path in folder.iterdir()) == ["dump.rdb"]
    for path in (str(folder), os.fsencode(folder)):
        store = redpoll.open(path)
        assert store.get("greeting") == b"hello"
        assert store.lrange("jobs", 0, -1) == [b"1", b"2"]
        store.select(3)
        assert store.get("k") == b"in database 3"
        store.close()
        store.close()


def test_the_working_folder_of_the_process_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = redpoll.open("data")
    monkeypatch.chdir("/")
    store.set("k", "v")
    store.execute("SAVE")
    store.close()
    assert os.getcwd() == "/"
    assert (tmp_path / "data" / "dump.rdb").exists()


def test_closing_without_saving(tmp_path: Path) -> None:
    store = redpoll.open(tmp_path)
    store.set("k", "v")
    store.close(save=False)
    assert list(tmp_path.iterdir()) == []
    redpoll.open().close(save=True)


def test_a_second_opener_is_told_of_the_first(tmp_path: Path) -> None:
    store = redpoll.open(tmp_path)
    with pytest.raises(redpoll.StoreError, match=f"^{tmp_path} is open in this process$"):
        redpoll.open(tmp_path)
    code = "import sys, redpoll\ntry: redpoll.open(sys.argv[1])\nexcept redpoll.StoreError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path} is open in process {os.getpid()}\n"
    store.close()
    redpoll.open(tmp_path).close()


def test_what_cannot_be_loaded_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "dump.rdb").write_bytes(b"REDIS0011\xff")
    for _ in range(2):
        with pytest.raises(redpoll.StoreError, match=r"dump\.rdb: at offset 10: the file ends too early"):
            redpoll.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["dump.rdb"]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(redpoll.StoreError, match=r"File exists|Not a directory"):
        redpoll.open(tmp_path / "file")


def test_a_store_that_cannot_be_saved_stays_open(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    store = redpoll.open(folder)
    store.set("k", "v")
    (folder / "dump.rdb.lock").unlink()
    folder.rmdir()
    with pytest.raises(redpoll.StoreError, match=r"cannot open a file in .*: No such file or directory"):
        store.close()
    assert store.get("k") == b"v"
    folder.mkdir()
    store.close()
    assert redpoll.open(folder).get("k") == b"v"


def test_drafts_of_dead_processes_are_removed(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    kept = {"temp-1.rdb", f"temp-{os.getpid()}.7.rdb", "temp-x.1.rdb", "other"}
    for name in {*kept, f"temp-{int(done.stdout)}.1.rdb"}:
        (tmp_path / name).write_bytes(b"x")
    redpoll.open(tmp_path).close(save=False)
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_save_points_begin_snapshots(tmp_path: Path) -> None:
    clock = VirtualClock()
    store = Store(clock, files=FolderFiles(os.fsencode(tmp_path)))
    store.close()
    assert not list(tmp_path.iterdir())
    store = Store.in_folder(os.fsencode(tmp_path), 16, "60 2", clock)
    store.set("a", "1")
    store.set("b", "2")
    clock.advance_ms(59_000)
    store.tick()
    assert not (tmp_path / "dump.rdb").exists()
    clock.advance_ms(2_000)
    store.tick()
    deadline = time.monotonic() + 20
    while not (tmp_path / "dump.rdb").exists():
        # A thread syncs the file.
        assert time.monotonic() < deadline
        clock.advance_ms(20)
        store.tick()
    store.close(save=False)
    again = redpoll.open(tmp_path)
    assert (again.get("a"), again.get("b")) == (b"1", b"2")


def test_save_points_are_settings(tmp_path: Path) -> None:
    store = redpoll.open(tmp_path, save="300 10")
    assert store.execute("CONFIG", "GET", "save") == {b"save": b"300 10"}
    store.execute("CONFIG", "SET", "save", "5 5")
    for name in ("dir", "dbfilename"):
        with pytest.raises(redpoll.CommandError, match="CONFIG SET failed"):
            store.execute("CONFIG", "SET", name, "elsewhere")
    store.close()
    with pytest.raises(ValueError, match="Invalid save parameters"):
        redpoll.open(tmp_path, save="300")
    redpoll.open(tmp_path).close()


def test_arguments_of_other_types() -> None:
    with pytest.raises(TypeError, match="not int"):
        redpoll.open(4)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not str"):
        redpoll.open(databases="4")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one"):
        redpoll.open(databases=0)
    with pytest.raises(ValueError, match="need the path of a folder"):
        redpoll.open(save="300 10")


def test_files_in_memory_do_the_same() -> None:
    files = MemoryFiles()
    assert files.lock(b"a", "1").path == b"/a"


def test_an_append_only_file_keeps_what_was_not_saved(tmp_path: Path) -> None:
    store = redpoll.open(tmp_path)
    store.set("before", "1")
    store.close()
    store = redpoll.open(tmp_path, appendonly=True, appendfsync="always")
    assert store.get("before") == b"1"
    store.set("k", "v")
    store.incr("n", 3)
    store.hset("h", "f", "v")
    store.zadd("z", "m", 1.5)
    store.execute("RPUSH", "list", "a", "b")
    store.lpop("list")
    # A copy is what a crash leaves.
    crashed = tmp_path.parent / f"{tmp_path.name}-crashed"
    shutil.copytree(tmp_path, crashed)
    for folder in (crashed, tmp_path):
        if folder == tmp_path:
            store.close()
        with redpoll.open(folder) as again:
            assert (again.get("before"), again.get("k"), again.get("n")) == (b"1", b"v", b"3")
            assert (again.hget("h", "f"), again.zrank("z", "m"), again.lrange("list", 0, -1)) == (b"v", 0, [b"b"])
            again.set("later", "1")
        with redpoll.open(folder, appendonly=True) as third:
            assert third.get("later") == b"1"


def test_the_append_only_file_is_chosen_when_the_store_opens(tmp_path: Path) -> None:
    with redpoll.open(tmp_path, appendonly=True, save="3600 1") as store:
        store.set("k", "v")
        with pytest.raises(redpoll.StoreError, match="is open in this process"):
            redpoll.open(tmp_path, appendonly=True)
    assert (tmp_path / "dump.rdb").exists()
    with redpoll.open(tmp_path, appendonly=False) as store:
        store.set("k", "of the snapshot")
    with redpoll.open(tmp_path) as store:
        assert store.get("k") == b"v"
    with pytest.raises(ValueError, match="appendfsync='often'"):
        redpoll.open(tmp_path, appendfsync="often")
    next((tmp_path / "appendonlydir").glob("*.manifest")).write_bytes(b"x")
    with pytest.raises(redpoll.StoreError):
        redpoll.open(tmp_path)
    redpoll.open(tmp_path, appendonly=False).close()


def test_a_first_base_that_cannot_be_written_leaves_the_folder_free(tmp_path: Path) -> None:
    redpoll.open(tmp_path).close()
    obstacle = tmp_path / "appendonlydir" / "appendonly.aof.1.base.rdb"
    obstacle.mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(redpoll.StoreError, match="the append-only file cannot be written"):
            redpoll.open(tmp_path, appendonly=True)
    obstacle.rmdir()
    with redpoll.open(tmp_path, appendonly=True) as store:
        store.set("k", "v")


def test_a_failed_load_leaves_no_open_file(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("no list of open files here")
    (tmp_path / "dump.rdb").write_bytes(b"REDIS0011\xff")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(redpoll.StoreError):
            redpoll.open(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before
