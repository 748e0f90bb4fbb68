"""Geo beside the reference: recorded sessions, every option, and random places, shapes and orders."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.differential.pair import Pair
from tests.differential.transcripts import recorded, words

from redpoll.types.geo_area import Polygon
from redpoll.types.geohash import MOST_LATITUDE

SESSIONS = recorded("geo_hll_transcripts.json")


@pytest.mark.parametrize("name", ["geo", "geo options"])
def test_recorded_sessions(pair: Pair, name: str) -> None:
    for step in SESSIONS[name]:
        pair.do(*words(step))


def test_complaints_come_in_the_order_of_the_reference(pair: Pair) -> None:
    pair.do("GEOADD", "g", "13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "Catania")
    pair.play("""
        GEOADD
        GEOADD g 1 2
        GEOADD g NX XX CH 1 2 a
        GEOADD g 1 2 a 3
        GEOADD g 200 x a
        GEOADD g x 200 a
        GEOADD g 1 1 a 1 200 b
        GEOADD g FOO 1 a
        GEODIST g Palermo
        GEODIST g Palermo Catania km x y
        GEODIST g nope Catania xx
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km STORE d WITHDIST
        GEOSEARCH g WITHDIST WITHHASH WITHCOORD ASC ANY
        GEOSEARCH g ANY ASC BYRADIUS 1 km
        GEOSEARCH g ANY ASC FROMLONLAT 1 1
        GEOSEARCH g BYRADIUS -1 xx FROMLONLAT 15 37
        GEOSEARCH g BYRADIUS nan km FROMLONLAT 15 37
        GEOSEARCH g BYBOX 1 1 xx FROMLONLAT 15 37
        GEOSEARCH g BYBOX -1 x xx FROMLONLAT 15 37
        GEOSEARCH g BYPOLYGON 3 1 1 2 2 ASC ASC
        GEOSEARCH g BYPOLYGON -3 1 1 2 2 ASC ASC
        GEOSEARCH g BYPOLYGON 99999999999999999999 1 1 2 2 ASC
        GEOSEARCH g BYPOLYGON 9223372036854775807 1 1 2 2 ASC
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT -1
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 9223372036854775808
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 9223372036854775807
        GEOSEARCH g FROMMEMBER nope FROMLONLAT 1 1 BYRADIUS 1 km
        GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km WITHHASH ANY
        GEOSEARCHSTORE d g BYRADIUS 200 km WITHHASH ANY ASC ASC
        GEORADIUS g 15 37 200 km STORE d WITHDIST ANY
        GEORADIUS g 15 37 200 km ANY STORE d WITHDIST
        GEORADIUS g 15 37 200 km STORE
        GEORADIUS g 15 37 x xx
        GEORADIUS g 15 95 x xx
        GEORADIUS_RO g 15 37 200 km STOREDIST d
        GEORADIUSBYMEMBER g Palermo 200 km STORE g
        ZRANGE g 0 -1 WITHSCORES
        GEORADIUSBYMEMBER_RO g Palermo 200 km WITHDIST
        SET s x
        GEOSEARCHSTORE s g FROMLONLAT 15 37 BYRADIUS 2000 km
        TYPE s
        GEOSEARCHSTORE s nokey FROMLONLAT 15 37 BYRADIUS 2000 km
        EXISTS s
        SET s x
        GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 2000 km
        GEORADIUS s 95 95 x x
        GEORADIUSBYMEMBER s m x x
        COMMAND GETKEYS GEORADIUS g 15 37 200 km STORE d
        COMMAND GETKEYS GEORADIUS g 15 37 200 km STORE d STOREDIST e
        COMMAND GETKEYS GEORADIUSBYMEMBER g m 200 km STOREDIST e
        COMMAND GETKEYS GEORADIUSBYMEMBER g m 200 km
        COMMAND GETKEYS GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km
    """)


@pytest.mark.parametrize(
    "line",
    [
        "GEOADD z 1 1 a",
        "GEOSEARCHSTORE z g FROMLONLAT 15 37 BYRADIUS 2000 km",
        "GEORADIUS g 15 37 2000 km STORE z",
        "GEORADIUSBYMEMBER g Palermo 2000 km STOREDIST z",
    ],
)
def test_a_waiting_client_is_served(pair: Pair, line: str) -> None:
    pair.do("GEOADD", "g", "13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "Catania")
    waiting = pair.second()
    waiting.send("BZPOPMIN", "z", "0")
    while any(b"blocked_clients:1" not in (reply.text or b"") for reply in pair.both("INFO", "clients")):
        pass
    pair.do(*line.split())
    waiting.read()


def test_places_of_equal_distance_stay_in_order(pair: Pair) -> None:
    pair.do("GEOADD", "g", *(word for name in "abcd" for word in ("13", "38", name)), "14", "38", "e")
    for order in ("ASC", "DESC"):
        pair.do("GEOSEARCH", "g", "FROMLONLAT", "13", "37", "BYRADIUS", "400", "km", order, "WITHDIST")
        pair.do("GEOSEARCH", "g", "FROMLONLAT", "13", "37", "BYRADIUS", "400", "km", order, "COUNT", "3")


longitudes = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 180.0, 0.0, 179.99, -179.99, 13.3, 15.0]))
latitudes = st.one_of(
    st.floats(-85.05112878, 85.05112878), st.sampled_from([-85.05112878, 85.05112878, 0.0, 66.1, 80.1, 37.5, 84.9])
)
places = st.lists(st.tuples(longitudes, latitudes), min_size=1, max_size=30)
units = st.sampled_from(["m", "km", "mi", "ft"])
lengths = st.one_of(st.sampled_from([0.0, 1.0, 1000.0, 5000.0]), st.floats(0, 20000))
circles = st.tuples(st.just("BYRADIUS"), lengths, units)
boxes = st.tuples(st.just("BYBOX"), lengths, lengths, units)
orders = st.sampled_from([(), ("ASC",), ("DESC",)])
counts = st.sampled_from([(), ("COUNT", 2, "ANY"), ("COUNT", 1000, "ANY")])


def fill(pair: Pair, found: list[tuple[float, float]]) -> None:
    # Members in the order of their names, so that equal scores have one order.
    pair.do("GEOADD", "g", *[word for n, (x, y) in enumerate(found) for word in (repr(x), repr(y), f"p{n:02}")])


@pytest.mark.parametrize("longitude", ["180", "-180", "0"])
@pytest.mark.parametrize("latitude", ["85.05112878", "-85.05112878", "0"])
@pytest.mark.parametrize("radius", ["0", "1", "500", "2000", "6000", "9000", "12000"])
def test_circles_around_the_edges_of_the_map(pair: Pair, longitude: str, latitude: str, radius: str) -> None:
    edges = [(x, y) for x in (-180.0, 0.0, 180.0) for y in (-85.05112878, -60.0, 0.0, 60.0, 85.05112878)]
    fill(pair, edges)
    pair.do("GEOSEARCH", "g", "FROMLONLAT", longitude, latitude, "BYRADIUS", radius, "km")
    pair.do("GEOSEARCH", "g", "FROMLONLAT", longitude, latitude, "BYBOX", radius, radius, "km")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(found=places, at=st.tuples(longitudes, latitudes), shape=st.one_of(circles, boxes), order=orders, count=counts)
def test_random_circles_and_boxes(
    pair: Pair,
    found: list[tuple[float, float]],
    at: tuple[float, float],
    shape: tuple[object, ...],
    order: tuple[object, ...],
    count: tuple[object, ...],
) -> None:
    pair.fresh()
    fill(pair, found)
    wanted = [
        "FROMLONLAT",
        repr(at[0]),
        repr(at[1]),
        *[word if isinstance(word, str) else repr(word) for word in shape],
    ]
    if order:
        # Places equally far away have no order.
        pair.unordered("GEOSEARCH", "g", *wanted, *order, "WITHDIST", "WITHHASH", "WITHCOORD")
    else:
        pair.do("GEOSEARCH", "g", *wanted, *count, "WITHDIST", "WITHHASH", "WITHCOORD")
    pair.do("GEOSEARCHSTORE", "d", "g", *wanted, "STOREDIST")
    pair.do("ZRANGE", "d", 0, -1, "WITHSCORES")
    pair.do("GEOSEARCHSTORE", "d", "g", *wanted)
    pair.do("DEBUG", "DIGEST")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(found=places, corners=st.lists(st.tuples(longitudes, st.floats(-80, 80)), min_size=3, max_size=7))
def test_random_polygons(pair: Pair, found: list[tuple[float, float]], corners: list[tuple[float, float]]) -> None:
    # What the reference finds around a pole is undefined: docs/differences.md, `geo-polygon-pole`.
    assume(abs(Polygon([x for x, _ in corners], [y for _, y in corners]).latitude) <= MOST_LATITUDE)
    pair.fresh()
    fill(pair, found)
    flat = [repr(each) for corner in corners for each in corner]
    pair.do("GEOSEARCH", "g", "BYPOLYGON", len(corners), *flat, "WITHDIST")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(found=places)
def test_random_places(pair: Pair, found: list[tuple[float, float]]) -> None:
    pair.fresh()
    fill(pair, found)
    names = [f"p{n:02}" for n in range(len(found))]
    pair.do("GEOPOS", "g", *names)
    pair.do("GEOHASH", "g", *names)
    pair.do("ZRANGE", "g", 0, -1, "WITHSCORES")
    pair.do("GEODIST", "g", names[0], names[-1])
    pair.do("GEODIST", "g", names[-1], names[0], "ft")
