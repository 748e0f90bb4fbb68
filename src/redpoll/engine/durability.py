"""The state of saving and loading: the last save, the last load, and kept function libraries."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64


class RunningSave:
    """A snapshot that is written while commands run.  `persistence/` subclasses it."""

    def __init__(self, began_us: i64, total: i64) -> None:
        self.began_us: i64 = began_us
        self.total: i64 = total
        """Number of keys when it began."""

    def keys_done(self) -> i64:
        """Number of written keys."""
        return 0

    def step(self, budget_us: i64) -> bool:
        """Work for about this long; return whether there is more to do."""
        return False

    def cancel(self, why: str) -> None:
        """Cancel it.  The old file stays."""


class Durability:
    """State of one engine.  `persistence/` writes it; INFO and LASTSAVE read it."""

    def __init__(self, started_s: i64) -> None:
        self.saved_s: i64 = started_s
        """Time of the last save in seconds since 1970; time of the start if there was none."""
        self.changes_saved: i64 = 0
        """`Moment.changes` at the beginning of the last save."""
        self.saves: i64 = 0
        """How many of SAVE, BGSAVE and the save points there were, failed ones among them."""
        self.running: RunningSave | None = None
        """The running snapshot of BGSAVE or a save point."""
        self.scheduled = False
        """Whether a snapshot begins after the current transaction, which contains BGSAVE."""
        self.last_save_worked = True
        """Whether the last snapshot worked; if not, save points try again after some seconds."""
        self.tried_s: i64 = 0
        """When the last snapshot began ..."""
        self.took_s: i64 = -1
        """... and how many seconds it took; -1 if there was none."""
        self.loading = False
        """Whether a file is being loaded.  Most commands are refused during that time."""
        self.keys_loaded: i64 = 0
        """Counters of the last load."""
        self.keys_expired: i64 = 0
        self.libraries: Final[list[bytes]] = []
        """The sources of function libraries that a file held.  They are written back with the data."""
        self.libraries_loaded = False
        """Whether they came from a file and are not compiled yet."""
        self.checking_sums = True
        """Whether checksums of files and payloads are checked (DEBUG SET-SKIP-CHECKSUM-VALIDATION)."""
