"""nodes.conf: the view of a node as text, and back.

    file  = { node "\\n" } "vars currentEpoch " n " lastVoteEpoch " n "\\n"
    node  = name " " place " " flags " " (primary | "-") " " ping " " pong " " epoch " " link { " " slots }
    place = ip ":" port "@" bus-port [ "," hostname { "," aux "=" value } ]
    slots = n | n "-" n | "[" n "->-" name "]" | "[" n "-<-" name "]"

Nodes in handshake are left out.  Only this node's own line has open slots.
Source: spec/cluster.md, sections 3.1 and 4.
"""

from __future__ import annotations

from typing import Final

from redpoll.cluster.flags import FAIL, MASTER, MYSELF, REPLICA, flag_words, flags_of
from redpoll.cluster.messages import NAME_BYTES
from redpoll.cluster.node import Node
from redpoll.cluster.slot_sets import SLOT_COUNT, range_words, span
from redpoll.cluster.view import View
from redpoll.config.quoting import split_line

LETTERS: Final = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyz")
FIELDS: Final = 8


class BadConfig(Exception):
    """The file cannot be used."""


def is_name(text: bytes) -> bool:
    """Whether `text` can be the name of a node."""
    if len(text) != NAME_BYTES:
        return False
    return all(letter in LETTERS for letter in text)


# Writing.


def conf_text(view: View, tls: bool, wall_offset: int) -> bytes:
    """The whole file.  `wall_offset` turns times of the steady clock into ms since 1970."""
    lines = [
        node_line(view, node, place(node, tls), wall_offset)
        for node in view.nodes.values()
        if not node.in_handshake()
    ]  # fmt: skip
    lines.append(b"vars currentEpoch %d lastVoteEpoch %d" % (view.current_epoch, view.last_vote_epoch))
    lines.append(b"")
    return b"\n".join(lines)


def place(node: Node, tls: bool) -> bytes:
    """The address of a node with its auxiliary fields."""
    found = b"%s:%d@%d,%s" % (node.ip, node.tls_port if tls else node.port, node.bus_port, node.hostname)
    for name, value in aux_fields(node, tls):
        found += b",%s=%s" % (name, value)
    return found


def aux_fields(node: Node, tls: bool) -> list[tuple[bytes, bytes]]:
    """The auxiliary fields that are set, and always the other client port and the shard."""
    found = [(b"tcp-port", b"%d" % node.port) if tls else (b"tls-port", b"%d" % node.tls_port)]
    if node.human_name:
        found.append((b"nodename", node.human_name))
    found.append((b"shard-id", node.shard))
    if node.client_ipv4:
        found.append((b"client-ipv4", node.client_ipv4))
    if node.client_ipv6:
        found.append((b"client-ipv6", node.client_ipv6))
    if node.client_port:
        found.append((b"client-tcp-port", b"%d" % node.client_port))
    if node.client_tls_port:
        found.append((b"client-tls-port", b"%d" % node.client_tls_port))
    if node.zone:
        found.append((b"availability-zone", node.zone))
    return found


def node_line(view: View, node: Node, address: bytes, wall_offset: int) -> bytes:
    """The line of a node in nodes.conf and CLUSTER NODES, without its end.  They differ in `address`."""
    primary = node.primary.name if node.primary is not None and node.is_replica() else b"-"
    is_up = node is view.myself or (node.link is not None and node.link.is_up)
    words = [
        node.name,
        address,
        flag_words(node.flags),
        primary,
        b"%d" % (node.ping_sent + wall_offset if node.ping_sent else 0),
        b"%d" % (node.pong_received + wall_offset if node.pong_received else 0),
        b"%d" % view.shown_epoch(node),
        b"connected" if is_up else b"disconnected",
        *range_words(node.slots),
    ]
    if node is view.myself:
        words += open_slots(view)
    return b" ".join(words)


def open_slots(view: View) -> list[bytes]:
    """The open slots, ascending; of one that is both, migrating comes first."""
    found: list[bytes] = []
    for slot in sorted({*view.migrating, *view.importing}):
        target = view.migrating.get(slot)
        if target is not None:
            found.append(b"[%d->-%s]" % (slot, target.name))
        else:
            found.append(b"[%d-<-%s]" % (slot, view.importing[slot].name))
    return found


# Reading.


