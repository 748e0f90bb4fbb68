"""Seeds of the simulated cluster.  A failing seed is in the message: `python -m tests.simulation.seeds SEED` replays it.

The number of seeds makes it about 20 seconds for each of the two builds in `make test`, and 30 minutes in
`make test-full`.
"""

from __future__ import annotations

import os

import pytest
from tests.simulation.seeds import run_seed
from tests.simulation.world import World

COUNTS = {"ci": 20, "more": 60, "full": 1500}
SEEDS = COUNTS.get(os.environ.get("REDPOLL_PROFILE", "ci"), 20)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_faults_break_no_rule_and_heal(seed: int) -> None:
    run_seed(seed)


def test_a_seed_replays_exactly() -> None:
    first, second = run_seed(10, keep_log=True), run_seed(10, keep_log=True)
    assert first.log == second.log
    assert (first.steps, first.written) == (second.steps, second.written)


@pytest.mark.parametrize("how", ["move a slot", "migrate slots"])
@pytest.mark.parametrize("seed", range(3))
def test_slots_that_move_in_peace_lose_nothing(seed: int, how: str) -> None:
    """Without faults, not even a transaction on the way may be lost, however many slots move while clients write."""
    world = World(seed, 4, 1)
    world.troubled = False
    world.run(4000)
    before = [node.machine.view.myself.slots for node in world.nodes]
    for _ in range(12):
        world.operate(how, world.chance.choice(world.nodes))
        # The rules excuse a slot that moves; here nothing is excused.
        world.rules.moved.clear()
        world.run(world.chance.choice((200, 1000, 4000)))
    world.run(10_000)
    assert [node.machine.view.myself.slots for node in world.nodes] != before
    world.rules.compare()
    world.agree()
    assert world.rules.kept > 50
