"""Every leaf of a tree moves, and the tree stays what it was."""

from __future__ import annotations

from redpoll.structures.btree import BTree
from redpoll.structures.btree_move import move_leaf
from redpoll.structures.mover import Mover


def test_all_leaves_move() -> None:
    tree = BTree()
    for n in range(3000):
        tree.insert(float(n * 7 % 3000), b"member:%d" % n)
    before = tree.leaves()
    mover = Mover(anywhere=True)
    mover.start()
    rank = seen = 0
    while rank >= 0:
        rank = move_leaf(tree, rank, mover)
        seen += 1
    after = tree.leaves()
    assert seen == len(after) + 1
    assert after == before
    assert not any(one is other for one, other in zip(before, after, strict=True))
    tree.check()


def test_an_empty_tree_has_no_leaf_to_move() -> None:
    mover = Mover(anywhere=True)
    mover.start()
    assert move_leaf(BTree(), 0, mover) == -1
