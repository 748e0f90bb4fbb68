"""A job queue with retries and delayed jobs, from lists and a sorted set.

Ready jobs are a list.  BLMOVE waits for one and moves it to the worker's own list as one step, so a job is always in
some list.  Delayed jobs are a sorted set by their time; any worker moves those that are due.  A job that fails waits
twice as long each time, and after `attempts` failures goes to the list of dead jobs.  A worker that dies leaves its
list behind: when its sign of life has expired, any other worker puts the jobs back.

Each job runs at least once.

    python examples/job_queue.py --url redis://127.0.0.1:6379
"""

from __future__ import annotations

import argparse
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

Clock = Callable[[], float]


@dataclass(frozen=True)
class Job:
    """A job; `failures` is how often it has failed."""

    id: str
    payload: dict[str, Any]
    failures: int = 0

    def text(self) -> str:
        return json.dumps({"id": self.id, "payload": self.payload, "failures": self.failures})

    @staticmethod
    def of(text: str) -> Job:
        fields = json.loads(text)
        return Job(fields["id"], fields["payload"], fields["failures"])


class Queue:
    """The queue called `name`; a job itself is the text in the lists."""

    def __init__(self, client: redis.Redis, name: str, *, clock: Clock = time.time) -> None:
        self.client = client
        self.clock = clock
        self.ready = f"queue:{name}:ready"
        self.delayed = f"queue:{name}:delayed"
        self.dead = f"queue:{name}:dead"
        self.workers = f"queue:{name}:workers"

    def working(self, worker: str) -> str:
        """The list of what a worker has in its hands."""
        return f"{self.ready}:{worker}"

    def alive(self, worker: str) -> str:
        """The key that is there while a worker lives."""
        return f"{self.workers}:{worker}"

    def put(self, payload: dict[str, Any], delay: float = 0.0) -> Job:
        """Add a job, to run at once or after `delay` seconds."""
        job = Job(secrets.token_hex(8), payload)
        if delay > 0:
            self.client.zadd(self.delayed, {job.text(): self.clock() + delay})
        else:
            self.client.lpush(self.ready, job.text())
        return job

    def promote(self, most: int = 100) -> int:
        """Make delayed jobs ready whose time has come; returns how many.

        Several workers may try at the same moment.  WATCH lets one of them succeed, and the others need not try again.
        """
        with self.client.pipeline() as step:
            step.watch(self.delayed)
            due: Any = step.zrangebyscore(self.delayed, "-inf", self.clock(), start=0, num=most)
            if not due:
                return 0
            step.multi()
            step.zrem(self.delayed, *due)
            step.lpush(self.ready, *due)
            try:
                step.execute()
            except redis.WatchError:
                return 0
        return len(due)

    def rescue(self) -> int:
        """Put back the jobs of workers that show no sign of life; returns how many."""
        names: Any = self.client.smembers(self.workers)
        return sum(self._rescue_from(name) for name in names)

    def _rescue_from(self, worker: str) -> int:
        """Put back the jobs of one worker, unless it lives, or shows a sign of life before that is done."""
        working, alive = self.working(worker), self.alive(worker)
        with self.client.pipeline() as step:
            step.watch(alive, working)
            if step.exists(alive):
                return 0
            jobs: Any = step.lrange(working, 0, -1)
            step.multi()
            if jobs:
                # To the end that is served next: these jobs have waited longest.
                step.rpush(self.ready, *jobs)
            step.delete(working)
            step.srem(self.workers, worker)
            try:
                step.execute()
            except redis.WatchError:
                return 0
        return len(jobs)

    def counts(self) -> dict[str, int]:
        """Jobs by state, those in work excepted."""
        with self.client.pipeline() as step:
            step.llen(self.ready)
            step.zcard(self.delayed)
            step.llen(self.dead)
            ready, delayed, dead = step.execute()
        return {"ready": ready, "delayed": delayed, "dead": dead}


