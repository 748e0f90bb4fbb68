"""A cache at its memory limit: hit ratios beside the real servers, and SET while every write evicts.

All servers get the same trace at the same time, a batch of GETs each and then SETs of what was missed, for the seconds
that pass are what LRU goes by.  Each is measured with a limit at which it holds as many keys as the others, and with
as many bytes beyond its start as the others.  Counted is the second half of the trace.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import contestants, load, report, throughput
from benchmarks.contestants import Server
from benchmarks.load import RANDOM_INT
from benchmarks.rows import Row
from benchmarks.throughput import Plan
from benchmarks.wire import Connection, pattern

_BATCH = 100
_GET = pattern("GET", "item:%012d")
_SET = pattern("SET", "item:%012d", "v" * 100)
_SET_AT_LIMIT = Row("SET_EVICTS", ("SET", f"item:{RANDOM_INT}", "v" * 100), lambda keys: iter(()))
_CROWD = 100_000_000
"""At the limit, keys are drawn from so many that nearly all are new."""
_POINTS = 0.5
"""How many points of hit ratio we may be behind."""


@dataclass(frozen=True)
class Trace:
    """Numbers of keys in the order of their use; `popular` is the number of keys that come again and again."""

    name: str
    numbers: array[int]
    popular: int


def zipf(requests: int, popular: int, exponent: float, seed: int) -> Trace:
    """Some keys are used far more often than others."""
    draw = random.Random(seed)
    steps = list(itertools.accumulate((rank + 1) ** -exponent for rank in range(popular)))
    names = list(range(popular))
    draw.shuffle(names)
    total = steps[-1]
    numbers = array("q", (names[bisect_left(steps, draw.random() * total)] for _ in range(requests)))
    return Trace("zipf", numbers, popular)


def polluted(trace: Trace, share: float, length: int) -> Trace:
    """The same, with stretches of `length` keys in between that come once: a `share` of all requests."""
    numbers = array("q")
    fresh = itertools.count(trace.popular)
    stretch = max(1, int(length * (1 - share) / share))
    for at in range(0, len(trace.numbers), stretch):
        numbers.extend(trace.numbers[at : at + stretch])
        numbers.extend(itertools.islice(fresh, length))
    return Trace("zipf+scan", numbers[: len(trace.numbers)], trace.popular)


class Cache:
    """One server, used as a cache over one connection."""

    def __init__(self, server: Server) -> None:
        self.name = server.name
        self.connection: Connection = server.connect()
        self.start_bytes = self.held()
        self.hits = 0
        self.asked = 0
        self.most_keys = 0

    def held(self) -> int:
        """Bytes that count for the limit."""
        fields = self.connection.info()
        return int(fields["used_memory"]) - int(fields["mem_not_counted_for_evict"])

    def empty(self, policy: str) -> None:
        self.connection.command("CONFIG", "SET", "maxmemory", "0")
        self.connection.command("FLUSHALL")
        self.connection.command("CONFIG", "SET", "maxmemory-policy", policy)
        self.hits = self.asked = 0

    def limit(self, most: int) -> None:
        self.connection.command("CONFIG", "SET", "maxmemory", str(most))

    def bytes_of(self, keys: int) -> int:
        """What so many keys take, with the server as it is at its start."""
        self.empty("noeviction")
        self.connection.fill(_SET % number for number in range(keys))
        held = self.held()
        self.connection.command("FLUSHALL")
        return held

    def ask(self, numbers: array[int], counted: bool) -> None:
        """Read a batch of keys, and write those that are missing."""
        connection = self.connection
        request = b"".join([_GET % number for number in numbers])
        replies = connection.bulks(request, len(numbers))
        missing = [number for number, found in zip(numbers, replies, strict=True) if not found]
        if counted:
            self.asked += len(numbers)
            self.hits += len(numbers) - len(missing)
        if missing:
            connection.fill((_SET % number for number in missing), batch=len(missing))

    def ratio(self) -> float:
        """Hits of a hundred."""
        return 100.0 * self.hits / max(1, self.asked)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    parser.add_argument("--keys", type=int, default=20_000, metavar="N", help="keys that fit (default 20000)")
    parser.add_argument("--popular", type=int, default=200_000, metavar="N", help="keys of the trace (200000)")
    parser.add_argument("--requests", type=int, default=600_000, metavar="N", help="of each trace (600000)")
    parser.add_argument("--seconds", type=float, default=30.0, metavar="N", help="a trace takes at least so long (30)")
    parser.add_argument("--exponent", type=float, default=0.99, metavar="N", help="of the Zipf distribution (0.99)")
    parser.add_argument("--policies", default="allkeys-lru,allkeys-lfu", metavar="NAMES")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--parts", default="ratios,writes", metavar="NAMES", help="ratios, writes or both (both)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of the writes; the median counts (5)")
    parser.add_argument("--writes", type=int, default=60_000, metavar="N", help="an eighth of a round's SETs (60000)")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    chosen, missing = contestants.choose(options.contestant, options.only)
    parts = options.parts.split(",")
    saved: dict[str, object] = {"bench": "eviction"}
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(contestant)) for contestant in chosen]
        notes = [report.describe(server) for server in servers] + missing
        notes.append(
            f"{options.requests:,} requests in {options.seconds:g} s or more, Zipf {options.exponent} over "
            f"{options.popular:,} keys, {options.keys:,} fit; values of 100 bytes"
        )
        report.print_heading("eviction", notes)
        if "ratios" in parts:
            saved["ratios"] = ratios(servers, options)
        if "writes" in parts:
            saved["writes"] = writes(servers, options)
    report.save(options.json, {**saved, "notes": notes})


def ratios(servers: list[Server], options: argparse.Namespace) -> list[dict[str, object]]:
    """Hit ratios of all, by policy, trace and kind of limit; printed."""
    caches = [Cache(server) for server in servers]
    needs = {cache.name: cache.bytes_of(options.keys) for cache in caches}
    # As many bytes for each as the last one, a real server, needs beyond its start.
    spare = needs[caches[-1].name] - caches[-1].start_bytes
    plain = zipf(options.requests, options.popular, options.exponent, options.seed)
    limits: dict[str, Callable[[Cache], int]] = {
        "keys": lambda cache: needs[cache.name],
        "memory": lambda cache: cache.start_bytes + spare,
    }
    rows: list[dict[str, object]] = []
    lines = []
    for policy in options.policies.split(","):
        for trace in (plain, polluted(plain, 0.3, 2000)):
            for kind, most in limits.items():
                found = run(caches, policy, trace, most, options.seconds)
                rows.append({"policy": policy, "trace": trace.name, "same": kind, **found})
                lines.append(
                    [policy, trace.name, kind]
                    + [f"{ratio:.2f}" for ratio in found.values()]
                    + [f"{found[caches[0].name] - found[cache.name]:+.2f}" for cache in caches[1:]]
                )
    head = ["policy", "trace", "same", *(cache.name for cache in caches)]
    head += [f"{caches[0].name} - {cache.name}" for cache in caches[1:]]
    print(f"hits of a hundred requests; at most {_POINTS} points behind are allowed\n")
    report.print_table(head, lines)
    for cache in caches:
        cache.connection.close()
    return rows


def run(
    caches: list[Cache], policy: str, trace: Trace, most: Callable[[Cache], int], seconds: float
) -> dict[str, float]:
    """The hit ratios of all on one trace, which they run through side by side."""
    for cache in caches:
        cache.empty(policy)
        cache.limit(most(cache))
    began = time.monotonic()
    total = len(trace.numbers)
    for at in range(0, total, _BATCH):
        for cache in caches:
            cache.ask(trace.numbers[at : at + _BATCH], at * 2 >= total)
        ahead = seconds * at / total - (time.monotonic() - began)
        if ahead > 0:
            time.sleep(ahead)
    return {cache.name: cache.ratio() for cache in caches}


def writes(servers: list[Server], options: argparse.Namespace) -> dict[str, object]:
    """SET at the limit, where each write evicts: throughput, processor time and latency; printed."""
    for server in servers:
        cache = Cache(server)
        most = cache.bytes_of(options.keys)
        cache.empty("allkeys-lru")
        cache.limit(most)
        cache.connection.fill(_SET % (_CROWD + number) for number in range(options.keys))
        cache.connection.close()
    plan = Plan((_SET_AT_LIMIT,), (16,), options.writes, options.rounds, _CROWD, 50, load.generators()[0], False)
    measured = throughput.measure(servers, _SET_AT_LIMIT, 16, plan, None)
    subject = measured[servers[0].name]
    lines = []
    for name, each in measured.items():
        ratios = [f"{ratio:.2f}" for ratio in subject.ratios_to(each)]
        figures = [f"{each.requests_per_second / 1000:.1f}", f"{each.cpu_us:.2f}", f"{each.p50_ms:.2f}"]
        lines.append([name, *figures, f"{each.p99_ms:.2f}", *ratios])
    print("SET at the limit, depth 16; the ratios are of the first to each: above 1 it is the better\n")
    report.print_table(["", "k/s", "CPU us", "p50 ms", "p99 ms", "k/s", "CPU", "p50", "p99"], lines)
    return {name: vars(each) for name, each in measured.items()}
