"""Every bucket of a table moves, and the table stays what it was."""

from __future__ import annotations

from tests.unit.structures.tables import load, store

from redpoll.structures.mover import Mover
from redpoll.structures.table import Table
from redpoll.structures.table_check import check
from redpoll.structures.table_move import move_bucket


def test_records_objects_and_deadlines_stay() -> None:
    table = Table()
    for n in range(3000):
        store(table, b"key:%d" % n, b"v" * (n % 400), 1)
        if n % 3 == 0 and table.find(b"key:%d" % n):
            table.set_deadline(10_000 + n)
    mover = Mover(anywhere=True)
    mover.start()
    size = table.size_bytes()
    b = 0
    while move_bucket(table, b, mover):
        b += 1
    assert b == table.buckets
    assert mover.moved > b
    check(table)
    assert table.size_bytes() == size
    for n in range(3000):
        assert load(table, b"key:%d" % n) == b"v" * (n % 400)
        assert table.deadline() == (10_000 + n if n % 3 == 0 else 0)


def test_buckets_that_became_empty_need_no_columns() -> None:
    table = Table(most_buckets=1)
    for n in range(40):
        store(table, b"%d" % n, b"v", 1)
    for n in range(40):
        assert table.find(b"%d" % n)
        table.remove()
    mover = Mover(anywhere=True)
    mover.start()
    assert move_bucket(table, 0, mover)
    assert not move_bucket(table, 1, mover)
    assert not move_bucket(table, 1 << 20, mover)
    store(table, b"k", b"v", 1)
    assert load(table, b"k") == b"v"
    check(table)


def test_columns_of_deadlines_that_are_over_go() -> None:
    table = Table(most_buckets=1)
    for n in range(20):
        store(table, b"%d" % n, b"v", 1)
    assert table.find(b"3")
    table.set_deadline(77)
    table.set_deadline(0)
    mover = Mover(anywhere=True)
    mover.start()
    assert move_bucket(table, 0, mover)
    assert len(table.segments[0].deadlines[0]) == 0
    check(table)
    assert table.find(b"4")
    table.set_deadline(88)
    assert table.deadline() == 88
    check(table)
