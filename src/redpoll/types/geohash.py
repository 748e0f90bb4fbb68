"""Places on the sphere as 52-bit cells: longitude and latitude to a score and back, distances, GEOHASH's text.

A cell interleaves 26 bits of latitude (even places) and 26 of longitude (odd ones), so cells that share their first
bits lie close together.  A geo index is a sorted set whose scores are cells.  Source: spec/values.md, section 2.
"""

from __future__ import annotations

from math import asin, cos, nan, pi, sin, sqrt
from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64, mypyc_attr, u8

from redpoll.scratch import SHARED

MOST_LATITUDE: Final = 85.05112878
MOST_LONGITUDE: Final = 180.0
EARTH_M: Final = 6372797.560856
RADIANS: Final = pi / 180.0

STEPS: Final[i64] = 26
"""Bits of each axis in a score."""
STEP_CELLS: Final = 67108864.0
CELL_WIDTH: Final = 1.0 / 67108864.0
MOST_SHORT: Final = 0.1
"""The sine of half of 1276 km: up to here eight terms of the series of the arc sine do."""
C3: Final = 1.0 / 6.0
C5: Final = 3.0 / 40.0
C7: Final = 15.0 / 336.0
C9: Final = 105.0 / 3456.0
C11: Final = 945.0 / 42240.0
C13: Final = 10395.0 / 599040.0
C15: Final = 135135.0 / 9676800.0
SCORE_LIMIT: Final = 9007199254740992.0
"""Below 2^53 a score is one whole number, and its axes have 27 bits at most."""

ZERO: Final[i64] = 48
ZEROS_BEFORE: Final = [b"0" * max(n - 4, 0) + b".0000" for n in range(20)]
"""By the number of digits."""

_scratch: Final = BytesWriter()

ALPHABET: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"


def spread(n: i64) -> i64:
    """The bits of a number of up to 27 bits, each moved to twice its place."""
    n = (n | (n << 16)) & 0x0000FFFF0000FFFF
    n = (n | (n << 8)) & 0x00FF00FF00FF00FF
    n = (n | (n << 4)) & 0x0F0F0F0F0F0F0F0F
    n = (n | (n << 2)) & 0x3333333333333333
    return (n | (n << 1)) & 0x1555555555555555


def squash(n: i64) -> i64:
    """Every second bit of a number, the lowest first: the reverse of `spread`."""
    n &= 0x1555555555555555
    n = (n | (n >> 1)) & 0x3333333333333333
    n = (n | (n >> 2)) & 0x0F0F0F0F0F0F0F0F
    n = (n | (n >> 4)) & 0x00FF00FF00FF00FF
    n = (n | (n >> 8)) & 0x0000FFFF0000FFFF
    return (n | (n >> 16)) & 0xFFFFFFFF


def cell_of(longitude: float, latitude: float, most_latitude: float, cells: float) -> i64:
    """The index of the cell of a place, with `cells` cells for each axis."""
    x = i64(int((latitude + most_latitude) / (2.0 * most_latitude) * cells))
    y = i64(int((longitude + MOST_LONGITUDE) / (2.0 * MOST_LONGITUDE) * cells))
    return spread(x) | (spread(y) << 1)


def score_of(longitude: float, latitude: float) -> float:
    """The score of a place within the limits."""
    return float(cell_of(longitude, latitude, MOST_LATITUDE, STEP_CELLS))


def bits_of(score: float) -> int:
    """A score as an unsigned 64-bit number, converted as by a C compiler for x86.

    Any sorted set may be queried, so it need not be a cell.
    """
    if 0.0 <= score < SCORE_LIMIT:
        return int(score)
    if score != score or score >= 18446744073709551616.0:
        return 0
    if score <= -9223372036854775808.0:
        return 1 << 63
    return int(score) & 0xFFFFFFFFFFFFFFFF


def axis_of(bits: int, start: int) -> i64:
    """Every second of 64 bits from `start` on."""
    found = 0
    for place in range(32):
        found |= (bits >> (start + 2 * place) & 1) << place
    return found


