"""A long mixed load at the memory limit, with keyspace events: memory stays bounded, and no client sees an error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import redis
from tests.process.conftest import Start
from tests.process.running import Running

LIMIT = 100 << 20
SECONDS = 30
LONG_SECONDS = 600
WORKERS = 3
PATIENCE = 150.0
KEYS = 300000
SLACK = 16 << 20
"""Free blocks between others, and the clients."""

SHORT_GROWTH = 1.1
"""What the process may grow by in the short form, in limits; 1.084 was measured after 150 seconds."""

LOCAL = ("--bind", "127.0.0.1", "--port", "{port}", "--notify-keyspace-events", "KEA")


def resident(server: Running) -> int:
    words = Path(f"/proc/{server.process.pid}/statm").read_text().split()
    return int(words[1]) * 4096


def batch(pipe: redis.client.Pipeline, drawn: Random) -> None:
    """Queue some commands of all types, on keys that others use too."""
    for _ in range(30):
        n = drawn.randrange(KEYS)
        size = drawn.choice([10, 100, 100, 1000, 3000])
        kind = n % 7
        key = f"{kind}:{n}"
        if drawn.random() < 0.05:
            pipe.delete(key)
        elif drawn.random() < 0.1:
            pipe.pexpire(key, drawn.randrange(1, 5000))
        elif kind == 0:
            pipe.set(key, "v" * size, px=drawn.randrange(1000, 20000))
        elif kind == 1:
            pipe.set(key, "v" * size)
            pipe.get(key)
        elif kind == 2:
            pipe.hset(key, f"field {drawn.randrange(50)}", "v" * (size // 10))
        elif kind == 3:
            pipe.zadd(key, {f"member {drawn.randrange(300)}": drawn.random()})
            pipe.zrange(key, 0, 5)
        elif kind == 4:
            pipe.lpush(key, "v" * (size // 10))
            pipe.ltrim(key, 0, 99)
        elif kind == 5:
            pipe.sadd(key, drawn.randrange(1000))
        else:
            pipe.xadd(key, {"f": "v" * (size // 10)}, maxlen=50)


class Load:
    """Clients that work until they are stopped.  `failures` has what they did not expect."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.ends = threading.Event()
        self.failures: list[str] = []
        self.batches = 0
        self.events = 0
        jobs: list[Callable[[], None]] = [self.listen, *[lambda seed=n: self.work(seed) for n in range(WORKERS)]]  # type: ignore[misc]
        self.threads = [threading.Thread(target=self.watched, args=(job,)) for job in jobs]
        for thread in self.threads:
            thread.start()

    def watched(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as failure:
            self.failures.append(repr(failure))

    def work(self, seed: int) -> None:
        drawn = Random(seed)
        client = self.server.client()
        while not self.ends.is_set():
            pipe = client.pipeline(transaction=drawn.random() < 0.2)
            batch(pipe, drawn)
            pipe.execute()
            self.batches += 1

    def listen(self) -> None:
        listener = self.server.client().pubsub()
        listener.psubscribe("__keyevent@0__:e*")
        while not self.ends.is_set():
            if listener.get_message(timeout=0.1) is not None:
                self.events += 1

    def stop(self) -> None:
        self.ends.set()
        for thread in self.threads:
            thread.join()


def reached(client: redis.Redis, until: float) -> bool:
    """Whether keys were evicted and expired, or the time for it is over."""
    stats = client.info("stats")
    return (stats["evicted_keys"] > 0 and stats["expired_keys"] > 0) or time.monotonic() > until


def soak(start: Start, seconds: float) -> None:
    server = start(*LOCAL, "--maxmemory", str(LIMIT), "--maxmemory-policy", "allkeys-lru").ready()
    client = server.client()
    before = resident(server)
    load = Load(server)
    try:
        began = time.monotonic()
        # A slow machine needs longer until the limit is reached.
        while not load.failures and (time.monotonic() < began + seconds or not reached(client, began + PATIENCE)):
            memory = client.info("memory")
            used = memory["used_memory"] - memory["mem_not_counted_for_evict"]
            assert used <= LIMIT * 1.05, used
            counted = memory["mem_not_counted_for_evict"]
            grown = resident(server) - before
            assert grown <= (LIMIT + counted) * 1.2 - counted + SLACK, grown
            assert seconds > SECONDS or grown <= LIMIT * SHORT_GROWTH, grown
            load.ends.wait(0.1)
    finally:
        load.stop()
    assert load.failures == []
    stats = client.info("stats")
    assert stats["evicted_keys"] > 0 and stats["expired_keys"] > 0, (load.batches, stats["evicted_keys"])
    assert load.events > 0
    assert client.ping()


@pytest.mark.timeout(240)
def test_a_mixed_load_at_the_limit(start: Start) -> None:
    soak(start, SECONDS)


@pytest.mark.slow
@pytest.mark.timeout(LONG_SECONDS + 300)
def test_a_mixed_load_at_the_limit_for_ten_minutes(start: Start) -> None:
    soak(start, LONG_SECONDS)
