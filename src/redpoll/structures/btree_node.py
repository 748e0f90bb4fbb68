"""Inner nodes of the counted B+tree (`btree.py`), and operations on a single node.

A node keeps columns, one slot a child:

    scores, members    the child's *bound*: all that is before it in the node is below, all that is in it is not
    counts             the number of entries below the child; a rank is a sum of counts on the way down
    leaves or nodes    the children, of which one kind is used, by the node's level

The bound of slot 0 is not used: a node's first child takes everything that its parent sends down.  A bound need not be
an entry.  Therefore removals do not change it, and it is as short as possible: if two neighbours differ in score, its
member is empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from librt.vecs import append, extend, pop, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures import ranked
from redpoll.structures.ranked import Span, in_order, is_before, last_record, member_at, score_of, skip

HEAD: Final[i64] = 1
TAIL: Final[i64] = 2
"""Edges of the tree: a descent keeps the bit as long as it takes the first (the last) child."""

NODE_BYTES: Final[i64] = 352
SLOT_BYTES: Final[i64] = 40
"""From the sizes of the objects: a node without its slots, and a slot with the columns' usual slack."""


def allocated(data: bytes) -> i64:
    """The bytes that the allocator reserves for `data`.  The empty `bytes` is shared and counts 0."""
    size: i64 = len(data)
    if size == 0:
        return 0
    return (size + 33 + 15) & ~15


@mypyc_attr(acyclic=True)
class Node:
    """An inner node: columns with one slot a child.  At level 1 the children are leaves, above it nodes."""

    def __init__(self, level: i64) -> None:
        self.level: i64 = level
        self.scores: vec[float] = vec[float](capacity=7)
        self.counts: vec[i64] = vec[i64](capacity=7)
        self.members: list[bytes] = []
        self.leaves: list[bytes] = [] if level == 1 else _NO_LEAVES
        self.nodes: list[Node] = _NO_NODES if level == 1 else []


def copied_node(node: Node) -> Node:
    """A copy of a node: it shares the leaves and copies the nodes below.  Recurses as deep as the tree is high."""
    made = Node(node.level)
    made.scores = extend(vec[float](capacity=len(node.scores)), node.scores)
    made.counts = extend(vec[i64](capacity=len(node.counts)), node.counts)
    made.members = node.members.copy()
    if node.level == 1:
        made.leaves = node.leaves.copy()
    else:
        made.nodes = [copied_node(child) for child in node.nodes]
    return made


_NO_LEAVES: Final[list[bytes]] = []
_NO_NODES: Final[list[Node]] = []


def child_of(node: Node, score: float, member: bytes) -> i64:
    """Index of the child in whose bounds (score, member) lies.  O(log fanout)."""
    scores = node.scores
    low: i64 = 1
    high: i64 = len(scores)
    while low < high:
        mid = (low + high) >> 1
        bound = scores[mid]
        if bound < score:
            low = mid + 1
        elif bound > score or is_before(member, node.members[mid]):
            high = mid
        else:
            low = mid + 1
    return low - 1


def child_of_score(node: Node, score: float, after: bool) -> i64:
    """Index of the child where the entries of `score` begin; with `after`, where they end.  O(log fanout)."""
    scores = node.scores
    low: i64 = 1
    high: i64 = len(scores)
    while low < high:
        mid = (low + high) >> 1
        bound = scores[mid]
        if bound < score or (bound == score and after):
            low = mid + 1
        else:
            high = mid
    return low - 1


def in_bounds(node: Node, index: i64, score: float, member: bytes) -> bool:
    """Whether (score, member) lies in the bounds of child `index`, as far as this node knows them."""
    scores = node.scores
    if index > 0:
        bound = scores[index]
        if score < bound or (score == bound and is_before(member, node.members[index])):
            return False
    index += 1
    if index < len(scores):
        bound = scores[index]
        if score > bound or (score == bound and not is_before(member, node.members[index])):
            return False
    return True


def insert_bound(node: Node, index: i64, score: float, member: bytes, count: i64) -> None:
    """Open slot `index` in the columns of bounds and counts; the caller adds the child."""
    scores = append(node.scores, score)
    counts = append(node.counts, count)
    k: i64 = len(scores) - 1
    while k > index:
        scores[k] = scores[k - 1]
        counts[k] = counts[k - 1]
        k -= 1
    scores[index] = score
    counts[index] = count
    node.scores = scores
    node.counts = counts
    node.members.insert(index, member)


def delete_slot(node: Node, index: i64) -> None:
    """Drop child `index` and its slot."""
    node.scores, _ = pop(node.scores, index)
    node.counts, _ = pop(node.counts, index)
    del node.members[index]
    if node.level == 1:
        del node.leaves[index]
    else:
        del node.nodes[index]


def delete_slots(node: Node, start: i64, stop: i64) -> None:
    """Drop the children from `start` to before `stop` and their slots.  O(fanout)."""
    node.scores = _without(node.scores, start, stop)
    counts = vec[i64](capacity=len(node.counts))
    k: i64 = 0
    while k < len(node.counts):
        if k < start or k >= stop:
            counts = append(counts, node.counts[k])
        k += 1
    node.counts = counts
    del node.members[start:stop]
    if node.level == 1:
        del node.leaves[start:stop]
    else:
        del node.nodes[start:stop]


def _without(scores: vec[float], start: i64, stop: i64) -> vec[float]:
    kept = vec[float](capacity=len(scores))
    k: i64 = 0
    while k < len(scores):
        if k < start or k >= stop:
            kept = append(kept, scores[k])
        k += 1
    return kept


