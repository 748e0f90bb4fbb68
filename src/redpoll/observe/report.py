"""Reports that are made in steps.  The event loop serves clients between two steps."""

from __future__ import annotations

from typing import Final


class Report:
    """Text in parts.  Call `step` until it returns False; each step takes a fraction of a millisecond."""

    def __init__(self) -> None:
        self.parts: Final[list[bytes]] = []

    def step(self) -> bool:
        """Do the next piece of work; return whether there is more to do."""
        raise NotImplementedError

    def text(self) -> bytes:
        return b"".join(self.parts)


class Finished(Report):
    """A report with a given text."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.parts.append(text)

    def step(self) -> bool:
        return False
