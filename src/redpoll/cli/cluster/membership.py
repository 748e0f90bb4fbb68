"""`redpoll cluster add-node` and `del-node`."""

from __future__ import annotations

from redpoll.cli.cluster.forming import check_reachable, follows, fresh, literal, meet
from redpoll.cli.cluster.nodes import Cluster, Node
from redpoll.cli.cluster.show import say
from redpoll.cli.cluster.view import Line
from redpoll.cli.cluster.words import Address, Refusal, plural

FORGET_SECONDS = 60


def add_node(cluster: Cluster, address: Address, replica: bool, primary_id: str) -> None:
    """Let an empty node join, as an empty primary or as a replica.  Raises Refusal."""
    place = literal(address)
    found = cluster.examine()
    if not found.agree or found.open or found.uncovered:
        raise Refusal("the cluster is not in order: redpoll cluster check shows why, redpoll cluster fix mends it")
    check_reachable([place, *[cluster.address_of(node) for node in cluster.primaries]])
    primary = cluster.primary(primary_id) if primary_id else None
    node = fresh(place, cluster.access)
    try:
        if primary is None and replica:
            primary = neediest(cluster, place)
        if not replica:
            copy_functions(cluster, node)
        meet(node, cluster.primaries[0])
        cluster.nodes.append(node)
        cluster.wait_until_agreed()
        cluster.wait_for("the new node is ok", lambda: node.info().get("cluster_state") == "ok")
        if primary is None:
            say(f"[OK] {place} has joined as a primary without slots. Give it some: redpoll cluster rebalance {place} "
                "--use-empty-masters")  # fmt: skip
            return
        node.ask("CLUSTER", "REPLICATE", primary.id)
        cluster.wait_for("the replica has its data", lambda: node.me.primary == primary.id and follows(node))
        cluster.wait_for(
            "all nodes know the replica",
            lambda: all(other.view.lines[node.id].primary == primary.id for other in cluster.nodes),
        )
        say(f"[OK] {place} has joined as a replica of {primary.address}")
    finally:
        node.close()


def neediest(cluster: Cluster, place: Address) -> Node:
    """The primary that has slots and the fewest replicas.  Of several, one on another host than `place`."""

    def need(node: Node) -> tuple[int, bool]:
        return (len(cluster.replicas_of(node.id)), cluster.address_of(node).host == place.host)

    return min([node for node in cluster.primaries if node.me.slots], key=need)


def copy_functions(cluster: Cluster, node: Node) -> None:
    """Load the functions of the cluster into a new primary: clients expect them in each.  Raises Refusal."""
    for source in cluster.primaries:
        found = source.try_to("FUNCTION", "LIST")
        if isinstance(found, list) and found:
            break
    else:
        return
    if node.ask("FUNCTION", "LIST"):
        raise Refusal(f"{node.address} has functions of its own: delete them with FUNCTION FLUSH")
    dump = source.ask("FUNCTION", "DUMP")
    node.ask("FUNCTION", "RESTORE", dump if isinstance(dump, bytes) else b"")


def del_node(cluster: Cluster, name: str) -> None:
    """Take a node without slots out of the cluster; it may be dead.  Raises Refusal."""
    gone = next((line for line in cluster.unreachable if name.lower() in (line.id, str(line.address))), None)
    leaving = None if gone is not None else cluster.find(name)
    line = gone if leaving is None else leaving.me
    assert line is not None
    if line.slots:
        raise Refusal(
            f"{line.address} has {plural(line.slots.bit_count(), 'slot')}. "
            + (
                f"It cannot be reached: redpoll cluster fix {cluster.nodes[0].address} --fix-with-unreachable-masters "
                "gives them to other nodes, without the keys"
                if gone is not None
                else f"Move them away first: redpoll cluster rebalance {line.address} --weight {line.id}=0"
            )
        )
    others = [node for node in cluster.nodes if node is not leaving]
    if not others:
        raise Refusal(f"{line.address} is the only node that can be reached")
    adopt_orphans(cluster, line, others)
    for node in others:
        # If an earlier del-node was cut off, some nodes have forgotten this one already, and refuse.
        node.try_to("CLUSTER", "FORGET", line.id)
    if leaving is not None:
        # With a new id it can join again at once: the old one is refused for some time after FORGET.
        leaving.ask("CLUSTER", "RESET", "HARD")
        cluster.nodes.remove(leaving)
        leaving.close()
    remaining = [node.address for node in others if line.id in node.look().lines]
    if remaining:
        raise Refusal(f"{line.address} is still known to {', '.join(map(str, remaining))}: run the command again")
    say(f"[OK] {line.address} has left, and the other nodes ({len(others)}) have forgotten it. "
        + ("It is an empty primary of its own now." if leaving is not None else f"If it comes back within "
           f"{FORGET_SECONDS} seconds, it stays out; reset it before it starts again."))  # fmt: skip


def adopt_orphans(cluster: Cluster, line: Line, others: list[Node]) -> None:
    """Give the replicas of a node that leaves to the primaries with the fewest.  Raises Refusal."""
    for orphan in [node for node in others if node.me.primary == line.id]:
        candidates = [node for node in others if node.me.is_primary and node.me.slots]
        if not candidates:
            raise Refusal(f"there is no primary for {orphan.address}, a replica of {line.address}")
        adopter = min(candidates, key=lambda node: len(cluster.replicas_of(node.id)))
        say(f"{orphan.address} becomes a replica of {adopter.address}")
        orphan.ask("CLUSTER", "REPLICATE", adopter.id)
        orphan.look()
