"""Polling of descriptors: epoll on Linux, kqueue on macOS, with a common interface."""

from __future__ import annotations

import sys
from typing import Final

from mypy_extensions import i64

READABLE: Final = 1
WRITABLE: Final = 2


class Poller:
    """Level-triggered readiness.  `events` are READABLE and WRITABLE added up."""

    name = "none"

    def fileno(self) -> int:
        """A descriptor that can itself be polled, for example by an asyncio program."""
        raise NotImplementedError

    def watch(self, fd: int, events: int, known: bool) -> None:
        """Watch a descriptor, or (`known`) change its events."""
        raise NotImplementedError

    def forget(self, fd: int) -> None:
        raise NotImplementedError

    def wait(self, timeout_ms: i64) -> list[tuple[int, int]]:
        """Wait at most this long (negative: for ever); return descriptors and their events."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def is_readable(mask: int) -> bool:
    """Whether a mask of `wait` says that reading will not block: data, a hang-up or an error."""
    return mask & ~4 != 0


def is_writable(mask: int) -> bool:
    return mask & 4 != 0


def new_poller() -> Poller:
    """The best poller of this system."""
    if sys.platform == "darwin":
        from redpoll.net.poller_kqueue import KqueuePoller

        return KqueuePoller()
    from redpoll.net.poller_epoll import EpollPoller

    return EpollPoller()
