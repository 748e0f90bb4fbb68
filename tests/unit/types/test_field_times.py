"""What is past when, and what a copy shares with its original: nothing."""

from __future__ import annotations

from redpoll.structures.segment import NEVER
from redpoll.types.field_times import FieldTimes, has_deadline, without_deadlines


def test_a_field_is_past_from_its_deadline_on() -> None:
    times = FieldTimes(without_deadlines(2))
    times.now_ms = 10
    assert not times.is_past(0), "no deadline"
    assert not times.is_past(11)
    assert times.is_past(10)
    assert times.is_past(1)


def test_some_may_be_past_from_the_earliest_on() -> None:
    times = FieldTimes(without_deadlines(0))
    times.now_ms = 10
    assert times.earliest == NEVER and not times.some_past()
    times.earliest = 11
    assert not times.some_past()
    times.earliest = 10
    assert times.some_past()


def test_a_twin_goes_its_own_way() -> None:
    times = FieldTimes(without_deadlines(3))
    times.column[1] = 5
    times.earliest = 5
    twin = times.twin()
    assert list(twin.column) == [0, 5, 0] and twin.earliest == 5
    twin.column[1] = 7
    assert list(times.column) == [0, 5, 0]


def test_columns() -> None:
    column = without_deadlines(3)
    assert list(column) == [0, 0, 0]
    assert not has_deadline(column)
    column[2] = 1
    assert has_deadline(column)
    assert not has_deadline(without_deadlines(0))
