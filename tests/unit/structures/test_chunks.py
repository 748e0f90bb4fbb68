"""A long list in chunks, beside a plain list of the same elements."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from librt.vecs import vec
from mypy_extensions import i64

from redpoll.structures.chunks import ROW, Chunks
from redpoll.structures.run_row import FEW_RUNS
from redpoll.structures.runs import (
    CONVERTED,
    RUN_BYTES,
    VARIED,
    VARIED_COUNT,
    WHOLE,
    WHOLE_FROM,
    count_of,
    unpack,
)

sizes = st.sampled_from([0, 1, 2, 8, 60, 127, 128, 129, 300, 1500, WHOLE_FROM - 1, WHOLE_FROM, 5000])
items = st.builds(lambda size, letter: letter * size, sizes, st.sampled_from([b"a", b"b"])) | st.binary(max_size=9)
few = st.sampled_from([b"a", b"b", b"cc", b"", b"eight-by", b"x" * 200])


def elements_of(run: bytes, width: int) -> list[bytes]:
    found: list[bytes] = []
    unpack(run, width, 0, count_of(run, width), found)
    return found


def check(chunks: Chunks) -> list[bytes]:
    """All elements; raises AssertionError where columns and sums disagree."""
    total = len(chunks.runs)
    assert len(chunks.widths) == len(chunks.starts) == total
    assert 0 <= chunks.low <= total
    assert all(run == b"" for run in chunks.runs[: chunks.low])
    assert chunks.low <= 2 * (total - chunks.low) + 2 * FEW_RUNS
    found = chunks.front[::-1]
    held = sum(map(len, chunks.front)) + sum(map(len, chunks.back))
    position = chunks.starts[chunks.low] if total > chunks.low else chunks.end
    for k in range(chunks.low, total):
        run, width = chunks.runs[k], chunks.widths[k]
        here = elements_of(run, width)
        assert chunks.starts[k] == position
        assert here
        assert width == WHOLE or len(run) <= RUN_BYTES
        assert width != VARIED or len(here) <= VARIED_COUNT
        assert (width == WHOLE) == (len(here[0]) >= WHOLE_FROM)
        assert all(len(item) < WHOLE_FROM for item in here) or len(here) == 1
        position += len(here)
        held += len(run)
        found += here
    assert position == chunks.end
    found += chunks.back
    assert len(found) == chunks.count
    assert held == chunks.bytes
    assert len(chunks.front) <= ROW + 1
    assert len(chunks.back) <= ROW + 1
    return found


def sliced(chunks: Chunks, start: int, stop: int) -> list[bytes]:
    found: list[bytes] = []
    chunks.slice(start, stop, found)
    return found


def indexes(numbers: list[int]) -> vec[i64]:
    return vec[i64](numbers)


class ChunksMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.chunks = Chunks()
        self.model: list[bytes] = []
        self.twin: Chunks | None = None
        self.twin_model: list[bytes] = []

    @rule(pushed=st.lists(items | few, min_size=1, max_size=50), front=st.booleans())
    def push(self, pushed: list[bytes], front: bool) -> None:
        for item in pushed:
            if front:
                self.chunks.push_front(item)
                self.model.insert(0, item)
            else:
                self.chunks.push_back(item)
                self.model.append(item)

    @rule(item=few, count=st.integers(100, 1500), front=st.booleans(), numbered=st.booleans())
    def push_many(self, item: bytes, count: int, front: bool, numbered: bool) -> None:
        self.push([item + b"%d" % n if numbered else item for n in range(count)], front)

    @precondition(lambda self: self.model)
    @rule(count=st.integers(1, 60), front=st.booleans())
    def pop(self, count: int, front: bool) -> None:
        for _ in range(min(count, len(self.model))):
            if front:
                assert self.chunks.pop_front() == self.model.pop(0)
            else:
                assert self.chunks.pop_back() == self.model.pop()

    @precondition(lambda self: self.model)
    @rule(count=st.integers(1, 40), front=st.booleans())
    def rotate(self, count: int, front: bool) -> None:
        for _ in range(count):
            if front:
                item = self.chunks.pop_front()
                self.chunks.push_back(item)
                self.model.append(self.model.pop(0))
            else:
                item = self.chunks.pop_back()
                self.chunks.push_front(item)
                self.model.insert(0, self.model.pop())

    @precondition(lambda self: self.model)
    @rule(data=st.data(), item=items | few, count=st.integers(1, 5))
    def set(self, data: st.DataObject, item: bytes, count: int) -> None:
        at = data.draw(st.integers(0, len(self.model) - 1))
        for index in range(at, min(at + count, len(self.model))):
            self.chunks.set(index, item)
            self.model[index] = item

    @rule(data=st.data(), item=items | few, count=st.integers(1, 30))
    def insert(self, data: st.DataObject, item: bytes, count: int) -> None:
        at = data.draw(st.integers(0, len(self.model)))
        for _ in range(count):
            self.chunks.insert(at, item)
            self.model.insert(at, item)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), step=st.integers(1, 300), count=st.integers(1, 400))
    def remove(self, data: st.DataObject, step: int, count: int) -> None:
        at = data.draw(st.integers(0, len(self.model) - 1))
        gone = list(range(at, len(self.model), step))[:count]
        self.chunks.remove(indexes(gone))
        for index in reversed(gone):
            del self.model[index]

    @rule(data=st.data())
    def remove_any(self, data: st.DataObject) -> None:
        gone = sorted(data.draw(st.sets(st.integers(0, len(self.model) - 1), max_size=20))) if self.model else []
        self.chunks.remove(indexes(gone))
        for index in reversed(gone):
            del self.model[index]

    @rule(data=st.data(), item=few, most=st.sampled_from([1, 2, 10, 1 << 40]), backward=st.booleans())
    def find(self, data: st.DataObject, item: bytes, most: int, backward: bool) -> None:
        start = data.draw(st.integers(0, len(self.model)))
        stop = data.draw(st.integers(start, len(self.model)))
        expected = [n for n in range(start, stop) if self.model[n] == item]
        if backward:
            expected.reverse()
        assert expected[:most] == list(self.chunks.find(item, start, stop, most, backward))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def get(self, data: st.DataObject) -> None:
        for index in data.draw(st.lists(st.integers(0, len(self.model) - 1), max_size=10)):
            assert self.chunks.get(index) == self.model[index]

    @rule(data=st.data())
    def slice(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.model)))
        stop = data.draw(st.integers(start, len(self.model)))
        assert sliced(self.chunks, start, stop) == self.model[start:stop]

    @rule(data=st.data(), nearly_all=st.booleans())
    def keep(self, data: st.DataObject, nearly_all: bool) -> None:
        size = len(self.model)
        start = data.draw(st.integers(0, min(size, 40) if nearly_all else size))
        stop = data.draw(st.integers(max(start, size - 40 if nearly_all else 0), size))
        self.chunks.keep(start, stop)
        self.model = self.model[start:stop]

    @rule()
    def copy(self) -> None:
        self.twin = self.chunks.copy()
        self.twin_model = self.model.copy()

    @precondition(lambda self: self.twin is not None)
    @rule()
    def go_on_with_the_copy(self) -> None:
        assert self.twin is not None
        self.chunks, self.twin = self.twin, self.chunks
        self.model, self.twin_model = self.twin_model, self.model

    @invariant()
    def agrees(self) -> None:
        assert check(self.chunks) == self.model
        if self.twin is not None:
            assert check(self.twin) == self.twin_model


TestChunks = ChunksMachine.TestCase


def filled(elements: list[bytes], front: bool = False) -> Chunks:
    chunks = Chunks()
    for item in elements:
        if front:
            chunks.push_front(item)
        else:
            chunks.push_back(item)
    return chunks


@pytest.mark.parametrize("front", [False, True])
@pytest.mark.parametrize("size", [8, 9, 100])
def test_elements_of_one_width_take_little_more_than_their_bytes(front: bool, size: int) -> None:
    chunks = filled([b"%0*d" % (size, n) for n in range(20_000)], front)
    assert int(chunks.size_bytes()) < 20_000 * size * 1.04 + 5000
    assert all(width == size for width in list(chunks.widths)[chunks.low :])


@pytest.mark.parametrize("front", [False, True])
def test_elements_of_many_widths_take_a_byte_more_each(front: bool) -> None:
    elements = [b"x" * (n * 7919 % 23) for n in range(20_000)]
    chunks = filled(elements, front)
    held = sum(map(len, elements))
    assert int(chunks.size_bytes()) < (held + 20_000) * 1.05 + 5000


def test_few_elements_of_another_width_do_not_break_up_what_is_there() -> None:
    chunks = filled([b"eight-by"] * 10_000)
    before = len(chunks.runs)
    for index in range(100, 10_000, 1000):
        chunks.set(index, b"longer than that")
    check(chunks)
    assert len(chunks.runs) - chunks.low <= before + 30


@pytest.mark.parametrize("front", [False, True])
def test_large_elements_are_never_copied(front: bool) -> None:
    large = [b"%d" % n * 100_000 for n in range(60)]
    chunks = filled(large, front)
    chunks.insert(30, b"small")
    chunks.set(31, b"another")
    chunks.remove(indexes([31]))
    chunks.keep(1, 58)
    expected = {id(item) for item in large}
    found = sliced(chunks, 0, chunks.count)
    assert sum(1 for item in found if id(item) in expected) == 56
    assert all(len(item) == 5 or id(item) in expected for item in found)


def test_memory_comes_back_after_pops() -> None:
    for front in (False, True):
        chunks = filled([b"element:%d" % n for n in range(50_000)])
        for _ in range(49_990):
            if front:
                chunks.pop_front()
            else:
                chunks.pop_back()
        check(chunks)
        assert len(chunks.runs) <= 20
        assert chunks.size_bytes() < 3000


def test_release_gives_back_in_slices() -> None:
    chunks = filled([b"element:%d" % n for n in range(50_000)])
    turns = 0
    while chunks.release(10) <= 0:
        turns += 1
    assert turns > 10
    assert chunks.release(10) == 10


def test_a_wide_run_of_one_width_stays_so_when_another_comes() -> None:
    chunks = filled([b"a" * 8] * (CONVERTED * 4) + [b"b" * 9] * 40)
    check(chunks)
    assert 8 in list(chunks.widths)


@given(st.lists(items, max_size=300), st.data())
@settings(max_examples=50)
def test_slices(elements: list[bytes], data: st.DataObject) -> None:
    chunks = filled(elements)
    start = data.draw(st.integers(0, len(elements)))
    stop = data.draw(st.integers(start, len(elements)))
    stretches = chunks.stretches(start, stop)
    assert sum(stretches.counts) == stop - start
    assert sliced(chunks, start, stop) == elements[start:stop]
