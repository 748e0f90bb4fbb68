"""The warm pass notes the buckets where look-ups will go, and forgets them."""

from __future__ import annotations

import pytest
from tests.unit.structures.tables import filled

from redpoll.structures.hashing import hash_of
from redpoll.structures.table import Table
from redpoll.structures.warming import AHEAD, MOST, Ahead, Warming, touch_words


@pytest.mark.parametrize("count", [1, 40, 3000])
def test_the_buckets_noted_are_those_of_the_keys(count: int) -> None:
    table = filled(count)
    warming = Warming()
    for n in range(min(count, MOST)):
        key = b"key:%08d" % n
        warming.add(table, key)
        assert table.find(key)
        assert warming.buckets[n] == table.bucket
    assert warming.count == min(count, MOST)
    warming.touch(table)
    assert warming.count == 0


def test_no_more_than_its_fill_is_noted() -> None:
    table = filled(10)
    warming = Warming()
    for n in range(MOST + 5):
        warming.add(table, b"%d" % n)
    assert warming.count == MOST
    warming.touch(table)


def test_words_and_records_are_read() -> None:
    table = Table(most_buckets=1)
    warming = Warming()
    warming.add(table, b"nothing is there yet")
    assert warming.touch(table) == 0
    for n in range(20):
        table.put(b"%d" % n, b"v" * 200, 0)
    words, blob = table.segments[0].words[0], table.segments[0].blobs[0]
    some_words = int(words[0]) + int(words[10]) + int(words[19])
    warming.add(table, b"any key")
    warming.add(table, b"any other key")
    # Sums of words wrap when compiled.
    assert (int(touch_words(table, warming.buckets, 2)) - 2 * some_words) % (1 << 64) == 0
    # A byte of every cache line of the records.
    assert (int(warming.touch(table)) - 2 * (some_words + sum(blob[31::64]))) % (1 << 64) == 0


@pytest.mark.parametrize("count", [10, 5000])
def test_going_ahead_of_a_loop_changes_nothing(count: int) -> None:
    table = filled(count)
    members = [b"key:%08d" % n for n in range(count)] + [b"no member"]
    ahead = Ahead()
    for at in range(0, len(members), AHEAD):
        ahead.touch_from(table, members, at)
        assert ahead.warming.count == 0
    ahead.touch_from(table, members, len(members))
    assert table.size == count
    assert all(table.find(member) for member in members[:-1])
    assert AHEAD <= MOST and AHEAD & (AHEAD - 1) == 0


def test_the_hashes_of_the_keys_are_known_afterwards() -> None:
    table = filled(10)
    warming = Warming()
    keys = [b"", b"one", b"key:00000003"]
    for n, key in enumerate(keys):
        warming.hashes[2 * n] = warming.add(table, key)
    warming.touch(table)
    for n, key in enumerate(keys):
        warming.expect(key, 2 * n)
        assert warming.key is key
        assert warming.hash == hash_of(key)
        assert table.find_hashed(key, warming.hash) == (key == b"key:00000003")
    warming.expect_none()
    assert all(warming.key is not key for key in keys)


def test_keys_of_several_tables_are_touched_together() -> None:
    tables = [filled(5, b"v" * 200), filled(3000), Table(1)]
    warming = Warming()
    keys = [b"key:00000003", b"key:00000004", b"missing"]
    wanted = 0
    for n, table in enumerate(tables):
        warming.add_of(table, keys[n], 100 + n)
        assert table.find(keys[n]) == (n < 2)
        words, blob = table.segment.words[table.j], table.segment.blobs[table.j]
        wanted += int(table.volatile) + int(table.stamp) + sum(blob[31::64])
        wanted += int(words[0]) + int(words[len(words) - 1]) if len(words) > 0 else 0
        assert (warming.hashes[n], warming.slots[n]) == (hash_of(keys[n]), 100 + n)
    # Sums of words wrap when compiled.
    assert (int(warming.touch_all()) - wanted) % (1 << 64) == 0
    assert [warming.buckets[n] for n in range(3)] == [table.bucket for table in tables]
    assert warming.count == 0
