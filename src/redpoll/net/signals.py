"""Passes SIGTERM and SIGINT to the loop.  Signals that do not end the reference are ignored."""

from __future__ import annotations

import signal
import socket
from typing import Final

from redpoll.net.loop import Handler, Reactor


class Stoppable:
    """A program that a signal ends."""

    def signalled(self, name: str) -> None:
        """End the loop after this turn, because of SIGTERM or SIGINT."""
        raise NotImplementedError


class Wakeup(Handler):
    """Receives signals through a socket pair, because compiled loops do not notice them."""

    def __init__(self, program: Stoppable, reactor: Reactor) -> None:
        self.program: Final = program
        self.inner, self.outer = socket.socketpair()
        self.inner.setblocking(False)
        self.outer.setblocking(False)
        signal.set_wakeup_fd(self.outer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, ignore)
        signal.signal(signal.SIGINT, ignore)
        for passed_over in (signal.SIGHUP, signal.SIGPIPE, signal.SIGALRM, signal.SIGUSR2):
            signal.signal(passed_over, signal.SIG_IGN)
        reactor.add(self.inner.fileno(), self)

    def on_readable(self) -> None:
        for number in self.inner.recv(64):
            if number in (signal.SIGTERM, signal.SIGINT):
                self.program.signalled(signal.Signals(number).name)

    def close(self) -> None:
        signal.set_wakeup_fd(-1)
        self.inner.close()
        self.outer.close()


def ignore(number: int, frame: object) -> None:
    """Do nothing: the wake-up descriptor has informed the loop."""
