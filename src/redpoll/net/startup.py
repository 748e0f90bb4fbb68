"""Loading the data at the start of a server.  Clients get LOADING errors meanwhile, and signals are obeyed."""

from __future__ import annotations

import gc
from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_LOADING
from redpoll.env.log import Log
from redpoll.errors import ServerError
from redpoll.net.loop import Reactor
from redpoll.persistence import background
from redpoll.persistence.append_control import AppendFile
from redpoll.persistence.append_loading import LoadError
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.loading import load, open_snapshot
from redpoll.persistence.saving import snapshot_path
from redpoll.persistence.snapshot_reader import Progress
from redpoll.replication.replication import Replication

FATAL_LOAD: Final = "Fatal error loading the DB, check server logs. Exiting. %s: %s"


class StartupLoad(Progress):
    """Loads the data of one server.  The loop turns whenever the load reports progress."""

    def __init__(
        self,
        engine: Engine,
        reactor: Reactor,
        log: Log,
        append_only: AppendFile,
        replication: Replication,
        follows: bool,
    ) -> None:
        self.engine: Final = engine
        self.reactor: Final = reactor
        self.log: Final = log
        self.append_only: Final = append_only
        self.replication: Final = replication
        self.follows: Final = follows
        """Whether the server will be a replica: then it goes on in the stream of the file."""
        self.began_us: i64 = engine.clock.now_us()
        self.told_us: i64 = self.began_us
        """When the log last had a line about the progress."""

    def run(self) -> None:
        """Load the append-only file if it is on, or else the snapshot file.  Raises ServerError."""
        if self.engine.config.flag(b"appendonly"):
            self.load_append_only()
        else:
            self.load_snapshot()

    def load_append_only(self) -> None:
        """Load the append-only file, and write to it from now on.  Raises ServerError."""
        engine = self.engine
        engine.durability.loading = True
        engine.gates |= GATE_LOADING
        gc.disable()
        try:
            self.append_only.open(self)
        except LoadError as refused:
            if not self.reactor.stopping:
                raise ServerError(refused.reason) from None
        finally:
            engine.gates &= ~GATE_LOADING
            engine.durability.loading = False

    def load_snapshot(self) -> None:
        """Load the snapshot file if there is one.  Raises ServerError."""
        engine = self.engine
        path = snapshot_path(engine)
        began_us = engine.clock.now_us()
        engine.moment.set_time(began_us)
        try:
            reader = open_snapshot(engine, path)
        except OSError as refused:
            raise ServerError(FATAL_LOAD % (path.decode("utf-8", "surrogateescape"), refused.strerror)) from refused
        if reader is None:
            return
        engine.durability.loading = True
        engine.gates |= GATE_LOADING
        gc.disable()
        complaint = load(engine, reader, self)
        reader.close()
        engine.gates &= ~GATE_LOADING
        engine.durability.loading = False
        if self.reactor.stopping:
            return
        if complaint:
            raise ServerError(FATAL_LOAD % (path.decode("utf-8", "surrogateescape"), complaint))
        place = engine.durability.place
        if place.offset >= 0 and len(place.history) == 40:
            self.replication.loaded(place, self.follows)
        self.log.notice(f"DB loaded from disk: {float(engine.clock.now_us() - began_us) / 1e6:.3f} seconds")

    # Progress.

    def told(self, line: str) -> None:
        self.log.notice(line)

    def moved(self, done: i64, total: i64) -> None:
        now_us = self.engine.clock.now_us()
        load = self.engine.durability.load
        if load is not None and now_us - self.told_us >= background.TELL_EVERY_US:
            self.told_us = now_us
            rate = float(done) / float(now_us - self.began_us) * 1e6 / (1024 * 1024)
            share = 100.0 * float(done) / float(total)
            self.told(f"Loading: {share:.0f} %, {rate:.1f} MB/s, about {load.left_s(now_us)} s left")
        self.reactor.run_nested()
        if self.reactor.stopping:
            raise DamagedError("loading was ended by a signal", done)
