"""Counted B+tree: (score, member) pairs in order, with their ranks.

Entries are ordered by score, then by member as unsigned bytes.  Below the inner nodes stand leaves, each one
immutable `bytes` of packed records (`btree_leaf.py`).  An inner node keeps four columns, one slot a child:

    scores, members    the child's *bound*: all that is before it in the node is below, all that is in it is not
    counts             the number of entries below the child; a rank is a sum of counts on the way down
    leaves or nodes    the children, of which one kind is used, by the node's level

The bound of slot 0 is not looked at: a node's first child takes whatever its parent sent down.  A bound need not be
an entry, so removals leave it alone and it is as short as will do: where two neighbours differ in score, its member is
empty.  A million members thus cost inner nodes no copies of members, and the search no look at them.

What a change does to a child is settled by its parent afterwards: one with too many children is split, one with few
merges with a neighbour, an empty one goes.  Inserts at the very end (or beginning) split off the new entry alone, so
entries that come in order fill their leaves.  There are no parent pointers and no links between leaves: nothing here
can form a cycle.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, extend, pop, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.btree_leaf import (
    boundary,
    in_order,
    last_record,
    member_at,
    middle,
    record,
    record_end,
    records_before,
    score_at,
    scores_before,
    seek,
    skip,
    take_members,
    take_scores,
)
from redpoll.structures.packed import spliced, without

LEAF_BYTES: Final[i64] = 479
"""A leaf and its header then stay within the 512 bytes that the small-object allocator serves."""
FANOUT: Final[i64] = 63
"""Columns grow from 7 by 2n + 1, so that a full node has no slack."""

HEAD: Final[i64] = 1
TAIL: Final[i64] = 2
"""Edges of the tree: a descent keeps the bit as long as it takes the first (the last) child."""

NODE_BYTES: Final[i64] = 352
SLOT_BYTES: Final[i64] = 40
"""Measured: what an inner node costs without its slots, and a slot with the columns' usual slack."""


def allocated(data: bytes) -> i64:
    """Bytes that the allocator gives for `data`; the empty one is shared."""
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
        elif bound > score or member < node.members[mid]:
            high = mid
        else:
            low = mid + 1
    return low - 1


def child_of_score(node: Node, score: float, after: bool) -> i64:
    """Index of the child where the entries of `score` begin; with `after`, of the one where they end.  O(log fanout)."""
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
        if score < bound or (score == bound and member < node.members[index]):
            return False
    index += 1
    if index < len(scores):
        bound = scores[index]
        if score > bound or (score == bound and member >= node.members[index]):
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


def collect_leaves(node: Node, into: list[bytes]) -> None:
    """Append the leaves below `node`, in order."""
    if node.level == 1:
        into.extend(node.leaves)
        return
    for child in node.nodes:
        collect_leaves(child, into)


