"""Moving the buckets of a Table to where memory is used well (`mover.py`).  No record changes."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.structures.mover import Mover
from redpoll.structures.segment import SEGMENT_BITS, SEGMENT_MASK
from redpoll.structures.table import Table


def move_bucket(table: Table, b: i64, mover: Mover) -> bool:
    """Show bucket `b` to the mover; False if there is none.  O(its records)."""
    if b >> SEGMENT_BITS >= len(table.segments):
        return False
    segment = table.segments[b >> SEGMENT_BITS]
    j: i64 = b & SEGMENT_MASK
    if j >= len(segment.words):
        return False
    segment.blobs[j] = mover.bytes_(segment.blobs[j])
    segment.words[j] = mover.column(segment.words[j])
    if len(segment.deadlines) > j:
        segment.deadlines[j] = mover.column(segment.deadlines[j])
    if len(segment.objects) > j and len(segment.objects[j]) > 0:
        segment.objects[j] = mover.objects(segment.objects[j])
    return True
