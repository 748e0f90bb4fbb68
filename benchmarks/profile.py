"""Where a server's time goes under load, by sampling with perf.  For one contestant: the first.

Samples the processor clock, which works in virtual machines that hide hardware counters.  Needs perf.  With `--steps`
redpoll's functions are added up by the step of the path they belong to, in nanoseconds a request: a step's share of the
samples times the processor time a request took.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import contestants, load, report, throughput
from benchmarks.contestants import Server
from benchmarks.load import Load
from benchmarks.processes import cpu_seconds
from benchmarks.rows import ROWS, Row, rows_named

_SETTLE_SECONDS = 0.3

STEPS = {
    "net": "loop, connection",
    "protocol/requests": "parse",
    "structures/warming": "warm pass",
    "engine": "engine: checks, gates, statistics",
    "commands": "command",
    "keyspace": "database",
    "types": "value",
    "structures": "table and other structures",
    "protocol": "encode the reply",
}
"""The step of the path that a room, or one module of it, does; in the order of the path."""

_PACKAGE = Path(__file__).resolve().parent.parent / "src" / "redpoll"


@dataclass(frozen=True)
class Sample:
    """Part of the samples that one function holds."""

    share: float
    library: str
    function: str


@dataclass(frozen=True)
class Profile:
    """What perf saw while a row was sent."""

    requests_per_second: float
    cpu_ns: float
    """Processor time a request, user and system."""
    samples: tuple[Sample, ...]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    names = ",".join(row.name for row in ROWS)
    parser.add_argument("--rows", default="GET,HSET", metavar="NAMES", help=f"of {names} (default GET,HSET)")
    parser.add_argument("--depth", type=int, default=16, metavar="N", help="commands sent at a time (default 16)")
    parser.add_argument("--requests", type=int, default=2_000_000, metavar="N", help="of each row (default 2000000)")
    parser.add_argument("--keys", type=int, default=100_000, metavar="N", help="keys, all filled (default 100000)")
    parser.add_argument("--top", type=int, default=40, metavar="N", help="lines shown of each row (default 40)")
    parser.add_argument("--steps", action="store_true", help="add up by step of the path, ns a request")
    parser.add_argument("--generator", choices=load.generators(), default=load.generators()[0])


def main(options: argparse.Namespace) -> None:
    """Sample and print."""
    if shutil.which("perf") is None:
        raise RuntimeError("perf is not installed; Debian: apt install linux-perf")
    rows = rows_named(options.rows)
    chosen, missing = contestants.choose(options.contestant, options.only)
    with Server(chosen[0]) as server:
        report.print_heading(f"profile of {server.name}", [report.describe(server), *missing])
        for row in rows:
            throughput.fill(server, row, options.keys)
            found = sample(server, row, options)
            print(
                f"{row.name} at {options.depth}: {found.requests_per_second / 1000:.1f} thousand a second, "
                f"{found.cpu_ns:.0f} ns of the server's processor a request\n"
            )
            if options.steps:
                table = [[step, f"{part:.1%}", f"{part * found.cpu_ns:.0f}"] for step, part in by_step(found.samples)]
                report.print_table(["step", "share", "ns"], table)
            else:
                for each in found.samples[: options.top]:
                    print(f"{each.share:7.2%}  {each.function}  [{each.library}]")
            print(flush=True)


def sample(server: Server, row: Row, options: argparse.Namespace) -> Profile:
    """Send the row and sample the server meanwhile.  Raises RuntimeError if perf fails."""
    what = Load(row.command, row.lines, options.requests // row.weight, options.depth, keys=options.keys)
    with tempfile.TemporaryDirectory(prefix="bench-perf-") as folder:
        samples = Path(folder, "samples")
        command = ["perf", "record", "-e", "cpu-clock", "-F", "1999", "-p", str(server.pid), "-o", str(samples)]
        recorder = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(_SETTLE_SECONDS)
        before = cpu_seconds(server.pid)
        try:
            outcome = load.run(options.generator, server.port, what)
            spent = cpu_seconds(server.pid) - before
        finally:
            recorder.terminate()
            errors = recorder.communicate()[1]
        if not samples.exists():
            raise RuntimeError(f"perf record failed: {errors}")
        shown = subprocess.run(
            ["perf", "report", "--stdio", "--no-children", "--sort", "dso,symbol", "-t", "|", "-i", str(samples)],
            capture_output=True,
            text=True,
            check=True,
        )
    return Profile(outcome.requests_per_second, spent / what.requests * 1e9, tuple(_parse(shown.stdout)))


def _parse(shown: str) -> list[Sample]:
    """The lines `  12.34%|library|[.] function` of perf's report, the largest first."""
    found = []
    for line in shown.splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) >= 3 and parts[0].endswith("%"):
            found.append(Sample(float(parts[0][:-1]) / 100, parts[1], parts[2].partition(" ")[2]))
    return found


def by_step(samples: tuple[Sample, ...]) -> list[tuple[str, float]]:
    """The steps and their parts of the whole: our own in the order of the path, then what they call."""
    rooms: dict[str, str] = {}
    for path in _PACKAGE.rglob("*/*.py"):
        room = path.relative_to(_PACKAGE).with_suffix("").as_posix()
        # Where two rooms have a module of that name, its functions are called by both names.
        rooms[path.stem] = rooms[room.replace("/", "___")] = room
    shares: dict[str, float] = dict.fromkeys(STEPS.values(), 0.0)
    for each in samples:
        step = _step_of(each, rooms)
        shares[step] = shares.get(step, 0.0) + each.share
    return [(step, share) for step, share in shares.items() if share >= 0.001]


def _step_of(sample: Sample, rooms: dict[str, str]) -> str:
    """`rooms` has each module's path by its names.  Compiled functions are called CPyDef_module___class___method."""
    if sample.function.startswith("CPy"):
        words = sample.function.partition("_")[2].split("___")
        room = rooms.get("___".join(words[:2])) or rooms.get(words[0])
        if room is not None:
            return STEPS.get(room) or STEPS.get(room.partition("/")[0], room)
    if "mypyc" in sample.library:
        return "compiled code's helpers"
    if "kernel" in sample.library:
        return "kernel: receive, send, wait"
    return "interpreter, allocator" if "python" in sample.library else sample.library
