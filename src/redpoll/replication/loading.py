"""Loading the snapshot of a primary, from a file or while it arrives (`repl-diskless-load`).

Others are served meanwhile: with `swapdb` from the old data if it has the same history, else they get LOADING errors.
Source: spec/replication.md, section 5.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.engine.durability import LOG_OFF
from redpoll.engine.gates import GATE_LOADING
from redpoll.engine.role import StreamPlace
from redpoll.env.files import Reader
from redpoll.keyspace.database import Database
from redpoll.persistence.append_control import AppendFile
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.saving import snapshot_path
from redpoll.persistence.snapshot_reader import Progress, SnapshotReader
from redpoll.persistence.source import Source
from redpoll.replication.payload import Payload, PayloadReader

if TYPE_CHECKING:
    from redpoll.replication.replication import Replication


class Serving(Progress):
    """Serves others during a load."""

    def __init__(self, replication: Replication) -> None:
        self.replication: Final = replication

    def moved(self, done: i64, total: i64) -> None:
        if not self.replication.network.pump(False):
            raise DamagedError("the server is ending", done)

    def told(self, line: str) -> None:
        self.replication.engine.host.note(line)


class Loader:
    """Loads snapshots into the databases of an engine."""

    def __init__(self, replication: Replication) -> None:
        self.replication: Final = replication
        self.drafts = 0
        self.place = StreamPlace(b"", -1, 0)
        """What the last snapshot says about its place in the stream."""

    def mode(self) -> bytes:
        return self.replication.engine.config.text(b"repl-diskless-load")

    def reads_socket(self) -> bool:
        """Whether a snapshot is loaded while it arrives."""
        mode = self.mode()
        if mode == b"on-empty-db":
            return all(db.tables.size() == 0 for db in self.replication.engine.databases)
        return mode != b"disabled"

    def draft_name(self) -> bytes:
        """A new name for a file that a snapshot is written to."""
        self.drafts += 1
        return b"temp-%d-repl.%d.rdb" % (os.getpid(), self.drafts)

    def load_file(self, payload: Payload, draft: bytes) -> str:
        """Load a snapshot that is complete in a file; return the reason if that failed."""
        config = self.replication.engine.config
        files = config.files
        file = payload.file
        assert file is not None
        path = files.absolute(snapshot_path(self.replication.engine))
        running = self.replication.engine.durability.running
        if running is not None:
            running.cancel("a snapshot of the primary is loaded")
        try:
            file.sync()
            payload.file = None
            file.close()
            files.rename(draft, path)
            files.sync_folder(os.path.dirname(path))
            reader = files.reader(path)
        except OSError as refused:
            return f"{refused.strerror}"
        complaint = self._replace(reader)
        reader.close()
        if not complaint:
            self.replication.remove_sync_file()
        return complaint

    def load_arriving(self, reader: PayloadReader, place: StreamPlace | None) -> str:
        """Load a snapshot while it arrives; return the reason if that failed."""
        running = self.replication.engine.durability.running
        if running is not None:
            running.cancel("a snapshot of the primary is loaded")
        if self.mode() == b"swapdb":
            return self._load_beside(reader, place)
        return self._replace(reader)

    def _replace(self, reader: Reader) -> str:
        """Drop the old data and load."""
        engine = self.replication.engine
        engine.host.note("PRIMARY <-> REPLICA sync: Flushing old data")
        self._empty()
        complaint = self._load(reader, engine.databases)
        if complaint:
            self._empty()
        self._log_again()
        return complaint

    def _empty(self) -> None:
        engine = self.replication.engine
        for db in engine.databases:
            db.flush()
        if not engine.config.flag(b"replica-lazy-flush"):
            while engine.reclaimer.run(1024):
                pass
        engine.durability.replace_libraries([])

    def _load_beside(self, reader: PayloadReader, place: StreamPlace | None) -> str:
        """Load into other databases, and exchange them at the end."""
        replication = self.replication
        engine = replication.engine
        beside = [db.another() for db in engine.databases]
        # The old data is a past state of the new data only if it has the same history.
        engine.durability.async_loading = place is not None and place.history == replication.history
        complaint = self._load(reader, beside)
        engine.durability.async_loading = False
        for db in engine.databases:
            other = beside[int(db.index)]
            if not complaint:
                db.exchange(other)
            other.flush()
            engine.moment.used_bytes -= other.tables.size_told()
        self._log_again()
        return complaint

    def _log_again(self) -> None:
        """Begin the append-only file anew with what is there after the load, if it is on."""
        engine = self.replication.engine
        log = engine.durability.append_only
        if isinstance(log, AppendFile) and engine.config.flag(b"appendonly"):
            log.switch_on()

    def _load(self, reader: Reader, databases: list[Database]) -> str:
        engine = self.replication.engine
        durability = engine.durability
        log = durability.append_only
        if isinstance(log, AppendFile) and log.state != LOG_OFF:
            # What it holds is about to be replaced.
            log.switch_off()
        durability.loading = True
        if not durability.async_loading:
            engine.gates |= GATE_LOADING
        engine.start_unit()
        summing = durability.checking_sums and engine.config.flag(b"rdbchecksum")
        progress = Serving(self.replication)
        if engine.router is not None and databases is engine.databases:
            engine.router.load_begins()
        snapshot = SnapshotReader(engine, Source(b"", reader.size, reader, summing), progress, False, databases)
        complaint = ""
        try:
            snapshot.read()
        except DamagedError as damage:
            complaint = damage.told()
        except OSError as refused:
            complaint = f"{refused.strerror}"
        for db in databases:
            db.end_loading()
        engine.gates &= ~GATE_LOADING
        durability.loading = False
        engine.start_unit()
        if complaint:
            engine.host.log(f"Failed trying to load the PRIMARY synchronization DB: {complaint}")
            return complaint
        if engine.router is not None:
            engine.router.loaded(snapshot.arrivals)
        self.place = snapshot.place
        durability.keys_loaded = snapshot.keys
        durability.keys_expired = snapshot.expired
        durability.replace_libraries(list(snapshot.libraries.values()))
        engine.host.note(snapshot.summary())
        return ""
