"""Growing and shrinking of a Table: when it is too full one bucket is split, when too empty the last is merged back.

The bit that decides comes from each record's word, so no key is hashed again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from librt.vecs import append, vec
from mypy_extensions import i64

from redpoll.scratch import SHARED
from redpoll.structures.columns import join, part_deadlines, part_items_earliest, part_objects
from redpoll.structures.segment import (
    HASH_SHIFT,
    LENGTH_MASK,
    SEGMENT_BITS,
    SEGMENT_BUCKETS,
    SEGMENT_MASK,
    Segment,
)

if TYPE_CHECKING:
    from redpoll.structures.table import Table

RECORDS_PER_BUCKET: Final[i64] = 16
BYTES_PER_BUCKET: Final[i64] = 640
"""Most buckets then have less than the 1,032 bytes that the C library allocates and frees quickly.

With 1,024 bytes, hashes of 75 bytes took 7 % less memory, but writing one took 7 to 10 % more instructions.
"""
BYTES_PER_LARGE_BUCKET: Final[i64] = 1280
RECORDS_PER_LARGE_BUCKET: Final[i64] = 24
"""For the tables of large values, whose items are shorter than keys with values: less memory, but a longer search, and
a longer copy at each change."""

EXTREME: Final[i64] = 32
"""A table that is this many times too full, or too empty, is resized even if resizing is off."""


class Resizing:
    """DEBUG DICT-RESIZING: whether the tables of this process keep their size (`held`), up to EXTREME."""

    def __init__(self) -> None:
        self.held = False


RESIZING: Final = Resizing()

_kept: Final = BytesWriter()
_moved: Final = BytesWriter()


def grow(table: Table) -> None:
    """Split the next bucket if the table is too full.  The position stays valid."""
    if table.size <= table.bucket_records * table.buckets and table.record_bytes <= table.bucket_bytes * table.buckets:
        return
    if table.buckets >= table.most_buckets or (RESIZING.held and not _is_crowded(table)):
        return
    key = b""
    watched = table.split == table.bucket
    if watched:
        key = table.key()
    split_next(table)
    if watched:
        # The record may have moved, so update the position.
        table.find(key)


def _is_crowded(table: Table) -> bool:
    most = EXTREME * table.buckets
    return table.size > table.bucket_records * most or table.record_bytes > table.bucket_bytes * most


def shrink(table: Table) -> None:
    """Merge the last bucket back if the table has less than half the records at which it grows."""
    if (
        table.buckets > 1
        and table.size < (table.bucket_records >> 1) * table.buckets
        and table.record_bytes < (table.bucket_bytes >> 1) * table.buckets
        and not (RESIZING.held and table.size * EXTREME >= (table.bucket_records >> 1) * table.buckets)
    ):
        merge_last(table)


def split_next(table: Table) -> None:
    """Split the next bucket: the records whose word has the next bit set move to a new last bucket."""
    p = table.split
    q = table.low + 1 + p
    keeper = table.keeper
    if keeper is not None:
        keeper.changes(table, p)
        keeper.parts(table)
    if q & SEGMENT_MASK == 0:
        table.segments.append(Segment(SEGMENT_BUCKETS))
    target = table.segments[q >> SEGMENT_BITS]
    target.add_bucket()
    source = table.segments[p >> SEGMENT_BITS]
    j: i64 = p & SEGMENT_MASK
    t: i64 = q & SEGMENT_MASK
    bit: i64 = (table.low + 1) << HASH_SHIFT
    _part(source, j, target, t, bit)
    table.buckets += 1
    table.split += 1
    if table.split > table.low:
        table.low = table.high
        table.high = table.low << 1 | 1
        table.split = 0
    table.stamp += 1


def _part(source: Segment, j: i64, target: Segment, t: i64, bit: i64) -> None:
    """Move the records of bucket `j` whose word has `bit` to the empty bucket `t`."""
    words = source.words[j]
    blob = source.blobs[j]
    count: i64 = len(words)
    moving: i64 = 0
    i: i64 = 0
    while i < count:
        moving += int(words[i] & bit != 0)
        i += 1
    kept_words = vec[i64](capacity=(count - moving + 3) & ~3)
    moved_words = vec[i64](capacity=(moving + 3) & ~3)
    kept = _kept if SHARED else BytesWriter()
    moved = _moved if SHARED else BytesWriter()
    kept.truncate(0)
    moved.truncate(0)
    offset: i64 = 0
    start: i64 = 0
    i = 0
    while i < count:
        # Neighbours that move to the same bucket are copied as one piece.
        word: i64 = words[i]
        side: i64 = word & bit
        offset += word & LENGTH_MASK
        if side != 0:
            moved_words = append(moved_words, word)
        else:
            kept_words = append(kept_words, word)
        i += 1
        if i == count or words[i] & bit != side:
            if side != 0:
                moved.write(blob[start:offset])
            else:
                kept.write(blob[start:offset])
            start = offset
    kept_blob = kept.getvalue()
    target.blobs[t] = moved.getvalue()
    source.blobs[j] = kept_blob
    source.words[j] = kept_words
    target.words[t] = moved_words
    if len(source.deadlines) > 0 and len(source.deadlines[j]) > 0:
        part_deadlines(source, j, target, t, words, bit)
    part_items_earliest(source, j, target, t)
    if len(source.objects) > j and len(source.objects[j]) > 0:
        part_objects(source, j, target, t, words, bit)


def merge_last(table: Table) -> None:
    """Merge the last bucket back into the bucket that it was split from."""
    if table.split == 0:
        table.high = table.low
        table.low >>= 1
        table.split = table.low + 1
    table.split -= 1
    p = table.split
    q = table.low + 1 + p
    keeper = table.keeper
    if keeper is not None:
        keeper.changes(table, p)
        keeper.changes(table, q)
        keeper.joins(table)
    target = table.segments[p >> SEGMENT_BITS]
    source = table.segments[q >> SEGMENT_BITS]
    j: i64 = q & SEGMENT_MASK
    t: i64 = p & SEGMENT_MASK
    join(target, t, source, j)
    source.drop_bucket()
    if j == 0:
        table.segments.pop()
        table.segment = table.segments[0]
    if len(target.words[t]) > table.longest:
        table.longest = len(target.words[t])
    table.buckets -= 1
    table.stamp += 1
