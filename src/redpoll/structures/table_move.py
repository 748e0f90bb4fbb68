"""Moving the buckets of a Table out of sparse memory regions (`mover.py`).  No record changes."""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from redpoll.structures.mover import EMPTY_ROW_BYTES, Mover
from redpoll.structures.segment import NEVER, SEGMENT_BITS, SEGMENT_MASK, Segment
from redpoll.structures.table import Table

SEGMENT_BYTES: Final[i64] = 128


def move_segment(table: Table, at: i64, mover: Mover) -> None:
    """Show segment `at` itself to the mover, and its list of objects."""
    old = table.segments[at]
    if mover.counting:
        mover.regions.add(id(old), SEGMENT_BYTES)
        return
    if len(old.deadlines) == 0 and mover.claim(EMPTY_ROW_BYTES):
        # Its address cannot be read.
        old.deadlines = vec[vec[i64]]()
    if (mover.lies_well(old) and mover.lies_well(old.objects)) or not mover.claim(SEGMENT_BYTES):
        return
    made = Segment(0)
    while mover.is_bad(made):
        made = Segment(0)
    objects = old.objects.copy()
    while mover.is_bad(objects):
        objects = old.objects.copy()
    if mover.starved:
        return
    made.words = old.words
    made.blobs = old.blobs
    made.deadlines = old.deadlines
    made.earliest = old.earliest
    made.first = old.first
    made.items_earliest = old.items_earliest
    made.items_first = old.items_first
    made.objects = objects
    table.segments[at] = made
    if table.segment is old:
        table.segment = made
    # Otherwise all that these lists hold would be freed at once, with the old segment.
    old.objects.clear()
    mover.keep(old)


def move_bucket(table: Table, b: i64, mover: Mover) -> bool:
    """Show bucket `b` to the mover; return False if it does not exist.  O(its records)."""
    if b >> SEGMENT_BITS >= len(table.segments):
        return False
    if b & SEGMENT_MASK == 0:
        move_segment(table, b >> SEGMENT_BITS, mover)
    segment = table.segments[b >> SEGMENT_BITS]
    j: i64 = b & SEGMENT_MASK
    if j >= len(segment.words):
        return False
    segment.blobs[j] = mover.bytes_(segment.blobs[j])
    segment.words[j] = mover.column(segment.words[j])
    if len(segment.deadlines) > j:
        # The deadlines of a bucket that has none any more.
        gone = segment.earliest[j] == NEVER and not mover.counting
        segment.deadlines[j] = vec[i64]() if gone else mover.column(segment.deadlines[j])
    if len(segment.objects) > j and len(segment.objects[j]) > 0:
        segment.objects[j] = mover.objects(segment.objects[j])
    return True
