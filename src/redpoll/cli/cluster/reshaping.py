"""`redpoll cluster reshard` and `rebalance`: slots move to other nodes while clients use them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from redpoll.cli.cluster.moves import Move, plan_rebalance, plan_reshard
from redpoll.cli.cluster.moving import move_all
from redpoll.cli.cluster.nodes import Cluster, Manner, Node, slots_of
from redpoll.cli.cluster.show import agreed, asked, say, table
from redpoll.cli.cluster.words import Refusal, plural
from redpoll.cluster.slot_sets import SLOT_COUNT


@dataclass
class Balance:
    """The options of `rebalance`.  `weights` are as typed: NODE=WEIGHT."""

    weights: list[str]
    use_empty: bool = False
    threshold: float = 2.0
    simulate: bool = False


def reshard(cluster: Cluster, sources: str, target: str, count: int, manner: Manner, yes: bool) -> None:
    """Move `count` slots from the sources to the target; asks for what is empty or 0.  Raises Refusal."""
    check_order(cluster)
    if not count:
        count = typed_count(asked(f"How many slots shall move, 1 to {SLOT_COUNT}? ", "--slots COUNT"))
    if not target:
        say_primaries(cluster)
    receiver = cluster.primary(target or asked("Which node receives them (its id)? ", "--to NODE"))
    if not sources:
        sources = asked("From which nodes (ids with commas between, or all)? ", "--from NODES, or --from all")
    givers = chosen(cluster, sources, receiver)
    moves = plan_reshard(slots_of(givers), count, receiver.id)
    show_moves(cluster, moves)
    agreed(f"Move {plural(len(moves), 'slot')}?", yes)
    keys = move_all(cluster, moves, manner, "moving")
    cluster.wait_until_agreed()
    say(f"[OK] {plural(len(moves), 'slot')} with {plural(keys, 'key')} moved to {receiver.address}")


def check_order(cluster: Cluster) -> None:
    """Raises Refusal if the cluster has to be mended before slots can move."""
    found = cluster.examine()
    if not found.agree or found.troubled:
        raise Refusal(
            "the cluster is not in order, so no slot moves. "
            f"redpoll cluster check {cluster.nodes[0].address} shows why, redpoll cluster fix mends it"
        )
    if primaries := [line for line in found.unreachable if line.is_primary]:
        raise Refusal(f"the primary {primaries[0].address} cannot be reached, so no slot moves")


def typed_count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= SLOT_COUNT:
        raise Refusal(f"'{text}' is not a count of slots: write a number from 1 to {SLOT_COUNT}")
    return int(text)


def say_primaries(cluster: Cluster) -> None:
    for node in cluster.primaries:
        say(f"  {node.id}  {node.address}  {plural(node.me.slots.bit_count(), 'slot')}")


def chosen(cluster: Cluster, sources: str, receiver: Node) -> list[Node]:
    """The nodes that give slots.  Raises Refusal."""
    if sources.strip().lower() == "all":
        givers = [node for node in cluster.primaries if node is not receiver]
    else:
        givers = [cluster.primary(name) for name in sources.replace(",", " ").split() if name != "done"]
    if receiver in givers:
        raise Refusal(f"{receiver.address} cannot both give and receive: leave it out of --from")
    if not any(node.me.slots for node in givers):
        raise Refusal("the nodes of --from have no slots")
    return givers


def show_moves(cluster: Cluster, moves: list[Move]) -> None:
    """One line for each pair of nodes between which slots move."""
    pairs = Counter((move.source, move.target) for move in moves)
    rows = [
        [f"  {cluster.by_id(source).address}", "->", str(cluster.by_id(target).address), plural(count, "slot")]
        for (source, target), count in pairs.items()
    ]
    if rows:
        for line in table(rows, right=(3,)):
            say(line)


def rebalance(cluster: Cluster, balance: Balance, manner: Manner) -> None:
    """Give each primary its share of the slots; without a question, as the reference does.  Raises Refusal."""
    check_order(cluster)
    weights = {node.id: 1.0 for node in cluster.primaries if node.me.slots or balance.use_empty}
    for word in balance.weights:
        name, _, weight = word.rpartition("=")
        weights[cluster.primary(name).id] = typed_weight(word, weight)
    moves = plan_rebalance(slots_of(cluster.primaries), weights, balance.threshold)
    if not moves:
        say(f"[OK] Nothing to move: all nodes are within {balance.threshold:g} % of their share.")
        return
    show_moves(cluster, moves)
    if balance.simulate:
        say(f"{plural(len(moves), 'slot')} would move; nothing was changed (--simulate)")
        return
    keys = move_all(cluster, moves, manner, "rebalancing")
    cluster.wait_until_agreed()
    say(f"[OK] {plural(len(moves), 'slot')} with {plural(keys, 'key')} moved")


def typed_weight(word: str, weight: str) -> float:
    try:
        value = float(weight)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise Refusal(f"'{word}' is not a weight: write NODE=NUMBER, as in 127.0.0.1:7000=1.5; 0 empties the node")
    return value
