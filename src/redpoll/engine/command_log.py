"""The logs of slow commands, large requests and large replies: SLOWLOG and COMMANDLOG.

Source: spec/server.md, "SLOWLOG, COMMANDLOG".
"""

from __future__ import annotations

from collections import deque
from typing import Final

from mypy_extensions import i64

from redpoll.engine.command import Command
from redpoll.engine.redact import redacted
from redpoll.engine.session import Session
from redpoll.structures.mover import Mover

MOST_ARGUMENTS: Final = 32
MOST_BYTES: Final = 128


class LogEntry:
    """One command: `amount` is its microseconds or its bytes, `at_s` when it ended, in seconds since 1970."""

    def __init__(self, id: i64, at_s: i64, amount: i64, args: list[bytes], address: bytes, name: bytes) -> None:
        self.id: i64 = id
        self.at_s: i64 = at_s
        self.amount: i64 = amount
        self.args: Final = args
        self.address: Final = address
        self.name: Final = name

    def moved(self, mover: Mover) -> LogEntry:
        """An entry that says the same, of new objects."""
        args = [mover.bytes_(word) for word in self.args]
        return LogEntry(self.id, self.at_s, self.amount, args, mover.bytes_(self.address), mover.bytes_(self.name))


class CommandLog:
    """The newest `max_len` commands whose amount reached `threshold` (-1: none, 0: all)."""

    def __init__(self) -> None:
        self.threshold: i64 = -1
        self.max_len: i64 = 0
        self.entries: Final[deque[LogEntry]] = deque()
        self.next_id: i64 = 0

    def accepts(self, amount: i64) -> bool:
        """Whether a command with this amount is logged."""
        return self.threshold >= 0 and amount >= self.threshold

    def add(self, session: Session, command: Command, args: list[bytes], amount: i64, at_s: i64) -> None:
        """Add a command, and drop the oldest ones beyond `max_len`."""
        if self.max_len == 0:
            return
        shown = clipped(redacted(command.name, args))
        entry = LogEntry(self.next_id, at_s, amount, shown, session.peer.address(), session.name)
        self.next_id += 1
        self.entries.appendleft(entry)
        while len(self.entries) > self.max_len:
            self.entries.pop()

    def newest(self, count: i64) -> list[LogEntry]:
        """Up to `count` entries, all for -1; the newest first."""
        if count < 0 or count > len(self.entries):
            count = len(self.entries)
        return [self.entries[n] for n in range(count)]

    def move(self, mover: Mover) -> None:
        """Make all entries anew where memory is used well: each could hold a megabyte that is free otherwise."""
        # None of the old ones goes before all are made, or a new one would get its place.
        made = [entry.moved(mover) for entry in self.entries]
        self.entries.clear()
        self.entries.extend(made)

    def reset(self) -> None:
        """Delete all entries.  Ids go on counting."""
        self.entries.clear()


def clipped(args: list[bytes]) -> list[bytes]:
    """Arguments for a log: at most the first 31, each at most 128 bytes, with a remark about the rest."""
    kept = args
    if len(args) > MOST_ARGUMENTS:
        kept = args[: MOST_ARGUMENTS - 1]
    found: list[bytes] = []
    for word in kept:
        if len(word) > MOST_BYTES:
            word = b"%b... (%d more bytes)" % (word[:MOST_BYTES], len(word) - MOST_BYTES)
        found.append(word)
    if len(args) > MOST_ARGUMENTS:
        found.append(b"... (%d more arguments)" % (len(args) - MOST_ARGUMENTS + 1))
    return found


def request_bytes(args: list[bytes]) -> i64:
    """The bytes of a command on the wire, as an array of bulk strings."""
    total: i64 = len(str(len(args))) + 3
    for word in args:
        total += len(word) + len(str(len(word))) + 5
    return total
