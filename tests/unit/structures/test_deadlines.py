"""Columns of deadlines in bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import i64

from redpoll.structures.deadlines import (
    COLUMN_LIMIT,
    column_at,
    column_bytes,
    earliest_at,
    earliest_of,
    packed_column,
)
from redpoll.structures.segment import NEVER

columns = st.lists(st.sampled_from([0, 0, 1, 2, 255, 256, 1_700_000_000_000, NEVER]), max_size=40)


@given(columns, st.binary(max_size=9), st.binary(max_size=9))
def test_a_column_comes_back_from_its_bytes(deadlines: list[int], before: bytes, items: bytes) -> None:
    packed = packed_column(vec[i64](deadlines), items)
    assert len(packed) == column_bytes(len(deadlines)) + len(items)
    assert packed.endswith(items)
    blob = before + packed
    assert list(column_at(blob, len(before))) == deadlines
    earliest = min([at for at in deadlines if at], default=NEVER)
    assert earliest_at(blob, len(before)) == earliest
    assert earliest_of(vec[i64](deadlines)) == earliest


def test_the_form_is_a_count_of_two_bytes_and_eight_for_each() -> None:
    packed = packed_column(vec[i64]([1, 0x0102030405060708]), b"items")
    assert packed == b"\2\0" + b"\1\0\0\0\0\0\0\0" + bytes(range(8, 0, -1)) + b"items"
    assert packed_column(vec[i64](), b"") == b"\0\0"


def test_a_column_is_bounded() -> None:
    most = [7] * (COLUMN_LIMIT - 1)
    assert list(column_at(packed_column(vec[i64](most), b""), 0)) == most
    with pytest.raises(AssertionError):
        packed_column(vec[i64]([*most, 7]), b"")


def test_a_column_read_may_grow_by_itself() -> None:
    packed = packed_column(vec[i64]([1, 2, 3]), b"x")
    column = column_at(packed, 0)
    column[0] = 9
    assert list(column_at(packed, 0)) == [1, 2, 3]
