"""A node of the cluster without sockets: link events, bytes and ticks in; messages and decisions out.

The driver calls `set_time` before, and `finish` after each event or batch of events:

    accepted, connected, lost, received   from the network
    tick                                  every 100 ms
    commands.*                            CLUSTER subcommands
    finish                                recomputes the state, saves, and only then sends

Messages wait in `outbox` until `finish`.  If an epoch, a vote or an owner has changed, nodes.conf is saved and synced
first, and when that fails nothing is sent: so nothing is announced that a crash could take back.

`now` is a steady clock: it never jumps.  Only the seconds in gossip and the times that are shown use the wall clock.
Sources: spec/cluster.md, sections 6 to 12.
"""

from __future__ import annotations

from typing import Final

from redpoll.cluster import elections, heartbeats, outgoing, processing, state
from redpoll.cluster.flags import ABILITIES, HANDSHAKE, MASTER
from redpoll.cluster.messages import TYPES, BadMessage, BadStream, Message, decode, encode
from redpoll.cluster.migrations import Migrations
from redpoll.cluster.node import Link, Node
from redpoll.cluster.outside import Outside, Settings
from redpoll.cluster.view import View
from redpoll.env.random import Random

TICK_MS: Final = 100


class Election:
    """The election that this replica holds."""

    def __init__(self) -> None:
        self.at = 0
        """When votes are asked for; 0: no election is planned."""
        self.asked = False
        self.votes: set[bytes] = set()
        self.epoch = 0
        self.rank = 0
        self.failed_rank = 0
        self.at_once = False
        """All replicas of the shard agree that the primary has failed, so the voters need not know it."""


class ManualFailover:
    """A failover by hand, on the replica that wants it and on its primary."""

    def __init__(self) -> None:
        self.until = 0
        """The deadline; 0: none runs."""
        self.replica: Node | None = None
        """On the primary: the replica that takes over."""
        self.offset = -1
        """On the replica: the offset to reach; -1: not known yet."""
        self.may_start = False


class Traffic:
    """What went over the bus, for CLUSTER INFO."""

    def __init__(self) -> None:
        self.sent = [0] * TYPES
        self.received = [0] * TYPES
        self.bytes_sent = 0
        self.bytes_received = 0
        self.pubsub_bytes_sent = 0
        self.pubsub_bytes_received = 0
        self.module_bytes_sent = 0
        self.module_bytes_received = 0
        self.overfull = 0
        """Links that were closed because too much waited on them."""


class Faults:
    """What DEBUG makes the bus do wrong."""

    def __init__(self) -> None:
        self.drops = -1
        """The type of messages that are dropped when they arrive; -1: none, -2: all."""
        self.closes_on_drop = False
        self.no_random_ping = False
        self.no_reconnection = False


