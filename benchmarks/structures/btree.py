"""Nanoseconds per operation and bytes per entry of the counted B+tree, compiled, at three sizes.

    python benchmarks/structures/btree.py [N ...]

Compiles the tree and this driver together into a temporary folder (half a minute), so that calls are as cheap as in
the product, and runs each size in a process of its own.  Members are 12 random bytes, scores random; operations come in
random order, read from one long `bytes`, as a parser would hand them over: hot.  CPU time, the best of several rounds.
The first line of a size is the tree alone.  The second adds what the prototypes of performance.md were measured with, a
dict of member and score that is asked and kept up: a sorted set's own member table costs more time and less memory.
"""

from __future__ import annotations

import gc
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.btree import BTree

WIDTH = 12
STRUCTURES = ("btree", "btree_node", "packed", "ranked", "scores")


@mypyc_attr(acyclic=True)
class Entries:
    """Entries in columns."""

    def __init__(self, members: bytes, scores: vec[float]) -> None:
        self.members = members
        self.scores = scores
        self.count: i64 = len(scores)

    def member(self, k: i64) -> bytes:
        at = k * 12
        return self.members[at : at + 12]


class Timings:
    """The best time per operation of each row."""

    def __init__(self) -> None:
        self.best: dict[str, float] = {}
        self.start = 0.0

    def go(self) -> None:
        self.start = time.process_time()

    def stop(self, row: str, operations: int) -> None:
        took = (time.process_time() - self.start) / operations * 1e9
        self.best[row] = min(took, self.best.get(row, took))


def random_entries(count: int, source: random.Random) -> Entries:
    scores = vec[float](capacity=count)
    for _ in range(count):
        scores = append(scores, source.random())
    return Entries(source.randbytes(WIDTH * count), scores)


def shuffled(entries: Entries, source: random.Random) -> Entries:
    order = list(range(entries.count))
    source.shuffle(order)
    scores = vec[float](capacity=entries.count)
    for k in order:
        scores = append(scores, entries.scores[k])
    return Entries(b"".join([entries.member(k) for k in order]), scores)


def add(tree: BTree, entries: Entries) -> None:
    for k in range(entries.count):
        tree.insert(entries.scores[k], entries.member(k))


def update(tree: BTree, entries: Entries, scores: vec[float]) -> None:
    for k in range(entries.count):
        tree.move(entries.scores[k], scores[k], entries.member(k))


def rank(tree: BTree, entries: Entries) -> i64:
    total: i64 = 0
    for k in range(entries.count):
        total += tree.rank(entries.scores[k], entries.member(k))
    return total


def slice_by_rank(tree: BTree, entries: Entries) -> None:
    for k in range(entries.count):
        start = i64(entries.scores[k] * float(tree.count - 10))
        into: list[bytes] = []
        tree.span(start, start + 10).members(into)


def slice_by_score(tree: BTree, entries: Entries) -> None:
    for k in range(entries.count):
        start = tree.rank_of_score(entries.scores[k], False)
        stop = start + 10 if start + 10 < tree.count else tree.count
        into: list[bytes] = []
        tree.span(start, stop).members(into)


def pop_half(tree: BTree) -> None:
    for _ in range(tree.count >> 1):
        tree.pop_first()


def remove(tree: BTree, entries: Entries) -> None:
    for k in range(entries.count):
        tree.remove(entries.scores[k], entries.member(k))


def with_dict(tree: BTree, entries: Entries, timings: Timings, source: random.Random) -> None:
    """Fill an empty tree and a dict beside it, and drain both."""
    beside: dict[bytes, float] = {}
    timings.go()
    for k in range(entries.count):
        member = entries.member(k)
        if beside.get(member) is None:
            beside[member] = entries.scores[k]
            tree.insert(entries.scores[k], member)
    timings.stop("+dict add", entries.count)
    visit = shuffled(entries, source)
    scores = moved_scores(visit, 0.0, source)
    timings.go()
    for k in range(visit.count):
        member = visit.member(k)
        tree.rank(beside[member], member)
    timings.stop("+dict rank", visit.count)
    timings.go()
    for k in range(visit.count):
        member = visit.member(k)
        tree.move(beside[member], scores[k], member)
        beside[member] = scores[k]
    timings.stop("+dict update", visit.count)
    timings.go()
    for k in range(visit.count):
        member = visit.member(k)
        tree.remove(beside[member], member)
        del beside[member]
    timings.stop("+dict remove", visit.count)


