"""The packed table against a dict: records of every size, deadlines, growth, shrinking, scanning, sampling."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from librt.vecs import vec
from mypy_extensions import i64
from tests.profiles import scaled
from tests.unit.structures.tables import filled, load, one_hash, store

from redpoll.env.random import Random
from redpoll.structures.deadlines import packed_column
from redpoll.structures.segment import KIND_MASK, KIND_SHIFT, NEVER, OUTSIDE, VOLATILE_KIND
from redpoll.structures.table import STAMP_SHIFT, Table
from redpoll.structures.table_check import check
from redpoll.structures.table_copy import copied
from redpoll.structures.table_walk import Records, due, scan
from redpoll.types.kinds import STRING_RAW
from redpoll.types.string import LongString

SIZES = [0, 1, 3, 7, 8, 9, 16, 100, 199, 200, 201, 254, 255, 256, 300, 1000]
KINDS = [kind for kind in range(16) if kind != VOLATILE_KIND]
"""All but the one whose values have a form of their own."""
keys = st.one_of(
    st.binary(max_size=3),
    st.builds(lambda size, fill: bytes([fill]) * size, st.sampled_from(SIZES), st.integers(97, 99)),
    # Of one length, and different in one place only.
    st.builds(
        lambda at, size: b"a" * at + b"b" + b"a" * (size - 1 - at), st.integers(0, 11), st.sampled_from([12, 240])
    ),
)
values = st.builds(lambda size, fill: bytes([fill]) * size, st.sampled_from(SIZES), st.integers(65, 70))


class TableMachine(RuleBasedStateMachine):
    most_buckets = 1 << 26

    def __init__(self) -> None:
        super().__init__()
        self.table = Table(most_buckets=self.most_buckets)
        self.model: dict[bytes, tuple[bytes, int]] = {}
        self.deadlines: dict[bytes, int] = {}
        self.twin: Table | None = None
        self.twin_content: dict[bytes, tuple[bytes, int]] = {}

    @rule(with_the_copy=st.booleans())
    def copy(self, with_the_copy: bool) -> None:
        """Go on with the table or with its copy; the other one must not notice."""
        made = copied(self.table)
        assert made.outside_bytes == self.table.outside_bytes
        self.twin, self.table = (self.table, made) if with_the_copy else (made, self.table)
        self.twin_content = self.model.copy()

    @invariant()
    def the_twin_stays(self) -> None:
        if self.twin is not None:
            check(self.twin)
            assert self.twin.size == len(self.twin_content)
            for key, (value, kind) in self.twin_content.items():
                assert load(self.twin, key) == value
                assert self.twin.kind() == kind

    @rule(key=keys, value=values, kind=st.sampled_from(KINDS))
    def put(self, key: bytes, value: bytes, kind: int) -> None:
        store(self.table, key, value, kind)
        self.model[key] = (value, kind)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), size=st.sampled_from([0, 1, 300, 2000]))
    def change_an_object_in_place(self, data: st.DataObject, size: int) -> None:
        """What APPEND does: the object is the one that the record has already, and is of another size now."""
        key = data.draw(st.sampled_from(sorted(self.model)))
        assert self.table.find(key)
        if not self.table.is_outside():
            return
        found = self.table.object()
        assert isinstance(found, LongString)
        found.data = b"A" * size
        self.table.replace_outside(key, found, 7)
        self.model[key] = (b"A" * size, 7)

    @rule(count=st.integers(1, 200), size=st.sampled_from([0, 8, 100, 230, 300]))
    def put_many(self, count: int, size: int) -> None:
        for n in range(count):
            key = b"many:%d" % n
            store(self.table, key, b"v" * size, 2)
            self.model[key] = (b"v" * size, 2)

    @rule(fraction=st.integers(1, 4))
    def remove_many(self, fraction: int) -> None:
        for key in [key for key in self.model if key.startswith(b"many:") and hash(key) % 4 < fraction]:
            self.remove(key)

    @rule(key=keys)
    def remove(self, key: bytes) -> None:
        assert self.table.find(key) == (key in self.model)
        if key in self.model:
            self.table.remove()
            del self.model[key]
            self.deadlines.pop(key, None)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), at=st.integers(0, 50))
    def set_deadline(self, data: st.DataObject, at: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.model)))
        assert self.table.find(key)
        self.table.set_deadline(at)
        assert self.table.deadline() == at
        if at:
            self.deadlines[key] = at
        else:
            self.deadlines.pop(key, None)

    @rule(now=st.integers(0, 60))
    def find_due(self, now: int) -> None:
        found: list[bytes] = []
        due(self.table, now, 1 << 40, found)
        assert sorted(found) == sorted(key for key, at in self.deadlines.items() if at <= now)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), clock=st.integers(0, (1 << 24) - 1))
    def touch(self, data: st.DataObject, clock: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.model)))
        assert self.table.find(key)
        self.table.set_access_clock(clock)
        assert self.table.find(key) and self.table.access_clock() == clock

    @invariant()
    def agrees(self) -> None:
        check(self.table)
        assert self.table.size == len(self.model)
        for key, (value, kind) in self.model.items():
            assert load(self.table, key) == value
            assert self.table.kind() == kind
            assert self.table.deadline() == self.deadlines.get(key, 0)
        found = Records()
        cursor = scan(self.table, 0, found, True)
        while cursor:
            cursor = scan(self.table, cursor, found, True)
        assert sorted(found.keys) == sorted(self.model)
        for n, key in enumerate(found.keys):
            value, kind = self.model[key]
            outside = found.objects[n]
            assert (outside.data if isinstance(outside, LongString) else found.values[n]) == value
            assert found.words[n] >> KIND_SHIFT & KIND_MASK == kind
            assert found.deadlines[n] == self.deadlines.get(key, 0)


class OneBucketMachine(TableMachine):
    """Neighbours hurt each other most when there is one bucket."""

    most_buckets = 1


TestTable = TableMachine.TestCase
TestTable.settings = scaled(0.8, 0.6)
TestOneBucket = OneBucketMachine.TestCase
TestOneBucket.settings = scaled(0.5, 0.6)


def test_a_random_record_is_any_record_with_the_same_chance() -> None:
    table = filled(300)
    for n in range(0, 300, 3):
        assert table.find(b"key:%08d" % n)
        table.remove()
    dice = Random(1)
    draws = 40_000
    seen: Counter[bytes] = Counter()
    for _ in range(draws):
        assert table.seek_random(dice)
        seen[table.key()] += 1
    expected = draws / table.size
    chi_square = sum((seen[key] - expected) ** 2 / expected for key in seen)
    assert len(seen) == table.size
    # 199 degrees of freedom: above 267 one time in a thousand; the seed makes it repeat.
    assert chi_square < 267


def test_a_place_is_good_until_the_stamp_moves() -> None:
    table = filled(1)
    assert table.find(b"key:00000000")
    place = (table.bucket, table.index, table.offset)
    stamp = table.stamp
    table.find(b"absent")
    assert table.stamp == stamp
    table.seek(*place)
    assert table.value() == b"12345678"
    table.put(b"key:00000001", b"other", 0)
    assert table.stamp != stamp


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_a_released_table_gives_back_all_segments_in_bounded_steps(count: int) -> None:
    table = filled(count)
    steps = 0
    while table.segments:
        table.release(1000)
        steps += 1
    assert steps <= count // 1000 + 2


def test_a_step_of_releasing_frees_few_large_strings() -> None:
    table = Table()
    for n in range(40):
        store(table, b"key:%d" % n, bytes(1 << 20), STRING_RAW)
    steps = 0
    while table.segments:
        table.release(16)
        steps += 1
    assert steps >= 40


def test_every_change_of_records_moves_the_stamp() -> None:
    table = filled(3)
    long = LongString(b"l" * 300)
    assert table.find(b"key:00000000")
    stamps = [table.stamp]

    def moved() -> bool:
        stamps.append(table.stamp)
        return stamps[-1] > stamps[-2]

    table.replace(b"87654321", 0)
    assert moved(), "replace by an equally long value"
    table.replace(b"longer than it was", 0)
    assert moved(), "replace"
    table.patch(table.value_start(), b"L")
    assert moved(), "patch"
    table.replace_blob(table.blob(), table.record_stop() - table.offset)
    assert moved(), "replace_blob"
    table.replace_outside(b"key:00000000", long, 0)
    assert moved(), "replace_outside of what was inside"
    table.replace_outside(b"key:00000000", long, 0)
    assert moved(), "replace_outside by the same object"
    table.replace(b"inside", 0)
    assert moved(), "replace of what was outside"
    assert not table.find(b"other")
    table.insert(b"other", b"", 0)
    assert moved(), "insert"
    assert not table.find(b"another")
    table.insert_outside(b"another", long, 0)
    assert moved(), "insert_outside"
    table.remove()
    assert moved(), "remove"
    # These change no record's place, and who holds one may go back to it.
    assert table.find(b"key:00000001")
    table.set_kind(3)
    table.set_access_clock(77)
    table.set_deadline(5)
    assert not moved()


def test_no_two_tables_share_a_stamp() -> None:
    tables = [filled(50) for _ in range(5)]
    ranges = sorted((table.stamp - 1000, table.stamp) for table in tables)
    assert all(one[1] < other[0] for one, other in pairwise(ranges))
    assert all(table.stamp >> STAMP_SHIFT > 0 for table in tables)


def test_long_keys_of_one_hash_are_told_apart() -> None:
    first, second = one_hash(lambda n: b"l" * 201 + b"%d" % n)
    table = Table()
    assert not table.find(first)
    table.insert_outside(first, LongString(b"1"), STRING_RAW)
    assert not table.find(second)
    table.insert_outside(second, LongString(b"2"), STRING_RAW)
    check(table)
    assert (load(table, first), load(table, second)) == (b"1", b"2")
    assert table.find(first)
    table.remove()
    assert (load(table, first), load(table, second)) == (None, b"2")


def test_a_short_and_a_long_key_of_one_hash_are_told_apart() -> None:
    short, long = one_hash(lambda n: b"s%d" % n, lambda n: b"l" * 201 + b"%d" % n)
    for keys_in_order in ((short, long), (long, short)):
        table = Table()
        for key in keys_in_order:
            assert not table.find(key)
            table.insert_outside(key, LongString(b"of " + key), STRING_RAW)
        assert [load(table, key) for key in keys_in_order] == [b"of " + key for key in keys_in_order]


def test_the_empty_key_is_not_a_long_one_of_the_same_hash() -> None:
    table = Table()
    # A record of a long key, where the empty key's hash leads to.
    assert not table.find(b"")
    table.insert_outside(b"l" * 300, LongString(b"long"), STRING_RAW)
    assert not table.find(b"")
    table.insert(b"", b"empty", STRING_RAW)
    assert table.find(b"")
    assert table.value() == b"empty"
    table.replace_outside(b"", LongString(b"e" * 300), STRING_RAW)
    assert table.find(b"")
    assert table.key() == b""
    found = table.object()
    assert isinstance(found, LongString)
    assert found.data == b"e" * 300


def test_a_key_that_is_the_beginning_of_another_is_not_that_one() -> None:
    table = Table(most_buckets=1)
    # The packed records hold one key's bytes where the other's might be looked for.
    for key, value in ((b"ab", b"cd"), (b"abc", b"d"), (b"abcd", b""), (b"a", b"bcd")):
        table.put(key, value, 0)
    assert [load(table, key) for key in (b"a", b"ab", b"abc", b"abcd", b"abcde", b"")] == [
        b"bcd", b"cd", b"d", b"", None, None,
    ]  # fmt: skip


def test_what_fits_inside_a_record() -> None:
    table = Table()
    assert table.fits(200, 54)
    assert not table.fits(200, 55)
    assert not table.fits(201, 0)
    assert table.fits(0, 254)
    assert not table.fits(0, 255)
    for key, value in ((b"k" * 200, b"v" * 54), (b"", b"v" * 254)):
        table.put(key, value, 1)
        assert load(table, key) == value
    check(table)


def test_a_word_keeps_kind_clock_and_place_apart() -> None:
    table = Table(most_buckets=1)
    table.clock = (1 << 24) - 1
    for kind in KINDS:
        table.put(b"%d" % kind, b"v" * kind, kind)
    for kind, other in zip(KINDS, reversed(KINDS), strict=True):
        assert table.find(b"%d" % kind)
        assert (table.kind(), table.access_clock(), table.value()) == (kind, (1 << 24) - 1, b"v" * kind)
        table.set_access_clock(kind)
        table.set_kind(other)
    for kind, other in zip(KINDS, reversed(KINDS), strict=True):
        assert table.find(b"%d" % kind)
        assert (table.kind(), table.access_clock(), table.value()) == (other, kind, b"v" * kind)
        table.replace(b"w" * kind, kind)
        assert (table.kind(), table.access_clock()) == (kind, kind)
    check(table)


def test_records_with_deadlines_within_are_counted_through_every_change() -> None:
    table = Table()
    value = packed_column(vec[i64]([50]), b"items")
    table.put(b"k", value, VOLATILE_KIND)
    table.note_items_earliest(50)
    assert (table.volatile_items, table.segment.items_earliest[table.j], table.segment.items_first) == (1, 50, 50)
    for kind, count in ((9, 0), (VOLATILE_KIND, 1), (VOLATILE_KIND, 1), (3, 0)):
        table.replace(value, kind)
        assert table.volatile_items == count
        check(table)
    for kind, count in ((VOLATILE_KIND, 1), (VOLATILE_KIND, 1), (9, 0)):
        table.set_kind(kind)
        assert table.volatile_items == count
    long = LongString(b"v" * 300)
    for kind, count in ((VOLATILE_KIND, 1), (VOLATILE_KIND, 1), (9, 0), (VOLATILE_KIND, 1)):
        table.replace_outside(b"k", long, kind)
        assert table.volatile_items == count
        check(table)
    table.remove()
    assert table.volatile_items == 0
    assert not table.find(b"j")
    table.insert_outside(b"j", long, VOLATILE_KIND)
    assert table.volatile_items == 1
    check(table)


def test_a_new_record_has_the_clock_of_the_table_inside_and_outside() -> None:
    table = Table()
    table.clock = 1234
    table.put(b"inside", b"v", 0)
    assert table.access_clock() == 1234
    assert not table.find(b"outside")
    table.insert_outside(b"outside", LongString(b""), 0)
    assert table.access_clock() == 1234
    table.clock = 5678
    assert table.find(b"inside")
    table.replace_outside(b"inside", LongString(b""), 0)
    assert table.access_clock() == 1234
    table.replace(b"w", 0)
    assert table.access_clock() == 1234


def test_an_object_that_grew_is_accounted_when_it_is_put_back() -> None:
    table = Table()
    assert not table.find(b"k")
    grown = LongString(b"a" * 300)
    table.insert_outside(b"k", grown, 0)
    before = table.size_bytes()
    grown.data = b"a" * 1300
    assert table.size_bytes() == before
    table.replace_outside(b"k", grown, 0)
    assert table.size_bytes() == before + 1000
    assert table.outside_bytes == grown.size_bytes()
    other = LongString(b"b" * 400)
    table.replace_outside(b"k", other, 0)
    assert (table.outside_bytes, grown.accounted) == (other.size_bytes(), grown.accounted)
    table.replace(b"inside", 0)
    assert (table.outside_bytes, other.accounted) == (0, 0)
    check(table)


def test_an_object_that_left_is_accounted_anew_where_it_comes() -> None:
    one, other = Table(), Table()
    moved = LongString(b"m" * 500)
    assert not one.find(b"k")
    one.insert_outside(b"k", moved, 0)
    one.remove()
    assert (one.outside_bytes, moved.accounted) == (0, 0)
    other.put(b"k", b"inside", 0)
    other.replace_outside(b"k", moved, 0)
    assert other.outside_bytes == moved.size_bytes()
    check(other)


def test_the_position_is_the_records_own_after_every_change() -> None:
    table = Table()
    for n in range(2000):
        key = b"key:%d" % n
        value = b"v" * (n % 90)
        if n % 7 == 0:
            assert not table.find(key)
            table.insert_outside(key, LongString(value), n % 9)
        else:
            table.put(key, value, n % 9)
        # The table may have split its bucket: what follows belongs to this record all the same.
        assert table.key() == key
        table.set_deadline(n + 1)
        if n % 5 == 0 and n % 7 != 0:
            table.replace(b"w" * 100, n % 9)
            assert table.key() == key
            table.set_access_clock(n)
    for n in range(2000):
        assert table.find(b"key:%d" % n)
        assert (table.deadline(), table.kind()) == (n + 1, n % 9)
        assert table.access_clock() == (n if n % 5 == 0 and n % 7 != 0 else 0)
    check(table)


def test_objects_of_a_bucket_keep_to_their_records() -> None:
    table = Table(most_buckets=1)
    names = [b"%d" % n for n in range(12)]
    for n, name in enumerate(names):
        if n % 3 == 0:
            table.put(name, b"inside", 0)
        else:
            assert not table.find(name)
            table.insert_outside(name, LongString(name), 0)
    # Neighbours before, between and behind change sides.
    for n in (0, 6, 9):
        assert table.find(names[n])
        table.replace_outside(names[n], LongString(names[n]), 0)
        assert table.word & OUTSIDE != 0
    for n in (1, 7, 11):
        assert table.find(names[n])
        table.replace(b"inside", 0)
    assert table.find(names[4])
    table.remove()
    check(table)
    outside = [load(table, names[n]) for n in (0, 2, 5, 6, 8, 9, 10)]
    assert outside == [names[n] for n in (0, 2, 5, 6, 8, 9, 10)]
    assert [load(table, names[n]) for n in (1, 3, 7, 11)] == [b"inside"] * 4


def test_deadlines_of_a_bucket_move_up_when_a_neighbour_goes() -> None:
    table = Table(most_buckets=1)
    for n in range(6):
        table.put(b"%d" % n, b"", 0)
        table.set_deadline(100 - n if n != 3 else 0)
    segment = table.segments[0]
    assert (table.volatile, segment.earliest[0], segment.first) == (5, 95, 95)
    assert table.find(b"5")
    table.remove()
    assert (table.volatile, segment.earliest[0]) == (4, 96)
    assert table.find(b"0")
    table.remove()
    assert [table.find(b"%d" % n) and table.deadline() for n in range(1, 5)] == [99, 98, 0, 96]
    for n in range(1, 5):
        assert table.find(b"%d" % n)
        table.set_deadline(0)
        assert table.deadline() == 0
    assert (table.volatile, segment.earliest[0]) == (0, NEVER)
    table.set_deadline(0)
    assert table.volatile == 0
    check(table)


def test_a_deadline_that_moves_is_counted_once() -> None:
    table = filled(2)
    assert table.find(b"key:00000000")
    for at in (50, 60, 40, 40):
        table.set_deadline(at)
        assert (table.volatile, table.segments[0].earliest[0]) == (1, at)
    check(table)


def test_memory_counts_what_there_is() -> None:
    table = Table()
    empty = table.size_bytes()
    table.put(b"key", b"value", 0)
    one = table.size_bytes()
    # The record, its length byte, its word.
    assert one - empty == 9 + 8
    table.set_deadline(1)
    assert table.size_bytes() - one == 8 + 72
    for n in range(1000):
        table.put(b"%d" % n, b"", 0)
    assert table.size_bytes() > 1000 * 11 + table.buckets * 112


def test_sampling_finds_out_anew_how_long_buckets_are() -> None:
    table = filled(3000)
    for n in range(10, 3000):
        assert table.find(b"key:%08d" % n)
        table.remove()
    table.longest = 1 << 40
    dice = Random(1)
    seen = set()
    for _ in range(300):
        assert table.seek_random(dice)
        seen.add(table.key())
    assert len(seen) == 10
    assert table.longest <= 10
    assert not Table().seek_random(dice)


def test_releasing_empties_what_is_in_pieces_first() -> None:
    table = Table()
    for n in range(3):
        store(table, b"key:%d" % n, bytes(1 << 20), STRING_RAW)
    left = table.release(70)
    # One string of 64 pages is gone, the second took the rest of the budget with it.
    assert left < 0
    assert len(table.segments[0].objects[0]) == 1
    assert table.release(1) < 0
    assert table.release(1) < 0 or not table.segments
    table.release(10)
    assert not table.segments
