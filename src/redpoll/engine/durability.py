"""What is known of files: when the data was saved last, what the last load found, and what of them is only kept."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr


@mypyc_attr(acyclic=True)
class Durability:
    """The engine's own notes; `persistence/` writes them, INFO and LASTSAVE read them."""

    def __init__(self, started_s: i64) -> None:
        self.saved_s: i64 = started_s
        """When the data was last saved, in seconds since 1970; the start if never."""
        self.saves: i64 = 0
        self.last_save_worked = True
        self.loading = False
        """Whether a file is being loaded: most commands then wait for nothing, but are refused."""
        self.keys_loaded: i64 = 0
        """Of the last load."""
        self.keys_expired: i64 = 0
        self.libraries: Final[list[bytes]] = []
        """The sources of function libraries that a file held.  They are written back with the data."""
        self.checking_sums = True
        """Whether checksums of files and payloads are looked at (DEBUG SET-SKIP-CHECKSUM-VALIDATION)."""
