"""Columns of deadlines as bytes: there and back, and the earliest of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import append, vec
from mypy_extensions import i64

from redpoll.structures.deadlines import column_at, column_bytes, earliest_at, packed_column
from redpoll.structures.segment import NEVER, earliest_of

deadlines = st.lists(st.one_of(st.just(0), st.integers(1, (1 << 63) - 1)), max_size=300)


def column_of(numbers: list[int]) -> vec[i64]:
    column = vec[i64]()
    for number in numbers:
        column = append(column, number)
    return column


@given(deadlines, st.binary(max_size=20), st.binary(max_size=20))
def test_a_column_comes_back_as_it_was(numbers: list[int], before: bytes, items: bytes) -> None:
    packed = packed_column(column_of(numbers), items)
    blob = before + packed
    assert list(column_at(blob, len(before))) == numbers
    assert len(packed) == column_bytes(len(numbers)) + len(items)
    assert packed.endswith(items)


@given(deadlines)
def test_the_earliest(numbers: list[int]) -> None:
    expected = min([NEVER, *[number for number in numbers if number]])
    assert earliest_of(column_of(numbers)) == expected
    assert earliest_at(packed_column(column_of(numbers), b"items"), 0) == expected
