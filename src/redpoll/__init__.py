"""redpoll: a data-structure server that speaks Redis, and the same engine inside a Python program."""

from __future__ import annotations

from redpoll.build_info import VERSION as __version__
from redpoll.client import open_store as open
from redpoll.errors import CommandError

__all__ = ["CommandError", "__version__", "open"]
