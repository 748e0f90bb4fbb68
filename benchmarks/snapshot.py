"""The latency of 50 clients while a snapshot is written, the longest turn, and the memory that it takes.

The data are strings and one large value of each other type.  The load reads and writes all of them.  The real servers
fork; their memory is that of both processes, each shared page counted once.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import random
import select
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from benchmarks import contestants, report
from benchmarks.contestants import Contestant, Server
from benchmarks.stalls import LIMIT_MS, Watch
from benchmarks.wire import Connection, encode, pattern

CONNECTIONS = 50
_QUIET_SECONDS = 5.0
_LIMIT_SECONDS = 600.0
_LOOK_SECONDS = 0.25
_BATCH = 16
_PREPARED = 50_000
_VALUE = "some text that is not all the same 0123456789 "


@dataclass(frozen=True)
class Phase:
    """What one phase showed.  `grown` is the memory above that of before, in per cent of it."""

    contestant: str
    phase: str
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_max_ms: float
    over_limit: int
    resident_mb: float
    grown: float
    seconds: float


@dataclass(frozen=True)
class Sizes:
    """How many strings, and how many items in each large value."""

    strings: int
    items: int


def sizes_of(gigabytes: float) -> Sizes:
    """For about so much memory, half of it strings."""
    return Sizes(int(gigabytes * 1_000_000), int(gigabytes * 1_000_000))


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    parser.add_argument("--gb", type=float, metavar="N", help="gigabytes of data (default 2; quick: 0.5)")
    parser.add_argument("--quick", action="store_true", help="a quarter of the data")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    gigabytes = options.gb or (0.5 if options.quick else 2.0)
    sizes = sizes_of(gigabytes)
    chosen, missing = contestants.choose(options.contestant, options.only)
    notes = list(missing)
    found: list[Phase] = []
    if any(each.name == "redpoll" for each in chosen):
        with tempfile.TemporaryDirectory(prefix="bench-snapshot-") as folder:
            found += in_process(sizes, folder)
    for contestant in chosen:
        print(f"{contestant.name} ...", flush=True)
        found += measured(contestant, sizes, notes)
    report.print_heading(
        f"snapshot: {gigabytes:g} GB, {sizes.strings:,} strings and {sizes.items:,} items in each of five values", notes
    )
    print(
        f"latency of {CONNECTIONS} clients with a command at a time; `turns`: processor time of the server's main "
        f"thread a window\nof {_BATCH} commands, limit {LIMIT_MS:g} ms; memory of all processes, and how much it grew\n"
    )
    report.print_table(
        [
            "contestant",
            "phase",
            "req/s",
            "p50 ms",
            "p99 ms",
            "max ms",
            "CPU max",
            f"> {LIMIT_MS:g} ms",
            "MB",
            "grown",
            "s",
        ],
        [_line(phase) for phase in found],
    )
    report.save(options.json, {"bench": "snapshot", "notes": notes, "phases": [asdict(phase) for phase in found]})


def _line(phase: Phase) -> list[str]:
    return [
        phase.contestant,
        phase.phase,
        f"{phase.requests_per_second:,.0f}",
        f"{phase.p50_ms:.2f}",
        f"{phase.p99_ms:.2f}",
        f"{phase.max_ms:.2f}",
        f"{phase.cpu_max_ms:.2f}" if phase.cpu_max_ms else "-",
        str(phase.over_limit) if phase.cpu_max_ms else "-",
        f"{phase.resident_mb:.0f}",
        f"{phase.grown:.1f} %",
        f"{phase.seconds:.1f}",
    ]


def measured(contestant: Contestant, sizes: Sizes, notes: list[str]) -> list[Phase]:
    """The load without a snapshot, the same during one, and single batches during another one."""
    with Server(contestant) as server:
        notes.append(report.describe(server))
        connection = server.connect()
        connection.command("CONFIG", "SET", "save", "")
        for commands in fill(sizes):
            connection.fill(commands)
        connection.fill(fill_stream(sizes))
        requests = prepare(sizes)
        found = [_under_load(server, connection, requests, "no snapshot", False)]
        connection.command("BGSAVE")
        found.append(_under_load(server, connection, requests, "snapshot", True))
        connection.command("BGSAVE")
        found.append(_turns(server, connection, requests))
        connection.close()
    return found


def fill(sizes: Sizes) -> Iterator[Iterator[bytes]]:
    """The commands that create the data."""
    string = pattern("SET", "key:%012d", _VALUE * 8 + "%012d")
    yield (string % (number, number) for number in range(sizes.strings))
    field = pattern("HSET", "hash", "field:%012d", _VALUE + "%012d")
    yield (field % (number, number) for number in range(sizes.items))
    member = pattern("SADD", "set", "member:%012d")
    yield (member % number for number in range(sizes.items))
    # A prime, so scores come in an order of their own.
    scored = pattern("ZADD", "zset", "%08d", "member:%012d")
    yield (scored % (number * 7919 % 99_999_989, number) for number in range(sizes.items))
    element = pattern("RPUSH", "list", _VALUE + "%012d")
    yield (element % number for number in range(sizes.items))


def fill_stream(sizes: Sizes) -> Iterator[tuple[bytes, int]]:
    """The entries of the stream; a reply has two lines."""
    entry = pattern("XADD", "stream", "%012d-1", "field", _VALUE + "%012d")
    return ((entry % (number + 1, number), 2) for number in range(sizes.items))


def prepare(sizes: Sizes, seed: int = 1) -> list[tuple[bytes, int]]:
    """Commands, each with the number of lines of its reply."""
    draw = random.Random(seed).randrange
    value = _VALUE * 8 + "%012d"
    kinds = [
        (pattern("SET", "key:%012d", value), 2, 1),
        (pattern("GET", "key:%012d"), 1, 2),
        (pattern("HSET", "hash", "field:%012d", _VALUE + "%012d"), 2, 1),
        (pattern("SADD", "set", "member:%012d"), 1, 1),
        (pattern("SREM", "set", "member:%012d"), 1, 1),
        (pattern("ZADD", "zset", "%08d", "member:%012d"), 2, 1),
        (pattern("RPUSH", "list", _VALUE + "%012d"), 1, 1),
        (encode("LPOP", "list"), 0, 2),
        (pattern("XADD", "stream", "*", "field", _VALUE + "%012d"), 1, 2),
    ]
    found = []
    for number in range(_PREPARED):
        template, numbers, lines = kinds[number % len(kinds)]
        at = draw(sizes.strings if number % len(kinds) < 2 else sizes.items)
        found.append((template % ((at,) * numbers), lines))
    return found


class _Client:
    """A connection with one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines = 0
        self.sent_at = 0.0

    def send(self, request: tuple[bytes, int]) -> None:
        self.lines = request[1]
        self.sent_at = time.perf_counter()
        self.socket.sendall(request[0])


