"""The append-only file: throughput of SET without it and with each policy of fsync, and the time to load one.

Each server runs once for each setting, with a file of its own.  The load file is written here, so that all servers
load the same commands.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random

from benchmarks import contestants, load, report, throughput
from benchmarks.contestants import Contestant, Server
from benchmarks.processes import cpu_seconds
from benchmarks.rows import rows_named

SETTINGS = {
    "off": ("--appendonly", "no"),
    "no": ("--appendonly", "yes", "--appendfsync", "no"),
    "everysec": ("--appendonly", "yes", "--appendfsync", "everysec"),
    "always": ("--appendonly", "yes", "--appendfsync", "always"),
}
LOAD_SECONDS = 600.0
NO_REWRITE = ("--auto-aof-rewrite-percentage", "0", "--save", "")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    parser.add_argument("--settings", default="off,everysec,always", metavar="NAMES", help=f"of {','.join(SETTINGS)}")
    parser.add_argument("--depths", default="1,16,64", metavar="N,N", help="commands sent at a time (default 1,16,64)")
    parser.add_argument("--requests", type=int, default=60_000, metavar="N", help="of each measurement (60000)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns each gets; the median counts (5)")
    parser.add_argument("--keys", type=int, default=100_000, metavar="N", help="keys, all of them filled (100000)")
    parser.add_argument("--connections", type=int, default=50, metavar="N", help="(50)")
    parser.add_argument("--commands", type=int, default=5_000_000, metavar="N", help="of the file to load; 0: none")
    parser.add_argument("--quick", action="store_true", help="a third of the requests, 3 rounds, a tenth of the file")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    chosen, missing = contestants.choose(options.contestant, options.only)
    names = options.settings.split(",")
    if unknown := [name for name in names if name not in SETTINGS]:
        raise ValueError(f"no such setting: {unknown[0]}; there are {','.join(SETTINGS)}")
    report.print_heading("append-only file", missing)
    found = {name: writing(name, chosen, options) for name in names}
    commands = options.commands // 10 if options.quick else options.commands
    loaded = loading(chosen, commands) if commands > 0 else {}
    report.save(options.json, {"bench": "aof", "throughput": found, "load": loaded})


def with_options(contestant: Contestant, words: tuple[str, ...]) -> Contestant:
    """The contestant with further options; later ones win."""
    return dataclasses.replace(contestant, command=(*contestant.command, *words))


def writing(name: str, chosen: list[Contestant], options: argparse.Namespace) -> dict[str, dict[str, object]]:
    """Figures of SET under one setting, by server and depth."""
    rounds = 3 if options.quick else options.rounds
    requests = options.requests // 3 if options.quick else options.requests
    row = rows_named("SET")[0]
    depths = tuple(int(depth) for depth in options.depths.split(","))
    plan = throughput.Plan(
        (row,), depths, requests, rounds, options.keys, options.connections, load.generators()[0], False
    )
    found: dict[str, dict[str, object]] = {}
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(with_options(each, (*SETTINGS[name], *NO_REWRITE)))) for each in chosen]
        for server in servers:
            throughput.fill(server, row, options.keys)
        lines = []
        for depth in depths:
            measured = throughput.measure(servers, row, depth, plan, None)
            first = measured[servers[0].name]
            for server in servers:
                figures = measured[server.name]
                found.setdefault(server.name, {})[str(depth)] = dataclasses.asdict(figures)
                ratio = first.requests_per_second / figures.requests_per_second
                lines.append([
                    str(depth), server.name, f"{figures.requests_per_second:,.0f}", f"{figures.cpu_us:.2f}",
                    f"{figures.p50_ms:.2f}", f"{figures.p99_ms:.2f}", f"{ratio:.2f}",
                ])  # fmt: skip
    print(f"\nSET, append-only file: {name}")
    report.print_table(["depth", "server", "requests/s", "CPU µs", "p50 ms", "p99 ms", f"{chosen[0].name}/this"], lines)
    return found


def write_file(folder: Path, commands: int) -> int:
    """Write an append-only file of mixed commands; return its bytes."""
    (folder / "appendonlydir").mkdir()
    path = folder / "appendonlydir" / "appendonly.aof.1.incr.aof"
    dice = Random(1)
    keys = max(1, commands // 3)
    parts: list[bytes] = [spelled(b"SELECT", b"0")]
    with path.open("wb") as file:
        for n in range(commands):
            value = b"value-%d-%s" % (n, b"x" * (n % 40))
            kind = n % 10
            if kind < 6:
                parts.append(spelled(b"SET", b"key:%d" % dice.randrange(keys), value))
            elif kind == 6:
                parts.append(spelled(b"INCR", b"counter:%d" % (n % 1000)))
            elif kind == 7:
                parts.append(spelled(b"RPUSH", b"list:%d" % (n % 5000), value))
            elif kind == 8:
                parts.append(spelled(b"HSET", b"hash:%d" % (n % 5000), b"field%d" % (n % 50), value))
            else:
                parts.append(spelled(b"ZADD", b"zset:%d" % (n % 5000), b"%d" % (n % 977), b"member%d" % (n % 300)))
            if len(parts) == 10_000:
                file.write(b"".join(parts))
                parts = []
        file.write(b"".join(parts))
    (folder / "appendonlydir" / "appendonly.aof.manifest").write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
    return path.stat().st_size


def spelled(*args: bytes) -> bytes:
    """A command as the file has it."""
    return b"*%d\r\n" % len(args) + b"".join([b"$%d\r\n%b\r\n" % (len(arg), arg) for arg in args])


def loading(chosen: list[Contestant], commands: int) -> dict[str, dict[str, float]]:
    """Seconds and CPU seconds from the start of each server until it has loaded the file."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-aof-") as name:
        size = write_file(Path(name), commands)
        lines = []
        for contestant in chosen:
            folder = Path(name) / contestant.name
            folder.mkdir()
            shutil.copytree(Path(name) / "appendonlydir", folder / "appendonlydir")
            words = ("--dir", os.fspath(folder), "--appendonly", "yes", *NO_REWRITE)
            began = time.perf_counter()
            with Server(with_options(contestant, words), start_seconds=LOAD_SECONDS) as server:
                seconds = time.perf_counter() - began
                cpu = cpu_seconds(server.pid)
            found[contestant.name] = {"seconds": seconds, "cpu": cpu}
            shutil.rmtree(folder)
            ratio = found[chosen[0].name]["seconds"] / seconds
            lines.append([contestant.name, f"{seconds:.2f}", f"{cpu:.2f}", f"{ratio:.2f}"])
    print(f"\nloading {commands:,} commands, {size / 1e6:,.0f} MB")
    report.print_table(["server", "seconds", "CPU seconds", f"{chosen[0].name}/this"], lines)
    return found
