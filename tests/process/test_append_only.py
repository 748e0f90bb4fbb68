"""The append-only file of a process: killed under load, full disks, damaged files, `redpoll check-aof`."""

from __future__ import annotations

import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import redis
from hypothesis import settings
from tests.differential.pair import difference_rows
from tests.differential.servers import redpoll_environment
from tests.process.conftest import Start
from tests.process.running import Running, until

import redpoll
from redpoll.build_info import build_kind

LOCAL = ("--bind", "127.0.0.1", "--port", "{port}", "--enable-debug-command", "yes", "--save", "")
ON = (*LOCAL, "--appendonly", "yes")
ROUNDS = 500 if settings().max_examples >= 800 else 15
"""For each policy: 1,000 kills under the full profile."""
WRITERS = 4
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "rdb" / "aof"


def manifest(folder: Path) -> Path:
    return folder / "appendonlydir" / "appendonly.aof.manifest"


def last_file(folder: Path) -> Path:
    return folder / "appendonlydir" / manifest(folder).read_text().split()[-5]


def run(*words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "redpoll", *words],
        capture_output=True, text=True, timeout=60, env=redpoll_environment(), check=False, input=answer,
    )  # fmt: skip


class Writer(threading.Thread):
    """Counts up in a key of its own, and pushes the number onto a list; remembers what was acknowledged, and when."""

    def __init__(self, port: int, name: str, start_at: int) -> None:
        super().__init__(daemon=True)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.name_of_key = name
        self.number = start_at
        self.acknowledged = [(time.monotonic(), start_at)]

    def promised(self, policy: str, killed: float) -> int:
        """What must be there after the server was killed at that time."""
        if policy == "always":
            return self.number
        return max(count for at, count in self.acknowledged if at <= killed - 2 or count == self.acknowledged[0][1])

    def run(self) -> None:
        try:
            while True:
                number = str(self.number + 1)
                key = self.name_of_key
                words = ("MULTI",), ("SET", key, number), ("RPUSH", f"{key}:all", number), ("EXEC",)
                self.socket.sendall(b"".join([spelled(each) for each in words]))
                got = b""
                while not got.endswith(b"*2\r\n+OK\r\n:%d\r\n" % (self.number + 1)):
                    data = self.socket.recv(4096)
                    if not data:
                        return
                    got += data
                self.number += 1
                self.acknowledged.append((time.monotonic(), self.number))
        except OSError:
            return


def spelled(words: tuple[str, ...]) -> bytes:
    return f"*{len(words)}\r\n".encode() + b"".join([f"${len(word)}\r\n{word}\r\n".encode() for word in words])


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_a_server_that_is_killed_loses_nothing_it_promised(start: Start, tmp_path: Path, policy: str) -> None:
    """With `always` every acknowledged write is there after kill -9; with `everysec` at most two seconds are missing."""
    dice = random.Random(7)
    writers: list[Writer] = []
    killed = 0.0
    for number in range(ROUNDS + 1):
        preamble = dice.choice(["yes", "no"])
        options = ("--appendfsync", policy, "--auto-aof-rewrite-min-size", "2kb", "--aof-use-rdb-preamble", preamble)
        server = start(*ON, *options, folder=tmp_path).ready()
        client = server.client()
        found = [int(client.get(f"k{n}") or 0) for n in range(WRITERS)]
        for n in range(WRITERS):
            assert client.llen(f"k{n}:all") == found[n], "a transaction is whole"
        for writer, value in zip(writers, found, strict=False):
            assert writer.promised(policy, killed) <= value <= writer.number + 1
        if number == ROUNDS:
            break
        writers = [Writer(server.port, f"k{n}", found[n]) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        time.sleep(dice.random() * 0.3)
        server.signal(signal.SIGKILL)
        killed = time.monotonic()
        server.status()
        for writer in writers:
            writer.join(10)
            writer.socket.close()
        client.close()
        server.close()


def test_a_disk_that_is_full(start: Start, tmp_path: Path) -> None:
    """Writes are refused until there is space again; nothing is lost or half written."""
    server = start(*ON, folder=tmp_path).ready()
    client = server.client()
    client.set("k", "v")
    # While a sync runs, the next write would wait in memory.
    client.execute_command("WAITAOF", 1, 0, 0)
    unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, unlimited[1]))
    client.set("big", "x" * 10000)
    with pytest.raises(redis.ResponseError, match="MISCONF Errors writing to the AOF file: File too large"):
        client.set("k", "w")
    assert client.info("persistence")["aof_last_write_status"] == "err"
    assert client.get("k") == b"v"
    assert last_file(tmp_path).stat().st_size < 4096
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
    until(lambda: client.info("persistence")["aof_last_write_status"] == "ok", "the next attempt")
    client.set("k", "w")
    client.execute_command("WAITAOF", 1, 0, 0)
    server.signal(signal.SIGKILL)
    server.status()
    again = start(*ON, folder=tmp_path).ready().client()
    assert (again.get("k"), again.strlen("big")) == (b"w", 10000)


