"""Where to look for places: a circle, a box or a polygon, and the cells that cover it.

A search reads nine cells at most: the cell of the centre, whose size fits the radius, and its neighbours, if they are
needed.  Unsorted results are in the order of these cells.  Clients can see this order, so it is the reference's.
Source: spec/values.md, section 2, "Search".
"""

from __future__ import annotations

from math import atan2, cos, nan, sin, sqrt
from typing import Final

from mypy_extensions import i64

from redpoll.types.geohash import (
    EARTH_M,
    MOST_LATITUDE,
    MOST_LONGITUDE,
    RADIANS,
    SCORE_LIMIT,
    STEPS,
    Place,
    cell_of,
    distance,
    edge,
    north_south,
    spread,
    squash,
)

HALF_ROUND_M: Final = 20037726.37

CENTRE: Final = 0
NORTH: Final = 1
SOUTH: Final = 2
EAST: Final = 3
WEST: Final = 4
DIRECTIONS: Final = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
"""The centre and its neighbours as steps of latitude and longitude, in the order in which they are searched."""


class Shape:
    """A circle around `longitude`, `latitude`; the other shapes subclass it.  All lengths are metres."""

    def __init__(self, longitude: float, latitude: float, radius_m: float) -> None:
        self.longitude: float = longitude
        self.latitude: float = latitude
        self.radius_m: float = radius_m
        self.half_width_m: float = radius_m
        self.half_height_m: float = radius_m
        self.found_m: float = 0.0
        """How far away the place was that `holds` looked at last."""
        self.west: float = 0.0
        self.east: float = 0.0
        self.south: float = 0.0
        self.north: float = 0.0

    def holds(self, place: Place) -> bool:
        """Whether a place lies in the shape; its distance from the centre is then in `found_m`."""
        self.found_m = distance(self.longitude, self.latitude, place.longitude, place.latitude)
        return self.found_m <= self.radius_m

    def set_bounds(self) -> None:
        """Compute the bounding box of the shape in degrees."""
        high = self.half_height_m / EARTH_M / RADIANS
        latitude = self.latitude
        edge_latitude = latitude + high if latitude >= 0.0 else latitude - high
        # An infinite radius has no bounding box: comparisons with nan are false.
        narrowing = cos(edge_latitude * RADIANS) if edge_latitude - edge_latitude == 0.0 else nan
        wide = self.half_width_m / EARTH_M / narrowing / RADIANS
        self.west = self.longitude - wide
        self.east = self.longitude + wide
        self.south = latitude - high
        self.north = latitude + high


class Box(Shape):
    """A box around a place, in metres."""

    def __init__(self, longitude: float, latitude: float, width_m: float, height_m: float) -> None:
        half_width = width_m / 2.0
        half_height = height_m / 2.0
        super().__init__(longitude, latitude, sqrt(half_width * half_width + half_height * half_height))
        self.half_width_m = half_width
        self.half_height_m = half_height

    def holds(self, place: Place) -> bool:
        if north_south(self.latitude, place.latitude) > self.half_height_m:
            return False
        if distance(place.longitude, place.latitude, self.longitude, place.latitude) > self.half_width_m:
            return False
        self.found_m = distance(self.longitude, self.latitude, place.longitude, place.latitude)
        return True


class Polygon(Shape):
    """A polygon in plain degrees; distances are from the mean of its corners on the sphere."""

    def __init__(self, longitudes: list[float], latitudes: list[float]) -> None:
        x = 0.0
        y = 0.0
        z = 0.0
        count = len(longitudes)
        for n in range(count):
            longitude = longitudes[n] * RADIANS
            latitude = latitudes[n] * RADIANS
            # The plain sum of unit vectors: scaling it would change the last digit of distances.
            x += cos(latitude) * cos(longitude)
            y += cos(latitude) * sin(longitude)
            z += sin(latitude)
        super().__init__(atan2(y, x) / RADIANS, atan2(z, sqrt(x * x + y * y)) / RADIANS, 0.0)
        self.longitudes: Final = longitudes
        self.latitudes: Final = latitudes

    def set_bounds(self) -> None:
        self.west = min(self.longitudes)
        self.east = max(self.longitudes)
        self.south = min(self.latitudes)
        self.north = max(self.latitudes)
        radius = 0.0
        for longitude in (self.west, self.east):
            for latitude in (self.south, self.north):
                radius = max(radius, distance(self.longitude, self.latitude, longitude, latitude))
        self.radius_m = radius

    def holds(self, place: Place) -> bool:
        longitude = place.longitude
        latitude = place.latitude
        longitudes = self.longitudes
        latitudes = self.latitudes
        inside = False
        before = len(longitudes) - 1
        for n in range(len(longitudes)):
            a = latitudes[n]
            b = latitudes[before]
            if (a > latitude) != (b > latitude):
                crossing = (longitudes[before] - longitudes[n]) * (latitude - a) / (b - a) + longitudes[n]
                if longitude < crossing:
                    inside = not inside
            before = n
        if inside:
            self.found_m = distance(self.longitude, self.latitude, longitude, latitude)
        return inside


