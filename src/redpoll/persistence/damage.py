"""The error of a damaged file or payload."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

UNKNOWN_PLACE: Final[i64] = -1


class DamagedError(Exception):
    """A damaged snapshot.  `reason` is text for an operator; `offset` counts from the start of the file.

    Code that reads only a part gives no offset; `Source.place` adds the offset of that part.
    """

    def __init__(self, reason: str, offset: i64 = UNKNOWN_PLACE) -> None:
        super().__init__(reason)
        self.reason: str = reason
        self.offset: i64 = offset

    def told(self) -> str:
        """The offset and the reason in one line."""
        return f"at offset {self.offset}: {self.reason}"
