"""redpoll: a data-structure server that speaks Redis, and the same engine inside a Python program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redpoll.build_info import VERSION as __version__
from redpoll.client import open_store as open
from redpoll.errors import CommandError, StoreError

if TYPE_CHECKING:
    from redpoll.client.store import Store
    from redpoll.scripting.definition import function
    from redpoll.scripting.python_api import FunctionApi

__all__ = ["CommandError", "FunctionApi", "Store", "StoreError", "__version__", "function", "open"]


def __getattr__(name: str) -> object:
    """Load these names on first use: `redpoll --version` needs no engine."""
    if name == "Store":
        from redpoll.client.store import Store

        return Store
    if name == "function":
        from redpoll.scripting.definition import function

        return function
    if name == "FunctionApi":
        from redpoll.scripting.python_api import FunctionApi

        return FunctionApi
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
