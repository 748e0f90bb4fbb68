"""Which slots `reshard` and `rebalance` move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.cli.cluster.allocation import split_slots
from redpoll.cli.cluster.moves import Move, plan_rebalance, plan_reshard, shares
from redpoll.cli.cluster.words import Refusal
from redpoll.cluster.slot_sets import ALL_SLOTS, SLOT_COUNT, one, span


def after(owned: dict[str, int], moves: list[Move]) -> dict[str, int]:
    """The owners after the moves, each of which must be possible."""
    found = dict(owned)
    for slot, source, target in moves:
        assert found[source] & one(slot)
        found[source] &= ~one(slot)
        found[target] |= one(slot)
    return found


@st.composite
def owners(draw: st.DrawFn) -> dict[str, int]:
    """All slots, divided anyhow among some nodes, of which some have none."""
    names = [f"n{n}" for n in range(draw(st.integers(2, 6)))]
    cuts = sorted(draw(st.lists(st.integers(0, SLOT_COUNT), min_size=len(names) - 1, max_size=len(names) - 1)))
    edges = [0, *cuts, SLOT_COUNT]
    return {name: span(low, high - 1) for name, low, high in zip(names, edges, edges[1:], strict=False)}


weight = st.one_of(st.just(0.0), st.floats(0.01, 100))


@given(st.integers(0, SLOT_COUNT), st.lists(weight, min_size=1, max_size=8).filter(any))
def test_shares_add_up_and_are_near_the_exact_ones(total: int, weights: list[float]) -> None:
    named = {f"n{n}": weight for n, weight in enumerate(weights)}
    parts = shares(total, named)
    assert sum(parts.values()) == total
    assert all(abs(parts[name] - total * named[name] / sum(weights)) < 1.000001 for name in named)


@given(owners(), st.integers(0, SLOT_COUNT))
def test_a_reshard_takes_from_each_in_proportion(owned: dict[str, int], count: int) -> None:
    there = SLOT_COUNT - owned["n0"].bit_count()
    if count > there:
        with pytest.raises(Refusal, match=f"{there} slots together"):
            plan_reshard(owned, count, "n0")
        return
    moves = plan_reshard(owned, count, "n0")
    assert len(moves) == count
    found = after(owned, moves)
    assert found["n0"].bit_count() == owned["n0"].bit_count() + count
    for name in owned:
        if name != "n0":
            given_up = owned[name].bit_count() - found[name].bit_count()
            assert abs(given_up - count * owned[name].bit_count() / max(1, there)) < 1.000001


@given(owners(), st.data())
def test_a_rebalance_gives_each_its_share_with_the_fewest_moves(owned: dict[str, int], data: st.DataObject) -> None:
    weights = {name: data.draw(weight) for name in owned}
    if not any(weights.values()):
        with pytest.raises(Refusal, match="all weights are 0"):
            plan_rebalance(owned, weights, 2)
        return
    moves = plan_rebalance(owned, weights, 0)
    found = after(owned, moves)
    aims = shares(SLOT_COUNT, weights)
    if moves:
        assert {name: slots.bit_count() for name, slots in found.items()} == aims
        assert len({move.slot for move in moves}) == len(moves)
        assert not {move.source for move in moves} & {move.target for move in moves}
    else:
        assert all(abs(found[name].bit_count() - aims[name]) <= 1 for name in owned)
    assert plan_rebalance(found, weights, 0) == []


def test_the_threshold_leaves_small_differences_alone() -> None:
    owned = {"a": span(0, 5500), "b": span(5501, 10922), "c": span(10923, 16383)}
    weights = dict.fromkeys(owned, 1.0)
    assert plan_rebalance(owned, weights, 2) == []
    assert len(plan_rebalance(owned, weights, 0.5)) == 39


def test_nodes_that_do_not_take_part_keep_their_slots() -> None:
    first, second, third = split_slots(3)
    owned = {"a": first | second, "b": 0, "c": third}
    moves = plan_rebalance(owned, {"a": 1.0, "b": 1.0}, 2)
    found = after(owned, moves)
    assert found["c"] == third
    assert abs(found["a"].bit_count() - found["b"].bit_count()) <= 1
    assert found["a"] | found["b"] | found["c"] == ALL_SLOTS


def test_a_weight_of_0_empties_a_node() -> None:
    owned = dict(zip("abc", split_slots(3), strict=True))
    found = after(owned, plan_rebalance(owned, {"a": 0.0, "b": 1.0, "c": 1.0}, 2))
    assert [slots.bit_count() for slots in found.values()] == [0, 8192, 8192]


def test_an_empty_node_gets_its_share_whatever_the_threshold() -> None:
    owned = {"a": ALL_SLOTS, "b": 0}
    assert len(plan_rebalance(owned, {"a": 1.0, "b": 1.0}, 1000)) == SLOT_COUNT // 2
    # With a share of one slot, too.
    assert len(plan_rebalance(owned, {"a": SLOT_COUNT - 1.0, "b": 1.0}, 2)) == 1


def test_rounding_moves_nothing() -> None:
    """16384 slots on three nodes leave one slot over: any of them may have it."""
    owned = {"a": span(0, 5460), "b": span(5461, 10921), "c": span(10922, SLOT_COUNT - 1)}
    assert plan_rebalance(owned, dict.fromkeys(owned, 1.0), 0) == []
