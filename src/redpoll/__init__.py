"""redpoll: a data-structure server that speaks Redis, and the same engine inside a Python program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redpoll.build_info import VERSION as __version__
from redpoll.client import open_store as open
from redpoll.errors import CommandError, StoreError

if TYPE_CHECKING:
    from redpoll.client.store import Store

__all__ = ["CommandError", "Store", "StoreError", "__version__", "open"]


def __getattr__(name: str) -> object:
    """Load `redpoll.Store` on first use: `redpoll --version` needs no engine."""
    if name == "Store":
        from redpoll.client.store import Store

        return Store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
