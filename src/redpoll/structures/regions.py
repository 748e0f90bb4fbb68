"""The number of bytes in use in each region of the address space.

The small-object allocator gets memory from the system in regions of a megabyte, and returns a region only when it is
empty.  The C library returns single pages, so its regions are smaller.  A hash table with open addressing maps the
number of a region to its bytes in use.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

REGION_BITS: Final[i64] = 20
REGION_BYTES: Final[i64] = 1 << 20
FULL_PARTS: Final[i64] = 880
"""Usable part of a region in 1024ths: some bytes are always lost between objects of different sizes."""

GRADES: Final[i64] = 1024
GRADE_BITS: Final[i64] = 10
"""Regions have grades: their 1024ths in use."""
WORTHWHILE: Final[i64] = 4
WORTHWHILE_PART: Final[i64] = 5
"""A move is worthwhile if this many regions, plus a fifth of the needed regions, become free."""


def common_offset(areas: list[tuple[int, int]]) -> int:
    """The remainder by REGION_BYTES at which regions start in most of the memory of `areas`.  O(areas).

    The system places a new region directly below the one before, so an area of them starts where a region starts.
    """
    bytes_at: dict[int, int] = {}
    for start, stop in areas:
        at = start % int(REGION_BYTES)
        bytes_at[at] = bytes_at.get(at, 0) + stop - start
    best = 0
    for at, size in bytes_at.items():
        if size > bytes_at.get(best, 0):
            best = at
    return best


def zeros(count: i64) -> vec[i64]:
    made = vec[i64](capacity=count)
    for _ in range(count):
        made = append(made, 0)
    return made


@mypyc_attr(acyclic=True)
class Regions:
    """Bytes in use by region of `1 << bits` bytes.  `elsewhere` counts bytes at unknown addresses."""

    def __init__(self, bits: i64 = REGION_BITS) -> None:
        self.bits: Final[i64] = bits
        self.offset: i64 = 0
        """Where the regions start: addresses with this remainder.  Set it before the first `add`."""
        self.names: vec[i64] = zeros(64)
        self.counted: vec[i64] = zeros(64)
        self.count: i64 = 0
        self.total: i64 = 0
        self.elsewhere: i64 = 0
        self.sparse: vec[i64] = zeros(64)

    def add(self, address: i64, size: i64) -> None:
        """Count `size` bytes at an address."""
        name = (address - self.offset) >> self.bits
        slot = self._slot(name)
        if self.names[slot] == 0:
            self.names[slot] = name
            self.count += 1
        self.counted[slot] += size
        self.total += size
        if self.count * 2 > len(self.names):
            self._grow()

    def add_area(self, start: i64, stop: i64) -> None:
        """Count a whole area of the address space as in use."""
        at = start
        while at < stop:
            self.add(at, 0)
            at += i64(1) << self.bits
        # The last region of an area that does not start where a region starts.
        self.add(stop - 1, 0)

    def is_sparse(self, address: i64) -> bool:
        """Whether an address is in a region that is to be emptied."""
        slot = self._slot((address - self.offset) >> self.bits)
        return self.sparse[slot] != 0

    def choose(self) -> i64:
        """Mark the regions with the fewest bytes as sparse, as long as the others have room for all; return how many.

        Marks none if too few would become free.  O(regions).
        """
        keeping = (self.total + self.elsewhere) // (FULL_PARTS << (self.bits - GRADE_BITS)) + 1
        chosen = self.count - keeping
        if chosen < WORTHWHILE + keeping // WORTHWHILE_PART:
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
        grade = self.counted[slot] >> (self.bits - GRADE_BITS)
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
