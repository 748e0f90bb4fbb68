"""SIGTERM and SIGINT, brought into the loop; what does not end the reference either is ignored."""

from __future__ import annotations

import signal
import socket
from typing import Final

from redpoll.net.loop import Handler, Reactor


class Stoppable:
    """What a signal ends."""

    def signalled(self, name: str) -> None:
        """A signal came, SIGTERM or SIGINT: end the loop after this turn."""
        raise NotImplementedError


class Wakeup(Handler):
    """Signals, through a socket pair: compiled loops do not notice them by themselves."""

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
    """The wake-up descriptor has already told the loop."""
