"""Moving the leaves of a BTree and their parents out of sparse memory regions (`mover.py`)."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.structures.btree import BTree
from redpoll.structures.mover import Mover


def move_leaf(tree: BTree, rank: i64, mover: Mover) -> i64:
    """Show the leaf of the entry at `rank` to the mover; return the rank after the leaf, -1 at the end.

    O(log n).
    """
    if rank >= tree.count:
        return -1
    node, index, within = tree.place(rank)
    node.leaves[index] = mover.bytes_(node.leaves[index])
    node.members[index] = mover.bytes_(node.members[index])
    return rank - within + node.counts[index]
