"""Places in order of distance, beside a sort of exact distances; and the digits of distances."""

from __future__ import annotations

from math import asin
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from redpoll.structures.ranked import Span, record
from redpoll.types.geo_area import Box, Shape
from redpoll.types.geo_walk import Places
from redpoll.types.geohash import MOST_SHORT, arc, distance, distance_text, fixed_text, place_of, score_of, short_arc


def found_in(shape: Shape, scores: list[float], most: int = 0) -> Places:
    """The places of an index that lie in a shape."""
    span = Span()
    span.blobs.append(b"".join(record(score, b"%d" % n) for n, score in enumerate(scores)))
    span.stop = len(span.blobs[0])
    shape.set_bounds()
    found = Places(most)
    found.add_from(span, shape, 0.0, 9e15)
    return found


# Mirrored around the centre, so that distances are equal or differ in the last bit only.
mirrored = st.lists(st.tuples(st.sampled_from([-1.0, -0.5, 0.25, 0.5, 1.0, 3.0, 100.0]), st.floats(-2, 2)), max_size=40)


@given(mirrored, st.booleans(), st.booleans())
def test_places_are_in_order_of_distance(steps: list[tuple[float, float]], farthest_first: bool, boxed: bool) -> None:
    scores = [score_of(10.0 + x, y) for x, y in steps]
    shape = Box(10.0, 0.0, 5_000_000.0, 900_000.0) if boxed else Shape(10.0, 0.0, 2_000_000.0)
    found = found_in(shape, scores)
    wanted = []
    for score in scores:
        place = place_of(score)
        if shape.holds(place):
            wanted.append((distance(10.0, 0.0, place.longitude, place.latitude), len(wanted)))
    assert [float(found.exact_metres(n)) for n in range(len(wanted))] == [metres for metres, _ in wanted]
    found.sort(farthest_first)
    in_order = sorted(wanted, key=lambda pair: -pair[0] if farthest_first else pair[0])
    assert [int(found.at(rank)) for rank in range(len(wanted))] == [n for _, n in in_order]
    for metres, n in wanted:
        assert found.distance_text(n, 1.0) == distance_text(metres, 1.0)
        assert found.distance_text(n, 1609.34) == distance_text(metres, 1609.34)


def test_a_search_ends_when_it_has_enough() -> None:
    scores = [score_of(10.0, 0.01 * n) for n in range(20)]
    found = found_in(Shape(10.0, 0.0, 100_000.0), scores, 3)
    assert found.is_full()
    assert found.members == [b"0", b"1", b"2"]
    found.sort(True)
    found.cut(2)
    assert [found.members[found.at(rank)] for rank in range(found.found())] == [b"2", b"1"]


def test_a_digit_in_doubt_is_that_of_the_exact_distance() -> None:
    places = found_in(Shape(10.0, 0.0, 100_000.0), [score_of(10.1, 0.1)])
    exact = places.exact_metres(0)
    # A unit in which the distance lies just beside the half of a digit, on the wrong side by its last bit.
    places.metres[0] = exact * (1 + 1e-15)
    unit = exact * 10000.0 / 12345.5
    assert places.distance_text(0, unit) == distance_text(exact, unit)


def test_short_arcs_are_right_but_for_the_last_bit() -> None:
    draw = Random(1)
    for _ in range(20_000):
        half = draw.random() * MOST_SHORT
        assert abs(short_arc(half) - arc(half)) <= arc(half) * 3e-16
    assert short_arc(0.0) == asin(0.0)


@given(st.integers(0, 10**13))
def test_four_digits_stand_after_the_point(n: int) -> None:
    assert fixed_text(float(n)) == b"%d.%04d" % (n // 10000, n % 10000)


def test_halves_go_to_the_even_digit() -> None:
    assert [fixed_text(n + 0.5) for n in range(4)] == [b"0.0000", b"0.0002", b"0.0002", b"0.0004"]
    assert fixed_text(99999.7) == b"10.0000"
