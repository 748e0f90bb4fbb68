"""What a node of the cluster needs from the program around it.

The server subclasses `Outside` with sockets, files and its data; the simulator with an in-memory network.
`Settings` are the directives that the node obeys.
"""

from __future__ import annotations

from mypy_extensions import mypyc_attr

from redpoll.cluster.node import Link, Node


class Settings:
    """The `cluster-*` directives.  Spans are ms unless the name says otherwise."""

    def __init__(self) -> None:
        self.timeout = 15000
        self.ping_interval = 0
        self.replica_validity_factor = 10
        self.migration_barrier = 1
        self.allow_replica_migration = True
        self.require_full_coverage = True
        self.replica_no_failover = False
        self.blacklist_ttl_s = 60
        self.manual_failover_timeout = 5000
        self.gossip_percent = 10
        self.repl_ping_period_s = 10
        self.sendbuf_limit = 0
        self.tls = False
        self.announce_ip = b""

    def handshake_timeout(self) -> int:
        return max(self.timeout, 1000)


@mypyc_attr(allow_interpreted_subclasses=True)
class Outside:
    """See the module's docstring."""

    def update_time(self) -> None:
        """Give the machine the current time."""

    # The network.

    def link_buffers(self, link: Link) -> tuple[bytes, int, int]:
        """For CLUSTER LINKS: the events that are waited for, and the bytes allocated and used to send."""
        return b"r", 0, 0

    def connect(self, link: Link, ip: bytes, port: int) -> None:
        """Begin to connect; later call `Machine.connected` or `Machine.lost`."""
        raise NotImplementedError

    def send(self, link: Link, data: bytes) -> None:
        """Send a whole message.  Nothing happens if the link has broken meanwhile."""
        raise NotImplementedError

    def close(self, link: Link) -> None:
        """Close the connection.  The machine has forgotten the link already."""
        raise NotImplementedError

    # The disk.

    def save(self) -> bool:
        """Write nodes.conf so that it survives a crash.  False if that failed: nothing is announced then."""
        raise NotImplementedError

    # Data and replication.

    def offset(self) -> int:
        """The replication offset: the end of the stream for a primary, the last applied byte for a replica."""
        return 0

    def data_age_ms(self) -> int:
        """How long ago a replica had contact with its primary."""
        return 0

    def follows(self) -> bool:
        """Whether replication is set up, to whatever primary."""
        return False

    def follow(self, primary: Node, full: bool) -> None:
        """Replicate from this primary; if `full`, its data is not a continuation of ours."""

    def promote(self) -> None:
        """Stop to replicate, and keep the data."""

    def flush(self) -> None:
        """Delete all data of this node."""

    def has_keys(self) -> bool:
        """Whether any database holds a key."""
        return False

    def keys_in(self, slots: int) -> int:
        """The slots of a set that hold keys, as a set."""
        return 0

    def delete_keys(self, slots: int) -> None:
        """Delete the keys of slots that now belong to another node."""

    def pause_writes(self, span_ms: int) -> None:
        """Pause the writes of clients, expiry and eviction."""

    def resume_writes(self) -> None:
        """End this pause."""

    # Clients.

    def publish(self, channel: bytes, text: bytes, shard: bool) -> None:
        """Deliver a message of another node to the subscribers here."""

    def slots_changed(self) -> None:
        """Owners, open slots, role or state have changed: routing must be looked at again."""

    def log(self, text: str) -> None:
        """Log a notice."""
