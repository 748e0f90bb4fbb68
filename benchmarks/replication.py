"""Replication: throughput of SET with one replica, and the time of a full synchronisation.

Each server has a replica of its own kind.  The replica runs on the same machine, so both share its cores.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from contextlib import ExitStack, closing

from benchmarks import contestants, load, report, throughput
from benchmarks.contestants import Contestant, Server
from benchmarks.processes import cpu_seconds
from benchmarks.rows import rows_named

OPTIONS = ("--repl-diskless-sync-delay", "0", "--save", "", "--enable-debug-command", "yes")
SYNC_SECONDS = 600.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    parser.add_argument("--depths", default="64", metavar="N,N", help="commands sent at a time (default 64)")
    parser.add_argument("--requests", type=int, default=300_000, metavar="N", help="of each measurement (300000)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns each gets; the median counts (5)")
    parser.add_argument("--keys", type=int, default=100_000, metavar="N", help="keys, all of them filled (100000)")
    parser.add_argument("--connections", type=int, default=50, metavar="N", help="(50)")
    parser.add_argument("--megabytes", type=int, default=200, metavar="N", help="of the full synchronisation; 0: none")
    parser.add_argument("--quick", action="store_true", help="a third of the requests, 3 rounds, a fifth of the data")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    chosen, missing = contestants.choose(options.contestant, options.only)
    report.print_heading("replication", missing)
    writing = {name: measured(name, chosen, options) for name in ("alone", "one replica")}
    megabytes = options.megabytes // 5 if options.quick else options.megabytes
    synced = synchronising(chosen, megabytes) if megabytes > 0 else {}
    report.save(options.json, {"bench": "replication", "throughput": writing, "full": synced})


def with_options(contestant: Contestant) -> Contestant:
    return dataclasses.replace(contestant, command=(*contestant.command, *OPTIONS))


def follow(replica: Server, primary: Server) -> float:
    """Let a server follow another one; return the seconds until the link is up."""
    began = time.perf_counter()
    with closing(replica.connect()) as connection:
        connection.command("REPLICAOF", "127.0.0.1", str(primary.port))
        while connection.info().get("master_link_status") != "up":
            if time.perf_counter() - began > SYNC_SECONDS:
                raise RuntimeError(f"{replica.name} does not synchronise")
            time.sleep(0.005)
    return time.perf_counter() - began


def measured(name: str, chosen: list[Contestant], options: argparse.Namespace) -> dict[str, dict[str, object]]:
    """Figures of SET by server and depth, with a replica or alone."""
    rounds = 3 if options.quick else options.rounds
    requests = options.requests // 3 if options.quick else options.requests
    row = rows_named("SET")[0]
    depths = tuple(int(depth) for depth in options.depths.split(","))
    plan = throughput.Plan(
        (row,), depths, requests, rounds, options.keys, options.connections, load.generators()[0], False
    )
    found: dict[str, dict[str, object]] = {}
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(with_options(each))) for each in chosen]
        for server, each in zip(servers, chosen, strict=True):
            throughput.fill(server, row, options.keys)
            if name != "alone":
                follow(stack.enter_context(Server(with_options(each))), server)
        lines = []
        for depth in depths:
            figures = throughput.measure(servers, row, depth, plan, None)
            first = figures[servers[0].name]
            for server in servers:
                one = figures[server.name]
                found.setdefault(server.name, {})[str(depth)] = dataclasses.asdict(one)
                ratio = first.requests_per_second / one.requests_per_second
                lines.append([
                    str(depth), server.name, f"{one.requests_per_second:,.0f}", f"{one.cpu_us:.2f}", f"{ratio:.2f}",
                ])  # fmt: skip
    print(f"\nSET, {name}")
    report.print_table(["depth", "server", "requests/s", "CPU µs", f"{chosen[0].name}/this"], lines)
    return found


def synchronising(chosen: list[Contestant], megabytes: int) -> dict[str, dict[str, float]]:
    """Seconds of a full synchronisation, and CPU seconds of both ends, by server."""
    found: dict[str, dict[str, float]] = {}
    lines = []
    for each in chosen:
        with Server(with_options(each)) as primary, Server(with_options(each)) as replica:
            with closing(primary.connect()) as connection:
                connection.command("DEBUG", "POPULATE", str(megabytes * 1000), "key", "1000")
            before = (cpu_seconds(primary.pid), cpu_seconds(replica.pid))
            seconds = follow(replica, primary)
            cpu = (cpu_seconds(primary.pid) - before[0], cpu_seconds(replica.pid) - before[1])
        found[each.name] = {"seconds": seconds, "primary_cpu": cpu[0], "replica_cpu": cpu[1]}
        lines.append([each.name, f"{seconds:.2f}", f"{cpu[0]:.2f}", f"{cpu[1]:.2f}"])
    print(f"\nfull synchronisation of {megabytes:,} MB in values of 1,000 bytes")
    report.print_table(["server", "seconds", "CPU s of the primary", "CPU s of the replica"], lines)
    return found
