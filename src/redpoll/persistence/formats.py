"""The settings for the format of snapshots and payloads."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.config.settings import Config
from redpoll.persistence import codes

NO_USES: Final[i64] = 0
IDLE_TIMES: Final[i64] = 1
COUNTERS: Final[i64] = 2
"""Which information about the use of keys a file stores."""


def version_written(config: Config) -> i64:
    """The version that `rdb-format` asks for."""
    chosen = config.text(b"rdb-format")
    if chosen == b"redis0011":
        return codes.REDIS_11
    return codes.REDIS_10 if chosen == b"redis0010" else codes.VALKEY_80


def is_relaxed(config: Config) -> bool:
    """Whether to try files of newer versions."""
    return config.text(b"rdb-version-check") == b"relaxed"


def uses_written(config: Config) -> i64:
    """Which information about the use of keys to store: the one that the eviction policy uses."""
    policy = config.text(b"maxmemory-policy")
    if b"lru" in policy:
        return IDLE_TIMES
    return COUNTERS if b"lfu" in policy else NO_USES
