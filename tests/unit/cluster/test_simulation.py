"""Seeds of the simulated cluster: faults for a while, then peace, and all nodes agree.

A failing seed is in the message of the failure.  `python -m tests.unit.cluster.test_simulation SEED` shows its log.
"""

from __future__ import annotations

import os
import sys

import pytest
from tests.unit.cluster.simulation import World
from tests.unit.cluster.worlds import formed

SEEDS = 1000 if os.environ.get("REDPOLL_PROFILE") == "full" else 40
GROUP = 4
"""Seeds that one test runs."""

SHAPES = [(3, 1), (3, 0), (3, 2), (4, 1), (5, 1), (3, 1), (7, 1), (5, 3)]
"""Primaries, and replicas of each."""


def troubled(seed: int) -> World:
    """A cluster after some faults."""
    primaries, replicas = SHAPES[seed % len(SHAPES)]
    world = formed(seed, primaries, replicas)
    world.run(4000)
    for _ in range(world.chance.randrange(4, 16)):
        world.fault()
        world.run(world.chance.choice((50, 300, 1000, 3000, 7000)))
    return world


def heal(world: World) -> None:
    """End the faults, and wait until all agree, within a bounded number of timeouts."""
    world.heal()
    left: list[str] = []
    for _ in range(30):
        world.run(world.settings.timeout)
        left = world.disagreements()
        if not left:
            break
    assert not left, f"seed {world.seed}: {left[:10]}"
    for node in world.nodes:
        assert node.machine is not None
        node.machine.view.check()


@pytest.mark.parametrize("first", range(0, SEEDS, GROUP))
def test_faults_break_no_rule_and_heal(first: int) -> None:
    for seed in range(first, first + GROUP):
        heal(troubled(seed))


def test_a_seed_replays_exactly() -> None:
    first, second = troubled(5), troubled(5)
    assert first.log == second.log
    assert (first.steps, first.messages) == (second.steps, second.messages)


if __name__ == "__main__":
    shown = World(0, 0)
    try:
        shown = troubled(int(sys.argv[1]))
        heal(shown)
    finally:
        sys.stdout.write("\n".join(shown.log) + "\n")
