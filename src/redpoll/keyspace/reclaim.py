"""Frees the memory of dropped objects in small steps.

Freeing a table of a million keys takes a good part of a second.  Therefore a large container is not freed where it is
dropped: it comes here, and a timer frees it in small steps.  A string is freed at once: 0.1 ms per megabyte.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.env.clock import Clock
from redpoll.structures.segment import Outside
from redpoll.structures.table import Table

STEP: Final[i64] = 16
MOST_STEPS: Final[i64] = 400
"""How many small objects are freed between two readings of the clock, and how often at most."""

LARGE_BYTES: Final[i64] = 32768
"""An object beside its record is worth a slice of its own from this size on."""


class Reclaimer:
    """The objects that wait to be freed."""

    def __init__(self) -> None:
        self.tables: list[Table] = []
        self.objects: list[Outside] = []
        self.copies: list[Outside] = []
        """Objects that no key had: they do not count as freed."""
        self.freed: i64 = 0

    def drop(self, gone: Outside) -> None:
        """Take an object that left its table, to free it later.

        Not for strings: freeing them later costs as much, and the next string would get memory that is not in cache.
        """
        if gone.in_pieces() and gone.size_bytes() >= LARGE_BYTES:
            self.objects.append(gone)

    def drop_copy(self, gone: Outside) -> None:
        """Take a copy that a snapshot had of an object, to free it later."""
        if gone.size_bytes() >= LARGE_BYTES:
            self.copies.append(gone)

    def pending(self) -> int:
        """How many tables and objects wait."""
        return self.pending_objects() + len(self.copies)

    def pending_objects(self) -> int:
        """The same without copies."""
        return len(self.tables) + len(self.objects)

    def run(self, budget: i64) -> bool:
        """Free about `budget` small objects; return whether there is more to do."""
        while budget > 0 and len(self.objects) > 0:
            budget = self.objects[-1].release(budget)
            if budget > 0:
                self.objects.pop()
                self.freed += 1
        while budget > 0 and len(self.copies) > 0:
            budget = self.copies[-1].release(budget)
            if budget > 0:
                self.copies.pop()
        while budget > 0 and len(self.tables) > 0:
            table = self.tables[-1]
            budget = table.release(budget)
            if len(table.segments) == 0:
                self.freed += table.size
                self.tables.pop()
        return self.pending() > 0

    def run_for(self, clock: Clock, span_us: i64) -> None:
        """Free dropped objects for about `span_us`.

        Works in small steps, because freeing the last object of an arena takes a thousand times longer than others: it
        returns a megabyte to the system.  If the clock does not advance, it makes MOST_STEPS steps.
        """
        until: i64 = clock.now_us() + span_us
        steps: i64 = 0
        while self.run(STEP) and steps < MOST_STEPS and clock.now_us() < until:
            steps += 1

    def finish(self) -> None:
        """Free all that waits.  O(what waits)."""
        while self.run(1 << 20):
            pass
