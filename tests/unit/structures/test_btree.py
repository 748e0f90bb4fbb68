"""The counted B+tree against a sorted list."""

from __future__ import annotations

import random
from bisect import bisect_left, insort

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from librt.vecs import vec
from mypy_extensions import i64
from tests.profiles import scaled

from redpoll.structures.btree import BTree
from redpoll.structures.ranked import member_at, record, record_end, score_of

INFINITY = float("inf")
Entry = tuple[float, bytes]

few_scores = st.sampled_from([-INFINITY, -1.5, -0.0, 0.0, 1.0, 2.0, 1e300, INFINITY])
scores = few_scores | st.floats(allow_nan=False) | st.integers(-50, 50).map(float)
long_members = st.builds(lambda head, size: head + b"x" * size, st.binary(max_size=3), st.integers(100, 700))
members = st.binary(max_size=3) | st.binary(max_size=20) | st.integers(0, 99).map(lambda n: b"member:%08d" % n)


def entries_of(tree: BTree) -> list[Entry]:
    """All entries, read from the leaves."""
    found = []
    for leaf in tree.leaves():
        at: i64 = 0
        while at < len(leaf):
            found.append((score_of(leaf, at), member_at(leaf, at)))
            at = record_end(leaf, at)
    return found


def sliced(tree: BTree, start: int, stop: int) -> list[Entry]:
    span = tree.span(start, stop)
    found: list[bytes] = []
    span.members(found)
    return list(zip(span.scores(vec[float]()), found, strict=True))


