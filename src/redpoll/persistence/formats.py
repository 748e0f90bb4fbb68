"""What the settings say of the form of snapshots and payloads."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.config.settings import Config
from redpoll.persistence import codes


def version_written(config: Config) -> i64:
    """The version that `rdb-format` asks for."""
    chosen = config.text(b"rdb-format")
    if chosen == b"redis0011":
        return codes.REDIS_11
    return codes.REDIS_10 if chosen == b"redis0010" else codes.VALKEY_80


def is_relaxed(config: Config) -> bool:
    """Whether versions to come are tried."""
    return config.text(b"rdb-version-check") == b"relaxed"


def keeps_idle_times(config: Config) -> bool:
    """Whether the policy of eviction is one that goes by when a key was used last, so that files tell it."""
    return b"lru" in config.text(b"maxmemory-policy")
