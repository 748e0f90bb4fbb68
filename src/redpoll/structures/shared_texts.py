"""The order of a large sorted set whose long members are stored once, in the table of members.

A leaf has a *reference* in place of a long member:

    record = 0x80 0x00 | score (`scores.py`) | hash of the member, 4 bytes

The first two bytes would be a length of 0 in two bytes, which no other record has.  The table has the text: the hash
leads to its bucket, and there at most one record of this hash is REFERRED.  A second member of the same hash stands in
its leaf as it is.  So the form of a member in its leaf follows from the kind of its record in the table.

Texts are read where scores are equal, and where clients see members: the leaves of a span are written out in full.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i16_be, read_i32_be, write_i32_be
from librt.vecs import append, vec
from mypy_extensions import i32, i64, mypyc_attr, u8

from redpoll.scratch import SHARED
from redpoll.structures import ranked
from redpoll.structures.btree import FANOUT, LEAF_BYTES, BTree
from redpoll.structures.packed import without
from redpoll.structures.ranked import (
    BYTE,
    FIRST_SHIFT,
    FOUR_BYTE_SCORE,
    LENGTH_SHIFT,
    REFERENCE_BYTES,
    SHORT,
    WHOLE_BITS,
    Span,
    compare,
    difference,
    last_record,
    member_start,
    record_end,
    score_of,
    score_start,
)
from redpoll.structures.scores import packed, to_whole, write_packed
from redpoll.structures.segment import (
    HASH_SHIFT,
    KIND_MASK,
    KIND_SHIFT,
    LENGTH_MASK,
    OUTSIDE,
    SEGMENT_BITS,
    SEGMENT_MASK,
)
from redpoll.structures.table import Table

LONG: Final[i64] = 32
"""Members of at least this many bytes are stored once: a shorter one is not worth the look-up of its text."""
REFERRED: Final[i64] = 1
"""The kind of a record whose member is a reference in its leaf."""

MARK: Final[i64] = -32768
"""The first two bytes of a reference, as a big-endian number."""

_scratch: Final = BytesWriter()


def kind_for(table: Table, member: bytes) -> i64:
    """The kind of the record of a new `member`, after `find` found none: REFERRED if it is long and no other member of
    its hash is."""
    if len(member) < LONG:
        return 0
    h = table.hash
    for word in table.segment.words[table.j]:
        if word >> HASH_SHIFT == h and (word >> KIND_SHIFT) & KIND_MASK == REFERRED:
            return 0
    return REFERRED


def text_of(table: Table, h: i64) -> bytes:
    """The member whose record has this hash and is REFERRED.  The position does not change.  O(1)."""
    b: i64 = h & table.low
    if b < table.split:
        b = h & table.high
    segment = table.segments[b >> SEGMENT_BITS]
    j: i64 = b & SEGMENT_MASK
    offset: i64 = 0
    i: i64 = 0
    for word in segment.words[j]:
        if word >> HASH_SHIFT == h and (word >> KIND_SHIFT) & KIND_MASK == REFERRED:
            blob = segment.blobs[j]
            length: i64 = blob[offset]
            if length == 0 and word & OUTSIDE != 0:
                return table.object_of(segment, j, i).key
            return blob[offset + 1 : offset + 1 + length]
        offset += word & LENGTH_MASK
        i += 1  # noqa: SIM113  (`enumerate` counts in objects)
    raise AssertionError("a reference without a member")


def is_reference(leaf: bytes, at: i64) -> bool:
    """Whether the record at `at` is a reference."""
    return i64(read_i16_be(leaf, at)) == MARK


def reference(score: float, h: i64) -> bytes:
    """The reference of a member with this hash."""
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    out.append(u8(128))
    out.append(u8(0))
    write_packed(out, score)
    write_i32_be(out, i32(h))
    return out.getvalue()


def member_at(leaf: bytes, at: i64, texts: Table) -> bytes:
    """The member of the record at `at`."""
    if is_reference(leaf, at):
        return text_of(texts, i64(read_i32_be(leaf, record_end(leaf, at) - REFERENCE_BYTES)))
    return ranked.member_at(leaf, at)


def seek(leaf: bytes, score: float, member: bytes, texts: Table) -> tuple[i64, i64]:
    """`ranked.seek` in a whole leaf.  O(leaf + log n texts of members with the same score)."""
    whole = to_whole(score)
    stop: i64 = len(leaf)
    safe = stop - 4
    at: i64 = 0
    rank: i64 = 0
    ties = vec[i64]()
    while at < stop:
        # Behind its first byte, a reference is like a record of a member of no bytes, with a hash after it.
        head = at
        end: i64 = 0
        if i64(read_i16_be(leaf, at)) == MARK:
            head += 1
            end = REFERENCE_BYTES
        word: i64 = -1
        if head <= safe:
            word = i64(read_i32_be(leaf, head))
        first = word >> FIRST_SHIFT & BYTE
        if word >= 0 and first < FOUR_BYTE_SCORE:
            more = first >> 5
            n = (word & WHOLE_BITS) >> (FIRST_SHIFT - (more << 3))
            end += head + 2 + more + (word >> LENGTH_SHIFT)
            order = n - whole if whole >= 0 else difference(float(n), score)
        else:
            end = record_end(leaf, at)
            order = difference(score_of(leaf, at), score)
        if order > 0:
            break
        if order == 0:
            ties = append(ties, at)
        else:
            rank += 1
        at = end
    low: i64 = 0
    high: i64 = len(ties)
    while low < high:
        middle = (low + high) >> 1
        text = member_at(leaf, ties[middle], texts)
        order = compare(text, 0, len(text), member)
        if order == 0:
            return ties[middle], rank + middle
        if order < 0:
            low = middle + 1
        else:
            high = middle
    if low < len(ties):
        at = ties[low]
    return -1 - at, rank + low


def with_score(leaf: bytes, at: i64, score: float, member: bytes, texts: Table) -> bytes:
    """`ranked.with_score`: the record keeps its form."""
    end = record_end(leaf, at)
    data = b"%b%b%b" % (leaf[at : score_start(leaf, at)], packed(score), leaf[member_start(leaf, at) : end])
    rest = without(leaf, at, end)
    to, _ = seek(rest, score, member, texts)
    if to < 0:
        to = -1 - to
    return b"%b%b%b" % (rest[:to], data, rest[to:])


def boundary(left: bytes, right: bytes, texts: Table) -> bytes:
    """`ranked.boundary`."""
    at = last_record(left, 0, len(left))
    if score_of(left, at) < score_of(right, 0):
        return b""
    return ranked.divider(member_at(left, at, texts), member_at(right, 0, texts))


def written_out(leaf: bytes, start: i64, stop: i64, texts: Table) -> bytes:
    """The records from `start` to before `stop`, with members in place of references."""
    out = BytesWriter()
    kept_from = start
    at = start
    while at < stop:
        end = record_end(leaf, at)
        if is_reference(leaf, at):
            text = text_of(texts, i64(read_i32_be(leaf, end - REFERENCE_BYTES)))
            out.write(leaf[kept_from:at])
            size: i64 = len(text)
            while size >= SHORT:
                out.append(u8(size & 127 | 128))
                size >>= 7
            out.append(u8(size))
            out.write(leaf[at + 2 : end - REFERENCE_BYTES])
            out.write(text)
            kept_from = end
        at = end
    if kept_from == start:
        return leaf if stop - start == len(leaf) else leaf[start:stop]
    out.write(leaf[kept_from:stop])
    return out.getvalue()


@mypyc_attr(acyclic=True)
class SharedBTree(BTree):
    """A tree whose long members are in `texts`, the table of its members.

    `insert` and `move` need the table to be at the position of the member.  A member leaves the tree before it leaves
    the table.  A tree without long members works as any other.
    """

    def __init__(self, texts: Table, leaf_bytes: i64 = LEAF_BYTES, fanout: i64 = FANOUT) -> None:
        super().__init__(leaf_bytes, fanout)
        self.texts: Final = texts
        self.refers = False
        """Whether a leaf may have a reference."""

    def copied_beside(self, texts: Table) -> SharedBTree:
        """A copy of the tree for a copy of its table.  O(nodes)."""
        made = SharedBTree(texts, self.leaf_bytes, self.fanout)
        made.refers = self.refers
        self.copy_to(made)
        return made

    def new_record(self, score: float, member: bytes) -> bytes:
        texts = self.texts
        if len(member) < LONG or texts.kind() != REFERRED:
            return ranked.record(score, member)
        self.refers = True
        return reference(score, texts.hash)

    def loaded_record(self, score: float, member: bytes) -> bytes:
        if len(member) >= LONG:
            self.texts.find(member)
        return self.new_record(score, member)

    def seek(self, leaf: bytes, score: float, member: bytes) -> tuple[i64, i64]:
        if self.refers:
            return seek(leaf, score, member, self.texts)
        return ranked.seek(leaf, 0, len(leaf), score, member)

    def member_in(self, leaf: bytes, at: i64) -> bytes:
        return member_at(leaf, at, self.texts)

    def rescored(self, leaf: bytes, at: i64, score: float, member: bytes) -> bytes:
        if self.refers:
            return with_score(leaf, at, score, member, self.texts)
        return ranked.with_score(leaf, at, score, member)

    def boundary(self, left: bytes, right: bytes) -> bytes:
        return boundary(left, right, self.texts)

    def readable(self, span: Span) -> Span:
        if self.refers:
            count: i64 = len(span.blobs)
            k: i64 = 0
            while k < count:
                span.blobs[k] = written_out(span.blobs[k], span.begin(k), span.end(k), self.texts)
                k += 1
            span.start = 0
            if count > 0:
                span.stop = len(span.blobs[count - 1])
        return span

    def readable_leaf(self, leaf: bytes) -> bytes:
        return written_out(leaf, 0, len(leaf), self.texts)
