"""The tree that refers to long members: the machine of the plain tree drives it beside a table of its members."""

from __future__ import annotations

import random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from librt.vecs import vec
from tests.profiles import scaled

from redpoll.env.random import Random
from redpoll.structures import ranked, shared_texts
from redpoll.structures.hashing import hash_of
from redpoll.structures.members import found_score, insert_scored, set_score
from redpoll.structures.shared_texts import LONG, REFERRED, SharedBTree, is_reference, kind_for, text_of
from redpoll.structures.table import Table
from redpoll.structures.table_check import check
from redpoll.structures.table_copy import copied

INFINITY = float("inf")
Entry = tuple[float, bytes]

few_scores = st.sampled_from([-INFINITY, -1.5, -0.0, 0.0, 1.0, 300.0, 1e300, INFINITY])
scores = few_scores | st.floats(allow_nan=False) | st.integers(-50, 50).map(float)
short = st.binary(max_size=4) | st.integers(0, 60).map(lambda n: b"member:%03d" % n)
long = st.builds(
    lambda head, size, tail: head + b"x" * size + tail,
    st.binary(max_size=2),
    st.sampled_from([int(LONG) - 1, int(LONG), 40, 124, 125, 126, 127, 128, 196, 199, 200, 201, 300, 700]),
    st.binary(max_size=1),
)
members = short | long


class Pair:
    """A table and a tree of its members, changed as a sorted set does."""

    def __init__(self, table: Table, tree: SharedBTree) -> None:
        self.table = table
        self.tree = tree

    def put(self, score: float, member: bytes, crowded: bool = False) -> None:
        if self.table.find(member):
            old = found_score(self.table)
            set_score(self.table, score)
            self.tree.move(old, score, member)
        else:
            insert_scored(self.table, member, score, 0 if crowded else kind_for(self.table, member))
            self.tree.insert(score, member)

    def remove(self, member: bytes) -> None:
        assert self.table.find(member)
        assert self.tree.remove(found_score(self.table), member)
        self.table.remove()

    def entries(self, start: int = 0, stop: int | None = None) -> list[Entry]:
        span = self.tree.span(start, self.tree.count if stop is None else stop)
        names: list[bytes] = []
        span.members(names)
        return list(zip(span.scores(vec[float]()), names, strict=True))

    def check(self, model: dict[bytes, float]) -> None:
        check(self.table)
        self.tree.check()
        assert self.entries() == sorted((score, member) for member, score in model.items())
        references = 0
        for leaf in raw_leaves(self.tree):
            references += sum(is_reference(leaf, at) for at in ranked.offsets(leaf, 0, len(leaf)))
        referred = 0
        for member in model:
            assert self.table.find(member)
            if self.table.kind() == REFERRED:
                referred += 1
                assert text_of(self.table, hash_of(member)) == member
        assert references == referred


def raw_leaves(tree: SharedBTree) -> list[bytes]:
    found = []
    rank = 0
    while rank < tree.count:
        node, index, _ = tree.place(rank)
        found.append(node.leaves[index])
        rank += node.counts[index]
    return found


class SharedMachine(RuleBasedStateMachine):
    """Drives the pair beside a dict."""

    @initialize(limits=st.sampled_from([(32, 4), (48, 5), (96, 8), (479, 63)]))
    def start(self, limits: tuple[int, int]) -> None:
        table = Table(bucket_records=4)
        self.pair = Pair(table, SharedBTree(table, *limits))
        self.model: dict[bytes, float] = {}
        self.twin: Pair | None = None
        self.twin_model: dict[bytes, float] = {}

    def ordered(self) -> list[Entry]:
        return sorted((score, member) for member, score in self.model.items())

    @rule(pairs=st.lists(st.tuples(members, scores), min_size=1, max_size=25), crowded=st.booleans())
    def puts(self, pairs: list[Entry], crowded: bool) -> None:
        """As if another long member had the hash already, where it is `crowded`."""
        for member, score in pairs:
            self.pair.put(score, member, crowded)  # type: ignore[arg-type]
            self.model[member] = score  # type: ignore[index, assignment]

    @rule(names=st.lists(members, min_size=1, max_size=40), score=few_scores)
    def puts_at_one_score(self, names: list[bytes], score: float) -> None:
        for member in names:
            self.pair.put(score, member)
            self.model[member] = score

    @rule(seed=st.integers(0, 2**32), count=st.integers(20, 100), spread=st.sampled_from([1, 5, 1000]))
    def puts_many(self, seed: int, count: int, spread: int) -> None:
        source = random.Random(seed)
        for _ in range(count):
            member = b"%040d" % source.randrange(200)
            score = float(source.randrange(spread))
            self.pair.put(score, member)
            self.model[member] = score

    @precondition(lambda self: self.model)
    @rule(data=st.data(), count=st.integers(1, 20))
    def removes(self, data: st.DataObject, count: int) -> None:
        entries = self.ordered()
        at = data.draw(st.integers(0, len(entries) - 1))
        for _, member in entries[at : at + count]:
            self.pair.remove(member)
            del self.model[member]

    @precondition(lambda self: self.model)
    @rule(count=st.integers(1, 20), last=st.booleans())
    def pops(self, count: int, last: bool) -> None:
        tree = self.pair.tree
        for _ in range(min(count, len(self.model))):
            expected = self.ordered()[-1 if last else 0]
            assert expected == (tree.last() if last else tree.first())
            assert expected == (tree.pop_last() if last else tree.pop_first())
            assert self.pair.table.find(expected[1])
            self.pair.table.remove()
            del self.model[expected[1]]

    @rule(data=st.data())
    def removes_a_range(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.model)))
        stop = data.draw(st.integers(start, len(self.model)))
        gone = self.pair.entries(start, stop)
        assert gone == self.ordered()[start:stop]
        self.pair.tree.remove_range(start, stop)
        for _, member in gone:
            assert self.pair.table.find(member)
            self.pair.table.remove()
            del self.model[member]

    @rule(score=scores, member=members)
    def ranks(self, score: float, member: bytes) -> None:
        entries = self.ordered()
        tree = self.pair.tree
        if (score, member) not in entries:
            assert tree.rank(score, member) == -1
        assert tree.rank_before(score, member) == sum(entry < (score, member) for entry in entries)
        assert tree.rank_of_score(score, True) == sum(held <= score for held, _ in entries)
        for rank, entry in enumerate(entries):
            assert tree.rank(*entry) == rank
            assert tree.get(rank) == entry

    @rule(with_the_copy=st.booleans())
    def copies(self, with_the_copy: bool) -> None:
        """Go on with the pair or with its copy; the other one must not notice."""
        table = copied(self.pair.table)
        made = Pair(table, self.pair.tree.copied_beside(table))
        self.twin, self.pair = (self.pair, made) if with_the_copy else (made, self.pair)
        self.twin_model = self.model.copy()

    @rule()
    def is_loaded(self) -> None:
        entries = self.ordered()
        table = Table(bucket_records=4)
        for score, member in entries:
            table.find(member)
            insert_scored(table, member, score, kind_for(table, member))
        tree = SharedBTree(table, self.pair.tree.leaf_bytes, self.pair.tree.fanout)
        tree.load(vec[float]([score for score, _ in entries]), [member for _, member in entries])
        self.pair = Pair(table, tree)

    @invariant()
    def agrees(self) -> None:
        self.pair.check(self.model)
        if self.twin is not None:
            self.twin.check(self.twin_model)


