"""The additional data of a hash while some of its fields have a deadline.

A field past its deadline is *past*: clients cannot see it any more, but it counts in the number of fields until it is
overwritten or `remove_due` removes it.
"""

from __future__ import annotations

from librt.vecs import append, extend, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.segment import NEVER


@mypyc_attr(acyclic=True, free_list_len=1)
class FieldTimes:
    """`column` has one deadline for each field of a packed hash, in ms since 1970, 0 for none.

    A large hash keeps them in its table, and the column is empty.
    """

    def __init__(self, column: vec[i64]) -> None:
        self.column: vec[i64] = column
        self.earliest: i64 = NEVER
        """The earliest deadline, or one before it."""
        self.now_ms: i64 = 0
        """The time of the look-up: it decides which fields are past."""
        self.overwritten: i64 = 0
        """How many fields that were past have been written over since the look-up."""

    def is_past(self, at_ms: i64) -> bool:
        """Whether a field with this deadline is past."""
        return at_ms != 0 and at_ms <= self.now_ms

    def some_past(self) -> bool:
        """Whether a field may be past at all."""
        return self.earliest <= self.now_ms

    def twin(self) -> FieldTimes:
        """A copy."""
        count: i64 = len(self.column)
        made = FieldTimes(extend(vec[i64](capacity=(count + 3) & ~3), self.column))
        made.earliest = self.earliest
        return made


def without_deadlines(count: i64) -> vec[i64]:
    """A column in which none of `count` fields has a deadline."""
    column = vec[i64](capacity=(count + 3) & ~3)
    for _ in range(count):
        column = append(column, 0)
    return column


def has_deadline(column: vec[i64]) -> bool:
    """Whether any field of the column has one."""
    i: i64 = 0
    count: i64 = len(column)
    while i < count:
        if column[i] != 0:
            return True
        i += 1
    return False
