"""The folder of the append-only file: its names, its lock, replaced files."""

from __future__ import annotations

from tests.unit.persistence.append import put
from tests.unit.persistence.contents import opened

from redpoll.env.files import MemoryFiles
from redpoll.persistence.append_folder import AppendFolder
from redpoll.persistence.manifest import BASE, HISTORY, Entry


def test_names_and_numbers() -> None:
    folder = AppendFolder(opened(appendfilename="log", appenddirname="logs").config)
    assert folder.manifest_path() == b"/logs/log.manifest"
    assert folder.new_base(b"rdb").line() == b"file log.1.base.rdb seq 1 type b\n"
    assert folder.new_incremental().line() == b"file log.1.incr.aof seq 1 type i\n"
    folder.manifest.incrementals.append(folder.new_incremental())
    assert folder.new_incremental().name == b"log.2.incr.aof"


def test_the_lock_is_held_by_one() -> None:
    config = opened().config
    first, second = AppendFolder(config), AppendFolder(config)
    assert first.take_lock("the first") == "" and first.take_lock("the first") == ""
    assert second.take_lock("the second") == "the first"
    first.unlock()
    assert second.take_lock("the second") == ""


def test_a_manifest_survives_a_crash() -> None:
    files = MemoryFiles()
    folder = AppendFolder(opened(files).config)
    manifest = folder.manifest.copy()
    manifest.base = Entry(b"appendonly.aof.1.base.rdb", 1, BASE)
    folder.write(manifest)
    files.crash()
    folder.read()
    assert folder.manifest.text() == b"file appendonly.aof.1.base.rdb seq 1 type b\n"
    assert not files.exists(folder.path(b"temp-appendonly.aof.manifest"))


def test_replaced_files_are_deleted() -> None:
    files = MemoryFiles()
    folder = AppendFolder(opened(files).config)
    put(files, folder.path(b"old"), b"x")
    manifest = folder.manifest.copy()
    manifest.history = [Entry(b"old", 1, HISTORY), Entry(b"missing", 2, HISTORY)]
    folder.write(manifest)
    folder.drop_history()
    assert not files.exists(folder.path(b"old"))
    assert folder.manifest.is_empty()
