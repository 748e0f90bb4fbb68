"""The price of cluster mode: each contestant stand-alone and as the only node of a cluster, in turn.

The node serves all slots.  It gets the same commands for the same keys as the stand-alone server of the same kind.  A
price is what the node takes more of the processor, or serves less.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from contextlib import ExitStack

from benchmarks import contestants, report, throughput
from benchmarks.contestants import Contestant, Server, free_port
from benchmarks.throughput import Figures, Plan
from benchmarks.wire import Reply

SLOTS = 16384
WAIT_SECONDS = 30.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    throughput.add_options(parser)
    parser.set_defaults(rows="SET,GET", depths="16,64")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    plan = throughput.make_plan(options)
    chosen, missing = contestants.choose(options.contestant, options.only)
    found: dict[str, dict[str, Figures]] = {}
    with ExitStack() as stack:
        pairs = []
        for contestant in chosen:
            alone = stack.enter_context(Server(contestant))
            node = stack.enter_context(Server(as_node(contestant)))
            serve_all(node)
            pairs.append((alone, node))
        notes = [report.describe(alone) for alone, _ in pairs] + missing
        notes.append(f"{plan.connections} connections, {plan.keys:,} keys, {plan.rounds} rounds")
        report.print_heading("the price of cluster mode", notes)
        lines = []
        for row in plan.rows:
            for alone, node in pairs:
                for server in (alone, node):
                    throughput.fill(server, row, plan.keys)
                    throughput.check(server, row, plan.keys)
                for depth in plan.depths:
                    measured = measure(alone, node, row.name, depth, plan)
                    found[f"{row.name} {depth} {alone.name}"] = measured
                    lines.append([row.name, str(depth), alone.name, *shown(measured)])
        report.print_table(["row", "depth", "server", "alone us", "node us", "CPU price", "throughput price"], lines)
    report.save(
        options.json,
        {
            "bench": "cluster",
            "notes": notes,
            "rows": {name: {who: dataclasses.asdict(each) for who, each in two.items()} for name, two in found.items()},
        },
    )


def as_node(contestant: Contestant) -> Contestant:
    """The same server in cluster mode."""
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    return dataclasses.replace(contestant, name=f"{contestant.name}-node", command=(*contestant.command, *options))


def serve_all(node: Server) -> None:
    """Let a node without others serve all slots.  Raises RuntimeError."""
    connection = node.connect()
    connection.command("CLUSTER", "ADDSLOTSRANGE", "0", str(SLOTS - 1))
    deadline = time.monotonic() + WAIT_SECONDS
    while b"cluster_state:ok" not in bytes_of(connection.command("CLUSTER", "INFO")):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{node.name} does not serve its slots")
        time.sleep(0.1)
    connection.close()


def measure(alone: Server, node: Server, row: str, depth: int, plan: Plan) -> dict[str, Figures]:
    """The medians of both on a row at a depth, as `alone` and `node`."""
    chosen = next(each for each in plan.rows if each.name == row)
    found = throughput.measure([alone, node], chosen, depth, plan, None)
    return {"alone": found[alone.name], "node": found[node.name]}


def shown(measured: dict[str, Figures]) -> list[str]:
    """CPU a request of both, and the prices in per cent."""
    alone, node = measured["alone"], measured["node"]
    cpu = 100.0 * (node.cpu_us / alone.cpu_us - 1.0)
    served = 100.0 * (1.0 - node.requests_per_second / alone.requests_per_second)
    return [f"{alone.cpu_us:.3f}", f"{node.cpu_us:.3f}", f"{cpu:+.1f} %", f"{served:+.1f} %"]


def bytes_of(reply: Reply) -> bytes:
    assert isinstance(reply, bytes)
    return reply
