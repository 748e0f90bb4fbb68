"""Runs of elements in one `bytes`, beside a plain list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import i64

from redpoll.structures import runs
from redpoll.structures.runs import CONVERTED, RUN_BYTES, VARIED, VARIED_COUNT, WHOLE, WHOLE_FROM

small = st.binary(max_size=4) | st.sampled_from([b"", b"x" * 127, b"y" * 128, b"z" * 700])
mixed = st.lists(small, min_size=1, max_size=30)
alike = st.integers(1, 200).flatmap(
    lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=20)
)
items = mixed | alike


def packed(elements: list[bytes]) -> tuple[bytes, int]:
    """The run of as many as belong into one."""
    width = runs.width_of(elements, 0, len(elements))
    return runs.pack(elements, 0, len(elements), width), width


def pieces(elements: list[bytes]) -> list[list[bytes]]:
    found, start = [], 0
    while start < len(elements):
        stop = start + runs.piece(elements, start, len(elements))
        found.append(elements[start:stop])
        start = stop
    return found


def elements_of(run: bytes, width: int) -> list[bytes]:
    found: list[bytes] = []
    runs.unpack(run, width, 0, runs.count_of(run, width), found)
    return found


@given(items)
def test_elements_come_out_as_they_went_in(elements: list[bytes]) -> None:
    run, width = packed(elements)
    assert runs.count_of(run, width) == len(elements)
    assert elements_of(run, width) == elements
    assert [runs.element(run, width, n) for n in range(len(elements))] == elements
    assert elements_of(runs.to_varied(run, width), VARIED) == elements


@given(items, st.data())
def test_parts(elements: list[bytes], data: st.DataObject) -> None:
    run, width = packed(elements)
    start = data.draw(st.integers(0, len(elements)))
    stop = data.draw(st.integers(start, len(elements)))
    assert elements_of(runs.cut(run, width, start, stop), width) == elements[start:stop]
    gone = sorted(data.draw(st.sets(st.integers(0, len(elements) - 1))))
    offset = data.draw(st.integers(0, 100))
    numbers = vec[i64]([-1, *[n + offset for n in gone], 10**6])
    kept = [item for n, item in enumerate(elements) if n not in gone]
    assert elements_of(runs.without(run, width, numbers, 1, len(gone) + 1, offset), width) == kept


@given(items, st.data())
def test_finding(elements: list[bytes], data: st.DataObject) -> None:
    run, width = packed(elements)
    item = data.draw(st.sampled_from(elements) | small)
    start = data.draw(st.integers(0, len(elements)))
    stop = data.draw(st.integers(start, len(elements)))
    expected = [n for n in range(start, stop) if elements[n] == item]
    found = runs.find(run, width, start, stop, item, 100, vec[i64]())
    assert [n - 100 for n in found] == expected
    most = data.draw(st.integers(0, 3))
    assert list(runs.first_of(vec[i64](expected), most, False)) == expected[:most]
    assert list(runs.first_of(vec[i64](expected), most, True)) == expected[::-1][:most]


@given(items, items)
def test_joining(one: list[bytes], other: list[bytes]) -> None:
    (a, width_a), (b, width_b) = packed(one), packed(other)
    width = runs.joined_width(a, width_a, len(one), b, width_b, len(other))
    if width != WHOLE:
        run = runs.joined(a, width_a, b, width_b)
        assert elements_of(run, width) == one + other
        assert len(run) <= RUN_BYTES


@given(st.lists(small | st.sampled_from([b"w" * WHOLE_FROM, b"w" * 9000]), max_size=300))
def test_pieces_are_runs(elements: list[bytes]) -> None:
    found = pieces(elements)
    assert [item for piece in found for item in piece] == elements
    for piece in found:
        run, width = packed(piece)
        assert elements_of(run, width) == piece
        assert width == WHOLE or len(run) <= RUN_BYTES
        assert width != VARIED or len(piece) <= VARIED_COUNT
        assert (width == WHOLE) == (len(piece[0]) >= WHOLE_FROM)


def test_a_large_element_is_its_own_run() -> None:
    large = b"x" * 100_000
    run, width = packed([large])
    assert run is large
    assert runs.element(run, width, 0) is large
    assert runs.cut(run, width, 0, 1) is large


@pytest.mark.parametrize("count", [CONVERTED, CONVERTED + 1])
def test_a_long_run_of_one_width_ends_where_another_begins(count: int) -> None:
    lengths = [len(piece) for piece in pieces([b"ab"] * count + [b"c"] * 5)]
    assert lengths == ([count + 5] if count == CONVERTED else [count, 5])