def slots_bytes(node: Node, start: i64, stop: i64) -> i64:
    """Memory of the children from `start` to before `stop`, of all that is below them, and of their slots.

    O(leaves).
    """
    total: i64 = 0
    while start < stop:
        total += SLOT_BYTES + allocated(node.members[start])
        if node.level == 1:
            total += allocated(node.leaves[start])
        else:
            child = node.nodes[start]
            total += NODE_BYTES + slots_bytes(child, 0, len(child.counts))
        start += 1
    return total


def entries_before(node: Node, index: i64) -> i64:
    """Number of entries below the children before `index`.  O(fanout)."""
    counts = node.counts
    total: i64 = 0
    k: i64 = 0
    while k < index:
        total += counts[k]
        k += 1
    return total


def edge_node(node: Node, index: i64) -> Node:
    """The node of level 1 at the left (`index` 0) or right (-1) edge below `node`."""
    while node.level > 1:
        node = node.nodes[index]
    return node


def edges_at(index: i64, size: i64) -> i64:
    """The edges of the tree that child `index` of `size` lies at, given those of its node."""
    edges: i64 = 0
    if index == 0:
        edges = HEAD
    if index == size - 1:
        edges |= TAIL
    return edges


def split_node(node: Node, at: i64) -> Node:
    """Move the children from `at` (not 0) on to a new node.  Its slot 0, which is never read, has the bound."""
    right = Node(node.level)
    right.scores, node.scores = node.scores[at:], node.scores[:at]
    right.counts, node.counts = node.counts[at:], node.counts[:at]
    right.members = node.members[at:]
    del node.members[at:]
    if node.level == 1:
        right.leaves = node.leaves[at:]
        del node.leaves[at:]
    else:
        right.nodes = node.nodes[at:]
        del node.nodes[at:]
    return right


def join_node(node: Node, right: Node) -> None:
    """Append the children of `right`, whose slot 0 has its bound, to those of `node`."""
    node.scores = extend(node.scores, right.scores)
    node.counts = extend(node.counts, right.counts)
    node.members.extend(right.members)
    if node.level == 1:
        node.leaves.extend(right.leaves)
    else:
        node.nodes.extend(right.nodes)


def node_bytes(node: Node) -> i64:
    """Memory of the node and of the leaves right below it.  O(fanout)."""
    total = NODE_BYTES + SLOT_BYTES * i64(len(node.counts))
    for member in node.members:
        total += allocated(member)
    for leaf in node.leaves:
        total += allocated(leaf)
    return total


def check_node(
    node: Node,
    fanout: i64,
    leaf_bytes: i64,
    low: tuple[float, bytes] | None,
    high: tuple[float, bytes] | None,
    readable: Callable[[bytes], bytes],
) -> tuple[i64, i64]:
    """Assert every invariant in and below `node`, whose entries are from `low` to before `high`.

    `readable` writes the members of a leaf out.  Returns the number of entries and the memory below it.  O(n).
    """
    size: i64 = len(node.counts)
    assert 1 <= size <= fanout
    assert len(node.scores) == size and len(node.members) == size
    assert len(node.leaves) == (size if node.level == 1 else 0)
    assert len(node.nodes) == (0 if node.level == 1 else size)
    total: i64 = 0
    memory = node_bytes(node)
    for k in range(size):
        start = (node.scores[k], node.members[k]) if k > 0 else low
        end = (node.scores[k + 1], node.members[k + 1]) if k + 1 < size else high
        if node.level > 1:
            assert node.nodes[k].level == node.level - 1
            count, below = check_node(node.nodes[k], fanout, leaf_bytes, start, end, readable)
            memory += below
        else:
            leaf = node.leaves[k]
            count = ranked.count(leaf, 0, len(leaf))
            assert count == 1 or len(leaf) <= leaf_bytes
            leaf = readable(leaf)
            assert in_order(leaf) and ranked.count(leaf, 0, len(leaf)) == count
            if count > 0:
                last = last_record(leaf, 0, len(leaf))
                assert start is None or start <= (score_of(leaf, 0), member_at(leaf, 0))
                assert end is None or (score_of(leaf, last), member_at(leaf, last)) < end
        assert count == node.counts[k]
        total += count
    return total, memory


def add_leaves(node: Node, start: i64, stop: i64, span: Span) -> None:
    """Add the leaves with the entries `start` to `stop` - 1 below `node`, at least one, to `span`.

    O(height + leaves).
    """
    counts = node.counts
    index: i64 = 0
    while start >= counts[index]:
        start -= counts[index]
        stop -= counts[index]
        index += 1
    while stop > 0:
        size = counts[index]
        if node.level > 1:
            add_leaves(node.nodes[index], start, stop if stop < size else size, span)
        else:
            leaf = node.leaves[index]
            if len(span.blobs) == 0:
                span.start = skip(leaf, 0, start)
            span.blobs.append(leaf)
            span.stop = skip(leaf, 0, stop) if stop < size else i64(len(leaf))
        start = 0
        stop -= size
        index += 1


def add_leaves_between(node: Node, low: float, high: float, span: Span) -> None:
    """Add the leaves below `node` that may have entries with scores from `low` to before `high` to `span`.

    O(height * log fanout + leaves).
    """
    index = child_of_score(node, low, False)
    last = child_of_score(node, high, False)
    while index <= last:
        if node.level > 1:
            add_leaves_between(node.nodes[index], low, high, span)
        else:
            leaf = node.leaves[index]
            span.blobs.append(leaf)
            span.stop = len(leaf)
        index += 1
