"""Blocks of entries against a list of them, in every pattern of adding, deleting and trimming."""

from __future__ import annotations

import random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from redpoll.structures.blocks import Blocks
from redpoll.structures.entries import ENDLESS, Picked
from redpoll.structures.ids import StreamId, number_of, word_of

LAST = 2**64 - 1
Id = tuple[int, int]
Fields = list[bytes]

numbers = st.integers(-(2**63), 2**63 - 1).map(lambda n: str(n).encode())
texts = (
    st.binary(max_size=8)
    | numbers
    | st.integers(-200, 5000).map(lambda n: str(n).encode())
    | st.sampled_from([b"-", b"-0", b"+1", b"01", b"0", b"9223372036854775808", b"-9223372036854775808"])
    | st.builds(
        lambda head, size: head + b"x" * size, st.binary(max_size=3), st.sampled_from([60, 235, 240, 4093, 20000])
    )
)
names = st.sampled_from([[b"f"], [b"f"], [b"f"], [b"temperature", b"17"], [b"a", b"b", b"n" * 300]])
leaps = st.sampled_from([0, 0, 1, 1, 3, 200, 300, 70_000, 20_000_000, 2**33, 2**62])


def words(id: Id) -> tuple[int, int]:
    return word_of(id[0]), word_of(id[1])


def picked(blocks: Blocks, low: Id, high: Id, most: int = ENDLESS, reverse: bool = False) -> list[tuple[Id, Fields]]:
    into = Picked()
    found = blocks.pick(into, *words(low), *words(high), most, reverse)
    assert found == into.count()
    return [((number_of(into.ms[k]), number_of(into.seq[k])), into.items(k) or []) for k in range(found)]


class Node:
    """What the reference's node has: entries, deleted ones among them."""

    def __init__(self, key: Id) -> None:
        self.key = key
        self.live: list[Id] = []
        self.gone = 0


