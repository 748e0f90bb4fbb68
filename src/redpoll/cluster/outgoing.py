"""Making and sending messages: headers, heartbeats with gossip and extensions, broadcasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redpoll.cluster.flags import ABILITIES, EXTENSIONS, HANDSHAKE, LIGHT_PUBLISH, MYSELF, NOADDR, PFAIL
from redpoll.cluster.messages import (
    AUTH_ACK,
    AUTH_REQUEST,
    CLIENT_IPV4,
    CLIENT_IPV6,
    CLIENT_PORT,
    CLIENT_TLS_PORT,
    EXT_DATA,
    FAIL,
    FORCEACK,
    HOSTNAME,
    HUMAN_NAME,
    MEET,
    MFSTART,
    MODULE,
    PAUSED,
    PING,
    PONG,
    PUBLISH,
    PUBLISHSHARD,
    SHARD_ID,
    UPDATE,
    ZONE,
    Entry,
    Extension,
    Message,
    forgotten_extension,
    port_extension,
    text_extension,
)
from redpoll.cluster.node import Link, Node

if TYPE_CHECKING:
    from redpoll.cluster.machine import Machine

LEAST_ENTRIES: Final = 3
GREATEST_U32: Final = 2**32 - 1


def header(machine: Machine, kind: int) -> Message:
    """A message with a full header about this node."""
    view = machine.view
    myself = view.myself
    primary = myself
    message = Message(kind)
    if myself.is_replica() and myself.primary is not None:
        primary = myself.primary
        message.primary = primary.name
    tls = machine.settings.tls
    message.port = myself.tls_port if tls else myself.port
    message.other_port = myself.port if tls else myself.tls_port
    message.bus_port = myself.bus_port
    message.current_epoch = view.current_epoch
    message.config_epoch = primary.config_epoch
    message.offset = machine.outside.offset()
    message.sender = myself.name
    message.slots = primary.slots
    message.ip = machine.settings.announce_ip[:46]
    message.flags = (myself.flags | MYSELF | ABILITIES) & 0xFFFF
    message.state = 0 if machine.state_ok else 1
    if machine.manual.until and myself.is_primary():
        message.signals |= PAUSED
    return message


def count_sent(machine: Machine, kind: int, size: int) -> None:
    traffic = machine.traffic
    traffic.sent[kind] += 1
    traffic.bytes_sent += size
    if kind == PUBLISH or kind == PUBLISHSHARD:
        traffic.pubsub_bytes_sent += size
    elif kind == MODULE:
        traffic.module_bytes_sent += size


# Heartbeats.


def send_heartbeat(machine: Machine, link: Link, kind: int) -> None:
    """Send a PING, PONG or MEET with gossip about some nodes."""
    message = header(machine, kind)
    message.signals |= EXT_DATA
    receiver = link.node
    if kind == PING and receiver is not None and not link.inbound:
        receiver.ping_sent = machine.now
    message.entries = gossip(machine, receiver)
    if link.reads_extensions or (receiver is not None and receiver.flags & EXTENSIONS):
        message.extensions = own_extensions(machine)
    machine.send(link, message)


def gossip(machine: Machine, receiver: Node | None) -> list[Entry]:
    """Entries about nodes drawn at random, and about all that this node cannot reach."""
    view = machine.view
    known = len(view.nodes)
    wanted = min(max(LEAST_ENTRIES, known * machine.settings.gossip_percent // 100), known - 2)
    entries: list[Entry] = []
    candidates: list[Node] = []
    for node in view.nodes.values():
        if node is view.myself or node is receiver:
            continue
        if node.flags & PFAIL and node.flags & (HANDSHAKE | NOADDR) == 0:
            entries.append(entry_of(machine, node))
        elif node.flags & (PFAIL | HANDSHAKE | NOADDR) == 0 and (node.link is not None or node.slots):
            candidates.append(node)
    left = len(candidates)
    while wanted > 0 and left > 0:
        at = int(machine.random.below(left))
        left -= 1
        entries.append(entry_of(machine, candidates[at]))
        candidates[at] = candidates[left]
        wanted -= 1
    return entries


def entry_of(machine: Machine, node: Node) -> Entry:
    tls = machine.settings.tls
    return Entry(
        node.name,
        bounded(machine.seconds(node.ping_sent)),
        bounded(machine.seconds(node.pong_received)),
        node.ip[:46],
        node.tls_port if tls else node.port,
        node.bus_port,
        node.flags & 0xFFFF,
        node.port if tls else node.tls_port,
    )


def bounded(seconds: int) -> int:
    """A time that fits its field."""
    return min(max(seconds, 0), GREATEST_U32)


def own_extensions(machine: Machine) -> list[Extension]:
    """What this node says about itself, and the nodes that it has forgotten."""
    myself = machine.view.myself
    found: list[Extension] = []
    for kind, text in (
        (HOSTNAME, myself.hostname),
        (HUMAN_NAME, myself.human_name),
        (CLIENT_IPV4, myself.client_ipv4),
        (CLIENT_IPV6, myself.client_ipv6),
    ):
        if text:
            found.append(text_extension(kind, text))
    if myself.client_port:
        found.append(port_extension(CLIENT_PORT, myself.client_port))
    if myself.client_tls_port:
        found.append(port_extension(CLIENT_TLS_PORT, myself.client_tls_port))
    if myself.zone:
        found.append(text_extension(ZONE, myself.zone))
    for name, until in list(machine.view.blacklist.items()):
        if not machine.blacklisted(name):
            continue
        found.append(forgotten_extension(name, (until - machine.now) // 1000))
    found.append(Extension(SHARD_ID, myself.shard))
    return found


# To all, or to one.


def broadcast_pong(machine: Machine) -> None:
    """Send a PONG to every node at once, after a change of this node."""
    for node in machine.view.nodes.values():
        link = node.link
        if link is not None and link.is_up and not node.in_handshake():
            send_heartbeat(machine, link, PONG)


def pong_to_siblings(machine: Machine) -> None:
    """Tell the other replicas of our primary our offset."""
    myself = machine.view.myself
    for node in machine.view.nodes.values():
        link = node.link
        if node is not myself and node.is_replica() and node.primary is myself.primary:
            if link is not None and link.is_up:
                send_heartbeat(machine, link, PONG)


def broadcast(machine: Machine, message: Message) -> None:
    """Send to every node that has a link and has finished its handshake."""
    for node in machine.view.nodes.values():
        if node is not machine.view.myself and not node.in_handshake():
            send_to(machine, node, message)


def send_to(machine: Machine, node: Node, message: Message) -> None:
    """Send on the outgoing link of a node; dropped if there is none."""
    if node.link is not None and node.link.is_up:
        machine.send(node.link, message)


def broadcast_fail(machine: Machine, node: Node) -> None:
    message = header(machine, FAIL)
    message.about = node.name
    broadcast(machine, message)


def ask_for_votes(machine: Machine, force: bool) -> None:
    message = header(machine, AUTH_REQUEST)
    if force:
        message.signals |= FORCEACK
    broadcast(machine, message)


def send_vote(machine: Machine, node: Node) -> None:
    send_to(machine, node, header(machine, AUTH_ACK))


def send_mfstart(machine: Machine, node: Node) -> None:
    send_to(machine, node, header(machine, MFSTART))


def send_update(machine: Machine, node: Node, about: Node) -> None:
    """Tell a node of the owner of slots that it claims with an older epoch."""
    message = header(machine, UPDATE)
    message.about = about.name
    message.about_epoch = about.config_epoch
    message.about_slots = machine.view.claimed_by(about)
    send_to(machine, node, message)


def publish(machine: Machine, channel: bytes, text: bytes, shard: bool) -> None:
    """Spread a message of PUBLISH to all nodes, or of SPUBLISH to the nodes of the own shard."""
    myself = machine.view.myself
    for node in machine.view.nodes.values():
        link = node.link
        if node is myself or node.in_handshake() or link is None or not link.is_up:
            continue
        if shard and node.shard != myself.shard:
            continue
        kind = PUBLISHSHARD if shard else PUBLISH
        message = header(machine, kind) if link.takes_light & LIGHT_PUBLISH == 0 else Message(kind)
        message.light = link.takes_light & LIGHT_PUBLISH != 0
        message.channel = channel
        message.text = text
        machine.send(link, message)


def send_meet(machine: Machine, link: Link) -> None:
    node = link.node
    if node is not None:
        node.met = machine.now
    send_heartbeat(machine, link, MEET)
