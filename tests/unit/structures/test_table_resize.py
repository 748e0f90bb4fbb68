"""Growing and shrinking: records keep their columns and objects through every split and merge."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from tests.unit.structures.tables import load

from redpoll.structures.segment import SEGMENT_BUCKETS
from redpoll.structures.table import Table
from redpoll.structures.table_check import check
from redpoll.structures.table_resize import (
    BYTES_PER_BUCKET,
    EXTREME,
    RECORDS_PER_BUCKET,
    RESIZING,
    merge_last,
    split_next,
)
from redpoll.types.string import LongString


def mixed(count: int) -> tuple[Table, dict[bytes, tuple[bytes, int]]]:
    """A table whose records are inside and outside by turns, of short and long keys, some with a deadline."""
    table = Table()
    model = {}
    for n in range(count):
        key = b"l" * 250 + b"%d" % n if n % 11 == 0 else b"k%d" % n
        value = b"value of %d" % n
        if table.fits(len(key), len(value)) and n % 3 != 0:
            table.put(key, value, 0)
        else:
            assert not table.find(key)
            table.insert_outside(key, LongString(value), 0)
        deadline = n + 1 if n % 4 == 0 else 0
        table.set_deadline(deadline)
        model[key] = (value, deadline)
    return table, model


def agree(table: Table, model: dict[bytes, tuple[bytes, int]]) -> None:
    check(table)
    assert table.size == len(model)
    for key, (value, deadline) in model.items():
        assert load(table, key) == value, key[-8:]
        assert table.deadline() == deadline


def test_everything_survives_splits_and_merges_by_turns() -> None:
    table, model = mixed(300)
    dice = random.Random(3)
    for _ in range(200):
        before = table.buckets
        if before > 1 and dice.random() < 0.5:
            merge_last(table)
            assert table.buckets == before - 1
        else:
            split_next(table)
            assert table.buckets == before + 1
        check(table)
    agree(table, model)
    while table.buckets > 1:
        merge_last(table)
        check(table)
    assert (table.low, table.high, table.split) == (0, 1, 0)
    agree(table, model)


def test_a_table_gets_a_segment_for_every_1024_buckets_and_gives_it_back() -> None:
    table, model = mixed(100)
    most = 2 * SEGMENT_BUCKETS + 3
    while table.buckets < most:
        split_next(table)
    assert [len(segment.words) for segment in table.segments] == [SEGMENT_BUCKETS, SEGMENT_BUCKETS, 3]
    agree(table, model)
    while table.buckets > SEGMENT_BUCKETS:
        merge_last(table)
    assert [len(segment.words) for segment in table.segments] == [SEGMENT_BUCKETS]
    agree(table, model)


def test_a_split_and_a_merge_move_the_stamp() -> None:
    table, _ = mixed(20)
    for change in (split_next, split_next, merge_last):
        before = table.stamp
        change(table)
        assert table.stamp > before


def test_a_merged_bucket_may_be_the_longest() -> None:
    table = Table()
    for _ in range(3):
        split_next(table)
    for n in range(60):
        table.put(b"%d" % n, b"", 0)
    while table.buckets > 1:
        merge_last(table)
    assert table.longest >= 60


def test_removing_in_any_order_keeps_objects_with_their_keys() -> None:
    for seed in range(5):
        table, model = mixed(400)
        order = sorted(model)
        random.Random(seed).shuffle(order)
        for n, key in enumerate(order):
            assert table.find(key)
            table.remove()
            del model[key]
            if n % 20 == 0:
                agree(table, model)
        assert (table.size, table.buckets, table.outside_bytes, table.volatile) == (0, 1, 0, 0)


def test_a_table_grows_by_number_and_by_size() -> None:
    by_number = Table()
    for n in range(RECORDS_PER_BUCKET):
        by_number.put(b"%02d" % n, b"", 0)
    assert by_number.buckets == 1
    by_number.put(b"one more", b"", 0)
    assert by_number.buckets == 2
    by_size = Table()
    for key in (b"a", b"b", b"c", b"d"):
        by_size.put(key, b"v" * (BYTES_PER_BUCKET // 4 - 2), 0)
    assert (by_size.record_bytes, by_size.buckets) == (BYTES_PER_BUCKET, 1)
    by_size.put(b"a", b"v" * (BYTES_PER_BUCKET // 4 - 1), 0)
    assert by_size.buckets == 2
    # Shrinking a value merges nothing; a removal does.
    for key in (b"a", b"b", b"c", b"d"):
        by_size.put(key, b"", 0)
    assert by_size.buckets == 2
    by_size.remove()
    assert by_size.buckets == 1


def test_a_table_shrinks_at_half_of_what_makes_it_grow() -> None:
    table = Table()
    count = 20 * RECORDS_PER_BUCKET
    for n in range(count):
        table.put(b"%d" % n, b"", 0)
    grown = table.buckets
    assert grown == 20
    for n in range(count // 2):
        assert table.find(b"%d" % n)
        table.remove()
        assert table.buckets == grown
    assert table.find(b"%d" % (count // 2))
    table.remove()
    assert table.buckets == grown - 1


def test_what_is_large_keeps_a_table_from_shrinking() -> None:
    table = Table()
    for n in range(40):
        table.put(b"%d" % n, b"v" * 200, 0)
    grown = table.buckets
    for n in range(19):
        assert table.find(b"%d" % n)
        table.remove()
    # Few records for so many buckets, and yet more than half full of bytes.
    assert table.size < RECORDS_PER_BUCKET // 2 * grown
    assert table.buckets == grown
    check(table)


def test_growth_is_bounded() -> None:
    table = Table(most_buckets=3)
    for n in range(500):
        table.put(b"%d" % n, b"", 0)
    assert table.buckets == 3
    check(table)


@pytest.fixture
def held() -> Iterator[None]:
    RESIZING.held = True
    yield
    RESIZING.held = False


def test_a_held_table_keeps_its_size_until_it_is_extreme(held: None) -> None:
    table = Table()
    most = RECORDS_PER_BUCKET * EXTREME
    for n in range(most):
        table.put(b"%06d" % n, b"v", 0)
    assert table.buckets == 1
    table.put(b"one more", b"v", 0)
    assert table.buckets == 2
    RESIZING.held = False
    for n in range(most, 2 * most):
        table.put(b"%06d" % n, b"v", 0)
    check(table)
    grown = table.buckets
    assert grown == -(-table.size // RECORDS_PER_BUCKET)
    RESIZING.held = True
    for n in range(2 * most - 20):
        assert table.find(b"%06d" % n)
        table.remove()
    assert table.buckets == grown
    check(table)
    for n in range(2 * most - 20, 2 * most):
        assert table.find(b"%06d" % n)
        table.remove()
    assert 1 < table.buckets < grown
    check(table)


def test_a_held_table_splits_when_its_bytes_are_extreme(held: None) -> None:
    table = Table()
    n = 0
    while table.buckets == 1:
        n += 1
        table.put(b"%d" % n, b"v" * 250, 0)
    assert EXTREME * BYTES_PER_BUCKET < table.record_bytes <= EXTREME * BYTES_PER_BUCKET + 256


def test_buckets_may_be_larger() -> None:
    table = Table(bucket_bytes=1000)
    for n in range(9):
        table.put(b"%d" % n, b"v" * 98, 0)
    assert table.buckets == 1
    for n in range(9, 12):
        table.put(b"%d" % n, b"v" * 98, 0)
    assert table.buckets == 2
    for n in range(12):
        assert table.find(b"%d" % n)
        table.remove()
    check(table)
    assert table.buckets == 1
