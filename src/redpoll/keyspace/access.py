"""The access clock: 24 bits of each key.  Under an LFU policy they store its frequency, otherwise its last use.

LRU: the second, modulo 2^24.  LFU: the minute modulo 2^16 when the key was used last, and below it a counter of 8 bits
that rises ever more slowly with use and falls with time.  Source: spec/values.md, section 5.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.structures.segment import CLOCK_MASK

COUNTING: Final[i64] = 1 << 24
"""`Moment.clock` under an LFU policy.  No key's clock equals it, so each look-up calls this module."""

FIRST_COUNT: Final[i64] = 5
"""The counter of a new key."""
MOST_COUNT: Final[i64] = 255
COUNT_MASK: Final[i64] = 255
COUNT_BITS: Final[i64] = 8
MINUTE_US: Final[i64] = 60_000_000
MINUTE_MASK: Final[i64] = 0xFFFF

DRAW_BITS: Final[i64] = 20
"""Bits of a random number; the state of the generator has 32."""
STATE_MASK: Final[i64] = (1 << 32) - 1


class Access:
    """Rules of the counters: `log_factor`, and `decay_minutes` after which a counter decreases by one (0: never)."""

    def __init__(self) -> None:
        self.log_factor: i64 = 10
        self.decay_minutes: i64 = 1
        self.state: i64 = 0x9E3779B9

    def seed(self, state: i64) -> None:
        """Set the state of the random generator."""
        self.state = (state & STATE_MASK) | 1

    def first(self, now_us: i64) -> i64:
        """The field of a new key under an LFU policy."""
        return minute_of(now_us) << COUNT_BITS | FIRST_COUNT

    def restored(self, counter: i64, now_us: i64) -> i64:
        """The field of a key from a file or payload with a counter; of a new key if `counter` is negative."""
        return minute_of(now_us) << COUNT_BITS | counter if counter >= 0 else self.first(now_us)

    def count(self, field: i64, now_us: i64) -> i64:
        """The current counter of a field: one less for each `decay_minutes` since the last use."""
        count = field & COUNT_MASK
        decay = self.decay_minutes
        if decay == 0:
            return count
        passed = (minute_of(now_us) - (field >> COUNT_BITS)) & MINUTE_MASK
        if passed < decay:
            return count
        count -= passed // decay
        return count if count > 0 else i64(0)

    def read(self, field: i64, now_us: i64) -> i64:
        """The field with its current counter and minute, so that the same time does not count twice."""
        return minute_of(now_us) << COUNT_BITS | self.count(field, now_us)

    def touched(self, field: i64, now_us: i64) -> i64:
        """The field after one more use: its counter rises with a chance of 1 in 1 + (counter - 5) * `log_factor`."""
        count = self.count(field, now_us)
        if count < MOST_COUNT:
            above = count - FIRST_COUNT
            if above <= 0 or self.log_factor == 0 or self._chance_in(above * self.log_factor + 1):
                count += 1
        return minute_of(now_us) << COUNT_BITS | count

    def _chance_in(self, number: i64) -> bool:
        """True with a probability of 1 / `number`."""
        state = self.state
        state ^= (state << 13) & STATE_MASK
        state ^= state >> 17
        state ^= (state << 5) & STATE_MASK
        self.state = state
        # Of 32 bits times a number of up to 40; the upper half of the product is even between 0 and `number` - 1.
        return (state >> (32 - DRAW_BITS)) * number < 1 << DRAW_BITS


def minute_of(now_us: i64) -> i64:
    """The minute modulo 2^16."""
    return (now_us // MINUTE_US) & MINUTE_MASK


def idle_seconds(field: i64, clock: i64) -> i64:
    """How long a key was not used, under any policy but an LFU one."""
    return (clock - field) & CLOCK_MASK
