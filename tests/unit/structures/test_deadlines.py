"""Columns of deadlines as bytes: there and back, and the earliest of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import append, vec
from mypy_extensions import i64

from redpoll.structures.deadlines import column_at, column_bytes, earliest_at, packed_column
from redpoll.structures.segment import NEVER, earliest_of

NOW = 1_700_000_000_000

moments = st.one_of(
    st.just(0), st.just(NOW), st.integers(NOW, NOW + 300), st.integers(1, (1 << 48) + 2), st.integers(1, (1 << 63) - 1)
)
near = st.one_of(
    st.just(0), st.sampled_from([8, 16, 24, 32, 40]).flatmap(lambda bits: st.integers(NOW, NOW + (1 << bits)))
)
deadlines = st.one_of(st.lists(moments, max_size=300), st.lists(near, max_size=300))


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
    assert len(packed) == column_bytes(blob, len(before)) + len(items)
    assert packed.endswith(items)


@given(deadlines)
def test_the_earliest(numbers: list[int]) -> None:
    expected = min([NEVER, *[number for number in numbers if number]])
    assert earliest_of(column_of(numbers)) == expected
    assert earliest_at(packed_column(column_of(numbers), b"items"), 0) == expected


@pytest.mark.parametrize(
    ("numbers", "size"),
    [
        ([NOW] * 5, 8),
        ([0, NOW, NOW + 254], 8 + 3),
        ([0, NOW, NOW + 255], 8 + 6),
        ([NOW, NOW + (1 << 24) - 1], 8 + 8),
        ([(1 << 48) - 1, 1], 8 + 12),
        ([1 << 48, 1], 2 + 16),
    ],
)
def test_deadlines_near_each_other_take_few_bytes(numbers: list[int], size: int) -> None:
    packed = packed_column(column_of(numbers), b"")
    assert len(packed) == size == column_bytes(packed, 0)
    assert list(column_at(packed, 0)) == numbers
