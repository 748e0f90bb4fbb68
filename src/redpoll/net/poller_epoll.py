"""epoll, for Linux."""

from __future__ import annotations

import select
from typing import Final

from mypy_extensions import i64

from redpoll.net.poller import READABLE, WRITABLE, Poller

FEW: Final = 42
"""So many events fit what Python's own allocator gives; for more, each wait calls malloc."""
MANY: Final = 512


class EpollPoller(Poller):
    """epoll: its masks for reading and writing are 1 and 4."""

    name = "epoll"

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.most = FEW
        """Events asked for at a time: FEW, or MANY after a wait that found FEW or more."""

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
        timeout = -1.0 if timeout_ms < 0 else float(timeout_ms) / 1000.0
        ready: list[tuple[int, int]] = self.epoll.poll(timeout, self.most)
        self.most = FEW if len(ready) < FEW else MANY
        return ready

    def close(self) -> None:
        self.epoll.close()
