"""The packed set of integers against a Python set: every width, every border between two, inside other bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import append, vec
from mypy_extensions import i64

from redpoll.structures import intset

BORDERS = [
    *(0, 1, -1, 127, 128, -129, 32766, 32767, 32768, -32768, -32769, 2147483647, 2147483648, -2147483648, -2147483649),
    *(4611686018427387904, -4611686018427387904, 9223372036854775807, -9223372036854775808),
]
numbers = st.one_of(st.sampled_from(BORDERS), st.integers(-50, 50), st.integers(-(1 << 63), (1 << 63) - 1))
steps = st.lists(st.tuples(st.booleans(), numbers), max_size=60)

BEFORE = b"a neighbour\x01\x02"
BEHIND = b"\x03another one"


def check(packed: bytes) -> None:
    """One width for all, in ascending order, none twice."""
    if not packed:
        return
    width = {1: 2, 2: 4, 3: 8}[packed[0]]
    assert (len(packed) - 1) % width == 0 and len(packed) > 1
    found = [int.from_bytes(packed[at : at + width], "little", signed=True) for at in range(1, len(packed), width)]
    assert found == sorted(set(found))


@given(steps)
def test_against_a_set(changes: list[tuple[bool, int]]) -> None:
    packed = b""
    model: set[int] = set()
    for adding, n in changes:
        # It is found where it lies, amid the records of a bucket.
        blob = BEFORE + packed + BEHIND
        start, stop = len(BEFORE), len(BEFORE) + len(packed)
        ascending = sorted(model)
        assert intset.count(blob, start, stop) == len(model)
        assert list(intset.numbers(blob, start, stop)) == ascending
        rank = intset.place(blob, start, stop, n)
        assert rank == sum(each < n for each in model)
        assert intset.find(blob, start, stop, n) == (rank if n in model else -1)
        if adding and n not in model:
            packed = intset.with_number(packed, rank, n)
            model.add(n)
        elif not adding and n in model:
            packed = intset.without_rank(packed, rank)
            model.remove(n)
        check(packed)
        assert [intset.number_at(packed, 0, at) for at in range(len(model))] == sorted(model)


@given(st.sets(numbers, max_size=40))
def test_made_at_once(content: set[int]) -> None:
    ascending: vec[i64] = vec[i64]()
    for n in sorted(content):
        ascending = append(ascending, n)
    packed = intset.packed_numbers(ascending)
    check(packed)
    assert list(intset.numbers(packed, 0, len(packed))) == sorted(content)


@pytest.mark.parametrize(
    ("n", "width"),
    [
        *((0, 2), (32767, 2), (-32768, 2), (32768, 4), (-32769, 4), (2147483647, 4), (-2147483648, 4)),
        *((2147483648, 8), (-2147483649, 8), (9223372036854775807, 8), (-9223372036854775808, 8)),
    ],
)
def test_takes_the_least_width(n: int, width: int) -> None:
    assert len(intset.with_number(b"", 0, n)) == 1 + width
    assert len(intset.with_number(intset.with_number(b"", 0, 5), 0 if n < 5 else 1, n)) == 1 + 2 * width


def test_numbers_of_text_are_not_longer_than_said() -> None:
    assert max(len(b"%d" % n) for n in BORDERS) == intset.LENGTH_LIMIT
