"""Fields as records of a table: short values inside, long ones outside, and back."""

from __future__ import annotations

from redpoll.structures.table import Table
from redpoll.structures.table_check import check
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.field_records import LongValue, set_record, value_at, value_of

FIELDS = [b"", b"f", b"g" * 100, b"h" * 200, b"l" * 201, b"l" * 200 + b"m"]
SIZES = [0, 1, 53, 54, 55, 154, 155, 254, 255, 5000]


def test_a_value_of_any_size_replaces_one_of_any_other() -> None:
    table = Table(most_buckets=1)
    model: dict[bytes, bytes] = {}
    for before in SIZES:
        for after in SIZES:
            for field in FIELDS:
                for size in (before, after):
                    there = table.find(field)
                    assert there == (field in model)
                    set_record(table, field, b"v" * size, there)
                    model[field] = b"v" * size
                    assert value_at(table) == b"v" * size
                    assert table.is_outside() != table.fits(len(field), size)
            check(table)
            found = Records()
            read_bucket(table, 0, found, True)
            assert {found.keys[n]: value_of(found, n) for n in range(len(found.keys))} == model


def test_a_long_value_is_copied_and_weighed() -> None:
    value = LongValue(b"v" * 300)
    twin = value.copy()
    assert isinstance(twin, LongValue)
    assert (twin is not value, twin.data, twin.size_bytes()) == (True, b"v" * 300, value.size_bytes())
    assert LongValue(b"v" * 301).size_bytes() == value.size_bytes() + 1
