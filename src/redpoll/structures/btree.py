"""Counted B+tree: (score, member) pairs in order, with their ranks.

Entries are ordered by score, then by member as unsigned bytes.  `ranked.py` has the leaves: immutable `bytes` of
packed records.  `btree_node.py` has the nodes above them: for each child a bound and the number of entries below it.

After a change of a child, its parent repairs it: a child with too many children is split, one with few is merged with a
neighbour, an empty one is removed.  Inserts at the very end (or beginning) split off the new entry alone, so entries
that come in order fill their leaves.  There are no parent pointers and no links between leaves: nothing here can form a
cycle.

Invariants, which `check` verifies: every leaf except that of an empty tree has a record, and takes at most `leaf_bytes`
unless it has only one; every node has 1 to `fanout` children; all leaves are at one depth.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures import ranked
from redpoll.structures.btree_node import (
    HEAD,
    NODE_BYTES,
    SLOT_BYTES,
    TAIL,
    Node,
    add_leaves,
    add_leaves_between,
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
from redpoll.structures.packed import spliced, without
from redpoll.structures.ranked import (
    Span,
    boundary,
    halves,
    last_record,
    member_at,
    record,
    record_end,
    score_of,
    seek,
    skip,
    with_score,
)

LEAF_BYTES: Final[i64] = 479
"""A leaf and its header then stay within the 512 bytes that the small-object allocator serves."""
FANOUT: Final[i64] = 63
"""Columns grow from 7 by 2n + 1, so that a full node has no slack."""


@mypyc_attr(acyclic=True)
class BTree:
    """The tree.  Scores are never NaN; -0.0 and 0.0 are one score.  Members are of any length, the empty one included.

    Tests set `leaf_bytes` (at least 32) and `fanout` (at least 4) to get deep trees of few entries.
    """

    def __init__(self, leaf_bytes: i64 = LEAF_BYTES, fanout: i64 = FANOUT) -> None:
        self.leaf_bytes: Final[i64] = leaf_bytes
        self.fanout: Final[i64] = fanout
        self.count: i64 = 0
        """Number of entries."""
        self.size_bytes: i64 = 0
        """Memory in use, from the allocator's sizes of leaves and bounds and an estimate for inner nodes."""
        self.edge: i64 = 0  # the edge at which the insert under way split its leaf, 0 inside
        self.root = Node(1)
        self.clear()

    # Reading

    def rank(self, score: float, member: bytes) -> i64:
        """Number of entries before (score, member), -1 if it is not there.  O(log n)."""
        rank = self._find(score, member)
        if rank >= 0:
            return rank
        return -1

    def rank_before(self, score: float, member: bytes) -> i64:
        """Number of entries before (score, member), whether it is there or not.  O(log n)."""
        rank = self._find(score, member)
        return rank if rank >= 0 else -1 - rank

    def rank_of_score(self, score: float, after: bool) -> i64:
        """Number of entries with a score below `score`; with `after`, below or equal to it.  O(log n)."""
        node = self.root
        total: i64 = 0
        while True:
            index = child_of_score(node, score, after)
            total += entries_before(node, index)
            if node.level == 1:
                leaf = node.leaves[index]
                return total + ranked.rank_of_score(leaf, 0, len(leaf), score, after)
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
        node, index, rank = self.place(rank)
        leaf = node.leaves[index]
        at = skip(leaf, 0, rank)
        return score_of(leaf, at), self.member_in(leaf, at)

    def first(self) -> tuple[float, bytes]:
        """Score and member of the first entry of a tree that has one.  O(log n)."""
        leaf = edge_node(self.root, 0).leaves[0]
        return score_of(leaf, 0), self.member_in(leaf, 0)

    def last(self) -> tuple[float, bytes]:
        """Score and member of the last entry of a tree that has one.  O(log n)."""
        leaf = edge_node(self.root, -1).leaves[-1]
        at = last_record(leaf, 0, len(leaf))
        return score_of(leaf, at), self.member_in(leaf, at)

    def span(self, start: i64, stop: i64) -> Span:
        """The entries at ranks `start` to `stop` - 1, in the leaves as they are now.

        0 <= start and stop <= count; an empty range gives an empty span.  O(log n + leaves).
        """
        span = Span()
        if start < stop:
            add_leaves(self.root, start, stop, span)
        return self.readable(span)

    def span_between(self, low: float, high: float) -> Span:
        """The entries with scores from `low` to before `high`, and some before and after them.  O(log n + leaves)."""
        span = Span()
        add_leaves_between(self.root, low, high, span)
        return self.readable(span)

    def leaves(self) -> list[bytes]:
        """All leaves in order.  They stay valid while the tree changes.  O(leaves)."""
        return self.span(0, self.count).blobs

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
        at, before = self.seek(leaf, score, member)
        if at < 0:
            return -1 - total - before
        return total + before

    def place(self, rank: i64) -> tuple[Node, i64, i64]:
        """The place of the entry at `rank`: the node above its leaf, the leaf's index there, the rank in the leaf."""
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
        self._rebalance_root()

    def remove(self, score: float, member: bytes) -> bool:
        """Remove an entry; False if it is not there.  O(log n)."""
        if not self._remove(self.root, score, member):
            return False
        self.count -= 1
        self._rebalance_root()
        return True

    def move(self, old: float, new: float, member: bytes) -> None:
        """Give the entry (old, member), which must be there, another score.

        O(log n).  One descent, as long as the old and the new place share their path; usually one rewritten leaf, if
        they share that too.
        """
        self.edge = 0
        self._move(self.root, old, new, member, HEAD | TAIL)
        self._rebalance_root()

    def append_leaf(self, leaf: bytes, count: i64) -> None:
        """Append a leaf of `count` records, all of them after the last entry.  O(log n)."""
        self.edge = TAIL
        if self.count == 0:
            self._put_leaf(self.root, 0, leaf)
            self.root.counts[0] = count
        else:
            self._append_leaf(self.root, leaf, count)
        self.count += count
        self._rebalance_root()

    def append_row(self, row: bytes, start: i64, stop: i64) -> None:
        """Append the records of `row` from `start` to before `stop`, all of them after the last entry.

        Leaves are full.  O(records).
        """
        begin = start
        count: i64 = 0
        while start < stop:
            end = record_end(row, start)
            if end - begin > self.leaf_bytes and count > 0:
                self.append_leaf(row[begin:start], count)
                begin = start
                count = 0
            start = end
            count += 1
        if count > 0:
            self.append_leaf(row[begin:stop], count)

    def pop_first(self) -> tuple[float, bytes]:
        """Take out the first entry of a tree that has one; its score and member.  O(log n)."""
        found = self._pop(self.root, 0)
        self.count -= 1
        self._rebalance_root()
        return found

    def pop_last(self) -> tuple[float, bytes]:
        """Take out the last entry of a tree that has one; its score and member.  O(log n)."""
        found = self._pop(self.root, -1)
        self.count -= 1
        self._rebalance_root()
        return found

    def remove_range(self, start: i64, stop: i64) -> None:
        """Take out the entries at ranks `start` to `stop` - 1; 0 <= start and stop <= count.

        Whole leaves and nodes are removed at once.  O(log n + leaves).
        """
        if start >= stop:
            return
        if start == 0 and stop == self.count:
            self.clear()
            return
        self._cut(self.root, start, stop)
        self.count -= stop - start
        self._rebalance_root()

    def clear(self) -> None:
        """Drop all entries at once.  O(n): `release` does it in steps."""
        self.root = Node(1)
        insert_bound(self.root, 0, 0.0, b"", 0)
        self.root.leaves.append(b"")
        self.count = 0
        self.size_bytes = NODE_BYTES + SLOT_BYTES

    def copy_to(self, made: BTree) -> None:
        """Make the empty tree `made` a copy.  O(nodes): leaves are shared, because they never change in place."""
        made.count = self.count
        made.size_bytes = self.size_bytes
        made.root = copied_node(self.root)

    def release(self, budget: i64) -> i64:
        """Drop at least `budget` entries, or all, from the end; return the number of entries left.

        Drops whole nodes of level 1, up to about 3,000 entries each.  The tree stays valid.  O(budget): about 1 ms for
        100,000 entries that are not in cache.
        """
        left = budget
        while left > 0 and self.root.level > 1:
            dropped = self._drop_tail(self.root)
            left -= dropped
            self.count -= dropped
            self._rebalance_root()
        if left > 0:
            self.clear()
        return self.count

    def _insert(self, node: Node, score: float, member: bytes, edges: i64) -> None:
        """Add an entry below `node`, which lies at `edges` of the tree and may end up with too many children."""
        index = child_of(node, score, member)
        counts = node.counts
        counts[index] += 1
        edges &= edges_at(index, len(counts))
        if node.level > 1:
            self._insert(node.nodes[index], score, member, edges)
            self._rebalance(node, index)
            return
        leaf = node.leaves[index]
        at, _ = self.seek(leaf, score, member)
        at = -1 - at
        assert at >= 0
        data = self.new_record(score, member)
        if len(leaf) + len(data) <= self.leaf_bytes or len(leaf) == 0:
            self._put_leaf(node, index, spliced(leaf, at, at, data))
        else:
            self._split_leaf(node, index, at, data, edges)

    def _append_leaf(self, node: Node, leaf: bytes, count: i64) -> None:
        """`append_leaf` below `node`, which may end up with too many children."""
        index: i64 = len(node.counts) - 1
        if node.level > 1:
            node.counts[index] += count
            self._append_leaf(node.nodes[index], leaf, count)
            self._rebalance(node, index)
            return
        insert_bound(node, index + 1, score_of(leaf, 0), self.boundary(node.leaves[index], leaf), count)
        node.leaves.append(leaf)
        self.size_bytes += allocated(leaf) + allocated(node.members[index + 1]) + SLOT_BYTES

    def _remove(self, node: Node, score: float, member: bytes) -> bool:
        """Remove an entry from below `node`, which may end up with too few children; False if it is not there."""
        index = child_of(node, score, member)
        if node.level > 1:
            if not self._remove(node.nodes[index], score, member):
                return False
            node.counts[index] -= 1
            self._rebalance(node, index)
            return True
        leaf = node.leaves[index]
        at, _ = self.seek(leaf, score, member)
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
            self._rebalance(node, index)
            return
        leaf = node.leaves[index]
        at, _ = self.seek(leaf, old, member)
        assert at >= 0
        leaf = self.rescored(leaf, at, new, member)
        if len(leaf) > self.leaf_bytes and node.counts[index] > 1:
            # The new score takes more bytes than the old one, and the leaf has no room for them.
            self._remove(node, old, member)
            self._insert(node, new, member, edges)
        else:
            self._put_leaf(node, index, leaf)

    def _pop(self, node: Node, edge: i64) -> tuple[float, bytes]:
        """Take out the first (`edge` 0) or last (-1) entry below `node`, which may end up with too few children.

        Returns its score and member.
        """
        index = len(node.counts) - 1 if edge else edge
        node.counts[index] -= 1
        if node.level > 1:
            score, member = self._pop(node.nodes[index], edge)
            self._rebalance(node, index)
            return score, member
        leaf = node.leaves[index]
        at = last_record(leaf, 0, len(leaf)) if edge else i64(0)
        score = score_of(leaf, at)
        member = self.member_in(leaf, at)
        self._shrink_leaf(node, index, leaf[:at] if edge else leaf[record_end(leaf, at) :])
        return score, member

    def _cut(self, node: Node, start: i64, stop: i64) -> None:
        """`remove_range` below `node`, some of whose entries stay; it may end up with too few children."""
        counts = node.counts
        first: i64 = 0
        while start >= counts[first]:
            start -= counts[first]
            stop -= counts[first]
            first += 1
        # The first child of the range loses its end, the children inside are removed, the last child loses its
        # beginning.
        last = first
        while last < len(counts) and stop >= counts[last]:
            stop -= counts[last]
            last += 1
        whole = first
        if start > 0:
            self._cut_child(node, first, start, counts[first] if last > first else stop)
            whole += 1
        if stop > 0 and last >= whole:
            self._cut_child(node, last, 0, stop)
        if last > whole:
            self.size_bytes -= slots_bytes(node, whole, last)
            delete_slots(node, whole, last)
        # The rests of the two are neighbours now.  The right one is merged first.
        self._merge_after_cut(node, whole)
        self._merge_after_cut(node, whole - 1)

    def _cut_child(self, node: Node, index: i64, start: i64, stop: i64) -> None:
        """Remove the entries `start` to `stop` - 1 from child `index`, some of whose entries stay."""
        node.counts[index] -= stop - start
        if node.level > 1:
            self._cut(node.nodes[index], start, stop)
            return
        leaf = node.leaves[index]
        begin = skip(leaf, 0, start)
        self._put_leaf(node, index, without(leaf, begin, skip(leaf, begin, stop - start)))

    def _merge_after_cut(self, node: Node, index: i64) -> None:
        """Merge child `index` with a neighbour, if it exists and a cut has made it small."""
        if 0 <= index < len(node.counts):
            if node.level > 1:
                self._rebalance(node, index)
            else:
                self._shrink_leaf(node, index, node.leaves[index])

    def _drop_tail(self, node: Node) -> i64:
        """Drop the last node of level 1 below `node`, which is above that; return the number of entries that went."""
        index: i64 = len(node.nodes) - 1
        child = node.nodes[index]
        if node.level == 2:
            dropped = node.counts[index]
            self.size_bytes -= node_bytes(child) - NODE_BYTES
            self._delete(node, index)
            return dropped
        dropped = self._drop_tail(child)
        node.counts[index] -= dropped
        if len(child.counts) == 0:
            self._delete(node, index)
        return dropped

    # Leaves

    def _put_leaf(self, node: Node, index: i64, leaf: bytes) -> None:
        self.size_bytes += allocated(leaf) - allocated(node.leaves[index])
        node.leaves[index] = leaf

    def _shrink_leaf(self, node: Node, index: i64, leaf: bytes) -> None:
        """Store `leaf` after a removal: in its place, joined with a neighbour, or not at all if it is empty."""
        self._put_leaf(node, index, leaf)
        size: i64 = len(leaf)
        if size * 4 >= self.leaf_bytes:
            return
        if size == 0:
            self._delete(node, index)
        elif index > 0 and len(node.leaves[index - 1]) + size <= self.leaf_bytes:
            self._join_leaves(node, index - 1)
        elif index + 1 < len(node.leaves) and len(node.leaves[index + 1]) + size <= self.leaf_bytes:
            self._join_leaves(node, index)

    def _join_leaves(self, node: Node, index: i64) -> None:
        """Append leaf `index` + 1 to leaf `index`."""
        self._put_leaf(node, index, node.leaves[index] + node.leaves[index + 1])
        node.counts[index] += node.counts[index + 1]
        self._delete(node, index + 1)

    def _split_leaf(self, node: Node, index: i64, at: i64, data: bytes, edges: i64) -> None:
        """Insert the record `data` at offset `at` of a full leaf by splitting it.

        The leaf lies at `edges` of the tree.
        """
        leaf = node.leaves[index]
        size: i64 = len(leaf)
        if at == size and edges & TAIL:
            self.edge = TAIL
            pieces = [leaf, data]
        elif at == 0 and edges & HEAD:
            self.edge = HEAD
            pieces = [data, leaf]
        else:
            pieces = halves(leaf, at, data, self.leaf_bytes)
        self._put_leaf(node, index, pieces[0])
        node.counts[index] = ranked.count(pieces[0], 0, len(pieces[0]))
        for k in range(1, len(pieces)):
            left, right = pieces[k - 1], pieces[k]
            index += 1
            insert_bound(
                node, index, score_of(right, 0), self.boundary(left, right), ranked.count(right, 0, len(right))
            )
            node.leaves.insert(index, right)
            self.size_bytes += allocated(right) + allocated(node.members[index]) + SLOT_BYTES

    # Nodes

    def _delete(self, node: Node, index: i64) -> None:
        """Drop child `index`: a leaf, a node without children, or a node whose memory has been freed already."""
        below = allocated(node.leaves[index]) if node.level == 1 else NODE_BYTES
        self.size_bytes -= below + allocated(node.members[index]) + SLOT_BYTES
        delete_slot(node, index)

    def _rebalance(self, node: Node, index: i64) -> None:
        """Split child `index`, a node, if it has too many children; merge it if it has few; drop it if it has none."""
        size: i64 = len(node.nodes[index].counts)
        if size > self.fanout:
            self._split(node, index)
        elif size * 4 <= self.fanout:
            if size == 0:
                self._delete(node, index)
            elif index > 0 and len(node.nodes[index - 1].counts) + size <= self.fanout:
                self._join(node, index - 1)
            elif index + 1 < len(node.nodes) and len(node.nodes[index + 1].counts) + size <= self.fanout:
                self._join(node, index)

    def _rebalance_root(self) -> None:
        """Grow the tree by a level if its root has too many children, shrink it while the root has a single one."""
        root = self.root
        size: i64 = len(root.counts)
        if size > self.fanout:
            self.root = Node(root.level + 1)
            insert_bound(self.root, 0, 0.0, b"", self.count)
            self.root.nodes.append(root)
            self.size_bytes += NODE_BYTES + SLOT_BYTES
            self._split(self.root, 0)
        elif size <= 1:
            if self.count == 0:
                self.clear()
            while self.root.level > 1 and len(self.root.counts) == 1:
                self.size_bytes -= NODE_BYTES + SLOT_BYTES + allocated(self.root.members[0])
                self.root = self.root.nodes[0]

    def _split(self, node: Node, index: i64) -> None:
        """Divide child `index`, a node: in the middle, or at the edge where entries are arriving in order."""
        child = node.nodes[index]
        size: i64 = len(child.counts)
        at = size >> 1
        if self.edge == TAIL:
            at = size - 1
        elif self.edge == HEAD:
            at = 1
        right = split_node(child, at)
        count = entries_before(right, len(right.counts))
        node.counts[index] -= count
        # The bound moves up.  The member of slot 0 is never read, so it is cleared.
        insert_bound(node, index + 1, right.scores[0], right.members[0], count)
        right.members[0] = b""
        node.nodes.insert(index + 1, right)
        self.size_bytes += NODE_BYTES + SLOT_BYTES

    def _join(self, node: Node, index: i64) -> None:
        """Append the children of child `index` + 1, a node, to those of child `index`."""
        right = node.nodes[index + 1]
        self.size_bytes -= allocated(right.members[0])
        right.scores[0] = node.scores[index + 1]  # the bound comes down
        right.members[0] = node.members[index + 1]
        self.size_bytes += allocated(right.members[0])
        join_node(node.nodes[index], right)
        node.counts[index] += node.counts[index + 1]
        self._delete(node, index + 1)

    def check(self) -> None:
        """Assert all that must always hold.  O(n)."""
        count, memory = check_node(self.root, self.fanout, self.leaf_bytes, None, None, self.readable_leaf)
        assert count == self.count
        assert memory == self.size_bytes
        assert self.root.level == 1 or len(self.root.counts) > 1
        assert all(self.leaves())

    # Members in leaves.  `shared_texts.py` has another form of them.

    def load(self, scores: vec[float], members: list[bytes]) -> None:
        """Add sorted entries without duplicates to an empty tree.  Leaves and nodes are full.  O(n).

        For loading and for commands that store a result: less than half the time of inserting the entries in order.
        """
        pending: list[bytes] = []
        size: i64 = 0
        for k in range(len(members)):
            data = self.loaded_record(scores[k], members[k])
            if size + len(data) > self.leaf_bytes and size > 0:
                self.append_leaf(b"".join(pending), len(pending))
                pending = []
                size = 0
            pending.append(data)
            size += len(data)
        if size > 0:
            self.append_leaf(b"".join(pending), len(pending))

    def new_record(self, score: float, member: bytes) -> bytes:
        """The record of an entry that is inserted."""
        return record(score, member)

    def loaded_record(self, score: float, member: bytes) -> bytes:
        """The record of an entry that `load` adds."""
        return record(score, member)

    def seek(self, leaf: bytes, score: float, member: bytes) -> tuple[i64, i64]:
        """`ranked.seek` in a whole leaf."""
        return seek(leaf, 0, len(leaf), score, member)

    def member_in(self, leaf: bytes, at: i64) -> bytes:
        """The member of the record at `at`."""
        return member_at(leaf, at)

    def rescored(self, leaf: bytes, at: i64, score: float, member: bytes) -> bytes:
        """`ranked.with_score`."""
        return with_score(leaf, at, score, member)

    def boundary(self, left: bytes, right: bytes) -> bytes:
        """`ranked.boundary`."""
        return boundary(left, right)

    def readable(self, span: Span) -> Span:
        """The span with all members in it."""
        return span

    def readable_leaf(self, leaf: bytes) -> bytes:
        """The leaf with all members in it."""
        return leaf
