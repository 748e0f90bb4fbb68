"""The job queue: order, delays, retries, and workers that die."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from examples.job_queue import Job, Queue, Worker, main
from tests.examples.conftest import HandClock
from tests.process.running import until


class Ran(list[Any]):
    """A handler that keeps the number of each job it ran, and fails for those in `bad`."""

    def __init__(self, bad: set[int] | None = None) -> None:
        super().__init__()
        self.bad = bad or set()

    def __call__(self, job: Job) -> None:
        self.append(job.payload["number"])
        if job.payload["number"] in self.bad:
            raise ValueError("no")


def test_jobs_run_in_their_order(client: redis.Redis) -> None:
    queue = Queue(client, "test")
    for number in range(5):
        queue.put({"number": number})
    ran = Ran()
    worker = Worker(queue, "worker", ran)
    while worker.step(0.01):
        pass
    assert ran == [0, 1, 2, 3, 4]
    assert queue.counts() == {"ready": 0, "delayed": 0, "dead": 0}
    assert not client.exists(queue.working("worker"))


def test_a_waiting_worker_gets_a_job_at_once(client: redis.Redis) -> None:
    queue = Queue(client, "test")
    ran = Ran()
    with ThreadPoolExecutor(1) as pool:
        step = pool.submit(Worker(queue, "worker", ran).step, 20.0)
        until(lambda: client.info("clients")["blocked_clients"] == 1, "the worker to wait")
        queue.put({"number": 1})
        assert step.result()
    assert ran == [1]


def test_a_delayed_job_runs_when_its_time_has_come(client: redis.Redis, clock: HandClock) -> None:
    queue = Queue(client, "test", clock=clock)
    ran = Ran()
    worker = Worker(queue, "worker", ran)
    queue.put({"number": 2}, delay=20)
    queue.put({"number": 1}, delay=10)
    assert not worker.step(0.01)
    clock.now += 10
    assert worker.step(0.01) and not worker.step(0.01)
    assert ran == [1]
    clock.now += 10
    assert worker.step(0.01)
    assert ran == [1, 2]


def test_a_job_that_fails_waits_longer_each_time_and_dies_at_last(client: redis.Redis, clock: HandClock) -> None:
    queue = Queue(client, "test", clock=clock)
    ran = Ran(bad={1})
    worker = Worker(queue, "worker", ran, attempts=3, backoff=1.0)
    job = queue.put({"number": 1})
    assert worker.step(0.01)
    for seconds in (1, 2):
        clock.now += seconds - 0.1
        assert not worker.step(0.01)
        clock.now += 0.1
        assert worker.step(0.01)
    assert ran == [1, 1, 1]
    assert queue.counts() == {"ready": 0, "delayed": 0, "dead": 1}
    dead: Any = client.lindex(queue.dead, 0)
    assert json.loads(dead) == {"id": job.id, "payload": {"number": 1}, "failures": 3, "reason": "no"}


def test_the_jobs_of_a_dead_worker_run_elsewhere(client: redis.Redis) -> None:
    queue = Queue(client, "test")
    for number in range(3):
        queue.put({"number": number})
    ran = Ran()
    doomed = Worker(queue, "doomed", ran, job_seconds=0.05)
    assert doomed.take(0.01) is not None
    heir = Worker(queue, "heir", ran)
    until(lambda: heir.step(0.01) and len(ran) == 3, "the heir to run all jobs")
    assert sorted(ran) == [0, 1, 2]
    assert client.smembers(queue.workers) == {"heir"}


def test_a_living_worker_keeps_its_job(client: redis.Redis) -> None:
    queue = Queue(client, "test")
    queue.put({"number": 1})
    slow = Worker(queue, "slow", Ran())
    assert slow.take(0.01) is not None
    assert not Worker(queue, "other", Ran()).step(0.01)
    assert client.llen(queue.working("slow")) == 1


def test_workers_that_promote_at_once_move_each_job_once(client: redis.Redis, clock: HandClock) -> None:
    queue = Queue(client, "test", clock=clock)
    for number in range(100):
        queue.put({"number": number}, delay=1)
    clock.now += 1
    with ThreadPoolExecutor(8) as pool:
        moved = sum(pool.map(lambda _: queue.promote(10), range(200)))
    assert moved == 100
    assert queue.counts() == {"ready": 100, "delayed": 0, "dead": 0}


def test_the_demonstration(url: str, client: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--url", url])
    told = capsys.readouterr().out
    assert "the first worker died with the mail to ann" in told
    assert "at    0 s: mail to ann, after 0 failures" in told
    assert "mail to bob, after 1 failures" in told
    assert "mail to carl" in told
    assert "dead: ['nobody: no answer from nobody']" in told
    assert client.dbsize() == 0
