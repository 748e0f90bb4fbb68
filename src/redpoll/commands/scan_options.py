"""Shared by SCAN, SSCAN, HSCAN and ZSCAN: the cursor and the options."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.engine.args import Args, integer
from redpoll.errors import INVALID_CURSOR, SYNTAX, CommandError, only_in
from redpoll.keyspace.glob import Glob
from redpoll.keyspace.scan import TypeFilter, glob_or_none
from redpoll.protocol.numbers import parse_scan_cursor

DEFAULT_COUNT: Final[i64] = 10

KEY_SCANS: Final = (b"SCAN", b"CLUSTERSCAN")
OWNERS: Final = {b"NOVALUES": b"HSCAN", b"NOSCORES": b"ZSCAN"}
"""Options of a single command each.  The error of the other commands names that command."""


def scan_cursor(word: bytes) -> int:
    """Parse a cursor.  Raises CommandError."""
    cursor = parse_scan_cursor(word)
    if cursor is None:
        raise CommandError(INVALID_CURSOR)
    return cursor


class ScanOptions:
    """The options from index `at` on, for the command of that name in upper case."""

    def __init__(self, args: list[bytes], at: i64, command: bytes) -> None:
        self.count: i64 = DEFAULT_COUNT
        self.pattern: bytes | None = None
        self.glob: Glob | None = None
        self.type: TypeFilter = TypeFilter(None)
        self.bare = False
        """Whether NOVALUES or NOSCORES was said."""
        options = Args(args, at)
        while options.left() > 0:
            word = options.word()
            owner = OWNERS.get(word)
            if owner is not None:
                if owner != command:
                    raise CommandError(only_in(word, owner))
                self.bare = True
            elif options.left() == 0:
                raise CommandError(SYNTAX)
            elif word == b"COUNT":
                self.count = integer(options.next())
                if self.count < 1:
                    raise CommandError(SYNTAX)
            elif word == b"MATCH":
                self.pattern = options.next()
                self.glob = glob_or_none(self.pattern)
            elif word == b"TYPE" and command in KEY_SCANS:
                self.type = TypeFilter(options.next())
            elif not self.accept(word, options):
                raise CommandError(SYNTAX)

    def accept(self, word: bytes, options: Args) -> bool:
        """Read an option of a subclass, with its value from `options`; return False if there is no such option."""
        return False
