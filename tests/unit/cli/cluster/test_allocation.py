"""Layouts of new clusters: even slots, primaries on many hosts, replicas away from their primaries."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.cli.cluster.allocation import WITH_PRIMARY, cost, interleaved, plan_layout, split_slots
from redpoll.cli.cluster.words import Address, Refusal, slots_text
from redpoll.cluster.slot_sets import ALL_SLOTS, ranges


def nodes(*counts: int) -> list[Address]:
    """So many nodes on each of as many hosts."""
    return [Address(f"h{host}", 7000 + n) for host, count in enumerate(counts) for n in range(count)]


def test_three_primaries_have_the_slots_that_everybody_knows() -> None:
    assert [slots_text(slots) for slots in split_slots(3)] == ["0-5460", "5461-10922", "10923-16383"]


@given(st.integers(1, 1000))
def test_slots_are_divided_evenly(count: int) -> None:
    parts = split_slots(count)
    sizes = [part.bit_count() for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert sum(sizes) == ALL_SLOTS.bit_count()
    assert all(len(ranges(part)) == 1 for part in parts)
    together = 0
    for part in parts:
        together |= part
    assert together == ALL_SLOTS


def test_hosts_take_turns() -> None:
    assert [str(node) for node in interleaved(nodes(2, 1, 2))] == [
        "h0:7000",
        "h1:7000",
        "h2:7000",
        "h0:7001",
        "h2:7001",
    ]


@pytest.mark.parametrize(("count", "replicas", "least"), [(2, 0, 3), (5, 1, 6), (8, 2, 9)])
def test_too_few_nodes_are_refused_with_the_number_that_is_needed(count: int, replicas: int, least: int) -> None:
    with pytest.raises(Refusal, match=f"at least {least} nodes"):
        plan_layout(nodes(count), replicas)


def test_two_nodes_on_each_of_three_machines() -> None:
    layout = plan_layout(nodes(2, 2, 2), 1)
    assert sorted(shard[0].host for shard in layout.shards) == ["h0", "h1", "h2"]
    assert layout.crowded() == []


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 3))
def test_every_node_has_one_place(counts: list[int], replicas: int) -> None:
    given_nodes = nodes(*counts)
    primaries = len(given_nodes) // (replicas + 1)
    if primaries < 3:
        return
    layout = plan_layout(given_nodes, replicas)
    assert sorted(itertools.chain(*layout.shards)) == sorted(given_nodes)
    assert len(layout.shards) == len(layout.slots) == primaries
    sizes = [len(shard) - 1 for shard in layout.shards]
    assert min(sizes) >= replicas
    assert max(sizes) - min(sizes) <= 1
    # No host has two primaries while another has a node and none.
    hosts = [shard[0].host for shard in layout.shards]
    if max(hosts.count(host) for host in hosts) > 1:
        assert set(hosts) == {node.host for node in given_nodes}


@given(st.integers(2, 5), st.integers(1, 3), st.integers(1, 2))
def test_even_hosts_need_no_replica_beside_its_primary(hosts: int, each: int, replicas: int) -> None:
    given_nodes = nodes(*[each * (replicas + 1)] * hosts)
    if hosts * each < 3:
        return
    assert plan_layout(given_nodes, replicas).crowded() == []


@given(st.lists(st.integers(1, 3), min_size=2, max_size=4))
def test_no_order_of_replicas_has_fewer_beside_their_primary(counts: list[int]) -> None:
    given_nodes = nodes(*counts)
    if not 6 <= len(given_nodes) <= 8:
        return
    layout = plan_layout(given_nodes, 1)
    sizes = [len(shard) - 1 for shard in layout.shards]
    ends = list(itertools.accumulate(sizes))
    replicas = [node for shard in layout.shards for node in shard[1:]]

    def beside(order: tuple[Address, ...] | list[Address]) -> int:
        groups = [list(order[end - size : end]) for end, size in zip(ends, sizes, strict=True)]
        return sum(cost(shard[0], group) // WITH_PRIMARY for shard, group in zip(layout.shards, groups, strict=True))

    assert len(layout.crowded()) == beside(replicas) == min(beside(order) for order in itertools.permutations(replicas))
