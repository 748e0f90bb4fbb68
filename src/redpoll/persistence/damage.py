"""What is wrong with a file or a payload that cannot be loaded."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

UNKNOWN_PLACE: Final[i64] = -1


class DamagedError(Exception):
    """Bytes that are no snapshot: `reason` in the words for an operator, `offset` from the start of the file.

    What reads a part of it alone gives no offset; `Source.place` fills in where that part began.
    """

    def __init__(self, reason: str, offset: i64 = UNKNOWN_PLACE) -> None:
        super().__init__(reason)
        self.reason: str = reason
        self.offset: i64 = offset

    def told(self) -> str:
        """Place and reason in one line."""
        return f"at offset {self.offset}: {self.reason}"
