"""A cache of several redpoll nodes in front of a slow database.

Reading:    an entry is fresh for a while, and stale for a while after that.  One reader loads what is stale or missing
            (a lock key says who); the others get the stale value at once, or wait for the first load.
Expiry:     every entry has a time to live with some random part, so entries of one moment do not all end at one moment.
Memory:     each node has `maxmemory` with `allkeys-lru`: what nobody reads makes room.
Nodes:      a consistent hash of the key chooses the node, so a node that comes or goes moves its own share only.
Writing:    change the database, then `forget` the key.  That also takes the lock of a reader that is loading the old
            value, so it cannot store it any more.

    python examples/cached_database.py --urls redis://127.0.0.1:6379 redis://127.0.0.1:6380
"""

from __future__ import annotations

import argparse
import bisect
import hashlib
import json
import random
import secrets
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def connect(url: str, timeout: float = 1.0) -> redis.Redis:
    """A client that gives up soon: the database answers faster than a cache that is tried for many seconds."""
    retry = Retry(NoBackoff(), 1)
    return redis.Redis.from_url(
        url, decode_responses=True, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry
    )


class Ring:
    """Which of several nodes has a key.

    Each node takes `points` places on a circle of hashes; a key belongs to the first place behind its own hash.
    """

    def __init__(self, names: Iterable[str], points: int = 100) -> None:
        self.places = sorted((self._hash(f"{name}#{number}"), name) for name in names for number in range(points))
        self.hashes = [place for place, _ in self.places]

    @staticmethod
    def _hash(text: str) -> int:
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")

    def node_of(self, key: str) -> str:
        """O(log n) for n places."""
        return self.places[bisect.bisect(self.hashes, self._hash(key)) % len(self.places)][1]


class Products:
    """The slow database: a SQLite file whose queries take `delay` seconds."""

    def __init__(self, path: Path, delay: float = 0.0) -> None:
        self.path = path
        self.delay = delay
        self.queries = 0
        self._counting = threading.Lock()
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE IF NOT EXISTS products (name TEXT PRIMARY KEY, price INTEGER)")
        database.close()

    def put(self, prices: dict[str, int]) -> None:
        with sqlite3.connect(self.path) as database:
            database.executemany("REPLACE INTO products VALUES (?, ?)", prices.items())
        database.close()

    def price(self, name: str) -> int | None:
        """The price, or None for a product that there is not."""
        with self._counting:
            self.queries += 1
        time.sleep(self.delay)
        database = sqlite3.connect(self.path)
        row = database.execute("SELECT price FROM products WHERE name = ?", (name,)).fetchone()
        database.close()
        return None if row is None else int(row[0])


@dataclass
class Counters:
    """What became of the reads."""

    hits: int = 0
    stale: int = 0
    loads: int = 0
    waits: int = 0
    unreachable: int = 0


Load = Callable[[str], int | None]


