"""The number of bytes in use in each region, a megabyte of the address space.

The small-object allocator gets memory from the system in regions, and returns a region only when it is empty.  A hash
table with open addressing maps the number of a region to its bytes in use.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

REGION_BITS: Final[i64] = 20
REGION_BYTES: Final[i64] = 1 << 20
FULL_BYTES: Final[i64] = 900_000
"""Usable part of a region: some bytes are always lost between objects of different sizes."""

GRADES: Final[i64] = 1024
GRADE_BITS: Final[i64] = 10
"""Regions have grades: their kilobytes in use."""
WORTHWHILE: Final[i64] = 4
"""A move is worthwhile if this many regions, plus a tenth of the needed regions, become free."""


def zeros(count: i64) -> vec[i64]:
    made = vec[i64](capacity=count)
    for _ in range(count):
        made = append(made, 0)
    return made


@mypyc_attr(acyclic=True)
class Regions:
    """Bytes in use by region.  `elsewhere` counts bytes at unknown addresses."""

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
        """Count a whole area of the address space as in use."""
        name = start >> REGION_BITS
        while name << REGION_BITS < stop:
            self.add(name << REGION_BITS, 0)
            name += 1

    def is_sparse(self, address: i64) -> bool:
        """Whether an address is in a region that is to be emptied."""
        slot = self._slot(address >> REGION_BITS)
        return self.sparse[slot] != 0

    def choose(self) -> i64:
        """Mark the regions with the fewest bytes as sparse, as long as the others have room for all; return how many.

        Marks none if too few would become free.  O(regions).
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
        # Number of regions to keep of the lowest kept grade.
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
        # Adjacent regions stay adjacent; the upper bits spread distant ones.
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
