"""A node of the cluster as this node sees it, and the links to it.

Times are ms of the steady clock of `Machine.now`; 0 means never.
"""

from __future__ import annotations

from typing import Final

from redpoll.cluster.flags import FAIL, FAILING, HANDSHAKE, MASTER, REPLICA, ROLES
from redpoll.cluster.messages import FrameReader


class Link:
    """A connection of the bus.  Each pair of nodes has two: each node opens one and sends its messages there.

    A PONG goes back on the link of its PING.
    """

    def __init__(self, id: int, inbound: bool, now: int) -> None:
        self.id: Final = id
        self.inbound: Final = inbound
        self.created: Final = now
        self.node: Node | None = None
        """The node at the other end, if it is known."""
        self.is_up = inbound
        """Whether messages can be sent."""
        self.closed = False
        self.reads_extensions = False
        """Whether the node at the other end reads extensions, as a message on this link has said."""
        self.takes_light = 0
        """The LIGHT_ flags that a PONG on this link has shown."""
        self.peer_ip = b""
        self.local_ip = b""
        self.reader: Final = FrameReader()

    def is_closed(self) -> bool:
        """Whether the link is gone.  A method, because mypy takes a field that was tested once as constant."""
        return self.closed


class Node:
    """See the module's docstring.  `name` is random while the node is in handshake."""

    def __init__(self, name: bytes, flags: int, now: int) -> None:
        self.name: bytes = name
        self.flags: int = flags
        self.shard = b""
        self.config_epoch = 0
        self.slots = 0
        self.primary: Node | None = None
        self.ip = b""
        self.port = 0
        self.tls_port = 0
        self.bus_port = 0
        self.hostname = b""
        self.human_name = b""
        self.client_ipv4 = b""
        self.client_ipv6 = b""
        self.client_port = 0
        self.client_tls_port = 0
        self.zone = b""
        self.created = now
        self.ping_sent = 0
        """When the PING was sent that has no answer yet."""
        self.pong_received = 0
        self.data_received = 0
        self.fail_time = 0
        self.offset = 0
        """Its replication offset."""
        self.reports: dict[bytes, int] = {}
        """When which voting primary last said that this node fails."""
        self.link: Link | None = None
        """The link that this node has opened."""
        self.inbound: Link | None = None
        self.inbound_lost = now
        """Since when there is no inbound link."""
        self.met = 0
        """When the last MEET was sent."""
        self.tried = 0
        """When this node last tried to connect."""
        self.orphaned_since = 0

    def shown(self) -> str:
        """The node in log lines: its id, and in brackets its name for people, if it has one, and its address."""
        human = self.human_name.decode("utf-8", "replace") + ", " if self.human_name else ""
        ip = self.ip.decode("utf-8", "replace") or "?"
        return f"{self.name.decode()} ({human}{ip}:{self.port or self.tls_port})"

    def is_primary(self) -> bool:
        return self.flags & MASTER != 0

    def is_replica(self) -> bool:
        return self.flags & REPLICA != 0

    def in_handshake(self) -> bool:
        return self.flags & HANDSHAKE != 0

    def has_failed(self) -> bool:
        return self.flags & FAIL != 0

    def is_failing(self) -> bool:
        """Whether it is FAIL or PFAIL."""
        return self.flags & FAILING != 0

    def votes(self) -> bool:
        """Whether it is a voting primary: one with slots."""
        return self.flags & MASTER != 0 and self.slots != 0

    def set_role(self, role: int) -> None:
        """MASTER or REPLICA."""
        self.flags = self.flags & ~ROLES | role
