"""Columns that split, join, grow and shrink."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import i64

from redpoll.structures.columns import (
    appended,
    join,
    part_deadlines,
    part_items_earliest,
    part_objects,
    removed,
)
from redpoll.structures.segment import NEVER, OUTSIDE, Outside, Segment
from redpoll.types.string import LongString

BIT = 1 << 40
numbers = st.lists(st.integers(0, 1 << 61), max_size=30)


@given(numbers, st.integers(0, 1 << 61))
def test_a_value_is_appended(before: list[int], value: int) -> None:
    column = vec[i64](before)
    grown = appended(column, value)
    assert list(grown) == [*before, value]


def test_columns_grow_from_nothing() -> None:
    column = vec[i64]()
    for n in range(40):
        column = appended(column, n)
        assert list(column) == list(range(n + 1))


@given(st.lists(st.integers(0, 1 << 61), min_size=1, max_size=30), st.data())
def test_a_value_is_removed_and_the_order_stays(before: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(before) - 1))
    assert list(removed(vec[i64](before), place)) == before[:place] + before[place + 1 :]


def segment_of(*buckets: list[int]) -> Segment:
    """A segment whose words are these and whose records are one letter each."""
    segment = Segment(len(buckets))
    for j, words in enumerate(buckets):
        segment.add_bucket()
        segment.words[j] = vec[i64](words)
        segment.blobs[j] = bytes(97 + 10 * j + n for n in range(len(words)))
    return segment


def test_deadlines_part_by_the_bit() -> None:
    source, target = segment_of([1, BIT, 3, BIT | 1]), segment_of([])
    source.keep_deadlines()
    source.deadlines[0] = vec[i64]([50, 40, 0, 70])
    source.note_earliest(0)
    part_deadlines(source, 0, target, 0, source.words[0], BIT)
    assert (list(source.deadlines[0]), list(target.deadlines[0])) == ([50, 0], [40, 70])
    assert (source.earliest[0], target.earliest[0], target.first) == (50, 40, 40)


def test_deadlines_that_all_go_leave_none() -> None:
    source, target = segment_of([BIT, BIT]), segment_of([])
    source.keep_deadlines()
    source.deadlines[0] = vec[i64]([50, 40])
    source.note_earliest(0)
    part_deadlines(source, 0, target, 0, source.words[0], BIT)
    assert (source.earliest[0], target.earliest[0]) == (NEVER, 40)


def objects(*names: bytes) -> list[Outside]:
    return [LongString(name) for name in names]


def names_of(found: list[Outside]) -> list[bytes]:
    return [each.data for each in found if isinstance(each, LongString)]


def test_objects_part_with_their_records() -> None:
    source, target = segment_of([OUTSIDE, 1, OUTSIDE | BIT, BIT, OUTSIDE, OUTSIDE | BIT]), segment_of([])
    source.objects_of(0).extend(objects(b"a", b"b", b"c", b"d"))
    part_objects(source, 0, target, 0, source.words[0], BIT)
    assert (names_of(source.objects[0]), names_of(target.objects[0])) == ([b"a", b"c"], [b"b", b"d"])


def test_objects_that_all_stay_or_all_go() -> None:
    for words, kept, moved in (([OUTSIDE, OUTSIDE], 2, 0), ([OUTSIDE | BIT, OUTSIDE | BIT], 0, 2)):
        source, target = segment_of(words), segment_of([])
        source.objects_of(0).extend(objects(b"a", b"b"))
        part_objects(source, 0, target, 0, source.words[0], BIT)
        assert (len(source.objects[0]), len(target.objects_of(0))) == (kept, moved)


def test_records_of_two_buckets_stand_one_behind_the_other() -> None:
    segment = segment_of([1, 2], [3, 4, 5])
    join(segment, 0, segment, 1)
    assert list(segment.words[0]) == [1, 2, 3, 4, 5]
    assert segment.blobs[0] == b"abklm"


def test_an_empty_bucket_adds_nothing_and_an_empty_one_takes_all() -> None:
    segment = segment_of([1, 2], [], [])
    join(segment, 0, segment, 1)
    assert (list(segment.words[0]), segment.blobs[0]) == ([1, 2], b"ab")
    join(segment, 2, segment, 0)
    assert (list(segment.words[2]), segment.blobs[2]) == ([1, 2], b"ab")


@pytest.mark.parametrize("apart", [False, True])
def test_objects_of_joined_buckets_stand_in_the_order_of_the_records(apart: bool) -> None:
    both = segment_of([OUTSIDE, 1, OUTSIDE], [OUTSIDE, OUTSIDE])
    target, source, j = (both, both, 1) if not apart else (both, segment_of([OUTSIDE, OUTSIDE]), 0)
    target.objects_of(0).extend(objects(b"a", b"b"))
    source.objects_of(j).extend(objects(b"c", b"d"))
    join(target, 0, source, j)
    assert names_of(target.objects[0]) == [b"a", b"b", b"c", b"d"]


def test_objects_come_to_a_segment_that_had_none() -> None:
    target, source = segment_of([1]), segment_of([OUTSIDE])
    source.objects_of(0).extend(objects(b"a"))
    join(target, 0, source, 0)
    assert names_of(target.objects[0]) == [b"a"]
    # And none come from one that has none.
    target, source = segment_of([1]), segment_of([2])
    join(target, 0, source, 0)
    assert target.objects == []


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([50, 0], [0, 40], [50, 0, 0, 40]),
        ([50, 60], None, [50, 60, 0, 0]),
        (None, [0, 40], [0, 0, 0, 40]),
        (None, None, []),
    ],
)
def test_deadlines_of_joined_buckets(ours: list[int] | None, theirs: list[int] | None, expected: list[int]) -> None:
    target, source = segment_of([1, 2]), segment_of([3, 4])
    for segment, column in ((target, ours), (source, theirs)):
        if column is not None:
            segment.keep_deadlines()
            segment.deadlines[0] = vec[i64](column)
            segment.note_earliest(0)
    join(target, 0, source, 0)
    assert expected == (list(target.deadlines[0]) if len(target.deadlines) > 0 else [])
    if expected:
        assert target.earliest[0] == min(at for at in expected if at)
        assert target.first == target.earliest[0]


def test_a_bucket_without_deadlines_in_a_segment_with_some() -> None:
    segment = segment_of([1], [2], [3])
    segment.keep_deadlines()
    join(segment, 0, segment, 1)
    assert list(segment.deadlines[0]) == []
    segment.deadlines[2] = vec[i64]([9])
    join(segment, 0, segment, 2)
    assert (list(segment.deadlines[0]), segment.earliest[0]) == ([0, 0, 9], 9)


def test_deadlines_within_values_count_for_both_halves_until_they_are_looked_at() -> None:
    segment = segment_of([1, BIT], [], [3])
    part_items_earliest(segment, 0, segment, 1)
    join(segment, 1, segment, 2)
    assert len(segment.items_earliest) == 0
    segment.note_items_earliest(0, 50)
    part_items_earliest(segment, 0, segment, 1)
    assert list(segment.items_earliest) == [50, 50, NEVER]
    segment.note_items_earliest(2, 40)
    join(segment, 1, segment, 2)
    join(segment, 0, segment, 1)
    assert list(segment.items_earliest) == [40, 40, 40]
    apart = segment_of([])
    part_items_earliest(segment, 0, apart, 0)
    assert (list(apart.items_earliest), apart.items_first) == ([40], 40)
