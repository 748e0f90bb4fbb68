"""What is known of files: when the data was saved last, what the last load found, and what of them is only kept."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64


class RunningSave:
    """A save that goes on while commands run; `persistence/` subclasses it."""

    def __init__(self, began_us: i64, total: i64) -> None:
        self.began_us: i64 = began_us
        self.total: i64 = total
        """Keys at its start."""

    def keys_done(self) -> i64:
        """How many of them are written."""
        return 0

    def step(self, budget_us: i64) -> bool:
        """Work on it for about so long; whether there is more to do."""
        return False

    def cancel(self, why: str) -> None:
        """Give it up; the file that there was before stays."""


class Durability:
    """The engine's own notes; `persistence/` writes them, INFO and LASTSAVE read them."""

    def __init__(self, started_s: i64) -> None:
        self.saved_s: i64 = started_s
        """When the data was last saved, in seconds since 1970; the start if never."""
        self.changes_saved: i64 = 0
        """What `Moment.changes` was then."""
        self.saves: i64 = 0
        self.running: RunningSave | None = None
        """What BGSAVE or a save point has begun."""
        self.scheduled = False
        """Whether such a one is to begin as soon as it may: BGSAVE came inside a transaction."""
        self.last_save_worked = True
        """Whether the last of those did; they are tried again after some seconds if not."""
        self.tried_s: i64 = 0
        """When the last of those began ..."""
        self.took_s: i64 = -1
        """... and how many seconds it took; -1 if there was none."""
        self.loading = False
        """Whether a file is being loaded: most commands then wait for nothing, but are refused."""
        self.keys_loaded: i64 = 0
        """Of the last load."""
        self.keys_expired: i64 = 0
        self.libraries: Final[list[bytes]] = []
        """The sources of function libraries that a file held.  They are written back with the data."""
        self.checking_sums = True
        """Whether checksums of files and payloads are looked at (DEBUG SET-SKIP-CHECKSUM-VALIDATION)."""
