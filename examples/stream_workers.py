"""Workers that share the entries of a stream, and lose none when one of them dies.

Delivery:    XREADGROUP gives each entry to one worker of the group; XACK ends it.
Heartbeat:   while a job runs, XCLAIM JUSTID sets the entry's idle time back, so nobody takes it for abandoned.
Recovery:    XAUTOCLAIM gives an entry that has been idle too long, because its worker died or failed, to another worker
             and counts the delivery.
Dead letter: an entry that was delivered too often moves to a second stream, where people can look at it.

Each entry is delivered at least once.  A handler that must not act twice keys its effect by the entry's id, as
`Receipts` does.

    python examples/stream_workers.py demo                       everything in one process
    python examples/stream_workers.py add --count 100            or by hand: add jobs ...
    python examples/stream_workers.py work --name w1             ... and run any number of these
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis

Job = dict[str, str]
Handler = Callable[[str, Job], None]


def fields_of(job: Job) -> Any:
    """A job as XADD sends it; redis-py declares a dict whose keys may be anything, which a dict of str is not."""
    return job


@dataclass(frozen=True)
class Queue:
    """Names and limits that all workers share; times are in milliseconds."""

    stream: str = "orders"
    group: str = "packers"
    idle_ms: int = 30_000
    deliveries: int = 3

    @property
    def dead(self) -> str:
        """The stream of dead letters."""
        return f"{self.stream}:dead"

    def create(self, client: redis.Redis) -> None:
        """Create stream and group unless they are there."""
        try:
            client.xgroup_create(self.stream, self.group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def add(self, client: redis.Redis, job: Job) -> str:
        """Add a job, and return its id."""
        entry_id: Any = client.xadd(self.stream, fields_of(job))
        return str(entry_id)


class Worker:
    """One consumer of the group."""

    def __init__(self, client: redis.Redis, queue: Queue, name: str, handle: Handler) -> None:
        self.client = client
        self.queue = queue
        self.name = name
        self.handle = handle
        self.done = 0
        self.failed = 0
        self.buried = 0

    def step(self, wait_ms: int = 1000) -> bool:
        """Do one job: an abandoned one if there is any, else a new one.  False if none came within `wait_ms`."""
        taken = self._take_abandoned() or self._take_new(wait_ms)
        if taken is None:
            return False
        entry_id, job = taken
        deliveries = self._deliveries(entry_id)
        if deliveries > self.queue.deliveries:
            self._bury(entry_id, job, deliveries - 1)
            return True
        try:
            with self._heartbeat(entry_id):
                self.handle(entry_id, job)
        except Exception:
            # The entry stays pending. Once it has been idle long enough, somebody tries again.
            self.failed += 1
        else:
            self.client.xack(self.queue.stream, self.queue.group, entry_id)
            self.done += 1
        return True

    def beat(self, entry_id: str) -> None:
        """Say that the job still runs.  JUSTID: this is no delivery, so it is not counted as one."""
        queue = self.queue
        self.client.xclaim(queue.stream, queue.group, self.name, 0, [entry_id], justid=True)

    def _take_abandoned(self) -> tuple[str, Job] | None:
        queue = self.queue
        reply: Any = self.client.xautoclaim(queue.stream, queue.group, self.name, queue.idle_ms, count=1)
        claimed: list[tuple[str, Job]] = reply[1]
        return claimed[0] if claimed else None

    def _take_new(self, wait_ms: int) -> tuple[str, Job] | None:
        queue = self.queue
        reply: Any = self.client.xreadgroup(queue.group, self.name, {queue.stream: ">"}, count=1, block=max(1, wait_ms))
        if not reply:
            return None
        # RESP3 answers with a map of streams, RESP2 with a list of pairs.
        entries: Any = next(iter(reply.values()))[0] if isinstance(reply, dict) else reply[0][1]
        entry_id, job = entries[0]
        return entry_id, job

    def _deliveries(self, entry_id: str) -> int:
        queue = self.queue
        rows: Any = self.client.xpending_range(queue.stream, queue.group, entry_id, entry_id, 1)
        return int(rows[0]["times_delivered"]) if rows else 1

    def _bury(self, entry_id: str, job: Job, deliveries: int) -> None:
        """Move an entry to the dead letters: both steps or none."""
        queue = self.queue
        with self.client.pipeline() as both:
            both.xadd(queue.dead, fields_of({**job, "id": entry_id, "deliveries": str(deliveries)}))
            both.xack(queue.stream, queue.group, entry_id)
            both.execute()
        self.buried += 1

    @contextmanager
    def _heartbeat(self, entry_id: str) -> Iterator[None]:
        """Beat three times in each `idle_ms`, from a thread, for a `with` block."""
        over = threading.Event()

        def beats() -> None:
            while not over.wait(self.queue.idle_ms / 3000):
                self.beat(entry_id)

        thread = threading.Thread(target=beats, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


class Receipts:
    """A handler that writes one receipt for each job, however often the job is delivered."""

    def __init__(self, client: redis.Redis, seconds: float = 0.0) -> None:
        self.client = client
        self.seconds = seconds

    def __call__(self, entry_id: str, job: Job) -> None:
        print(f"working on {job['item']}", flush=True)
        time.sleep(self.seconds)
        if job["item"] == "bad":
            raise ValueError("cannot be packed")
        self.client.hsetnx("receipts", entry_id, job["item"])


def demonstrate(client: redis.Redis) -> None:
    """Let a worker die with a job, and have another one finish everything."""
    queue = Queue(stream="demo:orders", idle_ms=100)
    client.delete(queue.stream, queue.dead, "receipts")
    queue.create(client)
    for item in ("book", "lamp", "bad", "chair"):
        queue.add(client, {"item": item})
    # The first worker takes a job, and is never heard of again.
    client.xreadgroup(queue.group, "first", {queue.stream: ">"}, count=1)
    worker = Worker(client, queue, "second", Receipts(client))
    while worker.done < 3 or worker.buried < 1:
        worker.step(wait_ms=50)
    packed: Any = client.hvals("receipts")
    letters: Any = client.xrange(queue.dead)
    print(f"packed {sorted(packed)}, after {worker.failed} failures; dead letters: {[job for _, job in letters]}")


def main(words: list[str] | None = None) -> None:
    """Add jobs, work, or show both."""
    parser = argparse.ArgumentParser(description="Workers of a stream.")
    parser.add_argument("what", choices=["add", "work", "demo"])
    parser.add_argument("--url", default="redis://127.0.0.1:6379")
    parser.add_argument("--name", default="worker", help="work: the consumer's name, one for each process")
    parser.add_argument("--seconds", type=float, default=0.0, help="work: how long each job takes")
    parser.add_argument("--idle-ms", type=int, default=Queue.idle_ms, help="work: silence after which a job is taken")
    parser.add_argument("--count", type=int, default=10, help="add: number of jobs")
    options = parser.parse_args(words)

    client = redis.Redis.from_url(options.url, decode_responses=True)
    queue = Queue(idle_ms=options.idle_ms)
    if options.what == "demo":
        demonstrate(client)
    elif options.what == "add":
        for number in range(options.count):
            queue.add(client, {"item": f"item {number}"})
        print(f"added {options.count} jobs")
    else:
        queue.create(client)
        worker = Worker(client, queue, options.name, Receipts(client, options.seconds))
        print(f"{options.name} works; end it with ^C", flush=True)
        while True:
            worker.step()
    client.close()


if __name__ == "__main__":
    main()
