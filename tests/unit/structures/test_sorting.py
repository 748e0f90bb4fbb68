"""Entries in columns, put in order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import append, vec
from mypy_extensions import i64

from redpoll.structures.sorting import is_sorted, ranks_of, sorted_words

entries = st.lists(
    st.tuples(
        st.sampled_from([0.0, -0.0, 1.0, -1.5, float("inf")]) | st.floats(allow_nan=False), st.binary(max_size=2)
    ),
    max_size=70,
    unique_by=lambda entry: entry[1],
)


@given(entries)
def test_ranks_are_those_of_the_sorted_list(found: list[tuple[float, bytes]]) -> None:
    scores = vec[float]([score for score, _ in found])
    members = [member for _, member in found]
    assert [found[at] for at in ranks_of(scores, members)] == sorted(found)
    assert is_sorted(scores, members) == (found == sorted(found))
    ordered = sorted(found)
    assert is_sorted(vec[float]([score for score, _ in ordered]), [member for _, member in ordered])


@pytest.mark.parametrize("spread", [1, 10, 100_000])
def test_many_are_sorted(spread: int) -> None:
    dice = random.Random(spread)
    found = [(float(dice.randrange(spread)), b"%d" % n) for n in range(5000)]
    dice.shuffle(found)
    order = ranks_of(vec[float]([score for score, _ in found]), [member for _, member in found])
    assert [found[at] for at in order] == sorted(found)


@given(st.lists(st.integers(0, (1 << 62) - 1), max_size=100))
def test_words_are_sorted(words: list[int]) -> None:
    given_words = vec[i64]()
    for word in words:
        given_words = append(given_words, word)
    assert list(sorted_words(given_words)) == sorted(words)
