"""Uniform random selection: some numbers of a range, or some records of a table."""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from redpoll.env.random import Random
from redpoll.structures.table import Table

SPARSE: Final[i64] = 3
"""Fewer than one of so many are drawn one by one, as then few are drawn twice; else all are gone through."""

INDEX_BITS: Final[i64] = 32
"""The bits of the index in a record's place; the bucket is in the bits above."""
INDEX_MASK: Final[i64] = (1 << 32) - 1


def distinct(random: Random, count: i64, stop: i64) -> vec[i64]:
    """`count` different numbers from 0 to before `stop` in ascending order, all of them if there are fewer.

    Time O(count log count) and O(stop), whichever is less.
    """
    if count > stop:
        count = stop
    if count * SPARSE > stop:
        return _gone_through(random, count, stop)
    drawn: set[int] = set()
    while len(drawn) < count:
        drawn.add(random.below(stop))
    found = vec[i64](capacity=count)
    for n in sorted(drawn):
        found = append(found, n)
    return found


def _gone_through(random: Random, count: i64, stop: i64) -> vec[i64]:
    """Selection sampling: each number is chosen with probability (still needed) / (still left)."""
    found = vec[i64](capacity=count)
    n: i64 = 0
    while count > 0:
        if random.below(stop - n) < count:
            found = append(found, n)
            count -= 1
        n += 1
    return found


def distinct_records(random: Random, count: i64, table: Table) -> vec[i64]:
    """The places (see INDEX_BITS) of `count` different random records, fewer than a third of the table.

    O(count) on average.  Valid until the table changes.
    """
    drawn: set[int] = set()
    while len(drawn) < count:
        table.seek_random(random)
        drawn.add(table.bucket << INDEX_BITS | table.index)
    found = vec[i64](capacity=count)
    for place in drawn:
        found = append(found, place)
    return found
