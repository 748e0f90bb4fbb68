"""The CLUSTER subcommands that only report.  commands/cluster.py declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redpoll.cluster.detection import reports
from redpoll.cluster.endpoints import client_ip, client_port, endpoint, metadata
from redpoll.cluster.messages import TYPE_NAMES
from redpoll.cluster.nodes_conf import node_line
from redpoll.cluster.operations import find_node
from redpoll.cluster.slot_sets import SLOT_COUNT, ranges
from redpoll.cluster_errors import (
    INVALID_KEY_COUNT,
    INVALID_KEY_SLOT,
    NOT_A_PRIMARY,
)
from redpoll.commands.cluster_node import node_of
from redpoll.engine.args import integer
from redpoll.engine.session import Session
from redpoll.errors import CommandError
from redpoll.protocol.reply import Map, Verbatim

if TYPE_CHECKING:
    from redpoll.cluster.machine import Machine
    from redpoll.cluster.node import Node


def myid(session: Session, args: list[bytes]) -> object:
    return node_of(session).view.myself.name


def myshardid(session: Session, args: list[bytes]) -> object:
    return node_of(session).view.myself.shard


def shown_line(session: Session, machine: Machine, node: Node) -> bytes:
    """A line of CLUSTER NODES, with the address for this client."""
    address = b"%s:%d@%d" % (client_ip(session, node), client_port(node), node.bus_port)
    if node.hostname:
        address += b"," + node.hostname
    return node_line(machine.view, node, address, machine.wall_offset)


def nodes(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    return Verbatim(b"".join([shown_line(session, machine, node) + b"\n" for node in machine.view.nodes.values()]))


def replicas(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    node = find_node(machine, args[2])
    if not node.is_primary():
        raise CommandError(NOT_A_PRIMARY)
    return [shown_line(session, machine, replica) for replica in machine.view.replicas_of(node)]


def count_failure_reports(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    return reports(machine, find_node(machine, args[2]))


def info(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    lines = state_lines(machine) + traffic_lines(machine)
    return Verbatim(b"".join([b"%s:%s\r\n" % line for line in lines]))


def state_lines(machine: Machine) -> list[tuple[bytes, bytes]]:
    view = machine.view
    suspected = failed = voting_suspected = voting_failed = 0
    slots_suspected = slots_failed = 0
    for node in view.nodes.values():
        if node.has_failed():
            failed += 1
            voting_failed += int(node.votes())
            slots_failed |= node.slots
        elif node.is_failing():
            suspected += 1
            voting_suspected += int(node.votes())
            slots_suspected |= node.slots
    fine = view.assigned & ~slots_suspected & ~slots_failed
    counts = [
        (b"cluster_slots_assigned", view.assigned.bit_count()),
        (b"cluster_slots_ok", fine.bit_count()),
        (b"cluster_slots_pfail", slots_suspected.bit_count()),
        (b"cluster_slots_fail", slots_failed.bit_count()),
        (b"cluster_nodes_pfail", suspected),
        (b"cluster_nodes_fail", failed),
        (b"cluster_voting_nodes_pfail", voting_suspected),
        (b"cluster_voting_nodes_fail", voting_failed),
        (b"cluster_known_nodes", len(view.nodes)),
        (b"cluster_size", view.size()),
        (b"cluster_current_epoch", view.current_epoch),
        (b"cluster_my_epoch", view.shown_epoch(view.myself)),
    ]
    state = b"ok" if machine.state_ok else b"fail"
    return [(b"cluster_state", state), *[(name, b"%d" % count) for name, count in counts]]


def traffic_lines(machine: Machine) -> list[tuple[bytes, bytes]]:
    traffic = machine.traffic
    counts: list[tuple[bytes, int]] = []
    for way, numbers in ((b"sent", traffic.sent), (b"received", traffic.received)):
        for kind, number in enumerate(numbers):
            if number:
                counts.append((b"cluster_stats_messages_%s_%s" % (TYPE_NAMES[kind], way), number))
        counts.append((b"cluster_stats_messages_" + way, sum(numbers)))
    counts += [
        (b"cluster_stats_bytes_sent", traffic.bytes_sent),
        (b"cluster_stats_bytes_received", traffic.bytes_received),
        (b"cluster_stats_pubsub_bytes_sent", traffic.pubsub_bytes_sent),
        (b"cluster_stats_pubsub_bytes_received", traffic.pubsub_bytes_received),
        (b"cluster_stats_module_bytes_sent", traffic.module_bytes_sent),
        (b"cluster_stats_module_bytes_received", traffic.module_bytes_received),
        (b"total_cluster_links_buffer_limit_exceeded", traffic.overfull),
    ]
    return [(name, b"%d" % count) for name, count in counts]


def slots(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    view = machine.view
    found: list[tuple[int, int, Node]] = []
    for node in view.nodes.values():
        for first, last in ranges(node.slots):
            found.append((first, last, node))
    found.sort(key=first_slot)
    reply: list[object] = []
    for first, last, node in found:
        row: list[object] = [first, last, address_row(session, node)]
        for replica in view.replicas_of(node):
            if not replica.has_failed() and offset_of(machine, replica) != 0:
                row.append(address_row(session, replica))
        reply.append(row)
    return reply


def first_slot(row: tuple[int, int, Node]) -> int:
    return row[0]


def address_row(session: Session, node: Node) -> list[object]:
    """A node in CLUSTER SLOTS."""
    more: list[object] = []
    for name, value in metadata(session, node):
        more += [name, value]
    return [endpoint(session, node), client_port(node), node.name, Map(more)]


def offset_of(machine: Machine, node: Node) -> int:
    """The replication offset of any node."""
    return machine.outside.offset() if node is machine.view.myself else node.offset


def shards(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    by_shard: dict[bytes, list[Node]] = {}
    for node in machine.view.nodes.values():
        if not node.in_handshake():
            by_shard.setdefault(node.shard, []).append(node)
    reply: list[object] = []
    for shard, together in by_shard.items():
        owned: list[object] = []
        rows: list[object] = []
        for node in together:
            for first, last in ranges(node.slots):
                owned += [first, last]
        for node in sorted(together, key=replicas_last):
            rows.append(shard_row(session, machine, node))
        reply.append(Map([b"slots", owned, b"nodes", rows, b"id", shard]))
    return reply


def replicas_last(node: Node) -> bool:
    return node.is_replica()


def shard_row(session: Session, machine: Machine, node: Node) -> Map:
    """A node in CLUSTER SHARDS."""
    row: list[object] = [b"id", node.name]
    if client_port(node):
        row += [b"port", client_port(node)]
    if node.tls_port:
        row += [b"tls-port", node.client_tls_port or node.tls_port]
    row += [b"ip", client_ip(session, node), b"endpoint", endpoint(session, node)]
    if node.hostname:
        row += [b"hostname", node.hostname]
    offset = offset_of(machine, node)
    health = b"online"
    if node.has_failed():
        health = b"fail"
    elif node.is_replica() and offset == 0:
        health = b"loading"
    row += [
        b"role", b"replica" if node.is_replica() else b"master", b"replication-offset", offset, b"health", health,
    ]  # fmt: skip
    if node.zone:
        row += [b"availability-zone", node.zone]
    return Map(row)


def links(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    reply: list[object] = []
    for node in machine.view.nodes.values():
        for direction, link in ((b"to", node.link), (b"from", node.inbound)):
            if link is None:
                continue
            events, allocated, used = machine.outside.link_buffers(link)
            reply.append(
                Map([
                    b"direction", direction, b"node", node.name, b"create-time", link.created + machine.wall_offset,
                    b"events", events, b"send-buffer-allocated", allocated, b"send-buffer-used", used,
                ])
            )  # fmt: skip
    return reply


# Keys of slots.


def countkeysinslot(session: Session, args: list[bytes]) -> object:
    node_of(session)
    slot: int = integer(args[2])
    if not 0 <= slot < SLOT_COUNT:
        raise CommandError(INVALID_KEY_SLOT)
    return session.db.count_in_slot(slot)


def getkeysinslot(session: Session, args: list[bytes]) -> object:
    node_of(session)
    slot: int = integer(args[2])
    most: int = integer(args[3])
    if not 0 <= slot < SLOT_COUNT or most < 0:
        raise CommandError(INVALID_KEY_COUNT)
    found: list[object] = list(session.db.keys_in_slot(slot, most))
    return found
