"""The state of saving and loading: the last save, the last load, and kept function libraries."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64


class RunningLoad:
    """A file that is being loaded, or its part that was read so far."""

    def __init__(self, began_us: i64, total: i64) -> None:
        self.began_us: i64 = began_us
        self.total: i64 = total
        """Bytes of the file."""
        self.done: i64 = 0
        """Bytes read."""
        self.used_memory: i64 = 0
        """The memory in use when the file was written, as it says."""

    def left_s(self, now_us: i64) -> i64:
        """The estimated seconds to the end, from whole seconds as in the reference; 1 if it has only begun."""
        elapsed_s = (now_us - self.began_us) // 1000000
        if elapsed_s <= 0:
            return 1
        return elapsed_s * (self.total - self.done) // (self.done + 1)


class RunningSave:
    """A snapshot that is written while commands run.  `persistence/` subclasses it."""

    def __init__(self, began_us: i64, total: i64) -> None:
        self.began_us: i64 = began_us
        self.total: i64 = total
        """Number of keys when it began."""

    def keys_done(self) -> i64:
        """Number of written keys."""
        return 0

    def bytes_done(self) -> i64:
        """Number of bytes written to the file."""
        return 0

    def left_s(self, now_us: i64) -> i64:
        """The estimated seconds to the end; -1 if unknown."""
        done = self.keys_done()
        if done == 0:
            return -1
        return i64(float(now_us - self.began_us) / 1e6 * float(self.total - done) / float(done))

    def step(self, budget_us: i64) -> bool:
        """Work for about this long; return whether there is more to do."""
        return False

    def cancel(self, why: str) -> None:
        """Cancel it.  The old file stays."""


class SavePoints:
    """Begins snapshots at save points, in a program without the server's timer.  `persistence/` subclasses it."""

    def look(self) -> None:
        """Begin a snapshot if one is due."""


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
        self.points: SavePoints | None = None
        """Looked at by calls in process, if the program's store saves by itself."""
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
        self.load: RunningLoad | None = None
        """The running load."""
        self.keys_loaded: i64 = 0
        """Counters of the last load."""
        self.keys_expired: i64 = 0
        self.libraries: Final[list[bytes]] = []
        """The sources of function libraries that a file held.  They are written back with the data."""
        self.checking_sums = True
        """Whether checksums of files and payloads are checked (DEBUG SET-SKIP-CHECKSUM-VALIDATION)."""
