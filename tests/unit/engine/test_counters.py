"""What an engine counts: cells and long calls against a plain list of durations, errors by code."""

from __future__ import annotations

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from redpoll.engine.counters import CELLS, OVERFLOW_CODE, Counters, end_of_step, step_of
from redpoll.observe.histogram import Histogram

durations = st.lists(st.one_of(st.integers(0, 200), st.integers(0, 1 << 50)), min_size=1, max_size=60)


@given(durations)
def test_calls_and_time_are_those_of_a_list(took: list[int]) -> None:
    counters = Counters(3)
    for usec in took:
        counters.count(1, usec)
    assert counters.calls(1) == counters.processed() == len(took)
    assert counters.usec(1) == counters.total_usec() == sum(took)
    assert counters.calls(0) == counters.calls(2) == 0


@given(st.integers(CELLS, (1 << 46) - 1))
def test_a_step_is_right_to_a_thirty_second(usec: int) -> None:
    end = end_of_step(step_of(usec))
    assert usec <= end <= usec + usec // 32
    assert step_of(end) == step_of(usec)
    assert step_of(end + 1) == step_of(usec) + 1 or end + 1 == 1 << 46


@given(durations, st.floats(0, 100))
def test_a_percentile_is_the_duration_that_so_many_calls_do_not_exceed(took: list[int], percent: float) -> None:
    counters = Counters(1)
    for usec in took:
        counters.count(0, usec)
    found = Histogram(counters.tracked, 0).percentile(percent)
    rank = max(ceil(percent / 100.0 * len(took)), 1)
    wanted = sorted(max(usec, 1) for usec in took)[rank - 1]
    if wanted < CELLS:
        assert found == wanted
    elif wanted < 1 << 46:
        assert wanted <= found <= wanted + wanted // 32


@given(durations)
def test_buckets_add_up_to_all_calls(took: list[int]) -> None:
    counters = Counters(1)
    for usec in took:
        counters.count(0, usec)
    buckets = Histogram(counters.tracked, 0).buckets()
    assert buckets[-1][1] == len(took)
    assert buckets == sorted(set(buckets))
    for bound, calls in buckets:
        if bound < CELLS:
            assert calls == sum(1 for usec in took if usec <= bound)


def test_bounds_of_buckets_double() -> None:
    counters = Counters(1)
    for power in range(12):
        counters.count(0, 1 << power)
    assert [bound for bound, _ in Histogram(counters.tracked, 0).buckets()] == [
        1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113,
    ]  # fmt: skip


def test_a_clock_that_went_back_hurts_no_other_command() -> None:
    counters = Counters(3)
    counters.count(1, -5)
    assert [counters.calls(n) for n in range(3)] == [0, 1, 0]


def test_an_error_counts_under_its_first_word() -> None:
    counters = Counters(1)
    for text in (
        b"WRONGTYPE Operation",
        b"ERR no",
        b"one-word",
        b"A" * 30 + b" short enough",
        b"B" * 31 + b" too long",
        b"A:B#C stranger",
    ):
        counters.error(text)
    assert counters.errors == {b"WRONGTYPE": 1, b"ERR": 3, b"A" * 30: 1, b"A_B_C": 1}
    assert counters.error_replies == 6


def test_beyond_128_codes_new_ones_count_together() -> None:
    counters = Counters(1)
    for n in range(200):
        counters.error(b"CODE%d x" % n)
    counters.error(b"CODE5 x")
    assert len(counters.errors) == 129
    assert counters.errors[OVERFLOW_CODE] == 72
    assert counters.errors[b"CODE5"] == 2


def test_reset_forgets_everything() -> None:
    counters = Counters(2)
    counters.count(1, 5)
    counters.count(1, 5000)
    counters.error(b"ERR x")
    counters.rejected[1] += 1
    counters.failed[1] += 1
    counters.reset()
    assert counters.processed() == counters.total_usec() == counters.error_replies == 0
    assert counters.errors == {}
    assert counters.rejected[1] == counters.failed[1] == 0