@mypyc_attr(acyclic=True)
class Place:
    """A place in degrees."""

    def __init__(self, longitude: float, latitude: float) -> None:
        self.longitude: float = longitude
        self.latitude: float = latitude

    def move_to(self, score: float) -> None:
        """Move to the middle of a score's cell, within the limits."""
        if 0.0 <= score < SCORE_LIMIT:
            self.move_to_cell(i64(score))
        else:
            bits = bits_of(score)
            self.latitude = middle(axis_of(bits, 0), MOST_LATITUDE)
            self.longitude = middle(axis_of(bits, 1), MOST_LONGITUDE)

    def move_to_cell(self, cell: i64) -> None:
        """Become the middle of a cell, whose axes have 27 bits at most."""
        self.latitude = middle(squash(cell), MOST_LATITUDE)
        self.longitude = middle(squash(cell >> 1), MOST_LONGITUDE)

    def distance_to(self, longitude: float, latitude: float) -> float:
        """Metres on the sphere (haversine) to another place."""
        return distance(self.longitude, self.latitude, longitude, latitude)


def edge(index: i64, cells: float, most: float) -> float:
    """The lower edge of a cell by its index, on an axis from `-most` to `most`."""
    return -most + (float(index) / cells) * (2.0 * most)


def middle(index: i64, most: float) -> float:
    # To multiply by a power of two, or by half, rounds no more than to divide.
    low = -most + float(index) * CELL_WIDTH * (2.0 * most)
    high = -most + float(index + 1) * CELL_WIDTH * (2.0 * most)
    found = (low + high) * 0.5
    if found > most:
        return most
    if found < -most:
        return -most
    return found


def place_of(score: float) -> Place:
    """The place of a score."""
    found = Place(0.0, 0.0)
    found.move_to(score)
    return found


def distance(longitude: float, latitude: float, other_longitude: float, other_latitude: float) -> float:
    """Metres on the sphere between two places (haversine)."""
    v = sin((other_longitude * RADIANS - longitude * RADIANS) / 2.0)
    first = latitude * RADIANS
    second = other_latitude * RADIANS
    if v == 0.0:
        return EARTH_M * abs(second - first)
    u = sin((second - first) / 2.0)
    return arc(sqrt(u * u + cos(first) * cos(second) * v * v))


def arc(half: float) -> float:
    """Metres of an arc, by the sine of its half.  Rounding may lead beyond 1, where there is no arc: nan."""
    return 2.0 * EARTH_M * asin(half) if half <= 1.0 else nan


def short_arc(half: float) -> float:
    """As `arc` for sines up to MOST_SHORT, but for the last bit; without the object that a call of `asin` takes."""
    s = half * half
    more = s * (C3 + s * (C5 + s * (C7 + s * (C9 + s * (C11 + s * (C13 + s * C15))))))
    return 2.0 * EARTH_M * (half + half * more)


def north_south(latitude: float, other_latitude: float) -> float:
    """Metres along a meridian."""
    return EARTH_M * abs(other_latitude * RADIANS - latitude * RADIANS)


def geohash_text(score: float) -> bytes:
    """The standard geohash of 11 characters.  The last one is always `0`."""
    place = place_of(score)
    cell = cell_of(place.longitude, place.latitude, 90.0, STEP_CELLS)
    text = bytearray(b"00000000000")
    for i in range(10):
        text[i] = ALPHABET[(cell >> (52 - 5 * (i + 1))) & 31]
    return bytes(text)


def distance_text(metres: float, unit_m: float) -> bytes:
    """A distance in a unit with four digits after the point."""
    return fixed_text(metres / unit_m * 10000.0)


def fixed_text(n: float) -> bytes:
    """A number of ten-thousandths, from 0 on, with four digits after the point; halves go to the even digit."""
    whole = i64(n)
    rest = n - float(whole)
    if rest > 0.5 or (rest == 0.5 and whole & 1 != 0):
        whole += 1
    digits: i64 = 5
    beyond: i64 = 100000
    while beyond <= whole:
        beyond *= 10
        digits += 1
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    out.write(ZEROS_BEFORE[digits])
    at = digits
    while at >= 0:
        if at != digits - 4:
            tens = whole // 10
            out[at] = u8(ZERO + whole - tens * 10)
            whole = tens
        at -= 1
    return out.getvalue()
