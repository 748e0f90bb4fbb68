"""`redpoll cluster create`, and what `start` and `add-node` share with it: how nodes meet and become replicas."""

from __future__ import annotations

import socket

from redpoll.cli.cluster.allocation import Layout, plan_layout
from redpoll.cli.cluster.nodes import Access, Cluster, Node
from redpoll.cli.cluster.show import agreed, say, table, warn
from redpoll.cli.cluster.view import BUS_OFFSET
from redpoll.cli.cluster.words import Address, Refusal, slots_text
from redpoll.cli.resp import Disconnected
from redpoll.cluster.slot_sets import ranges

LOOPBACK = ("127.", "::1")


def create(addresses: list[Address], replicas: int, access: Access, yes: bool) -> None:
    """Make a cluster of nodes that are in none yet.  Raises Refusal."""
    places = [literal(address) for address in addresses]
    if repeated := {str(place) for place in places if places.count(place) > 1}:
        raise Refusal(f"named twice: {', '.join(sorted(repeated))}")
    layout = plan_layout(places, replicas)
    check_reachable(places)
    nodes: dict[Address, Node] = {}
    try:
        for place in places:
            nodes[place] = fresh(place, access)
        for line in layout_lines(layout):
            say(line)
        for replica, primary in layout.crowded():
            warn(f"{replica} is on the host of its primary {primary}: both may fail together")
        agreed("Make this cluster?", yes)
        form(nodes, layout)
    finally:
        for node in nodes.values():
            node.close()


def literal(address: Address) -> Address:
    """The address with a name of a host replaced by its IP: CLUSTER MEET knows no names.  Raises Refusal."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as unknown:
        raise Refusal(f"the host of {address} is not known: {unknown.strerror or unknown}") from unknown
    found.sort(key=family)
    return Address(str(found[0][4][0]), address.port)


def family(info: tuple[object, ...]) -> int:
    return 0 if info[0] == socket.AF_INET else 1


def check_reachable(places: list[Address]) -> None:
    """Raises Refusal if some nodes have an address that only their own machine reaches, and some another."""
    local = [place for place in places if place.host.startswith(LOOPBACK)]
    if local and len(local) < len(places):
        raise Refusal(f"the other machines cannot reach {local[0]}: name it by an address that they can reach")


def fresh(place: Address, access: Access) -> Node:
    """A node that can join a cluster.  Raises Refusal if it holds keys, slots, or other nodes."""
    try:
        node = Node(place, access)
    except Disconnected as gone:
        raise Refusal(f"{gone}; start it with --cluster-enabled yes") from gone
    if len(node.view.lines) > 1 or node.me.slots:
        fault = "is in a cluster already"
    elif node.key_count():
        fault = "has keys"
    else:
        return node
    node.close()
    raise Refusal(
        f"{place} {fault}: only an empty node can join. To make it one, and lose its data: FLUSHALL, then CLUSTER RESET"
    )


def layout_lines(layout: Layout) -> list[str]:
    rows = [["node", "role", "slots"]]
    for shard, slots in zip(layout.shards, layout.slots, strict=True):
        rows.append([str(shard[0]), "primary", slots_text(slots)])
        rows += [[str(replica), "replica", f"of {shard[0]}"] for replica in shard[1:]]
    return table(rows)


def form(nodes: dict[Address, Node], layout: Layout) -> None:
    """Carry a layout out, and return when all nodes agree about it.  Raises Refusal."""
    for number, node in enumerate(nodes.values()):
        # Different epochs from the start spare the nodes a round of conflicts; a node that has one keeps it.
        node.try_to("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
    for shard, slots in zip(layout.shards, layout.slots, strict=True):
        claim(nodes[shard[0]], slots)
    first = nodes[layout.shards[0][0]]
    for node in nodes.values():
        if node is not first:
            meet(node, first)
    say("waiting until the nodes have met")
    cluster = gather(nodes)
    for shard in layout.shards:
        for place in shard[1:]:
            nodes[place].ask("CLUSTER", "REPLICATE", nodes[shard[0]].id)
    wait_until_ok(cluster)


def claim(node: Node, slots: int) -> None:
    """Make a node the owner of slots.  Raises Refusal."""
    node.ask("CLUSTER", "ADDSLOTS", *[str(slot) for low, high in ranges(slots) for slot in range(low, high + 1)])


def meet(node: Node, other: Node) -> None:
    """Introduce a node to another.  Raises Refusal."""
    host = other.me.address.host or other.address.host
    words = [host, str(other.address.port)]
    if other.me.bus_port != other.address.port + BUS_OFFSET:
        words.append(str(other.me.bus_port))
    node.ask("CLUSTER", "MEET", *words)


def gather(nodes: dict[Address, Node]) -> Cluster:
    """The cluster of nodes that are meeting, once all know all.  Raises Refusal."""
    found = Cluster(Access())
    found.nodes = list(nodes.values())
    found.wait_until_agreed()
    found.wait_for("all nodes are past their handshake", lambda: all_met(found))
    return found


def all_met(cluster: Cluster) -> bool:
    return all(line.connected and line.can_be_called for node in cluster.nodes for line in node.view.lines.values())


def wait_until_ok(cluster: Cluster) -> None:
    """Return when every node says that the cluster is ok, and every replica follows its primary.  Raises Refusal."""
    cluster.wait_until_agreed()
    cluster.wait_for(
        "cluster_state is ok", lambda: all(node.info().get("cluster_state") == "ok" for node in cluster.nodes)
    )
    cluster.wait_for("the replicas have their data", lambda: all(follows(node) for node in cluster.nodes))


def follows(node: Node) -> bool:
    """Whether a node is a primary, or a replica in touch with its primary."""
    if not node.me.is_replica:
        return True
    return "master_link_status:up" in node.text("INFO", "replication")
