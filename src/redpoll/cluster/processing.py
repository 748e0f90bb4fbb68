"""What a message does: identify its sender, then handshake, roles, slots, epochs and gossip.

Source: spec/cluster.md, sections 6.1 to 6.5 and 9.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redpoll.cluster import claims, detection, elections, outgoing, state
from redpoll.cluster.flags import (
    EXTENSIONS,
    FAIL,
    HANDSHAKE,
    LIGHT_MODULE,
    LIGHT_PUBLISH,
    NOADDR,
    NOFAILOVER,
    PFAIL,
    PRIMARY_FAILED,
    REPLICA,
    ROLES,
)
from redpoll.cluster.flags import MEET as MUST_MEET
from redpoll.cluster.gossip import read_extensions, read_gossip
from redpoll.cluster.messages import (
    AUTH_ACK,
    AUTH_REQUEST,
    EXT_DATA,
    MEET,
    MFSTART,
    MODULE,
    PAUSED,
    PING,
    PONG,
    PUBLISH,
    PUBLISHSHARD,
    UPDATE,
    Message,
)
from redpoll.cluster.messages import FAIL as FAIL_MESSAGE
from redpoll.cluster.node import Link, Node
from redpoll.cluster.nodes_conf import is_name

if TYPE_CHECKING:
    from redpoll.cluster.machine import Machine


def process(machine: Machine, link: Link, message: Message, size: int) -> None:
    """Do what a message asks for.  `size`: its length in bytes."""
    count_received(machine, message.kind, size)
    if not message.light and not is_name(message.sender):
        return
    sender = identify(machine, link, message)
    if message.light:
        if sender is None:
            machine.close(link)
            return
        sender.data_received = machine.now
        process_body(machine, sender, message)
        return
    learn_abilities(link, sender, message)
    if sender is not None:
        sender.data_received = machine.now
        if not sender.in_handshake():
            learn_epochs(machine, sender, message)
    if message.kind <= MEET:
        heartbeat(machine, link, sender, message)
    elif sender is not None and not sender.in_handshake():
        process_body(machine, sender, message)


def count_received(machine: Machine, kind: int, size: int) -> None:
    traffic = machine.traffic
    traffic.received[kind] += 1
    traffic.bytes_received += size
    if kind == PUBLISH or kind == PUBLISHSHARD:
        traffic.pubsub_bytes_received += size
    elif kind == MODULE:
        traffic.module_bytes_received += size


def identify(machine: Machine, link: Link, message: Message) -> Node | None:
    """The known node that sent a message, if there is one.  An inbound link is bound to it."""
    node = link.node
    bound = node is not None and not node.in_handshake()
    if message.light:
        return node if bound else None
    if bound and not link.inbound:
        return node
    sender = machine.view.nodes.get(message.sender)
    if sender is machine.view.myself:
        return None
    if sender is not None and link.inbound and node is not sender and (node is None or not bound):
        if node is not None:
            node.inbound = None
        previous = sender.inbound
        if previous is not None:
            machine.close(previous)
        link.node = sender
        sender.inbound = link
    return sender


def learn_abilities(link: Link, sender: Node | None, message: Message) -> None:
    """Remember what the sender understands."""
    if message.signals & EXT_DATA:
        link.reads_extensions = True
        if sender is not None:
            sender.flags |= EXTENSIONS
    if message.kind == PONG:
        link.takes_light = message.flags & (LIGHT_PUBLISH | LIGHT_MODULE)
    if sender is not None:
        light = LIGHT_PUBLISH | LIGHT_MODULE | PRIMARY_FAILED
        sender.flags = sender.flags & ~light | message.flags & light


def learn_epochs(machine: Machine, sender: Node, message: Message) -> None:
    """Raise epochs and offsets to what the sender says."""
    view = machine.view
    if message.current_epoch > view.current_epoch:
        view.current_epoch = message.current_epoch
        machine.unsaved = True
    if message.primary == b"" and message.config_epoch > sender.config_epoch:
        sender.config_epoch = message.config_epoch
        machine.changed()
        election = machine.election
        if election.asked and election.at and message.config_epoch >= election.epoch:
            elections.abandon(machine)
    sender.offset = message.offset
    manual = machine.manual
    if manual.until and view.myself.primary is sender and view.myself.is_replica():
        if message.signals & PAUSED and manual.offset < 0:
            manual.offset = message.offset


def process_body(machine: Machine, sender: Node, message: Message) -> None:
    """Do what a message other than a heartbeat asks for."""
    kind = message.kind
    view = machine.view
    if kind == FAIL_MESSAGE:
        failing = view.nodes.get(message.about)
        if failing is not None and failing is not view.myself and not failing.has_failed():
            detection.set_failed(machine, failing)
            elections.consider(machine)
    elif kind == PUBLISH or kind == PUBLISHSHARD:
        machine.outside.publish(message.channel, message.text, kind == PUBLISHSHARD)
    elif kind == AUTH_REQUEST:
        elections.vote(machine, sender, message)
    elif kind == AUTH_ACK:
        if sender.votes() and message.current_epoch >= machine.election.epoch:
            elections.count_vote(machine, sender)
    elif kind == MFSTART:
        elections.pause_for(machine, sender)
    elif kind == UPDATE:
        update(machine, message)


def update(machine: Machine, message: Message) -> None:
    """An UPDATE: somebody else owns slots with a newer epoch than this node knows."""
    view = machine.view
    node = view.nodes.get(message.about)
    if node is None or message.about_epoch <= node.config_epoch:
        return
    if node is not view.myself and node.is_replica():
        view.set_primary(node)
    node.config_epoch = message.about_epoch
    machine.changed()
    claims.claim(machine, node, message.about_epoch, message.about_slots)


# PING, PONG and MEET.


def heartbeat(machine: Machine, link: Link, sender: Node | None, message: Message) -> None:
    """Answer a PING or MEET, and learn from the header, the gossip and the extensions of any of the three."""
    view = machine.view
    kind = message.kind
    if kind == PING or kind == MEET:
        learn_own_ip(machine, link, kind)
        if kind == MEET:
            met(machine, link, sender, message)
            if link.is_closed():
                return
        outgoing.send_heartbeat(machine, link, PONG)
    if not link.inbound and link.node is not None and not finish_handshake(machine, link, sender, message):
        return
    if sender is not None:
        sender.flags = sender.flags & ~(NOFAILOVER | MUST_MEET) | message.flags & NOFAILOVER
        if kind == PING and link.inbound and not sender.in_handshake():
            update_address(machine, link, sender, message)
    if kind == PONG and not link.inbound and link.node is not None:
        answered(machine, link.node)
    if sender is None or sender.in_handshake():
        return
    was_replica = sender.is_replica()
    if not update_role(machine, sender, message):
        return
    if sender.is_primary():
        if was_replica or sender.slots != message.slots:
            claims.claim(machine, sender, message.config_epoch, message.slots)
            correct(machine, sender, message)
        myself = view.myself
        if myself.is_primary() and sender.is_primary() and message.config_epoch == myself.config_epoch:
            claims.resolve_collision(machine, sender)
    read_gossip(machine, link, sender, message)
    if sender.name in view.nodes:
        read_extensions(machine, sender, message)


def learn_own_ip(machine: Machine, link: Link, kind: int) -> None:
    """The address at which others reach this node is the one that they have connected to."""
    myself = machine.view.myself
    if machine.settings.announce_ip or not (kind == MEET or myself.ip == b""):
        return
    if link.local_ip and link.local_ip != myself.ip and link.inbound:
        myself.ip = link.local_ip
        machine.changed()


def met(machine: Machine, link: Link, sender: Node | None, message: Message) -> None:
    """A MEET: connect back to a stranger.  Only here the gossip of one is believed."""
    if sender is not None:
        # It has lost us: start afresh, so that it sees a new inbound link.
        if sender.link is not None and machine.now - sender.created > machine.settings.handshake_timeout():
            machine.close(sender.link)
        return
    if message.sender == machine.view.myself.name:
        return
    node = machine.start_handshake(message.ip or link.peer_ip, message.port, message.bus_port, 0)
    if node is not None:
        set_address(machine, node, message.ip or link.peer_ip, message)
        if link.inbound and link.node is None:
            link.node = node
            node.inbound = link
        machine.unsaved = True
    read_gossip(machine, link, None, message)


def finish_handshake(machine: Machine, link: Link, sender: Node | None, message: Message) -> bool:
    """Give a node its true name, or detect that another node answers at its address.  False: nothing more to do."""
    view = machine.view
    node = link.node
    assert node is not None
    if node.in_handshake():
        if sender is not None or message.sender == view.myself.name:
            if sender is not None:
                update_address(machine, link, sender, message)
            machine.delete_node(node)
            return False
        view.rename(node, message.sender)
        node.flags = node.flags & ~(HANDSHAKE | ROLES) | message.flags & ROLES
        if node.flags & REPLICA:
            node.primary = None
        machine.changed()
        return True
    if node.name != message.sender:
        node.flags |= NOADDR
        node.ip = b""
        node.port = 0
        node.tls_port = 0
        node.bus_port = 0
        if not node.has_failed():
            detection.set_failed(machine, node)
            outgoing.broadcast_fail(machine, node)
        machine.changed()
        machine.close(link)
        return False
    return True


def set_address(machine: Machine, node: Node, ip: bytes, message: Message) -> None:
    tls = machine.settings.tls
    node.ip = ip
    node.port = message.other_port if tls else message.port
    node.tls_port = message.port if tls else message.other_port
    node.bus_port = message.bus_port


def update_address(machine: Machine, link: Link, node: Node, message: Message) -> None:
    """Follow a node to the address that it now has."""
    ip = message.ip or link.peer_ip
    tls = machine.settings.tls
    port = message.other_port if tls else message.port
    tls_port = message.port if tls else message.other_port
    if (ip, port, tls_port, message.bus_port) == (node.ip, node.port, node.tls_port, node.bus_port):
        return
    if node.link is not None and node.link is link:
        # Its own link to this node says what it was reached at.
        return
    set_address(machine, node, ip, message)
    node.flags &= ~NOADDR
    if node.link is not None:
        machine.close(node.link)
    myself = machine.view.myself
    if myself.is_replica() and myself.primary is node:
        machine.outside.follow(node, False)
    machine.changed()


def answered(machine: Machine, node: Node) -> None:
    """A PONG: the node is in reach."""
    node.pong_received = machine.now
    node.ping_sent = 0
    if node.flags & PFAIL:
        node.flags &= ~PFAIL
        machine.changed()
    elif node.flags & FAIL:
        detection.clear_failure(machine, node)


def update_role(machine: Machine, sender: Node, message: Message) -> bool:
    """Make the sender a primary or a replica, as its header says; False if the message is stale."""
    view = machine.view
    if message.primary == b"":
        if sender.is_replica() or sender.flags & ROLES == 0:
            view.set_primary(sender)
            machine.changed()
        return True
    primary = view.nodes.get(message.primary)
    if sender.is_primary():
        if primary is not None and primary.shard == sender.shard:
            if sender.config_epoch > message.config_epoch or primary.config_epoch > message.config_epoch:
                return False
            if primary.is_replica() and primary is not view.myself:
                inherit(machine, sender, primary, message.config_epoch)
        view.unassign(sender.slots)
        view.set_replica(sender, None)
        machine.changed()
    if primary is not None and primary is not sender and sender.primary is not primary:
        view.set_replica(sender, primary)
        machine.changed()
    follow_up(machine)
    return True


def inherit(machine: Machine, old: Node, new: Node, epoch: int) -> None:
    """A replica has replaced its primary, which says so itself: move slots and open slots."""
    view = machine.view
    slots = old.slots
    view.set_primary(new)
    new.config_epoch = epoch
    view.assign(slots, new)
    for slot, target in list(view.migrating.items()):
        if target is old:
            view.migrating[slot] = new
    for slot, source in list(view.importing.items()):
        if source is old:
            view.importing[slot] = new
    machine.changed()


def follow_up(machine: Machine) -> None:
    """If our primary has become a replica itself, follow its primary instead."""
    myself = machine.view.myself
    primary = myself.primary
    if not myself.is_replica() or primary is None or not primary.is_replica():
        return
    above = primary.primary
    if above is not None and above is not myself and above.is_primary():
        state.become_replica(machine, above, above.shard != myself.shard, False)


def correct(machine: Machine, sender: Node, message: Message) -> None:
    """Send an UPDATE to a node that claims a slot which, as this node knows, another owns with a newer epoch."""
    view = machine.view
    if not sender.is_primary():
        return
    for owner in view.numbered:
        if owner is None or owner is sender:
            continue
        if owner.config_epoch > message.config_epoch and view.claimed_by(owner) & message.slots:
            outgoing.send_update(machine, sender, owner)
            return
