"""The engine's notes about files."""

from __future__ import annotations

from redpoll.engine.durability import Durability


def test_at_first_the_start_counts_as_the_last_save() -> None:
    found = Durability(1_700_000_000)
    assert (found.saved_s, found.saves, found.last_save_worked) == (1_700_000_000, 0, True)
    assert found.libraries == [] and found.checking_sums
