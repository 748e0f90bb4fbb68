"""How late `expired` events come while many keys expire: milliseconds behind the deadline, as a subscriber sees them.

All keys are written first, with deadlines drawn evenly over a span that begins when they are.  A key's name has its
deadline in it, so that the subscriber can tell.
"""

from __future__ import annotations

import argparse
import re
import socket
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from random import Random

from benchmarks import contestants, report
from benchmarks.contestants import Server
from benchmarks.processes import cpu_seconds
from benchmarks.wire import encode

BATCH = 1000
DEADLINE = re.compile(rb"\r\nexp:(\d{13}):\d{7}\r\n")
NAME_BYTES = len("\r\nexp:1234567890123:1234567\r\n")


@dataclass(frozen=True)
class Figures:
    """Milliseconds, and the server's CPU µs for each key."""

    p50: float
    p99: float
    longest: float
    cpu: float


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    parser.add_argument("--keys", type=int, default=1_000_000, metavar="N", help="keys (1000000)")
    parser.add_argument("--seconds", type=int, default=60, metavar="N", help="over which they expire (60)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the keys over a tenth of the time")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    part = 10 if options.quick else 1
    keys, seconds = options.keys // part, options.seconds / part
    chosen, missing = contestants.choose(options.contestant, options.only)
    found: dict[str, Figures] = {}
    notes = missing
    for contestant in chosen:
        # One after another: another server's work would make the events of this one late.
        with ExitStack() as stack:
            server = stack.enter_context(Server(contestant))
            notes.append(report.describe(server))
            found[server.name] = measure(server, keys, seconds)
    report.print_heading("expiry", [*notes, f"{keys:,} keys over {seconds:g} s"])
    lines = [[name, *(f"{each:.1f}" for each in asdict(figures).values())] for name, figures in found.items()]
    report.print_table(["server", "p50 ms", "p99 ms", "longest ms", "CPU µs a key"], lines)
    report.save(
        options.json,
        {"bench": "expiry", "notes": notes, "contestants": {name: asdict(each) for name, each in found.items()}},
    )


def measure(server: Server, keys: int, seconds: float) -> Figures:
    """Write the keys, and wait for their events."""
    control = server.connect()
    control.command("CONFIG", "SET", "notify-keyspace-events", "Ex")
    with socket.create_connection(("127.0.0.1", server.port), 60) as listening:
        listening.sendall(encode("SUBSCRIBE", "__keyevent@0__:expired"))
        listening.recv(200)
        # Time enough to write them all: tens of thousands a second.
        begins = time.time() * 1000 + 1000 + keys / 40
        fill(server.port, keys, begins, seconds)
        if time.time() * 1000 > begins:
            raise RuntimeError("the first keys expired before the last were written: try fewer")
        cpu = cpu_seconds(server.pid)
        lags = hear(listening, keys)
        cpu = cpu_seconds(server.pid) - cpu
    control.close()
    lags.sort()
    return Figures(report.quantile(lags, 0.5), report.quantile(lags, 0.99), lags[-1], cpu / keys * 1e6)


def fill(port: int, keys: int, begins: float, seconds: float) -> None:
    """Write keys that expire within so many seconds after `begins`, a time in ms."""
    drawn = Random(1)
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        for first in range(0, keys, BATCH):
            batch = []
            for number in range(first, min(first + BATCH, keys)):
                deadline = int(begins + drawn.random() * seconds * 1000)
                batch.append(encode("SET", f"exp:{deadline:013}:{number:07}", "v", "PXAT", str(deadline)))
            link.sendall(b"".join(batch))
            left = len(batch) * len(b"+OK\r\n")
            while left > 0:
                left -= len(link.recv(1 << 16))


def hear(listening: socket.socket, keys: int) -> list[float]:
    """How many ms after its deadline each event came."""
    lags: list[float] = []
    rest = b""
    while len(lags) < keys:
        data = rest + listening.recv(1 << 18)
        now = time.time() * 1000
        end = 0
        for found in DEADLINE.finditer(data):
            lags.append(now - int(found[1]))
            end = found.end() - 2
        rest = data[max(end, len(data) - NAME_BYTES) :] if end < len(data) else b""
    return lags
