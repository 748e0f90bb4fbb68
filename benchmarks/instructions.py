"""Instructions a request under callgrind: repeats to half a per cent where times swing by tenths.

One connection sends the same commands in the same order, so two builds differ by what changed in them.  What counts
is the process, not the kernel: cache misses and system calls do not show, and a fewer-instructions build is not
always the faster one.  Needs valgrind.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

from benchmarks import cluster, contestants, load, report, throughput
from benchmarks.contestants import Contestant, Server
from benchmarks.load import Load
from benchmarks.rows import ROWS, Row, rows_named

_NAME = re.compile(r"(ob|cob|fn|cfn)=\((\d+)\)(?: (.*))?")
_WARM_REQUESTS = 2_000
_START_SECONDS = 180.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    names = ",".join(row.name for row in ROWS)
    parser.add_argument("--rows", default="PING,SET,GET,INCR,HSET,HGET,ZADD", metavar="NAMES", help=f"of {names}")
    parser.add_argument("--depth", type=int, default=16, metavar="N", help="commands sent at a time (default 16)")
    parser.add_argument(
        "--requests", type=int, default=20_000, metavar="N", help="of each row, fewer of what is more work (20000)"
    )
    parser.add_argument("--keys", type=int, default=10_000, metavar="N", help="keys, all filled (default 10000)")
    parser.add_argument("--top", type=int, default=15, metavar="N", help="functions shown of each row (default 15)")
    parser.add_argument("--node", action="store_true", help="measure each as the only node of a cluster")
    parser.add_argument("--keep", metavar="DIR", help="leave callgrind's files there, for kcachegrind")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    for program in ("valgrind", "callgrind_control"):
        if shutil.which(program) is None:
            raise RuntimeError(f"{program} is not installed; Debian: apt install valgrind")
    rows = rows_named(options.rows)
    chosen, missing = contestants.choose(options.contestant, options.only)
    notes = [*missing, f"{options.requests:,} requests of each row, {options.depth} at a time, {options.keys:,} keys"]
    report.print_heading("instructions a request, user space", notes)
    found: dict[str, dict[str, float]] = {}
    if options.node:
        chosen = [cluster.as_node(contestant) for contestant in chosen]
    for contestant in chosen:
        found[contestant.name] = measure(contestant, rows, options)
    report.print_table(
        ["row", *found],
        [[row.name, *(f"{figures[row.name]:,.0f}" for figures in found.values())] for row in rows],
    )
    report.save(options.json, {"bench": "instructions", "notes": notes, "instructions": found})


def measure(contestant: Contestant, rows: tuple[Row, ...], options: argparse.Namespace) -> dict[str, float]:
    """Instructions a request of each row, by name; prints the functions they are spent in."""
    # The one thing that would differ from run to run: which bucket of a dict or of our table a key falls into.
    seeded = dataclasses.replace(contestant, environment={**contestant.environment, "PYTHONHASHSEED": "0"})
    wrapper = ("valgrind", "--tool=callgrind", "--callgrind-out-file=callgrind.out")
    found = {}
    with Server(seeded, wrapper=wrapper, start_seconds=_START_SECONDS) as server:
        connection = server.connect(timeout_seconds=600)
        if options.node:
            cluster.serve_all(server)
        for number, row in enumerate(rows, start=1):
            throughput.fill(server, row, options.keys)
            requests = max(options.depth, options.requests // row.weight)
            what = Load(row.command, row.lines, requests, options.depth, 1, options.keys, row.then)
            batches = load.prepare(what)
            lines = row.lines * options.depth
            warming = batches[: max(1, _WARM_REQUESTS // options.depth)]
            throughput.refill(server, row, (len(warming) + len(batches)) * options.depth)
            for batch in warming:
                connection.round_trip(batch, lines)
            _control("-z", server)
            for batch in batches:
                connection.round_trip(batch, lines)
            _control("-d", server)
            dump = server.directory / f"callgrind.out.{number}"
            requests = len(batches) * options.depth
            costs = own_costs(dump)
            found[row.name] = sum(costs.values()) / requests
            print(f"{contestant.name} {row.name}: {found[row.name]:,.0f} instructions a request")
            for function, own in list(costs.items())[: options.top]:
                print(f"  {own / requests:10,.1f}  {function}", flush=True)
            if options.keep:
                Path(options.keep).mkdir(parents=True, exist_ok=True)
                shutil.copy(dump, Path(options.keep, f"callgrind.out.{contestant.name}-{row.name}"))
        connection.close()
    return found


def _control(order: str, server: Server) -> None:
    """Give callgrind an order: -z to zero its counts, -d to dump them."""
    shown = subprocess.run(["callgrind_control", order, str(server.pid)], capture_output=True, text=True, check=False)
    if "OK" not in shown.stdout:
        raise RuntimeError(f"callgrind_control {order} failed: {shown.stdout}{shown.stderr}")


def own_costs(dump: Path) -> dict[str, int]:
    """Instructions of each function alone, its callees left out, from a file of callgrind's; the most first.

    callgrind_annotate would do, but it counts the callees of functions that were under way at the dump as their own.
    Format: names are written once, as in `fn=(12) name`, then `fn=(12)`; of the lines that begin with a position the
    last number is the cost, and one that follows `calls=` is the callee's.
    """
    names: dict[str, str] = {}
    costs: dict[str, int] = {}
    function = library = ""
    callee_follows = False
    for line in dump.read_text(errors="replace").splitlines():
        match = _NAME.match(line)
        if match is not None:
            # The numbers of objects and of functions are counted apart; so are those of files, which we pass over.
            kind, number, name = match.groups()
            key = f"{'ob' if kind.endswith('ob') else 'fn'}{number}"
            if name:
                names[key] = name
            if kind == "ob":
                library = names[key].rpartition("/")[2]
            elif kind == "fn":
                function = f"{names[key]} [{library}]"
        elif line.startswith("calls="):
            callee_follows = True
        elif line and line[0] in "0123456789+-*":
            if not callee_follows:
                costs[function] = costs.get(function, 0) + int(line.split()[-1])
            callee_follows = False
    return dict(sorted(costs.items(), key=lambda item: -item[1]))
