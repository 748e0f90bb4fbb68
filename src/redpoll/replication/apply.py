"""Applies the stream of the primary: its commands run without checks, and its bytes go on to our own replicas.

Keys past their deadline are there for these commands, until the primary deletes them.  The transaction between MULTI
and EXEC is one unit.  Source: spec/replication.md, sections 7 to 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.catalogue.spec import WRITE
from redpoll.engine.command import MAY_REPLICATE, Command
from redpoll.engine.gates import GATE_SHOWN, GATE_WRITE_DISK
from redpoll.engine.propagation import SIGABRT, propagation_failed
from redpoll.engine.session import Session
from redpoll.errors import wrong_arity
from redpoll.protocol.reply import Error
from redpoll.protocol.requests import Limits, RequestParser
from redpoll.replication.stream import command_size

if TYPE_CHECKING:
    from redpoll.replication.replication import Replication

BATCH: Final[i64] = 1024
MOST_BULK_BYTES: Final[i64] = 1 << 60

WARN_EVERY_US: Final[i64] = 10_000_000

PLAIN: Final = frozenset((b"ping", b"select", b"script|load", b"function|load", b"cluster|syncslots"))
"""Commands of a stream that do not write."""


class Applier:
    """Applies one stream, from `offset` on."""

    def __init__(self, replication: Replication, session: Session, offset: i64) -> None:
        self.replication: Final = replication
        self.session: Final = session
        limits = Limits(MOST_BULK_BYTES)
        limits.names.expect(list(replication.engine.commands))
        self.parser: Final = RequestParser(limits)
        self.read: i64 = offset
        """The offset up to which bytes have arrived ..."""
        self.applied: i64 = offset
        """... and up to which they are applied."""
        self.parsed: i64 = offset
        self.raw: list[bytes] = []
        """The bytes after `applied`."""
        self.queued: list[list[bytes]] | None = None
        """The commands since MULTI."""
        self.broken = ""
        """Why the stream cannot go on."""
        self.warned_us: i64 = 0
        """When the log last warned of the disk."""

    def feed(self, data: bytes) -> None:
        """Apply the commands that `data` completes."""
        self.read += len(data)
        self.raw.append(data)
        parser = self.parser
        parser.feed(data)
        commands: list[list[bytes]] = []
        while not self.broken:
            commands.clear()
            failed = parser.parse(commands, BATCH)
            if len(commands) > 0:
                self._apply(commands)
            if failed is not None:
                self.broken = failed.decode("ascii", "replace")
            elif len(commands) < BATCH:
                break

    def _apply(self, commands: list[list[bytes]]) -> None:
        engine = self.replication.engine
        moment = engine.moment
        engine.start_unit()
        now_us = moment.now_us
        self.session.active_us = now_us
        engine.frozen += 1
        moment.repeating = True
        try:
            for args in commands:
                self.parsed += command_size(args)
                self._apply_one(args)
                if self.broken:
                    # This command is not applied, so its bytes do not count as data.
                    break
                if len(engine.blocking.ready) > 0:
                    moment.repeating = False
                    engine.blocking.serve()
                    moment.repeating = True
                if self.queued is None:
                    self.applied = self.parsed
        finally:
            moment.repeating = False
            engine.frozen -= 1
            engine.start_unit()
        if self.parser.pending_bytes() == 0 and self.queued is None and not self.broken:
            # Also the bytes that belong to no command, such as empty lines.
            self.parsed = self.read
            self.applied = self.read
        self._pass_on()

    def _apply_one(self, args: list[bytes]) -> None:
        word = args[0].lower()
        queued = self.queued
        if word == b"exec":
            self.queued = None
            if queued is not None:
                for each in queued:
                    self._run(each)
                self.replication.engine.unit.end()
        elif word == b"multi":
            self.queued = []
        elif queued is not None:
            queued.append(args)
        elif word == b"replconf":
            if len(args) > 1 and args[1].lower() == b"getack":
                self.replication.link.acknowledge()
        else:
            self._run(args)
            self.replication.engine.unit.end()

    def _run(self, args: list[bytes]) -> None:
        engine = self.replication.engine
        command = engine.commands.get(args[0])
        if command is None or command.subcommands is not None:
            command = engine.meant(args)
        if command is None or not may_run(command):
            self._complain(args[0], b"ERR unknown or not allowed in a stream")
            return
        arity = command.arity
        count: i64 = len(args)
        if count != arity and (arity >= 0 or count < -arity):
            self._complain(command.name, wrong_arity(command.name))
            return
        session = self.session
        if engine.gates & GATE_WRITE_DISK != 0 and command.flag(WRITE) and self._must_stop():
            return
        reply = engine.run(session, command, args)
        if engine.gates & command.gates & GATE_SHOWN != 0:
            engine.monitors.show(session, command, args)
        if isinstance(reply, Error):
            self._complain(command.name, reply.text)

    def _must_stop(self) -> bool:
        """Whether a replica that cannot write to its disk ends (`replica-ignore-disk-write-errors`)."""
        replication = self.replication
        host = replication.engine.host
        if not replication.engine.config.flag(b"replica-ignore-disk-write-errors"):
            host.log("Replica was unable to write command to disk.")
            self.broken = "the disk cannot be written"
            host.end_by_fault(SIGABRT, "")
            return True
        now_us = replication.engine.moment.now_us
        if now_us - self.warned_us >= WARN_EVERY_US:
            self.warned_us = now_us
            host.log("Replica is applying a command even though it is unable to write to disk.")
        return False

    def _complain(self, name: bytes, why: bytes) -> None:
        """A command of the primary failed here: the data may differ now."""
        if propagation_failed(self.replication.engine, True, name, why):
            self.broken = "a command failed"

    def _pass_on(self) -> None:
        """Add the applied bytes to our own stream."""
        stream = self.replication.primary.stream
        if stream is None:
            self.raw = []
            return
        count = self.applied - stream.end
        at: i64 = 0
        while count > 0 and at < len(self.raw):
            data = self.raw[at]
            size: i64 = len(data)
            if size > count:
                stream.add_bytes(data[:count])
                self.raw[at] = data[count:]
                break
            stream.add_bytes(data)
            count -= size
            at += 1
        del self.raw[:at]


def may_run(command: Command) -> bool:
    """Whether a stream may contain this command."""
    return command.flag(WRITE) or command.name in PLAIN or command.name in MAY_REPLICATE
