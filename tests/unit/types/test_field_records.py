"""Fields as records: a value moves in and out of its record as it shrinks and grows."""

from __future__ import annotations

import pytest

from redpoll.structures.table import Table
from redpoll.structures.table_check import check
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.field_records import LongValue, set_record, value_at, value_of


@pytest.mark.parametrize("field", [b"", b"field", b"f" * 200, b"f" * 201])
def test_values_of_any_size(field: bytes) -> None:
    table = Table()
    for size in (0, 5, 54, 55, 249, 250, 300, 20, 5000, 0):
        set_record(table, field, b"v" * size, table.find(field))
        assert table.find(field)
        assert value_at(table) == b"v" * size
        records = Records()
        read_bucket(table, 0, records, True)
        assert records.keys == [field]
        assert value_of(records, 0) == b"v" * size
        check(table)


def test_a_long_value_tells_its_size_and_copies_itself() -> None:
    value = LongValue(b"v" * 1000)
    twin = value.copy()
    assert isinstance(twin, LongValue) and twin.data == value.data and twin is not value
    assert 1000 < value.size_bytes() < 1200
