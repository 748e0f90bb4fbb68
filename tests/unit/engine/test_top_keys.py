"""The heaviest keys in bounded memory, compared with exact counts."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from redpoll.engine.top_keys import LONGEST_KEY, TopKeys


def places_of(top: TopKeys) -> dict[tuple[int, bytes], int]:
    return {(db, key): place for db, places in enumerate(top.places) for key, place in places.items()}


STREAM = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 12), st.integers(1, 9)), max_size=200)


@given(STREAM, st.integers(1, 16))
def test_weights_are_between_their_bounds_and_heavy_keys_are_there(
    stream: list[tuple[int, int, int]], counters: int
) -> None:
    top = TopKeys(counters)
    exact: Counter[tuple[int, bytes]] = Counter()
    for db, number, weight in stream:
        key = b"k%d" % number
        full = len(top.names) == counters and (db, key) not in places_of(top)
        lightest = min(top.weights) if full else 0
        top.add(db, key, weight)
        if full:
            assert top.errors[places_of(top)[db, key]] == lightest
        exact[db, key] += weight
    places = places_of(top)
    assert len(places) == len(top.names) <= counters
    for name, place in places.items():
        assert (top.homes[place], top.names[place]) == name
        assert top.weights[place] - top.errors[place] <= exact[name] <= top.weights[place]
    total = sum(exact.values())
    for name, weight in exact.items():
        assert weight * counters <= total or name in places
    found = top.heaviest(5)
    assert found == sorted(found, key=lambda row: -row[0])
    assert len(found) <= 5
    if len(exact) <= counters:
        assert {(db, key): weight for weight, db, key in top.heaviest(99)} == dict(exact)


def test_keys_of_some_kilobytes_are_not_kept() -> None:
    top = TopKeys(4)
    top.add(0, b"x" * LONGEST_KEY, 1)
    top.add(0, b"y" * (LONGEST_KEY + 1), 1)
    assert [key for _, _, key in top.heaviest(9)] == [b"x" * LONGEST_KEY]


def test_forgetting() -> None:
    top = TopKeys(2)
    for number in range(10):
        top.add(0, b"%d" % number, 1)
    top.clear()
    assert top.heaviest(9) == []
    top.add(0, b"k", 3)
    assert top.heaviest(9) == [(3, 0, b"k")]
