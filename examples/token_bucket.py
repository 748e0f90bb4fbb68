"""A token bucket as a server-side function in Python: the server decides, and one call is enough.

Each caller has a bucket with room for `capacity` tokens, and gets `rate` tokens a second.  A call takes one token; if
there is none, the caller learns how long it has to wait.  A burst of `capacity` calls passes at once.

The function runs inside the server, so nobody else changes the bucket meanwhile, and the clock of the server counts.

    redpoll server --functions examples/token_bucket.py
    python examples/token_bucket.py --url redis://127.0.0.1:6379
    redis-cli FCALL take_token 1 bucket:alice 10 5

A program that embeds redpoll registers the same function: `store.register_function(take_token)`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import redis

import redpoll


@redpoll.function(description="Take a token: KEY CAPACITY RATE; returns allowed, tokens left, ms to wait")
def take_token(api: redpoll.FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
    """Take one token from the bucket `keys[0]`."""
    if len(keys) != 1 or len(args) != 2:
        raise redpoll.CommandError(b"ERR take_token needs one key, a capacity and a rate")
    capacity, rate = float(args[0]), float(args[1])
    if capacity < 1 or rate <= 0:
        raise redpoll.CommandError(b"ERR the capacity is at least 1, and the rate is positive")
    now = api.now()
    tokens, since = api.call("HMGET", keys[0], "tokens", "since")
    left = capacity
    if tokens is not None and since is not None:
        left = min(capacity, float(tokens) + max(0.0, now - float(since)) * rate)
    allowed = left >= 1
    if allowed:
        left -= 1
    api.call("HSET", keys[0], "tokens", left, "since", now)
    # A bucket that would be full again needs no key.
    api.call("PEXPIRE", keys[0], int((capacity - left) / rate * 1000) + 1)
    wait_ms = 0 if allowed else int((1 - left) / rate * 1000) + 1
    return [int(allowed), int(left), wait_ms]


@dataclass(frozen=True)
class Decision:
    """What the bucket says of one call; `retry_after` is in seconds, 0 for an allowed call."""

    allowed: bool
    remaining: int
    retry_after: float


class TokenBucket:
    """Buckets of a size, one for each caller, behind the function of the server."""

    def __init__(self, client: redis.Redis, name: str, capacity: int, rate: float) -> None:
        self.client: Any = client
        self.name = name
        self.capacity = capacity
        self.rate = rate

    def ask(self, caller: str) -> Decision:
        """Take a token of `caller`."""
        key = f"bucket:{self.name}:{caller}"
        allowed, left, wait_ms = self.client.fcall("take_token", 1, key, self.capacity, self.rate)
        return Decision(allowed == 1, left, wait_ms / 1000)


def main(words: list[str] | None = None) -> None:
    """Send a burst, and tell what passed."""
    parser = argparse.ArgumentParser(description="Limit a burst of calls with a token bucket.")
    parser.add_argument("--url", default="redis://127.0.0.1:6379")
    parser.add_argument("--capacity", type=int, default=10)
    parser.add_argument("--rate", type=float, default=1.0)
    options = parser.parse_args(words)
    with redis.Redis.from_url(options.url, decode_responses=True) as client:
        client.delete("bucket:demo:alice")
        bucket = TokenBucket(client, "demo", options.capacity, options.rate)
        decisions = [bucket.ask("alice") for _ in range(2 * options.capacity)]
        passed = sum(decision.allowed for decision in decisions)
        print(f"of {len(decisions)} calls {passed} passed; the next one may come in {decisions[-1].retry_after:.1f} s")


if __name__ == "__main__":
    main()
