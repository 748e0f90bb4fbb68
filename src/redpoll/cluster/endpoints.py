"""The endpoint of a node for clients: its address, its host name or nothing (`cluster-preferred-endpoint-type`)."""

from __future__ import annotations

from typing import Final

from redpoll.cluster.node import Node
from redpoll.engine.session import Session

IP: Final = b"ip"
HOSTNAME: Final = b"hostname"
UNKNOWN: Final = b"unknown-endpoint"


def client_ip(session: Session, node: Node) -> bytes:
    """The address of a node for this client: one announced for its family, or the one that the nodes use."""
    six = session.peer.address().startswith(b"[")
    announced = node.client_ipv6 if six else node.client_ipv4
    return announced or node.ip


def client_port(node: Node) -> int:
    """The port of a node for a client without TLS."""
    return node.client_port or node.port


def endpoint(session: Session, node: Node) -> bytes | None:
    """What clients connect to; None if they shall use the address that they have used before."""
    kind = session.engine.config.text(b"cluster-preferred-endpoint-type")
    if kind == HOSTNAME:
        return node.hostname or b"?"
    if kind == UNKNOWN:
        return None
    return client_ip(session, node)


def metadata(session: Session, node: Node) -> list[tuple[bytes, bytes]]:
    """What CLUSTER SLOTS shows of a node besides its preferred endpoint."""
    kind = session.engine.config.text(b"cluster-preferred-endpoint-type")
    found: list[tuple[bytes, bytes]] = []
    if kind != IP:
        found.append((b"ip", client_ip(session, node)))
    if kind != HOSTNAME and node.hostname:
        found.append((b"hostname", node.hostname))
    return found
