"""SHUTDOWN's wait for replicas: the server ends when they have the whole stream, or after `shutdown-timeout`.

Writes are paused meanwhile.  Source: spec/server.md, SHUTDOWN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.engine.session import Session
from redpoll.errors import SHUTDOWN_FAILED
from redpoll.protocol.reply import Error

if TYPE_CHECKING:
    from redpoll.replication.replication import Replication

REASON: Final = b"shutdown_in_progress"


class Departure:
    """The end of a server that waits for its replicas."""

    def __init__(self, replication: Replication) -> None:
        self.replication: Final = replication
        self.words: list[bytes] = []
        """The words of SHUTDOWN."""
        self.until_ms: i64 = 0
        """The end of the wait in ms since 1970; 0 while there is no wait."""
        self.sessions: list[Session] = []
        """The sessions that have sent SHUTDOWN."""

    def is_waiting(self) -> bool:
        return self.until_ms != 0

    def must_wait(self, words: list[bytes]) -> bool:
        """Whether replicas lack a part of the stream, and the server may wait for them."""
        replication = self.replication
        if b"NOW" in words or replication.is_replica or not replication.primary.lags():
            return False
        return replication.engine.config.integer(b"shutdown-timeout") > 0

    def wait(self, words: list[bytes]) -> None:
        """Begin to wait."""
        engine = self.replication.engine
        seconds: i64 = engine.config.integer(b"shutdown-timeout")
        self.words = words
        self.until_ms = engine.moment.now_ms + seconds * 1000
        engine.pause.hold_writes(REASON)
        self.replication.primary.ask()
        engine.host.note(f"Waiting for replicas before shutting down, at most {seconds} seconds.")

    def left_ms(self) -> int:
        """The rest of the wait in ms, as INFO shows it."""
        return max(0, int(self.until_ms - self.replication.engine.moment.now_ms))

    def is_over(self) -> bool:
        """Whether there is a wait that can end now."""
        if self.until_ms == 0:
            return False
        return self.until_ms <= self.replication.engine.moment.now_ms or not self.replication.primary.lags()

    def end(self) -> list[bytes]:
        """End the wait; return the words of SHUTDOWN."""
        if self.replication.primary.lags():
            self.replication.engine.host.log("Not all replicas have the whole stream at the end.")
        self.until_ms = 0
        return self.words

    def abort(self) -> None:
        """The server does not end: clients go on, and the sessions that asked for it get an error."""
        self.until_ms = 0
        engine = self.replication.engine
        sessions = self.sessions
        self.sessions = []
        for session in sessions:
            engine.blocking.unblock(session, Error(SHUTDOWN_FAILED))
        engine.pause.release_writes(REASON)
