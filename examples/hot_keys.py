"""Hot keys: find them, and two cures with their measured effect.

A key lives on one node, so a key that everybody reads keeps one node busy, however many there are.

Finding:     HOTKEYS START ... GET measures each command for a while; `INFO hotkeys` always shows the last ten seconds.
SplitValue   keeps a copy of the value under several keys, `page:0#0` to `page:0#7`.  They lie on different nodes.  A
             reader picks one by chance; a writer writes all.  For values that are read much and written little.
SplitCounter counts in several keys, and adds them up to read.  For counters that are written much and read little.
LocalCopy    keeps what it reads in the client for a second.  Then a client asks once a second however often it reads,
             and may see a value that is one second old.

    python examples/hot_keys.py --urls redis://127.0.0.1:6379 redis://127.0.0.1:6380 redis://127.0.0.1:6381
"""

from __future__ import annotations

import argparse
import random
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from redis.commands.core import HotkeysMetricsTypes

Read = Callable[[str], str | None]


class Nodes:
    """Several servers; the hash of a key chooses one."""

    def __init__(self, clients: list[redis.Redis]) -> None:
        self.clients = clients

    def of(self, key: str) -> redis.Redis:
        return self.clients[zlib.crc32(key.encode()) % len(self.clients)]

    def get(self, key: str) -> str | None:
        value: Any = self.of(key).get(key)
        return None if value is None else str(value)

    def set(self, key: str, value: str) -> None:
        self.of(key).set(key, value)

    def calls(self) -> list[int]:
        """How many commands for keys each node has run."""
        found = []
        for client in self.clients:
            stats = client.info("commandstats")
            found.append(sum(stats[name]["calls"] for name in ("cmdstat_get", "cmdstat_incrby") if name in stats))
        return found


# ---- finding them


def hottest(client: redis.Redis, run: Callable[[], object], count: int = 5) -> dict[str, int]:
    """Keys by the bytes that `run` moves on the wire for them, the heaviest first."""
    client.hotkeys_start([HotkeysMetricsTypes.CPU, HotkeysMetricsTypes.NET], count=count)
    try:
        run()
        measured: Any = client.hotkeys_get()
        pairs = measured[0]["by-net-bytes"]
    finally:
        client.hotkeys_stop()
        client.hotkeys_reset()
    return dict(zip(pairs[::2], pairs[1::2], strict=True))


# ---- the cures


class SplitValue:
    """One value under `parts` keys."""

    def __init__(self, nodes: Nodes, key: str, parts: int = 8, choose: Callable[[int], int] = random.randrange) -> None:
        self.nodes = nodes
        self.keys = [f"{key}#{part}" for part in range(parts)]
        self.choose = choose

    def get(self) -> str | None:
        return self.nodes.get(self.keys[self.choose(len(self.keys))])

    def set(self, value: str) -> None:
        """Write all copies, one after the other: meanwhile readers see the old value or the new one."""
        for key in self.keys:
            self.nodes.set(key, value)


class SplitCounter:
    """One number in `parts` keys."""

    def __init__(self, nodes: Nodes, key: str, parts: int = 8, choose: Callable[[int], int] = random.randrange) -> None:
        self.nodes = nodes
        self.keys = [f"{key}#{part}" for part in range(parts)]
        self.choose = choose

    def add(self, amount: int = 1) -> None:
        key = self.keys[self.choose(len(self.keys))]
        self.nodes.of(key).incrby(key, amount)

    def total(self) -> int:
        return sum(int(self.nodes.get(key) or 0) for key in self.keys)


