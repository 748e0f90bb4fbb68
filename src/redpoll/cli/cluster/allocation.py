"""The layout of a new cluster: the primaries, their slots, and their replicas.

Nodes on one host may fail together.  So the primaries are spread over the hosts, and a replica is placed on another
host than its primary and its siblings, as far as the hosts allow.
"""

from __future__ import annotations

from dataclasses import dataclass

from redpoll.cli.cluster.words import Address, Refusal, plural
from redpoll.cluster.slot_sets import SLOT_COUNT, span

FEWEST_PRIMARIES = 3
WITH_PRIMARY = 10_000
"""The cost of a replica on its primary's host.  Two replicas of one primary on one host cost 1."""


@dataclass
class Layout:
    """A planned cluster.  `shards[n]` has the primary of `slots[n]`, then its replicas."""

    shards: list[list[Address]]
    slots: list[int]

    def crowded(self) -> list[tuple[Address, Address]]:
        """The replicas on the host of their primary, each with the primary."""
        return [(replica, shard[0]) for shard in self.shards for replica in shard[1:] if replica.host == shard[0].host]


def primaries_of(nodes: int, replicas: int) -> int:
    """The count of primaries among `nodes` nodes.  Raises Refusal if it is too low for a cluster."""
    primaries = nodes // (replicas + 1)
    if primaries < FEWEST_PRIMARIES:
        raise Refusal(
            f"a cluster needs at least {FEWEST_PRIMARIES} primaries, so that a majority can elect a new one: "
            f"{plural(nodes, 'node')} with {plural(replicas, 'replica')} for each primary make {primaries}. "
            f"Use at least {FEWEST_PRIMARIES * (replicas + 1)} nodes, or fewer replicas"
        )
    return primaries


def split_slots(count: int) -> list[int]:
    """All slots as `count` consecutive sets, whose sizes differ by one at most."""
    ends = [round((n + 1) * SLOT_COUNT / count) for n in range(count)]
    return [span(first, end - 1) for first, end in zip([0, *ends[:-1]], ends, strict=True)]


def interleaved(nodes: list[Address]) -> list[Address]:
    """The nodes with the hosts taking turns, in the order of their first node."""
    by_host: dict[str, list[Address]] = {}
    for node in nodes:
        by_host.setdefault(node.host, []).append(node)
    longest = max(len(group) for group in by_host.values())
    return [group[turn] for turn in range(longest) for group in by_host.values() if turn < len(group)]


def plan_layout(nodes: list[Address], replicas: int) -> Layout:
    """Plan a cluster of these nodes with at least `replicas` replicas for each primary.  Raises Refusal.

    Nodes that are left over become further replicas.  O(nodes^3) for the placing of replicas.
    """
    count = primaries_of(len(nodes), replicas)
    order = interleaved(nodes)
    primaries, rest = order[:count], order[count:]
    places = [n % count for n in range(len(rest))]
    return Layout(grouped(primaries, spread(primaries, rest, places)), split_slots(count))


def grouped(primaries: list[Address], replicas: list[list[Address]]) -> list[list[Address]]:
    return [[primary, *group] for primary, group in zip(primaries, replicas, strict=True)]


def spread(primaries: list[Address], rest: list[Address], places: list[int]) -> list[list[Address]]:
    """Assign each of `rest` to a primary, so that few nodes of a shard share a host.

    `places` has the index of each primary as often as the primary gets a replica.
    """
    wanted = [places.count(n) for n in range(len(primaries))]
    groups: list[list[Address]] = [[] for _ in primaries]
    for node in rest:
        open_groups = [n for n in range(len(primaries)) if len(groups[n]) < wanted[n]]
        best = min(open_groups, key=lambda n: (cost(primaries[n], [*groups[n], node]), len(groups[n]), n))
        groups[best].append(node)
    while swap_once(primaries, groups):
        pass
    return groups


def cost(primary: Address, group: list[Address]) -> int:
    """How badly a group is placed; 0 if no two nodes of the shard share a host."""
    hosts = [node.host for node in group]
    return WITH_PRIMARY * hosts.count(primary.host) + len(hosts) - len(set(hosts))


def swap_once(primaries: list[Address], groups: list[list[Address]]) -> bool:
    """Swap two replicas if that lowers the cost.  Each swap lowers it, so repeated calls come to an end.

    Then no arrangement has fewer replicas beside their primary: such a replica could be swapped with any of another
    host in a shard of another host, and if there is none, those shards are full of this host's.  Siblings are spread as
    far as swaps of two do it.
    """
    for one in range(len(groups)):
        for other in range(one + 1, len(groups)):
            for mine in range(len(groups[one])):
                for theirs in range(len(groups[other])):
                    left, right = list(groups[one]), list(groups[other])
                    left[mine], right[theirs] = right[theirs], left[mine]
                    before = cost(primaries[one], groups[one]) + cost(primaries[other], groups[other])
                    if cost(primaries[one], left) + cost(primaries[other], right) < before:
                        groups[one], groups[other] = left, right
                        return True
    return False
