"""Places on the sphere as 52-bit cells: longitude and latitude to a score and back, distances, GEOHASH's text.

A cell interleaves 26 bits of latitude (even places) and 26 of longitude (odd ones), so cells that share their first
bits lie close together.  A geo index is a sorted set whose scores are cells.  Source: spec/values.md, section 2.
"""

from __future__ import annotations

from math import asin, cos, nan, pi, sin, sqrt
from typing import Final

from mypy_extensions import i64

MOST_LATITUDE: Final = 85.05112878
MOST_LONGITUDE: Final = 180.0
EARTH_M: Final = 6372797.560856
RADIANS: Final = pi / 180.0

STEPS: Final[i64] = 26
"""Bits of each axis in a score."""
STEP_CELLS: Final = 67108864.0
SCORE_LIMIT: Final = 9007199254740992.0
"""Below 2^53 a score is one whole number, and its axes have 27 bits at most."""

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


class Place:
    """A place in degrees."""

    def __init__(self, longitude: float, latitude: float) -> None:
        self.longitude: float = longitude
        self.latitude: float = latitude

    def move_to(self, score: float) -> None:
        """Move to the middle of a score's cell, within the limits."""
        if 0.0 <= score < SCORE_LIMIT:
            cell = i64(int(score))
            x = squash(cell)
            y = squash(cell >> 1)
        else:
            bits = bits_of(score)
            x = axis_of(bits, 0)
            y = axis_of(bits, 1)
        self.latitude = middle(x, MOST_LATITUDE)
        self.longitude = middle(y, MOST_LONGITUDE)

    def distance_to(self, longitude: float, latitude: float) -> float:
        """Metres on the sphere (haversine) to another place."""
        return distance(self.longitude, self.latitude, longitude, latitude)


def edge(index: i64, cells: float, most: float) -> float:
    """The lower edge of a cell by its index, on an axis from `-most` to `most`."""
    return -most + (float(index) / cells) * (2.0 * most)


def middle(index: i64, most: float) -> float:
    found = (edge(index, STEP_CELLS, most) + edge(index + 1, STEP_CELLS, most)) / 2.0
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
    if v == 0.0:
        return EARTH_M * abs(other_latitude * RADIANS - latitude * RADIANS)
    first = latitude * RADIANS
    second = other_latitude * RADIANS
    u = sin((second - first) / 2.0)
    across = sqrt(u * u + cos(first) * cos(second) * v * v)
    # Rounding may exceed 1, for which there is no arc sine.
    return 2.0 * EARTH_M * asin(across) if across <= 1.0 else nan


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
    tenths = round(metres / unit_m * 10000.0)
    return b"%d.%04d" % (tenths // 10000, tenths % 10000)