class ScoreRange:
    """The scores of one cell: from `low` to before `high`."""

    def __init__(self, low: float, high: float) -> None:
        self.low: Final = low
        self.high: Final = high


def steps_for(radius_m: float, latitude: float) -> i64:
    """How many bits for each axis the cells of a search have."""
    if radius_m == 0.0:
        return STEPS
    step: i64 = 1
    while radius_m < HALF_ROUND_M:
        radius_m *= 2.0
        step += 1
    step -= 2
    if latitude > 66.0 or latitude < -66.0:
        step -= 1
        if latitude > 80.0 or latitude < -80.0:
            step -= 1
    if step < 1:
        step = 1
    return STEPS if step > STEPS else step


class Grid:
    """The cell of a place, with this many bits for each axis, as two indexes."""

    def __init__(self, shape: Shape, step: i64) -> None:
        cells: i64 = 1
        cells <<= step
        self.step: i64 = step
        self.cells: i64 = cells
        self.width: float = float(cells)
        cell = cell_of(shape.longitude, shape.latitude, MOST_LATITUDE, self.width)
        self.x: i64 = squash(cell)
        self.y: i64 = squash(cell >> 1)

    def neighbour(self, along: i64, most: float, index: i64, upper: bool) -> float:
        """The far edge of the neighbour `along` steps away on an axis."""
        at = (index + along) & (self.cells - 1)
        return edge(at + 1 if upper else at, self.width, most)

    def covers(self, shape: Shape) -> bool:
        """Whether the cell and its neighbours cover the shape."""
        return not (
            self.neighbour(1, MOST_LATITUDE, self.x, True) < shape.north
            or self.neighbour(-1, MOST_LATITUDE, self.x, False) > shape.south
            or self.neighbour(1, MOST_LONGITUDE, self.y, True) < shape.east
            or self.neighbour(-1, MOST_LONGITUDE, self.y, False) > shape.west
        )

    def cell(self, north: i64, east: i64) -> i64:
        """The interleaved cell this many steps away, wrapping around the edges.

        A centre at the very edge lies beyond the last cell of its axis, like places there.  Only a step along that axis
        leads back.
        """
        mask = self.cells - 1
        x = self.x if north == 0 else (self.x + north) & mask
        y = self.y if east == 0 else (self.y + east) & mask
        return spread(x) | (spread(y) << 1)


def ranges_of(shape: Shape) -> list[ScoreRange]:
    """The ranges of scores to search for places in a shape, in the reference's order."""
    shape.set_bounds()
    if abs(shape.latitude) > MOST_LATITUDE:
        # Only a polygon around a pole has such a centre.  There is no cell, so search all places.
        return [ScoreRange(0.0, SCORE_LIMIT)]
    step = steps_for(shape.radius_m, shape.latitude)
    grid = Grid(shape, step)
    if step > 1 and not grid.covers(shape):
        step -= 1
        grid = Grid(shape, step)
    north_needed = south_needed = east_needed = west_needed = True
    if step >= 2:
        south_needed = edge(grid.x, grid.width, MOST_LATITUDE) >= shape.south
        north_needed = edge(grid.x + 1, grid.width, MOST_LATITUDE) <= shape.north
        west_needed = edge(grid.y, grid.width, MOST_LONGITUDE) >= shape.west
        east_needed = edge(grid.y + 1, grid.width, MOST_LONGITUDE) <= shape.east
    shift = 52 - 2 * step
    found: list[ScoreRange] = []
    last: i64 = -1
    for n in range(9):
        north, east = DIRECTIONS[n]
        if (
            (north > 0 and not north_needed)
            or (north < 0 and not south_needed)
            or (east > 0 and not east_needed)
            or (east < 0 and not west_needed)
        ):
            continue
        cell = grid.cell(north, east)
        # If there are few cells, a neighbour may equal the one before it.
        if n > 0:
            if cell == last:
                continue
            last = cell
        found.append(ScoreRange(float(cell << shift), float((cell + 1) << shift)))
    return found
