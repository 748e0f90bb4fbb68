"""The heaviest keys of a stream in bounded memory (the space-saving algorithm).

A new key replaces the key with the least weight, and inherits that weight as a possible error.  With `n` counters,
every key with more than 1/n of the total weight is counted.  Its true weight is between its weight minus the error
and its weight.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

LONGEST_KEY: Final = 1024
"""Longer keys are not counted, so that the counters never hold megabytes."""


@mypyc_attr(acyclic=True)
class TopKeys:
    """`counters` is the maximum number of keys at a time.  `add` is O(1) in most cases, O(counters) at worst."""

    def __init__(self, counters: i64) -> None:
        self.counters: i64 = counters
        self.places: Final[list[dict[bytes, int]]] = []
        """For each database: the counter of each key."""
        self.homes: vec[i64] = vec[i64]()
        self.names: Final[list[bytes]] = []
        """Of each counter: the database and the key."""
        self.weights: vec[i64] = vec[i64]()
        self.errors: vec[i64] = vec[i64]()
        self.least: i64 = 0
        """A lower bound of all weights once all counters are in use."""
        self.cursor: i64 = 0

    def add(self, db: i64, key: bytes, weight: i64) -> None:
        """Add `weight` to a key of a database."""
        if len(key) > LONGEST_KEY:
            return
        while len(self.places) <= db:
            self.places.append({})
        places = self.places[db]
        place = places.get(key)
        if place is not None:
            self.weights[place] += weight
            return
        count: i64 = len(self.names)
        if count < self.counters:
            places[key] = int(count)
            self.homes = append(self.homes, db)
            self.names.append(key)
            self.weights = append(self.weights, weight)
            self.errors = append(self.errors, 0)
            return
        at = self._lightest()
        del self.places[self.homes[at]][self.names[at]]
        places[key] = int(at)
        self.homes[at] = db
        self.names[at] = key
        self.errors[at] = self.weights[at]
        self.weights[at] += weight

    def _lightest(self) -> i64:
        """The index of a key with the least weight.

        Weights only grow, so the search first looks for the last least weight.
        """
        count: i64 = len(self.names)
        at = self.cursor
        for _ in range(count):
            at = at + 1 if at + 1 < count else i64(0)
            if self.weights[at] <= self.least:
                self.cursor = at
                return at
        n: i64 = 0
        while n < count:
            if self.weights[n] < self.weights[at]:
                at = n
            n += 1
        self.least = self.weights[at]
        self.cursor = at
        return at

    def heaviest(self, most: i64) -> list[tuple[int, int, bytes]]:
        """Up to `most` keys as (certain weight, database, key), the heaviest first.  O(counters log counters)."""
        found: list[tuple[int, int, bytes]] = []
        for n in range(len(self.names)):
            sure = int(self.weights[n] - self.errors[n])
            if sure > 0:
                found.append((sure, int(self.homes[n]), self.names[n]))
        found.sort(key=order_of)
        return found[:most]

    def clear(self) -> None:
        """Drop all counters."""
        self.places.clear()
        self.homes = vec[i64]()
        self.names.clear()
        self.weights = vec[i64]()
        self.errors = vec[i64]()
        self.least = 0
        self.cursor = 0


def order_of(row: tuple[int, int, bytes]) -> tuple[int, int, bytes]:
    return -row[0], row[1], row[2]
