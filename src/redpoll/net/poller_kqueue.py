"""kqueue, for macOS.  Not compiled, because the `select` module has no kqueue on other systems."""

from __future__ import annotations

import select
import sys

from mypy_extensions import i64

from redpoll.net.poller import WRITABLE, Poller

assert sys.platform == "darwin"


class KqueuePoller(Poller):
    """kqueue, with its results as epoll's masks."""

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
        # Closing a descriptor removes it from the queue.
        self.writing.discard(fd)

    def wait(self, timeout_ms: i64) -> list[tuple[int, int]]:
        timeout = None if timeout_ms < 0 else float(timeout_ms) / 1000.0
        found = self.kqueue.control(None, 512, timeout)
        return [(event.ident, 4 if event.filter == select.KQ_FILTER_WRITE else 1) for event in found]

    def close(self) -> None:
        self.kqueue.close()

    def _control(self, fd: int, filter: int, flags: int) -> None:
        self.kqueue.control([select.kevent(fd, filter, flags)], 0)
