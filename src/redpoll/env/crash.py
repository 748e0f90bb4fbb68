"""Crash reports.

An uncaught exception becomes a report in the log.  A fault that kills the process at once (a bad memory access, an
abort) leaves no time for that: the interpreter's fault handler writes the Python stack of every thread.
"""

from __future__ import annotations

import faulthandler
import os
import platform
import traceback
from typing import Final

from redpoll.env.log import Log


class CrashReports:
    """`facts` are lines about the program that start every report."""

    def __init__(self, log: Log, facts: list[str]) -> None:
        self.log: Final = log
        self.facts: Final = facts
        self.descriptor = -1

    def arm(self) -> None:
        """Write faults to the log's file, or to standard error."""
        self.disarm()
        if self.log.path:
            try:
                self.descriptor = os.open(self.log.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
                faulthandler.enable(self.descriptor)
                return
            except OSError:
                self.descriptor = -1
        faulthandler.enable(2)

    def disarm(self) -> None:
        """Stop handling faults."""
        faulthandler.disable()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def report(self, error: BaseException, doing: list[str]) -> None:
        """Log the current exception.  `doing` are lines about what the program was doing."""
        log = self.log
        log.warning("=== REDPOLL BUG REPORT START: cut and paste from here ===")
        for line in self.facts:
            log.warning(line)
        log.warning(f"{platform.python_implementation()} {platform.python_version()}, {platform.platform()}")
        for line in doing:
            log.warning(line)
        log.warning(f"crashed by: {type(error).__name__}: {error}")
        for line in "".join(traceback.format_exception(error)).rstrip().split("\n"):
            log.warning(line)
        log.warning("=== REDPOLL BUG REPORT END: please send it with what led to it ===")
