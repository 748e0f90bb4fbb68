"""The file system, real and in memory, does the same; only the one in memory can crash."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from redpoll.env.files import Files, FolderFiles, LockedError, MemoryFiles


def write(files: Files, path: bytes, data: bytes, sync: bool) -> None:
    file = files.append(path)
    file.write(data)
    if sync:
        file.sync()
    file.close()


@pytest.fixture(params=["real", "memory", "folder"])
def files(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    if request.param == "folder":
        return FolderFiles(bytes(tmp_path))
    monkeypatch.chdir(tmp_path)
    return Files() if request.param == "real" else MemoryFiles()


def test_files_are_written_read_renamed_and_removed(files: Files) -> None:
    write(files, b"a", b"one", False)
    write(files, b"a", b"two", True)
    assert files.read(b"a") == b"onetwo"
    files.rename(b"a", b"b")
    assert not files.exists(b"a")
    assert files.read(files.absolute(b"b")) == b"onetwo"
    files.remove(b"b")
    for failing in (lambda: files.read(b"b"), lambda: files.remove(b"b"), lambda: files.rename(b"b", b"c")):
        with pytest.raises(FileNotFoundError, match="No such file or directory"):
            failing()


def test_replace_leaves_the_new_content_and_no_draft(files: Files) -> None:
    files.replace(b"a.conf", b"old")
    files.replace(b"a.conf", b"new")
    assert files.read(b"a.conf") == b"new"
    assert len(files.matching(b"a.conf*")) == 1


def test_patterns_find_names_in_order(files: Files) -> None:
    for name in (b"b1", b"a1", b"a2"):
        write(files, name, b"", True)
    assert [os.path.basename(name) for name in files.matching(b"a?")] == [b"a1", b"a2"]


def test_entering_what_does_not_exist_is_an_error(files: Files) -> None:
    if isinstance(files, FolderFiles):
        # It enters no folder at all.
        return
    before = files.working_folder()
    with pytest.raises(FileNotFoundError, match="No such file or directory"):
        files.enter(b"/no/such/folder")
    assert files.working_folder() == before


def test_the_mode_of_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "a")
    before = os.umask(0o027)
    try:
        Files().replace(path, b"x")
    finally:
        os.umask(before)
    assert os.stat(path).st_mode & 0o777 == 0o640


def test_a_crash_forgets_what_was_not_synced() -> None:
    files = MemoryFiles()
    write(files, b"kept", b"one", True)
    files.sync_folder(b"")
    write(files, b"kept", b"two", False)
    write(files, b"new", b"x", True)
    files.crash()
    assert files.read(b"kept") == b"one"
    assert not files.exists(b"new")


def test_a_rename_counts_once_its_folder_is_synced() -> None:
    files = MemoryFiles()
    files.replace(b"/d/a", b"old")
    write(files, b"/d/b", b"new", True)
    files.rename(b"/d/b", b"/d/a")
    files.crash()
    assert files.read(b"/d/a") == b"old"
    files.replace(b"/d/a", b"new")
    files.crash()
    assert files.read(b"/d/a") == b"new"


def test_files_are_read_piece_by_piece(files: Files) -> None:
    write(files, b"a", b"0123456789", False)
    reader = files.reader(b"a")
    assert reader.size == 10
    assert [reader.read(4), reader.read(4), reader.read(4), reader.read(4)] == [b"0123", b"4567", b"89", b""]
    reader.close()
    with pytest.raises(OSError):
        files.reader(b"missing")


def test_a_large_file_is_replaced_and_its_descriptor_closed(files: Files) -> None:
    write(files, b"old", b"o" * (2 << 20), False)
    write(files, b"new", b"n", False)
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    files.rename(b"new", b"old")
    assert files.read(b"old") == b"n"
    assert not files.exists(b"new")
    while before and len(os.listdir("/proc/self/fd")) > before:
        time.sleep(0.001)


def test_a_large_file_is_removed_and_its_descriptor_closed(files: Files) -> None:
    write(files, b"old", b"o" * (2 << 20), False)
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    files.remove(b"old")
    assert not files.exists(b"old")
    while before and len(os.listdir("/proc/self/fd")) > before:
        time.sleep(0.001)


def test_any_part_is_read_even_what_was_written_later(files: Files) -> None:
    write(files, b"a", b"one two", False)
    reader = files.reader(b"a")
    assert reader.read_at(4, 3) == b"two"
    write(files, b"a", b" three", False)
    assert (reader.read_at(8, 100), reader.read(3)) == (b"three", b"one")
    reader.close()


def test_a_lock_has_one_holder(files: Files) -> None:
    first = files.lock(b"lock", "1")
    with pytest.raises(LockedError) as held:
        files.lock(files.absolute(b"lock"), "2")
    assert held.value.holder == "1"
    first.release()
    assert not files.exists(b"lock")
    second = files.lock(b"lock", "3")
    with pytest.raises(LockedError) as held:
        files.lock(b"lock", "4")
    assert held.value.holder == "3"
    second.release()


def test_a_lock_that_was_left_behind_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"12345678901234567890")
    lock = Files().lock(bytes(tmp_path / "lock"), "7")
    assert (tmp_path / "lock").read_bytes() == b"7\n"
    lock.release()
    with pytest.raises(FileNotFoundError):
        Files().lock(bytes(tmp_path / "no" / "lock"), "7")


def test_folders_are_made(files: Files) -> None:
    for _ in range(2):
        files.make_folder(b"a/b")
    write(files, b"a/b/c", b"x", True)
    assert files.read(b"a/b/c") == b"x"


def test_a_folder_of_its_own_is_not_left(tmp_path: Path) -> None:
    files = FolderFiles(bytes(tmp_path))
    before = os.getcwd()
    files.enter(b".")
    with pytest.raises(OSError, match="cannot be changed"):
        files.enter(b"..")
    assert (files.working_folder(), os.getcwd()) == (bytes(tmp_path), before)
