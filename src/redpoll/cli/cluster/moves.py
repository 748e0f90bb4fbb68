"""Which slots move where, for `reshard` and `rebalance`."""

from __future__ import annotations

from typing import NamedTuple

from redpoll.cli.cluster.words import Refusal
from redpoll.cluster.slot_sets import members


class Move(NamedTuple):
    slot: int
    source: str
    target: str


def shares(total: int, weights: dict[str, float]) -> dict[str, int]:
    """Divide `total` in the ratio of the weights; the parts add up to `total`.

    The largest remainders are rounded up, so each part differs from its exact share by less than one.
    """
    whole = sum(weights.values())
    exact = {name: total * weight / whole for name, weight in weights.items()}
    parts = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (parts[name] - exact[name], name))
    for name in by_remainder[: total - sum(parts.values())]:
        parts[name] += 1
    return parts


def plan_reshard(owned: dict[str, int], count: int, target: str) -> list[Move]:
    """Take `count` slots from the sources, from each in proportion to what it has.  Raises Refusal.

    `owned` has the slots of each source by its id.
    """
    sources = {name: slots for name, slots in owned.items() if slots and name != target}
    there = sum(slots.bit_count() for slots in sources.values())
    if count > there:
        raise Refusal(f"the source nodes have {there} slots together, so {count} cannot be moved: lower --slots")
    if not count:
        return []
    taken = shares(count, {name: slots.bit_count() for name, slots in sources.items()})
    return [Move(slot, name, target) for name, slots in sources.items() for slot in members(slots)[: taken[name]]]


def plan_rebalance(owned: dict[str, int], weights: dict[str, float], threshold: float) -> list[Move]:
    """Moves after which each primary has its share of the slots; none if all are within the threshold already.

    `weights` has the nodes that take part; a weight of 0 empties a node.  `threshold` is in percent of a node's share.
    Raises Refusal if all weights are 0.
    """
    if not any(weights.values()):
        raise Refusal("all weights are 0, so no node could have the slots: give one node a weight above 0")
    total = sum(owned[name].bit_count() for name in weights)
    aims = shares(total, weights)
    if not any(is_beyond(owned[name].bit_count(), aims[name], threshold) for name in weights):
        return []
    surplus = {name: members(owned[name])[aims[name] :] for name in sorted(weights)}
    moves = []
    givers = [(slot, name) for name, slots in surplus.items() for slot in slots]
    for name in sorted(weights):
        for _ in range(aims[name] - owned[name].bit_count()):
            slot, source = givers.pop(0)
            moves.append(Move(slot, source, name))
    return moves


def is_beyond(count: int, aim: int, threshold: float) -> bool:
    """Whether a count of slots differs from its aim by more than the threshold, and by more than the rounding."""
    if aim == 0:
        return count > 0
    return (abs(count - aim) > 1 and 100 * abs(count - aim) / aim > threshold) or count == 0
