"""Linear-hashed table of packed buckets: the keyspace, big hashes and sets, the members of big sorted sets.

About 16 records share one `bytes`, and each has one word for hash, kind, access clock and length (`segment.py` has the
layout).  A look-up touches directory, words and records, then everything lies in cache.  Buckets split one at a time as
the table grows, and merge one at a time as it shrinks, so no insert waits for a rehash.  The bit that decides a split
comes from the word, so no key is hashed again.

`find` leaves the *position* of a record in the table's own fields, and the methods below "At the position" work on it.
It is valid until the next change.  `stamp` counts the changes of buckets, and no two tables share a stamp.  A value
remembers its place and the stamp.  If the stamp has changed, or is that of another table, `seek` refuses the place and
the value finds its key again.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.env.random import Random
from redpoll.structures.columns import appended, removed
from redpoll.structures.hashing import hash_of
from redpoll.structures.keeper import Keeper
from redpoll.structures.packed import LENGTH_BYTE, equal_at, patched, spliced, with_record, without
from redpoll.structures.segment import (
    CLOCK_FIELD,
    CLOCK_MASK,
    CLOCK_SHIFT,
    HASH_SHIFT,
    KEY_LIMIT,
    KIND_MASK,
    KIND_SHIFT,
    LENGTH_MASK,
    OUTSIDE,
    RECORD_LIMIT,
    SEGMENT_BITS,
    SEGMENT_BUCKETS,
    SEGMENT_MASK,
    VOLATILE_KIND,
    Outside,
    Segment,
)
from redpoll.structures.table_resize import (
    BYTES_PER_BUCKET,
    BYTES_PER_LARGE_BUCKET,
    RECORDS_PER_BUCKET,
    RECORDS_PER_LARGE_BUCKET,
    grow,
    shrink,
)

BUCKET_BYTES: Final[i64] = 152
"""What a bucket takes beside its records and words: two objects, their places, and what the allocator loses on them."""
COLUMN_BYTES: Final[i64] = 72
"""What a bucket's column of deadlines takes beside them."""
SEGMENT_BYTES: Final[i64] = 400
TABLE_BYTES: Final[i64] = 340
"""What a segment and a table take beside their buckets.  For a small hash this is more than its content."""

STAMP_SHIFT: Final[i64] = 40
TABLES_MASK: Final[i64] = (1 << 22) - 1


class Stamps:
    """The first stamp of the next table.  No two tables that exist at the same time share a stamp."""

    def __init__(self) -> None:
        self.tables: i64 = 0

    def first(self) -> i64:
        """The first stamp of another table, 2^40 changes apart from those of its neighbours."""
        self.tables = (self.tables + 1) & TABLES_MASK
        return self.tables << STAMP_SHIFT


STAMPS: Final = Stamps()


