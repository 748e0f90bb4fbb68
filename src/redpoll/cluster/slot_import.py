"""The target's end of a migration: the commands of the source run without checks and replies; their keys are hidden.

They go on to our own replicas and into the append-only file, like those of clients.  Keys past their deadline stay
until the source sends their deletion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from redpoll.catalogue.spec import WRITE
from redpoll.cluster.migration_job import Job
from redpoll.engine.command import Command
from redpoll.engine.gates import GATE_OOM
from redpoll.engine.role import Taker
from redpoll.engine.session import SILENT, Session
from redpoll.errors import wrong_arity
from redpoll.persistence.append_encode import write_command
from redpoll.protocol.reply import Error

if TYPE_CHECKING:
    from redpoll.cluster.migration_seat import SlotMover

SELECT: Final = b"select"


def changes_data(command: Command) -> bool:
    """Whether a command may change keys.  PFCOUNT keeps its result in its key."""
    return command.flag(WRITE) or command.name == b"pfcount"


class SlotImport(Taker):
    """See the module's docstring."""

    def __init__(self, mover: SlotMover, session: Session, job: Job) -> None:
        self.mover: Final = mover
        self.session: Session | None = session
        self.job: Final = job
        self.received: i64 = 0
        session.taker = self
        session.quiet = SILENT
        session.gates = 0
        session.peer.hush()

    def send(self, words: list[bytes]) -> None:
        """Send a command to the source."""
        session = self.session
        if session is not None:
            out = BytesWriter()
            write_command(out, words)
            session.peer.write(out.getvalue())

    def close(self) -> None:
        """Close the connection once what was sent has left."""
        session = self.session
        if session is not None:
            self.session = None
            session.taker = None
            session.peer.close_after_reply()
            session.peer.wake()

    def left(self) -> None:
        if self.session is not None:
            self.session = None
            self.mover.update_time()
            self.mover.migrations.lost(self.job, "closed")
            self.mover.finish()

    def take(self, commands: list[list[bytes]], received: i64) -> None:
        mover = self.mover
        engine = mover.engine
        moment = engine.moment
        job = self.job
        engine.traffic.slots_received += received - self.received
        self.received = received
        mover.update_time()
        job.heard = mover.seat.machine.now
        engine.frozen += 1
        moment.repeating = True
        try:
            for args in commands:
                if self.session is None:
                    break
                self._run(args)
        finally:
            moment.repeating = False
            engine.frozen -= 1
            engine.start_unit()
        mover.finish()
        if len(engine.blocking.ready) > 0:
            engine.blocking.serve()

    def _run(self, args: list[bytes]) -> None:
        mover = self.mover
        engine = mover.engine
        session = self.session
        assert session is not None
        command = engine.meant(args)
        if command is None:
            self._failed(b"ERR unknown command")
            return
        if command.name == b"cluster|syncslots":
            session.last_command = command.name
            session.commands += 1
            mover.propagate(args)
            mover.migrations.told(self.job, args)
            return
        arity = command.arity
        count: i64 = len(args)
        if count != arity and (arity >= 0 or count < -arity):
            self._failed(wrong_arity(command.name))
            return
        if not changes_data(command) and command.name != SELECT:
            self._failed(b"ERR not allowed during a migration")
            return
        if engine.gates & GATE_OOM != 0 and not engine.eviction.make_room():
            mover.warn(f"Slot migration {self.job.shown()} failed due to OOM")
            self._failed(b"OOM")
            return
        reply = engine.run(session, command, args)
        engine.unit.end()
        if isinstance(reply, Error):
            self._failed(reply.text)

    def _failed(self, text: bytes) -> None:
        self.mover.migrations.command_failed(self.job, text)
