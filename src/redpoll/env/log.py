"""The server's log: one line an event, flushed at once, in the form that operators' tools know.

    <pid>:M 24 Nov 2026 14:35:27.057 * Ready to accept connections tcp
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import Final, TextIO

from redpoll.env.clock import Clock

LEVELS: Final = ("debug", "verbose", "notice", "warning")
SIGNS: Final = ".-*#"


class Log:
    """Lines of at least `level`, to `stream` (standard output) or appended to a file at `path`."""

    def __init__(self, clock: Clock, level: str = "notice", path: str = "") -> None:
        self.clock: Final = clock
        self.level = LEVELS.index(level)
        self.stream: TextIO = open(path, "a", encoding="utf-8") if path else sys.stdout

    def notice(self, message: str) -> None:
        """What an operator wants to read in a normal life."""
        self.write(2, message)

    def warning(self, message: str) -> None:
        """What an operator has to read."""
        self.write(3, message)

    def write(self, level: int, message: str) -> None:
        if level < self.level:
            return
        when = datetime.fromtimestamp(self.clock.now_us() / 1_000_000)
        stamp = f"{when:%d %b %Y %H:%M:%S}.{when.microsecond // 1000:03d}"
        self.stream.write(f"{os.getpid()}:M {stamp} {SIGNS[level]} {message}\n")
        self.stream.flush()
