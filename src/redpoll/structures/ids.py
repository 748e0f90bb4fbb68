"""Stream IDs: pairs of unsigned 64-bit numbers, kept as words of the machine and compared without a sign.

A number of 2^63 or more is the negative word with the same bits.  The usual numbers (times in ms, small counts) are
small words, and a pair fits into two columns.  `IdIndex` keeps such pairs in order: the first IDs of the blocks of a
stream, of a list of pending entries.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.columns import removed

GAP: Final[i64] = 32
"""So many dropped blocks at the front are kept as a gap; beyond that, as many as there are blocks after it."""


def word_of(number: int) -> i64:
    """The word of an unsigned number, 0 to 2^64-1."""
    return number - 18446744073709551616 if number > 9223372036854775807 else number


def number_of(word: i64) -> int:
    """The unsigned number of a word."""
    return int(word) + 18446744073709551616 if word < 0 else int(word)


def below(a: i64, b: i64) -> bool:
    """Whether `a` is the smaller one, both without a sign."""
    return a < b if (a ^ b) >= 0 else b < 0


def precedes(ms: i64, seq: i64, other_ms: i64, other_seq: i64) -> bool:
    """Whether the first ID comes before the other."""
    if ms != other_ms:
        return ms < other_ms if (ms ^ other_ms) >= 0 else other_ms < 0
    return seq < other_seq if (seq ^ other_seq) >= 0 else other_seq < 0


@mypyc_attr(acyclic=True)
class StreamId:
    """An ID on its own."""

    def __init__(self, ms: i64, seq: i64) -> None:
        self.ms: i64 = ms
        self.seq: i64 = seq

    def is_before(self, other: StreamId) -> bool:
        return precedes(self.ms, self.seq, other.ms, other.seq)

    def is_zero(self) -> bool:
        return self.ms == 0 and self.seq == 0

    def is_last(self) -> bool:
        """Whether no ID comes after it."""
        return self.ms == -1 and self.seq == -1

    def following(self) -> StreamId:
        """The next ID; of the last one, 0-0."""
        if self.seq != -1:
            return StreamId(self.ms, raised(self.seq))
        return StreamId(raised(self.ms), 0)

    def preceding(self) -> StreamId:
        """The ID before; of 0-0, the last one."""
        if self.seq != 0:
            return StreamId(self.ms, lowered(self.seq))
        return StreamId(lowered(self.ms), -1)


def raised(word: i64) -> i64:
    """The word of the number after; the greatest is followed by 0."""
    return word_of((number_of(word) + 1) & 0xFFFFFFFFFFFFFFFF)


def lowered(word: i64) -> i64:
    """The word of the number before; 0 is preceded by the greatest."""
    return word_of((number_of(word) - 1) & 0xFFFFFFFFFFFFFFFF)


def grown(column: vec[i64], room: i64) -> vec[i64]:
    """The column with room for this many values: doubling would waste up to a half."""
    made = vec[i64](capacity=room)
    i: i64 = 0
    count: i64 = len(column)
    while i < count:
        made = append(made, column[i])
        i += 1
    return made


def inserted(column: vec[i64], at: i64, value: i64) -> vec[i64]:
    """The column with one more value at `at`."""
    column = append(column, value)
    i: i64 = len(column) - 1
    while i > at:
        column[i] = column[i - 1]
        i -= 1
    column[at] = value
    return column


def from_on(column: vec[i64], start: i64, room: i64) -> vec[i64]:
    """The values from `start` on, with room for this many."""
    made = vec[i64](capacity=room)
    i = start
    count: i64 = len(column)
    while i < count:
        made = append(made, column[i])
        i += 1
    return made


@mypyc_attr(acyclic=True)
class IdIndex:
    """The first IDs of blocks, ascending, at positions `head` to before `stop`.

    The owner keeps further columns for the same positions, and asks when to make room or to close the gap.
    """

    def __init__(self) -> None:
        self.ms: vec[i64] = vec[i64]()
        self.seq: vec[i64] = vec[i64]()
        self.head: i64 = 0
        self.stop: i64 = 0
        self.room: i64 = 0

    def find(self, ms: i64, seq: i64) -> i64:
        """The position of the last block that begins at or before this ID, or `head` - 1.  O(log n)."""
        low = self.head
        high = self.stop
        firsts = self.ms
        while low < high:
            middle: i64 = (low + high) >> 1
            first = firsts[middle]
            if first != ms:
                after = ms < first if (ms ^ first) >= 0 else first < 0
            else:
                after = below(seq, self.seq[middle])
            if after:
                high = middle
            else:
                low = middle + 1
        return low - 1

    def is_full(self) -> bool:
        """Whether the columns must grow to `next_room` before one more block."""
        return self.stop == self.room

    def next_room(self) -> i64:
        return self.stop + 4 + (self.stop >> 3)

    def grow(self) -> None:
        """Make room for `next_room` blocks."""
        self.room = self.next_room()
        self.ms = grown(self.ms, self.room)
        self.seq = grown(self.seq, self.room)

    def insert(self, at: i64, ms: i64, seq: i64) -> None:
        """Insert a block that begins with this ID at position `at`.  There is room."""
        self.ms = inserted(self.ms, at, ms)
        self.seq = inserted(self.seq, at, seq)
        self.stop += 1

    def set(self, at: i64, ms: i64, seq: i64) -> None:
        """Change the first ID of the block at `at`."""
        firsts = self.ms
        firsts[at] = ms
        firsts = self.seq
        firsts[at] = seq

    def remove(self, at: i64) -> None:
        """Remove the block at `at`.

        Removing the first one leaves a gap.  O(1) for the first and the last, else O(n).
        """
        if at == self.head:
            self.head += 1
            return
        self.ms = removed(self.ms, at)
        self.seq = removed(self.seq, at)
        self.stop -= 1

    def has_gap(self) -> bool:
        """Whether the gap at the front is worth closing."""
        return self.head > GAP and self.head > self.stop >> 1

    def close_gap(self) -> i64:
        """Move everything to the front; return how many positions it moved."""
        moved = self.head
        self.room = self.stop - moved + 4
        self.ms = from_on(self.ms, moved, self.room)
        self.seq = from_on(self.seq, moved, self.room)
        self.head = 0
        self.stop -= moved
        return moved

    def take(self, other: IdIndex) -> None:
        """Take over the blocks of another index, without its gap.  O(blocks)."""
        self.head = 0
        self.stop = other.stop - other.head
        self.room = self.stop
        self.ms = from_on(other.ms, other.head, self.room)
        self.seq = from_on(other.seq, other.head, self.room)


ID_BYTES: Final[i64] = 16


def common_bytes(ms: i64, seq: i64, other_ms: i64, other_seq: i64) -> i64:
    """How many bytes two different IDs have in common at their start, as 16 bytes, high ones first."""
    found: i64 = 0
    if ms == other_ms:
        found = 8
        ms = seq
        other_ms = other_seq
    shift: i64 = 56
    while (ms >> shift) & 255 == (other_ms >> shift) & 255:
        found += 1
        shift -= 8
    return found


def radix_nodes(ms: vec[i64], seq: vec[i64], start: i64, stop: i64) -> i64:
    """The number of nodes of a compressed radix tree of these ascending IDs, as 16 bytes each.  O(n).

    A leaf for each ID, a node for each place where IDs part, and one for each stretch of bytes between such places.
    `depths` has the branching places on the path to the last ID, as numbers of bytes before them.
    """
    if start == stop:
        return 1
    nodes: i64 = stop - start
    depths = vec[i64](capacity=ID_BYTES)
    height: i64 = 0
    before: i64 = -1
    i = start
    while i < stop:
        after: i64 = -1
        if i + 1 < stop:
            after = common_bytes(ms[i], seq[i], ms[i + 1], seq[i + 1])
        parting: i64 = after if after > before else before
        if parting + 1 < ID_BYTES:
            nodes += 1
        while height > 0 and depths[height - 1] > after:
            # No further ID branches there.
            depth = depths[height - 1]
            height -= 1
            above: i64 = depths[height - 1] if height > 0 else i64(-1)
            if after > above:
                above = after
            nodes += 1
            if depth > above + 1:
                nodes += 1
        if after >= 0 and (height == 0 or depths[height - 1] < after):
            if height < len(depths):
                depths[height] = after
            else:
                depths = append(depths, after)
            height += 1
        before = after
        i += 1
    return nodes
