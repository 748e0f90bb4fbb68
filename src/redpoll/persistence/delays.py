"""Waits for each key, which tests use to make loading and saving slow."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.env.random import Random

KEY_LOAD_DELAY: Final = b"key-load-delay"
KEY_SAVE_DELAY: Final = b"rdb-key-save-delay"


def seconds_of(delay: i64, keys: i64, random: Random) -> float:
    """The wait for some keys: `delay` µs for each of them, or 1 µs for about one of -`delay` keys."""
    if delay >= 0:
        return float(delay * keys) / 1e6
    waits: i64 = 0
    for _ in range(keys):
        waits += int(random.below(-delay) == 0)
    return float(waits) / 1e6
