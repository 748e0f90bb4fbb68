"""A sorted set against a dict, and its encoding against a model that says what the reference does.

Source of the model: spec/values.md, "Encodings" and "Scores", and the live server (tests/differential/test_zsets.py).
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from librt.vecs import vec
from tests.profiles import scaled

from redpoll.env.random import Random
from redpoll.protocol.numbers import format_double
from redpoll.types.kinds import ZSET_LISTPACK, ZSET_SKIPLIST, EncodingLimits
from redpoll.types.zset import (
    ADDED,
    ALWAYS,
    MOVED,
    NOT_A_NUMBER,
    ONLY_GREATER,
    ONLY_LESS,
    ONLY_NEW,
    ONLY_OLD,
    PACKED_LIMIT,
    PACKED_MEMBERS,
    REFUSED,
    SAME,
    ZSet,
    drop_signs,
)

INFINITY = float("inf")
Entry = tuple[float, bytes]

few_scores = st.sampled_from([0.0, -0.0, 1.0, 2.0, -1.0, 31.0, 32.0, 8192.0, 1.5, INFINITY, -INFINITY])
scores = few_scores | st.floats(allow_nan=False) | st.integers(-100, 100_000).map(float)
members = (
    st.sampled_from([b"", b"a", b"b", b"ab"])
    | st.integers(0, 40).map(lambda n: b"member:%d" % n)
    | st.builds(lambda size, fill: bytes([fill]) * size, st.sampled_from([4, 5, 64, 65, 127, 128, 200, 201, 254, 255]), st.integers(97, 99))
)  # fmt: skip
conditions = st.sampled_from(
    [ALWAYS, ALWAYS, ONLY_NEW, ONLY_OLD, ONLY_GREATER, ONLY_LESS, ONLY_OLD | ONLY_GREATER, ONLY_OLD | ONLY_LESS]
)


class Model:
    """The content and the encoding."""

    def __init__(self, entries: int, longest: int) -> None:
        self.content: dict[bytes, float] = {}
        self.kind = ZSET_LISTPACK
        self.entries = entries
        self.longest = longest

    def limits(self) -> EncodingLimits:
        limits = EncodingLimits()
        limits.zset_entries = self.entries
        limits.zset_value = self.longest
        return limits

    def expect(self, pairs: int, longest: int) -> None:
        if pairs > self.entries or longest > self.longest:
            self.kind = ZSET_SKIPLIST

    def put(self, member: bytes, score: float, condition: int, increment: bool) -> tuple[int, float | None]:
        """The outcome, and the score that is told."""
        old = self.content.get(member)
        if old is None:
            if condition & ONLY_OLD:
                return REFUSED, None
            if len(self.content) >= self.entries or len(member) > self.longest:
                self.kind = ZSET_SKIPLIST
            self.store(member, score)
            return ADDED, score
        if condition & ONLY_NEW:
            return REFUSED, old
        if increment:
            score += old
            if score != score:
                return NOT_A_NUMBER, old
        if (condition & ONLY_GREATER and score <= old) or (condition & ONLY_LESS and score >= old):
            return REFUSED, old
        if score == old:
            return SAME, score
        self.store(member, score)
        return MOVED, score

    def store(self, member: bytes, score: float) -> None:
        self.content[member] = score + 0.0 if self.kind == ZSET_LISTPACK else score

    def ordered(self) -> list[Entry]:
        return sorted((score, member) for member, score in self.content.items())


def entries_of(value: ZSet) -> list[Entry]:
    return sliced(value, 0, value.count())


def sliced(value: ZSet, start: int, stop: int) -> list[Entry]:
    span = value.span(start, stop)
    found: list[bytes] = []
    span.members(found)
    return list(zip(span.scores(vec[float]()), found, strict=True))


class ZSetMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.value = ZSet()
        self.model = Model(128, 64)
        self.limits = self.model.limits()
        self.random = Random(1)
        self.twin: ZSet | None = None
        self.twin_entries: list[Entry] = []

    @initialize(entries=st.sampled_from([0, 3, 128, 5000]), longest=st.sampled_from([0, 4, 64, 100_000]))
    def start(self, entries: int, longest: int) -> None:
        self.model = Model(entries, longest)
        self.limits = self.model.limits()

    @rule(
        pairs=st.lists(st.tuples(members, scores), min_size=1, max_size=8),
        condition=conditions,
        increment=st.booleans(),
    )
    def puts(self, pairs: list[tuple[bytes, float]], condition: int, increment: bool) -> None:
        longest = max(len(member) for member, _ in pairs)
        self.value.expect(len(pairs), longest, self.limits)
        self.model.expect(len(pairs), longest)
        for member, score in pairs:
            outcome, told = self.model.put(member, score, condition, increment)
            assert self.value.put(member, score, self.limits, condition, increment) == outcome
            if told is not None:
                assert repr(self.value.score) == repr(told)

    @rule(count=st.sampled_from([5, 63, 64, 65, 150]), step=st.sampled_from([0.0, 1.0, -300.0, 0.5]))
    def puts_many(self, count: int, step: float) -> None:
        first = len(self.model.content)
        for n in range(first, first + count):
            outcome, _ = self.model.put(b"new:%d" % n, n * step, ALWAYS, False)
            assert self.value.put(b"new:%d" % n, n * step, self.limits) == outcome

    @precondition(lambda self: self.model.content)
    @rule(data=st.data(), count=st.integers(1, 10))
    def removes(self, data: st.DataObject, count: int) -> None:
        for _ in range(min(count, len(self.model.content))):
            member = data.draw(st.sampled_from(sorted(self.model.content)))
            assert self.value.remove(member)
            del self.model.content[member]

    @rule(member=members)
    def asks_for_any_member(self, member: bytes) -> None:
        there = member in self.model.content
        assert self.value.find(member) == there
        if there:
            assert repr(self.value.score) == repr(self.model.content[member])
        else:
            assert self.value.rank(member) == -1
            assert not self.value.remove(member)

    @precondition(lambda self: self.model.content)
    @rule(count=st.integers(1, 10), last=st.booleans())
    def pops(self, count: int, last: bool) -> None:
        for _ in range(min(count, len(self.model.content))):
            score, member = self.model.ordered()[-1 if last else 0]
            assert self.value.pop(last) == member
            assert repr(self.value.score) == repr(score)
            del self.model.content[member]

    @rule(data=st.data())
    def removes_a_range(self, data: st.DataObject) -> None:
        size = len(self.model.content)
        start = data.draw(st.integers(0, size))
        stop = data.draw(st.integers(0, size))
        large = self.value.is_large()
        gone = self.value.remove_range(start, stop)
        few = (size - (stop - start)) * 2 < stop - start
        assert (gone is not None) == (large and start < stop and few)
        if gone is not None:
            assert gone.count() == size
        for _, member in self.model.ordered()[start:stop]:
            del self.model.content[member]

    @rule(content=st.dictionaries(members, scores, max_size=100))
    def is_filled(self, content: dict[bytes, float]) -> None:
        entries = sorted((score, member) for member, score in content.items())
        self.value = ZSet()
        self.value.fill(vec[float]([score for score, _ in entries]), [member for _, member in entries], self.limits)
        longest = max((len(member) for member in content), default=0)
        fits = len(content) <= self.model.entries and longest <= self.model.longest
        self.model.kind = ZSET_LISTPACK if fits else ZSET_SKIPLIST
        self.model.content.clear()
        for score, member in entries:
            self.model.store(member, score)

    @rule(score=scores, member=members)
    def ranks(self, score: float, member: bytes) -> None:
        entries = self.model.ordered()
        assert self.value.rank_of_score(score, False) == sum(held < score for held, _ in entries)
        assert self.value.rank_of_score(score, True) == sum(held <= score for held, _ in entries)
        if len({held for held, _ in entries}) == 1:
            assert self.value.rank_of_member(member, False) == sum(name < member for _, name in entries)
            assert self.value.rank_of_member(member, True) == sum(name <= member for _, name in entries)
        for rank, (held, name) in enumerate(entries):
            assert self.value.rank(name) == rank
            assert repr(self.value.score) == repr(held)

    @rule(data=st.data())
    def slices(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.model.content)))
        stop = data.draw(st.integers(0, len(self.model.content)))
        assert sliced(self.value, start, stop) == self.model.ordered()[start:stop]

    @precondition(lambda self: self.model.content)
    @rule()
    def picks(self) -> None:
        member = self.value.pick(self.random)
        assert repr(self.value.score) == repr(self.model.content[member])

    @rule(with_the_copy=st.booleans())
    def copies(self, with_the_copy: bool) -> None:
        """Go on with the set or with its copy; the other one must not notice."""
        made = self.value.copy()
        assert isinstance(made, ZSet)
        assert made.kind == self.value.kind
        self.twin, self.value = (self.value, made) if with_the_copy else (made, self.value)
        self.twin_entries = self.model.ordered()

    @invariant()
    def the_twin_stays(self) -> None:
        if self.twin is not None:
            self.twin.check()
            assert entries_of(self.twin) == self.twin_entries

    @invariant()
    def agrees(self) -> None:
        self.value.check()
        expected = self.model.ordered()
        assert self.value.kind == self.model.kind
        assert self.value.count() == len(expected)
        assert self.value.is_empty() == (not expected)
        assert repr(entries_of(self.value)) == repr(expected)
        texts = [text for score, member in expected for text in (member, format_double(score))]
        assert self.value.rows() == texts
        # What a look-up hands out stands among other keys' records.
        if not self.value.is_large():
            packed = self.value.packed()
            self.value.blob = b"\x03key" + packed + b"\x05other"
            self.value.start = 4
            self.value.stop = 4 + len(packed)
            self.value.shared = True


TestZSetMachine = ZSetMachine.TestCase
TestZSetMachine.settings = scaled(2.0, 0.75)


def filled(count: int, limits: EncodingLimits | None = None) -> ZSet:
    value = ZSet()
    for n in range(count):
        value.put(b"member:%06d" % n, float(n), limits or EncodingLimits())
    return value


@pytest.mark.parametrize("count", [PACKED_MEMBERS, PACKED_MEMBERS + 1])
def test_the_packed_form_is_left_by_number(count: int) -> None:
    value = filled(count)
    assert value.is_large() == (count > PACKED_MEMBERS)
    value.check()


def test_the_packed_form_is_left_by_bytes_and_by_a_long_member() -> None:
    value = ZSet()
    while not value.is_large():
        value.put(b"%04d" % value.count() + b"x" * 196, 1.0, EncodingLimits())
    assert PACKED_LIMIT // 203 < value.count() <= PACKED_LIMIT // 203 + 1
    for size, large in ((254, False), (255, True)):
        value = ZSet()
        value.put(b"a", 1.0, EncodingLimits())
        value.put(b"x" * size, 2.0, EncodingLimits())
        assert value.is_large() == large
        value.check()


def test_packed_scores_that_keep_their_length_keep_the_bucket_shared() -> None:
    value = filled(3)
    packed = value.packed()
    value.blob = b"\x03key" + packed
    value.start, value.stop, value.shared = 4, 4 + len(packed), True
    assert value.put(b"member:000001", 1.0, EncodingLimits(), ALWAYS, True) == MOVED
    assert value.shared
    assert value.put(b"member:000001", 9.0, EncodingLimits()) == MOVED
    assert not value.shared
    assert [member[-1:] for _, member in entries_of(value)] == [b"0", b"2", b"1"]


def test_zero_keeps_its_sign_once_the_encoding_is_a_skip_list() -> None:
    limits = EncodingLimits()
    limits.zset_entries = 3
    value = ZSet()
    for name in (b"a", b"b", b"c", b"d", b"e"):
        value.put(name, -0.0, limits)
    assert [repr(score) for score, _ in entries_of(value)] == ["0.0", "0.0", "0.0", "-0.0", "-0.0"]
    # Nothing added to it changes nothing, though the sum has no sign.
    assert value.put(b"d", 0.0, limits, ALWAYS, True) == SAME
    assert repr(value.score) == "0.0"
    assert value.find(b"d")
    assert repr(value.score) == "-0.0"


def test_signs_of_zeros_are_dropped_within_the_range() -> None:
    scores = vec[float]([-0.0, -0.0, -1.0, -0.0])
    drop_signs(scores, 1, 3)
    assert [repr(score) for score in scores] == ["-0.0", "0.0", "-1.0", "-0.0"]


@pytest.mark.parametrize("count", [10, 1000])
def test_every_member_is_picked_as_often_as_any_other(count: int) -> None:
    value = filled(count)
    random = Random(5)
    draws = 200 * count
    seen = Counter(value.pick(random) for _ in range(draws))
    chi_square = sum((seen[b"member:%06d" % n] - 200) ** 2 / 200 for n in range(count))
    # The mean is `count - 1`; six standard deviations are never met by chance.
    assert chi_square < count - 1 + 6 * (2 * (count - 1)) ** 0.5
    assert len(seen) == count


def test_removing_nearly_all_hands_out_the_old_structures_and_removing_few_does_not() -> None:
    value = filled(10_000)
    assert value.remove_range(100, 6000) is None
    gone = value.remove_range(50, 4000)
    assert gone is not None
    assert (gone.count(), value.count()) == (4100, 150)
    assert [member for _, member in entries_of(value)][49:51] == [b"member:000049", b"member:009900"]
    value.check()
    # What is left fits the packed form again.
    assert value.remove_range(10, 150) is not None
    assert not value.is_large()
    value.check()


def test_a_large_set_is_released_in_bounded_steps() -> None:
    value = filled(20_000)
    steps = 0
    while value.release(500) <= 0:
        steps += 1
        assert steps < 1000
    assert steps > 10
