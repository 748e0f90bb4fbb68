"""The heaviest keys of a stream in bounded memory (the space-saving algorithm).

A key that is not counted yet takes the place of the lightest one and inherits its weight as a possible error.  So with
`n` counters each key that has more than 1/n of all weight is among them, and its true weight is at most its weight and
at least that without the error.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

LONGEST_KEY: Final = 1024
"""Longer keys are not counted: counters shall not hold megabytes."""


@mypyc_attr(acyclic=True)
class TopKeys:
    """`counters` bounds the number of keys counted at a time.  Adding is O(1) mostly, and O(counters) at most."""

    def __init__(self, counters: i64) -> None:
        self.counters: i64 = counters
        self.places: Final[dict[tuple[int, bytes], int]] = {}
        self.names: Final[list[tuple[int, bytes]]] = []
        self.weights: vec[i64] = vec[i64]()
        self.errors: vec[i64] = vec[i64]()
        self.least: i64 = 0
        """No weight is below it, once all counters are taken."""
        self.cursor: i64 = 0

    def add(self, db: int, key: bytes, weight: i64) -> None:
        """Count `weight` for a key of a database."""
        if len(key) > LONGEST_KEY:
            return
        name = (db, key)
        place = self.places.get(name)
        if place is not None:
            self.weights[place] += weight
            return
        count: i64 = len(self.names)
        if count < self.counters:
            self.places[name] = int(count)
            self.names.append(name)
            self.weights = append(self.weights, weight)
            self.errors = append(self.errors, 0)
            return
        at = self._lightest()
        del self.places[self.names[at]]
        self.places[name] = int(at)
        self.names[at] = name
        self.errors[at] = self.weights[at]
        self.weights[at] += weight

    def _lightest(self) -> i64:
        """The place of a key that none is lighter than.

        Weights only grow, so the least of before is looked for first.
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
        """Up to `most` keys as (weight that is sure, database, key), the heaviest first.  O(counters log counters)."""
        found: list[tuple[int, int, bytes]] = []
        for n in range(len(self.names)):
            sure = int(self.weights[n] - self.errors[n])
            if sure > 0:
                found.append((sure, self.names[n][0], self.names[n][1]))
        found.sort(key=order_of)
        return found[:most]

    def clear(self) -> None:
        """Forget everything."""
        self.places.clear()
        self.names.clear()
        self.weights = vec[i64]()
        self.errors = vec[i64]()
        self.least = 0
        self.cursor = 0


def order_of(row: tuple[int, int, bytes]) -> tuple[int, int, bytes]:
    return -row[0], row[1], row[2]