@mypyc_attr(acyclic=True)
class Table:
    """Keys to values of up to 255 bytes with the key, or to objects outside; see the module's docstring.

    `most_buckets` limits the growth: tests use it to force everything into one bucket.  A bucket is split when there
    are more than `bucket_records` or more than `bucket_bytes` for each on average: larger buckets take less memory, and
    longer to search and to write.  Every operation is O(1) on average.
    """

    def __init__(
        self,
        most_buckets: i64 = 1 << 26,
        bucket_bytes: i64 = BYTES_PER_BUCKET,
        bucket_records: i64 = RECORDS_PER_BUCKET,
    ) -> None:
        first = Segment(1)
        first.add_bucket()
        # A cluster has a table for each slot, and few of them are in cache.  What a look-up needs is at the beginning,
        # in two cache lines; what a change needs is in the third.
        self.segment: Segment = first
        """The segment of the position.  A table with a single segment is always there."""
        self.buckets: i64 = 1
        self.low: i64 = 0
        self.high: i64 = 1
        self.split: i64 = 0
        # The position.
        self.word: i64 = 0
        self.hash: i64 = 0
        self.bucket: i64 = 0
        self.j: i64 = 0
        self.index: i64 = 0
        self.offset: i64 = 0
        self.volatile: i64 = 0
        self.keeper: Keeper | None = None
        self.size: i64 = 0
        self.record_bytes: i64 = 0
        self.outside_bytes: i64 = 0
        self.content_told: i64 = -1
        """`record_bytes + outside_bytes` at the time of `size_told`: while it is the same, so is the size."""
        self.stamp: i64 = STAMPS.first()
        self.volatile_items: i64 = 0
        """How many records are of VOLATILE_KIND: their values have deadlines of their own."""
        self.items_counted: i64 = 0
        self.size_told: i64 = 0
        """The size in bytes that the keyspace's sum of memory holds for this table."""
        self.slot: i64 = 0
        """The slot of the keys, if this is a table of a database."""
        # What the sums over all tables of a database contain for this table (with `items_counted`).
        self.size_counted: i64 = 0
        self.volatile_counted: i64 = 0
        self.content_counted: i64 = 0
        self.segments: list[Segment] = [first]
        self.most_buckets: i64 = most_buckets
        self.bucket_bytes: i64 = bucket_bytes
        self.bucket_records: i64 = bucket_records
        self.longest: i64 = 0
        self.clock: i64 = 0

    # Finding.

    def find(self, key: bytes) -> bool:
        """Go to the record of `key`; False if there is none, and then the position is where `insert` puts it."""
        return self.find_hashed(key, hash_of(key))

    def find_hashed(self, key: bytes, h: i64) -> bool:
        """`find` for callers that know the hash."""
        b: i64 = h & self.low
        if b < self.split:
            b = h & self.high
        segment = self.segment
        if self.buckets > SEGMENT_BUCKETS:
            segment = self.segments[b >> SEGMENT_BITS]
        j: i64 = b & SEGMENT_MASK
        self.hash = h
        self.bucket = b
        self.segment = segment
        self.j = j
        i: i64 = 0
        offset: i64 = 0
        for word in segment.words[j]:
            if word >> HASH_SHIFT == h and self._is_key(segment, j, i, offset, word, key):
                self.index = i
                self.offset = offset
                self.word = word
                return True
            offset += word & LENGTH_MASK
            i += 1  # noqa: SIM113  (`enumerate` counts in objects)
        return False

    def _is_key(self, segment: Segment, j: i64, i: i64, offset: i64, word: i64, key: bytes) -> bool:
        blob = segment.blobs[j]
        length: i64 = len(key)
        kept: i64 = blob[offset]
        if length <= KEY_LIMIT:
            if kept != length or not equal_at(blob, offset + 1, key, length):
                return False
            # An outside record without a key belongs to the empty key or to a long key.
            return length > 0 or word & OUTSIDE == 0 or len(self.object_of(segment, j, i).key) == 0
        return kept == 0 and word & OUTSIDE != 0 and self.object_of(segment, j, i).key == key

    def is_key(self, key: bytes) -> bool:
        """Whether the record at the position is that of `key`, which has its hash."""
        return self._is_key(self.segment, self.j, self.index, self.offset, self.word, key)

    def seek(self, bucket: i64, index: i64, offset: i64) -> None:
        """Go back to a place, if its stamp is still that of the table."""
        segment = self.segments[bucket >> SEGMENT_BITS]
        j: i64 = bucket & SEGMENT_MASK
        self.bucket = bucket
        self.segment = segment
        self.j = j
        self.index = index
        self.offset = offset
        self.word = segment.words[j][index]
        self.hash = self.word >> HASH_SHIFT

    # At the position.

    def kind(self) -> i64:
        return (self.word >> KIND_SHIFT) & KIND_MASK

    def is_outside(self) -> bool:
        return self.word & OUTSIDE != 0

    def record_stop(self) -> i64:
        return self.offset + (self.word & LENGTH_MASK)

    def blob(self) -> bytes:
        """All records of the bucket."""
        return self.segment.blobs[self.j]

    def value(self) -> bytes:
        """The value inside the record."""
        blob = self.segment.blobs[self.j]
        start: i64 = self.offset + 1 + blob[self.offset]
        return blob[start : self.offset + (self.word & LENGTH_MASK)]

    def value_start(self) -> i64:
        """The offset in `blob` of the value inside the record; it ends at `record_stop`."""
        return self.offset + 1 + self.segment.blobs[self.j][self.offset]

    def key(self) -> bytes:
        blob = self.segment.blobs[self.j]
        length: i64 = blob[self.offset]
        if length == 0 and self.word & OUTSIDE != 0:
            return self.object_of(self.segment, self.j, self.index).key
        return blob[self.offset + 1 : self.offset + 1 + length]

    def object(self) -> Outside:
        """The object outside the record."""
        return self.object_of(self.segment, self.j, self.index)

    def object_of(self, segment: Segment, j: i64, i: i64) -> Outside:
        return segment.objects[j][self._objects_before(segment, j, i)]

    def _objects_before(self, segment: Segment, j: i64, i: i64) -> i64:
        words = segment.words[j]
        rank: i64 = 0
        k: i64 = 0
        while k < i:
            rank += (words[k] >> 32) & 1
            k += 1
        return rank

    def access_clock(self) -> i64:
        return (self.word >> CLOCK_SHIFT) & CLOCK_MASK

    def set_access_clock(self, clock: i64) -> None:
        self.word = (self.word & ~CLOCK_FIELD) | (clock << CLOCK_SHIFT)
        words = self.segment.words[self.j]
        words[self.index] = self.word

    def set_kind(self, kind: i64) -> None:
        if self.keeper is not None:
            self.keep_bucket()
        if kind != self.kind():
            self._count_kind(self.kind(), kind)
        self.word = (self.word & ~(KIND_MASK << KIND_SHIFT)) | (kind << KIND_SHIFT)
        words = self.segment.words[self.j]
        words[self.index] = self.word

    def _count_kind(self, old: i64, new: i64) -> None:
        """Count that a record of kind `old` becomes one of kind `new`."""
        self.volatile_items += int(new == VOLATILE_KIND) - int(old == VOLATILE_KIND)

    def note_items_earliest(self, at_ms: i64) -> None:
        """Record that the value has a deadline of its own at `at_ms`."""
        self.segment.note_items_earliest(self.j, at_ms)

    def deadline(self) -> i64:
        """The record's deadline in ms, 0 if it has none."""
        segment = self.segment
        if len(segment.deadlines) == 0:
            return 0
        column = segment.deadlines[self.j]
        if len(column) == 0:
            return 0
        return column[self.index]

    def set_deadline(self, at_ms: i64) -> None:
        """Set (> 0) or remove (0) the deadline of the record."""
        segment = self.segment
        j = self.j
        old = self.deadline()
        if old == at_ms:
            return
        if self.keeper is not None:
            self.keep_bucket()
        segment.keep_deadlines()
        column = segment.deadlines[j]
        if len(column) == 0:
            count: i64 = len(segment.words[j])
            column = vec[i64](capacity=(count + 3) & ~3)
            for _ in range(count):
                column = append(column, 0)
            segment.deadlines[j] = column
        column[self.index] = at_ms
        self.volatile += int(at_ms != 0) - int(old != 0)
        if at_ms != 0 and at_ms < segment.earliest[j]:
            segment.earliest[j] = at_ms
            if at_ms < segment.first:
                segment.first = at_ms
        elif old == segment.earliest[j]:
            segment.note_earliest(j)

    def keep_bucket(self) -> None:
        """Let the keeper, if there is one, have the bucket at the position before it changes."""
        keeper = self.keeper
        if keeper is not None:
            keeper.changes(self, self.bucket)

    # Changing.

    def patch(self, at: i64, data: bytes) -> None:
        """Overwrite bytes of the bucket's records with `data`, from `at` on.  The value keeps its length."""
        if self.keeper is not None:
            self.keep_bucket()
        self.segment.blobs[self.j] = patched(self.segment.blobs[self.j], at, data)
        self.stamp += 1

    def replace_blob(self, blob: bytes, length: i64) -> bool:
        """Write the bucket's records back after the one at the position changed in a copy; return whether nothing
        moved.

        `length` is the new length of the record.
        """
        if self.keeper is not None:
            self.keep_bucket()
        assert length <= RECORD_LIMIT
        segment = self.segment
        segment.blobs[self.j] = blob
        self.stamp += 1
        word = self.word
        grown = length - (word & LENGTH_MASK)
        if grown == 0:
            return True
        self.word = word + grown
        words = segment.words[self.j]
        words[self.index] = self.word
        self.record_bytes += grown
        if grown > 0:
            grow(self)
        return False

    def fits(self, key_length: i64, value_length: i64) -> bool:
        """Whether a record with these sizes is kept inside."""
        return key_length <= KEY_LIMIT and 1 + key_length + value_length <= RECORD_LIMIT

    def put(self, key: bytes, value: bytes, kind: i64) -> bool:
        """Set `key` to a value that fits; return whether it was there before.  Deadline and access clock stay."""
        if self.find(key):
            self.replace(value, kind)
            return True
        self.insert(key, value, kind)
        return False

    def replace(self, value: bytes, kind: i64) -> None:
        """Give the record at the position another value, which fits."""
        if self.keeper is not None:
            self.keep_bucket()
        segment = self.segment
        j = self.j
        word = self.word
        if word & OUTSIDE != 0:
            self._drop_object()
        old_kind = (word >> KIND_SHIFT) & KIND_MASK
        if old_kind != kind:
            self._count_kind(old_kind, kind)
        old_length: i64 = word & LENGTH_MASK
        blob = segment.blobs[j]
        start: i64 = self.offset + 1 + blob[self.offset]
        stop: i64 = self.offset + old_length
        segment.blobs[j] = spliced(blob, start, stop, value)
        length: i64 = start - self.offset + len(value)
        assert length <= RECORD_LIMIT
        # Hash and access clock stay.  The mask is small, because a mask beyond 62 bits would be a boxed int.
        self.word = (word & ~(KIND_MASK << KIND_SHIFT | OUTSIDE | LENGTH_MASK)) | kind << KIND_SHIFT | length
        words = segment.words[j]
        words[self.index] = self.word
        self.stamp += 1
        if length != old_length:
            self.record_bytes += length - old_length
            if length > old_length:
                grow(self)

    def replace_outside(self, key: bytes, found: Outside, kind: i64) -> None:
        """Give the record at the position an object outside it."""
        if self.keeper is not None:
            self.keep_bucket()
        segment = self.segment
        j = self.j
        word = self.word
        self.stamp += 1
        old_kind = (word >> KIND_SHIFT) & KIND_MASK
        if old_kind != kind:
            self._count_kind(old_kind, kind)
        size = found.size_bytes()
        if word & OUTSIDE != 0:
            rank = self._objects_before(segment, j, self.index)
            objects = segment.objects[j]
            if objects[rank] is not found:
                self.outside_bytes -= objects[rank].accounted
                found.accounted = 0
                objects[rank] = found
        else:
            blob = segment.blobs[j]
            start: i64 = self.offset + 1 + blob[self.offset]
            stop: i64 = self.offset + (word & LENGTH_MASK)
            segment.blobs[j] = without(blob, start, stop)
            segment.objects_of(j).insert(self._objects_before(segment, j, self.index), found)
            found.accounted = 0
            self.record_bytes -= stop - start
            word -= stop - start
        if len(key) > KEY_LIMIT:
            found.key = key
        self.outside_bytes += size - found.accounted
        found.accounted = size
        self.word = (word & ~(KIND_MASK << KIND_SHIFT)) | kind << KIND_SHIFT | OUTSIDE
        words = segment.words[j]
        words[self.index] = self.word

    def tell_size(self, found: Outside) -> None:
        """Update the sum of memory after an object of this table has changed in place."""
        size = found.size_bytes()
        self.outside_bytes += size - found.accounted
        found.accounted = size

    def insert(self, key: bytes, value: bytes, kind: i64) -> None:
        """Add a record that fits, after `find(key)` found none."""
        if self.keeper is not None:
            self.keep_bucket()
        length: i64 = 1 + len(key) + len(value)
        assert length <= RECORD_LIMIT
        segment = self.segment
        blob = segment.blobs[self.j]
        segment.blobs[self.j] = with_record(blob, key, value)
        self._add_word(len(blob), self.hash << HASH_SHIFT | kind << KIND_SHIFT | self.clock << CLOCK_SHIFT | length)

    def insert_outside(self, key: bytes, found: Outside, kind: i64) -> None:
        """Add a record with an object outside it, after `find(key)` found none."""
        if self.keeper is not None:
            self.keep_bucket()
        segment = self.segment
        j = self.j
        blob = segment.blobs[j]
        word: i64 = self.hash << HASH_SHIFT | kind << KIND_SHIFT | OUTSIDE | self.clock << CLOCK_SHIFT
        if len(key) > KEY_LIMIT:
            found.key = key
            segment.blobs[j] = b"%b\0" % blob
            word |= 1
        else:
            segment.blobs[j] = b"%b%b%b" % (blob, LENGTH_BYTE[len(key)], key)
            word |= 1 + len(key)
        segment.objects_of(j).append(found)
        found.accounted = found.size_bytes()
        self.outside_bytes += found.accounted
        self._add_word(len(blob), word)

    def _add_word(self, offset: i64, word: i64) -> None:
        assert word >= 0
        segment = self.segment
        j = self.j
        words = segment.words[j]
        count: i64 = len(words)
        segment.words[j] = appended(words, word)
        if (word >> KIND_SHIFT) & KIND_MASK == VOLATILE_KIND:
            self.volatile_items += 1
        if len(segment.deadlines) > 0 and len(segment.deadlines[j]) > 0:
            segment.deadlines[j] = appended(segment.deadlines[j], 0)
        self.index = count
        self.offset = offset
        self.word = word
        if count >= self.longest:
            self.longest = count + 1
        self.size += 1
        self.record_bytes += word & LENGTH_MASK
        self.stamp += 1
        grow(self)

    def remove(self) -> None:
        """Remove the record at the position.  The table may shrink, so the position is invalid afterwards."""
        if self.keeper is not None:
            self.keep_bucket()
        segment = self.segment
        j = self.j
        i = self.index
        word = self.word
        if word & OUTSIDE != 0:
            self._drop_object()
        if (word >> KIND_SHIFT) & KIND_MASK == VOLATILE_KIND:
            self.volatile_items -= 1
        length: i64 = word & LENGTH_MASK
        segment.blobs[j] = without(segment.blobs[j], self.offset, self.offset + length)
        segment.words[j] = removed(segment.words[j], i)
        if len(segment.deadlines) > 0 and len(segment.deadlines[j]) > 0:
            gone = segment.deadlines[j][i]
            segment.deadlines[j] = removed(segment.deadlines[j], i)
            if gone != 0:
                self.volatile -= 1
                if gone == segment.earliest[j]:
                    segment.note_earliest(j)
        self.size -= 1
        self.record_bytes -= length
        self.stamp += 1
        shrink(self)

    def _drop_object(self) -> None:
        """Remove the object at the position from its bucket's list; the word still says that it is there."""
        objects = self.segment.objects[self.j]
        gone = objects.pop(self._objects_before(self.segment, self.j, self.index))
        self.outside_bytes -= gone.accounted
        gone.accounted = 0

    # Sampling.

    def seek_random(self, random: Random) -> bool:
        """Go to a record chosen at random, each as likely as any other; False if the table is empty."""
        if self.size == 0:
            return False
        tries: i64 = 0
        while True:
            drawn = random.below(self.buckets * self.longest)
            b = drawn // self.longest
            i = drawn - b * self.longest
            if i < len(self.segments[b >> SEGMENT_BITS].words[b & SEGMENT_MASK]):
                self.seek_index(b, i)
                return True
            tries += 1
            if tries == 256:
                # The bound is a high-water mark.  After many misses compute it again.
                self._note_longest()
                tries = 0

    def key_at(self, bucket: i64, index: i64) -> bytes:
        """The key of a record by its bucket and index.  The position does not change."""
        segment = self.segments[bucket >> SEGMENT_BITS]
        j: i64 = bucket & SEGMENT_MASK
        words = segment.words[j]
        offset: i64 = 0
        k: i64 = 0
        while k < index:
            offset += words[k] & LENGTH_MASK
            k += 1
        blob = segment.blobs[j]
        length: i64 = blob[offset]
        if length == 0 and words[index] & OUTSIDE != 0:
            return self.object_of(segment, j, index).key
        return blob[offset + 1 : offset + 1 + length]

    def seek_index(self, bucket: i64, index: i64) -> None:
        """Go to a record by its bucket and index.  It must exist."""
        words = self.segments[bucket >> SEGMENT_BITS].words[bucket & SEGMENT_MASK]
        offset: i64 = 0
        k: i64 = 0
        while k < index:
            offset += words[k] & LENGTH_MASK
            k += 1
        self.seek(bucket, index, offset)

    def _note_longest(self) -> None:
        self.longest = 0
        for segment in self.segments:
            for j in range(len(segment.words)):
                if len(segment.words[j]) > self.longest:
                    self.longest = len(segment.words[j])

    # Memory.

    def size_bytes(self) -> i64:
        """Memory held by buckets, words and outside objects, in bytes.  O(1)."""
        slots: i64 = self.buckets * BUCKET_BYTES + len(self.segments) * SEGMENT_BYTES
        timed = self.volatile
        if timed > 0:
            # A bucket with deadlines has a column of them.
            timed = timed * 8 + (timed if timed < self.buckets else self.buckets) * COLUMN_BYTES
        return self.record_bytes + self.size * 8 + slots + timed + self.outside_bytes + TABLE_BYTES

    def release(self, budget: i64) -> i64:
        """Free some buckets of an unused table; return the rest of the budget.

        One unit is about one small object.  When `segments` is empty, the table is freed.  A table with a keeper stays.
        """
        keeper = self.keeper
        if keeper is not None:
            keeper.released()
            return budget - 1
        self.segment = _gone
        while len(self.segments) > 0 and budget > 0:
            segment = self.segments[len(self.segments) - 1]
            count: i64 = len(segment.words)
            if count == 0:
                self.segments.pop()
                continue
            if len(segment.objects) == count:
                objects = segment.objects[count - 1]
                while len(objects) > 0 and budget > 0:
                    gone = objects[len(objects) - 1]
                    budget = gone.release(budget)
                    if budget > 0 or not gone.in_pieces():
                        objects.pop()
                if len(objects) > 0:
                    break
            segment.drop_bucket()
            budget -= 2
        return budget


def large_table() -> Table:
    """An empty table for the items of a large value."""
    return Table(bucket_bytes=BYTES_PER_LARGE_BUCKET, bucket_records=RECORDS_PER_LARGE_BUCKET)


_gone: Final = Segment(0)
"""Where the position of a released table points, so that it keeps no segment alive."""
