"""Notifies the supervisor that started the server: datagrams to systemd, SIGSTOP for upstart."""

from __future__ import annotations

import os
import signal
import socket
from typing import Final

from redpoll.env.log import Log


class Supervisor:
    """`kind` is as in the directive `supervised`, with `auto` resolved: `systemd`, `upstart` or `no`."""

    def __init__(self, wanted: str, log: Log) -> None:
        self.log: Final = log
        self.address: Final = os.environ.get("NOTIFY_SOCKET", "")
        upstart = "UPSTART_JOB" in os.environ
        kind = wanted
        if wanted == "auto":
            kind = "upstart" if upstart else "systemd" if self.address else "no"
        if kind == "systemd" and not self.address:
            log.warning("systemd supervision requested, but NOTIFY_SOCKET is not set: systemd is not told anything")
            kind = "no"
        elif kind == "upstart" and not upstart:
            log.warning("upstart supervision requested, but UPSTART_JOB is not set: upstart is not told anything")
            kind = "no"
        self.kind: Final = kind

    def announce(self) -> None:
        """Log the supervisor."""
        if self.kind == "systemd":
            self.log.notice("Supervised by systemd, which is told when the server is ready and when it ends.")
        elif self.kind == "upstart":
            self.log.notice("Supervised by upstart, which is told that the server is ready by its stopping itself.")

    def ready(self) -> None:
        """Report that the server accepts connections."""
        if self.kind == "systemd":
            self.notify("STATUS=Ready to accept connections\nREADY=1\n")
        elif self.kind == "upstart":
            os.environ.pop("UPSTART_JOB", None)
            os.kill(os.getpid(), signal.SIGSTOP)

    def stopping(self) -> None:
        """Report that the server is about to end."""
        if self.kind == "systemd":
            self.notify("STOPPING=1\n")

    def notify(self, message: str) -> None:
        """Send one message to systemd."""
        # A leading @ means the abstract namespace, whose names start with a zero byte.
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            try:
                sock.sendto(message.encode(), address)
            except OSError as refused:
                self.log.warning(f"systemd cannot be told ({self.address}): {refused.strerror}")