class BTreeMachine(RuleBasedStateMachine):
    """Drives a tree and a sorted list of its entries side by side."""

    @initialize(limits=st.sampled_from([(32, 4), (48, 5), (96, 8), (479, 63)]))
    def start(self, limits: tuple[int, int]) -> None:
        self.tree = BTree(*limits)
        self.model: list[Entry] = []
        self.scores: dict[bytes, float] = {}
        self.twin: BTree | None = None
        self.twin_entries: list[Entry] = []

    def put(self, member: bytes, score: float) -> None:
        old = self.scores.get(member)
        if old is None:
            self.tree.insert(score, member)
        else:
            self.tree.move(old, score, member)
            self.model.remove((old, member))
        insort(self.model, (score, member))
        self.scores[member] = score

    def drop(self, member: bytes) -> None:
        score = self.scores.pop(member)
        self.model.remove((score, member))

    @rule(pairs=st.lists(st.tuples(members, scores), min_size=1, max_size=25))
    def puts(self, pairs: list[tuple[bytes, float]]) -> None:
        for member, score in pairs:
            self.put(member, score)

    @rule(names=st.lists(members, min_size=1, max_size=40), score=few_scores)
    def puts_at_one_score(self, names: list[bytes], score: float) -> None:
        for member in names:
            self.put(member, score)

    @rule(member=long_members, score=few_scores)
    def puts_a_long_member(self, member: bytes, score: float) -> None:
        self.put(member, score)

    @rule(count=st.integers(1, 60), step=st.sampled_from([-1.0, 0.25, 1.0]))
    def puts_a_run(self, count: int, step: float) -> None:
        for k in range(count):
            self.put(b"%d" % len(self.model), k * step)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), by=st.sampled_from([-1.0, -0.001, 0.0, 0.001, 1.0]))
    def nudges(self, data: st.DataObject, by: float) -> None:
        score, member = data.draw(st.sampled_from(self.model))
        self.put(member, score + by)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), count=st.integers(1, 30))
    def removes(self, data: st.DataObject, count: int) -> None:
        at = data.draw(st.integers(0, len(self.model) - 1))
        for score, member in self.model[at : at + count]:
            assert self.tree.remove(score, member)
            self.drop(member)

    @rule(member=members, score=scores)
    def does_not_remove_what_is_not_there(self, member: bytes, score: float) -> None:
        if self.scores.get(member) != score:
            assert not self.tree.remove(score, member)
            assert self.tree.rank(score, member) == -1

    @precondition(lambda self: self.model)
    @rule(count=st.integers(1, 20), last=st.booleans())
    def pops(self, count: int, last: bool) -> None:
        for _ in range(min(count, len(self.model))):
            expected = self.model[-1 if last else 0]
            assert expected == (self.tree.last() if last else self.tree.first())
            assert expected == (self.tree.pop_last() if last else self.tree.pop_first())
            self.drop(expected[1])

    @rule(low=scores, high=scores)
    def finds_all_between_two_scores(self, low: float, high: float) -> None:
        span = self.tree.span_between(low, high)
        members: list[bytes] = []
        span.members(members)
        found = list(zip(span.scores(vec[float]()), members, strict=True))
        first, stop = bisect_left(self.model, (low, b"")), bisect_left(self.model, (high, b""))
        if found:
            at = self.model.index(found[0])
            assert self.model[at : at + len(found)] == found
            assert first >= stop or (at <= first and stop <= at + len(found))
        else:
            assert first >= stop

    @rule(budget=st.integers(1, 50))
    def releases_the_end(self, budget: int) -> None:
        left = self.tree.release(budget)
        assert left <= max(0, len(self.model) - budget)
        for _, member in self.model[left:]:
            del self.scores[member]
        del self.model[left:]

    @rule(with_the_copy=st.booleans())
    def copies(self, with_the_copy: bool) -> None:
        """Go on with the tree or with its copy; the other one must not notice."""
        made = BTree(self.tree.leaf_bytes, self.tree.fanout)
        self.tree.copy_to(made)
        assert made.size_bytes == self.tree.size_bytes
        self.twin, self.tree = (self.tree, made) if with_the_copy else (made, self.tree)
        self.twin_entries = self.model.copy()

    @invariant()
    def the_twin_stays(self) -> None:
        if self.twin is not None:
            self.twin.check()
            assert entries_of(self.twin) == self.twin_entries

    @rule(seed=st.integers(0, 2**32), count=st.integers(50, 200), spread=st.sampled_from([1, 5, 1000]))
    def puts_many(self, seed: int, count: int, spread: int) -> None:
        source = random.Random(seed)
        for _ in range(count):
            self.put(b"%d" % source.randrange(500), float(source.randrange(spread)))

    @precondition(lambda self: len(self.model) < 10)
    @rule()
    def clears(self) -> None:
        self.tree.clear()
        self.model.clear()
        self.scores.clear()

    @rule(score=scores, member=members)
    def ranks(self, score: float, member: bytes) -> None:
        assert self.tree.rank_of_score(score, False) == sum(held < score for held, _ in self.model)
        assert self.tree.rank_of_score(score, True) == sum(held <= score for held, _ in self.model)
        if self.model:
            place = bisect_left(self.model, (self.model[0][0], member))
            assert self.tree.rank_of_member(member, False) == place
            assert self.tree.rank_of_member(member, True) == place + ((self.model[0][0], member) in self.model)
        for rank, entry in enumerate(self.model):
            assert self.tree.rank(*entry) == rank
            assert self.tree.get(rank) == entry

    @rule(data=st.data())
    def slices(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.model)))
        stop = data.draw(st.integers(0, len(self.model)))
        assert sliced(self.tree, start, stop) == self.model[start:stop]

    @rule(data=st.data())
    def removes_a_range(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.model)))
        stop = data.draw(st.integers(0, len(self.model)))
        self.tree.remove_range(start, stop)
        for _, member in self.model[start:stop]:
            del self.scores[member]
        del self.model[start : max(start, stop)]

    @rule(count=st.integers(0, 100), size=st.sampled_from([0, 5, 30, 600]))
    def appends_a_row(self, count: int, size: int) -> None:
        score = self.model[-1][0] + 1.0 if self.model else 0.0
        names = [b"%d:%d:%b" % (len(self.model), k, b"x" * size) for k in range(count)]
        fresh = sorted((score, name) for name in names if name not in self.scores)
        if self.model and fresh and fresh[0] <= self.model[-1]:
            return
        row = b"(head)" + b"".join(record(*entry) for entry in fresh) + b"(tail)"
        self.tree.append_row(row, 6, len(row) - 6)
        self.model.extend(fresh)
        self.scores.update((name, held) for held, name in fresh)

    @invariant()
    def agrees(self) -> None:
        self.tree.check()
        assert self.tree.count == len(self.model)
        assert entries_of(self.tree) == self.model


TestBTreeMachine = BTreeMachine.TestCase
TestBTreeMachine.settings = scaled(1.0, 0.75)


def filled(entries: list[Entry], leaf_bytes: int = 479, fanout: int = 63) -> BTree:
    tree = BTree(leaf_bytes, fanout)
    for score, member in entries:
        tree.insert(score, member)
    return tree


