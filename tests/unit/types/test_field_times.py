"""What a hash has beside its fields while some of them have a deadline."""

from __future__ import annotations

from librt.vecs import vec
from mypy_extensions import i64

from redpoll.structures.segment import NEVER
from redpoll.types.field_times import FieldTimes, has_deadline, without_deadlines


def test_a_field_is_past_from_its_deadline_on() -> None:
    times = FieldTimes(vec[i64]([0, 50]))
    assert (times.earliest, times.now_ms, times.overwritten) == (NEVER, 0, 0)
    times.now_ms = 50
    assert [times.is_past(at) for at in (0, 49, 50, 51)] == [False, True, True, False]


def test_some_may_be_past_from_the_earliest_on() -> None:
    times = FieldTimes(vec[i64]())
    times.now_ms = 1 << 50
    assert not times.some_past()
    for earliest, past in ((1 << 50, True), ((1 << 50) + 1, False)):
        times.earliest = earliest
        assert times.some_past() == past


def test_a_twin_has_a_column_of_its_own() -> None:
    for deadlines in ([], [1], [1, 0, 3, 4, 5]):
        times = FieldTimes(vec[i64](deadlines))
        times.earliest = 7
        twin = times.twin()
        assert (list(twin.column), twin.earliest) == (deadlines, 7)
        if deadlines:
            twin.column[0] = 99
            assert list(times.column) == deadlines


def test_columns_without_any_deadline() -> None:
    for count in (0, 1, 5):
        column = without_deadlines(count)
        assert list(column) == [0] * count
        assert not has_deadline(column)
    for place in range(3):
        column = without_deadlines(3)
        column[place] = 1
        assert has_deadline(column)
