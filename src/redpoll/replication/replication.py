"""The part of an engine in replication: a primary, or a replica of another server; and its history.

`replication_of(engine)` gives it.  Source: spec/replication.md, sections 1, 2 and 9.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.config.schema import BY_NAME
from redpoll.config.settings import Config, Effects
from redpoll.config.values import Value
from redpoll.engine.durability import LOG_ON
from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_READONLY, GATE_REDIRECT, GATE_STALE
from redpoll.engine.role import Role, StreamPlace
from redpoll.errors import FORCED_UNBLOCK
from redpoll.persistence.saving import snapshot_path
from redpoll.protocol.reply import Error
from redpoll.replication.departure import Departure
from redpoll.replication.failover import Failover
from redpoll.replication.link import PrimaryLink
from redpoll.replication.network import Network
from redpoll.replication.primary import Primary, shown
from redpoll.replication.replica import WAITS, WAITS_FOR_FILE, Replica

NO_HISTORY: Final = b"0" * 40


class Mark:
    """The offset of the stream after a number of units."""

    def __init__(self, count: i64, offset: i64) -> None:
        self.count: i64 = count
        self.offset: i64 = offset


class Replication(Role):
    """See the module's docstring."""

    def __init__(self, engine: Engine, network: Network) -> None:
        super().__init__(engine.role.history)
        self.engine: Final = engine
        self.network: Final = network
        self.second_history = NO_HISTORY
        """The name of the stream up to `second_offset`."""
        self.second_offset: i64 = -1
        self.host = b""
        self.port = 0
        """The primary's address; no host for none."""
        self.primary: Final = Primary(engine, self)
        self.link: Final = PrimaryLink(self)
        self.failover: Final = Failover(self)
        self.departure: Final = Departure(self)
        self.selected: i64 = 0
        """The database that the stream of the last primary has selected."""
        self.down_since_us: i64 = 0
        """When the link to a primary went down; 0 if it never was up since this server was last a primary."""
        self.down_steady_us: i64 = 0
        """The same moment on the clock that nobody sets."""
        self.marks: list[Mark] = []
        """Of a replica: offsets that the append-only file has not synced yet, in order ..."""
        self.fsynced: i64 = 0
        """... and the last offset that it has synced."""

    # What the engine asks.

    def place(self) -> StreamPlace | None:
        stream = self.primary.stream
        if stream is None:
            return None
        db = self.link.selected() if self.is_replica else stream.selected
        return StreamPlace(self.history, self.offset, db if db >= 0 else i64(0))

    def saved(self, worked: bool) -> None:
        self.primary.saved(worked)

    def loaded(self, place: StreamPlace, as_replica: bool) -> None:
        """Go on with the history of a file that was loaded at the start."""
        if as_replica:
            self.history = place.history
            self.selected = place.db
        else:
            self.second_history = place.history
            self.second_offset = place.offset + 1
        self.primary.open_stream(place.offset)

    def replicas_count(self) -> int:
        return len(self.primary.replicas)

    def primary_address(self) -> bytes:
        return b"%b:%d" % (self.host, self.port)

    def failing_over(self) -> bool:
        return self.failover.is_under_way()

    # History.

    def begin_history(self) -> None:
        """Begin a new history without a past."""
        self.history = self.engine.random.hex_digits(40)
        self.forget_second()

    def forget_second(self) -> None:
        self.second_history = NO_HISTORY
        self.second_offset = -1

    def continue_history(self, history: bytes) -> None:
        """The stream goes on under a new name.  Its replicas come back and learn the name."""
        self.second_history = self.history
        self.second_offset = self.offset + 1
        self.history = history
        self.engine.host.log(
            f"Setting secondary replication ID to {shown(self.second_history)}, valid up to offset: "
            f"{self.second_offset}. New replication ID is {shown(history)}"
        )

    def knows(self, history: bytes, offset: i64) -> bool:
        """Whether a replica with `offset` bytes of a history may go on from there."""
        stream = self.primary.stream
        if stream is None or not stream.has(offset):
            return False
        if history == self.history:
            return True
        return history == self.second_history and offset + 1 <= self.second_offset

    # The role.

    def follow(self, host: bytes, port: int, failover: bool = False) -> None:
        """Become a replica of a server."""
        engine = self.engine
        was_primary = not self.is_replica
        if self.link.is_up():
            self.record_link_down()
        self.link.leave()
        self.host = host
        self.port = port
        engine.config.values[b"replicaof"] = Value(b"%b %d" % (host, port))
        engine.config.tell(b"replicaof")
        if was_primary:
            self.is_replica = True
            stream = self.primary.stream
            if stream is not None:
                if stream.selected >= 0:
                    self.selected = stream.selected
                engine.unit.detach(stream)
            self.unblock_all()
            self.link.has_history = True
        self.apply_role()
        self.link.start(failover)

    def record_link_down(self) -> None:
        self.down_since_us = self.engine.moment.now_us
        self.down_steady_us = self.engine.clock.steady_us()

    def promote(self) -> None:
        """Stop following; the data and the history stay."""
        engine = self.engine
        self.selected = self.link.selected()
        self.link.leave()
        self.host = b""
        self.port = 0
        engine.config.values[b"replicaof"] = BY_NAME[b"replicaof"].default
        engine.config.tell(b"replicaof")
        self.is_replica = False
        self.down_since_us = 0
        self.continue_history(engine.random.hex_digits(40))
        self.primary.disconnect_all()
        stream = self.primary.stream
        if stream is not None:
            # The next command in the stream selects its database.
            stream.selected = -1
            self.primary.lonely_since_us = engine.moment.now_us
            engine.unit.attach(stream)
        self.apply_role()

    def unblock_all(self) -> None:
        """Clients that wait for keys must not wait on a replica."""
        engine = self.engine
        for session in list(engine.sessions.values()):
            waiting = session.waiting
            if waiting is not None and not waiting.postponed:
                engine.blocking.unblock(session, Error(FORCED_UNBLOCK))

    def apply_role(self) -> None:
        """Set the gates and switches of the engine that depend on the role and on the state of the link."""
        engine = self.engine
        config = engine.config
        replica = self.is_replica
        engine.gates &= ~(GATE_READONLY | GATE_STALE)
        if replica and config.flag(b"replica-read-only"):
            engine.gates |= GATE_READONLY
        if replica and not self.link.is_up() and not config.flag(b"replica-serve-stale-data"):
            engine.gates |= GATE_STALE
        for session in engine.sessions.values():
            if replica and session.capa_redirect:
                session.gates |= GATE_REDIRECT
            else:
                session.gates &= ~GATE_REDIRECT
        engine.review_expiry()
        engine.eviction.apply_options(engine.options)
        self.primary.count_good()

    # Synchronisation with replicas.

    def refusal(self) -> bytes:
        """Why no replica can be synchronised now; empty if one can."""
        if self.is_replica and not self.link.is_up():
            return b"NOMASTERLINK Can't SYNC while not connected with my master"
        if self.failover.is_under_way():
            return b"NOMASTERLINK Can't SYNC while failing over"
        return b""

    def fsynced_offset(self) -> i64:
        """The offset up to which the append-only file is on disk; -1 without one."""
        engine = self.engine
        log = engine.durability.append_only
        if log is None or log.state != LOG_ON:
            return -1
        if log.synced_count >= engine.unit.count:
            self.marks.clear()
            self.fsynced = self.link.applied_offset()
        while len(self.marks) > 0 and self.marks[0].count <= log.synced_count:
            self.fsynced = self.marks.pop(0).offset
        return self.fsynced

    def file_synced(self) -> None:
        self.primary.serve_waiting()

    def _mark(self) -> None:
        """Remember how far the stream was applied at this number of units."""
        engine = self.engine
        log = engine.durability.append_only
        if log is None or log.state != LOG_ON or not self.link.is_up():
            return
        count = engine.unit.count
        if len(self.marks) == 0 or self.marks[-1].count != count:
            self.marks.append(Mark(count, self.link.applied_offset()))

    def acknowledged(self, replica: Replica) -> None:
        self.failover.acknowledged(replica)

    def remove_sync_file(self) -> None:
        """Remove the snapshot that was written for replicas, if it serves nothing else (`rdb-del-sync-files`)."""
        config = self.engine.config
        if not config.flag(b"rdb-del-sync-files") or config.words(b"save") or config.text(b"appendonly") == b"yes":
            return
        for replica in self.primary.replicas:
            if replica.state == WAITS or replica.state == WAITS_FOR_FILE:
                return
        path = snapshot_path(self.engine)
        try:
            if config.files.exists(path):
                config.files.remove(path)
                self.engine.host.note("Removing the RDB file used for replication in a persistence-less instance")
        except OSError as refused:
            self.engine.host.log(f"Can't remove the RDB file used for replication: {refused.strerror}")

    # Time.

    def tick(self) -> None:
        """Do what is due.  To be called about ten times a second."""
        engine = self.engine
        now_us = engine.moment.now_us
        if self.is_replica:
            self._mark()
        self.link.tick(now_us)
        self.primary.tick(now_us)
        self.failover.tick(now_us)


class ReplicationSettings(Effects):
    """Applies the settings of replication."""

    NAMES = (
        b"replica-read-only",
        b"replica-serve-stale-data",
        b"min-replicas-to-write",
        b"min-replicas-max-lag",
        b"repl-backlog-size",
    )

    def __init__(self, replication: Replication) -> None:
        self.replication: Final = replication
        for name in self.NAMES:
            replication.engine.config.listen(name, self)

    def apply(self, name: bytes, config: Config) -> bytes:
        replication = self.replication
        stream = replication.primary.stream
        if name == b"repl-backlog-size":
            if stream is not None:
                stream.resize(replication.primary.ring_size())
        else:
            replication.apply_role()
        return b""


def replication_of(engine: Engine) -> Replication:
    """The engine's part in replication.  One in a program is a primary that no replica can reach."""
    role = engine.role
    if isinstance(role, Replication):
        return role
    return take_part(engine, Network())


def take_part(engine: Engine, network: Network) -> Replication:
    """Let an engine take part in replication."""
    made = Replication(engine, network)
    engine.role = made
    ReplicationSettings(made)
    return made