def numbered(count: int) -> list[Entry]:
    return [(float(k), b"m%06d" % k) for k in range(count)]


@pytest.mark.parametrize("limits", [(64, 4), (479, 63)])
@pytest.mark.parametrize("order", ["ascending", "descending", "random"])
def test_long_runs_in_any_order_give_a_sorted_tree(order: str, limits: tuple[int, int]) -> None:
    entries = numbered(5000)
    arriving = entries[::-1] if order == "descending" else list(entries)
    if order == "random":
        random.Random(7).shuffle(arriving)
    tree = filled(arriving, *limits)
    tree.check()
    assert entries == entries_of(tree)
    for score, member in arriving:
        assert tree.remove(score, member)
    tree.check()
    assert tree.count == 0


@pytest.mark.parametrize("spread", [1, 6, 10_000])
@pytest.mark.parametrize("limits", [(32, 4), (64, 9)])
def test_deep_trees_stay_whole_while_they_grow_and_shrink(limits: tuple[int, int], spread: int) -> None:
    source = random.Random(spread)
    tree = BTree(*limits)
    held: dict[bytes, float] = {}
    for phase in range(8):
        for step in range(600):
            member = b"%d" % source.randrange(700)
            score = float(source.randrange(spread))
            old = held.get(member)
            if old is not None and source.random() < (0.1, 0.9)[phase % 2]:
                assert tree.remove(held.pop(member), member)
            elif old is not None:
                tree.move(old, score, member)
                held[member] = score
            elif phase % 2 == 0 or source.random() < 0.1:
                tree.insert(score, member)
                held[member] = score
            if step % 10 == 0:
                tree.check()
        assert sorted((score, member) for member, score in held.items()) == entries_of(tree)


@pytest.mark.parametrize("step", [1, -1])
def test_entries_that_arrive_in_order_fill_leaves_and_nodes(step: int) -> None:
    tree = filled(numbered(20_000)[::step])
    leaves = tree.leaves()
    per_leaf = 479 // len(record(19_999.0, b"m019999"))
    assert len(leaves) <= 20_000 // per_leaf + 2
    assert len(tree.root.counts) <= 20_000 // per_leaf // 63 + 2


def test_moving_a_member_to_the_end_again_and_again_fills_leaves() -> None:
    tree = filled(numbered(2000))
    for k in range(2000):
        tree.move(float(k), float(k + 2000), b"m%06d" % k)
    tree.check()
    assert len(tree.leaves()) <= 2000 // 29 + 3


def test_negative_zero_and_zero_are_one_score() -> None:
    tree = filled([(0.0, b"b"), (-0.0, b"c"), (0.0, b"a")])
    assert [member for _, member in entries_of(tree)] == [b"a", b"b", b"c"]
    assert tree.rank(-0.0, b"b") == 1
    assert tree.rank_of_score(-0.0, False) == 0
    assert tree.rank_of_score(-0.0, True) == 3
    tree.move(0.0, -0.0, b"a")
    assert str(tree.first()[0]) == "-0.0"
    assert tree.remove(-0.0, b"b")


def test_a_prefix_comes_before_what_it_begins_and_bytes_are_unsigned() -> None:
    names = [b"", b"\x00", b"\x7f", b"\x80", b"\xff", b"abcdefgh", b"abcdefgh\x00", b"abcdefghi", b"abcdefgh\xff"]
    names += [b"\x00" * 8, b"\x00" * 16, b"\xff" * 8, b"\xff" * 9, b"abcdefg\x80", b"abcdefg\x7f\xff"]
    shuffled = list(names)
    random.Random(3).shuffle(shuffled)
    for limits in ((32, 4), (479, 63)):
        tree = filled([(1.0, name) for name in shuffled], *limits)
        tree.check()
        assert sorted(names) == [member for _, member in entries_of(tree)]


def test_a_long_member_has_a_leaf_of_its_own() -> None:
    tree = BTree()
    small = [(1.0, b"%c" % letter) for letter in b"acegik"]
    huge = (1.0, b"f" * 3_000_000)
    for entry in [*small[:3], huge, *small[3:], (1.0, b"f"), (1.0, b"ff")]:
        tree.insert(*entry)
    tree.check()
    assert sorted([*small, huge, (1.0, b"f"), (1.0, b"ff")]) == entries_of(tree)
    assert [record(*huge)] == [leaf for leaf in tree.leaves() if len(leaf) > 479]
    tree.move(1.0, 1.5, huge[1])
    tree.check()
    assert tree.last() == (1.5, huge[1])
    assert tree.remove(1.5, huge[1])
    tree.check()


