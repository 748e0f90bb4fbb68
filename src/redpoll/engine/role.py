"""What the engine knows about replication: its role, and the replicas that follow it.

`replication/` subclasses both classes.  An engine that neither follows a server nor has a replica has a plain `Role`.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr


class StreamPlace:
    """A place in the replication stream: a history, the bytes of it so far, and the selected database (-1: none)."""

    def __init__(self, history: bytes, offset: i64, db: i64) -> None:
        self.history: bytes = history
        self.offset: i64 = offset
        self.db: i64 = db


@mypyc_attr(allow_interpreted_subclasses=True)
class Follower:
    """A replica as its connection sees it: a source of bytes that are sent when the socket takes them."""

    def next_piece(self) -> bytes:
        """The next bytes to send; empty if there are none now.  They count as taken."""
        return b""

    def pending(self) -> i64:
        """Bytes of the stream that are not taken yet.  The snapshot does not count."""
        return 0

    def is_attached(self) -> bool:
        """Whether the session has asked for the stream.  Before that it is an ordinary client."""
        return False

    def ends(self) -> bool:
        """Whether the connection must be closed, because the replica was sent everything that it asked for."""
        return False

    def left(self) -> None:
        """The session is closed."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Taker:
    """Runs the commands of a session by which another node sends slots, instead of the engine."""

    def take(self, commands: list[list[bytes]], received: i64) -> None:
        """Run commands; the connection has received so many bytes in all."""

    def left(self) -> None:
        """The session is closed."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Role:
    """The role of an engine in replication."""

    def __init__(self, history: bytes) -> None:
        self.history: bytes = history
        """The name of the stream: 40 hex digits."""
        self.is_replica = False
        self.offset: i64 = 0
        """Bytes of the stream so far."""

    def place(self) -> StreamPlace | None:
        """The place in the stream that the present data corresponds to; None if there is no stream."""
        return None

    def file_synced(self) -> None:
        """The append-only file was synced."""

    def saved(self, worked: bool) -> None:
        """A snapshot in the background has ended."""

    def replicas_count(self) -> int:
        """Number of replicas."""
        return 0

    def primary_address(self) -> bytes:
        """`host:port` of the primary."""
        return b""

    def failing_over(self) -> bool:
        """Whether FAILOVER is under way."""
        return False
