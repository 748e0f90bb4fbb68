"""A fuzz of random Lua programs: whatever they do, each ends with a reply in bounded time and memory."""

from __future__ import annotations

from hypothesis import settings
from tests.unit.scripting.programs import program
from tests.unit.scripting.test_attacks import run

profile = settings.default
assert profile is not None
# `ci` runs 250 programs, `full` 4,000.  A failure names the program; its seed is its place.
BATCHES = max(1, profile.max_examples // 20)
BATCH = 100
MEMORY = 24 << 20
STEPS = 20


def test_programs_end_in_replies() -> None:
    for batch in range(BATCHES):
        seeds = range(batch * BATCH, (batch + 1) * BATCH)
        assert len(run([program(seed) for seed in seeds], MEMORY, STEPS)) == BATCH
