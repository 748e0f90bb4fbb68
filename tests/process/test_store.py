"""Programs with a store in a folder: one at a time, and none the worse for a kill."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from tests.differential.pair import difference_rows
from tests.differential.servers import redpoll_environment
from tests.process.conftest import Start
from tests.process.running import until

import redpoll

WRITER = """
import sys, redpoll
store = redpoll.open(sys.argv[1], save="1 1")
n = int(store.get("n") or 0)
print("open", n, flush=True)
while True:
    n += 1
    store.set("n", n)
    store.set(f"key:{n % 5000}", n)
    if n % 2000 == 0:
        store.execute("SAVE")
        print("saved", n, flush=True)
"""

LOCAL = ("--bind", "127.0.0.1", "--port", "{port}", "--save", "3600 1")


@contextlib.contextmanager
def killed_at_last(program: str, folder: Path) -> Iterator[tuple[int, IO[str]]]:
    """Run a program with a folder; its pid and output.  It is killed at the end of the block."""
    writer = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True, env=redpoll_environment()
    )
    assert writer.stdout is not None
    with writer.stdout:
        try:
            yield writer.pid, writer.stdout
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.wait(20)


def test_a_program_that_is_killed_loses_only_what_was_not_saved(tmp_path: Path) -> None:
    saved = 0
    chance = random.Random(14)
    for _ in range(5):
        with killed_at_last(WRITER, tmp_path) as (pid, lines):
            opened = lines.readline().split()
            assert opened[0] == "open"
            assert int(opened[1]) >= saved
            for _ in range(chance.randint(1, 4)):
                saved = int(lines.readline().split()[1])
            with pytest.raises(redpoll.StoreError, match=f"is open in process {pid}$"):
                redpoll.open(tmp_path)
    store = redpoll.open(tmp_path)
    assert int(store.get("n") or 0) >= saved
    assert [path for path in tmp_path.iterdir() if path.name.startswith("temp-")] == []
    store.close()


APPENDER = """
import sys, redpoll
store = redpoll.open(sys.argv[1], appendonly=True, appendfsync="always")
n = int(store.get("n") or 0)
while True:
    n = store.incr("n")
    print(n, flush=True)
"""


def test_a_killed_program_with_an_append_only_file_loses_nothing(tmp_path: Path) -> None:
    chance = random.Random(15)
    acknowledged = 0
    for _ in range(4):
        with killed_at_last(APPENDER, tmp_path) as (_pid, lines):
            for _ in range(chance.randint(1, 200)):
                acknowledged = int(lines.readline())
        with redpoll.open(tmp_path) as store:
            assert int(store.get("n") or 0) >= acknowledged


ASYNC_APPENDER = """
import asyncio, sys, redpoll.asyncio

async def main():
    async with redpoll.asyncio.open(sys.argv[1], appendonly=True, appendfsync="always", save="1 1") as store:
        while True:
            print(store.incr("n"), flush=True)
            await asyncio.sleep(0)

asyncio.run(main())
"""


def test_a_killed_asyncio_program_loses_nothing(tmp_path: Path) -> None:
    chance = random.Random(16)
    acknowledged = 0
    for _ in range(3):
        with killed_at_last(ASYNC_APPENDER, tmp_path) as (pid, lines):
            for _ in range(chance.randint(1, 2000)):
                acknowledged = int(lines.readline())
            with pytest.raises(redpoll.StoreError, match=f"is open in process {pid}$"):
                redpoll.open(tmp_path)
        with redpoll.open(tmp_path) as store:
            assert int(store.get("n") or 0) >= acknowledged


def test_a_store_and_a_server_use_one_folder_in_turn(start: Start, tmp_path: Path) -> None:
    store = redpoll.open(tmp_path)
    store.set("k", "of the store")
    store.close()
    server = start(*LOCAL, folder=tmp_path, save_points=True).ready()
    assert server.client().get("k") == b"of the store"
    with pytest.raises(redpoll.StoreError, match=f"is open in process {server.process.pid}$"):
        redpoll.open(tmp_path)
    server.client().set("k", "of the server")
    server.client().execute_command("SAVE")
    server.signal(signal.SIGTERM)
    assert server.status() == 0
    with redpoll.open(tmp_path) as again:
        assert again.get("k") == b"of the server"


def test_two_servers_with_one_snapshot_file_are_warned(start: Start, tmp_path: Path) -> None:
    assert "snapshot-lock" in difference_rows()
    first = start(*LOCAL, "--dir", str(tmp_path), save_points=True).ready()
    second = start(*LOCAL, "--dir", str(tmp_path), "--enable-protected-configs", "yes", save_points=True).ready()
    warning = f"{tmp_path}/dump.rdb is also the snapshot file of process {first.process.pid}: "
    assert warning in second.log()
    assert "is also the snapshot file" not in first.log()
    second.client().config_set("dbfilename", "other.rdb")
    assert (tmp_path / "other.rdb.lock").read_text() == f"{second.process.pid}\n"
    second.client().config_set("save", "")
    assert not (tmp_path / "other.rdb.lock").exists()
    second.client().config_set("save", "3600 1")
    third = start(*LOCAL, "--dir", str(tmp_path), "--dbfilename", "other.rdb", save_points=True).ready()
    assert f"{tmp_path}/other.rdb is also the snapshot file of process {second.process.pid}" in third.log()
    for server in (first, second, third):
        server.signal(signal.SIGTERM)
        assert server.status() == 0
    until(lambda: not list(tmp_path.glob("*.lock")), "the end of the locks")