def bulk(entries: list[tuple[float, bytes]]) -> BTree:
    scores = vec[float](capacity=len(entries))
    for score, _ in entries:
        scores = append(scores, score)
    tree = BTree()
    tree.load(scores, [member for _, member in entries])
    return tree


def moved_scores(entries: Entries, by: float, source: random.Random) -> vec[float]:
    """New scores, random or, with `by`, a little more than the old ones."""
    scores = vec[float](capacity=entries.count)
    for k in range(entries.count):
        scores = append(scores, entries.scores[k] + by * source.random() if by > 0.0 else source.random())
    return scores


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def measure(count: int) -> None:
    """Print one line of the table for trees of `count` entries."""
    source = random.Random(count)
    entries = random_entries(count, source)
    trees = max(1, 20_000 // count)
    timings = Timings()
    gc.disable()
    before = resident_bytes()
    tree = BTree()
    add(tree, entries)
    grown = (resident_bytes() - before) / count
    told = tree.size_bytes / count
    for _ in range(3 if count > 100_000 else 7):
        forest = [BTree() for _ in range(trees)]
        timings.go()
        for tree in forest:
            add(tree, entries)
        timings.stop("add", trees * count)
        visit = shuffled(entries, source)
        timings.go()
        for tree in forest:
            rank(tree, visit)
        timings.stop("rank", trees * count)
        timings.go()
        for tree in forest:
            slice_by_rank(tree, visit)
        timings.stop("10 by rank", trees * count)
        timings.go()
        for tree in forest:
            slice_by_score(tree, visit)
        timings.stop("10 by score", trees * count)
        for row, by in (("incr", 0.01 / count), ("update", 0.0)):
            scores = moved_scores(visit, by, source)
            timings.go()
            for tree in forest:
                update(tree, visit, scores)
            timings.stop(row, trees * count)
            visit = shuffled(Entries(visit.members, scores), source)
        timings.go()
        for tree in forest:
            remove(tree, visit)
        timings.stop("remove", trees * count)
        for tree in forest:
            add(tree, visit)
        timings.go()
        for tree in forest:
            pop_half(tree)
        timings.stop("pop first", trees * (count >> 1))
        ordered = sorted((visit.scores[k], visit.member(k)) for k in range(count))
        timings.go()
        for _ in range(trees):
            bulk(ordered)
        timings.stop("build", trees * count)
    cells = "".join(f"{timings.best[row]:>12.0f}" for row in ROWS)
    print(f"{count:>10,}{cells}{grown:>12.1f}{told:>12.1f}", flush=True)
    for _ in range(2 if count > 100_000 else 2 + 20_000 // count):
        with_dict(BTree(), entries, timings, source)
    cells = "".join(f"{timings.best.get('+dict ' + row, 0.0):>12.0f}" for row in ROWS)
    print(f"{'with dict':>10}{cells}", flush=True)


ROWS = ("add", "update", "incr", "rank", "10 by rank", "10 by score", "pop first", "remove", "build")


def main(counts: list[str]) -> None:
    """Compile, then measure each size in a process of its own."""
    sources = Path(__file__).resolve().parents[2] / "src" / "redpoll"
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "redpoll" / "structures"
        package.mkdir(parents=True)
        for init in (package / "__init__.py", package.parent / "__init__.py"):
            init.touch()
        for name in STRUCTURES:
            shutil.copy(sources / "structures" / f"{name}.py", package)
        shutil.copy(__file__, Path(folder) / "btree_driver.py")
        modules = [*[f"redpoll/structures/{name}.py" for name in STRUCTURES], "btree_driver.py"]
        script = (
            "from setuptools import setup\nfrom mypyc.build import mypycify\n"
            f"setup(name='driver', packages=[], ext_modules=mypycify({modules!r}, opt_level='3'))\n"
        )
        (Path(folder) / "setup.py").write_text(script)
        subprocess.run([sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=folder, check=True)
        print(f"{'N':>10}" + "".join(f"{row:>12}" for row in (*ROWS, "B/entry RSS", "B/e told")), flush=True)
        for count in counts:
            run = "import sys, btree_driver; btree_driver.measure(int(sys.argv[1]))"
            subprocess.run([sys.executable, "-c", run, count], cwd=folder, check=True)


if __name__ == "__main__":
    main(sys.argv[1:] or ["100", "10000", "1000000"])
