"""Three rate limiters in front of a costly service.

FixedWindow     one counter for each window: INCR and EXPIRE.  The cheapest, but twice the limit can pass around the
                border of two windows.
SlidingLog      the times of all calls in a sorted set.  Exact, and takes memory for each call.
SlidingCounter  two counters; the older one counts in part.  Nearly exact at the price of two numbers.

All of them work for any number of processes that share one redpoll.  None needs a script: INCR tells each caller its
own number, so no two callers take the same place.

    python examples/rate_limiter.py --url redis://127.0.0.1:6379
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

Clock = Callable[[], float]


@dataclass(frozen=True)
class Decision:
    """What a limiter says of one call; `retry_after` is in seconds, 0 for an allowed call."""

    allowed: bool
    remaining: int
    retry_after: float


class Limiter:
    """At most `limit` calls of one caller in `window` seconds."""

    def __init__(self, client: redis.Redis, name: str, limit: int, window: float, *, clock: Clock = time.time) -> None:
        self.client = client
        self.name = name
        self.limit = limit
        self.window = window
        self.clock = clock

    def ask(self, caller: str) -> Decision:
        """Count a call of `caller`, and say whether it may run."""
        raise NotImplementedError

    def _allowed(self, used: float) -> Decision:
        return Decision(True, max(0, int(self.limit - used)), 0.0)


class FixedWindow(Limiter):
    """One counter for each caller and window; a counter goes by itself after its window."""

    def ask(self, caller: str) -> Decision:
        now = self.clock()
        number = int(now // self.window)
        key = f"rate:{self.name}:{caller}:{number}"
        # Both in one transaction: a counter without a time to live would stay for ever.
        with self.client.pipeline() as both:
            both.incr(key)
            both.pexpire(key, int(self.window * 1000) + 1000)
            used = both.execute()[0]
        if used > self.limit:
            return Decision(False, 0, (number + 1) * self.window - now)
        return self._allowed(used)


class SlidingLog(Limiter):
    """The time of each call that was allowed, as the score of a sorted set."""

    def ask(self, caller: str) -> Decision:
        now = self.clock()
        key = f"rate:{self.name}:{caller}"
        entry = secrets.token_hex(8)
        with self.client.pipeline() as step:
            step.zremrangebyscore(key, "-inf", now - self.window)
            step.zadd(key, {entry: now})
            step.zcard(key)
            step.zrange(key, 0, 0, withscores=True)
            step.pexpire(key, int(self.window * 1000) + 1000)
            _, _, used, oldest, _ = step.execute()
        if used > self.limit:
            # Until this entry is gone another caller may see it and be refused: never too many, at worst one too few.
            self.client.zrem(key, entry)
            return Decision(False, 0, max(0.0, oldest[0][1] + self.window - now))
        return self._allowed(used)


class SlidingCounter(Limiter):
    """The counter of this window, and that of the last one as far as it reaches into the last `window` seconds."""

    def ask(self, caller: str) -> Decision:
        now = self.clock()
        number = int(now // self.window)
        passed = now / self.window - number
        current = f"rate:{self.name}:{caller}:{number}"
        last = f"rate:{self.name}:{caller}:{number - 1}"
        with self.client.pipeline() as step:
            step.incr(current)
            step.pexpire(current, int(self.window * 2000) + 1000)
            step.get(last)
            used, _, before = step.execute()
        estimate = used + int(before or 0) * (1.0 - passed)
        if estimate > self.limit:
            self.client.decr(current)
            return Decision(False, 0, self._wait(used - 1, int(before or 0), passed))
        return self._allowed(estimate)

    def _wait(self, used: int, before: int, passed: float) -> float:
        """Seconds until one more call fits: until enough of the last window has slid out, or of this one."""
        if used + 1 <= self.limit and before:
            return max(0.0, (1.0 - (self.limit - used - 1) / before - passed) * self.window)
        # This window alone is full; it slides out during the next one.
        left = (1.0 - passed) * self.window
        return left + max(0.0, 1.0 - (self.limit - 1) / max(1, used)) * self.window


class TooManyCalls(Exception):
    """The limiter refused a call."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"try again in {retry_after:.2f} seconds")
        self.retry_after = retry_after


class Translator:
    """A costly service: each call is paid for."""

    def __init__(self) -> None:
        self.calls = 0

    def translate(self, text: str) -> str:
        self.calls += 1
        return text[::-1]


class GuardedTranslator:
    """The service behind a limiter."""

    def __init__(self, service: Translator, limiter: Limiter) -> None:
        self.service = service
        self.limiter = limiter

    def translate(self, caller: str, text: str) -> str:
        """Call the service.  Raises TooManyCalls when `caller` has used up its share."""
        decision = self.limiter.ask(caller)
        if not decision.allowed:
            raise TooManyCalls(decision.retry_after)
        return self.service.translate(text)


KINDS: dict[str, type[Limiter]] = {
    "fixed window": FixedWindow,
    "sliding log": SlidingLog,
    "sliding counter": SlidingCounter,
}


def burst_around_the_border(client: redis.Redis, kind: type[Limiter], limit: int) -> int:
    """How many calls pass within a fifth of a window, half of them before its border and half behind it."""
    window = 60.0
    now = [window * 1000 - window / 10]
    limiter = kind(client, secrets.token_hex(4), limit, window, clock=lambda: now[0])
    passed = 0
    for _ in range(2):
        passed += sum(limiter.ask("alice").allowed for _ in range(2 * limit))
        now[0] += window / 5
    return passed


def main(words: list[str] | None = None) -> None:
    """Send bursts through each limiter, then guard a service."""
    parser = argparse.ArgumentParser(description="Compare three rate limiters.")
    parser.add_argument("--url", default="redis://127.0.0.1:6379")
    parser.add_argument("--limit", type=int, default=10)
    options = parser.parse_args(words)

    client: Any = redis.Redis.from_url(options.url, decode_responses=True)
    for name, kind in KINDS.items():
        passed = burst_around_the_border(client, kind, options.limit)
        print(
            f"{name}: of a burst around the border of two windows {passed} calls passed; the limit is {options.limit}"
        )

    service = Translator()
    guarded = GuardedTranslator(service, SlidingLog(client, secrets.token_hex(4), options.limit, 60.0))
    refused = 0
    for _ in range(options.limit + 5):
        try:
            guarded.translate("bob", "hello")
        except TooManyCalls:
            refused += 1
    print(f"bob called {options.limit + 5} times: the service ran {service.calls} times, {refused} calls were refused")
    client.close()


if __name__ == "__main__":
    main()
