"""Seeds of the simulated cluster.  A failing seed is in the message: `python -m tests.simulation.seeds SEED` replays it.

The number of seeds makes it about 20 seconds for each of the two builds in `make test`, and 30 minutes in
`make test-full`.
"""

from __future__ import annotations

import os

import pytest
from tests.simulation.seeds import run_seed

COUNTS = {"ci": 20, "more": 60, "full": 1500}
SEEDS = COUNTS.get(os.environ.get("REDPOLL_PROFILE", "ci"), 20)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_faults_break_no_rule_and_heal(seed: int) -> None:
    run_seed(seed)


def test_a_seed_replays_exactly() -> None:
    first, second = run_seed(10, keep_log=True), run_seed(10, keep_log=True)
    assert first.log == second.log
    assert (first.steps, first.written) == (second.steps, second.written)
