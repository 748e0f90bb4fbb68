"""Inner nodes of the B+tree: bounds, counts, splitting and joining, one node at a time."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.structures.btree_node import (
    HEAD,
    NODE_BYTES,
    SLOT_BYTES,
    TAIL,
    Node,
    add_leaves,
    allocated,
    check_node,
    child_of,
    child_of_score,
    copied_node,
    delete_slot,
    delete_slots,
    edge_node,
    edges_at,
    entries_before,
    in_bounds,
    insert_bound,
    join_node,
    node_bytes,
    slots_bytes,
    split_node,
)
from redpoll.structures.ranked import Span, record

Entry = tuple[float, bytes]
scores = st.sampled_from([-1.0, 0.0, 1.0, 2.0])
members = st.sampled_from([b"", b"a", b"ab", b"b"])
bounds = st.lists(st.tuples(scores, members), min_size=1, max_size=8, unique=True).map(sorted)


def node_of(found: list[Entry]) -> Node:
    """A node of level 1 whose children hold one entry each, which is also their bound."""
    node = Node(1)
    for index, (score, member) in enumerate(found):
        insert_bound(node, index, score, member, 1)
        node.leaves.append(record(score, member))
    return node


def above(*children: Node) -> Node:
    """A node over others."""
    node = Node(children[0].level + 1)
    for index, child in enumerate(children):
        insert_bound(node, index, child.scores[0], child.members[0], entries_before(child, len(child.counts)))
        node.nodes.append(child)
    return node


FOUR = [(1.0, b"a"), (1.0, b"b"), (2.0, b""), (3.0, b"c")]


@given(bounds, scores, members)
def test_the_child_of_an_entry_is_the_last_whose_bound_is_not_after_it(
    found: list[Entry], score: float, member: bytes
) -> None:
    node = node_of(found)
    expected = max([0, *(index for index, bound in enumerate(found) if index > 0 and bound <= (score, member))])
    assert child_of(node, score, member) == expected
    for index in range(len(found)):
        assert in_bounds(node, index, score, member) == (index == expected)


@given(bounds, scores)
def test_the_children_where_a_score_begins_and_ends(found: list[Entry], score: float) -> None:
    node = node_of(found)
    assert child_of_score(node, score, False) == max(
        [0, *(n for n, bound in enumerate(found) if n > 0 and bound[0] < score)]
    )
    assert child_of_score(node, score, True) == max(
        [0, *(n for n, bound in enumerate(found) if n > 0 and bound[0] <= score)]
    )


@pytest.mark.parametrize("index", range(5))
def test_a_slot_opens_anywhere_and_closes_again(index: int) -> None:
    node = node_of(FOUR)
    insert_bound(node, index, 9.0, b"new", 7)
    node.leaves.insert(index, b"")
    expected = [*FOUR[:index], (9.0, b"new"), *FOUR[index:]]
    assert list(zip(node.scores, node.members, strict=True)) == expected
    assert list(node.counts) == [7 if n == index else 1 for n in range(5)]
    delete_slot(node, index)
    assert list(zip(node.scores, node.members, strict=True)) == FOUR
    assert (list(node.counts), node.leaves) == ([1] * 4, [record(*entry) for entry in FOUR])


def test_a_slot_of_a_higher_node_closes_with_its_child() -> None:
    low, high = node_of(FOUR[:2]), node_of(FOUR[2:])
    node = above(low, high)
    delete_slot(node, 0)
    assert (node.nodes, list(node.counts)) == ([high], [2])


def test_entries_before_a_child_are_the_sum_of_the_counts() -> None:
    node = above(node_of(FOUR[:3]), node_of(FOUR[3:]))
    assert [entries_before(node, index) for index in range(3)] == [0, 3, 4]


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_split_node_and_its_right_half_join_to_the_same(at: int) -> None:
    for level in (1, 2):
        node = node_of(FOUR) if level == 1 else above(*(node_of([entry]) for entry in FOUR))
        before = copied_node(node)
        right = split_node(node, at)
        assert (right.level, len(node.counts), len(right.counts)) == (level, at, 4 - at)
        assert [*node.scores, *right.scores] == list(before.scores)
        assert [*node.members, *right.members] == before.members
        assert len(node.leaves) + len(node.nodes) == at
        join_node(node, right)
        assert (list(node.scores), list(node.counts), node.members) == (
            list(before.scores),
            list(before.counts),
            before.members,
        )
        assert collected(node) == collected(before)
        assert check_node(node, 4, 100, None, None, bytes)[0] == 4


def collected(node: Node) -> list[bytes]:
    span = Span()
    add_leaves(node, 0, entries_before(node, len(node.counts)), span)
    return span.blobs


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0, 3), (1, 3), (1, 4), (2, 2), (3, 4)])
@pytest.mark.parametrize("level", [1, 2])
def test_some_slots_go_with_their_children_and_their_memory(level: int, start: int, stop: int) -> None:
    node = node_of(FOUR) if level == 1 else above(*(node_of([entry]) for entry in FOUR))
    before = total_bytes(node)
    freed = slots_bytes(node, start, stop)
    delete_slots(node, start, stop)
    left = FOUR[:start] + FOUR[stop:]
    assert collected(node) == [record(*entry) for entry in left]
    assert (len(node.scores), len(node.members), list(node.counts)) == (len(left), len(left), [1] * len(left))
    assert before - total_bytes(node) == freed


def total_bytes(node: Node) -> int:
    return node_bytes(node) + sum(total_bytes(child) for child in node.nodes)


def test_leaves_are_added_from_where_a_range_begins_to_where_it_ends() -> None:
    one, other = record(1.0, b"a") + record(2.0, b"b"), record(3.0, b"c") + record(4.0, b"d")
    node = Node(1)
    insert_bound(node, 0, 0.0, b"", 2)
    insert_bound(node, 1, 3.0, b"", 2)
    node.leaves.extend([one, other])
    tree = above(node, node_of([(9.0, b"z")]))
    for start, stop in itertools.combinations(range(6), 2):
        span = Span()
        add_leaves(tree, start, stop, span)
        found: list[bytes] = []
        span.members(found)
        assert found == [b"a", b"b", b"c", b"d", b"z"][start:stop]
        assert all(span.blobs)


def test_edges_are_the_outermost_nodes() -> None:
    first, middle, last = node_of(FOUR[:1]), node_of(FOUR[1:3]), node_of(FOUR[3:])
    tree = above(above(first, middle), above(last))
    assert edge_node(tree, 0) is first
    assert edge_node(tree, -1) is last
    assert edge_node(first, 0) is first
    assert [edges_at(n, 3) for n in range(3)] == [HEAD, 0, TAIL]
    assert edges_at(0, 1) == HEAD | TAIL


def test_a_copy_goes_its_own_way_at_every_level() -> None:
    tree = above(node_of(FOUR[:2]), node_of(FOUR[2:]))
    made = copied_node(tree)
    delete_slot(made.nodes[0], 0)
    made.counts[0] = 1
    insert_bound(made, 1, 1.5, b"", 0)
    assert check_node(tree, 4, 100, None, None, bytes)[0] == 4
    assert collected(tree) == [record(*entry) for entry in FOUR]


def test_memory_is_that_of_the_node_and_of_its_leaves() -> None:
    assert [allocated(bytes(size)) for size in (0, 1, 15, 16, 31, 32)] == [0, 48, 48, 64, 64, 80]
    node = node_of(FOUR)
    of_members = sum(allocated(member) for _, member in FOUR)
    of_leaves = sum(allocated(record(*entry)) for entry in FOUR)
    assert node_bytes(node) == NODE_BYTES + 4 * SLOT_BYTES + of_members + of_leaves
    tree = above(node, node_of([(9.0, b"")]))
    _, memory = check_node(tree, 4, 100, None, None, bytes)
    assert memory == node_bytes(tree) + node_bytes(tree.nodes[0]) + node_bytes(tree.nodes[1])


def damaged(how: str) -> Node:
    tree = above(node_of(FOUR[:2]), node_of(FOUR[2:]))
    low = tree.nodes[0]
    if how == "a count":
        low.counts[0] = 2
    elif how == "a leaf too many":
        low.leaves.append(b"")
    elif how == "a bound too high":
        low.scores[1] = 1.5
    elif how == "a bound too low":
        low.members[1] = b"a"
    elif how == "an entry before the lower bound":
        tree.scores[1] = 2.5
    elif how == "an entry behind the upper bound":
        tree.members[1] = b""
        tree.scores[1] = 1.0
    elif how == "a leaf out of order":
        low.leaves[0] = record(1.0, b"a") + record(0.0, b"a")
        low.counts[0] = 2
        tree.counts[0] = 3
    else:
        assert how == "a level"
        low.level = 3
    return tree


@pytest.mark.parametrize(
    "how",
    [
        "a count", "a leaf too many", "a bound too high", "a bound too low", "an entry before the lower bound",
        "an entry behind the upper bound", "a leaf out of order", "a level",
    ],
)  # fmt: skip
def test_damage_is_seen(how: str) -> None:
    with pytest.raises((AssertionError, IndexError)):
        check_node(damaged(how), 4, 100, None, None, bytes)


def test_limits_are_checked() -> None:
    node = node_of(FOUR)
    for fanout, leaf_bytes, low, high in (
        (3, 100, None, None), (4, 100, (1.0, b"aa"), None), (4, 100, None, (3.0, b"c")),
    ):  # fmt: skip
        with pytest.raises(AssertionError):
            check_node(node, fanout, leaf_bytes, low, high, bytes)
    assert check_node(node, 4, 1, (1.0, b"a"), (3.0, b"d"), bytes)[0] == 4
    wide = Node(1)
    insert_bound(wide, 0, 0.0, b"", 4)
    wide.leaves.append(b"".join(record(*entry) for entry in FOUR))
    assert check_node(wide, 4, len(wide.leaves[0]), None, None, bytes)[0] == 4
    with pytest.raises(AssertionError):
        check_node(wide, 4, len(wide.leaves[0]) - 1, None, None, bytes)
