"""Checks every invariant of a Table, for tests: slow, complete, and independent of the code that it checks."""

from __future__ import annotations

from redpoll.structures.deadlines import earliest_at
from redpoll.structures.hashing import hash_of
from redpoll.structures.segment import (
    HASH_SHIFT,
    KEY_LIMIT,
    KIND_MASK,
    KIND_SHIFT,
    LENGTH_MASK,
    NEVER,
    OUTSIDE,
    SEGMENT_BITS,
    SEGMENT_MASK,
    VOLATILE_KIND,
)
from redpoll.structures.table import Table


def check(table: Table) -> None:
    """Raises AssertionError where words, records, columns and sums disagree.  O(records)."""
    size = record_bytes = outside_bytes = volatile = volatile_items = longest = 0
    assert table.buckets == table.low + 1 + table.split
    assert len(table.segments) > 1 or table.segment is table.segments[0]
    assert table.buckets == sum(len(segment.words) for segment in table.segments)
    for b in range(table.buckets):
        segment = table.segments[b >> SEGMENT_BITS]
        j = b & SEGMENT_MASK
        words = segment.words[j]
        blob = segment.blobs[j]
        offset = outside = 0
        for i in range(len(words)):
            word = words[i]
            assert word >= 0
            h = word >> HASH_SHIFT
            where = h & table.low
            if where < table.split:
                where = h & table.high
            assert where == b, "a record stands in the wrong bucket"
            length = blob[offset]
            key = blob[offset + 1 : offset + 1 + length]
            if word & OUTSIDE:
                found = segment.objects[j][outside]
                outside_bytes += found.accounted
                assert found.accounted == found.size_bytes(), "an object has another size than was told"
                outside += 1
                if found.key:
                    key = found.key
                    assert len(key) > KEY_LIMIT and length == 0 and word & LENGTH_MASK == 1
                else:
                    assert word & LENGTH_MASK == 1 + length
            if (word >> KIND_SHIFT) & KIND_MASK == VOLATILE_KIND:
                volatile_items += 1
                within = earliest_at(blob, offset + 1 + length) if not word & OUTSIDE else found.earliest()
                # A time that is too early costs a useless scan.  A time that is too late hides expired records.
                assert within == NEVER or segment.items_earliest[j] <= within
            assert hash_of(key) == h, "the word's hash is not the key's"
            offset += word & LENGTH_MASK
            record_bytes += word & LENGTH_MASK
        assert offset == len(blob), "the words do not add up to the records"
        if len(segment.objects) > j:
            assert outside == len(segment.objects[j])
        else:
            assert outside == 0
        if len(segment.deadlines) > 0 and len(segment.deadlines[j]) > 0:
            column = segment.deadlines[j]
            assert len(column) == len(words)
            set_ones = [at for at in column if at]
            volatile += len(set_ones)
            # A deadline beyond NEVER (in some hundred million years) counts as NEVER.
            assert segment.earliest[j] == min([NEVER, *set_ones])
            assert segment.first <= segment.earliest[j]
        if len(segment.items_earliest) > 0:
            assert len(segment.items_earliest) == len(segment.words)
            assert segment.items_first <= segment.items_earliest[j]
        size += len(words)
        longest = max(longest, len(words))
    assert (size, record_bytes, outside_bytes, volatile, volatile_items) == (
        table.size,
        table.record_bytes,
        table.outside_bytes,
        table.volatile,
        table.volatile_items,
    )
    assert longest <= table.longest or size == 0
