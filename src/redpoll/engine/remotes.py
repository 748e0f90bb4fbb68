"""Connections to other servers, for MIGRATE.  The whole program waits for them, as in the reference.

The sockets are in `net/`: a server's `Host` makes them.  A connection is kept for ten seconds after its last use.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

MOST: Final = 64
KEPT_US: Final[i64] = 10_000_000
NO_DATABASE: Final[i64] = -1


class RemoteError(Exception):
    """Another server cannot be reached; `text` is the error for the client."""

    def __init__(self, text: bytes, timed_out: bool) -> None:
        super().__init__(text)
        self.text = text
        self.timed_out = timed_out


@mypyc_attr(allow_interpreted_subclasses=True)
class Remote:
    """A connection.  Its methods raise RemoteError, and then it is of no more use."""

    def __init__(self) -> None:
        self.database: i64 = NO_DATABASE
        """The database that is selected there, if it is known."""
        self.used_us: i64 = 0

    def wait_at_most(self, timeout_ms: i64) -> None:
        """Limit each following operation of the socket."""

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        raise NotImplementedError

    def line(self) -> bytes:
        """Receive one line, without its end."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection."""


class Remotes:
    """The open connections by host and port."""

    def __init__(self) -> None:
        self.open: Final[dict[tuple[bytes, bytes], Remote]] = {}

    def get(self, host: bytes, port: bytes) -> Remote | None:
        """An open connection, None if there is none."""
        return self.open.get((host, port))

    def add(self, host: bytes, port: bytes, remote: Remote) -> None:
        """Keep a connection.  If there are too many, the one that was unused for the longest time is closed."""
        if len(self.open) >= MOST:
            self.drop(*min(self.open, key=self.used))
        self.open[host, port] = remote

    def used(self, place: tuple[bytes, bytes]) -> int:
        return self.open[place].used_us

    def drop(self, host: bytes, port: bytes) -> None:
        """Close a connection, if there is one."""
        remote = self.open.pop((host, port), None)
        if remote is not None:
            remote.close()

    def close_idle(self, now_us: i64) -> None:
        """Close connections that were not used for ten seconds."""
        for place in list(self.open):
            if now_us - self.open[place].used_us > KEPT_US:
                self.drop(*place)
