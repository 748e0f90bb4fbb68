"""The primary's half of replication: the stream, the replicas, their synchronisation, and the offset that each has.

A replica may itself have replicas; the stream that it passes on is then the stream of its primary.  Source:
spec/replication.md, sections 1, 4, 5, 7 and 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.engine.blocking import LateReply
from redpoll.engine.durability import LOG_OFF
from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_FEW_REPLICAS, GATE_MONITOR
from redpoll.engine.session import SILENT, Session
from redpoll.persistence import background
from redpoll.persistence.saving import snapshot_path
from redpoll.replication.replica import LOADS, ONLINE, WAITS, WAITS_FOR_FILE, Replica
from redpoll.replication.snapshots import ReplicaSnapshot
from redpoll.replication.stream import Stream, Waker

if TYPE_CHECKING:
    from redpoll.replication.replication import Replication

GETACK: Final = [b"REPLCONF", b"GETACK", b"*"]
PING: Final = [b"ping"]

SECOND_US: Final[i64] = 1000000
LEAST_RING: Final[i64] = 16384


class Waking(Waker):
    """Wakes the connections of the replicas that are sent the stream."""

    def __init__(self, primary: Primary) -> None:
        self.primary: Final = primary

    def wake(self) -> None:
        for replica in self.primary.replicas:
            if replica.state == ONLINE:
                replica.session.peer.wake()


class WaitingForReplicas(LateReply):
    """A session that waits in WAIT or WAITAOF until enough replicas have what it wrote."""

    def __init__(self, primary: Primary, session: Session, offset: i64, wanted: i64, local: i64) -> None:
        self.primary: Final = primary
        self.session: Final = session
        self.offset: i64 = offset
        self.wanted: i64 = wanted
        self.local: i64 = local
        """-1 for WAIT.  For WAITAOF, 1 if the local append-only file must have it too, else 0."""

    def count(self) -> i64:
        return self.primary.count_having(self.offset, self.local >= 0)

    def is_met(self) -> bool:
        if self.local > 0 and not self.primary.is_local_file_synced(self.session):
            return False
        return self.count() >= self.wanted

    def value(self) -> object:
        if self.local < 0:
            return self.count()
        return [int(self.primary.is_local_file_synced(self.session)), self.count()]


class Primary:
    """See the module's docstring."""

    def __init__(self, engine: Engine, role: Replication) -> None:
        self.engine: Final = engine
        self.role: Final = role
        self.replicas: Final[list[Replica]] = []
        self.stream: Stream | None = None
        self.snapshot: ReplicaSnapshot | None = None
        self.waker: Final = Waking(self)
        self.waiting: list[WaitingForReplicas] = []
        self.asked_at: i64 = -1
        """The offset after the last REPLCONF GETACK."""
        self.lonely_since_us: i64 = engine.moment.now_us
        """When the last replica left."""
        self.pinged_us: i64 = engine.moment.now_us
        self.cron_us: i64 = 0
        self.full_syncs: i64 = 0
        self.partial_syncs: i64 = 0
        self.refused_syncs: i64 = 0

    # The stream.

    def ring_size(self) -> i64:
        size: i64 = self.engine.config.integer(b"repl-backlog-size")
        return size if size > LEAST_RING else LEAST_RING

    def need_stream(self) -> Stream:
        """The stream; it begins with the first replica, under a new name."""
        stream = self.stream
        if stream is None:
            self.role.begin_history()
            stream = self.open_stream(self.role.offset)
        return stream

    def open_stream(self, offset: i64) -> Stream:
        """Begin the ring anew at an offset."""
        self.close_stream()
        self.role.offset = offset
        stream = Stream(self.role, self.ring_size(), self.waker)
        self.stream = stream
        if not self.role.is_replica:
            self.engine.unit.attach(stream)
        self.lonely_since_us = self.engine.moment.now_us
        return stream

    def close_stream(self) -> None:
        stream = self.stream
        if stream is not None:
            self.engine.unit.detach(stream)
            self.stream = None

    # Replicas.

    def announced(self, session: Session) -> Replica:
        """What is known about the replica of a session."""
        follower = session.follower
        if isinstance(follower, Replica):
            return follower
        made = Replica(self, session)
        session.follower = made
        return made

    def attach(self, session: Session) -> Replica:
        """Make the client of a session a replica."""
        replica = self.announced(session)
        self.replicas.append(replica)
        session.quiet = SILENT
        session.gates |= GATE_MONITOR
        session.peer.hush()
        if self.engine.config.flag(b"repl-disable-tcp-nodelay"):
            session.peer.fill_packets()
        replica.heard_us = self.engine.moment.now_us
        replica.asked_us = self.engine.moment.now_us
        return replica

    def go_on(self, session: Session, offset: i64) -> None:
        """Send a replica the stream from `offset` on: a partial resynchronisation."""
        stream = self.stream
        assert stream is not None
        replica = self.attach(session)
        self.partial_syncs += 1
        replica.acknowledged = offset
        named = b" " + self.role.history if replica.psync2 else b""
        session.peer.write(b"+CONTINUE%b\r\n" % named)
        replica.follow(stream, offset)
        replica.go_online()
        host, port = replica.address()
        kept = stream.end - offset
        self.engine.host.note(
            f"Partial resynchronization request from {shown(host)}:{port} accepted. Sending {kept} bytes of backlog "
            f"starting from offset {offset + 1}."
        )
        session.peer.wake()

    def synchronise(self, session: Session) -> None:
        """Send a replica a snapshot and then the stream, at once or after `repl-diskless-sync-delay`."""
        replica = self.attach(session)
        self.full_syncs += 1
        replica.state = WAITS
        self.need_stream()
        host, port = replica.address()
        self.engine.host.note(f"Replica {shown(host)}:{port} asks for synchronization")
        config = self.engine.config
        if not self.is_diskless(replica) or config.integer(b"repl-diskless-sync-delay") == 0:
            self.start_snapshots()
        else:
            self.engine.host.note("Delay next BGSAVE for diskless SYNC")

    def is_diskless(self, replica: Replica) -> bool:
        """Whether its snapshot is sent without a file."""
        wanted = self.engine.config.flag(b"repl-diskless-sync") or replica.functions_only
        return wanted and replica.reads_marker

    def start_snapshots(self) -> None:
        """Start the snapshot that replicas wait for, unless another one is being written."""
        engine = self.engine
        waiting = [replica for replica in self.replicas if replica.state == WAITS]
        if len(waiting) == 0 or engine.frozen > 0:
            return
        first = waiting[0]
        diskless = self.is_diskless(first)
        same = [
            replica
            for replica in waiting
            if self.is_diskless(replica) == diskless and replica.functions_only == first.functions_only
        ]
        if not diskless and self._join_file(same):
            return
        if engine.durability.running is not None:
            return
        stream = self.need_stream()
        # A replica has no database selected after a full synchronisation.
        if not self.role.is_replica:
            stream.selected = -1
        if diskless:
            for replica in same:
                self._begin(replica, stream)
            made = ReplicaSnapshot(self, same)
            self.snapshot = made
            engine.durability.running = made
            engine.host.note("Starting BGSAVE for SYNC with target: replicas sockets")
            for replica in same:
                replica.session.peer.wake()
            return
        engine.host.note("Starting BGSAVE for SYNC with target: disk")
        if background.start(engine):
            for replica in same:
                self._begin(replica, stream)
                replica.state = WAITS_FOR_FILE
        else:
            for replica in same:
                replica.session.peer.close()

    def _join_file(self, replicas: list[Replica]) -> bool:
        """Let replicas wait for a file that is being written for another one; return whether there is one."""
        for other in self.replicas:
            if other.state == WAITS_FOR_FILE and other.stream is not None:
                for replica in replicas:
                    self._begin(replica, other.stream, other.position.offset)
                    replica.state = WAITS_FOR_FILE
                return True
        return False

    def _begin(self, replica: Replica, stream: Stream, offset: i64 = -1) -> None:
        """Tell a replica where the stream goes on after its snapshot."""
        if offset < 0:
            offset = stream.end
        replica.follow(stream, offset)
        if not replica.plain_sync:
            replica.session.peer.write(b"+FULLRESYNC %b %d\r\n" % (self.role.history, offset))
            replica.session.peer.wake()

    def saved(self, worked: bool) -> None:
        """A snapshot was written to a file: send it to the replicas that wait for it."""
        engine = self.engine
        waiting = [replica for replica in self.replicas if replica.state == WAITS_FOR_FILE]
        for replica in waiting:
            reader = None
            if worked:
                try:
                    reader = engine.config.files.reader(snapshot_path(engine))
                except OSError as refused:
                    engine.host.log(f"Can't open the snapshot for a replica: {refused.strerror}")
            if reader is None:
                replica.session.peer.close()
            else:
                replica.send_file(reader)
        if waiting:
            self.role.remove_sync_file()

    def came_online(self, replica: Replica) -> None:
        host, port = replica.address()
        self.engine.host.note(f"Synchronization with replica {shown(host)}:{port} succeeded")
        self.count_good()

    def remove(self, replica: Replica) -> None:
        """A replica has gone."""
        if replica.stream is not None:
            replica.stream.leave(replica.position)
            replica.stream = None
        if replica in self.replicas:
            self.replicas.remove(replica)
            host, port = replica.address()
            self.engine.host.note(f"Connection with replica {shown(host)}:{port} lost.")
        if self.snapshot is not None:
            self.snapshot.forget(replica)
        if len(self.replicas) == 0:
            self.lonely_since_us = self.engine.moment.now_us
        self.count_good()

    def disconnect_all(self) -> None:
        """Close the connections of all replicas: they come back and go on, or synchronise in full."""
        if self.snapshot is not None:
            self.snapshot.cancel("the replicas are disconnected")
        for replica in list(self.replicas):
            replica.session.peer.close()

    # Acknowledgements.

    def heard(self, session: Session, offset: i64, fsynced: i64) -> None:
        """A replica has acknowledged bytes of the stream."""
        replica = self.announced(session)
        if not replica.is_attached():
            return
        replica.heard(offset, fsynced, self.engine.moment.now_us)
        self.serve_waiting()
        self.role.acknowledged(replica)

    def ring_bytes(self) -> i64:
        """Memory of the ring."""
        stream = self.stream
        return stream.kept() if stream is not None else i64(0)

    def held_bytes(self) -> i64:
        """Memory of the ring and of what slower replicas still need."""
        stream = self.stream
        return stream.held_bytes() if stream is not None else i64(0)

    def online(self) -> list[Replica]:
        return [replica for replica in self.replicas if replica.state == ONLINE]

    def lags(self) -> bool:
        """Whether a replica has not acknowledged the whole stream."""
        stream = self.stream
        if stream is None:
            return False
        return any(replica.state == ONLINE and replica.acknowledged < stream.end for replica in self.replicas)

    def count_having(self, offset: i64, on_disk: bool) -> i64:
        """How many replicas have so many bytes of the stream, in their append-only files if asked."""
        count: i64 = 0
        for replica in self.replicas:
            if replica.state == ONLINE and (replica.fsynced if on_disk else replica.acknowledged) >= offset:
                count += 1
        return count

    def is_local_file_synced(self, session: Session) -> bool:
        """Whether what a session wrote is in the append-only file on disk."""
        log = self.engine.durability.append_only
        return log is not None and log.state != LOG_OFF and log.has_synced(session)

    def ask(self) -> None:
        """Ask all replicas to acknowledge."""
        stream = self.stream
        if stream is not None and self.asked_at != stream.end and not self.role.is_replica:
            stream.add(GETACK)
            self.asked_at = stream.end

    def serve_waiting(self) -> None:
        """Answer the sessions whose wait is over."""
        if len(self.waiting) == 0:
            return
        kept: list[WaitingForReplicas] = []
        for wait in self.waiting:
            waiting = wait.session.waiting
            if waiting is None or waiting.timeout_reply is not wait:
                # It timed out or has gone.
                continue
            if wait.is_met():
                self.engine.blocking.unblock(wait.session, wait.value())
            else:
                kept.append(wait)
        self.waiting = kept

    # Time.

    def tick(self, now_us: i64) -> None:
        """Do what is due.  To be called about ten times a second."""
        if self.cron_us <= now_us < self.cron_us + SECOND_US:
            return
        self.cron_us = now_us
        config = self.engine.config
        stream = self.stream
        timeout_us: i64 = config.integer(b"repl-timeout") * SECOND_US
        if stream is not None and len(self.replicas) > 0:
            self._ping(stream, now_us)
        for replica in list(self.replicas):
            state = replica.state
            if state == WAITS or state == WAITS_FOR_FILE:
                replica.session.peer.write(b"\n")
            elif state == ONLINE and now_us - replica.heard_us > timeout_us and not replica.plain_sync:
                self.engine.host.log(f"Disconnecting timedout replica (streaming sync): {shown(replica.address()[0])}")
                replica.session.peer.close()
                continue
            elif state == LOADS and replica.finished and now_us - replica.heard_us > timeout_us:
                self.engine.host.log(f"Disconnecting timedout replica (full sync): {shown(replica.address()[0])}")
                replica.session.peer.close()
                continue
            # Its limit of unsent output is looked at even if its socket takes nothing.
            replica.session.peer.wake()
        self._start_due(now_us)
        self.count_good()
        self.serve_waiting()
        if stream is not None and len(self.replicas) == 0 and not self.role.is_replica:
            ttl: i64 = config.integer(b"repl-backlog-ttl")
            if ttl > 0 and (now_us - self.lonely_since_us) // SECOND_US >= ttl:
                self.engine.host.note(f"Replication backlog freed after {ttl} seconds without connected replicas.")
                self.close_stream()
                self.role.begin_history()

    def _ping(self, stream: Stream, now_us: i64) -> None:
        period_us: i64 = self.engine.config.integer(b"repl-ping-replica-period") * SECOND_US
        if now_us - self.pinged_us < period_us or self.role.is_replica or self.role.failing_over():
            return
        if len(self.engine.pause.holders) > 0:
            # A replica waits until it has all of the stream, which must not grow.
            return
        self.pinged_us = now_us
        stream.add(PING)

    def _start_due(self, now_us: i64) -> None:
        """Start a snapshot when replicas have waited for others long enough."""
        config = self.engine.config
        waiting: i64 = 0
        longest_us: i64 = 0
        for replica in self.replicas:
            if replica.state == WAITS:
                waiting += 1
                waited = now_us - replica.asked_us
                if waited > longest_us:
                    longest_us = waited
        if waiting == 0:
            return
        most: i64 = config.integer(b"repl-diskless-sync-max-replicas")
        delay_us: i64 = config.integer(b"repl-diskless-sync-delay") * SECOND_US
        if longest_us >= delay_us or (0 < most <= waiting) or not config.flag(b"repl-diskless-sync"):
            self.start_snapshots()

    def good(self) -> i64:
        """How many replicas have acknowledged lately (`min-replicas-max-lag`)."""
        most: i64 = self.engine.config.integer(b"min-replicas-max-lag")
        now_us = self.engine.moment.now_us
        count: i64 = 0
        for replica in self.replicas:
            if replica.state == ONLINE and replica.lag_s(now_us) <= most:
                count += 1
        return count

    def minimum(self) -> i64:
        """`min-replicas-to-write`; 0 if it does not apply."""
        config = self.engine.config
        if self.role.is_replica or config.integer(b"min-replicas-max-lag") == 0:
            return 0
        return config.integer(b"min-replicas-to-write")

    def count_good(self) -> None:
        """Refuse writes if there are fewer good replicas than `min-replicas-to-write`."""
        least = self.minimum()
        if least > 0 and self.good() < least:
            self.engine.gates |= GATE_FEW_REPLICAS
        else:
            self.engine.gates &= ~GATE_FEW_REPLICAS


def shown(text: bytes) -> str:
    """Bytes of a peer for the log."""
    return text.decode("ascii", "backslashreplace")
