"""The warm pass: reads the memory that the next look-ups need, ahead of them and all at once.

A look-up in a large table waits for memory some five times, and the next one cannot begin before.  Short loops that
only read keep many such loads in flight.  Therefore each loop does one thing.  When one loop read hash, words and
records key by key, the processor looked ahead over two keys at most, and the pass cost more than it saved
(docs/adr/0003-what-made-it-faster.md has the figures).
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.hashing import hash_of
from redpoll.structures.segment import SEGMENT_BITS, SEGMENT_BUCKETS, SEGMENT_MASK
from redpoll.structures.table import Table

MOST: Final[i64] = 128
"""How many keys are touched together: their lines stay in the first-level cache until they are used."""

CACHE_LINE: Final[i64] = 64
HEADER: Final[i64] = 31
"""The contents of a `bytes` begin in the middle of its first line, which `len` has touched."""

WORTHWHILE: Final[i64] = 2000
"""Below this many records a table lies in cache anyway."""


NO_KEY: Final = b"no key"
"""Stands for no key.  Keys are compared by identity, and no look-up has this object."""


@mypyc_attr(acyclic=True)
class Warming:
    """Keys of one table to be touched: `add` them, then `touch`."""

    def __init__(self) -> None:
        self.buckets: vec[i64] = vec[i64](capacity=MOST)
        self.hashes: vec[i64] = vec[i64](capacity=MOST)
        """Hashes for `expect`; the caller of `add` stores them."""
        for _ in range(MOST):
            self.buckets = append(self.buckets, 0)
            self.hashes = append(self.hashes, 0)
        self.slots: vec[i64] = vec[i64]([0] * int(MOST))
        """The slot of the key of each item of `hashes`, if the pass was one over the tables of slots (`add_of`)."""
        self.turn: i64 = 0
        """The place in `hashes` and `slots` of `key`."""
        self.tables: Final[list[Table]] = [Table(1)] * int(MOST)
        """The tables of the first `count` keys, if they are in several.  The other items are from earlier passes."""
        self.count: i64 = 0
        self.key: bytes = NO_KEY
        """The first key of the command that runs, if its hash is known ..."""
        self.hash: i64 = 0
        """... and the hash."""

    def add(self, table: Table, key: bytes) -> i64:
        """Add the bucket of `key`; return the hash.  Ignores more than MOST keys."""
        h = hash_of(key)
        b: i64 = h & table.low
        if b < table.split:
            b = h & table.high
        if self.count < MOST:
            self.buckets[self.count] = b
            self.count += 1
        return h

    def expect(self, key: bytes, n: i64) -> None:
        """The next command's first key is `key`, whose hash is `hashes[n]`."""
        self.key = key
        self.hash = self.hashes[n]
        self.turn = n

    def expect_none(self) -> None:
        """The hash of the next command's first key is not known."""
        self.key = NO_KEY

    def add_of(self, table: Table, key: bytes, slot: i64) -> None:
        """Add a key, at most MOST of them, of the table of a slot.  `touch_all` then replaces `touch`."""
        turn = self.count
        self.count = turn + 1
        self.hashes[turn] = hash_of(key)
        self.slots[turn] = slot
        self.tables[turn] = table

    def touch_all(self) -> i64:
        """`touch` for keys of several tables: each step is done for all before the next begins."""
        buckets = self.buckets
        hashes = self.hashes
        tables = self.tables
        count = self.count
        touched: i64 = 0
        k: i64 = 0
        while k < count:
            table = tables[k]
            b: i64 = hashes[k] & table.low
            if b < table.split:
                b = hashes[k] & table.high
            buckets[k] = b
            # A look-up needs two more cache lines of it.
            touched += table.volatile + table.stamp
            k += 1
        k = 0
        while k < count:
            b = buckets[k]
            table = tables[k]
            # A table with a single segment is always there, so `segments` need not be read.
            segment = table.segment
            if table.buckets > SEGMENT_BUCKETS:
                segment = table.segments[b >> SEGMENT_BITS]
            words = segment.words[b & SEGMENT_MASK]
            records: i64 = len(words)
            if records > 0:
                touched += words[0] + words[records - 1]
            k += 1
        k = 0
        while k < count:
            b = buckets[k]
            table = tables[k]
            segment = table.segment
            if table.buckets > SEGMENT_BUCKETS:
                segment = table.segments[b >> SEGMENT_BITS]
            blob = segment.blobs[b & SEGMENT_MASK]
            size: i64 = len(blob)
            at = HEADER
            while at < size:
                touched += blob[at]
                at += CACHE_LINE
            k += 1
        self.count = 0
        return touched

    def touch(self, table: Table) -> i64:
        """Read the words and records of all added buckets, and clear the list.

        The returned sum only keeps the loads alive.
        """
        buckets = self.buckets
        segments = table.segments
        count = self.count
        touched = touch_words(table, buckets, count)
        k: i64 = 0
        while k < count:
            b = buckets[k]
            blob = segments[b >> SEGMENT_BITS].blobs[b & SEGMENT_MASK]
            size: i64 = len(blob)
            at = HEADER
            while at < size:
                touched += blob[at]
                at += CACHE_LINE
            k += 1
        self.count = 0
        return touched


AHEAD: Final[i64] = 64
"""So many members are touched before a long loop looks them up; a power of two."""


@mypyc_attr(acyclic=True)
class Ahead:
    """Goes before a loop that looks up or inserts many members of one table, which takes half the time with it.

    The loop calls `touch_from` at every index that is a multiple of AHEAD.
    """

    def __init__(self) -> None:
        self.warming = Warming()
        self.touched: i64 = 0

    def touch_from(self, table: Table, members: list[bytes], at: i64) -> None:
        """Touch what the look-ups of `members` from index `at` on will need.  O(AHEAD)."""
        if table.size < WORTHWHILE:
            return
        warming = self.warming
        stop: i64 = len(members)
        if stop > at + AHEAD:
            stop = at + AHEAD
        while at < stop:
            warming.add(table, members[at])
            at += 1
        self.touched += warming.touch(table) & 1


def touch_words(table: Table, buckets: vec[i64], count: i64) -> i64:
    """Read the words of the first `count` of these buckets.  The returned sum only keeps the loads alive."""
    segments = table.segments
    touched: i64 = 0
    k: i64 = 0
    while k < count:
        b = buckets[k]
        words = segments[b >> SEGMENT_BITS].words[b & SEGMENT_MASK]
        records: i64 = len(words)
        if records > 0:
            touched += words[0] + words[records >> 1] + words[records - 1]
        k += 1
    return touched
