"""Expiry lags: a histogram of the milliseconds between the deadline and the deletion of keys."""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

MOST_MS: Final[i64] = 1023
"""The last class of the histogram; longer lags count here.  The maximum is kept exactly."""


class Lags:
    """See the module's docstring."""

    def __init__(self) -> None:
        self.counts = vec[i64]([i64(0)] * (int(MOST_MS) + 1))
        self.total: i64 = 0
        self.longest_ms: i64 = 0

    def add(self, lag_ms: i64) -> None:
        """Count a key that was deleted this long after its deadline."""
        if lag_ms > self.longest_ms:
            self.longest_ms = lag_ms
        if lag_ms > MOST_MS:
            lag_ms = MOST_MS
        elif lag_ms < 0:
            lag_ms = 0
        self.counts[lag_ms] += 1
        self.total += 1

    def percentile(self, percent: i64) -> i64:
        """A percentile in ms; 0 without keys."""
        wanted = (self.total * percent + 99) // 100
        seen: i64 = 0
        lag_ms: i64 = 0
        while lag_ms < MOST_MS:
            seen += self.counts[lag_ms]
            if seen >= wanted:
                return lag_ms
            lag_ms += 1
        return self.longest_ms

    def reset(self) -> None:
        """Drop all counts."""
        at: i64 = 0
        while at <= MOST_MS:
            self.counts[at] = 0
            at += 1
        self.total = 0
        self.longest_ms = 0
