"""Loading a snapshot of mixed types beside the real servers, and saving one.

redpoll writes the file in the format of Redis 7.0, which all servers load.  Each server then starts in a folder with
that file: what it logs is the time of the load.  After that it saves its data, with SAVE.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import contestants, report
from benchmarks.contestants import Contestant, Server
from benchmarks.processes import cpu_seconds, resident_bytes
from benchmarks.wire import Command, encode

_MB = 1024 * 1024
_LOADED = re.compile(r"DB loaded from disk: ([0-9.]+) seconds")
_START_SECONDS = 3600.0
_ROUND = 1000
"""Keys of each type that are written at a time."""


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    command.add_argument("--megabytes", type=int, default=1000, help="size of the file, about")
    command.add_argument("--rounds", type=int, default=3, help="loads of each server; the median counts")
    command.add_argument("--seed", type=int, default=14)
    command.add_argument("--file", metavar="FILE", help="load this file instead of making one")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    chosen, missing = contestants.choose(options.contestant, options.only)
    with tempfile.TemporaryDirectory(prefix="bench-load-") as folder:
        path = Path(folder, "dump.rdb")
        if options.file:
            shutil.copy(options.file, path)
        else:
            write_file(chosen[0], path, options.megabytes, options.seed)
        size = path.stat().st_size
        notes = [*missing, f"a file of {size / _MB:,.0f} MB, seed {options.seed}, median of {options.rounds} loads"]
        report.print_heading("load and save a snapshot", notes)
        samples: dict[str, list[Sample]] = {contestant.name: [] for contestant in chosen}
        for _ in range(options.rounds):
            for contestant in chosen:
                samples[contestant.name].append(measure(contestant, path, size))
    found = {name: middle(taken) for name, taken in samples.items()}
    subject = found[chosen[0].name]
    rows = [
        [
            name, f"{each.load_s:.2f}", f"{each.load_cpu_s:.2f}", f"{size / _MB / each.load_s:,.0f}",
            f"{subject.load_cpu_s / each.load_cpu_s:.2f}", f"{each.save_s:.2f}",
            f"{each.saved_bytes / _MB / each.save_s:,.0f}",
            f"{each.resident_bytes / _MB:,.0f}",
        ]
        for name, each in found.items()
    ]  # fmt: skip
    heads = ["server", "load s", "load CPU s", "MB/s", "our/its CPU", "save s", "save MB/s", "resident MB"]
    report.print_table(heads, rows)
    figures = {name: dataclasses.asdict(each) for name, each in found.items()}
    report.save(options.json, {"bench": "load", "notes": notes, "servers": figures})


@dataclasses.dataclass(frozen=True)
class Sample:
    """One load and one save."""

    load_s: float
    load_cpu_s: float
    save_s: float
    saved_bytes: int
    resident_bytes: int


def middle(samples: list[Sample]) -> Sample:
    """The median of each figure."""
    columns = zip(*(dataclasses.astuple(sample) for sample in samples), strict=True)
    load_s, load_cpu_s, save_s, saved, resident = (report.median([float(value) for value in each]) for each in columns)
    return Sample(load_s, load_cpu_s, save_s, int(saved), int(resident))


def write_file(contestant: Contestant, path: Path, megabytes: int, seed: int) -> None:
    """Let redpoll write a file of about this size."""
    with Server(contestant) as server:
        connection = server.connect(timeout_seconds=3600)
        connection.command("CONFIG", "SET", "rdb-format", "redis0010")
        chance = random.Random(seed)
        # What the keys of one round take in a file is known after the first.
        rounds = 1
        done = 0
        while done < rounds:
            connection.fill(commands(chance, done))
            done += 1
            if done == 1:
                connection.command("SAVE")
                rounds = max(1, round(megabytes * _MB / (server.directory / "dump.rdb").stat().st_size))
        connection.command("SAVE")
        connection.close()
        shutil.copy(server.directory / "dump.rdb", path)


def commands(chance: random.Random, number: int) -> Iterator[Command]:
    """The keys of one round, from many small values and a few large ones."""

    def words(count: int, size: int) -> list[str]:
        return [f"{chance.getrandbits(4 * size):0{size}x}" for _ in range(count)]

    for n in range(number * _ROUND, (number + 1) * _ROUND):
        yield encode("SET", f"text:{n}", *words(1, chance.choice((8, 30, 100, 400))))
        yield encode("SET", f"number:{n}", str(chance.getrandbits(40)), "PX", str(10**10 + n))
        yield encode("HSET", f"hash:{n}", *words(2 * chance.choice((3, 10)), 8))
        yield encode("RPUSH", f"list:{n}", *words(chance.choice((5, 30)), 12))
        yield encode("SADD", f"set:{n}", *words(chance.choice((5, 30)), 10))
        yield encode("SADD", f"numbers:{n}", *(str(chance.getrandbits(30)) for _ in range(20)))
        members = words(chance.choice((5, 40)), 10)
        yield encode("ZADD", f"zset:{n}", *(word for member in members for word in (str(chance.random()), member)))
        entry = ("name", *words(1, 20), "level", "info")
        yield encode("XADD", f"stream:{n % 100 + number * 100}", f"{n + 1}-1", *entry), 2
    for kind, width in (("SADD", 1), ("HSET", 2)):
        yield encode(kind, f"large:{kind}:{number}", *words(20_000 * width, 12))
    members = words(20_000, 12)
    scored = (word for member in members for word in (str(chance.random()), member))
    yield encode("ZADD", f"large:zset:{number}", *scored)
    yield encode("RPUSH", f"large:list:{number}", *words(20_000, 16))


def measure(contestant: Contestant, path: Path, size: int) -> Sample:
    """Load the file and save the data once."""
    with tempfile.TemporaryDirectory(prefix="bench-load-") as folder:
        shutil.copy(path, Path(folder, "dump.rdb"))
        with_file = dataclasses.replace(contestant, command=(*contestant.command, "--dir", folder))
        with Server(with_file, start_seconds=_START_SECONDS) as server:
            used = cpu_seconds(server.pid)
            match = _LOADED.search(server.log())
            if match is None:
                raise RuntimeError(f"{server.name} has not loaded the file:\n{server.log_tail()}")
            resident = resident_bytes(server.pid)
            connection = server.connect(timeout_seconds=3600)
            if contestant.name == "redpoll":
                connection.command("CONFIG", "SET", "rdb-format", "redis0010")
            began = time.monotonic()
            connection.command("SAVE")
            took = time.monotonic() - began
            connection.close()
            return Sample(float(match[1]), used, took, Path(folder, "dump.rdb").stat().st_size, resident)
