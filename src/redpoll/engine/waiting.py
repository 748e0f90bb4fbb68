"""What a session waits for, in a blocking command."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64


class Waiting:
    """A blocked command: its arguments, the keys that may end the wait, and when it gives up (ms, 0 = never).

    A `postponed` one has not run yet: clients are paused, and its connection runs it when they no longer are.
    """

    def __init__(self, args: list[bytes], db: int, keys: list[bytes], deadline_ms: i64, timeout_reply: object) -> None:
        self.args: Final = args
        self.db: Final = db
        self.keys: Final = keys
        self.deadline_ms: i64 = deadline_ms
        self.timeout_reply: Final = timeout_reply
        self.postponed = False
        self.spent_us: i64 = 0
        """How long it has run so far, in tries that found nothing."""
