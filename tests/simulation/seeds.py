"""Runs seeds: faults for a while, then peace, and so on.

`python -m tests.simulation.seeds 17` replays a seed with its log; `... seeds 17 --shrink` looks for the few faults that
suffice to break a rule; `... seeds 1000 --for 600` runs seeds from 1000 on for so many seconds, and prints what they did.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from typing import Final

from tests.simulation.world import START, Violation, World

SHAPES: Final = [(3, 1), (3, 2), (4, 1), (5, 1), (3, 0), (7, 1), (5, 3), (3, 3), (10, 1), (6, 2)]
"""Primaries, and replicas of each."""
MOST_FAULTS: Final = 48
PAUSES: Final = (50, 300, 1000, 3000, 7000)


class Report:
    """What some seeds did."""

    def __init__(self) -> None:
        self.seeds = 0
        self.simulated_ms = 0
        self.counts: Counter[str] = Counter()
        self.refusals: Counter[bytes] = Counter()

    def add(self, world: World) -> None:
        self.seeds += 1
        self.simulated_ms += world.now - START
        rules = world.rules
        self.counts.update(world.faults)
        self.counts.update(
            {
                "~ steps": world.steps, "~ writes": world.written, "~ promises": rules.promised,
                "~ promises kept at the end": rules.kept, "~ promises kept in promotions": rules.checked,
                "~ full synchronisations": rules.full_syncs, "~ partial synchronisations": rules.partial_syncs, "~ promotions": rules.elections,
                "~ comparisons of data": rules.compared, "~ starts": sum(node.life for node in world.nodes),
            }
        )  # fmt: skip
        self.refusals.update(rules.refusals)

    def text(self) -> str:
        lines = [f"{self.seeds} seeds, {self.simulated_ms / 3600_000:.2f} simulated hours"]
        lines += [f"  {name}: {count}" for name, count in sorted(self.counts.items())]
        lines += [f"  refused: {word.decode()} {count}" for word, count in sorted(self.refusals.items())]
        return "\n".join(lines)


def run_seed(
    seed: int, keep_log: bool = False, worlds: list[World] | None = None, without: frozenset[int] = frozenset()
) -> World:
    """Run one seed to its end, without some of its faults.  Raises Violation."""
    primaries, replicas = SHAPES[seed % len(SHAPES)]
    world = World(seed, primaries, replicas, keep_log=keep_log)
    if worlds is not None:
        worlds.append(world)
    world.run(4000)
    at = 0
    for _ in range(world.chance.randrange(1, 4)):
        for _ in range(world.chance.randrange(4, 16)):
            # Each fault is the same whatever was before it, so that others can be left out.
            world.chance.seed(f"{seed} {at}")
            if at not in without:
                world.fault()
            at += 1
            world.run(world.chance.choice(PAUSES))
            world.rules.compare()
        world.chance.seed(f"{seed} after {at}")
        world.agree()
    return world


def breaks(seed: int, without: set[int]) -> bool:
    """Whether a seed breaks a rule without some of its faults."""
    try:
        run_seed(seed, without=frozenset(without))
    except Violation:
        return True
    return False


def shrink(seed: int) -> set[int]:
    """The faults of a seed that are not needed to break a rule."""
    without: set[int] = set()
    span = 16
    while span > 0:
        for first in range(0, MOST_FAULTS, span):
            more = set(range(first, first + span)) - without
            if more and breaks(seed, without | more):
                without |= more
        span //= 2
    return without


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("first", type=int)
    parser.add_argument("--for", dest="seconds", type=float, default=0.0)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--shrink", action="store_true")
    options = parser.parse_args()
    without = frozenset(shrink(options.first)) if options.shrink else frozenset[int]()
    report = Report()
    failed = 0
    until = time.monotonic() + options.seconds
    seed = options.first
    while True:
        worlds: list[World] = []
        try:
            run_seed(seed, not options.seconds, worlds, without)
        except Violation as violation:
            failed += 1
            sys.stdout.write(f"{violation}\n")
            sys.stdout.flush()
        finally:
            if not options.seconds and worlds:
                sys.stdout.write("\n".join(worlds[0].log) + "\n")
        report.add(worlds[0])
        seed += options.step
        if time.monotonic() >= until or (failed and not options.keep_going):
            break
    sys.stdout.write(report.text() + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
