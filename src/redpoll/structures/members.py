"""Tables of members: those of large sets are keys alone, those of large sorted sets have a packed score as value."""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from redpoll.structures.packed import equal_parts
from redpoll.structures.scores import packed, score_at
from redpoll.structures.segment import (
    HASH_SHIFT,
    KEY_LIMIT,
    LENGTH_MASK,
    OUTSIDE,
    SEGMENT_BITS,
    SEGMENT_MASK,
    Outside,
    Segment,
)
from redpoll.structures.table import Table
from redpoll.structures.table_walk import Records


@mypyc_attr(acyclic=True)
class LongMember(Outside):
    """Holds a member that is longer than the key of a record may be."""

    def __init__(self, score: float = 0.0) -> None:
        super().__init__()
        self.score = score
        """In a sorted set."""

    def size_bytes(self) -> i64:
        return len(self.key) + 88

    def copy(self) -> Outside:
        return LongMember(self.score)

    def is_light(self) -> bool:
        return True


def insert_member(table: Table, member: bytes) -> None:
    """Add a member after `find` found none."""
    if len(member) <= KEY_LIMIT:
        table.insert(member, b"", 0)
    else:
        table.insert_outside(member, LongMember(), 0)


def insert_scored(table: Table, member: bytes, score: float, kind: i64) -> None:
    """Add a member with a score after `find` found none.  The kind is 0 or REFERRED (`shared_texts.py`)."""
    if len(member) <= KEY_LIMIT:
        table.insert(member, packed(score), kind)
    else:
        table.insert_outside(member, LongMember(score), kind)


def found_score(table: Table) -> float:
    """The score of the member at the table's position."""
    if table.is_outside():
        return _long_member(table).score
    return score_at(table.blob(), table.value_start())


def set_score(table: Table, score: float) -> None:
    """Give the member at the table's position another score."""
    if table.is_outside():
        table.keep_bucket()
        _long_member(table).score = score
    else:
        table.replace(packed(score), table.kind())


def recorded_score(records: Records, n: i64) -> float:
    """The score of record `n` of a walk, with values, over a table of members with scores."""
    outside = records.objects[n]
    if outside is None:
        return score_at(records.values[n], 0)
    assert isinstance(outside, LongMember)
    return outside.score


def _long_member(table: Table) -> LongMember:
    found = table.object()
    assert isinstance(found, LongMember)
    return found


def holds_part(table: Table, hash: i64, blob: bytes, start: i64, length: i64) -> bool:
    """Whether `length` bytes of `blob` from `start` are a member: `find` without a copy, for callers that know the
    hash.

    The position does not change, except for members outside and the empty member.
    """
    if length > KEY_LIMIT or length == 0:
        return table.find(blob[start : start + length])
    b: i64 = hash & table.low
    if b < table.split:
        b = hash & table.high
    segment = table.segments[b >> SEGMENT_BITS]
    j: i64 = b & SEGMENT_MASK
    offset: i64 = 0
    for word in segment.words[j]:
        if word >> HASH_SHIFT == hash:
            theirs = segment.blobs[j]
            if theirs[offset] == length and equal_parts(theirs, offset + 1, blob, start, length):
                return True
        offset += word & LENGTH_MASK
    return False


def add_pieces(table: Table, packed: list[bytes], whole: list[bytes]) -> None:
    """Add all members to the lists: records of buckets, `[length][member]...`, to `packed`, long members to `whole`.

    O(buckets).  Only buckets with long members are copied.
    """
    for segment in table.segments:
        objects: i64 = len(segment.objects)
        j: i64 = 0
        count: i64 = len(segment.words)
        while j < count:
            if j < objects and len(segment.objects[j]) > 0:
                _add_each(table, segment, j, whole)
            elif len(segment.blobs[j]) > 0:
                packed.append(segment.blobs[j])
            j += 1


def _add_each(table: Table, segment: Segment, j: i64, whole: list[bytes]) -> None:
    blob = segment.blobs[j]
    offset: i64 = 0
    i: i64 = 0
    for word in segment.words[j]:
        if word & OUTSIDE != 0:
            whole.append(table.object_of(segment, j, i).key)
        else:
            whole.append(blob[offset + 1 : offset + (word & LENGTH_MASK)])
        offset += word & LENGTH_MASK
        i += 1  # noqa: SIM113  (`enumerate` counts in objects)


@mypyc_attr(acyclic=True)
class MemberWalk:
    """Iterates over the members of a table, bucket by bucket.  The table must not change meanwhile.

    After each `step` the member is `blob[start:stop]`, with its hash in `hash`.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.bucket: i64 = 0
        self.segment: Segment = table.segments[0]
        self.j: i64 = 0
        self.index: i64 = -1
        self.offset: i64 = 0
        self.records: bytes = self.segment.blobs[0]
        self.blob: bytes = b""
        self.start: i64 = 0
        self.stop: i64 = 0
        self.hash: i64 = 0

    def step(self) -> bool:
        """Go to the next member; False at the end."""
        self.index += 1
        words = self.segment.words[self.j]
        count: i64 = len(words)
        while self.index >= count:
            self.bucket += 1
            if self.bucket >= self.table.buckets:
                return False
            self.segment = self.table.segments[self.bucket >> SEGMENT_BITS]
            self.j = self.bucket & SEGMENT_MASK
            self.index = 0
            self.offset = 0
            words = self.segment.words[self.j]
            self.records = self.segment.blobs[self.j]
            count = len(words)
        word: i64 = words[self.index]
        self.hash = word >> HASH_SHIFT
        if word & OUTSIDE != 0:
            self.blob = self.table.object_of(self.segment, self.j, self.index).key
            self.start = 0
            self.stop = len(self.blob)
        else:
            self.blob = self.records
            self.start = self.offset + 1
            self.stop = self.offset + (word & LENGTH_MASK)
        self.offset += word & LENGTH_MASK
        return True
