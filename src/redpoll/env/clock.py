"""The clock.  It is passed to its users, so that a test can move it."""

from __future__ import annotations

from time import monotonic, sleep

from librt.time import time
from mypy_extensions import i64


class Clock:
    """The machine's clock.

    `now_us` is read once at the start of a unit; its end is the next one's start, so that `now`, the slow log
    and command statistics share one reading (some 25 ns).
    """

    def now_us(self) -> i64:
        """Microseconds since 1970, UTC."""
        return i64(time() * 1000000.0)

    def steady_us(self) -> i64:
        """Microseconds of a clock that nobody sets, since some moment before the program began."""
        return i64(monotonic() * 1000000.0)

    def sleep(self, seconds: float) -> None:
        """Make the whole program wait."""
        sleep(seconds)


class VirtualClock(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self, now_us: i64 = 1_700_000_000_000_000) -> None:
        self.at_us: i64 = now_us
        self.set_by_us: i64 = 0
        """By how much somebody has set the clock.  The steady clock does not know."""

    def now_us(self) -> i64:
        return self.at_us + self.set_by_us

    def steady_us(self) -> i64:
        return self.at_us

    def sleep(self, seconds: float) -> None:
        self.at_us += i64(seconds * 1000000.0)

    def advance_ms(self, ms: i64) -> None:
        """Let `ms` milliseconds pass at once."""
        self.at_us += ms * 1000
