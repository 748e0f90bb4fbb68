"""What the manager finds wrong in the views of nodes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from redpoll.cli.cluster.findings import Open, examine
from redpoll.cli.cluster.view import Line, View
from redpoll.cli.cluster.words import Address
from redpoll.cluster.slot_sets import ALL_SLOTS, one, span

PRIMARY = frozenset({"master"})


def line(name: str, slots: int, flags: frozenset[str] = PRIMARY) -> Line:
    return Line(name, Address("h", ord(name)), flags=flags, slots=slots)


def views(*lines: Line) -> list[View]:
    """Views of nodes that agree."""
    return [View(mine, {each.id: each for each in lines}) for mine in lines]


WHOLE = (line("a", span(0, 8000)), line("b", span(8001, 16383)))


def test_a_healthy_cluster_has_no_fault() -> None:
    replica = Line("r", Address("h", 9), flags=frozenset({"slave"}), primary="a")
    found = examine(views(*WHOLE, replica), [])
    assert found.is_whole
    assert found.agree
    assert found.troubled == set()


def test_a_node_that_disagrees() -> None:
    seen = views(*WHOLE, line("c", 0))
    seen[2] = View(seen[2].me, {**seen[2].lines, "a": line("a", span(0, 7999))})
    assert examine(seen, []).disagreeing == ["c"]


def test_open_slots() -> None:
    a = replace(WHOLE[0], migrating={5: "b"})
    b = replace(WHOLE[1], importing={5: "a", 7: "a"})
    found = examine(views(a, b), [])
    assert found.open == {5: Open({"a": "b"}, {"b": "a"}), 7: Open({}, {"b": "a"})}
    assert not found.is_whole


def test_slots_without_an_owner_and_of_an_owner_out_of_reach() -> None:
    found = examine(views(line("a", span(0, 99))), [line("b", span(100, 199))])
    assert found.uncovered == ALL_SLOTS & ~span(0, 99)
    assert found.lost == span(100, 199)
    assert not found.is_whole
    # It has been taken over: nothing is lost.
    assert examine(views(*WHOLE), [line("c", span(100, 199))]).lost == 0


def test_a_node_that_others_have_given_up() -> None:
    seen = views(*WHOLE)
    seen[0] = View(seen[0].me, {**seen[0].lines, "b": line("b", WHOLE[1].slots, frozenset({"master", "fail"}))})
    assert [each.id for each in examine(seen, []).failing] == ["b"]
    # A node out of reach is a fault of its own.
    gone = line("b", WHOLE[1].slots)
    assert examine(seen[:1], [gone]).failing == []
    # A suspicion of one node is none.
    seen[0] = View(seen[0].me, {**seen[0].lines, "b": line("b", WHOLE[1].slots, frozenset({"master", "fail?"}))})
    assert examine(seen, []).failing == []


@given(st.lists(st.integers(0, ALL_SLOTS), min_size=1, max_size=4))
def test_covered_and_repeated_are_those_of_a_plain_count(sets: list[int]) -> None:
    found = examine(views(*[line(chr(97 + n), slots) for n, slots in enumerate(sets)]), [])
    for slot in range(0, 16384, 397):
        owners = [chr(97 + n) for n, slots in enumerate(sets) if slots & one(slot)]
        assert bool(found.uncovered & one(slot)) == (not owners)
        assert found.repeated.get(slot, owners[:1]) == owners
        assert (slot in found.repeated) == (len(owners) > 1)
