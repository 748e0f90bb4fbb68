"""Walking over a table: cursors, buckets, deadlines."""

from __future__ import annotations

import random

import pytest
from tests.unit.structures.tables import filled, store

from redpoll.structures.segment import HASH_BITS, HASH_MASK, NEVER
from redpoll.structures.table import Table
from redpoll.structures.table_check import check
from redpoll.structures.table_walk import (
    Records,
    due,
    due_within,
    mean_ttl_ms,
    past_count,
    read_bucket,
    reversed_bits,
    scan,
)
from redpoll.types.hash import Hash
from redpoll.types.string import LongString


def test_a_key_that_is_there_throughout_is_scanned_while_the_table_grows_and_shrinks() -> None:
    dice = random.Random(7)
    for _ in range(30):
        table = filled(dice.choice([50, 500, 3000]))
        always = {b"key:%08d" % n for n in range(0, table.size, 5)}
        extra = 0
        found = Records()
        cursor = scan(table, 0, found)
        while cursor:
            for _ in range(dice.randrange(24)):
                if dice.random() < 0.5:
                    extra += 1
                    table.put(b"extra:%d" % extra, b"x" * 50, 0)
                else:
                    victim = b"key:%08d" % dice.randrange(3000)
                    if victim not in always and table.find(victim):
                        table.remove()
            cursor = scan(table, cursor, found)
        assert always <= set(found.keys)


def test_an_empty_pass_over_deadlines_finds_nothing() -> None:
    table = filled(100)
    for n in range(100):
        assert table.find(b"key:%08d" % n)
        table.set_deadline(1000 + n)
    found: list[bytes] = []
    due(table, 999, 10, found)
    assert found == []
    due(table, 1000, 10, found)
    assert found == [b"key:00000000"]


def test_the_mean_of_deadlines_that_together_leave_64_bits() -> None:
    table = Table()
    assert mean_ttl_ms(table, 0) == 0
    for n in range(5):
        table.put(b"%d" % n, b"", 0)
        table.set_deadline(9223372036854775807 - n)
    assert mean_ttl_ms(table, 5) == 9223372036854775800
    check(table)


def test_bits_are_reversed() -> None:
    assert reversed_bits(0) == 0
    assert reversed_bits(1) == 1 << (HASH_BITS - 1)
    assert reversed_bits(0b1101) == 0b1011 << (HASH_BITS - 4)
    assert reversed_bits(HASH_MASK) == HASH_MASK
    for n in (1, 77, 12345, 1 << 25):
        assert reversed_bits(reversed_bits(n)) == n


@pytest.mark.parametrize("count", [0, 1, 16, 17, 100, 1000])
def test_a_scan_visits_every_bucket_once(count: int) -> None:
    table = filled(count)
    found = Records()
    cursor = scan(table, 0, found)
    turns = 1
    while cursor:
        cursor = scan(table, cursor, found)
        turns += 1
    assert turns == table.buckets
    assert sorted(found.keys) == [b"key:%08d" % n for n in range(count)]


def test_a_walk_tells_all_of_a_record() -> None:
    table = Table(most_buckets=1)
    long = b"l" * 300
    for n, (key, value) in enumerate(((b"a", b"1"), (b"bb", b"v" * 300), (long, b"3"), (b"", b"4"))):
        store(table, key, value, n)
        assert table.find(key)
        if n != 1:
            table.set_deadline(n + 10)
    found = Records()
    read_bucket(table, 0, found, True)
    assert found.keys == [b"a", b"bb", long, b""]
    assert found.values == [b"1", b"", b"", b"4"]
    assert list(found.deadlines) == [10, 0, 12, 13]
    texts = [each.data if isinstance(each, LongString) else None for each in found.objects]
    assert texts == [None, b"v" * 300, b"3", None]
    assert list(found.words) == list(table.segments[0].words[0])
    without_values = Records()
    read_bucket(table, 0, without_values)
    assert without_values.values == []
    assert without_values.keys == found.keys


def test_what_is_due_has_a_deadline_that_is_not_later() -> None:
    table = Table()
    long = b"l" * 250
    for n, key in enumerate((b"a", b"b", b"c", long, b"d")):
        store(table, key, b"v" * (300 if n == 2 else 3), 0)
        assert table.find(key)
        table.set_deadline((0, 50, 60, 70, 80)[n])
    for now, expected in (
        (49, []),
        (50, [b"b"]),
        (69, [b"b", b"c"]),
        (70, [b"b", b"c", long]),
        (99, [b"b", b"c", b"d", long]),
    ):
        found: list[bytes] = []
        due(table, now, 100, found)
        assert sorted(found) == sorted(expected)


