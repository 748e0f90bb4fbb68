"""Snapshots for replicas: sent straight into their connections in slices, or written to a file first.

Nothing is forked, and the data is not copied: a snapshot waits while a replica has many bytes of it unsent.  Source:
spec/replication.md, section 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.engine.routing import arrivals_of
from redpoll.env.files import Appender
from redpoll.persistence import codes
from redpoll.persistence.background import SlicedSnapshot
from redpoll.persistence.formats import uses_written, version_written
from redpoll.persistence.saving import DRAFTS
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_writer import SnapshotWriter
from redpoll.replication.replica import LOADS, NEW_FORMAT_FROM, Replica

if TYPE_CHECKING:
    from redpoll.replication.primary import Primary

MOST_UNSENT: Final[i64] = 4 << 20
"""The snapshot waits while a replica has more of it unsent."""

MARKER_DIGITS: Final = 40


class Broadcast(Appender):
    """Passes the pieces of a snapshot to several replicas."""

    def __init__(self, replicas: list[Replica]) -> None:
        super().__init__(-1)
        self.replicas: Final = replicas

    def write(self, data: bytes) -> None:
        for replica in self.replicas:
            replica.add_piece(data)
            replica.session.peer.wake()

    def sync(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def most_unsent(self) -> i64:
        most: i64 = 0
        for replica in self.replicas:
            if replica.pieces_bytes > most:
                most = replica.pieces_bytes
        return most


def version_for(replicas: list[Replica], engine: Engine) -> i64:
    """The format that all these replicas read."""
    version = version_written(engine.config)
    for replica in replicas:
        wanted = codes.VALKEY_80
        if replica.reads_marker and replica.version < NEW_FORMAT_FROM:
            # Redis announces no version, and Redis 7.0 reads nothing newer than version 10.
            wanted = codes.REDIS_11 if replica.version else codes.REDIS_10
        if wanted < version:
            version = wanted
    return version


class ReplicaSnapshot(SlicedSnapshot):
    """A snapshot that is sent to replicas while it is made."""

    def __init__(self, primary: Primary, replicas: list[Replica]) -> None:
        engine = primary.engine
        config = engine.config
        self.primary: Final = primary
        self.out: Final = Broadcast(list(replicas))
        self.marker: Final = engine.random.hex_digits(MARKER_DIGITS)
        self.summed: Final = config.flag(b"rdbchecksum")
        self.written_all = False
        sink = Sink(config.flag(b"rdbcompression"), self.out)
        sink.summing = self.summed
        moment = engine.moment
        writer = SnapshotWriter(sink, version_for(replicas, engine), moment, uses_written(config))
        libraries = engine.durability.libraries
        for replica in replicas:
            replica.state = LOADS
            replica.awaits_ack = True
            replica.add_piece(b"$EOF:%b\r\n" % self.marker)
        place = primary.role.place()
        writer.begin(moment.now_us // 1000000, engine.used_memory(), libraries, False, place, arrivals_of(engine))
        side_path = config.files.absolute(DRAFTS.next() + b".side")
        super().__init__(engine, writer, side_path, not replicas[0].functions_only)

    def step(self, budget_us: i64) -> bool:
        if len(self.out.replicas) == 0:
            self.cancel("all replicas have gone")
            return False
        clock = self.engine.clock
        until: i64 = clock.now_us() + budget_us
        if not self.written_all:
            while True:
                if self.out.most_unsent() > MOST_UNSENT:
                    return True
                if not self.write_some():
                    break
                if clock.now_us() >= until:
                    return True
            self.let_go()
            self.written_all = True
            if not self.complaint:
                self.writer.end(self.summed)
                self.out.write(self.marker)
        self._close()
        engine = self.engine
        if self.complaint:
            engine.host.log(f"Sending a snapshot to replicas failed: {self.complaint}")
            self._drop_replicas()
            return False
        engine.host.note(f"Diskless rdb transfer: {self.writer.keys} keys, {self.writer.sink.written} bytes")
        for replica in self.out.replicas:
            replica.finished = True
            replica.session.peer.wake()
        return False

    def forget(self, replica: Replica) -> None:
        """A replica has gone."""
        if replica in self.out.replicas:
            self.out.replicas.remove(replica)

    def _close(self) -> None:
        self.primary.snapshot = None
        self.engine.durability.running = None

    def _drop_replicas(self) -> None:
        for replica in list(self.out.replicas):
            replica.session.peer.close()

    def cancel(self, why: str) -> None:
        self.let_go()
        self._close()
        self.engine.host.note(f"The snapshot for replicas was given up: {why}")
        self._drop_replicas()
