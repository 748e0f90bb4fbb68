"""The warm pass over several keys: their memory is touched in loads that overlap, so that `find` meets it in cache.

A look-up in a table larger than the processor's caches waits for three loads, each of which needs the one before:
the bucket's words, its records, and the record itself.  Going through all keys once for each of them lets the loads of
different keys overlap, if the loops are so short that the processor sees several keys at once: hence no calls in them.
MGET of 100 keys of a million then takes half the time.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.segment import HASH_MASK, SEGMENT_BITS, SEGMENT_MASK
from redpoll.structures.table import Table

LARGE_TABLE: Final[i64] = 2000
"""Smaller tables stay in cache by themselves."""

FEW: Final[i64] = 4
"""Fewer keys are not worth it."""

WARM_KEYS: Final[i64] = 32
"""So many keys at a time, a power of two: more, and the first are out of cache again when they are looked up."""


@mypyc_attr(acyclic=True)
class Scratch:
    """The buckets of the keys of one pass."""

    def __init__(self) -> None:
        self.buckets: Final = vec[i64]([0] * int(WARM_KEYS))


_SCRATCH: Final = Scratch()


def warm_keys(table: Table, args: list[bytes], at: i64, stop: i64, step: i64) -> i64:
    """Touch the memory of every `step`-th key in `args` from `at` to before `stop`, at most WARM_KEYS of them.

    The number says nothing, but whoever keeps it keeps the loads from being left out.
    """
    if table.size < LARGE_TABLE or stop - at < FEW * step:
        return 0
    buckets = _SCRATCH.buckets
    count: i64 = 0
    low = table.low
    high = table.high
    split = table.split
    n = at
    while n < stop and count < WARM_KEYS:
        h: i64 = hash(args[n])
        h &= HASH_MASK
        b: i64 = h & low
        if b < split:
            b = h & high
        buckets[count] = b
        count += 1
        n += step
    segments = table.segments
    touched: i64 = 0
    i: i64 = 0
    while i < count:
        b = buckets[i]
        words = segments[b >> SEGMENT_BITS].words[b & SEGMENT_MASK]
        if len(words) > 0:
            touched ^= words[0]
        i += 1
    i = 0
    while i < count:
        b = buckets[i]
        touched ^= len(segments[b >> SEGMENT_BITS].blobs[b & SEGMENT_MASK])
        i += 1
    i = 0
    while i < count:
        b = buckets[i]
        blob = segments[b >> SEGMENT_BITS].blobs[b & SEGMENT_MASK]
        size: i64 = len(blob)
        if size > 127:
            touched ^= i64(blob[size >> 2]) + i64(blob[size >> 1]) + i64(blob[size - 64])
        i += 1
    return touched
