"""The source's connection to the target of one migration: what was sent, what waits, and what the target says.

The keys go first, in pieces of the snapshot.  Changes of that time wait in `held` until all keys are on their way,
because a command may need keys that have not been sent.  Bytes are given to the connection only as fast as it takes
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from redpoll.cluster.migration_job import READING_AUTH, READING_ESTABLISH, Job
from redpoll.engine.session import Buffers, Peer, Session
from redpoll.engine.settings import REPLICA
from redpoll.persistence.append_encode import write_command, write_select
from redpoll.protocol.requests import Limits, RequestParser
from redpoll.replication.network import Errand, Receiver, Wire

if TYPE_CHECKING:
    from redpoll.cluster.migration_seat import SlotMover

PIECE: Final[i64] = 1 << 16
"""The bytes of changes from which a piece is closed."""
MOST_AT_ONCE: Final[i64] = 1 << 20
"""The bytes that a connection gets in one turn of the loop."""
MOST_LINE: Final = 1 << 16
BATCH: Final[i64] = 64


class LinkPeer(Peer):
    """The target's end, for the session that CLIENT LIST shows."""

    def __init__(self, link: SlotLink) -> None:
        self.link: Final = link

    def address(self) -> bytes:
        wire = self.link.wire
        return wire.address() if wire is not None else b"?:0"

    def local_address(self) -> bytes:
        wire = self.link.wire
        return wire.local_address() if wire is not None else b"?:0"

    def descriptor(self) -> int:
        wire = self.link.wire
        return wire.descriptor() if wire is not None else -1

    def buffers(self) -> Buffers:
        found = Buffers()
        found.backlog = self.link.unsent()
        return found

    def close(self) -> None:
        """CLIENT KILL: the migration fails."""
        self.link.lost("killed")