class BlocksMachine(RuleBasedStateMachine):
    """Drives blocks and a model of the reference's nodes side by side."""

    @initialize(limits=st.sampled_from([(4096, 100), (300, 100), (4096, 5), (0, 0), (1, 100), (700, 3)]))
    def start(self, limits: tuple[int, int]) -> None:
        self.limits = limits
        self.blocks = Blocks()
        self.fields: dict[Id, Fields] = {}
        self.nodes: list[Node] = []
        self.last: Id = (0, 0)
        self.twin: Blocks | None = None
        self.twin_fields: dict[Id, Fields] = {}

    def append(self, id: Id, fields: Fields) -> None:
        coming = sum(map(len, fields))
        started = self.blocks.count()
        full = True
        if self.nodes:
            node = self.nodes[-1]
            most_bytes, most_entries = self.limits
            assert self.blocks.index.stop - 1 >= 0
            size = self.blocks.total_node_bytes(self.blocks.index.stop - 1)
            full = size + coming >= (most_bytes or 2**30)
            full = full or 0 < most_entries <= len(node.live) + node.gone
        self.blocks.append(*words(id), [b"XADD", b"k", *fields], 2, *self.limits)
        if full:
            self.nodes.append(Node(id))
        self.nodes[-1].live.append(id)
        assert self.blocks.count() == started + full
        self.fields[id] = fields
        self.last = id

    def next_id(self, leap: int, seq: int) -> Id | None:
        ms = min(self.last[0] + leap, LAST)
        if ms > self.last[0]:
            return ms, seq
        return (ms, self.last[1] + 1 + seq) if self.last[1] + seq < LAST else None

    @rule(leap=leaps, seq=st.sampled_from([0, 0, 1, 255, 256, 70000, 2**33, 2**63]), names=names, data=st.data())
    def appends(self, leap: int, seq: int, names: Fields, data: st.DataObject) -> None:
        id = self.next_id(leap, seq)
        if id is not None:
            self.append(id, [item for name in names for item in (name, data.draw(texts))])

    @rule(count=st.integers(1, 150), leap=leaps, names=names)
    def appends_many(self, count: int, leap: int, names: Fields) -> None:
        for k in range(count):
            id = self.next_id(leap, k % 3)
            if id is not None:
                self.append(id, [item for name in names for item in (name, b"%d" % (k * 7))])

    def forget(self, ids: list[Id]) -> None:
        for id in ids:
            del self.fields[id]
            for node in self.nodes:
                if id in node.live:
                    node.live.remove(id)
                    node.gone += 1
        self.nodes = [node for node in self.nodes if node.live]

    @rule(ms=st.integers(0, 100), seq=st.integers(0, 3))
    def deletes_what_may_not_be_there(self, ms: int, seq: int) -> None:
        there = (ms, seq) in self.fields
        assert self.blocks.delete(ms, seq) == there
        if there:
            self.forget([(ms, seq)])

    @precondition(lambda self: self.fields)
    @rule(data=st.data(), count=st.integers(1, 120))
    def deletes_a_run(self, data: st.DataObject, count: int) -> None:
        held = sorted(self.fields)
        at = data.draw(st.integers(0, len(held) - 1))
        for id in held[at : at + count]:
            assert self.blocks.delete(*words(id))
            assert not self.blocks.delete(*words(id))
        self.forget(held[at : at + count])

    @precondition(lambda self: self.fields)
    @rule(count=st.integers(1, 120), seed=st.integers(0, 2**32))
    def deletes_scattered(self, count: int, seed: int) -> None:
        held = sorted(self.fields)
        chosen = random.Random(seed).sample(held, min(count, len(held)))
        for id in chosen:
            assert self.blocks.delete(*words(id))
        self.forget(chosen)

    def trim(self, keeps: int, low: Id | None, roughly: bool, limit: int) -> list[Id]:
        """What is to go, by the reference's rules (spec/values.md, "Nodes and trimming")."""
        gone: list[Id] = []
        nodes = [list(node.live) for node in self.nodes]
        length = len(self.fields)
        while nodes:
            node = nodes[0]
            if low is None and length - len(gone) <= keeps:
                break
            if limit > 0 and len(gone) + len(node) > limit:
                break
            if length - len(gone) - len(node) >= keeps if low is None else node[-1] < low:
                gone += nodes.pop(0)
                continue
            if not roughly:
                gone += node[: length - len(gone) - keeps] if low is None else [id for id in node if id < low]
            break
        return gone

    @rule(share=st.floats(0, 1.1), roughly=st.booleans(), limit=st.sampled_from([0, 0, 1, 50, 150]))
    def trims_to_length(self, share: float, roughly: bool, limit: int) -> None:
        keeps = int(len(self.fields) * share)
        gone = self.trim(keeps, None, roughly, limit)
        assert self.blocks.trim_to_length(keeps, roughly, limit) == len(gone)
        self.forget(gone)

    @precondition(lambda self: self.fields)
    @rule(data=st.data(), roughly=st.booleans(), limit=st.sampled_from([0, 0, 1, 50, 150]), by=st.integers(0, 1))
    def trims_below(self, data: st.DataObject, roughly: bool, limit: int, by: int) -> None:
        ms, seq = data.draw(st.sampled_from(sorted(self.fields)))
        low = (ms, min(seq + by, LAST))
        gone = self.trim(0, low, roughly, limit)
        assert self.blocks.trim_below(*words(low), roughly, limit) == len(gone)
        self.forget(gone)

    @rule(with_the_copy=st.booleans())
    def copies(self, with_the_copy: bool) -> None:
        """Go on with the blocks or with their copy; the other one must not notice."""
        made = self.blocks.copy()
        self.twin, self.blocks = (self.blocks, made) if with_the_copy else (made, self.blocks)
        self.twin_fields = dict(self.fields)

    @precondition(lambda self: self.fields)
    @rule(data=st.data(), reverse=st.booleans(), most=st.sampled_from([1, 2, 100, ENDLESS]))
    def picks(self, data: st.DataObject, reverse: bool, most: int) -> None:
        held = sorted(self.fields)
        ends = st.sampled_from(held) | st.just((0, 0)) | st.just((LAST, LAST))
        low, high = data.draw(ends), data.draw(ends)
        expected = [(id, self.fields[id]) for id in held if low <= id <= high]
        if reverse:
            expected.reverse()
        assert picked(self.blocks, low, high, most, reverse) == expected[:most]

    @precondition(lambda self: self.fields)
    @rule(data=st.data(), step=st.integers(1, 70))
    def reads_on(self, data: st.DataObject, step: int) -> None:
        """In order from one entry on, as readers do, which never start from a block's beginning."""
        held = sorted(self.fields)
        at = data.draw(st.integers(0, len(held) - 1))
        while at < len(held):
            low = StreamId(*words(held[at])).following()
            expected = [(id, self.fields[id]) for id in held[at + 1 : at + 1 + step]]
            assert picked(self.blocks, (number_of(low.ms), number_of(low.seq)), (LAST, LAST), step) == expected
            at += step

    @precondition(lambda self: self.fields)
    @rule(data=st.data())
    def asks_for_one(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.fields)))
        assert self.blocks.has(*words(id))
        assert picked(self.blocks, id, id, 1) == [(id, self.fields[id])]
        beside = StreamId(*words(id)).following()
        held = (number_of(beside.ms), number_of(beside.seq)) in self.fields
        assert self.blocks.has(beside.ms, beside.seq) == held

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "blocks"):
            return
        blocks = self.blocks
        blocks.check()
        assert blocks.length == len(self.fields)
        assert picked(blocks, (0, 0), (LAST, LAST)) == sorted(self.fields.items())
        keys = [
            (number_of(blocks.index.ms[i]), number_of(blocks.index.seq[i]))
            for i in range(blocks.index.head, blocks.index.stop)
        ]
        assert keys == [node.key for node in self.nodes]
        counts = [blocks.counts[i] for i in range(blocks.index.head, blocks.index.stop)]
        assert counts == [len(node.live) + (node.gone << 32) for node in self.nodes]
        first = blocks.first()
        assert (first is None) == (not self.fields)
        if first is not None:
            assert (number_of(first.ms), number_of(first.seq)) == min(self.fields)

    @invariant()
    def the_twin_stays(self) -> None:
        if getattr(self, "twin", None) is not None:
            assert self.twin is not None
            self.twin.check()
            assert picked(self.twin, (0, 0), (LAST, LAST)) == sorted(self.twin_fields.items())


