"""The 24 bits of the access clock: seconds, or minutes and a counter that rises slowly and falls with time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.keyspace.access import COUNT_BITS, COUNT_MASK, FIRST_COUNT, MINUTE_US, Access, idle_seconds, minute_of

START_US = 1_700_000_000_000_000


def made(log_factor: int = 10, decay_minutes: int = 1) -> Access:
    access = Access()
    access.log_factor = log_factor
    access.decay_minutes = decay_minutes
    access.seed(7)
    return access


def field(count: int, at_us: int = START_US) -> int:
    return minute_of(at_us) << COUNT_BITS | count


def test_a_new_key_was_used_a_little() -> None:
    assert made().first(START_US) == field(FIRST_COUNT)


@pytest.mark.parametrize(
    ("decay", "minutes", "left"),
    [(1, 0, 100), (1, 1, 99), (1, 7, 93), (1, 100, 0), (1, 5000, 0), (2, 1, 100), (2, 6, 97), (0, 5000, 100)],
)
def test_a_counter_falls_with_time(decay: int, minutes: int, left: int) -> None:
    access = made(decay_minutes=decay)
    later = START_US + minutes * MINUTE_US
    assert access.count(field(100), later) == left
    assert access.read(field(100), later) == field(left, later)


def test_a_counter_that_is_read_often_does_not_fall() -> None:
    access = made(decay_minutes=2)
    kept = field(100)
    for half_minute in range(40):
        kept = access.read(kept, START_US + half_minute * MINUTE_US // 2)
    assert kept & COUNT_MASK == 100


def test_the_minutes_wrap() -> None:
    access = made()
    before = (0xFFFF << COUNT_BITS) | 50
    assert access.count(before, 2 * MINUTE_US) == 47


def test_without_a_factor_each_use_counts() -> None:
    access = made(log_factor=0)
    kept = access.first(START_US)
    for _ in range(300):
        kept = access.touched(kept, START_US)
    assert kept == field(255)


def test_a_use_falls_before_it_rises() -> None:
    later = START_US + 10 * MINUTE_US
    assert made(log_factor=0).touched(field(50), later) == field(41, later)


def test_a_counter_rises_ever_more_slowly() -> None:
    """The reference's table: a factor of 10 has 100 uses at about 10, 1,000 at about 18, 100,000 at about 142."""
    access = made()
    counts = {}
    kept = access.first(START_US)
    for use in range(1, 100_001):
        kept = access.touched(kept, START_US)
        if use in (100, 1000, 100_000):
            counts[use] = kept & COUNT_MASK
    assert 7 <= counts[100] <= 13
    assert 15 <= counts[1000] <= 23
    assert 130 <= counts[100_000] <= 152


def test_a_counter_that_has_not_risen_yet_rises_at_once() -> None:
    for count in range(FIRST_COUNT + 1):
        assert made(log_factor=2**31 - 1).touched(field(count), START_US) & COUNT_MASK == count + 1


@given(st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1))
def test_idle_seconds_wrap(then: int, passed: int) -> None:
    assert idle_seconds(then, (then + passed) % 2**24) == passed


@given(st.integers(0, 2**24 - 1), st.integers(0, 2**53), st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_a_field_stays_within_its_bits(kept: int, now_us: int, log_factor: int, decay: int) -> None:
    access = made(log_factor, decay)
    for following in (access.touched(kept, now_us), access.read(kept, now_us), access.first(now_us)):
        assert 0 <= following < 2**24
    assert 0 <= access.count(kept, now_us) <= kept & COUNT_MASK
