"""The durations of a command: percentiles, and the doubling buckets of LATENCY HISTOGRAM."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.engine.counters import CELL_BITS, CELLS, Calls, end_of_step

BOUND_NS: Final = 1032
"""The bounds of the buckets are this many nanoseconds, doubled again and again, and shown in whole microseconds."""
BUCKETS: Final = 36


class Histogram:
    """The calls of one command: how many took how long, the shortest first."""

    def __init__(self, tracked: Calls, index: i64) -> None:
        self.usec: Final[list[int]] = []
        self.counts: Final[list[int]] = []
        self.calls = 0
        for took in range(CELLS):
            self._add(took, tracked.cells[(index << CELL_BITS) + took])
        long = tracked.long.get(index)
        if long is not None:
            for step in range(len(long.counts)):
                self._add(end_of_step(step), long.counts[step])

    def _add(self, usec: i64, count: i64) -> None:
        if count > 0:
            # A call that is shorter than the clock can measure counts as 1 µs.
            self.usec.append(int(usec) if usec > 0 else 1)
            self.counts.append(int(count))
            self.calls += int(count)

    def percentile(self, percent: float) -> int:
        """The percentile in microseconds; 0 without calls."""
        wanted = max(percent / 100.0 * self.calls, 1.0)
        passed = 0
        for n in range(len(self.counts)):
            passed += self.counts[n]
            if passed >= wanted:
                return self.usec[n]
        return self.usec[-1] if len(self.usec) > 0 else 0

    def buckets(self) -> list[tuple[int, int]]:
        """Upper bounds in microseconds, each with the number of calls up to it.

        Bounds without a call of their own are left out.
        """
        found: list[tuple[int, int]] = []
        passed = 0
        shown = 0
        n = 0
        for power in range(BUCKETS):
            bound = (BOUND_NS << power) // 1000
            while n < len(self.counts) and (self.usec[n] <= bound or power == BUCKETS - 1):
                passed += self.counts[n]
                n += 1
            if passed > shown:
                found.append((bound, passed))
                shown = passed
        return found
