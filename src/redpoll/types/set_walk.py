"""Iterates over the members of a set, and looks them up in other sets, without creating an object for each.

A walk references immutable bytes.  Only a walk over a table needs the table to stay unchanged.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from redpoll.protocol.numbers import NO_INT, int_text, is_int_at, to_int_at
from redpoll.structures import intset
from redpoll.structures.members import MemberWalk, holds_part
from redpoll.structures.packed import equal_parts
from redpoll.types.kinds import SET_INTSET
from redpoll.types.set import Set


@mypyc_attr(acyclic=True)
class Walk:
    """The base of all walks, and that over packed members.

    After each `step` the member is `blob[start:stop]`, or the text of `number` if the walk is `numeric`.  `hash` is its
    hash, -1 if unknown.
    """

    def __init__(self, value: Set, numeric: bool) -> None:
        self.numeric = numeric
        self.number: i64 = 0
        self.hash: i64 = -1
        self.blob: bytes = value.blob
        self.start: i64 = 0
        self.stop: i64 = value.start
        self.end: i64 = value.stop

    def step(self) -> bool:
        """Go to the next member; False at the end."""
        at = self.stop
        if at >= self.end:
            return False
        self.start = at + 1
        self.stop = at + 1 + self.blob[at]
        return True

    def member(self) -> bytes:
        """The member, as an object of its own."""
        if self.numeric:
            return int_text(self.number)
        return self.blob[self.start : self.stop]


@mypyc_attr(acyclic=True)
class NumberWalk(Walk):
    """Over packed numbers, ascending."""

    def __init__(self, value: Set) -> None:
        super().__init__(value, True)
        self.first: i64 = value.start
        self.rank: i64 = 0
        self.count: i64 = value.count()

    def step(self) -> bool:
        if self.rank >= self.count:
            return False
        self.number = intset.number_at(self.blob, self.first, self.rank)
        self.rank += 1
        return True


@mypyc_attr(acyclic=True)
class TableWalk(Walk):
    """Over the members of a table, in no order."""

    def __init__(self, value: Set, members: MemberWalk) -> None:
        super().__init__(value, False)
        self.members = members

    def step(self) -> bool:
        members = self.members
        if not members.step():
            return False
        self.blob = members.blob
        self.start = members.start
        self.stop = members.stop
        self.hash = members.hash
        return True


def walk_over(value: Set) -> Walk:
    """A walk over a set.  It begins before the first member."""
    table = value.table
    if table is not None:
        return TableWalk(value, MemberWalk(table))
    if value.kind == SET_INTSET:
        return NumberWalk(value)
    return Walk(value, False)


def holds(value: Set, walk: Walk) -> bool:
    """Whether the current member of a walk over another set is in this set, too."""
    table = value.table
    if table is not None:
        if walk.hash >= 0:
            return holds_part(table, walk.hash, walk.blob, walk.start, walk.stop - walk.start)
        return table.find(walk.member())
    if value.kind == SET_INTSET:
        n = walk.number
        if not walk.numeric:
            n = to_int_at(walk.blob, walk.start, walk.stop)
            if n == NO_INT and not is_int_at(walk.blob, walk.start, walk.stop):
                return False
        return intset.find(value.blob, value.start, value.stop, n) >= 0
    if walk.numeric:
        return value.has(walk.member())
    blob = value.blob
    at = value.start
    wanted = walk.stop - walk.start
    while at < value.stop:
        length: i64 = blob[at]
        if length == wanted and equal_parts(blob, at + 1, walk.blob, walk.start, length):
            return True
        at += 1 + length
    return False
