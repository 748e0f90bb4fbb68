"""Walking over a Table: bucket by bucket with a cursor, and to the expired records."""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.deadlines import earliest_at
from redpoll.structures.segment import (
    HASH_BITS,
    HASH_MASK,
    KIND_MASK,
    KIND_SHIFT,
    LENGTH_MASK,
    NEVER,
    OUTSIDE,
    SEGMENT_BITS,
    SEGMENT_MASK,
    VOLATILE_KIND,
    Outside,
    Segment,
)
from redpoll.structures.table import Table


@mypyc_attr(acyclic=True)
class Records:
    """The records that a walk over buckets found, in columns.  `values` of outside records are empty."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.values: list[bytes] = []
        self.words: vec[i64] = vec[i64]()
        self.deadlines: vec[i64] = vec[i64]()
        self.objects: list[Outside | None] = []


def scan(table: Table, cursor: i64, found: Records, values: bool = False) -> i64:
    """Add the records of the bucket at `cursor` to `found`; return the next cursor, 0 after the last.

    A cursor is a position in bit-reversed hash order, so it stays valid while the table grows and shrinks: a key that
    exists all the time is returned.  O(records of a bucket).
    """
    h = reversed_bits(cursor)
    b: i64 = h & table.low
    width: i64 = (1 << HASH_BITS) // (table.low + 1)
    if b < table.split:
        b = h & table.high
        width >>= 1
    read_bucket(table, b, found, values)
    following: i64 = (cursor | (width - 1)) + 1
    return following & HASH_MASK


def read_bucket(table: Table, b: i64, found: Records, values: bool = False) -> None:
    """Add bucket `b`'s records to `found`."""
    segment = table.segments[b >> SEGMENT_BITS]
    j: i64 = b & SEGMENT_MASK
    words = segment.words[j]
    blob = segment.blobs[j]
    timed = len(segment.deadlines) > 0 and len(segment.deadlines[j]) > 0
    count: i64 = len(words)
    i: i64 = 0
    offset: i64 = 0
    while i < count:
        word: i64 = words[i]
        length: i64 = blob[offset]
        start: i64 = offset + 1 + length
        offset += word & LENGTH_MASK
        if word & OUTSIDE != 0:
            outside = table.object_of(segment, j, i)
            long_key = outside.key
            found.keys.append(long_key if len(long_key) > 0 else blob[start - length : start])
            found.objects.append(outside)
        else:
            found.keys.append(blob[start - length : start])
            found.objects.append(None)
        if values:
            found.values.append(blob[start:offset])
        found.words = append(found.words, word)
        found.deadlines = append(found.deadlines, segment.deadlines[j][i] if timed else i64(0))
        i += 1


def due(table: Table, now_ms: i64, most: i64, keys: list[bytes]) -> None:
    """Add up to about `most` keys whose deadline is not after `now_ms` to `keys`.

    Reads one number for each segment, and one for each bucket of a segment that is due.  A pass over a million keys
    with deadlines, none of them due, takes some microseconds.
    """
    if table.volatile == 0:
        return
    for segment in table.segments:
        if segment.first > now_ms:
            continue
        j: i64 = 0
        count: i64 = len(segment.earliest)
        while j < count:
            if segment.earliest[j] <= now_ms:
                _due_in(table, segment, j, now_ms, keys)
                if len(keys) >= most:
                    return
            j += 1
        segment.note_first()


def past_count(table: Table, now_ms: i64) -> i64:
    """How many records have a deadline that is not after `now_ms`.  O(segments, and the buckets that have one)."""
    found: i64 = 0
    for segment in table.segments:
        if segment.first <= now_ms:
            j: i64 = 0
            count: i64 = len(segment.earliest)
            while j < count:
                if segment.earliest[j] <= now_ms:
                    for at_ms in segment.deadlines[j]:
                        found += int(at_ms != 0 and at_ms <= now_ms)
                j += 1
    return found


def _due_in(table: Table, segment: Segment, j: i64, now_ms: i64, keys: list[bytes]) -> None:
    words = segment.words[j]
    column = segment.deadlines[j]
    blob = segment.blobs[j]
    offset: i64 = 0
    i: i64 = 0
    count: i64 = len(column)
    while i < count:
        if column[i] != 0 and column[i] <= now_ms:
            length: i64 = blob[offset]
            key = blob[offset + 1 : offset + 1 + length]
            if length == 0 and words[i] & OUTSIDE != 0:
                key = table.object_of(segment, j, i).key
            keys.append(key)
        offset += words[i] & LENGTH_MASK
        i += 1


def due_within(table: Table, now_ms: i64, most: i64, keys: list[bytes]) -> None:
    """Add up to about `most` keys whose values have a deadline of their own that is not after `now_ms` to `keys`.

    O(segments, and the records of the buckets that may have one).
    """
    if table.volatile_items == 0:
        return
    for segment in table.segments:
        if segment.items_first > now_ms:
            continue
        j: i64 = 0
        count: i64 = len(segment.items_earliest)
        while j < count:
            if segment.items_earliest[j] <= now_ms:
                _due_within_bucket(table, segment, j, now_ms, keys)
                if len(keys) >= most:
                    return
            j += 1
        segment.note_items_first()


def _due_within_bucket(table: Table, segment: Segment, j: i64, now_ms: i64, keys: list[bytes]) -> None:
    """`due_within` for one bucket.  Updates the bucket's earliest deadline within values."""
    words = segment.words[j]
    blob = segment.blobs[j]
    earliest: i64 = NEVER
    offset: i64 = 0
    i: i64 = 0
    count: i64 = len(words)
    while i < count:
        word: i64 = words[i]
        if (word >> KIND_SHIFT) & KIND_MASK == VOLATILE_KIND:
            start: i64 = offset + 1 + blob[offset]
            key = blob[offset + 1 : start]
            if word & OUTSIDE != 0:
                outside = table.object_of(segment, j, i)
                at_ms = outside.earliest()
                if len(outside.key) > 0:
                    key = outside.key
            else:
                at_ms = earliest_at(blob, start)
            if at_ms <= now_ms:
                keys.append(key)
            if at_ms < earliest:
                earliest = at_ms
        offset += word & LENGTH_MASK
        i += 1
    segment.items_earliest[j] = earliest


def reversed_bits(n: i64) -> i64:
    """The HASH_BITS low bits of `n` in reverse order."""
    out: i64 = 0
    for _ in range(HASH_BITS):
        out = out << 1 | (n & 1)
        n >>= 1
    return out


MOST_LOOKED: Final[i64] = 16384
"""The mean time to live is of keys in so many buckets, if any has one: a table may have a million of them."""


def mean_ttl_ms(table: Table, now_ms: i64, most: i64 = 4096, buckets: i64 = MOST_LOOKED) -> i64:
    """The mean time that keys with a deadline have left, in ms, 0 without any: of the first `most` of them.

    O(segments + buckets), and the deadlines counted.
    """
    if table.volatile == 0:
        return 0
    # A plain integer, because the sum of a few deadlines may exceed 64 bits.
    total: int = 0
    seen: i64 = 0
    looked: i64 = 0
    for segment in table.segments:
        j: i64 = 0
        count: i64 = len(segment.deadlines)
        while j < count:
            column = segment.deadlines[j]
            i: i64 = 0
            while i < len(column):
                if column[i] > now_ms:
                    total += int(column[i] - now_ms)
                    seen += 1
                i += 1
            j += 1
        looked += count
        if seen >= most or (seen > 0 and looked >= buckets):
            break
    return total // int(seen) if seen > 0 else 0
