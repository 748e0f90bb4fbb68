"""redpoll inside an asyncio program: `redpoll.asyncio.open`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from redpoll.client import open_store

if TYPE_CHECKING:
    from redpoll.client.store import Store

TICK_S: Final = 0.02
"""The time between two ticks."""
BUSY_S: Final = 0.001
"""The time between two ticks while a snapshot is being written."""


class OpenedStore:
    """What `open` returns, for `async with`: the store is open inside the block."""

    def __init__(self, opener: Callable[[], Store]) -> None:
        self.opener: Final = opener
        self.store: Store | None = None
        self.timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Store:
        if self.store is not None:
            raise RuntimeError("this store was opened before: call redpoll.asyncio.open again")
        store = self.opener()
        self.store = store
        self._tick_later(asyncio.get_running_loop(), store)
        return store

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if self.store is not None:
            self.store.close()

    def _tick_later(self, loop: asyncio.AbstractEventLoop, store: Store) -> None:
        wait_s = TICK_S if store.engine.durability.running is None else BUSY_S
        self.timer = loop.call_later(wait_s, self._tick, loop, store)

    def _tick(self, loop: asyncio.AbstractEventLoop, store: Store) -> None:
        if store.closed:
            return
        # First, so that an error in a tick does not end the ticks: the loop reports it.
        self._tick_later(loop, store)
        store.tick()


def open(
    path: str | bytes | os.PathLike[str] | None = None,
    databases: int = 16,
    *,
    save: str | None = None,
    appendonly: bool | None = None,
    appendfsync: str = "everysec",
) -> OpenedStore:
    """Open a store as `redpoll.open` does, for `async with`, and let the running loop do its background work.

    The loop then makes snapshots, syncs the append-only file and deletes expired keys without calls.  The methods of
    the store are the same and are not awaited: most of them take a few microseconds.

    >>> async with redpoll.asyncio.open("data", appendonly=True) as store:
    ...     store.set("greeting", "hello")
    """
    return OpenedStore(partial(open_store, path, databases, save=save, appendonly=appendonly, appendfsync=appendfsync))
