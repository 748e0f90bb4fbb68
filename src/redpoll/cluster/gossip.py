"""Reads what a heartbeat says about other nodes, and about its sender in extensions.

Source: spec/cluster.md, sections 6.4 (8) and 6.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redpoll.cluster import detection
from redpoll.cluster.flags import ABILITIES, FAILING, HANDSHAKE, MEET, MYSELF, NOADDR, ROLES
from redpoll.cluster.messages import (
    CLIENT_IPV4,
    CLIENT_IPV6,
    CLIENT_PORT,
    CLIENT_TLS_PORT,
    FORGOTTEN,
    HOSTNAME,
    HUMAN_NAME,
    SHARD_ID,
    ZONE,
    Entry,
    Message,
)
from redpoll.cluster.node import Link, Node
from redpoll.cluster.nodes_conf import is_name

if TYPE_CHECKING:
    from redpoll.cluster.machine import Machine

AHEAD_MS: Final = 500
"""How far the clock of another node may be ahead for its PONG times to be believed."""


def read_gossip(machine: Machine, link: Link, sender: Node | None, message: Message) -> None:
    """Read all entries; none if one has an impossible name."""
    for entry in message.entries:
        if not is_name(entry.name):
            return
    view = machine.view
    for entry in message.entries:
        node = view.nodes.get(entry.name)
        if node is view.myself or node is sender:
            continue
        if node is not None:
            known(machine, sender, node, entry)
        elif entry.flags & NOADDR == 0 and entry.ip and not machine.blacklisted(entry.name):
            if sender is not None:
                join(machine, entry)
            else:
                machine.start_handshake(entry.ip, entry.port, entry.bus_port, 0)


def known(machine: Machine, sender: Node | None, node: Node, entry: Entry) -> None:
    """An entry about a node that is known here."""
    failing = entry.flags & FAILING != 0
    if sender is not None and sender.votes():
        if failing:
            node.reports[sender.name] = machine.now
            detection.mark_if_agreed(machine, node)
        else:
            node.reports.pop(sender.name, None)
    if failing:
        return
    if node.flags & (FAILING | HANDSHAKE | MEET) == 0 and node.ping_sent == 0 and not node.reports:
        heard = entry.pong_received * 1000 - machine.wall_offset
        if node.pong_received < heard <= machine.now + AHEAD_MS:
            node.pong_received = heard
    tls = machine.settings.tls
    port = node.tls_port if tls else node.port
    moved = (entry.ip, entry.port, entry.bus_port) != (node.ip, port, node.bus_port)
    if node.flags & FAILING and entry.flags & NOADDR == 0 and entry.ip and moved:
        set_entry_address(machine, node, entry)
        node.flags &= ~NOADDR
        if node.link is not None:
            machine.close(node.link)
        machine.changed()


def set_entry_address(machine: Machine, node: Node, entry: Entry) -> None:
    tls = machine.settings.tls
    node.ip = entry.ip
    node.port = entry.other_port if tls else entry.port
    node.tls_port = entry.port if tls else entry.other_port
    node.bus_port = entry.bus_port


def join(machine: Machine, entry: Entry) -> None:
    """Add a node from the gossip of a known node.  It is pinged; no MEET is needed."""
    flags = entry.flags & (ROLES | ABILITIES)
    node = machine.new_node(flags & ~MYSELF, entry.name)
    set_entry_address(machine, node, entry)
    machine.changed()


# Extensions.


def read_extensions(machine: Machine, sender: Node, message: Message) -> None:
    """Store what the sender says about itself, and clear what it leaves out."""
    texts = {HOSTNAME: b"", HUMAN_NAME: b"", CLIENT_IPV4: b"", CLIENT_IPV6: b"", ZONE: b""}
    ports = {CLIENT_PORT: 0, CLIENT_TLS_PORT: 0}
    shard = b""
    for extension in message.extensions:
        kind = extension.kind
        if kind in texts:
            texts[kind] = clean(extension.text())
        elif kind in ports:
            ports[kind] = extension.number(2)
        elif kind == SHARD_ID:
            shard = extension.data[:40]
        elif kind == FORGOTTEN and len(extension.data) == 48:
            forget(machine, sender, extension.data[:40], int.from_bytes(extension.data[40:48], "big"))
    before = (sender.hostname, sender.human_name, sender.client_ipv4, sender.client_ipv6, sender.zone)
    ports_before = (sender.client_port, sender.client_tls_port)
    sender.hostname = texts[HOSTNAME]
    sender.human_name = texts[HUMAN_NAME]
    sender.client_ipv4 = texts[CLIENT_IPV4]
    sender.client_ipv6 = texts[CLIENT_IPV6]
    sender.zone = texts[ZONE]
    sender.client_port = ports[CLIENT_PORT]
    sender.client_tls_port = ports[CLIENT_TLS_PORT]
    after = (sender.hostname, sender.human_name, sender.client_ipv4, sender.client_ipv6, sender.zone)
    if before != after or ports_before != (sender.client_port, sender.client_tls_port):
        machine.changed()
    learn_shard(machine, sender, shard)


def clean(text: bytes) -> bytes:
    """A text of another node, unless it would break the lines of nodes.conf."""
    for byte in text:
        if byte <= 32 or byte == 127 or byte in b",=\"'\\":
            return b""
    return text


def learn_shard(machine: Machine, sender: Node, shard: bytes) -> None:
    """The shard of the sender: that of its primary, or what it says itself.  Ours follows our primary's."""
    primary = sender.primary if sender.is_replica() else None
    if primary is not None and primary.shard:
        shard = primary.shard
    elif not is_name(shard):
        return
    if sender.shard != shard:
        sender.shard = shard
        machine.changed()
        for replica in machine.view.replicas_of(sender):
            replica.shard = shard
    myself = machine.view.myself
    if myself.primary is sender and myself.shard != shard:
        myself.shard = shard
        machine.changed()


def forget(machine: Machine, sender: Node, name: bytes, seconds: int) -> None:
    """The sender has forgotten a node: forget it too."""
    view = machine.view
    node = view.nodes.get(name)
    if node is None or node is view.myself or node is sender or seconds == 0:
        return
    if view.myself.is_replica() and view.myself.primary is node:
        return
    view.blacklist[name] = machine.now + min(seconds, 2**31) * 1000
    machine.delete_node(node)
