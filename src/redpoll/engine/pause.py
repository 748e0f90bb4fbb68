"""CLIENT PAUSE: commands wait and run later, in the order in which they came.

The gates of all commands, or of commands that write, are closed.  A connection keeps a command that meets a closed
gate, and all commands after it.  After the pause the connections continue in the order in which they were stopped.
During the pause an expired key is hidden but not deleted, so that the data set does not change.  A write that is still
possible (a session in process, DEBUG POPULATE) deletes the hidden key that it overwrites.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64

from redpoll.engine.blocking import Waiting
from redpoll.engine.command import Command
from redpoll.engine.gates import GATE_PAUSE_ALL, GATE_PAUSE_WRITE, GATE_PAUSED
from redpoll.engine.session import Session
from redpoll.protocol.reply import BLOCKED

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine


class Pause:
    """The engine's pause.  `until_ms` is its end in ms since 1970, 0 while there is none."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.until_ms: i64 = 0
        self.waiting: list[Session] = []

    def begin(self, until_ms: i64, writes_only: bool) -> None:
        """Pause clients.  If there is a pause already, the later end and the stricter kind apply."""
        engine = self.engine
        if until_ms > self.until_ms:
            self.until_ms = until_ms
        engine.gates |= GATE_PAUSE_WRITE if writes_only else GATE_PAUSED
        engine.moment.deleting_expired = False

    def end(self) -> None:
        """End the pause: the connections continue, in order."""
        engine = self.engine
        self.until_ms = 0
        engine.gates &= ~GATE_PAUSED
        engine.moment.deleting_expired = True
        waiting = self.waiting
        self.waiting = []
        for session in waiting:
            session.waiting = None
            session.active_us = engine.moment.now_us
            session.peer.resume(session)

    def tick(self) -> None:
        """End the pause if its time has come."""
        if self.until_ms != 0 and self.until_ms <= self.engine.moment.now_ms:
            self.end()

    def actions(self) -> bytes:
        """The paused actions, as INFO shows them."""
        if self.engine.gates & GATE_PAUSE_ALL != 0:
            return b"all"
        return b"write" if self.until_ms != 0 else b"none"

    def holds(self, session: Session, command: Command) -> bool:
        """Whether a command has to wait.

        Calls in process never wait.  While only writes are paused, EXEC waits if its transaction writes and has not
        failed.
        """
        if not session.may_block:
            return False
        if self.engine.gates & GATE_PAUSE_ALL != 0 or command.name != b"exec":
            return True
        transaction = session.transaction
        if transaction is None or transaction.spoiled or session.watch_broken:
            return False
        return transaction.gates & GATE_PAUSE_WRITE != 0

    def postpone(self, session: Session, command: Command, args: list[bytes]) -> object:
        """Have the session wait with this command."""
        waiting = Waiting(command, args, int(session.db.index), [])
        waiting.postponed = True
        session.waiting = waiting
        session.last_command = command.name
        self.waiting.append(session)
        return BLOCKED