class Cache:
    """Reads through to `load`; what it returns is kept on the node of the key, None too."""

    def __init__(
        self,
        nodes: dict[str, redis.Redis],
        load: Load,
        *,
        fresh: float = 60.0,
        stale: float = 600.0,
        jitter: float = 0.1,
        lock_seconds: float = 5.0,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.nodes = nodes
        self.ring = Ring(nodes)
        self.load = load
        self.fresh = fresh
        self.stale = stale
        self.jitter = jitter
        self.lock_ms = int(lock_seconds * 1000)
        self.clock = clock
        self.pause = pause
        self.seen = Counters()

    def limit_memory(self, maxmemory: str) -> None:
        """Let each node hold at most `maxmemory` of data; the entries used longest ago go first."""
        for node in self.nodes.values():
            node.config_set("maxmemory-policy", "allkeys-lru")
            node.config_set("maxmemory", maxmemory)

    def get(self, key: str) -> int | None:
        """The value of the cache, or of the database when the cache has none or its node does not answer."""
        node = self.nodes[self.ring.node_of(key)]
        try:
            return self._read(node, key)
        except (redis.ConnectionError, redis.TimeoutError):
            self.seen.unreachable += 1
            return self.load(key)

    def forget(self, key: str) -> None:
        """Drop an entry after a change of the database, and refuse the value of a load that runs."""
        self.nodes[self.ring.node_of(key)].delete(f"cache:{key}", f"loading:{key}")

    def _read(self, node: redis.Redis, key: str) -> int | None:
        waited = False
        while True:
            entry = self._entry(node, key)
            if entry is not None and self.clock() < entry["fresh_until"]:
                self.seen.hits += 1
                return _value_of(entry)
            secret = secrets.token_hex(8)
            if node.set(f"loading:{key}", secret, nx=True, px=self.lock_ms):
                # Since our look another reader may have stored the entry and given the lock back: look again.
                latest = self._entry(node, key)
                if latest == entry:
                    return self._load(node, key, secret)
                node.delete(f"loading:{key}")
                continue
            if entry is not None:
                self.seen.stale += 1
                return _value_of(entry)
            # Somebody loads it. If that one dies, its lock expires, and the next round loads here.
            self.seen.waits += not waited
            waited = True
            self.pause(0.005)

    @staticmethod
    def _entry(node: redis.Redis, key: str) -> dict[str, Any] | None:
        text: Any = node.get(f"cache:{key}")
        entry: dict[str, Any] | None = None if text is None else json.loads(text)
        return entry

    def _load(self, node: redis.Redis, key: str, secret: str) -> int | None:
        """Ask the database and store the answer, unless the lock has gone meanwhile."""
        self.seen.loads += 1
        value = self.load(key)
        fresh = self.fresh * random.uniform(1.0 - self.jitter, 1.0 + self.jitter)
        entry = json.dumps({"value": value, "fresh_until": self.clock() + fresh})
        with node.pipeline() as step:
            step.watch(f"loading:{key}")
            holder: Any = step.get(f"loading:{key}")
            if holder == secret:
                step.multi()
                step.set(f"cache:{key}", entry, px=int((fresh + self.stale) * 1000))
                step.delete(f"loading:{key}")
                try:
                    step.execute()
                except redis.WatchError:
                    pass  # forgotten, or evicted, at this very moment
        return value


def _value_of(entry: dict[str, Any]) -> int | None:
    value: int | None = entry["value"]
    return value


def evictions(cache: Cache) -> int:
    """Entries that made room for others, on all nodes."""
    return sum(int(node.info("stats")["evicted_keys"]) for node in cache.nodes.values())


def main(words: list[str] | None = None) -> None:
    """Read the same products from many threads, then more products than the memory has room for."""
    parser = argparse.ArgumentParser(description="Cache a slow SQLite database on several redpoll nodes.")
    parser.add_argument("--urls", nargs="+", default=["redis://127.0.0.1:6379"])
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--maxmemory", default="100kb", help="of each node")
    parser.add_argument("--timeout", type=float, default=1.0, help="seconds after which a node is passed by")
    options = parser.parse_args(words)

    nodes = {url: connect(url, options.timeout) for url in options.urls}
    with tempfile.TemporaryDirectory() as folder:
        products = Products(Path(folder, "products.db"), delay=0.05)
        products.put({f"product {number}": number for number in range(options.products)})
        cache = Cache(nodes, products.price)
        with ThreadPoolExecutor(20) as pool:
            prices = set(pool.map(cache.get, ["product 7"] * 200))
        print(f"200 reads of one product by 20 threads: price {prices}, {products.queries} queries")

        products.put({"product 7": 70})
        cache.forget("product 7")
        print(f"after a change: price {cache.get('product 7')}, {products.queries} queries")

        products.delay = 0.0
        cache.limit_memory(options.maxmemory)
        for number in range(options.products):
            cache.get(f"product {number}")
            cache.get("product 7")
        entries = sum(node.dbsize() for node in nodes.values())
        print(f"{options.products} products with {options.maxmemory} on each of {len(nodes)} nodes:")
        print(f"{entries} entries are left, {evictions(cache)} made room; {cache.seen}")
    for node in nodes.values():
        node.config_set("maxmemory", "0")
        node.close()


if __name__ == "__main__":
    main()