class Machine:
    """See the module's docstring."""

    def __init__(self, view: View, settings: Settings, random: Random, outside: Outside, now: int, wall: int) -> None:
        self.view: Final = view
        self.settings: Final = settings
        self.random: Final = random
        self.outside: Final = outside
        self.now = now
        self.wall_offset = wall - now
        self.started = now
        self.ticks = 0
        self.next_link = 1
        self.links: Final[dict[int, Link]] = {}
        self.outbox: list[tuple[Link, bytes]] = []
        self.unsaved = True
        self.recompute = True
        self.routing_changed = True
        self.state_ok = False
        self.first_look = 0
        """When the state was evaluated first."""
        self.minority_ended = 0
        """When this node was last in a minority."""
        self.election: Final = Election()
        self.manual: Final = ManualFailover()
        self.traffic: Final = Traffic()
        self.faults: Final = Faults()
        self.migrations: Final = Migrations(self)
        self.cannot_elect = ""
        """Why no election is held, as it was logged last."""
        view.myself.flags |= ABILITIES

    # Time.

    def set_time(self, now: int, wall: int) -> None:
        """The steady clock and ms since 1970."""
        self.now = now
        self.wall_offset = wall - now

    def seconds(self, at: int) -> int:
        """A time of the steady clock in seconds since 1970; 0 for never."""
        return (at + self.wall_offset) // 1000 if at > 0 else 0

    # Events.

    def accepted(self, peer_ip: bytes, local_ip: bytes) -> Link:
        """Another node has connected; return its link."""
        link = self.new_link(True)
        link.peer_ip = peer_ip
        link.local_ip = local_ip
        return link

    def connected(self, link: Link, peer_ip: bytes, local_ip: bytes) -> None:
        """A connection that `connect` began is there."""
        if not link.is_closed():
            link.peer_ip = peer_ip
            link.local_ip = local_ip
            heartbeats.greet(self, link)

    def lost(self, link: Link) -> None:
        """A connection could not be made, or has broken."""
        if not link.is_closed():
            node = link.node
            if node is not None and not link.inbound and node.ping_sent == 0 and not link.is_up:
                node.ping_sent = self.now
            self.forget_link(link)

    def received(self, link: Link, data: bytes) -> None:
        """Bytes have arrived.  Bytes that are no message close the link, or are ignored."""
        if link.is_closed():
            return
        try:
            frames = link.reader.feed(data)
        except BadStream as broken:
            self.outside.log(f"bad bytes on a bus connection from {link.peer_ip.decode()}: {broken}")
            self.close(link)
            return
        for frame in frames:
            try:
                message = decode(frame)
            except BadMessage:
                continue
            if self.faults.drops in (message.kind, -2):
                if self.faults.closes_on_drop:
                    self.close(link)
                    return
                continue
            processing.process(self, link, message, len(frame))
            if link.is_closed():
                return

    def tick(self) -> None:
        """Timers; every TICK_MS."""
        self.ticks += 1
        heartbeats.tick(self)
        if len(self.migrations.active) > 0 or self.migrations.paused_until:
            self.migrations.tick()

    def finish(self) -> None:
        """The end of a turn: recompute the state, save, and send what waits."""
        if self.routing_changed and len(self.migrations.active) > 0:
            self.migrations.review()
        if self.recompute:
            self.recompute = False
            state.update(self)
        if self.unsaved:
            if not self.outside.save():
                self.outbox = []
                return
            self.unsaved = False
        if self.routing_changed:
            self.routing_changed = False
            self.outside.slots_changed()
        waiting = self.outbox
        self.outbox = []
        for link, data in waiting:
            if not link.is_closed():
                self.outside.send(link, data)

    # Links.

    def new_link(self, inbound: bool) -> Link:
        link = Link(self.next_link, inbound, self.now)
        self.next_link += 1
        self.links[link.id] = link
        return link

    def close(self, link: Link) -> None:
        """Close a connection, and forget it."""
        if not link.is_closed():
            self.forget_link(link)
            self.outside.close(link)

    def forget_link(self, link: Link) -> None:
        link.closed = True
        link.is_up = False
        self.links.pop(link.id, None)
        node = link.node
        link.node = None
        if node is not None:
            if node.link is link:
                node.link = None
            if node.inbound is link:
                node.inbound = None
                node.inbound_lost = self.now

    def send(self, link: Link, message: Message) -> None:
        """Put a message into the outbox."""
        data = encode(message)
        outgoing.count_sent(self, message.kind, len(data))
        self.outbox.append((link, data))

    # Nodes.

    def new_node(self, flags: int, name: bytes = b"") -> Node:
        """Add a node; without a name it gets a random one, for the handshake."""
        node = Node(name or self.random.hex_digits(40), flags, self.now)
        node.shard = self.random.hex_digits(40)
        self.view.add(node)
        return node

    def delete_node(self, node: Node) -> None:
        """Forget a node and close its links."""
        if node.link is not None:
            self.close(node.link)
        if node.inbound is not None:
            self.close(node.inbound)
        self.view.delete(node)
        if self.manual.replica is node:
            elections.reset_manual(self)
        self.changed()

    def start_handshake(self, ip: bytes, port: int, bus_port: int, flags: int) -> Node | None:
        """Meet the node at an address; None if that is under way already."""
        for node in self.view.nodes.values():
            if node.in_handshake() and node.ip == ip and node.bus_port == bus_port:
                if (node.tls_port if self.settings.tls else node.port) == port:
                    return None
        node = self.new_node(flags | HANDSHAKE | MASTER)
        node.ip = ip
        if self.settings.tls:
            node.tls_port = port
        else:
            node.port = port
        node.bus_port = bus_port
        return node

    # Changes.

    def changed(self) -> None:
        """Something of nodes.conf or of the routing has changed."""
        self.unsaved = True
        self.recompute = True
        self.routing_changed = True

    def blacklisted(self, name: bytes) -> bool:
        """Whether a node is not to be met again yet."""
        until = self.view.blacklist.get(name, 0)
        if until and until <= self.now:
            del self.view.blacklist[name]
            return False
        return until != 0


def new_view(random: Random, now: int) -> View:
    """The view of a node that knows nobody: a new id, a new shard, epoch 0."""
    myself = Node(random.hex_digits(40), MASTER, now)
    myself.shard = random.hex_digits(40)
    return View(myself)
