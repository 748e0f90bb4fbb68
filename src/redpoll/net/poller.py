"""Which descriptors are ready: epoll on Linux, kqueue on macOS, behind one small class."""

from __future__ import annotations

import select
import sys
from typing import Final

from mypy_extensions import i64

READABLE: Final = 1
WRITABLE: Final = 2


class Poller:
    """Level-triggered readiness.  `events` are READABLE and WRITABLE added up."""

    name = "none"

    def fileno(self) -> int:
        """A descriptor that is itself pollable: an asyncio program can attach it."""
        raise NotImplementedError

    def watch(self, fd: int, events: int, known: bool) -> None:
        """Watch a descriptor, or (`known`) change for what."""
        raise NotImplementedError

    def forget(self, fd: int) -> None:
        raise NotImplementedError

    def wait(self, timeout_ms: i64) -> list[tuple[int, int]]:
        """Descriptors and what they are ready for; waits at most so long, for ever if below 0."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


if sys.platform == "linux":

    class EpollPoller(Poller):
        """epoll: its masks for reading and writing are 1 and 4."""

        name = "epoll"

        def __init__(self) -> None:
            self.epoll = select.epoll()

        def fileno(self) -> int:
            return self.epoll.fileno()

        def watch(self, fd: int, events: int, known: bool) -> None:
            mask = (select.EPOLLIN if events & READABLE else 0) | (select.EPOLLOUT if events & WRITABLE else 0)
            if known:
                self.epoll.modify(fd, mask)
            else:
                self.epoll.register(fd, mask)

        def forget(self, fd: int) -> None:
            self.epoll.unregister(fd)

        def wait(self, timeout_ms: i64) -> list[tuple[int, int]]:
            ready: list[tuple[int, int]] = self.epoll.poll(-1 if timeout_ms < 0 else float(timeout_ms) / 1000.0, 512)
            return ready

        def close(self) -> None:
            self.epoll.close()


def is_readable(mask: int) -> bool:
    """Whether a mask of `wait` says that reading will not block: data, a hang-up or an error."""
    return mask & ~4 != 0


def is_writable(mask: int) -> bool:
    return mask & 4 != 0


if sys.platform == "darwin":

    class KqueuePoller(Poller):
        """kqueue, with its answers in epoll's masks."""

        name = "kqueue"

        def __init__(self) -> None:
            self.kqueue = select.kqueue()
            self.writing: set[int] = set()

        def fileno(self) -> int:
            return self.kqueue.fileno()

        def watch(self, fd: int, events: int, known: bool) -> None:
            if not known:
                self._control(fd, select.KQ_FILTER_READ, select.KQ_EV_ADD)
            if events & WRITABLE and fd not in self.writing:
                self.writing.add(fd)
                self._control(fd, select.KQ_FILTER_WRITE, select.KQ_EV_ADD)
            elif not events & WRITABLE and fd in self.writing:
                self.writing.discard(fd)
                self._control(fd, select.KQ_FILTER_WRITE, select.KQ_EV_DELETE)

        def forget(self, fd: int) -> None:
            # Closing a descriptor takes it out of the queue by itself.
            self.writing.discard(fd)

        def wait(self, timeout_ms: i64) -> list[tuple[int, int]]:
            timeout = None if timeout_ms < 0 else float(timeout_ms) / 1000.0
            found = self.kqueue.control(None, 512, timeout)
            return [(event.ident, 4 if event.filter == select.KQ_FILTER_WRITE else 1) for event in found]

        def close(self) -> None:
            self.kqueue.close()

        def _control(self, fd: int, filter: int, flags: int) -> None:
            self.kqueue.control([select.kevent(fd, filter, flags)], 0)


def new_poller() -> Poller:
    """The best one of this system."""
    if sys.platform == "linux":
        return EpollPoller()
    elif sys.platform == "darwin":
        return KqueuePoller()
    else:
        raise OSError("redpoll needs epoll (Linux) or kqueue (macOS)")