@mypyc_attr(acyclic=True)
class BTree:
    """The tree.  Scores are never NaN; -0.0 and 0.0 are one score.  Members are of any length, the empty one included.

    `leaf_bytes` (at least 32) and `fanout` (at least 4) are there for tests, which want deep trees of few entries.
    """

    def __init__(self, leaf_bytes: i64 = LEAF_BYTES, fanout: i64 = FANOUT) -> None:
        self.leaf_bytes: Final[i64] = leaf_bytes
        self.fanout: Final[i64] = fanout
        self.count: i64 = 0
        """Number of entries."""
        self.size_bytes: i64 = 0
        """Memory in use, from the allocator's sizes of leaves and bounds and an estimate for inner nodes."""
        self.edge: i64 = 0  # the edge at which the insert under way split its leaf, 0 inside
        self.root: Node = Node(1)
        self.clear()

    # Reading

    def rank(self, score: float, member: bytes) -> i64:
        """Number of entries before (score, member), -1 if it is not there.  O(log n)."""
        rank = self._find(score, member)
        return rank if rank >= 0 else -1

    def rank_of_score(self, score: float, after: bool) -> i64:
        """Number of entries with a score below `score`; with `after`, below or equal to it.  O(log n)."""
        node = self.root
        total: i64 = 0
        while True:
            index = child_of_score(node, score, after)
            total += entries_before(node, index)
            if node.level == 1:
                return total + scores_before(node.leaves[index], score, after)
            node = node.nodes[index]

    def rank_of_member(self, member: bytes, after: bool) -> i64:
        """Number of entries with a member before `member`; with `after`, before or equal to it.  O(log n).

        Meant for trees of a single score, as lexicographic ranges are.  In any other it is the number of entries
        before (the first score, `member`).
        """
        if self.count == 0:
            return 0
        rank = self._find(self.first()[0], member)
        if rank < 0:
            return -1 - rank
        return rank + 1 if after else rank

    def get(self, rank: i64) -> tuple[float, bytes]:
        """Score and member of the entry at `rank`, from 0 to `count` - 1.  O(log n)."""
        node, index, rank = self._place(rank)
        leaf = node.leaves[index]
        at = skip(leaf, rank)
        return score_at(leaf, at), member_at(leaf, at)

    def first(self) -> tuple[float, bytes]:
        """Score and member of the first entry of a tree that has one.  O(log n)."""
        leaf = edge_node(self.root, 0).leaves[0]
        return score_at(leaf, 0), member_at(leaf, 0)

    def last(self) -> tuple[float, bytes]:
        """Score and member of the last entry of a tree that has one.  O(log n)."""
        leaf = edge_node(self.root, -1).leaves[-1]
        at = last_record(leaf)
        return score_at(leaf, at), member_at(leaf, at)

    def slice(self, start: i64, stop: i64, reverse: bool, members: list[object]) -> None:
        """Append the members at ranks `start` to `stop` - 1, from the last to the first if `reverse`.

        0 <= start and stop <= count; an empty range appends nothing.  O(log n + range).
        """
        while start < stop:
            node, index, rank = self._place(stop - 1 if reverse else start)
            counts = node.counts
            while start < stop and 0 <= index < len(counts):
                if reverse:
                    low = rank - (stop - 1 - start) if rank > stop - 1 - start else 0
                    take_members(node.leaves[index], low, rank + 1, True, members)
                    stop -= rank + 1 - low
                    index -= 1
                    rank = counts[index] - 1 if index >= 0 else 0
                else:
                    high = rank + stop - start if rank + stop - start < counts[index] else counts[index]
                    take_members(node.leaves[index], rank, high, False, members)
                    start += high - rank
                    index += 1
                    rank = 0

    def slice_scores(self, start: i64, stop: i64, reverse: bool) -> vec[float]:
        """The scores at ranks `start` to `stop` - 1, in the order in which `slice` gives the members."""
        scores = vec[float](capacity=stop - start if start < stop else 0)
        while start < stop:
            node, index, rank = self._place(stop - 1 if reverse else start)
            leaf = node.leaves[index]
            if reverse:
                low = rank - (stop - 1 - start) if rank > stop - 1 - start else 0
                scores = take_scores(leaf, low, rank + 1, True, scores)
                stop -= rank + 1 - low
            else:
                high = rank + stop - start if rank + stop - start < node.counts[index] else node.counts[index]
                scores = take_scores(leaf, rank, high, False, scores)
                start += high - rank
        return scores

    def leaves(self) -> list[bytes]:
        """All leaves in order, for who writes the entries out while the tree goes on changing.  O(n / 16)."""
        found: list[bytes] = []
        collect_leaves(self.root, found)
        return found

    def _find(self, score: float, member: bytes) -> i64:
        """The rank of (score, member), or, if it is not there, -1 - the number of entries before it."""
        node = self.root
        total: i64 = 0
        while True:
            index = child_of(node, score, member)
            total += entries_before(node, index)
            if node.level == 1:
                break
            node = node.nodes[index]
        leaf = node.leaves[index]
        at = seek(leaf, score, member)
        if at < 0:
            return -1 - total - records_before(leaf, -1 - at)
        return total + records_before(leaf, at)

    def _place(self, rank: i64) -> tuple[Node, i64, i64]:
        """Where the entry at `rank` is: the node above its leaf, the leaf's index there, the record's in the leaf."""
        assert 0 <= rank < self.count
        node = self.root
        while True:
            counts = node.counts
            index: i64 = 0
            while rank >= counts[index]:
                rank -= counts[index]
                index += 1
            if node.level == 1:
                return node, index, rank
            node = node.nodes[index]

    # Changing

    def insert(self, score: float, member: bytes) -> None:
        """Add an entry that is not there yet.  O(log n)."""
        self.edge = 0
        self._insert(self.root, score, member, HEAD | TAIL)
        self.count += 1
        self._settle_root()

    def remove(self, score: float, member: bytes) -> bool:
        """Take an entry out; False if it is not there.  O(log n)."""
        if not self._remove(self.root, score, member):
            return False
        self.count -= 1
        self._settle_root()
        return True

    def move(self, old: float, new: float, member: bytes) -> None:
        """Give the entry (old, member), which must be there, another score.

        O(log n); one descent as far as the old and the new place share their path, and one rewritten leaf if they
        share that too.
        """
        self.edge = 0
        self._move(self.root, old, new, member, HEAD | TAIL)
        self._settle_root()

    def pop_first(self) -> tuple[float, bytes]:
        """Take out the first entry of a tree that has one; its score and member.  O(log n)."""
        found = self.first()
        self._pop(self.root, 0)
        self.count -= 1
        self._settle_root()
        return found

    def pop_last(self) -> tuple[float, bytes]:
        """Take out the last entry of a tree that has one; its score and member.  O(log n)."""
        found = self.last()
        self._pop(self.root, -1)
        self.count -= 1
        self._settle_root()
        return found

    def clear(self) -> None:
        """Drop all entries at once.  O(n): `release` does it in steps."""
        self._reset(Node(1))

    def release(self, budget: i64) -> i64:
        """Drop at least `budget` entries, or all, from the end; the number of entries left.

        Goes by whole nodes of level 1, up to some 3,000 entries.  The tree stays whole.  O(budget): about 1 ms for
        100,000 cold entries.
        """
        left = budget
        while left > 0 and self.count > 0:
            dropped = self.count if self.root.level == 1 else self._drop_tail(self.root)
            left -= dropped
            self.count -= dropped
            self._settle_root()
        return self.count

    def _insert(self, node: Node, score: float, member: bytes, edges: i64) -> None:
        """Add an entry below `node`, which lies at `edges` of the tree and may end up with too many children."""
        index = child_of(node, score, member)
        counts = node.counts
        counts[index] += 1
        edges &= edges_at(index, len(counts))
        if node.level > 1:
            self._insert(node.nodes[index], score, member, edges)
            self._settle(node, index)
            return
        leaf = node.leaves[index]
        at = -1 - seek(leaf, score, member)
        assert at >= 0
        data = record(score, member)
        if len(leaf) + len(data) <= self.leaf_bytes:
            self._put_leaf(node, index, spliced(leaf, at, at, data))
        else:
            self._split_leaf(node, index, at, data, edges)

    def _remove(self, node: Node, score: float, member: bytes) -> bool:
        """Take an entry out from below `node`, which may end up with too few children; False if it is not there."""
        index = child_of(node, score, member)
        if node.level > 1:
            if not self._remove(node.nodes[index], score, member):
                return False
            node.counts[index] -= 1
            self._settle(node, index)
            return True
        leaf = node.leaves[index]
        at = seek(leaf, score, member)
        if at < 0:
            return False
        node.counts[index] -= 1
        self._shrink_leaf(node, index, without(leaf, at, record_end(leaf, at)))
        return True

    def _move(self, node: Node, old: float, new: float, member: bytes, edges: i64) -> None:
        """`move` below `node`, within whose bounds both places are; it may end up with too many or too few children."""
        index = child_of(node, old, member)
        if not in_bounds(node, index, new, member):
            found = self._remove(node, old, member)
            assert found
            self._insert(node, new, member, edges)
            return
        if node.level > 1:
            self._move(node.nodes[index], old, new, member, edges & edges_at(index, len(node.counts)))
            self._settle(node, index)
            return
        leaf = node.leaves[index]
        at = seek(leaf, old, member)
        assert at >= 0
        node.leaves[index] = with_score(leaf, at, new, member)

    def _pop(self, node: Node, edge: i64) -> None:
        """Take out the first (`edge` 0) or last (-1) entry below `node`, which may end up with too few children."""
        index = len(node.counts) - 1 if edge else edge
        node.counts[index] -= 1
        if node.level > 1:
            self._pop(node.nodes[index], edge)
            self._settle(node, index)
            return
        leaf = node.leaves[index]
        if edge:
            self._shrink_leaf(node, index, leaf[: last_record(leaf)])
        else:
            self._shrink_leaf(node, index, leaf[record_end(leaf, 0) :])

    def _drop_tail(self, node: Node) -> i64:
        """Drop the last node of level 1 below `node`; the number of entries that went."""
        index: i64 = len(node.nodes) - 1
        child = node.nodes[index]
        if node.level == 2:
            dropped = node.counts[index]
            for leaf in child.leaves:
                self.size_bytes -= allocated(leaf)
            while len(child.counts) > 0:
        else:
            dropped = self._drop_tail(child)
            node.counts[index] -= dropped
