"""The title of this process: what `ps` and `top` show in place of the interpreter's command line.

Linux shows the bytes where the program's arguments were put when it started, so the title is written over them, cut to
their length and filled up with zeros: with something else in the last byte the system would read on, into the
environment.  Other systems keep no such place, and are left alone.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

PR_SET_NAME: Final = 15

ARG_START: Final = 45
"""Where the first of `arg_start` and `arg_end` stands in /proc/self/stat after the name of the program."""


def argument_area() -> tuple[int, int]:
    """Address and length of this process's own arguments in its memory; length 0 where they are not to be found."""
    if sys.platform != "linux":
        return 0, 0
    try:
        with open("/proc/self/stat", "rb") as file:
            # The name in brackets may hold brackets and blanks itself.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0, 0
    if len(fields) < ARG_START + 2:
        return 0, 0
    start = int(fields[ARG_START])
    length = int(fields[ARG_START + 1]) - start
    given = b"".join([os.fsencode(word) + b"\0" for word in sys.orig_argv])
    # Under an emulator the fields may tell of its own arguments: nothing is written but over what we know.
    if start == 0 or length != len(given) or ctypes.string_at(start, length) != given:
        return 0, 0
    return start, length


class Title:
    """The title of this process.  Made before anything else has written it."""

    def __init__(self) -> None:
        self.start, self.length = argument_area()

    def show(self, name: bytes, title: bytes) -> None:
        """Have `name` (15 bytes at most) shown where programs are named, and `title` where their arguments are."""
        if self.length == 0:
            return
        shown = title[: self.length - 1].ljust(self.length, b"\0")
        ctypes.memmove(self.start, shown, self.length)
        prctl = getattr(ctypes.CDLL(None), "prctl", None)
        if prctl is not None:
            prctl(PR_SET_NAME, name[:15], 0, 0, 0)
