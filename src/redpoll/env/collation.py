"""The sort order of a locale.

The locale belongs to the process: a server may set it; in process, only the program may.
"""

from __future__ import annotations

import locale
from typing import Final

BY_BYTES: Final = ("C", "POSIX", "C.UTF-8", "C.utf8")
"""Locales that order texts by their bytes."""


class Collation:
    """Sorts by bytes until `choose` sets a locale."""

    def __init__(self) -> None:
        self.by_bytes = True
        """Whether the order is that of the bytes, so that no `key` is needed."""

    def choose(self, name: bytes) -> bool:
        """Sort by this locale (empty: the environment's); return False if the system does not have it."""
        try:
            found = locale.setlocale(locale.LC_COLLATE, name.decode("utf-8", "surrogateescape"))
        except (locale.Error, ValueError):
            return False
        self.by_bytes = found in BY_BYTES
        return True

    def key(self, text: bytes) -> str:
        """The sort key of `text`.  A zero byte ends a text."""
        return locale.strxfrm(text.partition(b"\0")[0].decode("utf-8", "surrogateescape"))
