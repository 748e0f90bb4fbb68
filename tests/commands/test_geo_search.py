"""A geo index of 100,000 places: what searches find, beside a look at every place by another formula."""

from __future__ import annotations

from math import asin, cos, pi, radians, sin
from random import Random

import pytest

from redpoll.engine.session import Session
from redpoll.types.geohash import EARTH_M, place_of, score_of

PLACES = 100_000
DOUBT = 1e-6
"""Places whose distance is so near to what was asked for that rounding decides may be found or not."""


class Index:
    """The places, in degrees, and as points on a sphere of radius 1."""

    def __init__(self, session: Session) -> None:
        self.session = session
        draw = Random(5)
        self.places: list[tuple[float, float]] = []
        words = [b"GEOADD", b"map"]
        for number in range(PLACES):
            # A third around the poles, a third along the date line, and the others anywhere.
            longitude = draw.uniform(-180, 180) if number % 3 else (draw.uniform(177, 183) + 180) % 360 - 180
            latitude = draw.uniform(-85, 85) if number % 3 != 1 else draw.choice([-1, 1]) * draw.uniform(78, 85.05)
            words += [repr(longitude).encode(), repr(latitude).encode(), b"%d" % number]
            where = place_of(score_of(longitude, latitude))
            self.places.append((where.longitude, where.latitude))
            if len(words) > 3000:
                session.engine.execute(session, words)
                words = words[:2]
        if len(words) > 2:
            session.engine.execute(session, words)
        self.points = [point(*place) for place in self.places]

    def search(self, *words: str) -> set[int]:
        """The numbers of the places that GEOSEARCH finds."""
        line = " ".join(["GEOSEARCH map", *words]).encode().split()
        found = self.session.engine.execute(self.session, line)
        assert isinstance(found, list)
        assert len(set(found)) == len(found)
        return {int(member) for member in found}

    def chords(self, longitude: float, latitude: float) -> list[float]:
        """The square of the straight way through the sphere to every place."""
        x, y, z = point(longitude, latitude)
        return [(x - a) * (x - a) + (y - b) * (y - b) + (z - c) * (z - c) for a, b, c in self.points]


def point(longitude: float, latitude: float) -> tuple[float, float, float]:
    x, y = radians(longitude), radians(latitude)
    return cos(y) * cos(x), cos(y) * sin(x), sin(y)


@pytest.fixture
def index(session: Session) -> Index:
    return Index(session)


def centres(draw: Random, count: int) -> list[tuple[float, float]]:
    """Places to search around: some beside the date line, some as near to a pole as there is, others.

    None is on the edge of the map itself: there the reference overlooks what lies across the date line, and so do we.
    """
    found = [(179.9999, 0.0), (-179.9999, 40.0), (179.999, -60.0), (0.0, 85.0511), (90.0, -85.0511), (179.9, 85.0)]
    while len(found) < count:
        found.append((draw.uniform(-180, 180), draw.uniform(-85, 85)))
        found.append(((draw.uniform(177, 183) + 180) % 360 - 180, draw.choice([-1, 1]) * draw.uniform(75, 85)))
        found.append((draw.choice([-1, 1]) * draw.uniform(179, 180), draw.uniform(-80, 80)))
    return found


@pytest.mark.slow
def test_circles_hold_what_is_near(index: Index) -> None:
    draw = Random(6)
    total = 0
    for longitude, latitude in centres(draw, 60):
        squares = index.chords(longitude, latitude)
        for radius in (draw.uniform(1_000, 50_000), draw.uniform(50_000, 800_000), draw.uniform(800_000, 5_000_000)):
            found = index.search("FROMLONLAT", repr(longitude), repr(latitude), "BYRADIUS", repr(radius), "m")
            limit = (2 * sin(radius / 2 / EARTH_M)) ** 2
            inside = {n for n, square in enumerate(squares) if square < limit * (1 - DOUBT)}
            around = {n for n, square in enumerate(squares) if square < limit * (1 + DOUBT)}
            assert inside <= found <= around, (longitude, latitude, radius)
            total += len(found)
    assert total > PLACES


@pytest.mark.slow
def test_boxes_hold_what_lies_between_their_sides(index: Index) -> None:
    draw = Random(7)
    total = 0
    for longitude, latitude in centres(draw, 40):
        for most in (50_000, 800_000, 4_000_000):
            width, height = draw.uniform(most / 10, most), draw.uniform(most / 10, most)
            found = index.search("FROMLONLAT", repr(longitude), repr(latitude), "BYBOX", repr(width), repr(height), "m")
            degrees = height / 2 / EARTH_M * 180 / pi
            inside = set()
            around = set()
            for n, (x, y) in enumerate(index.places):
                if abs(y - latitude) > degrees * (1 + DOUBT):
                    continue
                across = 2 * EARTH_M * asin(cos(radians(y)) * abs(sin(radians(x - longitude) / 2)))
                if across < width / 2 * (1 + DOUBT):
                    around.add(n)
                    if across < width / 2 * (1 - DOUBT) and abs(y - latitude) < degrees * (1 - DOUBT):
                        inside.add(n)
            assert inside <= found <= around, (longitude, latitude, width, height)
            total += len(found)
    assert total > PLACES / 10


@pytest.mark.slow
def test_polygons_hold_what_lies_inside(index: Index) -> None:
    draw = Random(8)
    total = 0
    for longitude, latitude in centres(draw, 40):
        # Corners in any order around a place: their sides may cross.  What the map ends at, they stay within.
        size = draw.choice([0.5, 5.0, 40.0])
        corners = [
            (
                min(180.0, max(-180.0, longitude + draw.uniform(-size, size))),
                min(85.0, max(-85.0, latitude + draw.uniform(-size, size))),
            )
            for _ in range(draw.randrange(3, 9))
        ]
        words = [repr(number) for corner in corners for number in corner]
        found = index.search("BYPOLYGON", str(len(corners)), *words)
        wanted = set()
        for n, (x, y) in enumerate(index.places):
            # How often a way eastwards from the place crosses a side.
            crossed = 0
            for (a, b), (c, d) in zip(corners, corners[1:] + corners[:1], strict=True):
                if min(b, d) <= y < max(b, d) and a + (y - b) / (d - b) * (c - a) > x:
                    crossed += 1
            if crossed % 2:
                wanted.add(n)
        assert found == wanted, corners
        total += len(found)
    assert total > PLACES / 10