def test_the_first_entry_may_be_a_long_member() -> None:
    tree = filled([(1.0, b"z" * 1000), (0.0, b"a"), (2.0, b"b")])
    tree.check()
    assert tree.get(1) == (1.0, b"z" * 1000)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 16383, 16384, 2_097_152])
def test_members_of_every_length_come_back(size: int) -> None:
    member = b"\x80" * size
    data = record(-2.5, member)
    assert record_end(data, 0) == len(data)
    assert (score_of(data, 0), member_at(data, 0)) == (-2.5, member)


def test_bounds_keep_no_members_where_scores_differ_and_short_ones_where_not() -> None:
    assert not any(filled(numbered(2000)).root.members)
    same = filled([(0.0, b"%05d" % k + b"x" * 200) for k in range(200)])
    assert max(len(member) for member in same.root.members) <= 5


def test_memory_is_given_back_entry_by_entry() -> None:
    empty = BTree().size_bytes
    entries = [(float(k % 7), b"%d" % k * 3) for k in range(3000)]
    tree = filled(entries)
    assert 16 * 3000 < tree.size_bytes < 40 * 3000
    for score, member in entries:
        tree.remove(score, member)
    assert empty == tree.size_bytes


@pytest.mark.parametrize(("limits", "times"), [((64, 8), 4), ((479, 63), 2)])
def test_a_tree_that_shrank_takes_a_few_times_one_that_never_grew(limits: tuple[int, int], times: int) -> None:
    # Merging begins at a quarter, the other tree is full: four times is what that promises.
    entries = numbered(20_000)
    tree = filled(entries, *limits)
    random.Random(5).shuffle(entries)
    for score, member in entries[400:]:
        tree.remove(score, member)
    tree.check()
    small = filled(entries[:400], *limits)
    assert tree.size_bytes < times * small.size_bytes
    assert tree.root.level <= small.root.level + 1


def test_release_goes_in_bounded_steps_and_leaves_a_whole_tree() -> None:
    tree = filled(numbered(20_000))
    left = 20_000
    steps = 0
    while left:
        now = tree.release(1000)
        assert 1000 <= left - now <= 1000 + 63 * 53 or now == 0
        tree.check()
        assert numbered(now) == entries_of(tree)
        left = now
        steps += 1
    assert steps > 5
    assert tree.release(1) == 0


@pytest.mark.parametrize("count", [0, 1, 2, 29, 30, 31, 1799, 5000])
@pytest.mark.parametrize("limits", [(64, 4), (479, 63)])
def test_load_gives_the_tree_of_its_entries(count: int, limits: tuple[int, int]) -> None:
    entries = numbered(count)
    entries += [(float(count), b"x" * size) for size in (0, 1, 100, 600)] if count else []
    tree = BTree(*limits)
    tree.load(vec[float]([score for score, _ in entries]), [member for _, member in entries])
    tree.check()
    assert entries == entries_of(tree)
    tree.insert(-1.0, b"new")
    tree.insert(count + 1.0, b"new")
    tree.check()
    for rank in range(0, count, 97):
        assert tree.get(rank + 1) == entries[rank]
        assert tree.rank(*entries[rank]) == rank + 1


def test_an_empty_tree_answers() -> None:
    tree = BTree()
    tree.check()
    assert tree.count == 0
    assert tree.rank(1.0, b"a") == -1
    assert not tree.remove(1.0, b"a")
    assert tree.rank_of_score(0.0, True) == 0
    assert tree.rank_of_member(b"a", True) == 0
    assert sliced(tree, 0, 0) == []
    tree.remove_range(0, 0)
    assert tree.leaves() == []
    assert tree.release(10) == 0


def test_check_notices_damage() -> None:
    tree = filled(numbered(100))
    tree.root.counts[1] += 1
    with pytest.raises(AssertionError):
        tree.check()
    tree = filled(numbered(100))
    tree.root.leaves[0], tree.root.leaves[1] = tree.root.leaves[1], tree.root.leaves[0]
    with pytest.raises(AssertionError):
        tree.check()
