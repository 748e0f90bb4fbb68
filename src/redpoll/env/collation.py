"""The order of texts that a locale has.  Locales are the process's own: a server sets it, a program around us does."""

from __future__ import annotations

import locale
from typing import Final

BY_BYTES: Final = ("C", "POSIX", "C.UTF-8", "C.utf8")
"""Locales that order texts by their bytes."""


class Collation:
    """By bytes, until `choose` names a locale."""

    def __init__(self) -> None:
        self.by_bytes = True
        """Whether the order is that of the bytes, so that no `key` is needed."""

    def choose(self, name: bytes) -> bool:
        """Order by this locale, empty for the environment's; False if the system has none of that name."""
        try:
            found = locale.setlocale(locale.LC_COLLATE, name.decode("utf-8", "surrogateescape"))
        except (locale.Error, ValueError):
            return False
        self.by_bytes = found in BY_BYTES
        return True

    def key(self, text: bytes) -> str:
        """What stands for `text` in comparisons.  A zero byte ends a text."""
        return locale.strxfrm(text.partition(b"\0")[0].decode("utf-8", "surrogateescape"))
