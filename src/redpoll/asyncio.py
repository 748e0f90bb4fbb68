"""redpoll inside an asyncio program: `redpoll.asyncio.open`."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

from redpoll.client import open_store

if TYPE_CHECKING:
    from redpoll.client.store import Store

TICK_S: Final = 0.02
BUSY_S: Final = 0.001
"""Time between two ticks, and while a snapshot is being written."""


class OpenedStore:
    """What `open` returns, for `async with`: the store is open inside the block."""

    def __init__(
        self,
        path: str | bytes | os.PathLike[str] | None,
        databases: int,
        save: str | None,
        appendonly: bool | None,
        appendfsync: str,
    ) -> None:
        self.path: Final = path
        self.databases: Final = databases
        self.save: Final = save
        self.appendonly: Final = appendonly
        self.appendfsync: Final = appendfsync
        self.store: Store | None = None
        self.timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Store:
        if self.store is not None:
            raise RuntimeError("this store was opened before: call redpoll.asyncio.open again")
        store = open_store(
            self.path, self.databases, save=self.save, appendonly=self.appendonly, appendfsync=self.appendfsync
        )
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

    Save points, the syncs of an append-only file and the deletion of expired keys then need no calls.  The methods of
    the store are the same and are not awaited: most of them take a few microseconds.

    >>> async with redpoll.asyncio.open("data", appendonly=True) as store:
    ...     store.set("greeting", "hello")
    """
    return OpenedStore(path, databases, save, appendonly, appendfsync)
