"""The nodes in which the reference would store a list: the number of elements and bytes of each.

OBJECT ENCODING depends on them: a `quicklist` turns into a `listpack` again when one node is left that is less than
half full.  DEBUG OBJECT counts them.  Therefore they are recorded here, without the elements.

A node is a listpack of up to `most_bytes` and `most_count` elements, or *plain*: one large element (its size is then
kept as a negative number).  While the whole list is a listpack, there is one node without limits.

- A push joins the node at its end, if there is room, or begins one.
- An insertion goes into its node.  If there is no room, it goes to the end of a neighbour that it touches, or into a
  node of its own if it would be first or last.  Otherwise the node is split before or after the pivot.
- Neighbours of a split are joined if they fit into one node.  Nothing else joins nodes.

Source: observed on the live server by the nodes in its DUMP; tests/differential/test_lists.py compares them.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, extend, pop, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.chunks import Chunks
from redpoll.types.listpack import FRAME_BYTES, entry_bytes

UNLIMITED: Final[i64] = 1 << 60
SAFE_BYTES: Final[i64] = 8192
"""The limit in bytes where `list-max-listpack-size` is one of elements."""
MOST_COUNT: Final[i64] = 32767
LARGEST: Final[i64] = -5
"""Values beyond these two act like them."""
BYTES_OF_SIZE: Final[list[int]] = [0, 4096, 8192, 16384, 32768, 65536]
"""The bytes for the sizes -1 to -5."""

ENTRY_BYTES: Final[i64] = 8
"""The space that a node needs besides the bytes of a new element."""


class PlainFrom:
    """DEBUG QUICKLIST-PACKED-THRESHOLD: the least bytes of an element with a plain node; 0 for the usual limits.

    Shared by all lists of this process.
    """

    def __init__(self) -> None:
        self.bytes: i64 = 0


PLAIN_FROM: Final = PlainFrom()


def bytes_between(chunks: Chunks, start: i64, stop: i64) -> i64:
    """The bytes of the elements from index `start` to before `stop` in a listpack.  O(elements)."""
    if start >= stop:
        return 0
    items: list[bytes] = []
    chunks.slice(start, stop, items)
    total: i64 = 0
    for item in items:
        total += entry_bytes(item)
    return total


def exceeds(limit: i64, count: i64, size: i64, more_count: i64, more_size: i64) -> bool:
    """Whether a listpack of `count` elements and `size` bytes becomes a quicklist before `more_size` bytes are added.

    `limit` is `list-max-listpack-size`, `more_size` the plain length of the new elements.
    """
    if limit < 0:
        return size + more_size > most_bytes_of(limit)
    return count + more_count > (limit if limit > 0 else 1) or size + more_size > SAFE_BYTES


def most_bytes_of(limit: i64) -> i64:
    """The bytes of a node that a negative `list-max-listpack-size` allows."""
    return BYTES_OF_SIZE[-limit if limit > LARGEST else -LARGEST]


@mypyc_attr(acyclic=True)
class Nodes:
    """See the module's docstring.  Methods with a parameter `chunks` need the list as it is before the change."""

    def __init__(self) -> None:
        self.counts: vec[i64] = vec[i64]()
        self.sizes: vec[i64] = vec[i64]()
        self.low: i64 = 0
        """The index of the first node.  Cells before it are free."""
        self.limit: i64 = 0
        self.compressed = False
        """Whether the reference would compress nodes, for DEBUG OBJECT.  Nothing is compressed here."""
        self.most_bytes: i64 = UNLIMITED
        self.most_count: i64 = UNLIMITED
        # The result of `_locate`.
        self.node: i64 = 0
        self.first: i64 = 0

    def number(self) -> i64:
        """How many nodes there are."""
        return len(self.counts) - self.low

    def become_one(self, count: i64, size: i64) -> None:
        """Become one node with this many elements and bytes."""
        self.counts = append(vec[i64](capacity=2), count)
        self.sizes = append(vec[i64](capacity=2), size)
        self.low = 0

    def lift_limits(self) -> None:
        """Remove the limits of the only node: the list is a listpack."""
        self.most_bytes = UNLIMITED
        self.most_count = UNLIMITED

    def set_limit(self, limit: i64, compressed: bool) -> None:
        """Apply this `list-max-listpack-size` from now on.  Existing nodes stay as they are."""
        if limit > MOST_COUNT:
            limit = MOST_COUNT
        elif limit < LARGEST:
            limit = LARGEST
        self.limit = limit
        self.compressed = compressed
        if limit < 0:
            self.most_bytes = most_bytes_of(limit)
            self.most_count = UNLIMITED
        else:
            self.most_bytes = SAFE_BYTES
            self.most_count = limit if limit > 0 else i64(1)

    def is_large(self, length: i64) -> bool:
        """Whether an element of this many bytes gets a plain node."""
        if self.most_bytes == UNLIMITED:
            return False
        if PLAIN_FROM.bytes > 0:
            return length >= PLAIN_FROM.bytes
        return length > self.most_bytes

    def _has_room(self, k: i64, length: i64) -> bool:
        """Whether an element of this many bytes, which is not large, fits into node `k`."""
        size = self.sizes[k]
        return size >= 0 and size + length + ENTRY_BYTES <= self.most_bytes and self.counts[k] < self.most_count

    def total_bytes(self) -> i64:
        """The bytes of all nodes."""
        total: i64 = 0
        k = self.low
        while k < len(self.sizes):
            total += self.sizes[k] if self.sizes[k] >= 0 else -self.sizes[k]
            k += 1
        return total

    def each_size(self) -> list[int]:
        """The bytes of each node."""
        return [abs(int(self.sizes[k])) for k in range(self.low, len(self.sizes))]

    def shrinks(self, limit: i64, part: i64) -> bool:
        """Whether the only node takes at most 1/`part` of `list-max-listpack-size`, so that it fits a listpack."""
        if self.number() != 1 or self.sizes[self.low] < 0:
            return False
        if limit < 0:
            return self.sizes[self.low] <= most_bytes_of(limit) // part
        return self.counts[self.low] <= (limit if limit > 0 else 1) // part

    # Ends.

    def push(self, item: bytes, front: bool) -> None:
        """Record a push of an element before the first or after the last one."""
        length: i64 = len(item)
        last: i64 = len(self.counts) - 1
        large = self.is_large(length)
        if not large and last >= self.low:
            k = self.low if front else last
            if self._has_room(k, length):
                self.counts[k] += 1
                self.sizes[k] += entry_bytes(item)
                return
        size = -length if large else FRAME_BYTES + entry_bytes(item)
        if front:
            if self.low == 0:
                self._make_room()
            self.low -= 1
            self.counts[self.low] = 1
            self.sizes[self.low] = size
        else:
            self.counts = append(self.counts, 1)
            self.sizes = append(self.sizes, size)

    def _make_room(self) -> None:
        """Move the nodes back, to make room before them."""
        number: i64 = len(self.counts)
        room = (number >> 1) + 2
        counts = vec[i64](capacity=room + number)
        sizes = vec[i64](capacity=room + number)
        for _ in range(room):
            counts = append(counts, 0)
            sizes = append(sizes, 0)
        self.counts = extend(counts, self.counts)
        self.sizes = extend(sizes, self.sizes)
        self.low = room

    def popped(self, item: bytes, front: bool) -> None:
        """Record that the first or the last element was removed."""
        k = self.low if front else len(self.counts) - 1
        if self.counts[k] == 1:
            self._drop_end(front)
        else:
            self.counts[k] -= 1
            self.sizes[k] -= entry_bytes(item)

    def _drop_end(self, front: bool) -> None:
        """Drop the first or the last node, which is empty."""
        if front:
            self.low += 1
            if self.low > self.number() + 64:
                number = self.number()
                counts = vec[i64](capacity=number + 2)
                sizes = vec[i64](capacity=number + 2)
                self.counts = extend(counts, self.counts[self.low :])
                self.sizes = extend(sizes, self.sizes[self.low :])
                self.low = 0
        else:
            self.counts, _ = pop(self.counts)
            self.sizes, _ = pop(self.sizes)

    def keep(self, chunks: Chunks, start: i64, stop: i64) -> None:
        """Record that only the elements from index `start` to before `stop` remain."""
        behind = chunks.count - stop
        while behind > 0:
            last: i64 = len(self.counts) - 1
            number = self.counts[last]
            if number <= behind:
                self._drop_end(False)
                behind -= number
            else:
                self._take_from(last, behind, bytes_between(chunks, stop, stop + behind))
                behind = 0
        before = start
        while before > 0:
            number = self.counts[self.low]
            if number <= before:
                self._drop_end(True)
                before -= number
            else:
                self._take_from(self.low, before, bytes_between(chunks, start - before, start))
                before = 0

    def _take_from(self, k: i64, count: i64, size: i64) -> None:
        self.counts[k] -= count
        self.sizes[k] -= size

    # Anywhere.

    def _locate(self, index: i64, count: i64) -> None:
        """Find the `node` of the element at `index` of `count`, and the index of that node's `first`.

        O(nodes) from the nearer end.
        """
        if index < count >> 1:
            k = self.low
            first: i64 = 0
            while index >= first + self.counts[k]:
                first += self.counts[k]
                k += 1
        else:
            k = len(self.counts) - 1
            first = count - self.counts[k]
            while index < first:
                k -= 1
                first -= self.counts[k]
        self.node = k
        self.first = first

    def insert(self, chunks: Chunks, index: i64, after: bool, item: bytes) -> None:
        """Record the insertion of an element before or after the one at `index`."""
        self._locate(index, chunks.count)
        k = self.node
        length: i64 = len(item)
        large = self.is_large(length)
        if not large and self._has_room(k, length):
            self._add_to(k, item)
            return
        is_first = not after and index == self.first
        is_last = after and index == self.first + self.counts[k] - 1
        if not large:
            if is_last and k + 1 < len(self.counts) and self._has_room(k + 1, length):
                self._add_to(k + 1, item)
                return
            if is_first and k > self.low and self._has_room(k - 1, length):
                self._add_to(k - 1, item)
                return
        if is_first or is_last or self.sizes[k] < 0:
            self._put_node(k + 1 if after else k, 1, -length if large else FRAME_BYTES + entry_bytes(item))
            return
        self._split(chunks, k, index + 1 if after else index)
        if large:
            self._put_node(k + 1, 1, -length)
        elif after:
            self._add_to(k + 1, item)
            self._join_around(k)
        else:
            self._add_to(k, item)
            self._join_around(k + 1)

    def _add_to(self, k: i64, item: bytes) -> None:
        self.counts[k] += 1
        self.sizes[k] += entry_bytes(item)

    def _split(self, chunks: Chunks, k: i64, index: i64) -> None:
        """Split node `k`, which `_locate` has found, before the element at `index`, which is not its first."""
        count = index - self.first
        size = bytes_between(chunks, self.first, index)
        behind = self.counts[k] - count
        self._put_node(k + 1, behind, self.sizes[k] - size)
        self._take_from(k, behind, self.sizes[k] - size - FRAME_BYTES)

    def _put_node(self, k: i64, count: i64, size: i64) -> None:
        """Insert a node at index `k`."""
        self.counts = _inserted(self.counts, k, count)
        self.sizes = _inserted(self.sizes, k, size)

    def _drop_node(self, k: i64) -> None:
        last: i64 = len(self.counts) - 1
        while k < last:
            self.counts[k] = self.counts[k + 1]
            self.sizes[k] = self.sizes[k + 1]
            k += 1
        self.counts, _ = pop(self.counts)
        self.sizes, _ = pop(self.sizes)

    def _join_around(self, k: i64) -> None:
        """Join the two nodes before `k`, the two after it, then `k` with either, if they fit into one node."""
        if k - 2 >= self.low and self._join(k - 2):
            k -= 1
        if k + 2 < len(self.counts):
            self._join(k + 1)
        if k - 1 >= self.low and self._join(k - 1):
            k -= 1
        if k + 1 < len(self.counts):
            self._join(k)

    def _join(self, k: i64) -> bool:
        """Join node `k` and the next one, if they fit into one."""
        size = self.sizes[k]
        other = self.sizes[k + 1]
        if size < 0 or other < 0:
            return False
        size += other - FRAME_BYTES
        count = self.counts[k] + self.counts[k + 1]
        if size > self.most_bytes or count > self.most_count:
            return False
        self.sizes[k] = size
        self.counts[k] = count
        self._drop_node(k + 1)
        return True

    def set(self, chunks: Chunks, index: i64, item: bytes) -> None:
        """Record the replacement of the element at `index`."""
        self._locate(index, chunks.count)
        k = self.node
        length: i64 = len(item)
        large = self.is_large(length)
        if large and self.counts[k] == 1:
            self.sizes[k] = -length
        elif large:
            self._set_large(chunks, k, index, length)
        elif self.sizes[k] >= 0:
            self.sizes[k] += entry_bytes(item) - entry_bytes(chunks.get(index))
        else:
            # The new element is inserted after the large one, which is then removed.
            self.insert(chunks, index, True, item)
            self._drop_node(k)

    def _set_large(self, chunks: Chunks, k: i64, index: i64, length: i64) -> None:
        """Record that a large element replaces one in a node of several."""
        if index > self.first:
            self._split(chunks, k, index)
            k += 1
        self._put_node(k, 1, -length)
        if self.counts[k + 1] == 1:
            self._drop_node(k + 1)
        else:
            self._take_from(k + 1, 1, entry_bytes(chunks.get(index)))
        if index > self.first:
            self._join_around(k)

    def remove(self, gone: vec[i64], item: bytes) -> None:
        """Record the removal of equal elements at these ascending indexes.  O(nodes + elements removed)."""
        size = entry_bytes(item)
        number: i64 = len(gone)
        k = self.low
        kept = k
        first: i64 = 0
        n: i64 = 0
        while k < len(self.counts):
            count = self.counts[k]
            left = count
            while n < number and gone[n] < first + count:
                left -= 1
                n += 1
            if left > 0:
                self.sizes[kept] = self.sizes[k] - (count - left) * size
                self.counts[kept] = left
                kept += 1
            first += count
            k += 1
        while len(self.counts) > kept:
            self.counts, _ = pop(self.counts)
            self.sizes, _ = pop(self.sizes)

    # As a whole.

    def size_bytes(self) -> i64:
        """Memory held, in bytes.  O(1)."""
        return 144 + len(self.counts) * 16

    def copy(self) -> Nodes:
        """A copy with the same nodes.  O(nodes)."""
        made = Nodes()
        made.counts = extend(vec[i64](capacity=len(self.counts)), self.counts)
        made.sizes = extend(vec[i64](capacity=len(self.sizes)), self.sizes)
        made.low = self.low
        made.limit = self.limit
        made.compressed = self.compressed
        made.most_bytes = self.most_bytes
        made.most_count = self.most_count
        return made


def _inserted(column: vec[i64], k: i64, value: i64) -> vec[i64]:
    """The column with a cell inserted at index `k`."""
    last: i64 = len(column)
    column = append(column, value)
    while last > k:
        column[last] = column[last - 1]
        last -= 1
    column[k] = value
    return column