TestBlocksMachine = BlocksMachine.TestCase


@pytest.mark.parametrize("keeps", [1, 150, 1000])
def test_a_capped_stream_forgets_from_the_front(keeps: int) -> None:
    blocks = Blocks()
    for k in range(20_000):
        blocks.append(k + 1, 0, [b"f", b"v%d" % k], 0, 4096, 100)
        blocks.trim_to_length(keeps, False, 0)
    blocks.check()
    assert blocks.length == keeps
    assert [id[0] for id, _ in picked(blocks, (0, 0), (LAST, LAST))] == list(range(20_001 - keeps, 20_001))
    assert len(blocks.data) <= keeps // 100 + 80


def test_entries_of_two_short_fields_take_few_bytes() -> None:
    blocks = Blocks()
    for k in range(100_000):
        blocks.append(1_700_000_000_000 + k, 0, [b"name", b"v%06d" % k, b"other", b"w%06d" % k], 0, 4096, 100)
    assert blocks.size_bytes() < 100_000 * 21


def test_a_look_up_goes_on_where_the_last_one_ended_unless_something_was_deleted() -> None:
    def filled() -> Blocks:
        blocks = Blocks()
        for k in range(1, 251):
            blocks.append(k, 0, [b"f", b"v%d" % k], 0, 4096, 100)
        return blocks

    for change in ("trim", "cut", "take out", "drop", "nothing"):
        blocks = filled()
        assert len(picked(blocks, (1, 0), (LAST, LAST), 20)) == 20
        assert blocks.hint >= 0
        expected = list(range(21, 251))
        if change == "trim":
            blocks.trim_to_length(200, False, 0)
            expected = list(range(51, 251))
        elif change == "cut":
            for k in range(1, 31):
                blocks.delete(k, 0)
            expected = list(range(31, 251))
        elif change == "take out":
            blocks.delete(5, 0)
            blocks.delete(22, 0)
            expected.remove(22)
        elif change == "drop":
            blocks.trim_below(101, 0, True, 0)
            expected = list(range(101, 251))
        assert [id[0] for id, _ in picked(blocks, (21, 0), (LAST, LAST))] == expected
