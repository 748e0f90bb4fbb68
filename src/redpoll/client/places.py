"""Geo and HyperLogLog."""

from __future__ import annotations

from typing import Any

from redpoll.client.streams import StreamCalls
from redpoll.protocol.words import Text, Word, as_word, to_bytes, words


class PlaceCalls(StreamCalls):
    """The methods for geo indexes and HyperLogLogs."""

    def geoadd(self, key: Text, longitude: float, latitude: float, member: Word) -> int:
        """Add or move a place; return 1 if it is new.  O(log n)."""
        return self._int([b"GEOADD", to_bytes(key), as_word(longitude), as_word(latitude), as_word(member)])

    def geopos(self, key: Text, *members: Word) -> list[Any]:
        """Return longitude and latitude of each place, None where there is none.  O(1) each."""
        return self._list([b"GEOPOS", to_bytes(key), *words(members)])

    def geodist(self, key: Text, first: Word, second: Word, unit: Text = "m") -> bytes | None:
        """Return the distance between two places as text, or None.  O(1)."""
        return self._bytes([b"GEODIST", to_bytes(key), as_word(first), as_word(second), to_bytes(unit)])

    def geohash(self, key: Text, *members: Word) -> list[bytes | None]:
        """Return the geohash of each place, None where there is none.  O(1) each."""
        return self._list([b"GEOHASH", to_bytes(key), *words(members)])

    def geosearch(
        self,
        key: Text,
        longitude: float,
        latitude: float,
        radius: float,
        unit: Text = "m",
        count: int | None = None,
        withdist: bool = False,
    ) -> list[Any]:
        """Return the places within a radius, the nearest first.  O(places in the cells searched)."""
        args = [
            b"GEOSEARCH",
            to_bytes(key),
            b"FROMLONLAT",
            as_word(longitude),
            as_word(latitude),
            b"BYRADIUS",
            as_word(radius),
            to_bytes(unit),
            b"ASC",
        ]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        if withdist:
            args.append(b"WITHDIST")
        return self._list(args)

    def pfadd(self, key: Text, *elements: Word) -> bool:
        """Count elements; return whether the estimate may have changed.  O(1) each."""
        return self._flag([b"PFADD", to_bytes(key), *words(elements)])

    def pfcount(self, *keys: Text) -> int:
        """Return the approximate number of distinct elements.  Usually O(1) for one key."""
        return self._int([b"PFCOUNT", *words(keys)])

    def pfmerge(self, target: Text, *keys: Text) -> None:
        """Merge HyperLogLogs into `target`.  O(registers) each."""
        self._done([b"PFMERGE", to_bytes(target), *words(keys)])
