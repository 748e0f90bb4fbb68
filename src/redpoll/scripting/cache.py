"""The cache of scripts by the SHA-1 of their text.

EVAL's scripts stay in a list of at most `MOST`, the least recently used leaves first.  SCRIPT LOAD keeps a script for
good: outside the list and the limit.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from mypy_extensions import i64

MOST: Final = 500


class Script:
    """A compiled script.  `number` is its place in the runtime, `flags` those of its `#!` line."""

    def __init__(self, sha: bytes, text: bytes, number: int, flags: i64) -> None:
        self.sha: Final = sha
        self.text: Final = text
        self.number: Final = number
        self.flags: i64 = flags
        self.kept = False
        """Whether SCRIPT LOAD keeps it."""


class Cache:
    """Scripts by SHA-1 in lower case."""

    def __init__(self) -> None:
        self.scripts: Final[dict[bytes, Script]] = {}
        self.listed: Final[OrderedDict[bytes, Script]] = OrderedDict()
        self.last: Script | None = None
        """The script that ran last: it is at the end of the list already."""
        self.texts_bytes: i64 = 0

    def find(self, sha: bytes) -> Script | None:
        """The script of a SHA-1 in any case."""
        found = self.scripts.get(sha)
        if found is None:
            found = self.scripts.get(sha.lower())
        return found

    def used(self, script: Script) -> None:
        """Note that a script runs."""
        if script is self.last:
            return
        self.last = script
        if not script.kept:
            self.listed.move_to_end(script.sha)

    def add(self, script: Script) -> Script | None:
        """Add a script of EVAL; return the one that has to leave."""
        self.scripts[script.sha] = script
        self.texts_bytes += len(script.text)
        self.listed[script.sha] = script
        self.last = script
        if len(self.listed) <= MOST:
            return None
        _, oldest = self.listed.popitem(last=False)
        del self.scripts[oldest.sha]
        self.texts_bytes -= len(oldest.text)
        return oldest

    def keep(self, script: Script) -> None:
        """Keep a script that is in the cache."""
        if not script.kept:
            script.kept = True
            self.listed.pop(script.sha, None)

    def clear(self) -> None:
        self.scripts.clear()
        self.listed.clear()
        self.last = None
        self.texts_bytes = 0
