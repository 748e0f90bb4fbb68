"""Restarts this program in place, under the same process id."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Final

from mypy_extensions import i64

STANDARD_STREAMS: Final = 3
MOST_DELAY_S: Final = 1000000000
"""Some thirty years: a longer delay is more than the system can count."""


class Start:
    """The command line and the folder of the start.  Create it before the working folder changes."""

    def __init__(self) -> None:
        self.program: Final = sys.executable
        self.words: Final = [sys.executable, *sys.orig_argv[1:]]
        try:
            self.folder = os.getcwd()
        except OSError:
            self.folder = ""

    def obstacle(self) -> str:
        """Why the program cannot be restarted now; empty if it can."""
        if not self.program or not os.access(self.program, os.X_OK):
            return f"{self.program or 'the interpreter'} cannot be executed"
        if not os.path.isdir(self.folder):
            return "the folder that it was started in is gone"
        return ""

    def again(self, delay_ms: i64) -> None:
        """Wait, and restart without any cleanup.  Returns only if the system refuses."""
        # Close the connections now, so that clients do not wait for the delay.
        os.closerange(STANDARD_STREAMS, os.sysconf("SC_OPEN_MAX"))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if delay_ms > 0:
            time.sleep(min(int(delay_ms) / 1000, MOST_DELAY_S))
        try:
            os.chdir(self.folder)
            os.execv(self.program, self.words)
        except OSError:
            return
