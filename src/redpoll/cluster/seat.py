"""The seat of a node in its program: files, data and clients of the engine for the state machine.

`net/bus.py` subclasses it with sockets.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import mypyc_attr

from redpoll.cluster import copying
from redpoll.cluster.departures import release_subscribers, release_waiting
from redpoll.cluster.flags import NOFAILOVER
from redpoll.cluster.machine import Machine, new_view
from redpoll.cluster.migration_seat import SlotMover
from redpoll.cluster.node import Node
from redpoll.cluster.nodes_conf import BadConfig, conf_text, read_conf
from redpoll.cluster.outside import Outside, Settings
from redpoll.cluster.router import ClusterRouter
from redpoll.cluster.slot_sets import ALL_SLOTS, members, one
from redpoll.cluster.view import View
from redpoll.config.settings import Config, Effects
from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_CLUSTER
from redpoll.env.files import Files
from redpoll.errors import ServerError
from redpoll.keyspace.database import Database
from redpoll.keyspace.events import UNNAMED

BUS_OFFSET: Final = 10000
MOST_PORT: Final = 65535
FAILOVER: Final = b"failover_in_progress"
"""Why writes wait, as INFO shows it."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Seat(Outside):
    """See the module's docstring."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self.config: Final[Config] = engine.config
        self.files: Final[Files] = engine.config.files
        self.settings: Final = Settings()
        self.path: Final = self.files.absolute(self.config.text(b"cluster-config-file"))
        self.lock = -1
        ClusterSettings(self).connect()
        self.machine: Final = Machine(
            self.read(), self.settings, engine.random, self, self.now(), self.wall()
        )  # fmt: skip
        self.announce()
        self.router: Final = ClusterRouter(engine, self.machine)
        self.mover: Final = SlotMover(self, engine, self.machine.migrations)
        self.machine.migrations.outside = self.mover
        MigrationSettings(self).connect()

    def activate(self) -> None:
        """From now on commands are routed, and nodes.conf is kept.  A replica follows its primary.

        It does so at once: while it followed nobody, expired keys would be deleted, and the data would no longer be a
        past state of the primary's.
        """
        self.engine.router = self.router
        self.engine.gates |= GATE_CLUSTER
        self.router.statistics.switch(self.config.flag(b"cluster-slot-stats-enabled"))
        primary = self.machine.view.myself.primary
        if self.is_replica() and primary is not None and primary.ip:
            self.follow(primary, False)
        self.review_data()
        self.machine.finish()

    def is_replica(self) -> bool:
        return self.machine.view.myself.is_replica()

    def review_data(self) -> None:
        """After the load of the data: delete the keys of others' slots, and own free slots that hold keys.

        O(slots).  A crash in the middle of an import leaves such keys.
        """
        machine = self.machine
        view = machine.view
        if not self.has_keys() or not view.myself.is_primary():
            return
        others = view.assigned & ~view.myself.slots
        for slot in view.importing:
            others &= ~one(slot)
        wrong = self.keys_in(others)
        if wrong:
            self.log(f"deleting the keys of {len(members(wrong))} slots that belong to other nodes")
            self.delete_keys(wrong)
        free = self.keys_in(ALL_SLOTS & ~view.assigned)
        if free:
            self.log(f"taking {len(members(free))} free slots, because there are keys in them")
            view.assign(free, view.myself)
            machine.changed()

    # Time.

    def now(self) -> int:
        """The steady clock in ms; never 0."""
        return int(self.engine.clock.steady_us() // 1000) + 1

    def wall(self) -> int:
        return int(self.engine.clock.now_us() // 1000)

    def update_time(self) -> None:
        self.machine.set_time(self.now(), self.wall())

    def wake(self) -> Machine:
        """The machine, for an event outside any command; the engine and it know the time."""
        self.engine.start_unit()
        self.update_time()
        return self.machine

    # Addresses.

    def bus_port(self) -> int:
        """Where the bus listens.  Raises ServerError."""
        port = self.config.integer(b"cluster-port") or self.config.integer(b"port") + BUS_OFFSET
        if port > MOST_PORT:
            raise ServerError(
                "Redis port number too high for cluster mode. It must be at most 55535 unless cluster-port is set."
            )
        return port

    def announce(self) -> None:
        """Bring the own entry into line with the settings."""
        config = self.config
        myself = self.machine.view.myself
        before = own_entry(self.machine.view)
        self.settings.announce_ip = config.text(b"cluster-announce-ip")
        if self.settings.announce_ip:
            myself.ip = self.settings.announce_ip
        myself.port = config.integer(b"cluster-announce-port") or config.integer(b"port")
        myself.bus_port = config.integer(b"cluster-announce-bus-port") or self.bus_port()
        myself.tls_port = config.integer(b"cluster-announce-tls-port")
        myself.hostname = config.text(b"cluster-announce-hostname")
        myself.human_name = config.text(b"cluster-announce-human-nodename")
        myself.client_ipv4 = config.text(b"cluster-announce-client-ipv4")
        myself.client_ipv6 = config.text(b"cluster-announce-client-ipv6")
        myself.client_port = config.integer(b"cluster-announce-client-port")
        myself.client_tls_port = config.integer(b"cluster-announce-client-tls-port")
        myself.zone = config.text(b"availability-zone")
        if self.settings.replica_no_failover:
            myself.flags |= NOFAILOVER
        else:
            myself.flags &= ~NOFAILOVER
        if before != own_entry(self.machine.view):
            self.machine.changed()

    # The disk.

    def read(self) -> View:
        """The view of nodes.conf, or a new one.  Raises ServerError."""
        try:
            self.lock = self.files.claim(self.path)
        except BlockingIOError as taken:
            raise ServerError(
                f"Sorry, the cluster configuration file {self.shown_path()} is already used by a different cluster "
                "node. Please make sure that different nodes use different cluster configuration files."
            ) from taken
        except OSError as refused:
            raise ServerError(f"Can't open {self.shown_path()}: {refused.strerror}") from refused
        text = self.files.read(self.path)
        if not text:
            view = new_view(self.engine.random, self.now())
            self.log(f"No cluster configuration found, I'm {view.myself.name.decode()}")
            return view
        try:
            view = read_conf(text, self.now(), self.settings.tls)
        except BadConfig as damaged:
            raise ServerError(
                f"Unrecoverable error: corrupted cluster config file {self.shown_path()}: {damaged}"
            ) from damaged
        for node in view.nodes.values():
            if not node.shard:
                node.shard = self.engine.random.hex_digits(40)
        self.log(f"Node configuration loaded, I'm {view.myself.name.decode()}")
        return view

    def shown_path(self) -> str:
        return self.path.decode("utf-8", "surrogateescape")

    def save(self) -> bool:
        machine = self.machine
        try:
            self.files.replace(self.path, conf_text(machine.view, self.settings.tls, machine.wall_offset))
            before = self.lock
            # The lock stays with the file that was replaced.
            self.lock = self.files.claim(self.path)
            self.files.release(before)
        except OSError as refused:
            self.log(f"Can't save the cluster configuration to {self.shown_path()}: {refused.strerror or refused}")
            if self.config.text(b"cluster-config-save-behavior") == b"sync":
                self.end()
            return False
        return True

    def end(self) -> None:
        """End the program: its view of the cluster cannot be kept."""

    # Data.

    def offset(self) -> int:
        return copying.offset(self.engine)

    def data_age_ms(self) -> int:
        return copying.data_age_ms(self.engine)

    def follows(self) -> bool:
        return self.engine.role.is_replica

    def follow(self, primary: Node, full: bool) -> None:
        copying.follow(self.engine, primary, full)

    def promote(self) -> None:
        copying.promote(self.engine)

    def flush(self) -> None:
        copying.flush(self.engine)

    def has_keys(self) -> bool:
        return any(db.tables.size() > 0 for db in self.engine.databases)

    def keys_in(self, slots: int) -> int:
        found = 0
        for slot in members(slots):
            if any(db.count_in_slot(slot) > 0 for db in self.engine.databases):
                found |= one(slot)
        return found

    def delete_keys(self, slots: int) -> None:
        engine = self.engine
        for db in engine.databases:
            for slot in members(slots):
                self._delete_slot(db, slot)

    def _delete_slot(self, db: Database, slot: int) -> None:
        """Delete the keys of a slot, and report each to the journal and the listeners."""
        engine = self.engine
        deletions: list[list[bytes]] = []
        if engine.unit.journal is not None:
            word = engine.deletion_word(False)
            deletions = [[word, key] for key in db.keys_in_slot(slot)]
        db.flush_slot(slot, UNNAMED)
        engine.unit.add_apart(db.index, deletions)

    def pause_writes(self, span_ms: int) -> None:
        # The machine ends it at its deadline, if not before.
        self.engine.pause.hold_writes(FAILOVER)

    def resume_writes(self) -> None:
        self.engine.pause.release_writes(FAILOVER)

    # Clients.

    def publish(self, channel: bytes, text: bytes, shard: bool) -> None:
        if shard:
            self.engine.pubsub.publish_in_shard(channel, text)
        else:
            self.engine.pubsub.publish(channel, text)

    def slots_changed(self) -> None:
        router = self.router
        router.refresh()
        if len(self.engine.pubsub.shards.audiences) > 0:
            release_subscribers(self.engine, router)

    def look_at_waiting(self) -> None:
        """Answer blocked clients whose keys have moved.  To be called about once a second."""
        if len(self.engine.blocking.queues) > 0:
            release_waiting(self.engine, self.router)

    def log(self, text: str) -> None:
        self.engine.host.note(text)


def own_entry(view: View) -> list[object]:
    """The part of the own entry that `announce` may change."""
    myself = view.myself
    return [
        myself.ip, myself.port, myself.bus_port, myself.tls_port, myself.hostname, myself.human_name,
        myself.client_ipv4, myself.client_ipv6, myself.client_port, myself.client_tls_port, myself.zone,
        myself.flags & NOFAILOVER,
    ]  # fmt: skip


class ClusterSettings(Effects):
    """Applies the `cluster-*` directives."""

    NAMES = (
        b"cluster-node-timeout",
        b"cluster-ping-interval",
        b"cluster-replica-validity-factor",
        b"cluster-migration-barrier",
        b"cluster-allow-replica-migration",
        b"cluster-require-full-coverage",
        b"cluster-blacklist-ttl",
        b"cluster-manual-failover-timeout",
        b"cluster-message-gossip-perc",
        b"cluster-link-sendbuf-limit",
        b"cluster-slot-stats-enabled",
        b"repl-ping-replica-period",
    )
    ANNOUNCED = (
        b"cluster-announce-ip",
        b"cluster-announce-port",
        b"cluster-announce-tls-port",
        b"cluster-announce-bus-port",
        b"cluster-announce-hostname",
        b"cluster-announce-human-nodename",
        b"cluster-announce-client-ipv4",
        b"cluster-announce-client-ipv6",
        b"cluster-announce-client-port",
        b"cluster-announce-client-tls-port",
        b"availability-zone",
        b"cluster-replica-no-failover",
    )

    def __init__(self, seat: Seat) -> None:
        self.seat: Final = seat

    def connect(self) -> None:
        """Apply the current values, and listen to changes."""
        config = self.seat.config
        for name in self.NAMES:
            config.listen(name, self)
        for name in self.ANNOUNCED:
            config.listen(name, self)
        self.read(config)

    def read(self, config: Config) -> None:
        settings = self.seat.settings
        settings.timeout = config.integer(b"cluster-node-timeout")
        settings.ping_interval = config.integer(b"cluster-ping-interval")
        settings.replica_validity_factor = config.integer(b"cluster-replica-validity-factor")
        settings.migration_barrier = config.integer(b"cluster-migration-barrier")
        settings.allow_replica_migration = config.flag(b"cluster-allow-replica-migration")
        settings.require_full_coverage = config.flag(b"cluster-require-full-coverage")
        settings.replica_no_failover = config.flag(b"cluster-replica-no-failover")
        settings.blacklist_ttl_s = config.integer(b"cluster-blacklist-ttl")
        settings.manual_failover_timeout = config.integer(b"cluster-manual-failover-timeout")
        settings.gossip_percent = config.integer(b"cluster-message-gossip-perc")
        settings.sendbuf_limit = config.integer(b"cluster-link-sendbuf-limit")
        settings.repl_ping_period_s = config.integer(b"repl-ping-replica-period")

    def apply(self, name: bytes, config: Config) -> bytes:
        self.read(config)
        seat = self.seat
        seat.router.statistics.switch(config.flag(b"cluster-slot-stats-enabled"))
        if name in self.ANNOUNCED:
            seat.announce()
        seat.update_time()
        seat.machine.recompute = True
        seat.machine.finish()
        return b""


class MigrationSettings(Effects):
    """Applies the directives of migrations."""

    NAMES = (b"cluster-slot-migration-log-max-len", b"slot-migration-max-failover-repl-bytes", b"repl-timeout")

    def __init__(self, seat: Seat) -> None:
        self.seat: Final = seat

    def connect(self) -> None:
        """Apply the current values, and listen to changes."""
        config = self.seat.config
        for name in self.NAMES:
            config.listen(name, self)
        self.apply(b"", config)

    def apply(self, name: bytes, config: Config) -> bytes:
        migrations = self.seat.machine.migrations
        migrations.most_ended = config.integer(b"cluster-slot-migration-log-max-len")
        migrations.most_unsent = config.integer(b"slot-migration-max-failover-repl-bytes")
        migrations.timeout_ms = config.integer(b"repl-timeout") * 1000
        migrations.trim()
        return b""