class Reading:
    """A file that is being read."""

    def __init__(self, now: int, tls: bool) -> None:
        self.now: Final = now
        self.tls: Final = tls
        self.nodes: Final[dict[bytes, Node]] = {}
        self.myself: Node | None = None
        self.primaries: Final[list[tuple[Node, bytes]]] = []
        self.slots: Final[list[tuple[Node, int]]] = []
        self.open: Final[list[tuple[int, bool, bytes]]] = []
        """Slot, whether it is migrating, and the other node."""
        self.current_epoch = 0
        self.last_vote_epoch = 0

    def node(self, name: bytes) -> Node:
        """The node with this name, which the file may only mention later."""
        if not is_name(name):
            raise BadConfig("a wrong node id")
        found = self.nodes.get(name)
        if found is None:
            found = Node(name, 0, self.now)
            self.nodes[name] = found
        return found

    def line(self, line: bytes) -> None:
        words = split_line(line)
        if words is None:
            raise BadConfig("unbalanced quotes")
        if len(words) == 0:
            return
        if words[0] == b"vars":
            self.variables(words)
            return
        if len(words) < FIELDS:
            raise BadConfig("a line with too few fields")
        node = self.node(words[0])
        read_place(node, words[1], self.tls)
        flags = flags_of(words[2])
        if flags < 0:
            raise BadConfig("an unknown flag")
        node.flags = flags
        if flags & MYSELF:
            if self.myself is not None:
                raise BadConfig("two lines say myself")
            self.myself = node
        if flags & FAIL:
            node.fail_time = self.now
        if words[3] != b"-":
            self.primaries.append((node, words[3]))
        if number(words[4]):
            node.ping_sent = self.now
        if number(words[5]):
            node.pong_received = self.now
        node.config_epoch = 0 if flags & REPLICA else number(words[6])
        for word in words[FIELDS:]:
            self.slot_word(node, word)

    def variables(self, words: list[bytes]) -> None:
        if len(words) % 2 == 0:
            raise BadConfig("a variable without a value")
        for at in range(1, len(words), 2):
            if words[at] == b"currentEpoch":
                self.current_epoch = number(words[at + 1])
            elif words[at] == b"lastVoteEpoch":
                self.last_vote_epoch = number(words[at + 1])

    def slot_word(self, node: Node, word: bytes) -> None:
        if word.startswith(b"["):
            for arrow, migrating in ((b"->-", True), (b"-<-", False)):
                slot, found, name = word.strip(b"[]").partition(arrow)
                if found:
                    self.open.append((slot_number(slot), migrating, name))
                    return
            raise BadConfig("a wrong open slot")
        first, _dash, last = word.partition(b"-")
        low = slot_number(first)
        high = slot_number(last) if last else low
        if low > high:
            raise BadConfig("a wrong range of slots")
        self.slots.append((node, span(low, high)))

    def view(self) -> View:
        """The view that the file tells; for when it is read to its end."""
        myself = self.myself
        if myself is None:
            raise BadConfig("no line says myself")
        view = View(myself)
        for node in self.nodes.values():
            if node is not myself:
                view.add(node)
        for node, name in self.primaries:
            node.primary = self.node(name)
            if node.primary.name not in view.nodes:
                view.add(node.primary)
        for node, slots in self.slots:
            view.assign(slots, node)
        for slot, migrating, name in self.open:
            other = self.node(name)
            if other.name not in view.nodes:
                view.add(other)
            (view.migrating if migrating else view.importing)[slot] = other
        for node in view.nodes.values():
            if node.flags & (MASTER | REPLICA) == 0 and node.primary is None:
                node.flags |= MASTER
            if node.primary is not None and node.primary.shard:
                node.shard = node.primary.shard
        view.current_epoch = self.current_epoch
        view.last_vote_epoch = self.last_vote_epoch
        view.current_epoch = view.greatest_epoch()
        return view


def read_conf(text: bytes, now: int, tls: bool) -> View:
    """The view that a file tells.  Raises BadConfig.  Nodes without a shard have an empty one."""
    reading = Reading(now, tls)
    for line in text.split(b"\n"):
        reading.line(line)
    return reading.view()


def read_place(node: Node, word: bytes, tls: bool) -> None:
    """Read the address of a node and its auxiliary fields."""
    parts = word.split(b",")
    ip, colon, ports = parts[0].rpartition(b":")
    if not colon:
        raise BadConfig("an address without a port")
    port, at, bus_port = ports.partition(b"@")
    node.ip = ip
    client_port = number(port)
    node.bus_port = number(bus_port) if at else client_port + 10000
    if tls:
        node.tls_port = client_port
    else:
        node.port = client_port
    if len(parts) > 1:
        node.hostname = parts[1]
    for part in parts[2:]:
        name, equals, value = part.partition(b"=")
        if not equals or not read_aux(node, name, value):
            raise BadConfig("an unknown field of a node")


def read_aux(node: Node, name: bytes, value: bytes) -> bool:
    """Read one auxiliary field; False if there is none of this name."""
    if name == b"shard-id":
        if not is_name(value):
            raise BadConfig("a wrong shard id")
        node.shard = value
    elif name == b"nodename":
        node.human_name = value
    elif name == b"tcp-port":
        node.port = number(value)
    elif name == b"tls-port":
        node.tls_port = number(value)
    elif name == b"client-ipv4":
        node.client_ipv4 = value
    elif name == b"client-ipv6":
        node.client_ipv6 = value
    elif name == b"client-tcp-port":
        node.client_port = number(value)
    elif name == b"client-tls-port":
        node.client_tls_port = number(value)
    elif name == b"availability-zone":
        node.zone = value
    else:
        return False
    return True


def number(word: bytes) -> int:
    """A number that is not negative."""
    if not word.isdigit() or len(word) > 20:
        raise BadConfig("a wrong number")
    return int(word)


def slot_number(word: bytes) -> int:
    slot = number(word)
    if slot >= SLOT_COUNT:
        raise BadConfig("a slot out of range")
    return slot
