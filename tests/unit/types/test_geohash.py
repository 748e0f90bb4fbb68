"""Cells, places and distances against recorded ones."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from redpoll.protocol.numbers import format_double
from redpoll.protocol.reply import Coordinate
from redpoll.types.geohash import distance, distance_text, geohash_text, place_of, score_of, spread, squash

GOLDEN = json.loads((Path(__file__).resolve().parents[2] / "golden" / "geo.json").read_text(encoding="utf-8"))
UNITS = {"m": 1.0, "km": 1000.0, "ft": 0.3048, "mi": 1609.34}


def test_points_are_the_recorded_ones() -> None:
    for case in GOLDEN["points"]:
        score = score_of(float(case["lon"]), float(case["lat"]))
        assert format_double(score).decode() == case["score"]
        place = place_of(score)
        texts = [Coordinate(place.longitude).text().decode(), Coordinate(place.latitude).text().decode()]
        assert texts == case["geopos"]
        assert geohash_text(score).decode() == case["geohash"]


def test_distances_are_the_recorded_ones() -> None:
    for case in GOLDEN["distances"]:
        ends = [place_of(score_of(*map(float, case[end].split(",")))) for end in ("from", "to")]
        metres = ends[0].distance_to(ends[1].longitude, ends[1].latitude)
        assert {unit: distance_text(metres, size).decode() for unit, size in UNITS.items()} == {
            unit: case[unit] for unit in UNITS
        }


@given(st.integers(0, (1 << 27) - 1))
def test_bits_are_spread_and_squashed(n: int) -> None:
    apart = spread(n)
    assert int(apart) == sum((n >> bit & 1) << 2 * bit for bit in range(27))
    assert squash(apart) == n


@given(st.floats(-180, 180), st.floats(-85.05112878, 85.05112878))
def test_a_place_is_found_again_within_its_cell(longitude: float, latitude: float) -> None:
    place = place_of(score_of(longitude, latitude))
    assert abs(place.longitude - longitude) <= 360 / 2**26
    # At longitude 180 the score has a 54th bit, and a double loses the lowest one.
    assert abs(place.latitude - latitude) <= (171 if abs(longitude) < 179.99999 else 342) / 2**26
    assert score_of(place.longitude, place.latitude) == score_of(longitude, latitude) or abs(longitude) > 179.99999


def test_a_point_is_no_way_from_itself() -> None:
    assert distance(13.0, 50.0, 13.0, 50.0) == 0.0