TestSharedMachine = SharedMachine.TestCase
TestSharedMachine.settings = scaled(0.5, 0.75)


def colliding() -> tuple[bytes, bytes]:
    """Two long members of one hash."""
    seen: dict[int, bytes] = {}
    for n in range(1_000_000):
        member = b"%040d" % n
        h = hash_of(member)
        if h in seen:
            return seen[h], member
        seen[h] = member
    raise AssertionError


def test_of_two_members_with_one_hash_only_the_first_is_a_reference() -> None:
    first, second = colliding()
    table = Table()
    pair = Pair(table, SharedBTree(table))
    pair.put(1.0, first)
    pair.put(1.0, second)
    pair.check({first: 1.0, second: 1.0})
    assert table.find(second) and table.kind() == 0
    assert text_of(table, hash_of(second)) == first
    pair.put(5.0, second)
    pair.put(7.0, first)
    pair.check({first: 7.0, second: 5.0})
    pair.remove(first)
    pair.check({second: 5.0})
    pair.put(5.0, first)
    pair.check({first: 5.0, second: 5.0})
    assert table.find(first) and table.kind() == REFERRED
    pair.remove(second)
    pair.check({first: 5.0})


@pytest.mark.parametrize("spread", [1, 50, 1_000_000])
def test_long_members_take_few_bytes_in_the_tree(spread: int) -> None:
    source = random.Random(spread)
    table = Table()
    pair = Pair(table, SharedBTree(table))
    model = {}
    for n in range(3000):
        member = b"%0100d" % n
        model[member] = float(source.randrange(spread))
        pair.put(model[member], member)
    pair.check(model)
    assert pair.tree.size_bytes < 3000 * 25


def test_reading_texts_leaves_the_position_of_the_table() -> None:
    table = Table()
    pair = Pair(table, SharedBTree(table))
    for n in range(300):
        pair.put(1.0, b"%040d" % n)
    random_ = Random(5)
    for _ in range(50):
        table.seek_random(random_)
        before = table.key(), table.word, table.index, table.bucket, table.stamp
        assert pair.tree.rank(1.0, b"%040d" % 77) == 77
        assert len(pair.entries()) == 300
        assert before == (table.key(), table.word, table.index, table.bucket, table.stamp)


def test_a_reference_is_skipped_like_a_record() -> None:
    table = Table()
    member = b"m" * 50
    table.find(member)
    insert_scored(table, member, 70000.0, REFERRED)
    for score in (0.0, -0.0, 31.0, 8191.0, 70000.0, 2.0**40, -5.0, 0.25):
        one = shared_texts.reference(score, hash_of(member))
        leaf = ranked.record(score - 1, b"a") + one + ranked.record(score + 1, b"b" * 200)
        at = ranked.record_end(leaf, 0)
        assert ranked.record_end(leaf, at) == at + len(one)
        assert ranked.skip(leaf, 0, 2) == at + len(one)
        assert ranked.count(leaf, 0, len(leaf)) == 3
        assert repr(ranked.score_of(leaf, at)) == repr(score)
        assert shared_texts.member_at(leaf, at, table) == member
        assert shared_texts.written_out(leaf, 0, len(leaf), table) == (
            leaf[:at] + ranked.record(score, member) + leaf[at + len(one) :]
        )
