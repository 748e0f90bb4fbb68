"""The longest stall on the way to many keys, while a million expire together, and in FLUSHALL ASYNC.

Servers are watched from one connection that has a small batch under way at a time: for each we take the server's
processor time and the round trip.  When the batch is answered the server sleeps, so its account is exact, and the
difference bounds every command of the batch from above, together with all that the server did on the side.  Round
trips also hold what the machine did to us; look at processor time first.

In the caller's process there is no such doubt: each call is timed on its own, on the thread's own clock.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import importlib
import os
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import contestants, report
from benchmarks.contestants import Contestant, Server
from benchmarks.wire import Connection, encode, pattern

LIMIT_MS = 5.0

_BATCH = 16
_PING = encode("PING")
_PING_PAUSE_SECONDS = 0.0002
_VALUE = "eight-by"


@dataclass(frozen=True)
class Stall:
    """What one phase showed.  `windows` were looked at; `worst_at` is the number of keys before the worst."""

    contestant: str
    phase: str
    windows: int
    cpu_max_ms: float
    worst_at: int
    over_limit: int
    trip_p999_ms: float
    trip_max_ms: float
    seconds: float


class Watch:
    """Times batches on one connection, and the processor time the server's main thread spent from each to the next."""

    def __init__(self, server: Server, connection: Connection) -> None:
        self._connection = connection
        self._account = os.open(Path(f"/proc/{server.pid}/task/{server.pid}/schedstat"), os.O_RDONLY)
        self._name = server.name
        self.reset()

    def close(self) -> None:
        os.close(self._account)

    def reset(self) -> None:
        self._trips: list[int] = []
        self._cpu_max_ns = 0
        self._worst_at = 0
        self._over_limit = 0
        self._started = time.perf_counter()
        self._cpu_ns = self._read_account()

    def look(self, request: bytes, lines: int, keys: int) -> None:
        """Send a batch, wait for its replies, and account for it; `keys` were there before it."""
        sent = time.perf_counter_ns()
        self._connection.round_trip(request, lines)
        self._trips.append(time.perf_counter_ns() - sent)
        cpu_ns = self._read_account()
        spent = cpu_ns - self._cpu_ns
        self._cpu_ns = cpu_ns
        if spent > LIMIT_MS * 1e6:
            self._over_limit += 1
        if spent > self._cpu_max_ns:
            self._cpu_max_ns = spent
            self._worst_at = keys

    def result(self, phase: str) -> Stall:
        trips = sorted(trip / 1e6 for trip in self._trips)
        return Stall(
            self._name,
            phase,
            len(trips),
            self._cpu_max_ns / 1e6,
            self._worst_at,
            self._over_limit,
            report.quantile(trips, 0.999),
            trips[-1],
            time.perf_counter() - self._started,
        )

    def _read_account(self) -> int:
        return int(os.pread(self._account, 100, 0).split()[0])


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    parser.add_argument("--keys", type=int, metavar="N", help="keys to grow to (default 10000000; quick: 1000000)")
    parser.add_argument("--expiring", type=int, metavar="N", help="keys that expire (default 1000000; quick: 200000)")
    parser.add_argument("--quick", action="store_true", help="a tenth of it all: a first look")
    parser.add_argument("--in-process", action="store_true", help="only calls in process, no servers")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    keys = options.keys or (1_000_000 if options.quick else 10_000_000)
    expiring = options.expiring or (200_000 if options.quick else 1_000_000)
    chosen, missing = contestants.choose(options.contestant, options.only)
    notes = list(missing)
    if not options.in_process:
        for contestant in chosen:
            with Server(contestant) as server:
                notes.append(report.describe(server))
    report.print_heading(f"stalls: growing to {keys:,} keys, {expiring:,} expiring together", notes)
    found: list[Stall] = []
    if any(each.name == "redpoll" for each in chosen) or options.in_process:
        found += in_process(keys, expiring)
    for contestant in [] if options.in_process else chosen:
        print(f"{contestant.name} ...", flush=True)
        found += growing(contestant, keys)
        found.append(expiry(contestant, expiring))
    print(
        f"\nprocessor time of the server's main thread a window (server: {_BATCH} commands, or one PING and what went "
        f"on beside it;\nin process: one call), and round trips; limit {LIMIT_MS:g} ms of processor time\n"
    )
    report.print_table(
        [
            "contestant",
            "phase",
            "windows",
            "CPU max ms",
            "at keys",
            f"> {LIMIT_MS:g} ms",
            "trip p99.9",
            "trip max",
            "s",
        ],
        [_line(stall) for stall in found],
    )
    report.save(options.json, {"bench": "stalls", "notes": notes, "stalls": [asdict(stall) for stall in found]})


