"""Rates and peaks: what INFO shows as `instantaneous_*`, `client_recent_max_*` and `used_memory_peak`.

A timer calls `sample` every 100 ms; a rate is the mean of the last 16.  Buffers are looked at once a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine

SAMPLE_MS: Final[i64] = 100
KEPT: Final = 16
RECENT_SECONDS: Final = 8


@mypyc_attr(acyclic=True)
class Rate:
    """How fast a sum grows, a second."""

    def __init__(self) -> None:
        self.samples: Final[list[float]] = [0.0] * KEPT
        self.next = 0
        self.before: i64 = 0

    def add(self, total: i64, passed_us: i64) -> None:
        """Add a sample: the sum is `total`, `passed_us` after the last sample."""
        grown = total - self.before
        self.before = total
        rate = float(grown) * 1e6 / float(passed_us) if grown > 0 and passed_us > 0 else 0.0
        self.samples[self.next] = rate
        self.next = (self.next + 1) % KEPT

    def reset(self) -> None:
        """Reset the sum and the rate."""
        self.before = 0
        for n in range(KEPT):
            self.samples[n] = 0.0

    def mean(self) -> float:
        total = 0.0
        for sample in self.samples:
            total += sample
        return total / KEPT


@mypyc_attr(acyclic=True)
class Recent:
    """The greatest size of the last seconds, sampled once a second."""

    def __init__(self) -> None:
        self.sizes: Final[list[i64]] = [0] * RECENT_SECONDS
        self.next = 0

    def add(self, size: i64) -> None:
        self.sizes[self.next] = size
        self.next = (self.next + 1) % RECENT_SECONDS

    def most(self) -> i64:
        return max(self.sizes)


class Sampler:
    """The rates of one engine, and the greatest memory seen."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self.at_us: i64 = engine.moment.now_us
        self.commands: Final = Rate()
        self.received: Final = Rate()
        self.sent: Final = Rate()
        self.received_of_primary: Final = Rate()
        self.sent_to_replicas: Final = Rate()
        self.turns: Final = Rate()
        self.active: Final = Rate()
        self.requests: Final = Recent()
        """The largest request that a client had not sent whole."""
        self.replies: Final = Recent()
        """The most that a client had not read."""
        self.peak_bytes: i64 = 0
        self.peak_at_us: i64 = engine.moment.now_us

    def sample(self, now_us: i64) -> None:
        """Take one sample.  O(databases)."""
        engine = self.engine
        traffic = engine.traffic
        passed_us = now_us - self.at_us
        self.at_us = now_us
        self.commands.add(traffic.commands, passed_us)
        self.received.add(traffic.received, passed_us)
        self.sent.add(traffic.sent, passed_us)
        self.received_of_primary.add(traffic.received_of_primary, passed_us)
        self.sent_to_replicas.add(traffic.sent_to_replicas, passed_us)
        self.turns.add(traffic.turns, passed_us)
        self.active.add(traffic.active_us, passed_us)
        self.note_memory(now_us)

    def reset(self) -> None:
        """CONFIG RESETSTAT: reset all rates.  The peak stays."""
        links = (self.received_of_primary, self.sent_to_replicas)
        for rate in (self.commands, self.received, self.sent, *links, self.turns, self.active):
            rate.reset()

    def note_memory(self, now_us: i64) -> i64:
        """Update the peak of memory."""
        used = self.engine.used_memory()
        if used > self.peak_bytes:
            self.peak_bytes = used
            self.peak_at_us = now_us
        return used

    def turn_us(self) -> i64:
        """The recent duration of a turn of the loop, without its wait."""
        turns = self.turns.mean()
        return i64(self.active.mean() / turns) if turns > 0 else i64(0)
