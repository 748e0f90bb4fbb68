"""A gigabyte in values of a megabyte, written and read over one connection, each contestant in turn.

What is measured is how often a server copies a large value on its way in and out.  Every turn starts with an empty
server, so that each pays for its memory anew and only one of them holds the gigabyte.
"""

from __future__ import annotations

import argparse
import socket
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from benchmarks import contestants, report
from benchmarks.contestants import Server
from benchmarks.processes import cpu_seconds
from benchmarks.wire import encode

MOST_TIMES_REDIS = 1.3

_MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Figures:
    """Medians of one contestant: wall and server CPU seconds for all values."""

    write: float
    read: float
    write_cpu: float
    read_cpu: float


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    parser.add_argument("--values", type=int, default=1024, metavar="N", help="values of a megabyte (1024)")
    parser.add_argument("--depth", type=int, default=1, metavar="N", help="commands sent at a time (1)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns each gets; the median counts (5)")
    parser.add_argument("--quick", action="store_true", help="an eighth of the values, 3 rounds: a first look")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    values = options.values // 8 if options.quick else options.values
    rounds = 3 if options.quick else options.rounds
    chosen, missing = contestants.choose(options.contestant, options.only)
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(contestant)) for contestant in chosen]
        notes = [report.describe(server) for server in servers] + missing
        notes.append(f"{values} values of a megabyte, {options.depth} at a time, {rounds} rounds")
        report.print_heading("large values", notes)
        samples: dict[str, list[Figures]] = {server.name: [] for server in servers}
        for number in range(rounds):
            turn = number % len(servers)
            for server in servers[turn:] + servers[:turn]:
                samples[server.name].append(measure(server, values, options.depth))
    found = {name: _medians(list_of) for name, list_of in samples.items()}
    subject = found[servers[0].name]
    lines = [
        [
            name,
            *(f"{each:.3f}" for each in asdict(figures).values()),
            f"{subject.write / figures.write:.2f}",
            f"{subject.read / figures.read:.2f}",
        ]
        for name, figures in found.items()
    ]
    report.print_table(
        ["seconds", "write", "read", "CPU write", "CPU read", "ours/its write", "ours/its read"],
        lines,
    )
    print(f"the gate: at most {MOST_TIMES_REDIS} times redis, written and read")
    report.save(
        options.json,
        {"bench": "large", "notes": notes, "contestants": {name: asdict(each) for name, each in found.items()}},
    )


def measure(server: Server, values: int, depth: int) -> Figures:
    """Write and read all values once; the server is empty before and after."""
    value = bytes(at * 7 % 251 for at in range(4096)) * (_MEGABYTE // 4096)
    keys = [f"large:{number:06}" for number in range(values)]
    # A SET is its head, which differs from key to key, the value, and a line's end.
    heads = [encode("SET", key, "").removesuffix(b"$0\r\n\r\n") + b"$%d\r\n" % _MEGABYTE for key in keys]
    gets = [encode("GET", key) for key in keys]
    reply_bytes = len(b"$%d\r\n" % _MEGABYTE) + _MEGABYTE + 2
    control = server.connect()
    control.command("FLUSHALL", "SYNC")
    with socket.create_connection(("127.0.0.1", server.port), 60) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        cpu = [cpu_seconds(server.pid)]
        clock = [time.perf_counter()]
        for at in range(0, values, depth):
            _exchange(link, [piece for head in heads[at : at + depth] for piece in (head, value, b"\r\n")], 5)
        cpu.append(cpu_seconds(server.pid))
        clock.append(time.perf_counter())
        for at in range(0, values, depth):
            _exchange(link, gets[at : at + depth], reply_bytes)
        cpu.append(cpu_seconds(server.pid))
        clock.append(time.perf_counter())
    assert control.command("DBSIZE") == values, f"{server.name} does not hold all values"
    assert control.command("GET", keys[-1]) == value, f"{server.name} gives other bytes"
    control.command("FLUSHALL", "SYNC")
    control.close()
    return Figures(clock[1] - clock[0], clock[2] - clock[1], cpu[1] - cpu[0], cpu[2] - cpu[1])


_SCRATCH = memoryview(bytearray(_MEGABYTE))


def _exchange(link: socket.socket, pieces: list[bytes], reply_bytes: int) -> None:
    """Send the pieces of some requests, without joining them, and take as many replies of so many bytes each."""
    missing = reply_bytes * sum(1 for piece in pieces if piece.startswith(b"*"))
    unsent = [memoryview(piece) for piece in pieces]
    while unsent:
        sent = link.sendmsg(unsent)
        while unsent and sent >= len(unsent[0]):
            sent -= len(unsent.pop(0))
        if unsent:
            unsent[0] = unsent[0][sent:]
    while missing > 0:
        got = link.recv_into(_SCRATCH, min(missing, _MEGABYTE))
        if got == 0:
            raise ConnectionError("the server closed the connection")
        missing -= got


def _medians(samples: list[Figures]) -> Figures:
    columns = zip(*(asdict(sample).values() for sample in samples), strict=True)
    return Figures(*(report.median(list(column)) for column in columns))
