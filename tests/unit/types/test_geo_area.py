"""Searches beside a look at every place, and the reference's cell sizes."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from redpoll.structures.btree import BTree
from redpoll.structures.ranked import Span, record
from redpoll.types.geo_area import Box, Polygon, Shape, ranges_of, steps_for
from redpoll.types.geo_walk import Places
from redpoll.types.geohash import place_of, score_of

GOLDEN = json.loads((Path(__file__).resolve().parents[2] / "golden" / "geo.json").read_text(encoding="utf-8"))
longitudes = st.floats(-60, 60)
latitudes = st.floats(-60, 60)


def test_cells_have_the_references_size() -> None:
    for case in GOLDEN["steps"]:
        assert steps_for(float(case["radius_m"]), float(case["lat"])) == case["step"]


def found(shape: Shape, scores: list[float]) -> list[float]:
    """The scores that a search finds, in its order; of one place each, packed, and in a tree of small leaves."""
    tree = BTree(64, 4)
    row = b""
    for score in sorted(scores):
        tree.insert(score, b"%.17g" % score)
        row += record(score, b"%.17g" % score)
    packed = Span()
    packed.blobs.append(b"before" + row + b"after")
    packed.start = 6
    packed.stop = 6 + len(row)
    places = Places(0)
    again = Places(0)
    for cell in ranges_of(shape):
        places.add_from(tree.span_between(cell.low, cell.high), shape, cell.low, cell.high)
        again.add_from(packed, shape, cell.low, cell.high)
    assert places.members == again.members == [b"%.17g" % score for score in places.scores]
    assert list(places.scores) == [
        score
        for cell in ranges_of(shape)
        for score in sorted(scores)
        if cell.low <= score < cell.high and shape.holds(place_of(score))
    ]
    return list(places.scores)


@given(
    st.lists(st.tuples(longitudes, latitudes), max_size=40, unique=True),
    longitudes,
    latitudes,
    st.floats(0, 2_000_000),
    st.floats(0, 2_000_000),
)
def test_nothing_is_overlooked(
    places: list[tuple[float, float]], longitude: float, latitude: float, size: float, other: float
) -> None:
    scores = sorted({score_of(*place) for place in places})
    for shape in (Shape(longitude, latitude, size), Box(longitude, latitude, size, other)):
        wanted = [score for score in scores if shape.holds(place_of(score))]
        assert sorted(found(shape, scores)) == wanted


def test_an_endless_radius_holds_everything() -> None:
    scores = [score_of(15.0, 37.0), score_of(-100.0, 10.0)]
    shape = Shape(15.0, 37.0, float("inf"))
    assert all(shape.holds(place_of(score)) for score in scores)
    assert found(shape, scores) != []


def test_a_polygon_holds_what_lies_between_its_corners() -> None:
    square = Polygon([0.0, 0.0, 10.0, 10.0], [0.0, 10.0, 10.0, 0.0])
    assert square.holds(place_of(score_of(5.0, 5.0)))
    assert not square.holds(place_of(score_of(15.0, 5.0)))
    assert found(square, [score_of(5.0, 5.0), score_of(15.0, 5.0)]) == [score_of(5.0, 5.0)]


def test_a_polygon_around_a_pole_finds_all_places_in_it() -> None:
    shape = Polygon([-180.0, 0.0, 180.0, 90.0, -90.0], [80.0, 85.0, 80.0, 70.0, 70.0])
    assert shape.latitude > 85.05112878
    scores = [score_of(float(x), float(y)) for x in range(-175, 180, 10) for y in range(-85, 86, 5)]
    wanted = [score for score in sorted(scores) if shape.holds(place_of(score))]
    assert wanted
    assert found(shape, scores) == wanted
