"""`python -m benchmarks [BENCH] [OPTIONS]`, BENCH being `throughput` if none is named."""

from __future__ import annotations

import argparse
import sys

from benchmarks import (
    aof,
    cluster,
    embedded,
    eviction,
    expiry,
    instructions,
    large,
    loading,
    memory,
    profile,
    pubsub,
    replication,
    scripts,
    snapshot,
    stalls,
    throughput,
)

BENCHES = {
    "throughput": throughput,
    "aof": aof,
    "cluster": cluster,
    "large": large,
    "load": loading,
    "memory": memory,
    "stalls": stalls,
    "embedded": embedded,
    "eviction": eviction,
    "instructions": instructions,
    "profile": profile,
    "expiry": expiry,
    "pubsub": pubsub,
    "snapshot": snapshot,
    "replication": replication,
    "scripts": scripts,
}


def main(words: list[str]) -> int:
    """Run one bench; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="redpoll beside the real servers")
    commands = parser.add_subparsers(dest="bench", required=True, metavar="BENCH")
    for name, module in BENCHES.items():
        summary = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument(
            "--contestant",
            action="append",
            default=[],
            metavar="NAME=COMMAND",
            help="measure this server too, or in place of the known one of that name; {port}: its port",
        )
        command.add_argument(
            "--only",
            metavar="NAMES",
            help="these contestants in this order, commas between; the first is compared with each other one",
        )
        command.add_argument("--json", metavar="FILE", help="also write the figures there")
        module.add_options(command)
    if words[:1] not in [["-h"], ["--help"]] and (not words or words[0].startswith("-")):
        words = ["throughput", *words]
    options = parser.parse_args(words)
    try:
        BENCHES[options.bench].main(options)
    except (ValueError, RuntimeError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
