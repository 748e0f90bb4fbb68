"""Lists, packed and large, beside a plain list and the reference's nodes with their elements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from librt.vecs import append, vec
from mypy_extensions import i64
from tests.unit.types.nodes import Quicklist

from redpoll.structures.runs import count_of, element
from redpoll.types.kinds import LIST_LISTPACK, LIST_QUICKLIST, EncodingLimits
from redpoll.types.list import EVERY, PACKED_LIMIT, List

SETTINGS = [-2, -1, -5, -9, 0, 1, 2, 3, 4, 7, 16, 128]
few = st.sampled_from([b"a", b"b", b"", b"cc", b"1", b"200", b"-5", b"70000", b"99999999999", b"x" * 70])
sizes = st.sampled_from([0, 100, 127, 128, 1000, 2047, 2048, 4080, 4090, 4097, 8000, 8170, 8185, 8186, 8193, 9000])
wide = sizes.map(lambda size: b"w" * size)
items = few | wide | st.binary(max_size=9) | st.integers().map(lambda n: b"%d" % n)


def check(value: List, limits: EncodingLimits) -> list[bytes]:
    """All elements; raises AssertionError where the parts disagree."""
    chunks, nodes = value.chunks, value.nodes
    assert (chunks is None) == (nodes is None) == (not value.is_large())
    if chunks is None or nodes is None:
        assert value.kind == LIST_LISTPACK
        assert value.stop - value.start <= PACKED_LIMIT
    else:
        assert sum(list(nodes.counts)[nodes.low :]) == chunks.count
        assert value.kind == LIST_QUICKLIST or nodes.number() <= 1
    found = value.rows()
    assert value.count() == len(found)
    assert value.is_empty() == (not found)
    return found


class ListMachine(RuleBasedStateMachine):
    """Drives a list as the commands do: `apply_limits` comes where `Database.changed` calls it."""

    @initialize(setting=st.sampled_from(SETTINGS), wide=st.booleans())
    def start(self, setting: int, wide: bool) -> None:
        self.limits = EncodingLimits()
        self.limits.list_size = setting
        self.value = List()
        self.model = Quicklist(setting)
        self.twin: List | None = None
        self.twin_elements: list[bytes] = []
        self.twin_form: object = None
        # What is mostly small stays a while where encodings change.
        self.items = items if wide else few

    def told(self) -> None:
        if self.value.puts > 0:
            self.value.apply_limits(self.limits)
        self.value.puts = 0
        if self.value.is_empty():
            self.value = List()
            self.model = Quicklist(self.model.setting)

    @rule(data=st.data(), front=st.booleans(), count=st.sampled_from([1, 1, 2, 5, 30]))
    def push(self, data: st.DataObject, front: bool, count: int) -> None:
        pushed = data.draw(st.lists(self.items, min_size=1, max_size=count))
        self.value.push([b"LPUSH", b"key", *pushed], 2, front, self.limits)
        self.model.push(pushed, front)
        self.told()

    @rule(item=few, front=st.booleans(), count=st.integers(20, 1200))
    def push_many(self, item: bytes, front: bool, count: int) -> None:
        self.value.push([item] * count, 0, front, self.limits)
        self.model.push([item] * count, front)
        self.told()

    @precondition(lambda self: self.model.nodes)
    @rule(data=st.data(), front=st.booleans())
    def pop(self, data: st.DataObject, front: bool) -> None:
        elements = self.model.elements()
        assert self.value.pop(front) == elements[0 if front else -1]
        self.model.remove([0 if front else len(elements) - 1])
        self.told()

    @precondition(lambda self: self.model.nodes)
    @rule(data=st.data(), after=st.booleans())
    def insert(self, data: st.DataObject, after: bool) -> None:
        index = data.draw(st.integers(0, len(self.model.elements()) - 1))
        item = data.draw(self.items)
        self.value.make_room(item, self.limits)
        self.value.insert(index, after, item)
        self.model.grow([item])
        self.model.insert(index, after, item)
        self.told()

    @precondition(lambda self: self.model.nodes)
    @rule(data=st.data())
    def set(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.model.elements()) - 1))
        item = data.draw(self.items)
        self.value.make_room(item, self.limits)
        self.value.set(index, item)
        self.model.set(index, item)
        self.told()

    @precondition(lambda self: self.model.nodes)
    @rule(data=st.data(), most=st.sampled_from([1, 2, EVERY]), backward=st.booleans())
    def remove(self, data: st.DataObject, most: int, backward: bool) -> None:
        elements = self.model.elements()
        item = data.draw(st.sampled_from(elements))
        expected = [n for n, other in enumerate(elements) if other == item]
        expected = expected[::-1][:most][::-1] if backward else expected[:most]
        found = list(self.value.find(item, 0, len(elements), most, backward))
        assert expected == sorted(found)
        self.value.remove(vec[i64](expected), item)
        self.model.remove(expected)
        self.told()

    @precondition(lambda self: self.model.nodes)
    @rule(data=st.data(), few=st.booleans())
    def keep(self, data: st.DataObject, few: bool) -> None:
        size = len(self.model.elements())
        start = data.draw(st.integers(0, min(size, 3) if few else size))
        stop = data.draw(st.integers(max(start, size - 3 if few else start), size))
        self.value.keep(start, stop)
        self.model.keep(start, stop)
        self.told()

    @rule(item=items)
    def ask_for_room_alone(self, item: bytes) -> None:
        if self.model.nodes:
            self.value.make_room(item, self.limits)
            self.model.grow([item])

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        elements = self.model.elements()
        start = data.draw(st.integers(0, len(elements)))
        stop = data.draw(st.integers(start, len(elements)))
        assert self.value.slice(start, stop) == elements[start:stop]
        seen = self.value.stretches(start, stop)
        read = [
            element(run, seen.widths[k], seen.firsts[k] + n)
            for k, run in enumerate(seen.runs)
            for n in range(seen.counts[k])
        ]
        assert read == elements[start:stop]
        if start < len(elements):
            assert self.value.get(start) == elements[start]

    @rule(setting=st.sampled_from(SETTINGS))
    def change_the_setting_of_a_listpack(self, setting: int) -> None:
        if self.model.packed:
            self.limits.list_size = setting
            self.model.setting = setting

    @rule()
    def copy(self) -> None:
        twin = self.value.copy()
        assert isinstance(twin, List)
        self.twin = twin
        self.twin_elements = self.model.elements()
        self.twin_form = self.form()

    def form(self) -> object:
        """What a list shows beside its elements; room that was made for nothing changes it."""
        return self.model.setting, self.model.packed, self.model.layout()

    @precondition(lambda self: self.twin is not None)
    @rule()
    def go_on_with_the_copy(self) -> None:
        assert self.twin is not None
        if self.twin_elements == self.model.elements() and self.twin_form == self.form():
            self.value, self.twin = self.twin, self.value

    @invariant()
    def agrees(self) -> None:
        assert check(self.value, self.limits) == self.model.elements()
        assert self.value.kind == (LIST_LISTPACK if self.model.packed else LIST_QUICKLIST)
        nodes = self.value.nodes
        if nodes is not None:
            layout = [(nodes.counts[k], nodes.sizes[k]) for k in range(nodes.low, len(nodes.counts))]
            assert layout == self.model.layout()
            assert nodes.total_bytes() == sum(abs(int(size)) for _, size in layout)
        if self.twin is not None:
            assert check(self.twin, self.limits) == self.twin_elements


TestList = ListMachine.TestCase


def pushed(elements: list[bytes], setting: int = -2) -> List:
    limits = EncodingLimits()
    limits.list_size = setting
    value = List()
    for item in elements:
        value.push([item], 0, False, limits)
    return value


def test_a_small_list_is_packed_without_anything_beside() -> None:
    value = pushed([b"%d" % n for n in range(10)])
    assert value.packed() == b"".join(b"\x01%d" % n for n in range(10))


@pytest.mark.parametrize("count", [10, 200])
def test_a_list_that_has_shrunk_is_packed_again(count: int) -> None:
    value = pushed([b"element"] * 500)
    assert value.is_large()
    value.keep(0, count)
    value.apply_limits(EncodingLimits())
    assert value.is_large() == (count == 200)


def test_a_listpack_of_the_reference_may_be_large_here() -> None:
    value = pushed([b"eight-by"] * 800)
    assert value.is_large()
    assert value.kind == LIST_LISTPACK
    value = pushed([b"eight-by"] * 819)
    assert value.kind == LIST_QUICKLIST


def test_release_gives_back_in_slices() -> None:
    value = pushed([b"element:%d" % n for n in range(50_000)])
    turns = 0
    while value.release(10) <= 0:
        turns += 1
    assert turns > 10


@given(st.lists(items, max_size=40), st.data())
def test_stretches_of_a_packed_list_hold_what_they_held(elements: list[bytes], data: st.DataObject) -> None:
    value = pushed(elements)
    seen = value.stretches(0, len(elements))
    before = [(run, count_of(run, seen.widths[k])) for k, run in enumerate(seen.runs)]
    while not value.is_empty():
        value.pop(data.draw(st.booleans()))
    assert before == [(run, count_of(run, seen.widths[k])) for k, run in enumerate(seen.runs)]


def test_another_element_comes_in_the_packed_bytes_while_they_have_room() -> None:
    limits = EncodingLimits()
    value = pushed([b"%d" % n for n in range(20)])
    for size, is_large in ((1, False), (100, False), (127, False), (300, False), (PACKED_LIMIT, True)):
        value.make_room(b"w" * size, limits)
        value.set(7, b"w" * size)
        assert value.is_large() == is_large, size
        assert value.get(7) == b"w" * size
        assert value.count() == 20


def test_an_element_too_long_for_a_node_gives_way_to_another_such_one() -> None:
    limits = EncodingLimits()
    value = pushed([b"a", b"w" * 9000, b"b"])
    for size in (9001, 20000):
        value.make_room(b"w" * size, limits)
        value.set(1, b"w" * size)
        nodes = value.nodes
        assert nodes is not None
        told = [(int(nodes.counts[k]), int(nodes.sizes[k])) for k in range(nodes.low, len(nodes.counts))]
        assert told == [(1, 10), (1, -size), (1, 10)]
        assert value.rows() == [b"a", b"w" * size, b"b"]


def test_filling_keeps_the_nodes_of_a_file() -> None:
    limits = EncodingLimits()
    items = [b"a", b"b", b"x" * 9000, b"c"]
    counts, sizes = vec[i64](), vec[i64]()
    for count, size in ((2, 13), (1, -9000), (1, 10)):
        counts, sizes = append(counts, count), append(sizes, size)
    long = List()
    long.fill_nodes(items, counts, sizes, limits)
    assert check(long, limits) == items and long.kind == LIST_QUICKLIST
    assert long.nodes is not None and long.nodes.number() == 3
    for shrinking in (True, False):
        short = List()
        short.fill_nodes(items[:2], append(vec[i64](), 2), append(vec[i64](), 13), limits, shrinking)
        assert check(short, limits) == items[:2]
        assert short.kind == (LIST_LISTPACK if shrinking else LIST_QUICKLIST)
