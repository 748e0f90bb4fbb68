"""The store locator against distances by the haversine formula."""

from __future__ import annotations

import math

import pytest
import redis
from examples.store_locator import Locator, Shop, main, some_shops

LONGITUDE, LATITUDE = 13.3777, 52.5163
EARTH_KM = 6372.797560856


def haversine(shop: Shop) -> float:
    """Kilometres from the centre."""
    one, other = math.radians(LATITUDE), math.radians(shop.latitude)
    u = math.sin((other - one) / 2)
    v = math.sin(math.radians(shop.longitude - LONGITUDE) / 2)
    return 2 * EARTH_KM * math.asin(math.sqrt(u * u + math.cos(one) * math.cos(other) * v * v))


@pytest.fixture
def shops(client: redis.Redis) -> list[Shop]:
    made = some_shops(400, LONGITUDE, LATITUDE)
    Locator(client).put(made)
    return made


def test_near_finds_what_the_formula_finds(client: redis.Redis, shops: list[Shop]) -> None:
    locator = Locator(client)
    for km in (0.5, 2.0, 10.0):
        found = locator.near(LONGITUDE, LATITUDE, km)
        # A place is stored to about half a metre, so one that close to the circle may be on either side.
        surely = {shop.name for shop in shops if haversine(shop) < km - 0.001}
        perhaps = {shop.name for shop in shops if haversine(shop) < km + 0.001}
        assert surely <= {each.shop.name for each in found} <= perhaps
        assert [each.km for each in found] == sorted(each.km for each in found)
        assert all(each.km == pytest.approx(haversine(each.shop), abs=0.001) for each in found)
        assert all(each.shop in shops for each in found)


def test_kinds_hours_and_counts_narrow_the_search(client: redis.Redis, shops: list[Shop]) -> None:
    locator = Locator(client)
    books = locator.near(LONGITUDE, LATITUDE, 50, kind="books")
    assert {each.shop.name for each in books} <= {shop.name for shop in shops if shop.kind == "books"}
    assert locator.near(LONGITUDE, LATITUDE, 50, kind="books", count=3) == books[:3]
    assert all(each.shop.opens <= 7 for each in locator.open_near(LONGITUDE, LATITUDE, 50, 7))


def test_nearest_looks_as_far_as_it_must(client: redis.Redis, shops: list[Shop]) -> None:
    locator = Locator(client)
    bakeries = [shop for shop in shops if shop.kind == "bakery"]
    found = locator.nearest(LONGITUDE, LATITUDE, kind="bakery")
    assert found is not None and found.shop == min(bakeries, key=haversine)
    other_side = locator.nearest(LONGITUDE - 180, -LATITUDE)
    assert other_side is not None and other_side.km > 19_000
    assert locator.nearest(LONGITUDE, LATITUDE, kind="airport") is None


def test_a_map_shows_its_rectangle(client: redis.Redis) -> None:
    locator = Locator(client)
    one_km_north = Shop("north", "books", LONGITUDE, LATITUDE + 0.009)
    one_km_east = Shop("east", "books", LONGITUDE + 0.0148, LATITUDE)
    locator.put([one_km_north, one_km_east])
    assert [each.shop for each in locator.on_map(LONGITUDE, LATITUDE, 0.5, 4)] == [one_km_north]
    assert [each.shop for each in locator.on_map(LONGITUDE, LATITUDE, 4, 0.5)] == [one_km_east]
    assert locator.apart("north", "east") == pytest.approx(math.sqrt(2), abs=0.02)


def test_a_removed_shop_is_nowhere(client: redis.Redis) -> None:
    locator = Locator(client)
    locator.put([Shop("corner", "books", LONGITUDE, LATITUDE)])
    assert locator.remove("corner")
    assert not locator.remove("corner")
    assert locator.near(LONGITUDE, LATITUDE, 1) == []
    assert locator.apart("corner", "corner") is None
    assert client.dbsize() == 0


def test_the_demonstration(url: str, client: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--url", url, "--shops", "200", "--km", "5"])
    told = capsys.readouterr().out
    assert told.count(" km  ") == 5
    assert "the nearest bakery: bakery" in told
    assert client.dbsize() == 0
