"""CLIENT PAUSE: commands wait and run later, in the order in which they came.

The gates of all commands, or of commands that write, are closed.  A connection keeps a command that meets a closed
gate, and all commands after it.  After the pause the connections continue in the order in which they were stopped.
During the pause an expired key is hidden but not deleted, so that the data set does not change.  A write that is still
possible (a session in process, DEBUG POPULATE) deletes the hidden key that it overwrites.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.engine.blocking import Waiting
from redpoll.engine.command import Command
from redpoll.engine.gates import GATE_PAUSE_ALL, GATE_PAUSE_WRITE, GATE_PAUSED
from redpoll.engine.session import Session
from redpoll.protocol.reply import BLOCKED

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine


FOR_EVER_MS: Final = 2**63 - 1


class Pause:
    """The engine's pause.  `until_ms` is its end in ms since 1970, 0 while there is none."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.until_ms: i64 = 0
        self.writes_only = True
        """Whether CLIENT PAUSE stops only writes."""
        self.holders: list[bytes] = []
        """Other reasons for which writes wait, without an end: failover_in_progress, shutdown_in_progress."""
        self.known_ends: dict[bytes, int] = {}
        """When these reasons end at the latest, in ms since 1970; 0 if that is unknown."""
        self.waiting: list[Session] = []

    def begin(self, until_ms: i64, writes_only: bool) -> None:
        """Pause clients.  If there is a pause already, the later end and the stricter kind apply."""
        if self.until_ms == 0:
            self.writes_only = writes_only
        elif not writes_only:
            self.writes_only = False
        if until_ms > self.until_ms:
            self.until_ms = until_ms
        self._apply()

    def is_on(self) -> bool:
        return self.until_ms != 0 or len(self.holders) > 0

    def hold_writes(self, reason: bytes, until_ms: i64 = 0) -> None:
        """Let writes wait until `release_writes`, which follows at `until_ms` at the latest, if that is not 0."""
        if reason not in self.holders:
            self.holders.append(reason)
        self.known_ends[reason] = int(until_ms)
        self._apply()

    def release_writes(self, reason: bytes) -> None:
        """End `hold_writes`."""
        if reason in self.holders:
            self.holders.remove(reason)
            self.known_ends.pop(reason, None)
            self._apply()

    def reason(self) -> bytes:
        """Why clients are paused, as INFO shows it."""
        if len(self.holders) > 0:
            return self.holders[-1]
        return b"client_pause" if self.until_ms != 0 else b"none"

    def left_ms(self) -> int:
        """How long the pause goes on, as INFO shows it."""
        now_ms = int(self.engine.moment.now_ms)
        if len(self.holders) > 0:
            until_ms = self.known_ends[self.holders[-1]]
            return max(until_ms - now_ms, 0) if until_ms != 0 else FOR_EVER_MS - now_ms
        return max(int(self.until_ms) - now_ms, 0) if self.until_ms != 0 else 0

    def _apply(self) -> None:
        """Set the gates; without a pause, the connections continue."""
        engine = self.engine
        engine.gates &= ~GATE_PAUSED
        if len(self.holders) > 0:
            engine.gates |= GATE_PAUSE_WRITE
        if self.until_ms != 0:
            engine.gates |= GATE_PAUSE_WRITE if self.writes_only else GATE_PAUSED
        engine.review_expiry()
        self._go_on()

    def end(self) -> None:
        """End CLIENT PAUSE."""
        self.until_ms = 0
        self._apply()

    def _go_on(self) -> None:
        """Let the connections continue whose commands may run now, in order."""
        engine = self.engine
        if engine.gates & GATE_PAUSED != 0:
            return
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
        return b"write" if self.is_on() else b"none"

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
