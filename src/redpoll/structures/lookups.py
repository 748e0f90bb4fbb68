"""Look-ups of many keys at once, for commands that only read: each step is done for all keys before the next begins.

A look-up in a large table waits for memory some five times, one after another; side by side, the waits of many keys
overlap.  Unlike the warm pass (`warming.py`), it does nothing twice, and it reads only the record's own cache line.
The warm pass reads the whole bucket, because a change copies the bucket.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.hashing import hash_of
from redpoll.structures.segment import HASH_SHIFT, LENGTH_MASK, SEGMENT_BITS, SEGMENT_MASK
from redpoll.structures.table import Table
from redpoll.structures.warming import touch_words

MOST: Final[i64] = 32
"""How many keys are looked up together: their lines stay in the first-level cache until they are used."""

ABSENT: Final[i64] = -1


@mypyc_attr(acyclic=True)
class Lookups:
    """Places of keys in one table: `prepare`, then `find` each."""

    def __init__(self) -> None:
        self.hashes: Final[vec[i64]] = vec[i64]([0] * MOST)
        self.buckets: Final[vec[i64]] = vec[i64]([0] * MOST)
        self.places: Final[vec[i64]] = vec[i64]([0] * MOST)
        """Of each: index of the record in its bucket, shifted left by 32, and offset of its bytes; or ABSENT."""
        self.stamp: i64 = 0
        self.touched: i64 = 0
        """Keeps the loads alive."""

    def prepare(self, table: Table, keys: list[bytes], start: i64, stop: i64) -> None:
        """Look for `keys[start:stop]`, at most MOST of them, by their hashes."""
        hashes = self.hashes
        buckets = self.buckets
        count = stop - start
        k: i64 = 0
        while k < count:
            h = hash_of(keys[start + k])
            hashes[k] = h
            b: i64 = h & table.low
            if b < table.split:
                b = h & table.high
            buckets[k] = b
            k += 1
        self.stamp = table.stamp
        self.touched = touch_words(table, buckets, count)
        self._place(table, count)

    def _place(self, table: Table, count: i64) -> None:
        """Find the first record with each key's hash, and read its bytes into cache."""
        hashes = self.hashes
        buckets = self.buckets
        places = self.places
        segments = table.segments
        touched: i64 = 0
        k: i64 = 0
        while k < count:
            h = hashes[k]
            b = buckets[k]
            segment = segments[b >> SEGMENT_BITS]
            places[k] = ABSENT
            i: i64 = 0
            offset: i64 = 0
            for word in segment.words[b & SEGMENT_MASK]:
                if word >> HASH_SHIFT == h:
                    places[k] = i << 32 | offset
                    blob = segment.blobs[b & SEGMENT_MASK]
                    touched += blob[offset] + blob[offset + (word & LENGTH_MASK) - 1]
                    break
                offset += word & LENGTH_MASK
                i += 1  # noqa: SIM113  (`enumerate` counts in objects)
            k += 1
        self.touched += touched

    def find(self, table: Table, k: i64, key: bytes) -> bool:
        """`table.find(key)` for the `k`-th of the keys prepared."""
        if table.stamp != self.stamp:
            return table.find(key)
        place = self.places[k]
        if place == ABSENT:
            return False
        index = place >> 32
        table.seek(self.buckets[k], index, place & 0x7FFFFFFF)
        # Otherwise another key has the same hash.
        return table.is_key(key) or table.find(key)
