"""A store locator: the shops near a place, on a map, of a kind.

Each kind of shop has a geo key, and one key has all shops.  A shop's details are a hash, so that a search answers with
names and distances, and only what is shown is read.

    python examples/store_locator.py --url redis://127.0.0.1:6379 --lon 13.3777 --lat 52.5163 --km 3
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

FURTHEST_KM = 20_100.0
"""Half of the way round the earth: a search this wide finds everything."""


@dataclass(frozen=True)
class Shop:
    """A shop, where it is (degrees), and when it is open (hours of the day)."""

    name: str
    kind: str
    longitude: float
    latitude: float
    opens: int = 9
    closes: int = 18


@dataclass(frozen=True)
class Found:
    """A shop of an answer, with its distance in kilometres."""

    shop: Shop
    km: float


class Locator:
    """All shops of one chain of keys."""

    def __init__(self, client: redis.Redis, name: str = "shops") -> None:
        self.client = client
        self.name = name

    def _places(self, kind: str | None) -> str:
        return f"{self.name}:kind:{kind}" if kind else f"{self.name}:all"

    def _details(self, shop: str) -> str:
        return f"{self.name}:shop:{shop}"

    def put(self, shops: Iterable[Shop]) -> None:
        """Add shops; one that is there already must keep its kind, or be removed before."""
        with self.client.pipeline() as step:
            for shop in shops:
                place: Any = (shop.longitude, shop.latitude, shop.name)
                step.geoadd(self._places(None), place)
                step.geoadd(self._places(shop.kind), place)
                details: Any = {
                    "kind": shop.kind,
                    "longitude": repr(shop.longitude),
                    "latitude": repr(shop.latitude),
                    "opens": shop.opens,
                    "closes": shop.closes,
                }
                step.hset(self._details(shop.name), mapping=details)
            step.execute()

    def remove(self, name: str) -> bool:
        """Take a shop off every key; whether it was there."""
        kind: Any = self.client.hget(self._details(name), "kind")
        if kind is None:
            return False
        with self.client.pipeline() as step:
            step.zrem(self._places(None), name)
            step.zrem(self._places(kind), name)
            step.delete(self._details(name))
            step.execute()
        return True

    def near(
        self, longitude: float, latitude: float, km: float, *, kind: str | None = None, count: int | None = None
    ) -> list[Found]:
        """The shops within `km` of a place, the nearest first, at most `count`."""
        rows: Any = self.client.geosearch(
            self._places(kind),
            longitude=longitude,
            latitude=latitude,
            radius=km,
            unit="km",
            sort="ASC",
            count=count,
            withdist=True,
        )
        return self._found(rows)

    def nearest(self, longitude: float, latitude: float, *, kind: str | None = None) -> Found | None:
        """The nearest shop however far away.  The circle grows, so a near one is found without looking at all."""
        km = 1.0
        while True:
            found = self.near(longitude, latitude, km, kind=kind, count=1)
            if found:
                return found[0]
            if km >= FURTHEST_KM:
                return None
            km = min(km * 4, FURTHEST_KM)

    def on_map(self, longitude: float, latitude: float, width_km: float, height_km: float) -> list[Found]:
        """The shops of a map's rectangle around its centre, the nearest first."""
        rows: Any = self.client.geosearch(
            self._places(None),
            longitude=longitude,
            latitude=latitude,
            width=width_km,
            height=height_km,
            unit="km",
            sort="ASC",
            withdist=True,
        )
        return self._found(rows)

    def open_near(self, longitude: float, latitude: float, km: float, hour: int) -> list[Found]:
        """The shops within `km` that are open at an hour of the day."""
        return [found for found in self.near(longitude, latitude, km) if found.shop.opens <= hour < found.shop.closes]

    def apart(self, one: str, other: str) -> float | None:
        """Kilometres between two shops; None if one of them is not there."""
        km: Any = self.client.geodist(self._places(None), one, other, unit="km")
        return None if km is None else float(km)

    def _found(self, rows: list[Any]) -> list[Found]:
        """Read the details of the shops found, with one trip to the server."""
        with self.client.pipeline(transaction=False) as step:
            for name, _ in rows:
                step.hgetall(self._details(name))
            details = step.execute()
        return [
            Found(_shop(name, each), float(km))
            for (name, km), each in zip(rows, details, strict=True)
            if each  # removed meanwhile
        ]


def _shop(name: str, details: dict[str, str]) -> Shop:
    return Shop(
        name,
        details["kind"],
        float(details["longitude"]),
        float(details["latitude"]),
        int(details["opens"]),
        int(details["closes"]),
    )


def some_shops(count: int, longitude: float, latitude: float, seed: int = 1) -> list[Shop]:
    """Shops strewn around a place, most of them near it."""
    draw = random.Random(seed)
    shops = []
    for number in range(count):
        kind = draw.choice(["bakery", "books", "bicycles"])
        opens = draw.randrange(6, 11)
        way, angle = draw.expovariate(1 / 0.05), draw.uniform(0, 2 * math.pi)
        shops.append(
            Shop(
                f"{kind} {number}",
                kind,
                longitude + way * math.cos(angle),
                latitude + way * math.sin(angle),
                opens,
                opens + 9,
            )
        )
    return shops


def main(words: list[str] | None = None) -> None:
    """Strew shops around a place and search among them."""
    parser = argparse.ArgumentParser(description="Find shops near a place.")
    parser.add_argument("--url", default="redis://127.0.0.1:6379")
    parser.add_argument("--shops", type=int, default=1000)
    parser.add_argument("--lon", type=float, default=13.3777)
    parser.add_argument("--lat", type=float, default=52.5163)
    parser.add_argument("--km", type=float, default=1.0)
    options = parser.parse_args(words)

    client = redis.Redis.from_url(options.url, decode_responses=True)
    locator = Locator(client, "demo:shops")
    shops = some_shops(options.shops, options.lon, options.lat)
    locator.put(shops)
    for found in locator.near(options.lon, options.lat, options.km, count=5):
        print(f"{found.km:7.3f} km  {found.shop.name}")
    bakery = locator.nearest(options.lon, options.lat, kind="bakery")
    print("the nearest bakery:", bakery.shop.name if bakery else "none")
    print(f"open at 8 within {options.km} km:", len(locator.open_near(options.lon, options.lat, options.km, 8)))
    print("on a map of 4 km by 3 km:", len(locator.on_map(options.lon, options.lat, 4, 3)))
    for shop in shops:
        locator.remove(shop.name)
    client.close()


if __name__ == "__main__":
    main()
