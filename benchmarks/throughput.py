"""Throughput, server CPU a request, and latency, each contestant in turn on filled keys.

All servers run throughout, but only one has work at a time: for every row and depth each gets its share, several
rounds over, and the median counts.  A slow minute of the machine so hits all of them alike.  What a row reads or
updates exists: a GET of missing keys would measure nothing.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from benchmarks import contestants, load, report
from benchmarks.contestants import Server
from benchmarks.load import BATCH, RANDOM_INT, Load
from benchmarks.processes import cpu_seconds
from benchmarks.rows import DEFAULT, ROWS, Fill, Row, rows_named
from benchmarks.wire import ServerError

GATE_DEPTHS = (1, 16, 64)
GATE_MEANS = {"redis": 1.0, "valkey": 1.05}
GATE_LOWEST = 0.85


@dataclass(frozen=True)
class Figures:
    """Medians of one contestant on one row at one depth."""

    requests_per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float

    def ratios_to(self, other: Figures) -> list[float]:
        """Throughput, CPU, p50 and p99 against the other's; above 1 we are the better."""
        return [
            self.requests_per_second / other.requests_per_second,
            other.cpu_us / self.cpu_us,
            other.p50_ms / self.p50_ms,
            other.p99_ms / self.p99_ms,
        ]


