"""redpoll: a data-structure server that speaks Redis, and the same engine inside a Python program."""

from __future__ import annotations

from redpoll.client import open_store as open
from redpoll.errors import CommandError
from redpoll.build_info import VERSION as __version__

__all__ = ["CommandError", "__version__", "open"]
