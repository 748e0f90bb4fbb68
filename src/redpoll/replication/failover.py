"""FAILOVER: a primary hands over to one of its replicas, without losing a write.

Writes are paused until the replica has the whole stream.  Then this server becomes its replica and asks it to take over
(PSYNC ... FAILOVER).  Source: spec/replication.md, section 11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.replication.replica import ONLINE, Replica

if TYPE_CHECKING:
    from redpoll.replication.replication import Replication

IDLE: Final[i64] = 0
WAITS_FOR_SYNC: Final[i64] = 1
HANDS_OVER: Final[i64] = 2

STATE_NAMES: Final = ("no-failover", "waiting-for-sync", "failover-in-progress")


class Failover:
    """The failover of one engine."""

    def __init__(self, replication: Replication) -> None:
        self.replication: Final = replication
        self.state: i64 = IDLE
        self.host = b""
        """The replica that takes over; empty for any."""
        self.port = 0
        self.force = False
        self.until_ms: i64 = 0
        """When it is given up, or forced; 0 for never."""

    def is_under_way(self) -> bool:
        return self.state != IDLE

    def begin(self, host: bytes, port: int, force: bool, until_ms: i64) -> None:
        """Pause writes and wait until a replica has all of the stream."""
        replication = self.replication
        self.host = host
        self.port = port
        self.force = force
        self.until_ms = until_ms
        self.state = WAITS_FOR_SYNC
        replication.engine.host.note("FAILOVER requested.")
        replication.engine.pause.hold_writes(b"failover_in_progress")
        for replica in replication.primary.online():
            self.acknowledged(replica)

    def acknowledged(self, replica: Replica) -> None:
        """A replica has told how much of the stream it has."""
        if self.state != WAITS_FOR_SYNC or replica.state != ONLINE:
            return
        host, port = replica.address()
        if self.host and (host != self.host or port != self.port):
            return
        stream = self.replication.primary.stream
        if stream is not None and replica.acknowledged == stream.end:
            self.hand_over(host, port)

    def hand_over(self, host: bytes, port: int) -> None:
        self.state = HANDS_OVER
        self.host = host
        self.port = port
        self.replication.engine.host.note(f"Failover target is {host.decode('ascii', 'backslashreplace')}:{port}.")
        self.replication.follow(host, port, True)

    def succeeded(self) -> None:
        """The target has taken over: clients go on, and learn that this is a replica now."""
        if self.state != IDLE:
            self.replication.engine.host.note("Failover target accepted.")
            self._end()

    def failed(self, reason: str) -> None:
        """The target has refused: this server stays primary."""
        self.abort(f"Failover target rejected psync request: {reason}")

    def abort(self, reason: str) -> None:
        """Give up, and be a primary again."""
        if self.state == IDLE:
            return
        handing = self.state == HANDS_OVER
        self.replication.engine.host.note(f"Aborting failover: {reason}")
        if handing:
            self.replication.promote()
        self._end()

    def _end(self) -> None:
        self.state = IDLE
        self.host = b""
        self.port = 0
        self.until_ms = 0
        self.replication.engine.pause.release_writes(b"failover_in_progress")

    def tick(self, now_us: i64) -> None:
        if self.state != WAITS_FOR_SYNC:
            return
        if len(self.replication.primary.replicas) == 0 and not self.force:
            self.abort("there are no replicas any more")
            return
        if self.until_ms != 0 and self.until_ms <= now_us // 1000:
            if self.force:
                self.hand_over(self.host, self.port)
            else:
                self.abort("the timeout expired")
            return
        for replica in self.replication.primary.online():
            self.acknowledged(replica)
