"""Engines with an append-only file in memory, for tests."""

from __future__ import annotations

import random

from tests.differential.wire import as_bytes
from tests.unit.persistence.contents import Telling, opened

from redpoll.engine.engine import Engine
from redpoll.engine.session import Peer, Session
from redpoll.env.clock import VirtualClock
from redpoll.env.files import Files, MemoryFiles
from redpoll.observe.digest import data_digest
from redpoll.persistence.append_control import AppendFile, open_append_only
from redpoll.persistence.snapshot_reader import Progress

FOLDER = b"/appendonlydir/"


class Told(Progress):
    """Keeps what a load tells."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def told(self, line: str) -> None:
        self.lines.append(line)


class TornFiles(MemoryFiles):
    """Files of which a crash may also keep a part of what was not synced."""

    def crash_randomly(self, dice: random.Random) -> None:
        """Lose any part of the unsynced data and names, as a disk may."""
        names = dict(self.contents) if dice.random() < 0.5 else dict(self.on_disk)
        for file in names.values():
            kept = dice.randint(file.synced, len(file.data))
            file.data = file.data[:kept]
            file.synced = kept
        self.contents = names
        self.on_disk = dict(names)
        self.locks = {}


class Opened:
    """An engine, its append-only file, and a session."""

    def __init__(self, files: Files | None = None, later_ms: int = 0, **settings: str) -> None:
        self.engine: Engine = opened(files, appendonly="yes", **settings)
        clock = self.engine.clock
        assert isinstance(clock, VirtualClock)
        clock.advance_ms(later_ms)
        self.told = Told()
        self.log: AppendFile = open_append_only(self.engine, self.told)
        self.session = session_of(self.engine)

    def do(self, *words: object) -> object:
        """Run a command, and write its effects as the server does before it replies."""
        reply = run(self.engine, self.session, *words)
        if self.engine.unwritten:
            self.engine.commit()
        return reply

    def pass_s(self, seconds: float) -> None:
        """Let time pass, and the timers run."""
        clock = self.engine.clock
        assert isinstance(clock, VirtualClock)
        clock.advance_ms(int(seconds * 1000))
        self.engine.tick()

    def work(self) -> None:
        """Let the running rewrite end."""
        for _ in range(10_000):
            running = self.engine.durability.running
            if running is None:
                return
            running.step(1_000_000)
        raise AssertionError("the rewrite does not end")

    def lines(self) -> list[str]:
        host = self.engine.host
        assert isinstance(host, Telling)
        return host.lines

    def digest(self) -> bytes:
        return data_digest(self.engine)

    def close(self) -> None:
        """End in good order."""
        assert self.log.flush()
        self.log.close()


def session_of(engine: Engine) -> Session:
    session = Session(engine, 7, Peer())
    session.may_block = False
    return session


def run(engine: Engine, session: Session, *words: object) -> object:
    engine.start_unit()
    return engine.execute(session, [as_bytes(word) for word in words])  # type: ignore[arg-type]


def spelled(*commands: tuple[object, ...]) -> bytes:
    """Commands as the append-only file has them."""
    parts = []
    for words in commands:
        args = [as_bytes(word) for word in words]  # type: ignore[arg-type]
        parts.append(b"*%d\r\n" % len(args) + b"".join([b"$%d\r\n%b\r\n" % (len(arg), arg) for arg in args]))
    return b"".join(parts)


def put(files: Files, name: bytes, data: bytes) -> None:
    """Create a file on the disk."""
    file = files.append(name)
    file.write(data)
    file.sync()
    file.close()
    files.sync_folder(name.rpartition(b"/")[0] or b"/")
