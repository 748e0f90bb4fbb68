"""The system log: datagrams to the daemon that listens at /dev/log (macOS: /var/run/syslog).

    <156>Nov  5 01:02:41 valkey[3485]: Ready to accept connections tcp

The number is facility * 8 + priority.  The time is local; the daemon knows the year.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from typing import Final

from redpoll.env.clock import Clock

SYSTEM_LOG: Final = "/var/run/syslog" if sys.platform == "darwin" else "/dev/log"

PRIORITIES: Final = (7, 6, 5, 4)
"""Of the levels debug, verbose, notice and warning: debug, informational, notice, warning."""

FACILITIES: Final = {"user": 1} | {f"local{n}": 16 + n for n in range(8)}

PATIENCE_S: Final = 0.1
"""How long a slow daemon may block the server, once.  Then lines are lost until it accepts one."""

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class SystemLog:
    """Sends messages of `ident` to the daemon at `address`.  Messages are lost while there is no daemon."""

    def __init__(self, ident: str, facility: str, clock: Clock, address: str = SYSTEM_LOG) -> None:
        self.ident: Final = ident
        self.facility: Final = FACILITIES[facility]
        self.clock: Final = clock
        self.address: Final = address
        self.sock: socket.socket | None = None
        self.patient = True

    def write(self, level: int, message: str) -> None:
        """Send one message.  Zero bytes become blanks, because they would end the message."""
        at = time.localtime(self.clock.now_us() // 1000000)
        stamp = f"{MONTHS[at.tm_mon - 1]} {at.tm_mday:2d} {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
        text = message.replace("\0", " ")
        line = f"<{self.facility << 3 | PRIORITIES[level]}>{stamp} {self.ident}[{os.getpid()}]: {text}"
        data = line.encode("utf-8", "surrogateescape")
        # A restarted daemon listens at a new socket of the same name, so the old connection fails once.
        if not self.send(data):
            self.send(data)

    def send(self, data: bytes) -> bool:
        """Send a datagram; return False if a new connection might help."""
        sock = self.sock
        if sock is None:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                sock.connect(self.address)
            except OSError:
                sock.close()
                return True
            self.sock = sock
        try:
            sock.settimeout(PATIENCE_S if self.patient else 0.0)
            sock.send(data)
            self.patient = True
        except (TimeoutError, BlockingIOError):
            self.patient = False
        except OSError:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Close the connection.  The next message opens it again."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None