class SlotLink(Receiver):
    """See the module's docstring."""

    def __init__(self, mover: SlotMover, job: Job) -> None:
        self.mover: Final = mover
        self.job: Final = job
        self.wire: Wire | None = None
        self.session: Session | None = None
        self.pumping: Final = Pump(self)
        self.line = b""
        self.parser: Final = RequestParser(Limits(1 << 20))
        self.pieces: list[bytes] = []
        self.at: i64 = 0
        """Pieces before this one are sent."""
        self.bytes: i64 = 0
        """Bytes of the pieces that are not sent."""
        self.out: Final = BytesWriter()
        self.held: list[bytes] = []
        """Changes that wait for the end of the snapshot: `held_bytes` in all."""
        self.held_bytes: i64 = 0
        self.in_snapshot = False
        self.flags = b""
        """1 for each slot that moves."""
        self.late: list[list[bytes]] = []
        """Messages that wait until the snapshot is at the end of a command."""
        self.selected: i64 = -1
        """The database of the last SELECT among the changes."""

    # The connection.

    def connected(self) -> None:
        wire = self.wire
        if wire is None:
            return
        engine = self.mover.engine
        session = engine.open_session(LinkPeer(self))
        session.authenticated = True
        session.gates = 0
        session.may_block = False
        session.exports = True
        session.user = b"(superuser)"
        self.session = session
        self.mover.update_time()
        self.mover.migrations.connected(self.job)
        self.mover.finish()

    def received(self, data: bytes) -> None:
        job = self.job
        session = self.session
        if session is not None:
            session.active_us = self.mover.engine.moment.now_us
        migrations = self.mover.migrations
        self.mover.update_time()
        while job.state in (READING_AUTH, READING_ESTABLISH) and data:
            line, found, rest = (self.line + data).partition(b"\r\n")
            if not found:
                self.line = line
                if len(line) > MOST_LINE:
                    self.lost("the answer is too long")
                return
            self.line = b""
            data = rest
            migrations.answered(job, line)
        if data and not job.has_ended():
            self._commands(data)
        self.mover.finish()

    def _commands(self, data: bytes) -> None:
        """Messages of the target, as commands."""
        job = self.job
        migrations = self.mover.migrations
        parser = self.parser
        parser.feed(data)
        commands: list[list[bytes]] = []
        while not job.has_ended():
            commands.clear()
            failed = parser.parse(commands, BATCH)
            for words in commands:
                if words[0].startswith(b"-"):
                    # An error reply looks like a command in one line.
                    migrations.command_failed(job, b" ".join(words))
                elif len(words) > 2 and words[0].upper() == b"CLUSTER" and words[1].upper() == b"SYNCSLOTS":
                    session = self.session
                    if session is not None:
                        session.last_command = b"cluster|syncslots"
                        session.commands += 1
                    migrations.told(job, words)
                if job.has_ended():
                    return
            if failed is not None:
                migrations.command_failed(job, failed)
            elif len(commands) < BATCH:
                break

    def lost(self, reason: str) -> None:
        self.close()
        self.mover.update_time()
        self.mover.migrations.lost(self.job, reason)
        self.mover.finish()

    def counts_as_primary(self) -> bool:
        return False

    def purpose(self) -> str:
        return "slot migration target"

    def drained(self) -> None:
        self.pump()

    def close(self) -> None:
        """Close the connection."""
        wire = self.wire
        if wire is not None:
            self.wire = None
            wire.close()
        session = self.session
        if session is not None:
            self.session = None
            self.mover.engine.close_session(session)
        self.pieces = []
        self.at = 0
        self.bytes = 0
        self.held = []
        self.held_bytes = 0
        self.late = []
        self.out.truncate(0)

    # Sending.

    def unsent(self) -> i64:
        """Bytes that the target has not been sent."""
        wire = self.wire
        backlog: i64 = wire.backlog() if wire is not None else 0
        return self.bytes + self.held_bytes + i64(len(self.out)) + backlog

    def send(self, words: list[bytes]) -> None:
        """A message of the migration."""
        if self.in_snapshot:
            self.late.append(words)
            return
        write_command(self.out, words)
        self.seal()
        self.pump_soon()

    def piece(self, data: bytes) -> None:
        """A piece of the snapshot, which ends with a command if `send_late` follows."""
        self._add(data)
        self.pump_soon()

    def send_late(self) -> None:
        """The snapshot is at the end of a command: send the messages that wait for that."""
        if len(self.late) == 0:
            return
        # Changes wait for the end of the snapshot: they must not go out with the messages.
        self.seal()
        late = self.late
        self.late = []
        for words in late:
            write_command(self.out, words)
        self._add(self.out.getvalue())
        self.out.truncate(0)

    def begin_snapshot(self) -> None:
        self.in_snapshot = True

    def end_snapshot(self, last: list[bytes]) -> None:
        """All keys are on their way: a message says so, and the changes of that time follow."""
        self.late.append(last)
        self.send_late()
        self.in_snapshot = False
        held = self.held
        self.held = []
        self.held_bytes = 0
        for data in held:
            self._add(data)
        self.pump_soon()

    def change(self, db: i64, args: list[bytes]) -> None:
        """A command has changed keys of the slots."""
        out = self.out
        if db != self.selected:
            self.selected = db
            write_select(out, db)
        write_command(out, args)
        if len(out) >= PIECE:
            self.seal()
        if not self.in_snapshot:
            self.pump_soon()
        limit: i64 = self.mover.engine.options.output_limits[REPLICA].hard
        if limit > 0 and self.unsent() > limit:
            self.mover.too_slow(self)

    def seal(self) -> None:
        """Close the piece of changes that is open."""
        if len(self.out) == 0:
            return
        data = self.out.getvalue()
        self.out.truncate(0)
        if self.in_snapshot:
            self.held.append(data)
            self.held_bytes += i64(len(data))
        else:
            self._add(data)

    def _add(self, data: bytes) -> None:
        if len(data) > 0:
            self.pieces.append(data)
            self.bytes += i64(len(data))

    def pump_soon(self) -> None:
        """Send at the end of this turn of the loop."""
        if not self.pumping.planned:
            self.pumping.planned = True
            self.mover.network().soon(self.pumping)

    def pump(self) -> None:
        """Give the connection what it takes at once."""
        wire = self.wire
        if wire is None:
            return
        if not self.in_snapshot:
            self.seal()
        sent: i64 = 0
        while self.at < len(self.pieces) and wire.backlog() == 0 and sent < MOST_AT_ONCE:
            data = self.pieces[self.at]
            self.pieces[self.at] = b""
            self.at += 1
            size: i64 = len(data)
            self.bytes -= size
            sent += size
            self.mover.sent_bytes(size)
            wire.send(data)
        if self.at == len(self.pieces):
            self.pieces = []
            self.at = 0
        elif wire.backlog() == 0:
            # The others have their turn first.
            wire.ask_writable()


class Pump(Errand):
    """Sends at the end of a turn of the loop."""

    def __init__(self, link: SlotLink) -> None:
        self.link: Final = link
        self.planned = False

    def run_errand(self) -> None:
        self.planned = False
        self.link.pump()
