"""Segments: their columns stay side by side, and the earliest deadlines are known."""

from __future__ import annotations

import pytest
from librt.vecs import vec
from mypy_extensions import i64

from redpoll.structures.segment import BYTES_PER_OBJECT, NEVER, Outside, Segment
from redpoll.types.hash import Hash
from redpoll.types.string import LongString


def widths(segment: Segment) -> tuple[int, ...]:
    """How many buckets each column has: words, records, deadlines, earliest, objects."""
    return (
        len(segment.words), len(segment.blobs), len(segment.deadlines), len(segment.earliest), len(segment.objects),
    )  # fmt: skip


def test_optional_columns_come_when_they_are_asked_for_and_grow_with_the_others() -> None:
    segment = Segment(4)
    segment.add_bucket()
    segment.add_bucket()
    assert widths(segment) == (2, 2, 0, 0, 0)
    segment.keep_deadlines()
    assert widths(segment) == (2, 2, 2, 2, 0)
    segment.add_bucket()
    assert widths(segment) == (3, 3, 3, 3, 0)
    segment.objects_of(1).append(LongString(b"x"))
    segment.add_bucket()
    assert widths(segment) == (4, 4, 4, 4, 4)
    assert [segment.earliest[j] for j in range(4)] == [NEVER] * 4
    for left in (3, 2, 1, 0):
        segment.drop_bucket()
        assert widths(segment) == (left, left, left, left, left)


def test_a_bucket_without_objects_shares_an_empty_list_until_it_gets_its_own() -> None:
    segment = Segment(2)
    segment.add_bucket()
    segment.add_bucket()
    found = LongString(b"x")
    segment.objects_of(1).append(found)
    assert segment.objects == [[], [found]]
    segment.objects_of(0).append(found)
    assert segment.objects == [[found], [found]]
    other = Segment(1)
    other.add_bucket()
    assert other.objects_of(0) == []


def test_dropping_a_bucket_before_the_objects_begin() -> None:
    segment = Segment(3)
    for _ in range(2):
        segment.add_bucket()
    segment.objects_of(0).append(LongString(b"x"))
    segment.objects = segment.objects[:1]
    segment.drop_bucket()
    assert len(segment.objects) == 1


def test_the_earliest_deadline_of_a_bucket_and_of_the_segment() -> None:
    segment = Segment(3)
    for _ in range(3):
        segment.add_bucket()
    segment.keep_deadlines()
    segment.keep_deadlines()
    segment.deadlines[1] = vec[i64]([0, 70, 50, 0, 60])
    segment.note_earliest(1)
    assert [segment.earliest[j] for j in range(3)] == [NEVER, 50, NEVER]
    assert segment.first == 50
    segment.deadlines[2] = vec[i64]([40])
    segment.note_earliest(2)
    assert segment.first == 40
    segment.deadlines[2] = vec[i64]([0])
    segment.note_earliest(2)
    assert segment.earliest[2] == NEVER
    # A bound until it is found anew: nobody is late, somebody may be looked at in vain.
    assert segment.first == 40
    segment.note_first()
    assert segment.first == 50
    segment.deadlines[1] = vec[i64]([0])
    segment.note_earliest(1)
    segment.note_first()
    assert segment.first == NEVER


def test_a_string_weighs_by_its_pages_and_a_container_by_its_pieces() -> None:
    assert LongString(b"").weight() == 1
    assert LongString(bytes(BYTES_PER_OBJECT - 128)).weight() == 2
    assert LongString(bytes(BYTES_PER_OBJECT - 129)).weight() == 1
    assert (
        LongString(bytes(10 * BYTES_PER_OBJECT)).release(100) == 100 - LongString(bytes(10 * BYTES_PER_OBJECT)).weight()
    )
    assert Hash().weight() == 1
    assert Hash().in_pieces()
    assert not LongString(b"").in_pieces()


def test_the_base_class_leaves_size_and_copy_to_its_subclasses() -> None:
    for method in (Outside.size_bytes, Outside.copy):
        with pytest.raises(NotImplementedError):
            method(Outside())


def test_the_earliest_deadline_within_the_values_of_a_bucket() -> None:
    segment = Segment(3)
    segment.add_bucket()
    segment.add_bucket()
    segment.note_items_earliest(1, 50)
    assert (list(segment.items_earliest), segment.items_first) == ([NEVER, 50], 50)
    segment.note_items_earliest(0, 60)
    segment.note_items_earliest(1, 70)
    assert (list(segment.items_earliest), segment.items_first) == ([60, 50], 50)
    segment.note_items_earliest(0, 40)
    assert (list(segment.items_earliest), segment.items_first) == ([40, 50], 40)
    segment.add_bucket()
    assert list(segment.items_earliest) == [40, 50, NEVER]
    segment.items_earliest[0] = NEVER
    segment.note_items_first()
    assert segment.items_first == 50
    segment.drop_bucket()
    segment.drop_bucket()
    assert list(segment.items_earliest) == [NEVER]
    segment.note_items_first()
    assert segment.items_first == NEVER
    assert Outside().earliest() == NEVER