class Worker:
    """Takes jobs and runs `run`; a job must not take longer than `job_seconds`, or another worker gets it too."""

    def __init__(
        self,
        queue: Queue,
        name: str,
        run: Callable[[Job], None],
        *,
        attempts: int = 3,
        backoff: float = 1.0,
        job_seconds: float = 60.0,
    ) -> None:
        self.queue = queue
        self.client = queue.client
        self.name = name
        self.run = run
        self.attempts = attempts
        self.backoff = backoff
        self.job_ms = int(job_seconds * 1000)

    def step(self, wait: float = 1.0) -> bool:
        """Do what is due and one job; False if none came within `wait` seconds."""
        self.queue.rescue()
        self.queue.promote()
        job = self.take(wait)
        if job is None:
            return False
        try:
            self.run(job)
        except Exception as error:
            self._fail(job, str(error))
        else:
            self.client.lrem(self.queue.working(self.name), 1, job.text())
        return True

    def take(self, wait: float) -> Job | None:
        """Wait for a job and take it in hand."""
        self.sign_of_life(wait)
        seconds: Any = wait  # redis-py declares an int, and sends fractions too
        text: Any = self.client.blmove(self.queue.ready, self.queue.working(self.name), seconds, "RIGHT", "LEFT")
        if text is None:
            return None
        self.sign_of_life(0.0)
        return Job.of(text)

    def sign_of_life(self, wait: float) -> None:
        """Register, and live for the time of the wait and of one job."""
        with self.client.pipeline() as both:
            both.set(self.queue.alive(self.name), "1", px=self.job_ms + int(wait * 1000))
            both.sadd(self.queue.workers, self.name)
            both.execute()

    def _fail(self, job: Job, reason: str) -> None:
        """Let the job wait for its next attempt, or bury it; in the transaction that takes it out of hand."""
        queue = self.queue
        again = Job(job.id, job.payload, job.failures + 1)
        with self.client.pipeline() as step:
            step.lrem(queue.working(self.name), 1, job.text())
            if again.failures >= self.attempts:
                step.lpush(queue.dead, json.dumps({**json.loads(again.text()), "reason": reason}))
            else:
                due = queue.clock() + self.backoff * 2**job.failures
                step.zadd(queue.delayed, {again.text(): due})
            step.execute()


def main(words: list[str] | None = None) -> None:
    """Run jobs that succeed, fail sometimes and always fail, on a clock that the program moves."""
    parser = argparse.ArgumentParser(description="A job queue.")
    parser.add_argument("--url", default="redis://127.0.0.1:6379")
    options = parser.parse_args(words)

    client = redis.Redis.from_url(options.url, decode_responses=True)
    now = [0.0]
    queue = Queue(client, f"demo {secrets.token_hex(4)}", clock=lambda: now[0])

    def send(job: Job) -> None:
        to = job.payload["to"]
        if to == "nobody" or (to == "bob" and not job.failures):
            raise ValueError(f"no answer from {to}")
        print(f"at {now[0]:4.0f} s: mail to {to}, after {job.failures} failures")

    queue.put({"to": "ann"})
    queue.put({"to": "bob"})
    queue.put({"to": "nobody"})
    queue.put({"to": "carl"}, delay=10)
    # A worker that dies with a job in its hands: its sign of life is taken away rather than waited for.
    doomed = Worker(queue, "doomed", send)
    lost = doomed.take(1.0)
    client.delete(queue.alive("doomed"))
    print("the first worker died with the mail to", lost.payload["to"] if lost else "nobody")

    worker = Worker(queue, "second", send)
    while queue.counts()["ready"] or queue.counts()["delayed"] or client.scard(queue.workers) > 1:
        if not worker.step(0.01):
            now[0] += 1
    dead: Any = client.lrange(queue.dead, 0, -1)
    print("dead:", [f"{each['payload']['to']}: {each['reason']}" for each in map(json.loads, dead)])
    client.delete(queue.dead, queue.workers, queue.alive("second"))
    client.close()


if __name__ == "__main__":
    main()
