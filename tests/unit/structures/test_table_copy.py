"""Copies of tables: neither sees what happens to the other."""

from __future__ import annotations

from tests.unit.structures.tables import filled, load, store

from redpoll.structures.table import Table
from redpoll.structures.table_check import check
from redpoll.structures.table_copy import copied
from redpoll.types.kinds import STRING_RAW


def test_a_copy_has_everything_that_the_table_has() -> None:
    table = Table()
    table.clock = 99
    for n in range(500):
        store(table, b"key:%d" % n, b"v" * (n % 400), n % 9)
        if n % 3 == 0:
            assert table.find(b"key:%d" % n)
            table.set_deadline(1000 + n)
    store(table, b"l" * 300, b"of a long key", 5)
    made = copied(table)
    check(made)
    for name in (
        "buckets",
        "low",
        "high",
        "split",
        "size",
        "record_bytes",
        "outside_bytes",
        "volatile",
        "longest",
        "clock",
    ):
        assert getattr(made, name) == getattr(table, name), name
    assert made.size_bytes() == table.size_bytes()
    assert (made.most_buckets, made.bucket_bytes) == (table.most_buckets, table.bucket_bytes)
    assert made.stamp != table.stamp
    for n in range(500):
        assert load(made, b"key:%d" % n) == b"v" * (n % 400)
        assert (made.kind(), made.access_clock(), made.deadline()) == (n % 9, 99, 1000 + n if n % 3 == 0 else 0)
    assert load(made, b"l" * 300) == b"of a long key"


def test_objects_are_copies_with_keys_of_their_own() -> None:
    table = Table()
    store(table, b"l" * 300, b"long", STRING_RAW)
    store(table, b"short", b"v" * 300, STRING_RAW)
    made = copied(table)
    for key in (b"l" * 300, b"short"):
        assert table.find(key)
        ours = table.object()
        assert made.find(key)
        theirs = made.object()
        assert ours is not theirs
        assert (ours.key, ours.accounted) == (theirs.key, theirs.accounted)
    assert table.find(b"l" * 300)
    table.remove()
    assert load(made, b"l" * 300) == b"long"
    check(table)
    check(made)


def test_changing_the_copy_leaves_deadlines_of_the_table_alone() -> None:
    table = filled(40)
    for n in range(40):
        assert table.find(b"key:%08d" % n)
        table.set_deadline(n + 1)
    made = copied(table)
    for n in range(40):
        assert made.find(b"key:%08d" % n)
        made.set_deadline(0)
    check(table)
    check(made)
    assert (table.volatile, made.volatile) == (40, 0)
    assert [table.find(b"key:%08d" % n) and table.deadline() for n in range(40)] == list(range(1, 41))
