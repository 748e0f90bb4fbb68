"""The title of this process, which `ps` and `top` show instead of the interpreter's command line.

Linux shows the memory that held the program's arguments at the start.  The title overwrites them: it is cut to their
length and filled up with zeros.  If the last byte were not zero, the system would read on into the environment.  Other
systems have no such memory, so nothing is done there.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

PR_SET_NAME: Final = 15

ARG_START: Final = 45
"""The index of `arg_start` in /proc/self/stat, counted after the program's name; `arg_end` follows."""


def argument_area() -> tuple[int, int]:
    """Address and length of this process's arguments in memory; length 0 if they cannot be found."""
    if sys.platform != "linux":
        return 0, 0
    try:
        with open("/proc/self/stat", "rb") as file:
            # The name in brackets may itself contain brackets and blanks.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0, 0
    if len(fields) < ARG_START + 2:
        return 0, 0
    start = int(fields[ARG_START])
    length = int(fields[ARG_START + 1]) - start
    given = b"".join([os.fsencode(word) + b"\0" for word in sys.orig_argv])
    # Under an emulator the fields may be about the emulator's arguments.  Only known bytes are overwritten.
    if start == 0 or length != len(given) or ctypes.string_at(start, length) != given:
        return 0, 0
    return start, length


class Title:
    """The title of this process.  Create it before anything else overwrites the arguments."""

    def __init__(self) -> None:
        self.start, self.length = argument_area()

    def show(self, name: bytes, title: bytes) -> None:
        """Show `name` (at most 15 bytes) as the program's name, and `title` as its arguments."""
        if self.length == 0:
            return
        shown = title[: self.length - 1].ljust(self.length, b"\0")
        ctypes.memmove(self.start, shown, self.length)
        prctl = getattr(ctypes.CDLL(None), "prctl", None)
        if prctl is not None:
            prctl(PR_SET_NAME, name[:15], 0, 0, 0)
