"""The fields of a large hash as records of a table: short values inside, long ones outside."""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from redpoll.structures.mover import Mover
from redpoll.structures.segment import Outside
from redpoll.structures.table import Table
from redpoll.structures.table_walk import Records


@mypyc_attr(acyclic=True)
class LongValue(Outside):
    """A field's value that does not fit its record."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data

    def size_bytes(self) -> i64:
        return len(self.data) + 96

    def copy(self) -> Outside:
        return LongValue(self.data)

    def is_light(self) -> bool:
        return True

    def move_bytes(self, mover: Mover) -> None:
        self.data = mover.bytes_(self.data)


def value_of(records: Records, n: i64) -> bytes:
    """The value of record `n` of a walk over a hash's table."""
    outside = records.objects[n]
    if outside is None:
        return records.values[n]
    assert isinstance(outside, LongValue)
    return outside.data


def value_at(table: Table) -> bytes:
    """The value of the field at the table's position."""
    if not table.is_outside():
        return table.value()
    outside = table.object()
    assert isinstance(outside, LongValue)
    return outside.data


def set_record(table: Table, field: bytes, value: bytes, there: bool) -> None:
    """Set the value of the record of `field`, which is at the table's position if it is `there`."""
    if table.fits(len(field), len(value)):
        if there:
            table.replace(value, 0)
        else:
            table.insert(field, value, 0)
    elif there:
        table.replace_outside(field, LongValue(value), 0)
    else:
        table.insert_outside(field, LongValue(value), 0)
