"""How much of each megabyte of the address space is in use.

The small-object allocator takes memory from the system a megabyte at a time and gives a megabyte back when nothing in
it is in use.  A hash table with open addressing from the number of a megabyte to the bytes that were counted in it.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

REGION_BITS: Final[i64] = 20
REGION_BYTES: Final[i64] = 1 << 20
FULL_BYTES: Final[i64] = 900_000
"""More than so much of a region is rarely in use: sizes do not fit each other to the byte."""

GRADES: Final[i64] = 1024
GRADE_BITS: Final[i64] = 10
"""Regions are graded by kilobytes in use."""
WORTHWHILE: Final[i64] = 4
"""So many regions, and a tenth of those that are needed, must come free for a move to pay."""


def zeros(count: i64) -> vec[i64]:
    made = vec[i64](capacity=count)
    for _ in range(count):
        made = append(made, 0)
    return made


@mypyc_attr(acyclic=True)
class Regions:
    """Bytes in use by region.  `elsewhere` is what is in use at addresses that nobody knows."""

    def __init__(self) -> None:
        self.names: vec[i64] = zeros(64)
        self.counted: vec[i64] = zeros(64)
        self.count: i64 = 0
        self.total: i64 = 0
        self.elsewhere: i64 = 0
        self.sparse: vec[i64] = zeros(64)

    def add(self, address: i64, size: i64) -> None:
        """Count `size` bytes at an address."""
        slot = self._slot(address >> REGION_BITS)
        if self.names[slot] == 0:
            self.names[slot] = address >> REGION_BITS
            self.count += 1
        self.counted[slot] += size
        self.total += size
        if self.count * 2 > len(self.names):
            self._grow()

    def add_area(self, start: i64, stop: i64) -> None:
        """An area of the address space that is in use, with what nobody will count."""
        name = start >> REGION_BITS
        while name << REGION_BITS < stop:
            self.add(name << REGION_BITS, 0)
            name += 1

    def is_sparse(self, address: i64) -> bool:
        """Whether an address lies in a region that shall be emptied."""
        slot = self._slot(address >> REGION_BITS)
        return self.sparse[slot] != 0

    def choose(self) -> i64:
        """Let the regions with the least in use be sparse, so many that the others have room for all; how many.

        None if too few would come free.  O(regions).
        """
        keeping = (self.total + self.elsewhere) // FULL_BYTES + 1
        chosen = self.count - keeping
        if chosen < WORTHWHILE + keeping // 10:
            return 0
        grades = zeros(GRADES + 1)
        n: i64 = 0
        while n < len(self.names):
            if self.names[n] != 0:
                grades[self._grade(n)] += 1
            n += 1
        grade = GRADES
        while keeping > grades[grade]:
            keeping -= grades[grade]
            grade -= 1
        # Of the last grade from which regions are kept, so many are.
        n = 0
        while n < len(self.names):
            if self.names[n] != 0:
                its = self._grade(n)
                if its == grade:
                    keeping -= 1
                self.sparse[n] = int(its < grade or (its == grade and keeping < 0))
            n += 1
        return chosen

    def _grade(self, slot: i64) -> i64:
        grade = self.counted[slot] >> GRADE_BITS
        return grade if grade < GRADES else GRADES

    def _slot(self, name: i64) -> i64:
        mask: i64 = len(self.names) - 1
        # Neighbours stay neighbours; what is far apart is spread by its upper bits.
        slot: i64 = (name ^ name >> 12) & mask
        while self.names[slot] != name and self.names[slot] != 0:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        names = self.names
        counted = self.counted
        size: i64 = len(names)
        self.names = zeros(size * 2)
        self.counted = zeros(size * 2)
        self.sparse = zeros(size * 2)
        n: i64 = 0
        while n < size:
            if names[n] != 0:
                slot = self._slot(names[n])
                self.names[slot] = names[n]
                self.counted[slot] = counted[n]
            n += 1
