"""Stream workers: every job is done once, though a worker is killed with one in its hands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
from examples.stream_workers import Job, Queue, Receipts, Worker, main
from tests.process.running import until

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "stream_workers.py"
LONG_AGO_MS = 3_600_000


def pending(client: redis.Redis, queue: Queue) -> list[dict[str, Any]]:
    rows: Any = client.xpending_range(queue.stream, queue.group, "-", "+", 100)
    return list(rows)


def grow_old(client: redis.Redis, queue: Queue, entry_id: str) -> None:
    """Make an entry look as if its worker had been silent for an hour."""
    holder = pending(client, queue)[0]["consumer"]
    client.xclaim(queue.stream, queue.group, holder, 0, [entry_id], idle=LONG_AGO_MS, justid=True)


def no_work(entry_id: str, job: Job) -> None:
    """A handler that succeeds."""


def refuse(entry_id: str, job: Job) -> None:
    raise ValueError("no")


def test_a_killed_worker_s_job_is_done_by_another(client: redis.Redis, url: str) -> None:
    queue = Queue(idle_ms=300)
    queue.create(client)
    for number in range(4):
        queue.add(client, {"item": f"item {number}"})

    command = [sys.executable, str(EXAMPLE), "work", "--url", url, "--name", "doomed", "--seconds", "600"]
    doomed = subprocess.Popen([*command, "--idle-ms", "300"], stdout=subprocess.PIPE, text=True)
    try:
        assert doomed.stdout is not None
        assert "doomed works" in doomed.stdout.readline()
        assert doomed.stdout.readline() == "working on item 0\n"
    finally:
        doomed.kill()
        doomed.communicate()
    assert [row["consumer"] for row in pending(client, queue)] == ["doomed"]

    heir = Worker(client, queue, "heir", Receipts(client))
    until(lambda: heir.step(wait_ms=20) and heir.done == 4, "the heir to do all four jobs")
    receipts: Any = client.hvals("receipts")
    assert sorted(receipts) == [f"item {number}" for number in range(4)]
    assert pending(client, queue) == []
    assert client.xlen(queue.dead) == 0


def test_a_heartbeat_keeps_the_job_and_counts_as_no_delivery(client: redis.Redis) -> None:
    queue = Queue()
    queue.create(client)
    entry_id = queue.add(client, {"item": "book"})
    other = Worker(client, queue, "other", no_work)

    def beat_when_old(entry_id: str, job: Job) -> None:
        grow_old(client, queue, entry_id)
        slow.beat(entry_id)
        assert not other.step(wait_ms=1), "the other worker took a job that is being done"
        [row] = pending(client, queue)
        assert row["consumer"] == "slow" and row["times_delivered"] == 1
        assert row["time_since_delivered"] < LONG_AGO_MS

    slow = Worker(client, queue, "slow", beat_when_old)
    assert slow.step()
    assert (slow.done, slow.failed) == (1, 0)
    assert entry_id


def test_hearts_beat_by_themselves_while_a_job_runs(client: redis.Redis) -> None:
    queue = Queue(idle_ms=30)
    queue.create(client)
    queue.add(client, {"item": "book"})

    def wait_for_beat(entry_id: str, job: Job) -> None:
        grow_old(client, queue, entry_id)
        until(lambda: pending(client, queue)[0]["time_since_delivered"] < LONG_AGO_MS, "a heartbeat")

    worker = Worker(client, queue, "slow", wait_for_beat)
    worker.step()
    assert worker.done == 1


def test_a_job_that_always_fails_becomes_a_dead_letter(client: redis.Redis) -> None:
    queue = Queue(deliveries=3)
    queue.create(client)
    entry_id = queue.add(client, {"item": "bad"})
    worker = Worker(client, queue, "worker", refuse)
    for _ in range(3):
        assert worker.step(wait_ms=1)
        assert not worker.step(wait_ms=1), "a job that failed was taken again at once"
        grow_old(client, queue, entry_id)
    assert worker.step(wait_ms=1)

    assert (worker.failed, worker.buried, worker.done) == (3, 1, 0)
    assert pending(client, queue) == []
    letters: Any = client.xrange(queue.dead)
    assert [job for _, job in letters] == [{"item": "bad", "id": entry_id, "deliveries": "3"}]


def test_many_workers_share_the_jobs(client: redis.Redis) -> None:
    queue = Queue()
    queue.create(client)
    queue.create(client)
    for number in range(30):
        queue.add(client, {"item": str(number)})
    workers = [Worker(client, queue, f"worker {number}", Receipts(client)) for number in range(3)]
    for _ in range(10):
        for worker in workers:
            assert worker.step()
    assert [worker.done for worker in workers] == [10, 10, 10]
    assert client.hlen("receipts") == 30


def test_the_demonstration(url: str, client: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    main(["demo", "--url", url])
    told = capsys.readouterr().out
    assert "packed ['book', 'chair', 'lamp'], after 3 failures" in told
    main(["add", "--url", url, "--count", "3"])
    assert client.xlen("orders") == 3