def test_under_always_a_full_disk_ends_the_server(start: Start, tmp_path: Path) -> None:
    server = start(*ON, "--appendfsync", "always", folder=tmp_path).ready()
    client = server.client(retry=None)
    client.set("k", "v")
    unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, unlimited[1]))
    with pytest.raises(redis.ConnectionError):
        client.set("big", "x" * 10000)
    assert server.status() == 1
    assert "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting..." in server.log()
    again = start(*ON, folder=tmp_path).ready().client()
    assert (again.get("k"), again.exists("big")) == (b"v", 0)


def test_a_second_server_is_refused_and_told_who_has_the_files(start: Start, tmp_path: Path) -> None:
    assert "append-only-lock" in difference_rows()
    first = start(*ON, folder=tmp_path).ready()
    second = start(*ON, folder=tmp_path)
    assert second.status() == 1
    assert f"is in use by another program: process {first.process.pid}, a server on port {first.port}" in second.log()
    third = start(*LOCAL, folder=tmp_path).ready()
    with pytest.raises(redis.ResponseError, match=r"Unable to turn on AOF\. Check server logs\."):
        third.client().config_set("appendonly", "yes")
    first.signal(signal.SIGKILL)
    first.status()
    start(*ON, folder=tmp_path).ready()


def many(folder: Path, count: int) -> None:
    """An append-only file that takes a while to load."""
    (folder / "appendonlydir").mkdir()
    data = b"".join([spelled(("SET", f"key:{n}", "v" * 50)) for n in range(1000)])
    with (folder / "appendonlydir" / "appendonly.aof.1.incr.aof").open("wb") as file:
        for _ in range(count // 1000):
            file.write(data)
    manifest(folder).write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")


def test_clients_are_answered_while_it_loads_and_a_signal_ends_it(start: Start, tmp_path: Path) -> None:
    many(tmp_path, 2_000_000 if build_kind() == "compiled" else 400_000)
    server = start(*ON, folder=tmp_path)
    server.says("Server initialized")
    client = server.client(retry=None)
    with pytest.raises(redis.BusyLoadingError):
        client.get("key:1")
    assert client.info("persistence")["loading"] == 1
    server.signal(signal.SIGTERM)
    assert server.status() == 0
    assert "Received shutdown signal during loading, scheduling shutdown." in server.log()
    # Nothing was written by a server that had not loaded.
    assert manifest(tmp_path).read_text() == "file appendonly.aof.1.incr.aof seq 1 type i\n"


def test_a_file_of_the_snapshot_is_not_loaded_beside_it(start: Start, tmp_path: Path) -> None:
    server = start(*LOCAL, folder=tmp_path).ready()
    server.client().set("k", "snapshot")
    server.client().execute_command("SAVE")
    server.close()
    server = start(*ON, folder=tmp_path).ready()
    assert server.client().dbsize() == 0
    warning = "dump.rdb exists, but it is not loaded, because appendonly is yes and there is no append-only file"
    assert warning in server.log()
    server.close()
    server = start(*ON, folder=tmp_path).ready()
    assert warning not in server.log()
    server.close()


def test_data_moves_into_the_append_only_file_at_run_time(start: Start, tmp_path: Path) -> None:
    server = start(*LOCAL, folder=tmp_path).ready()
    client = server.client()
    client.set("k", "v")
    client.config_set("appendonly", "yes")
    client.set("l", "w")
    until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0, "the rewrite")
    client.execute_command("WAITAOF", 1, 0, 0)
    server.signal(signal.SIGKILL)
    server.status()
    client = start(*ON, folder=tmp_path).ready().client()
    assert (client.get("k"), client.get("l")) == (b"v", b"w")


def test_a_refused_shutdown_does_not_cancel_the_first_rewrite(start: Start, tmp_path: Path) -> None:
    server = start(*LOCAL, folder=tmp_path).ready()
    client = server.client()
    client.mset({f"key:{n}": n for n in range(20)})
    client.config_set("rdb-key-save-delay", 100_000)
    client.config_set("appendonly", "yes")
    with pytest.raises(redis.ResponseError, match="Errors trying to SHUTDOWN"):
        client.execute_command("SHUTDOWN")
    assert client.info("persistence")["aof_rewrite_in_progress"] == 1
    client.config_set("rdb-key-save-delay", 0)
    until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0, "the end of the rewrite")
    server.signal(signal.SIGTERM)
    assert server.status() == 0
    assert start(*ON, folder=tmp_path).ready().client().dbsize() == 20