@dataclass(frozen=True)
class Plan:
    """How a run is made; from the command line."""

    rows: tuple[Row, ...]
    depths: tuple[int, ...]
    requests: int
    rounds: int
    keys: int
    connections: int
    generator: str
    pinned: bool

    def load_of(self, row: Row, depth: int) -> Load:
        # Eight times as many when pipelined: they go through about that much faster, and a second is long enough.
        requests = max(1, self.requests * min(depth, 8) // row.weight)
        requests = max(requests, self.connections * depth)
        return Load(row.command, row.lines, requests, depth, self.connections, self.keys, row.then)


SECONDS_A_TURN = 2
"""How long one measurement of one server takes, roughly."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    names = ",".join(row.name for row in ROWS)
    parser.add_argument(
        "--rows", metavar="NAMES", help=f"all, or with commas between some of {names} (default: the gate's)"
    )
    parser.add_argument("--depths", default="1,16,64", metavar="N,N", help="commands sent at a time (default 1,16,64)")
    parser.add_argument(
        "--requests",
        type=int,
        default=60_000,
        metavar="N",
        help="requests a measurement at depth 1; up to 8 times as many when pipelined (default 60000)",
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns each gets; the median counts (5)")
    parser.add_argument("--keys", type=int, default=100_000, metavar="N", help="keys, all of them filled (100000)")
    parser.add_argument("--connections", type=int, default=50, metavar="N", help="(50)")
    parser.add_argument("--generator", choices=load.generators(), default=load.generators()[0])
    parser.add_argument("--pin", action="store_true", help="servers on the first processor, the generator on the last")
    parser.add_argument("--quick", action="store_true", help="a third of the requests, 3 rounds: a first look")


def make_plan(options: argparse.Namespace) -> Plan:
    """Raises ValueError for a row that does not exist."""
    rows = rows_named(options.rows) if options.rows else DEFAULT
    return Plan(
        rows,
        tuple(int(depth) for depth in options.depths.split(",")),
        options.requests // 3 if options.quick else options.requests,
        3 if options.quick else options.rounds,
        options.keys,
        options.connections,
        options.generator,
        options.pin,
    )


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    plan = make_plan(options)
    chosen, missing = contestants.choose(options.contestant, options.only)
    server_cpu, generator_cpu = (0, report.cores() - 1) if plan.pinned else (None, None)
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(contestant, server_cpu)) for contestant in chosen]
        notes = [report.describe(server) for server in servers] + missing
        notes.append(
            f"generator: {load.generator_version(plan.generator)}, {plan.connections} connections, "
            f"{plan.keys:,} keys, {plan.rounds} rounds, {'pinned' if plan.pinned else 'not pinned'}"
        )
        turns = len(plan.rows) * len(plan.depths) * plan.rounds * len(servers)
        notes.append(
            f"about {max(1, turns * SECONDS_A_TURN // 60)} minutes; sooner with --quick, --rows GET,SET or --depths 16"
        )
        report.print_heading("throughput", notes)
        _print_figures_heading(servers)
        found: dict[tuple[str, int], dict[str, Figures]] = {}
        filled: Fill | None = None
        for row in plan.rows:
            if row.fill is not filled:
                for server in servers:
                    fill(server, row, plan.keys)
                filled = row.fill
            refusals = [f"{each.name}: {said}" for each in servers if (said := refusal(each, row)) is not None]
            if refusals:
                print(f"{row.name:10} left out; {refusals[0][:90]}", flush=True)
                continue
            for server in servers:
                check(server, row, plan.keys)
            for depth in plan.depths:
                measured = measure(servers, row, depth, plan, generator_cpu)
                found[row.name, depth] = measured
                _print_figures(row, depth, servers, measured)
        print()
    names = [server.name for server in servers]
    _print_ratios(names, found)
    _print_means(names, found)
    report.save(
        options.json,
        {
            "bench": "throughput",
            "notes": notes,
            "rows": [
                {"row": name, "depth": depth, "contestants": {who: asdict(each) for who, each in measured.items()}}
                for (name, depth), measured in found.items()
            ],
        },
    )


def fill(server: Server, row: Row, keys: int) -> None:
    """Leave in the server what the row needs, and nothing else."""
    connection = server.connect()
    connection.command("FLUSHALL")
    connection.fill(row.fill(keys), lines=row.fill_lines)
    connection.close()


def refill(server: Server, row: Row, requests: int) -> None:
    """Put back what so many of the row's requests take away."""
    commands = row.refill(requests)
    connection = server.connect()
    connection.fill(commands)
    connection.close()


def refusal(server: Server, row: Row) -> str | None:
    """What the server says if it does not do the row's command at all."""
    connection = server.connect(timeout_seconds=30)
    try:
        connection.command(*(word.replace(RANDOM_INT, "0" * 12).replace(BATCH, "0" * 12) for word in row.command))
    except ServerError as error:
        return str(error)
    finally:
        connection.close()
    return None


def check(server: Server, row: Row, keys: int) -> None:
    """Send the row's command some hundred times and see that each is answered as it should be.

    Raises RuntimeError: a generator that only counts replies would measure how quickly errors are made.
    """
    connection = server.connect(timeout_seconds=30)
    for request in load.prepare(Load(row.command, row.lines, 200, 1, keys=keys, then=row.then)):
        replies = connection.round_trip(request, row.lines)
        if replies.startswith((b"-", b"$-1")) or b"\n$-1" in replies:
            raise RuntimeError(f"{server.name} answers {row.name} with {replies[:200]!r}")
    connection.close()


def measure(servers: list[Server], row: Row, depth: int, plan: Plan, generator_cpu: int | None) -> dict[str, Figures]:
    """Each server's medians on the row at one depth."""
    what = plan.load_of(row, depth)
    samples: dict[str, list[Figures]] = {server.name: [] for server in servers}
    for number in range(plan.rounds):
        # Each starts a round in its turn, so that none is always the first after the pause.
        turn = number % len(servers)
        for server in servers[turn:] + servers[:turn]:
            refill(server, row, what.requests)
            before = cpu_seconds(server.pid)
            outcome = load.run(plan.generator, server.port, what, generator_cpu)
            cpu_us = (cpu_seconds(server.pid) - before) * 1e6 / what.requests
            samples[server.name].append(Figures(outcome.requests_per_second, cpu_us, outcome.p50_ms, outcome.p99_ms))
    return {name: _medians(list_of) for name, list_of in samples.items()}


def _medians(samples: list[Figures]) -> Figures:
    return Figures(
        report.median([sample.requests_per_second for sample in samples]),
        report.median([sample.cpu_us for sample in samples]),
        report.median([sample.p50_ms for sample in samples]),
        report.median([sample.p99_ms for sample in samples]),
    )


def _print_figures_heading(servers: list[Server]) -> None:
    print("thousands of requests a second, microseconds of server CPU a request, milliseconds at p50 and p99\n")
    print(f"{'':10}{'':>5}" + "".join(f" | {server.name:^27}" for server in servers))
    print(f"{'row':10}{'depth':>5}" + f" | {'k/s':>6}{'us':>7}{'p50':>7}{'p99':>7}" * len(servers), flush=True)


def _print_figures(row: Row, depth: int, servers: list[Server], measured: dict[str, Figures]) -> None:
    line = f"{row.name:10}{depth:>5}"
    for server in servers:
        each = measured[server.name]
        line += f" | {each.requests_per_second / 1000:6.1f}{each.cpu_us:7.2f}{each.p50_ms:7.2f}{each.p99_ms:7.2f}"
    print(line, flush=True)


def _print_ratios(names: list[str], found: dict[tuple[str, int], dict[str, Figures]]) -> None:
    """One line a row: the first contestant against each other one."""
    subject, *others = names
    if not others:
        print("no other server was measured, so there are no ratios; the notes above say what to install")
        return
    print(f"{subject} against the others: above 1, {subject} is the better; ! marks throughput below {GATE_LOWEST}\n")
    head = ["row", "depth"]
    for other in others:
        head += [f"{other}: k/s", "CPU", "p50", "p99"]
    lines = []
    for (name, depth), measured in found.items():
        line = [name, str(depth)]
        for other in others:
            ratios = measured[subject].ratios_to(measured[other])
            mark = "! " if ratios[0] < GATE_LOWEST else ""
            line += [f"{mark}{ratios[0]:.2f}", *(f"{ratio:.2f}" for ratio in ratios[1:])]
        lines.append(line)
    report.print_table(head, lines)


def _print_means(names: list[str], found: dict[tuple[str, int], dict[str, Figures]]) -> None:
    """The geometric means over the gate's rows, all depths and each, beside what the gate asks."""
    subject, *others = names
    gate_rows = {row.name for row in ROWS if row.gate}
    counted = [(name, depth) for name, depth in found if name in gate_rows and depth in GATE_DEPTHS]
    if not others or not counted:
        return
    whole = len(counted) == len(gate_rows) * len(GATE_DEPTHS)
    print(f"geometric means over {len(counted)} rows{'' if whole else ' (not all of the gate)'}\n")
    lines = []
    for other in others:
        ratios = {cell: found[cell][subject].ratios_to(found[cell][other]) for cell in counted}
        line = [
            f"{subject}/{other}",
            f"{report.geometric_mean([each[0] for each in ratios.values()]):.3f}",
            f"{report.geometric_mean([each[1] for each in ratios.values()]):.3f}",
        ]
        for depth in GATE_DEPTHS:
            of_depth = [each[0] for cell, each in ratios.items() if cell[1] == depth]
            line.append(f"{report.geometric_mean(of_depth):.3f}" if of_depth else "-")
        lowest = min(ratios, key=lambda cell: ratios[cell][0])
        below = sum(1 for each in ratios.values() if each[0] < GATE_LOWEST)
        line += [f"{ratios[lowest][0]:.2f} {lowest[0]} at {lowest[1]}", str(below)]
        line.append(f">= {GATE_MEANS[other]:.2f}" if subject == "redpoll" and other in GATE_MEANS else "-")
        lines.append(line)
    depths = [f"k/s at {depth}" for depth in GATE_DEPTHS]
    report.print_table(["", "k/s", "CPU", *depths, "lowest row", f"rows < {GATE_LOWEST}", "gate: k/s"], lines)
