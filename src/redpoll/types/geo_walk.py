"""The search in a geo index: the members in a shape, their distances, and their order by distance.

Most entries in the searched cells are outside the shape.  The walk compares their interleaved bits with the limits of
the shape, which gives the same order.  It decodes only the entries within the limits.

A distance is stored as the sine of half the arc, and as metres that may differ by one unit in the last place.
Compiled code calls the arc sine only through an object, which is slow.  It is called if it could change an order or a
printed digit.
"""

from __future__ import annotations

from math import asin
from typing import Final

from librt.strings import read_i64_be
from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.ranked import Span, member_start, record_end, score_of
from redpoll.structures.sorting import sorted_words
from redpoll.types.geo_area import Shape
from redpoll.types.geohash import EARTH_M, SCORE_LIMIT, Place, distance_text, fixed_text

# The first eight bytes of an entry whose score has six bytes after its first: length, score.  `ranked.py`, `scores.py`.
LENGTH_SHIFT: Final[i64] = 56
SIZE_SHIFT: Final[i64] = 53
SIX_MORE: Final[i64] = 6
CELL_BITS: Final[i64] = (1 << 53) - 1
EVEN_BITS: Final[i64] = 0x15555555555555
ODD_BITS: Final[i64] = 0x2AAAAAAAAAAAAA

INDEX_BITS: Final[i64] = 20
INDEX_MASK: Final[i64] = (1 << 20) - 1
STEPS_A_METRE: Final = 262144.0
"""2^18: no distance has more than 43 bits of them."""
MOST_STEPS: Final[i64] = (1 << 43) - 1

DOUBTFUL: Final = 1e-12
"""Upper bound of the relative rounding error of a distance."""


@mypyc_attr(acyclic=True)
class Places:
    """The places found, in columns, and their order."""

    def __init__(self, most: i64) -> None:
        self.most: Final[i64] = most
        """Number of places to find; 0: all."""
        self.members: list[bytes] = []
        self.scores = vec[float]()
        self.metres = vec[float]()
        self.halves = vec[float]()
        """The sine of half the arc, -1 where `metres` is exact."""
        self.order = vec[i64]()
        """Indexes of the places, the first one first; empty: as they were found."""

    def count(self) -> i64:
        return len(self.members)

    def is_full(self) -> bool:
        return 0 < self.most <= len(self.members)

    def at(self, rank: i64) -> i64:
        """Index of the place of that rank."""
        return rank if len(self.order) == 0 else self.order[rank]

    def exact_metres(self, index: i64) -> float:
        """The exact distance of a place."""
        half = self.halves[index]
        return 2.0 * EARTH_M * asin(half) if half >= 0.0 else self.metres[index]

    def add_from(self, span: Span, shape: Shape, low: float, high: float) -> None:
        """Add the entries in the shape with scores from `low` to before `high`, until there are enough.

        O(entries).
        """
        place = Place(0.0, 0.0)
        low_x = shape.low_x
        high_x = shape.high_x
        low_y = shape.low_y
        high_y = shape.high_y
        around = shape.around
        index: i64 = 0
        while index < len(span.blobs):
            blob = span.blobs[index]
            at = span.begin(index)
            stop = span.end(index)
            safe: i64 = len(blob)
            safe -= 8
            while at < stop:
                word: i64 = -1
                if at <= safe:
                    word = read_i64_be(blob, at)
                if word >= 0 and (word >> SIZE_SHIFT) & 7 == SIX_MORE:
                    begin = at + 8
                    at = begin + (word >> LENGTH_SHIFT)
                    x = word & EVEN_BITS
                    if x < low_x or x > high_x:
                        continue
                    y = word & ODD_BITS
                    if y < low_y:
                        if not around or y > high_y:
                            continue
                    elif y > high_y and not around:
                        continue
                    score = float(word & CELL_BITS)
                else:
                    begin = member_start(blob, at)
                    score = score_of(blob, at)
                    at = record_end(blob, at)
                if score < low or score >= high:
                    continue
                if score < SCORE_LIMIT:
                    place.move_to_cell(i64(score))
                else:
                    place.move_to(score)
                if shape.holds(place):
                    self.members.append(blob[begin:at])
                    self.scores = append(self.scores, score)
                    self.metres = append(self.metres, shape.found_m)
                    self.halves = append(self.halves, shape.found_half)
                    if self.is_full():
                        return
            index += 1

    def sort(self, farthest_first: bool) -> None:
        """Sort the places by distance.  Places with equal distances keep their order.  O(n log n)."""
        count = self.count()
        order = self._sorted_by_steps(farthest_first) if count <= INDEX_MASK else vec[i64]()
        self.order = order if len(order) == count else self._sorted_exactly(farthest_first)

    def _sorted_by_steps(self, farthest_first: bool) -> vec[i64]:
        """Sort by rounded distances; stop if that leaves a doubt."""
        count = self.count()
        words = vec[i64](capacity=count)
        i: i64 = 0
        while i < count:
            metres = self.metres[i]
            if metres != metres:
                return words
            steps = i64(metres * STEPS_A_METRE)
            if farthest_first:
                steps = MOST_STEPS - steps
            words = append(words, steps << INDEX_BITS | i)
            i += 1
        words = sorted_words(words)
        order = vec[i64](capacity=count)
        before: i64 = -1
        i = 0
        while i < count:
            index = words[i] & INDEX_MASK
            if i > 0 and (words[i] >> INDEX_BITS) - (words[i - 1] >> INDEX_BITS) < 2:
                if self.metres[index] != self.metres[before] or self.halves[index] != self.halves[before]:
                    return order
            order = append(order, index)
            before = index
            i += 1
        return order

    def _sorted_exactly(self, farthest_first: bool) -> vec[i64]:
        """Sort by exact distances."""
        sign = -1.0 if farthest_first else 1.0
        pairs = [(sign * self.exact_metres(n), n) for n in range(len(self.members))]
        pairs.sort()
        order = vec[i64](capacity=self.count())
        for _, n in pairs:
            order = append(order, n)
        return order

    def cut(self, count: i64) -> None:
        """Keep only the first `count` places."""
        kept = vec[i64](capacity=count)
        rank: i64 = 0
        while rank < count:
            kept = append(kept, self.at(rank))
            rank += 1
        self.order = kept

    def found(self) -> i64:
        """The number of places in order."""
        return self.count() if len(self.order) == 0 else i64(len(self.order))

    def distance_text(self, index: i64, unit_m: float) -> bytes:
        """The distance of a place in a unit, with four digits after the point."""
        tenths = self.metres[index] / unit_m * 10000.0
        if self.halves[index] >= 0.0:
            doubt = tenths * DOUBTFUL
            off = tenths - float(i64(tenths)) - 0.5
            if -doubt <= off <= doubt:
                return distance_text(self.exact_metres(index), unit_m)
        return fixed_text(tenths)
