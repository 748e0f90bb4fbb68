"""Makes an independent copy of a Table."""

from __future__ import annotations

from librt.vecs import append, extend, vec
from mypy_extensions import i64

from redpoll.structures.segment import Outside, Segment
from redpoll.structures.table import Table


def copied(table: Table) -> Table:
    """A copy, including the objects outside records.  O(buckets) if nothing is outside, because blobs are shared."""
    made = Table(table.most_buckets, table.bucket_bytes, table.bucket_records)
    made.segments = [_copied_segment(segment) for segment in table.segments]
    made.segment = made.segments[0]
    made.buckets = table.buckets
    made.low = table.low
    made.high = table.high
    made.split = table.split
    made.size = table.size
    made.record_bytes = table.record_bytes
    made.volatile = table.volatile
    made.volatile_items = table.volatile_items
    made.longest = table.longest
    made.clock = table.clock
    for segment in made.segments:
        for objects in segment.objects:
            for outside in objects:
                made.outside_bytes += outside.accounted
    return made


def _copied_segment(source: Segment) -> Segment:
    count: i64 = len(source.words)
    made = Segment(count)
    j: i64 = 0
    while j < count:
        made.words = append(made.words, _copied_column(source.words[j]))
        made.blobs = append(made.blobs, source.blobs[j])
        j += 1
    count = len(source.deadlines)
    j = 0
    while j < count:
        made.deadlines = append(made.deadlines, _copied_column(source.deadlines[j]))
        made.earliest = append(made.earliest, source.earliest[j])
        j += 1
    made.first = source.first
    made.items_earliest = _copied_column(source.items_earliest)
    made.items_first = source.items_first
    count = len(source.objects)
    j = 0
    while j < count:
        if len(source.objects[j]) > 0:
            made.objects_of(j).extend(_copied_objects(source.objects[j]))
        j += 1
    return made


def _copied_column(column: vec[i64]) -> vec[i64]:
    count: i64 = len(column)
    return extend(vec[i64](capacity=(count + 3) & ~3), column)


def _copied_objects(objects: list[Outside]) -> list[Outside]:
    found: list[Outside] = []
    for outside in objects:
        twin = outside.copy()
        twin.key = outside.key
        twin.accounted = twin.size_bytes()
        found.append(twin)
    return found
