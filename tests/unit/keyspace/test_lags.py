"""How late keys are deleted: the histogram against sorted lists, and what INFO tells of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.engine.machine import Machine

from redpoll.keyspace.lags import MOST_MS, Lags


@given(st.lists(st.integers(0, 1500), min_size=1), st.integers(1, 100))
def test_percentiles_are_those_of_the_sorted_lags(lags: list[int], percent: int) -> None:
    found = Lags()
    for lag in lags:
        found.add(lag)
    expected = sorted(lags)[(len(lags) * percent + 99) // 100 - 1]
    assert found.longest_ms == max(lags)
    assert found.percentile(percent) == (expected if expected < MOST_MS else max(lags))


def test_nothing_is_known_before_a_key_expires_and_after_a_reset() -> None:
    found = Lags()
    assert (found.percentile(50), found.percentile(99), found.longest_ms) == (0, 0, 0)
    found.add(7)
    found.reset()
    assert (found.percentile(50), found.percentile(99), found.longest_ms) == (0, 0, 0)


def test_a_clock_that_was_put_back_makes_no_lag() -> None:
    found = Lags()
    found.add(-5)
    assert (found.percentile(99), found.longest_ms) == (0, 0)


def test_info_tells_how_late_keys_were_deleted() -> None:
    machine = Machine()
    machine.do("SET", "k", "v", "PX", "100")
    machine.do("SET", "j", "v", "PX", "100")
    machine.clock.advance_ms(107)
    machine.do("GET", "k")
    machine.clock.advance_ms(3)
    machine.engine.tick()
    lines = machine.lines("stats")
    assert (lines["expire_lag_p50_ms"], lines["expire_lag_p99_ms"], lines["expire_lag_max_ms"]) == ("7", "10", "10")
    machine.do("CONFIG", "RESETSTAT")
    assert machine.lines("stats")["expire_lag_max_ms"] == "0"