class _Sampler(Thread):
    """Looks at the server's memory, and whether it saves, beside the load."""

    def __init__(self, server: Server, saving: bool) -> None:
        super().__init__(daemon=True)
        self.connection = server.connect()
        self.pid = server.pid
        self.saving = saving
        self.before = self.peak = memory_bytes(server.pid)
        self.going = True

    def run(self) -> None:
        started = time.perf_counter()
        while self.going:
            time.sleep(_LOOK_SECONDS)
            self.peak = max(self.peak, memory_bytes(self.pid))
            if self.saving:
                self.going = is_saving(self.connection)
            else:
                self.going = time.perf_counter() - started < _QUIET_SECONDS
        self.connection.close()

    def grown(self) -> float:
        """In per cent."""
        return (self.peak - self.before) / self.before * 100


def _under_load(
    server: Server, connection: Connection, requests: list[tuple[bytes, int]], name: str, saving: bool
) -> Phase:
    """The load for some seconds, or until the snapshot is written."""
    clients = {client.socket.fileno(): client for client in (_Client(server.port) for _ in range(CONNECTIONS))}
    poller = select.poll()
    latencies: list[float] = []
    sampler = _Sampler(server, saving)
    sampler.start()
    started = time.perf_counter()
    at = 0
    for descriptor, client in clients.items():
        client.send(requests[at])
        at += 1
        poller.register(descriptor, select.POLLIN)
    while sampler.going:
        for descriptor, _ in poller.poll(30_000):
            client = clients[descriptor]
            data = client.socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed a connection")
            client.lines -= data.count(b"\n")
            if client.lines <= 0:
                latencies.append(time.perf_counter() - client.sent_at)
                client.send(requests[at % len(requests)])
                at += 1
        if time.perf_counter() - started > _LIMIT_SECONDS:
            raise RuntimeError(f"{server.name} takes too long to save")
    seconds = time.perf_counter() - started
    for client in clients.values():
        client.socket.close()
    if saving:
        _check_saved(server, connection)
    latencies.sort()
    return Phase(
        server.name,
        name,
        len(latencies) / seconds,
        latencies[len(latencies) // 2] * 1000,
        report.quantile(latencies, 0.99) * 1000,
        latencies[-1] * 1000,
        0.0,
        0,
        sampler.before / 1e6,
        sampler.grown(),
        seconds,
    )


def _turns(server: Server, connection: Connection, requests: list[tuple[bytes, int]]) -> Phase:
    """One batch at a time until the snapshot is written."""
    other = server.connect()
    watch = Watch(server, other)
    sampler = _Sampler(server, True)
    sampler.start()
    at = 0
    while sampler.going:
        batch = [requests[(at + k) % len(requests)] for k in range(_BATCH)]
        watch.look(b"".join(request for request, _ in batch), sum(lines for _, lines in batch), at)
        at += _BATCH
    _check_saved(server, connection)
    stall = watch.result("turns")
    watch.close()
    other.close()
    return Phase(
        server.name,
        "turns",
        at / stall.seconds,
        0.0,
        stall.trip_p999_ms,
        stall.trip_max_ms,
        stall.cpu_max_ms,
        stall.over_limit,
        sampler.before / 1e6,
        sampler.grown(),
        stall.seconds,
    )


def in_process(sizes: Sizes, folder: str) -> list[Phase]:
    """redpoll.open() in this process: each command, and each tick with its slice of the snapshot, timed on its own."""
    redpoll: Any = importlib.import_module("redpoll")
    if not hasattr(redpoll, "open"):
        return []
    outside = os.getcwd()
    os.chdir(folder)
    store = redpoll.open()
    execute = store.execute
    for commands in fill(sizes):
        for command in commands:
            execute(*words_of(command))
    for command, _ in fill_stream(sizes):
        execute(*words_of(command))
    requests = [words_of(request) for request, _ in prepare(sizes)]
    clock = time.thread_time_ns
    spent: list[float] = []
    before = peak = memory_bytes(os.getpid())
    gc.collect()
    gc.disable()
    try:
        started = time.perf_counter()
        execute(b"BGSAVE")
        at = 0
        while b"rdb_bgsave_in_progress:1" in bytes(execute(b"INFO", b"persistence")):
            for _ in range(_BATCH):
                began = clock()
                execute(*requests[at % len(requests)])
                spent.append((clock() - began) / 1e6)
                at += 1
            began = clock()
            store.tick()
            spent.append((clock() - began) / 1e6)
            if at % (100 * _BATCH) == 0:
                peak = max(peak, memory_bytes(os.getpid()))
        seconds = time.perf_counter() - started
    finally:
        gc.enable()
        store.close()
        os.chdir(outside)
    spent.sort()
    over = sum(1 for each in spent if each > LIMIT_MS)
    grown = (peak - before) / before * 100
    return [
        Phase(
            "in process", "calls", at / seconds, spent[len(spent) // 2], report.quantile(spent, 0.99), spent[-1],
            spent[-1], over, before / 1e6, grown, seconds,
        )
    ]  # fmt: skip


def words_of(command: bytes) -> list[bytes]:
    """The words of an encoded command, none of which has a line end."""
    return command.split(b"\r\n")[2::2]


def is_saving(connection: Connection) -> bool:
    """Whether a snapshot is being written."""
    return connection.info()["rdb_bgsave_in_progress"] == "1"


def _check_saved(server: Server, connection: Connection) -> None:
    if connection.info()["rdb_last_bgsave_status"] != "ok":
        raise RuntimeError(f"{server.name} could not save:\n{server.log_tail()}")


def memory_bytes(pid: int) -> int:
    """Memory of a process and its children, shared pages counted once."""
    total = 0
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in [str(pid), *children]:
        try:
            text = Path(f"/proc/{each}/smaps_rollup").read_text()
        except OSError:
            # A child that has just ended.
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) * 1024
    return total
