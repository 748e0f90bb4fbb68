"""A report that is made in steps, so that the event loop can serve others in between."""

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
    """A report whose text is known."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.parts.append(text)

    def step(self) -> bool:
        return False