def test_a_rewrite_in_good_order_survives_a_shutdown(start: Start, tmp_path: Path) -> None:
    server = start(*ON, "--snapshot-cpu-percent", "1", folder=tmp_path).ready()
    client = server.client()
    client.execute_command("DEBUG", "POPULATE", 20000)
    for n in range(100):
        client.set(f"own:{n}", n)
    client.execute_command("BGREWRITEAOF")
    client.set("late", "v")
    server.signal(signal.SIGTERM)
    assert server.status() == 0
    assert "Calling fsync() on the AOF file." in server.log()
    assert not list(tmp_path.glob("temp-*"))
    client = start(*ON, folder=tmp_path).ready().client()
    assert client.get("late") == b"v" and client.get("own:99") == b"99"


# redpoll check-aof.


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("valkey-9.1.2-rdbbase", ["all files are whole"]),
        ("valkey-9.1.2-aofbase", ["all files are whole", "43 commands"]),
        ("annotations", ["last timestamp 1700000000"]),
        (
            "truncated-tail",
            ["damaged at offset 333: the file ends inside a command", "--fix cuts off the last 27 bytes"],
        ),
        ("bad-format", ["damaged at offset 365: here is no command"]),
        ("incomplete-multi", ["damaged at offset 365: a transaction begins here"]),
        ("truncated-not-last", ["but it is not the last file"]),
    ],
)
def test_files_are_examined(name: str, words: list[str]) -> None:
    done = run("check-aof", str(GOLDEN / name / "appendonlydir" / "appendonly.aof.manifest"))
    for word in words:
        assert word in done.stdout
    assert done.returncode == (0 if "whole" in done.stdout or "annotations" in name else 1), done.stderr


def copied(server: Running, folder: Path) -> None:
    server.client().set("a", "1")
    client = server.client()
    client.set("b", "2")
    client.execute_command("WAITAOF", 1, 0, 0)
    server.signal(signal.SIGKILL)
    server.status()


def test_a_damaged_file_is_mended(start: Start, tmp_path: Path) -> None:
    copied(start(*ON, folder=tmp_path).ready(), tmp_path)
    path = last_file(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + b"garbage")
    refused = start(*ON, folder=tmp_path)
    assert refused.status() == 1
    assert "append-only-remedy" in difference_rows()
    assert "use redpoll check-aof --fix appendonly.aof.manifest" in refused.log()
    assert f"(at offset {len(whole)})" in refused.log()
    name = str(manifest(tmp_path))
    assert run("check-aof", "--fix", name, answer="n\n").returncode == 1
    assert path.read_bytes() == whole + b"garbage"
    done = run("check-aof", "--fix", name, answer="y\n")
    assert done.returncode == 0 and f"cut to {len(whole)} bytes" in done.stdout
    assert path.read_bytes() == whole
    server = start(*ON, folder=tmp_path).ready()
    assert server.client().get("b") == b"2"
    path.write_bytes(path.read_bytes() + b"garbage")
    done = run("check-aof", "--fix", "--yes", name)
    assert done.returncode == 1 and f"the files are in use by process {server.process.pid}" in done.stderr


def test_a_plain_snapshot_has_a_verdict(tmp_path: Path) -> None:
    path = tmp_path / "dump.rdb"
    with redpoll.open(tmp_path) as store:
        store.set("k", "v")
    done = run("check-aof", str(path))
    assert done.returncode == 0
    assert done.stdout.splitlines()[-2:] == [
        f"dump.rdb: a snapshot of 1 keys, 0 commands, {path.stat().st_size} bytes",
        "the file is whole",
    ]


def test_a_file_is_cut_at_a_time(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "one.aof"
    parts = [b"#TS:100\r\n" + spelled(("SET", "a", "1")), b"#TS:200\r\n" + spelled(("SET", "a", "2"))]
    path.write_bytes(b"".join(parts))
    done = run("check-aof", "--truncate-to-timestamp", "250", str(path))
    assert done.returncode == 0 and path.read_bytes() == b"".join(parts)
    done = run("check-aof", "--yes", "--truncate-to-timestamp", "150", str(path))
    assert done.returncode == 0 and path.read_bytes() == parts[0]
    done = run("check-aof", str(path))
    assert "last timestamp 100" in done.stdout and done.stdout.endswith("the file is whole\n")


def test_wrong_words_and_missing_files(tmp_path: Path) -> None:
    for words in ((), ("--fix",), ("a", "b"), ("--what", "a"), ("--truncate-to-timestamp", "x", "a")):
        done = run("check-aof", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "redpoll check-aof [--fix]" in done.stderr
    assert run("check-aof", "--help").returncode == 0
    done = run("check-aof", str(tmp_path / "none"))
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}/none: No such file or directory\n")
    done = run("check-aof", str(tmp_path))
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}: Is a directory; name the .manifest file in it\n")
    (tmp_path / "x.manifest").write_text("file a\n")
    done = run("check-aof", str(tmp_path / "x.manifest"))
    assert done.returncode == 1 and "Invalid AOF manifest file format" in done.stdout
