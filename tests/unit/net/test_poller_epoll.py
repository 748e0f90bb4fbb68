"""How many events a wait asks for."""

from __future__ import annotations

import os
import sys

import pytest

from redpoll.net.poller import READABLE
from redpoll.net.poller_epoll import FEW, EpollPoller

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="epoll is Linux's")


def test_many_events_are_found_after_a_full_wait() -> None:
    poller = EpollPoller()
    pipes = [os.pipe() for _ in range(FEW + 3)]
    try:
        for there, here in pipes:
            poller.watch(there, READABLE, False)
            os.write(here, b"x")
        assert [len(poller.wait(0)) for _ in range(2)] == [FEW, FEW + 3]
        for there, _ in pipes[5:]:
            os.read(there, 1)
        assert [len(poller.wait(0)) for _ in range(2)] == [5, 5]
        assert poller.most == FEW
    finally:
        poller.close()
        for ends in pipes:
            for fd in ends:
                os.close(fd)