def test_looking_for_what_is_due_stops_at_about_the_most() -> None:
    table = filled(4000)
    for n in range(4000):
        assert table.find(b"key:%08d" % n)
        table.set_deadline(1)
    found: list[bytes] = []
    due(table, 1, 100, found)
    # The bucket at hand is finished.
    assert 100 <= len(found) < 100 + table.longest
    assert len(set(found)) == len(found)


def test_a_pass_that_finds_nothing_due_learns_when_to_look_again() -> None:
    table = filled(10)
    assert table.find(b"key:00000001")
    table.set_deadline(50)
    assert table.find(b"key:00000002")
    table.set_deadline(90)
    assert table.find(b"key:00000001")
    table.set_deadline(0)
    segment = table.segments[0]
    assert segment.first == 50
    due(table, 60, 100, [])
    assert segment.first == 90
    assert table.find(b"key:00000002")
    table.remove()
    # Without any deadline the bound is of no matter.
    due(table, 95, 100, [])
    assert segment.earliest[0] == NEVER


def test_the_mean_of_deadlines_leaves_out_what_is_past() -> None:
    table = filled(10)
    for n, at in enumerate((100, 200, 300, 50, 0)):
        assert table.find(b"key:%08d" % n)
        table.set_deadline(at)
    assert mean_ttl_ms(table, 50) == (50 + 150 + 250) // 3
    assert mean_ttl_ms(table, 300) == 0


def test_the_mean_is_that_of_the_first_segments_that_hold_enough() -> None:
    table = Table()
    for n in range(40_000):
        table.put(b"%d" % n, b"", 0)
        table.set_deadline(1000)
    assert len(table.segments) > 1
    for n in range(40_000):
        assert table.find(b"%d" % n)
        if table.segment is not table.segments[0]:
            table.set_deadline(9000)
    assert mean_ttl_ms(table, 0, 100) == 1000
    assert mean_ttl_ms(table, 0, 100_000) > 1000


def test_records_past_their_deadline_are_counted() -> None:
    table = filled(300)
    for n in range(300):
        assert table.find(b"key:%08d" % n)
        table.set_deadline(n % 10)
    assert [past_count(table, now) for now in (0, 1, 5, 9, 100)] == [0, 30, 150, 270, 270]
    assert past_count(filled(10), 100) == 0


def with_deadlines_within(count: int) -> Table:
    """Every third record has a value with deadlines of its own, `n` and later, packed, beside it, or of a long key."""
    table = Table()
    for n in range(count):
        key = b"k" * 201 + b"%d" % n if n % 4 == 0 else b"k%d" % n
        if n % 3 != 0:
            store(table, key, b"v", 0)
            continue
        value = Hash()
        for field in (b"f", b"g"):
            value.put(field, b"v" * (300 if n % 2 else 1))
            assert value.locate(field)
            value.set_located_deadline(n + 1 + len(field))
        value.put_back(table, key)
    check(table)
    return table


@pytest.mark.parametrize("count", [3, 40, 400])
def test_what_has_a_deadline_within_is_found_when_that_is_due(count: int) -> None:
    table = with_deadlines_within(count)
    assert table.volatile_items == len(range(0, count, 3))
    for now in (0, 1, 2, 3, 50, 51, 52, 500):
        found: list[bytes] = []
        due_within(table, now, 1000, found)
        expected = [b"k" * 201 + b"%d" % n if n % 4 == 0 else b"k%d" % n for n in range(0, count, 3) if n + 2 <= now]
        assert sorted(found) == sorted(expected)
        check(table)
    found = []
    due_within(table, 500, 5, found)
    assert len(found) >= min(5, table.volatile_items)
    due_within(filled(10), 500, 5, found)


def test_a_pass_over_values_learns_when_to_look_again() -> None:
    table = with_deadlines_within(10)
    segment = table.segments[0]
    segment.items_earliest[0] = segment.items_first = 1
    due_within(table, 1, 100, [])
    assert (segment.items_earliest[0], segment.items_first) == (2, 2)


def test_the_mean_time_to_live_looks_at_some_buckets_only() -> None:
    table = Table()
    for n in range(40000):
        table.find(b"%d" % n)
        table.insert(b"%d" % n, b"", 0)
        if n % 100 == 0:
            table.set_deadline(1000 + n)
    whole = mean_ttl_ms(table, 0)
    assert whole == 20950
    part = mean_ttl_ms(table, 0, buckets=1)
    assert 1000 <= part <= 40900
    assert part != whole
    assert mean_ttl_ms(table, 50000, buckets=1) == 0
