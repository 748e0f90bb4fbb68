"""Sets of slots against Python's sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from redpoll.cluster import slot_sets

some_slots = st.sets(st.one_of(st.integers(0, 40), st.integers(16340, 16383), st.integers(0, 16383)), max_size=40)


def made(slots: set[int]) -> int:
    found = 0
    for slot in slots:
        found |= slot_sets.one(slot)
    return found


@given(some_slots)
def test_members_and_bitmaps(slots: set[int]) -> None:
    found = made(slots)
    assert sorted(slots) == slot_sets.members(found)
    assert found == slot_sets.from_bitmap(slot_sets.to_bitmap(found))
    assert all(slot_sets.has(found, slot) for slot in slots)
    assert not slot_sets.has(found, 8000) or 8000 in slots


@given(some_slots)
def test_ranges_are_maximal_and_ascending(slots: set[int]) -> None:
    found = slot_sets.ranges(made(slots))
    again: list[int] = []
    before = -2
    for first, last in found:
        assert before + 1 < first <= last
        before = last
        again += range(first, last + 1)
    assert sorted(slots) == again


def test_spans_and_words() -> None:
    assert slot_sets.span(0, 16383) == slot_sets.ALL_SLOTS
    both = slot_sets.span(0, 5460) | slot_sets.one(7) | slot_sets.one(9000)
    assert slot_sets.range_words(both) == [b"0-5460", b"9000"]
    assert slot_sets.range_words(0) == []
    assert slot_sets.to_bitmap(slot_sets.one(9))[:2] == b"\0\2"
