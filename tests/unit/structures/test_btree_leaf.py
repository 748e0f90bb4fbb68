"""Leaves of the B+tree: packed records against a list of (score, member)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import vec

from redpoll.structures import btree_leaf
from redpoll.structures.btree_leaf import (
    boundary,
    compare,
    in_order,
    is_before,
    last_record,
    member_at,
    member_start,
    middle,
    record,
    record_end,
    records_before,
    score_at,
    scores_before,
    seek,
    skip,
    take_members,
    take_scores,
    with_score,
)

Entry = tuple[float, bytes]
# Of equal lengths and different in one place, prefixes of each other, and on both sides of 128 bytes and of a word.
MEMBERS = [
    b"", b"\0", b"a", b"aa", b"ab", b"\x80", b"\xff", b"a" * 7, b"a" * 8, b"a" * 9, b"b" + b"a" * 8, b"a" * 8 + b"b",
    b"a" * 15 + b"\x7f", b"a" * 15 + b"\x80", b"a" * 16, b"m" * 127, b"m" * 128, b"m" * 127 + b"n", b"m" * 20_000,
]  # fmt: skip
members = st.sampled_from(MEMBERS) | st.binary(max_size=20)
scores = st.sampled_from([-float("inf"), -1.5, 0.0, 1.0, 1e300, float("inf")])
entries = st.lists(st.tuples(scores, members), max_size=12, unique=True).map(sorted)
some_entries = st.lists(st.tuples(scores, members), min_size=1, max_size=12, unique=True).map(sorted)


def leaf_of(found: list[Entry]) -> bytes:
    return b"".join([record(score, member) for score, member in found])


def offsets(found: list[Entry]) -> list[int]:
    """Where each record begins, and the end of the last."""
    places = [0]
    for score, member in found:
        places.append(places[-1] + len(record(score, member)))
    return places


def entries_of(leaf: bytes) -> list[Entry]:
    found = []
    at = 0
    while at < len(leaf):
        found.append((score_at(leaf, at), member_at(leaf, at)))
        at = record_end(leaf, at)
    return found


@pytest.mark.parametrize("size", [0, 1, 7, 127, 128, 129, 16_383, 16_384, 16_385, 2_100_000])
def test_a_record_gives_back_its_score_and_its_member(size: int) -> None:
    leaf = b"before!!" + record(-2.5, b"m" * size) + record(1.0, b"next")
    assert score_at(leaf, 8) == -2.5
    assert member_at(leaf, 8) == b"m" * size
    assert leaf[member_start(leaf, 8) : record_end(leaf, 8)] == b"m" * size
    assert member_at(leaf, record_end(leaf, 8)) == b"next"


@given(members, members)
def test_members_compare_as_bytes_do(one: bytes, other: bytes) -> None:
    sign = (one > other) - (one < other)
    order = compare(b"\xff" + one + b"\xff", 1, 1 + len(one), other)
    assert (order > 0) - (order < 0) == sign
    assert is_before(one, other) == (one < other)


def test_one_byte_at_any_place_decides() -> None:
    for size in range(1, 40):
        for place in range(size):
            lower, higher = bytearray(b"m" * size), bytearray(b"m" * size)
            lower[place], higher[place] = 0x7F, 0x80
            assert compare(bytes(lower), 0, size, bytes(higher)) < 0
            assert compare(bytes(higher), 0, size, bytes(lower)) > 0
        assert compare(b"m" * size, 0, size, b"m" * size) == 0
        assert compare(b"m" * size, 0, size - 1, b"m" * size) < 0


@given(entries, scores, members)
def test_seeking_finds_the_record_or_its_place(found: list[Entry], score: float, member: bytes) -> None:
    leaf, places = leaf_of(found), offsets(found)
    for entry, at in zip(found, places, strict=False):
        assert seek(leaf, *entry) == at
    if (score, member) not in found:
        below = sum(1 for entry in found if entry < (score, member))
        assert seek(leaf, score, member) == -1 - places[below]


@given(entries, scores)
def test_records_and_scores_are_counted(found: list[Entry], score: float) -> None:
    leaf, places = leaf_of(found), offsets(found)
    for count, at in enumerate(places):
        assert records_before(leaf, at) == count
        assert skip(leaf, count) == at
    assert scores_before(leaf, score, False) == sum(1 for entry in found if entry[0] < score)
    assert scores_before(leaf, score, True) == sum(1 for entry in found if entry[0] <= score)


@given(some_entries)
def test_the_last_record_and_the_middle(found: list[Entry]) -> None:
    leaf, places = leaf_of(found), offsets(found)
    assert last_record(leaf) == places[-2]
    if len(found) > 1:
        nearest = min(abs(2 * at - len(leaf)) for at in places[1:-1])
        assert middle(leaf) in places[1:-1]
        assert abs(2 * middle(leaf) - len(leaf)) == nearest


@given(st.lists(st.tuples(scores, members), min_size=2, max_size=12, unique=True).map(sorted), st.data())
def test_a_boundary_lies_between_two_leaves_and_is_as_short_as_can_be(found: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(found) - 1))
    left, right = found[:at], found[at:]
    bound = boundary(leaf_of(left), leaf_of(right))
    score = right[0][0]
    assert left[-1] < (score, bound) <= right[0]
    for size in range(len(bound)):
        assert not left[-1] < (score, bound[:size])


@given(entries, st.booleans(), st.data())
def test_parts_are_taken_in_either_direction(found: list[Entry], reverse: bool, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(found)))
    stop = data.draw(st.integers(start, len(found)))
    expected = found[start:stop][::-1] if reverse else found[start:stop]
    into: list[object] = [b"before"]
    take_members(leaf_of(found), start, stop, reverse, into)
    assert into == [b"before", *(member for _, member in expected)]
    taken = take_scores(leaf_of(found), start, stop, reverse, vec[float]([0.25]))
    assert list(taken) == [0.25, *(score for score, _ in expected)]


@given(some_entries, scores, st.data())
def test_another_score_puts_a_record_where_it_belongs(found: list[Entry], score: float, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(found) - 1))
    member = found[index][1]
    rest = found[:index] + found[index + 1 :]
    if (score, member) in rest:
        return
    leaf = with_score(leaf_of(found), offsets(found)[index], score, member)
    assert entries_of(leaf) == sorted([*rest, (score, member)])


def test_order_is_by_score_and_then_by_member() -> None:
    for found, sound in (
        ([], True), ([(1.0, b"a")], True), ([(1.0, b"b"), (2.0, b"a")], True), ([(1.0, b"a"), (1.0, b"b")], True),
        ([(2.0, b"a"), (1.0, b"b")], False), ([(1.0, b"b"), (1.0, b"a")], False), ([(1.0, b"a"), (1.0, b"a")], False),
    ):  # fmt: skip
        assert in_order(leaf_of(found)) == sound


def test_scratch_writers_do_not_grow_with_long_members() -> None:
    record(1.0, b"m" * 100_000)
    assert len(btree_leaf._scratch) < 200
