"""`redpoll cluster start`: a cluster of processes in a folder, as a user starts, stops and restarts it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis.cluster
from tests.differential.servers import redpoll_environment
from tests.process.running import accepts, alive, until

READY = "[OK] The cluster is ready"


class Started:
    """A running `redpoll cluster start`."""

    def __init__(self, folder: Path, *words: object) -> None:
        self.folder = folder
        self.shown = folder.with_suffix(".txt")
        with self.shown.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "redpoll", "cluster", "start", "--dir", str(folder), *map(str, words)],
                env=redpoll_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def text(self) -> str:
        return self.shown.read_text()

    def says(self, text: str) -> None:
        until(lambda: text in self.text() or self.process.poll() is not None, text)
        assert text in self.text()

    def ready(self) -> Started:
        self.says("Ctrl-C stops the nodes")
        assert READY in self.text()
        return self

    def rows(self) -> dict[int, list[str]]:
        """The table by port."""
        found = re.findall(r"^127\.0\.0\.1:(\d+) +(.*)", self.text(), re.MULTILINE)
        return {int(port): row.split() for port, row in found}

    def processes(self) -> list[int]:
        return [int(row[0]) for row in self.rows().values()]

    def client(self) -> redis.cluster.RedisCluster:
        return redis.cluster.RedisCluster(host="127.0.0.1", port=next(iter(self.rows())))

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def started() -> Iterator[list[Started]]:
    made: list[Started] = []
    yield made
    for each in made:
        each.end()


@pytest.mark.timeout(300)
def test_a_cluster_is_made_used_stopped_and_started_again(tmp_path: Path, started: list[Started]) -> None:
    folder = tmp_path / "shop"
    words = ["--cluster-node-timeout", "2000"]
    first = Started(folder, "--nodes", 3, "--replicas", 0, "--port", 0, "--", *words)
    started.append(first)
    rows = first.ready().rows()
    assert [row[1:4] for row in rows.values()] == [
        ["primary", "0-5460", "5461"], ["primary", "5461-10922", "5462"], ["primary", "10923-16383", "5461"],
    ]  # fmt: skip
    client = first.client()
    for n in range(50):
        client.set(f"key:{n}", n)
    client.close()

    second = Started(folder)
    started.append(second)
    assert second.process.wait(30) == 1
    assert f"the cluster in {folder} runs already, by process {first.process.pid}" in second.text()

    processes = first.processes()
    assert first.end(signal.SIGINT) == 0
    assert not any(alive(process) for process in processes)
    assert "stopping 3 nodes" in first.text()

    for wrong, told in (
        (["--nodes", 4], "has a cluster with --nodes 3, and you ask for 4"),
        (["--replicas", 1], "has a cluster with --replicas 0, and you ask for 1"),
    ):
        refused = Started(folder, *wrong)
        started.append(refused)
        assert refused.process.wait(30) == 1
        assert told in refused.text()

    again = Started(folder)
    started.append(again)
    assert again.ready().rows().keys() == rows.keys()
    client = again.client()
    assert [client.get(f"key:{n}") for n in range(50)] == [b"%d" % n for n in range(50)]
    assert {row[4] for row in again.rows().values()} != {"0"}
    client.close()
    port, row = next(iter(again.rows().items()))
    os.kill(int(row[0]), signal.SIGKILL)
    again.says(f"127.0.0.1:{port} has ended by itself, with status -9")
    assert f"its log is {folder}/{port}/log.txt" in again.text()
    others = again.processes()[1:]
    assert all(alive(process) for process in others)
    assert again.end() == 0
    assert not any(alive(process) for process in others)


def refused(folder: Path, *words: object) -> str:
    """What a start says that is refused."""
    one = Started(folder, *words)
    assert one.process.wait(60) == 1, one.text()
    text = one.text()
    assert "Traceback" not in text
    return text


def test_what_cannot_be_started_says_what_to_do(tmp_path: Path) -> None:
    assert "Use at least 6 nodes, or fewer replicas" in refused(tmp_path / "few", "--nodes", 5, "--replicas", 1)
    assert "pass --port 55530 or lower" in refused(tmp_path / "high", "--port", 55531)
    assert "what is 'yes'" in refused(tmp_path / "words", "--port", 0, "--", "yes")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    assert "has other files (letter.txt)" in refused(tmp_path / "full")
    (tmp_path / "file").write_text("")
    assert "file: File exists" in refused(tmp_path / "file")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "cluster.json").write_text("{}")
    assert "is damaged" in refused(tmp_path / "damaged")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        if port + 10005 <= 65535:
            assert f"port {port} is in use" in refused(tmp_path / "taken", "--port", port)


def test_a_node_that_does_not_start_shows_its_log_and_leaves_nothing_running(tmp_path: Path) -> None:
    folder = tmp_path / "wrong"
    text = refused(folder, "--nodes", 3, "--replicas", 0, "--port", 0, "--", "--maxmemory", "much")
    assert re.search(r"127\.0\.0\.1:\d+ did not start\. Its log, .*log\.txt, ends:", text)
    assert "maxmemory" in text
    plan = json.loads((folder / "cluster.json").read_text())
    assert not plan["formed"]
    assert not any(accepts(port) for port in plan["ports"])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_start_that_was_cut_off_begins_again(tmp_path: Path, started: list[Started]) -> None:
    folder = tmp_path / "again"
    first = Started(folder, "--nodes", 3, "--replicas", 0, "--port", 0)
    started.append(first)
    first.says("started; making them a cluster")
    assert first.end() == 0
    assert not json.loads((folder / "cluster.json").read_text())["formed"]
    second = Started(folder, "--nodes", 4, "--replicas", 0, "--port", 0)
    started.append(second)
    assert len(second.ready().rows()) == 4
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {str(port) for port in second.rows()}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_nodes_do_not_outlive_a_closed_terminal_and_are_named_after_a_kill(
    tmp_path: Path, started: list[Started], number: int
) -> None:
    one = Started(tmp_path / "one", "--nodes", 3, "--replicas", 0, "--port", 0)
    started.append(one)
    processes = one.ready().processes()
    one.end(number)
    if number == signal.SIGHUP:
        assert not any(alive(process) for process in processes)
        return
    text = refused(tmp_path / "one")
    assert f"perhaps by process {processes[0]} of {tmp_path}/one/" in text
    for process in processes:
        os.kill(process, signal.SIGTERM)
    until(lambda: not any(alive(process) for process in processes), "the nodes end")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_local_cluster_with_a_password(tmp_path: Path, started: list[Started]) -> None:
    words = ["--", "--requirepass", "a secret", "--primaryauth", "a secret"]
    one = Started(tmp_path / "one", "--nodes", 3, "--replicas", 0, "--port", 0, "-a", "a secret", *words)
    started.append(one)
    one.ready()
    assert one.end() == 0
    assert "give the password with -a" in refused(tmp_path / "one")
    again = Started(tmp_path / "one", "-a", "a secret")
    started.append(again)
    again.ready()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_reader_that_goes_away_ends_the_cluster(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    words = f'"{sys.executable}" -m redpoll cluster start --nodes 3 --replicas 0 --port 0 --dir "{folder}" | head -1'
    subprocess.run(["sh", "-c", words], env=redpoll_environment(), timeout=120, check=False, capture_output=True)
    ports = json.loads((folder / "cluster.json").read_text())["ports"]
    until(lambda: not any(accepts(port) for port in ports), "the nodes end")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_replicas_take_over_on_one_machine(tmp_path: Path, started: list[Started]) -> None:
    one = Started(tmp_path / "six", "--port", 0, "--", "--cluster-node-timeout", "2000")
    started.append(one)
    one.ready()
    assert [row[1] for row in one.rows().values()] == ["primary", "replica"] * 3
    client = one.client()
    for n in range(100):
        client.set(f"key:{n}", n)
    client.wait(1, 5000, target_nodes=client.PRIMARIES)
    client.close()
    port, row = next(iter(one.rows().items()))
    os.kill(int(row[0]), signal.SIGKILL)
    survivor = redis.Redis(port=list(one.rows())[1])
    until(lambda: survivor.info("replication")["role"] == "master", "the replica takes over")
    until(lambda: survivor.execute_command("CLUSTER INFO")["cluster_state"] == "ok", "the cluster is ok")
    survivor.close()
    assert one.end() == 0
    again = Started(tmp_path / "six")
    started.append(again)
    rows = again.ready().rows()
    assert rows[port][1] == "replica"
    client = again.client()
    assert [client.get(f"key:{n}") for n in range(100)] == [b"%d" % n for n in range(100)]
    client.close()
