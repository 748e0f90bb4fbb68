"""Where a server's time goes under load, by sampling with perf.  For one contestant: the first.

Samples the processor clock, which works in virtual machines that hide hardware counters.  Needs perf.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks import contestants, load, report, throughput
from benchmarks.contestants import Server
from benchmarks.load import Load

_SETTLE_SECONDS = 0.3


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    names = ",".join(row.name for row in throughput.ROWS)
    parser.add_argument("--rows", default="GET,HSET", metavar="NAMES", help=f"of {names} (default GET,HSET)")
    parser.add_argument("--depth", type=int, default=16, metavar="N", help="commands sent at a time (default 16)")
    parser.add_argument("--requests", type=int, default=2_000_000, metavar="N", help="of each row (default 2000000)")
    parser.add_argument("--keys", type=int, default=100_000, metavar="N", help="keys, all filled (default 100000)")
    parser.add_argument("--top", type=int, default=40, metavar="N", help="lines shown of each row (default 40)")
    parser.add_argument("--callers", action="store_true", help="with call chains; the build needs frame pointers")
    parser.add_argument("--generator", choices=load.generators(), default=load.generators()[0])


def main(options: argparse.Namespace) -> None:
    """Sample and print."""
    if shutil.which("perf") is None:
        raise RuntimeError("perf is not installed; Debian: apt install linux-perf")
    rows = throughput.rows_named(options.rows)
    chosen, missing = contestants.choose(options.contestant, options.only)
    with Server(chosen[0]) as server, tempfile.TemporaryDirectory(prefix="bench-perf-") as folder:
        report.print_heading(f"profile of {server.name}", [report.describe(server), *missing])
        for row in rows:
            throughput.fill(server, row, options.keys)
            what = Load(row.command, row.lines, options.requests // row.weight, options.depth, keys=options.keys)
            samples = Path(folder, "samples")
            command = ["perf", "record", "-e", "cpu-clock", "-F", "1999", "-p", str(server.pid), "-o", str(samples)]
            if options.callers:
                command.append("-g")
            recorder = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(_SETTLE_SECONDS)
            try:
                outcome = load.run(options.generator, server.port, what)
            finally:
                recorder.terminate()
                errors = recorder.communicate()[1]
            if not samples.exists():
                raise RuntimeError(f"perf record failed: {errors}")
            print(
                f"{row.name} at {options.depth}: {outcome.requests_per_second / 1000:.1f} thousand a second, sampled\n"
            )
            shown = subprocess.run(
                ["perf", "report", "--stdio", "--no-children", "--sort", "dso,symbol", "-i", str(samples)],
                capture_output=True,
                text=True,
                check=True,
            )
            lines = [line.rstrip() for line in shown.stdout.splitlines() if line.strip() and not line.startswith("#")]
            print("\n".join(lines[: options.top]), end="\n\n", flush=True)