def _line(stall: Stall) -> list[str]:
    return [
        stall.contestant,
        stall.phase,
        f"{stall.windows:,}",
        f"{stall.cpu_max_ms:.2f}",
        f"{stall.worst_at:,}",
        str(stall.over_limit),
        f"{stall.trip_p999_ms:.2f}",
        f"{stall.trip_max_ms:.2f}",
        f"{stall.seconds:.1f}",
    ]


def _batches(keys: int) -> Iterator[bytes]:
    command = pattern("SET", "key:%012d", _VALUE)
    for first in range(0, keys, _BATCH):
        yield b"".join([command % number for number in range(first, first + _BATCH)])


def growing(contestant: Contestant, keys: int) -> list[Stall]:
    """A server filled with `keys` keys, then emptied by FLUSHALL ASYNC."""
    with Server(contestant) as server:
        connection = server.connect()
        watch = Watch(server, connection)
        filled = 0
        for batch in _batches(keys):
            watch.look(batch, _BATCH, filled)
            filled += _BATCH
        found = [watch.result("growth")]
        watch.reset()
        watch.look(encode("FLUSHALL", "ASYNC"), 1, filled)
        # What it frees afterwards, in slices or elsewhere, should not be felt either.
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline:
            time.sleep(_PING_PAUSE_SECONDS)
            watch.look(_PING, 1, 0)
        found.append(watch.result("FLUSHALL ASYNC"))
        watch.close()
        connection.close()
    return found


def expiry(contestant: Contestant, keys: int, limit_seconds: float = 120.0) -> Stall:
    """A server whose `keys` keys all reach their deadline at one moment, until it has removed them.

    Raises RuntimeError if it has not after `limit_seconds`.
    """
    with Server(contestant) as server:
        connection = server.connect()
        deadline_ms = int(time.time() * 1000) + 5_000 + keys // 30
        command = pattern("SET", "key:%012d", _VALUE, "PXAT", str(deadline_ms))
        connection.fill(command % number for number in range(keys))
        pause = deadline_ms / 1000 - time.time()
        if pause <= 0:
            raise RuntimeError(f"{server.name} took too long to fill {keys:,} keys")
        time.sleep(max(0.0, pause - 0.1))
        watch = Watch(server, connection)
        left = keys
        started = time.monotonic()
        while left:
            if time.monotonic() - started > limit_seconds:
                raise RuntimeError(f"{server.name} still holds {left:,} expired keys after {limit_seconds:g} s")
            for _ in range(50):
                time.sleep(_PING_PAUSE_SECONDS)
                watch.look(_PING, 1, left)
            size = connection.command("DBSIZE")
            assert isinstance(size, int)
            left = size
        found = watch.result("expiry")
        watch.close()
        connection.close()
    return found


def in_process(keys: int, expiring: int) -> list[Stall]:
    """redpoll.open() in this process: each of `keys` sets timed on its own, then FLUSHALL ASYNC, then each `tick`
    while `expiring` keys are past their deadline; ticks also give back what FLUSHALL ASYNC left.

    The collector is off, as in the server: what it costs an embedding program is not a command's time.
    """
    redpoll: Any = importlib.import_module("redpoll")
    if not hasattr(redpoll, "open"):
        return []
    store = redpoll.open()
    value = _VALUE.encode()
    gc.collect()
    gc.disable()
    try:
        names = (b"key:%012d" % number for number in range(keys))
        found = [_timed("growth", keys, 0, lambda: store.set(next(names), value))]
        found.append(_timed("FLUSHALL ASYNC", 1, keys, lambda: store.execute(b"FLUSHALL", b"ASYNC")))
        found.append(_timed("ticks after it", 2000, 0, store.tick))
        due = b"%d" % (int(time.time() * 1000) + 100 + expiring // 50)
        for number in range(expiring):
            store.execute(b"SET", b"key:%012d" % number, value, b"PXAT", due)
        while time.time() * 1000 <= int(due):
            time.sleep(0.01)
        found.append(_timed("expiry (ticks)", 2000, expiring, store.tick))
        if store.execute(b"DBSIZE") != 0:
            raise RuntimeError("expired keys are left after 2000 ticks")
    finally:
        gc.enable()
    return found


def _timed(phase: str, calls: int, keys_before: int, call: Callable[[], object]) -> Stall:
    """So many calls, each by the thread's own clock."""
    clock = time.thread_time_ns
    spent_ns = array("q")
    started = time.perf_counter()
    for _ in range(calls):
        before = clock()
        call()
        spent_ns.append(clock() - before)
    seconds = time.perf_counter() - started
    longest = heapq.nlargest(calls // 1000 + 1, spent_ns)
    over = sum(1 for each in longest if each > LIMIT_MS * 1e6)
    at = keys_before + (spent_ns.index(longest[0]) if keys_before == 0 else 0)
    return Stall("in process", phase, calls, longest[0] / 1e6, at, over, longest[-1] / 1e6, longest[0] / 1e6, seconds)