class LocalCopy:
    """What `read` returned, for `seconds`; at most `most` keys, those used longest ago go."""

    def __init__(
        self, read: Read, seconds: float = 1.0, most: int = 1000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.read = read
        self.seconds = seconds
        self.most = most
        self.clock = clock
        self.kept: OrderedDict[str, tuple[float, str | None]] = OrderedDict()

    def get(self, key: str) -> str | None:
        now = self.clock()
        kept = self.kept.get(key)
        if kept is not None and now < kept[0]:
            self.kept.move_to_end(key)
            return kept[1]
        value = self.read(key)
        self.kept[key] = (now + self.seconds, value)
        self.kept.move_to_end(key)
        if len(self.kept) > self.most:
            self.kept.popitem(last=False)
        return value


# ---- the effect


@dataclass(frozen=True)
class Effect:
    """What a series of reads cost the nodes."""

    requests: int
    busiest: int

    @property
    def share(self) -> float:
        """The part of the requests that the busiest node ran."""
        return self.busiest / self.requests if self.requests else 0.0


def trace(reads: int, pages: int = 1000, hot: float = 0.7, seed: int = 1) -> list[str]:
    """Keys to read: `hot` of them are page:0, the others any page."""
    draw = random.Random(seed)
    return ["page:0" if draw.random() < hot else f"page:{draw.randrange(pages)}" for _ in range(reads)]


def measure(nodes: Nodes, read: Read, keys: list[str]) -> Effect:
    """Read the keys, and count what reaches the nodes."""
    before = nodes.calls()
    for key in keys:
        read(key)
    calls = [after - old for after, old in zip(nodes.calls(), before, strict=True)]
    return Effect(sum(calls), max(calls))


def compare(nodes: Nodes, reads: int, clients: int, per_second: int = 1000) -> dict[str, Effect]:
    """The same reads without a cure, with each of them, and with both.

    `clients` clients read by turns, each with copies of its own.  Time passes by `per_second` reads.
    """
    keys = trace(reads)
    for key in {*keys}:
        nodes.set(key, "x" * 100)
    split = SplitValue(nodes, "page:0")
    split.set("x" * 100)

    def read_split(key: str) -> str | None:
        return split.get() if key == "page:0" else nodes.get(key)

    def with_copies(read: Read) -> Read:
        passed = [0]
        copies = [LocalCopy(read, clock=lambda: passed[0] / per_second) for _ in range(clients)]

        def one(key: str) -> str | None:
            passed[0] += 1
            return copies[passed[0] % clients].get(key)

        return one

    ways: dict[str, Read] = {
        "no cure": nodes.get,
        "split in 8": read_split,
        "copy for 1 s": with_copies(nodes.get),
        "both": with_copies(read_split),
    }
    return {name: measure(nodes, read, keys) for name, read in ways.items()}


def main(words: list[str] | None = None) -> None:
    """Find the hot key, and print what the cures do to the load of the nodes."""
    parser = argparse.ArgumentParser(description="Measure cures for hot keys.")
    parser.add_argument("--urls", nargs="+", default=["redis://127.0.0.1:6379"])
    parser.add_argument("--reads", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=100, help="clients that share the reads")
    options = parser.parse_args(words)

    nodes = Nodes([redis.Redis.from_url(url, decode_responses=True) for url in options.urls])
    keys = trace(options.reads)
    nodes.set("page:0", "x" * 100)
    found = hottest(nodes.of("page:0"), lambda: [nodes.get(key) for key in keys[:1000]])
    print("the hottest keys of its node, by bytes:", found)

    print(f"{'':<14}{'requests':>10}{'busiest node':>14}")
    for name, effect in compare(nodes, options.reads, options.clients).items():
        print(f"{name:<14}{effect.requests:>10}{effect.busiest:>9} {effect.share:>4.0%}")

    counter = SplitCounter(nodes, "likes")
    before, base = nodes.calls(), counter.total()
    for _ in range(1000):
        counter.add()
    calls = [after - old for after, old in zip(nodes.calls(), before, strict=True)]
    print(f"1000 likes counted in 8 keys: {counter.total() - base}; requests of each node: {calls}")
    for client in nodes.clients:
        client.close()


if __name__ == "__main__":
    main()
