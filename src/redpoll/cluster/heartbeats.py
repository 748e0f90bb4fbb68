"""The timers: connecting, pinging, and suspecting nodes that do not answer.

Source: spec/cluster.md, section 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redpoll.cluster import detection, elections, outgoing, state
from redpoll.cluster.flags import FAILING, HANDSHAKE, LIGHT_MODULE, NOADDR, PRIMARY_FAILED
from redpoll.cluster.flags import MEET as MUST_MEET
from redpoll.cluster.messages import PING
from redpoll.cluster.node import Link, Node

if TYPE_CHECKING:
    from redpoll.cluster.machine import Machine

RANDOM_PING_TICKS: Final = 10
SAMPLE: Final = 5
RETRY_SHARE: Final = 20
"""How many times in one timeout this node tries to connect to another at most."""


def tick(machine: Machine) -> None:
    """All timers, in the reference's order."""
    view = machine.view
    for node in list(view.nodes.values()):
        if node is not view.myself and node.flags & NOADDR == 0:
            look_at_link(machine, node)
    if machine.ticks % RANDOM_PING_TICKS == 0 and not machine.faults.no_random_ping:
        ping_one_of_some(machine)
    for node in list(view.nodes.values()):
        if node is not view.myself and node.flags & (NOADDR | HANDSHAKE) == 0:
            look_at_answers(machine, node)
    myself = view.myself
    if elections.sees_failed_primary(machine):
        myself.flags |= PRIMARY_FAILED
    else:
        myself.flags &= ~PRIMARY_FAILED
    elections.tick_manual(machine)
    if myself.is_replica():
        primary = myself.primary
        if primary is not None and primary.ip and not machine.outside.follows():
            machine.outside.follow(primary, False)
        elections.consider(machine)
    if myself.is_replica():
        state.consider_migration(machine)
    if not machine.state_ok:
        machine.recompute = True


def look_at_link(machine: Machine, node: Node) -> None:
    """Give up a handshake that takes too long; connect to a node without a link."""
    now = machine.now
    if node.in_handshake() and now - node.created > machine.settings.handshake_timeout():
        machine.delete_node(node)
        return
    if node.link is not None and not node.link.is_up and now - node.link.created > machine.settings.timeout:
        # There was no answer, not even a refusal.
        link = node.link
        machine.lost(link)
        machine.outside.close(link)
    if node.link is not None or not node.ip or machine.faults.no_reconnection:
        return
    if node.inbound is None and node.tried and now - node.tried < machine.settings.timeout // RETRY_SHARE:
        return
    node.tried = now
    link = machine.new_link(False)
    link.node = node
    node.link = link
    machine.outside.connect(link, node.ip, node.bus_port)


def greet(machine: Machine, link: Link) -> None:
    """The first message on a connection that this node has opened."""
    link.is_up = True
    node = link.node
    if node is None:
        return
    before = node.ping_sent
    if node.flags & MUST_MEET:
        outgoing.send_meet(machine, link)
    else:
        outgoing.send_heartbeat(machine, link, PING)
    if before:
        node.ping_sent = before


def ping_one_of_some(machine: Machine) -> None:
    """PING the one of a few random nodes that was silent for the longest time."""
    view = machine.view
    names = list(view.nodes)
    oldest: Node | None = None
    for _ in range(SAMPLE):
        node = view.nodes[names[int(machine.random.below(len(names)))]]
        link = node.link
        if link is None or not link.is_up or node.ping_sent or node is view.myself or node.in_handshake():
            continue
        if oldest is None or node.pong_received < oldest.pong_received:
            oldest = node
    if oldest is not None and oldest.link is not None:
        outgoing.send_heartbeat(machine, oldest.link, PING)


def look_at_answers(machine: Machine, node: Node) -> None:
    """Reconnect, ping or suspect a node, as its silence requires."""
    now = machine.now
    settings = machine.settings
    half = settings.timeout // 2
    link = node.link
    if link is not None and link.is_up and meets_again(machine, node, link):
        return
    if link is not None and node.ping_sent and now - link.created > settings.timeout:
        if now - node.ping_sent > half and now - node.data_received > half:
            machine.close(link)
            link = None
    if link is not None and link.is_up and node.ping_sent == 0:
        interval = settings.ping_interval or half
        manual = machine.manual
        wanted = manual.until != 0 and manual.replica is node and machine.view.myself.is_primary()
        if now - node.pong_received > interval or wanted:
            outgoing.send_heartbeat(machine, link, PING)
            return
    if node.ping_sent and node.flags & FAILING == 0:
        if min(now - node.ping_sent, now - node.data_received) > settings.timeout:
            detection.suspect(machine, node)


def meets_again(machine: Machine, node: Node, link: Link) -> bool:
    """Send MEET to a node that does not connect to us: it may have forgotten us."""
    span = machine.settings.handshake_timeout()
    if node.inbound is not None or node.flags & MUST_MEET or node.flags & LIGHT_MODULE == 0:
        return False
    if machine.now - node.inbound_lost <= span or machine.now - node.met <= span:
        return False
    outgoing.send_meet(machine, link)
    return True
