"""The warm pass: it may read whatever it likes, and must change nothing, whatever the keys."""

from __future__ import annotations

import pytest

from redpoll.structures.table import Table
from redpoll.structures.table_check import check
from redpoll.structures.table_warm import FEW, LARGE_TABLE, WARM_KEYS, warm_keys
from redpoll.types.string import LongString


def filled(count: int) -> Table:
    table = Table()
    for number in range(count):
        key = b"key:%d" % number
        assert not table.find(key)
        if number % 10 == 0:
            table.insert_outside(key, LongString(b"x" * 300), 0)
        else:
            table.insert(key, b"value", 0)
    return table


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("count", [0, FEW - 1, FEW, WARM_KEYS - 1, WARM_KEYS, 3 * WARM_KEYS])
def test_nothing_changes(count: int, step: int) -> None:
    table = filled(int(LARGE_TABLE) + 1)
    args = [b"", *(b"key:%d" % (number * 77) for number in range(count * step))]
    stamp = table.stamp
    assert table.find(b"key:5")
    place = (table.bucket, table.index, table.offset, table.word)
    assert (warm_keys(table, args, 1, len(args), step) > 0) == (count >= FEW)
    assert (place, stamp) == ((table.bucket, table.index, table.offset, table.word), table.stamp)
    check(table)


def test_a_small_table_is_left_alone() -> None:
    assert warm_keys(filled(100), [b"key:1"] * 10, 0, 10, 1) == 0


def test_buckets_without_records() -> None:
    table = filled(int(LARGE_TABLE) + 500)
    for number in range(490):
        assert table.find(b"key:%d" % number)
        table.remove()
    warm_keys(table, [b"key:%d" % number for number in range(3000)], 0, 3000, 100)
    check(table)
