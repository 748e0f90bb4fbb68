"""MONITOR: shows every command that runs to the monitoring clients, one line each.

    1795553459.235573 [3 127.0.0.1:51538] "SET" "a b" "\\x01"

The line has the time, the database after the command, the client's address, and the arguments.  While no client
monitors, the gate's bit is off and this code is not reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redpoll.engine.command import Command
from redpoll.engine.gates import GATE_MONITOR, GATE_SHOWN
from redpoll.engine.redact import redacted
from redpoll.engine.session import Session
from redpoll.protocol.reply import Status

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine

ESCAPES: Final = {34: b'\\"', 92: b"\\\\", 10: b"\\n", 13: b"\\r", 9: b"\\t", 7: b"\\a", 8: b"\\b"}


class Monitors:
    """The monitoring sessions, in the order in which they began."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sessions: list[Session] = []

    def add(self, session: Session) -> None:
        session.monitors = True
        session.gates |= GATE_MONITOR
        self.sessions.append(session)
        self.engine.gates |= GATE_SHOWN

    def remove(self, session: Session) -> None:
        """Stop showing commands to a session.  Does nothing if it does not monitor."""
        if session.monitors:
            session.monitors = False
            session.gates &= ~GATE_MONITOR
            self.sessions.remove(session)
            if len(self.sessions) == 0:
                self.engine.gates &= ~GATE_SHOWN

    def show(self, session: Session, command: Command, args: list[bytes]) -> None:
        """Show a command of `session` that has just run."""
        now_us = self.engine.clock.now_us()
        words = b" ".join([quoted(word) for word in redacted(command.name, args)])
        line = b"%d.%06d [%d %b] %b" % (
            now_us // 1000000, now_us % 1000000, session.db.index, session.peer.source(), words,
        )  # fmt: skip
        shown = Status(line)
        for monitor in list(self.sessions):
            monitor.peer.deliver(monitor, shown)


def quoted(word: bytes) -> bytes:
    """An argument in double quotes, with unprintable bytes escaped."""
    plain = True
    for c in word:
        if c < 32 or c > 126 or c == 34 or c == 92:
            plain = False
            break
    if plain:
        return b'"%b"' % word
    parts = [b'"']
    for c in word:
        escape = ESCAPES.get(c)
        if escape is not None:
            parts.append(escape)
        elif c < 32 or c > 126:
            parts.append(b"\\x%02x" % c)
        else:
            parts.append(bytes([c]))
    parts.append(b'"')
    return b"".join(parts)
