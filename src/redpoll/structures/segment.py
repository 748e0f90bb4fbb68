"""A range of buckets in columns: the words, the packed records, and the columns that only some tables need.

A record is `[key length, 1 byte][key][value]`, at most 255 bytes in all; all records of a bucket share one
`bytes`.  Beside each stands one word of 63 bits, never negative:

    hash 26 | kind 4 | outside 1 | access clock 24 | record length 8

A longer record is outside: it is `[key length][key]` (`[0]` alone when the key is longer than KEY_LIMIT, and the object
carries the key), its outside bit is set, and its object stands in the bucket's own list, in the order of the records.
Deadlines are a column beside the words; a bucket without any deadline has an empty one.

A value may have deadlines of its own: a hash whose fields expire.  Its record is of VOLATILE_KIND.  Inside, the value
begins with a column of deadlines (`deadlines.py`); outside, the object knows its `earliest`.  A bucket has one number
for all of them: the earliest deadline, or an earlier time.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, pop, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.mover import Mover

SEGMENT_BITS: Final[i64] = 10
SEGMENT_BUCKETS: Final[i64] = 1 << 10
SEGMENT_MASK: Final[i64] = (1 << 10) - 1

HASH_BITS: Final[i64] = 26
HASH_MASK: Final[i64] = (1 << 26) - 1
HASH_SHIFT: Final[i64] = 37
KIND_SHIFT: Final[i64] = 33
KIND_MASK: Final[i64] = 15
OUTSIDE: Final[i64] = 1 << 32
CLOCK_SHIFT: Final[i64] = 8
CLOCK_MASK: Final[i64] = (1 << 24) - 1
CLOCK_FIELD: Final[i64] = ((1 << 24) - 1) << 8
LENGTH_MASK: Final[i64] = 255

VOLATILE_KIND: Final[i64] = 10
"""The kind of a record whose value has deadlines of its own."""

RECORD_LIMIT: Final[i64] = 255
KEY_LIMIT: Final[i64] = 200

NEVER: Final[i64] = (1 << 62) - 1
"""Stands for no deadline when the earliest one is computed."""

BYTES_PER_OBJECT: Final[i64] = 16384
"""Returning this many bytes to the system takes about as long as freeing a small object."""


def earliest_of(column: vec[i64]) -> i64:
    """The earliest deadline, NEVER if there is none.  O(n)."""
    earliest: i64 = NEVER
    i: i64 = 0
    count: i64 = len(column)
    while i < count:
        if column[i] != 0 and column[i] < earliest:
            earliest = column[i]
        i += 1
    return earliest


@mypyc_attr(acyclic=True)
class Outside:
    """A value that is too large for a record, or changes in place: strings over 200 bytes, native containers.

    `key` is its own key if that is longer than KEY_LIMIT, else empty.  `accounted` is the size in bytes that the
    table's sum of memory has counted for it.
    """

    def __init__(self) -> None:
        self.key: bytes = b""
        self.accounted: i64 = 0

    def size_bytes(self) -> i64:
        """Memory held, in bytes.  O(1)."""
        raise NotImplementedError

    def copy(self) -> Outside:
        """An independent copy with the same content, without key."""
        raise NotImplementedError

    def earliest(self) -> i64:
        """The earliest deadline within it, or an earlier time; NEVER if there is none.  O(1)."""
        return NEVER

    def in_pieces(self) -> bool:
        """Whether it is a container, which can be freed in small steps."""
        return False

    def is_light(self) -> bool:
        """Whether `copy` is as good as the object itself, and takes little time: all that is in it can be shared."""
        return False

    def move_bytes(self, mover: Mover) -> None:
        """Show the few `bytes` of its own to the mover, and keep what that gives."""

    def move_piece(self, mover: Mover, at: i64) -> i64:
        """Show the piece of a large container's content at `at` (0 is the first); the next one, -1 after the last.

        A container that changes between two calls may leave pieces out.
        """
        return -1

    def weight(self) -> i64:
        """The cost of dropping it, in small objects: a large block returns all its pages at once."""
        return i64(1) if self.in_pieces() else 1 + self.size_bytes() // BYTES_PER_OBJECT

    def release(self, budget: i64) -> i64:
        """Free some memory, about `budget` small objects' worth; return the rest of the budget.

        A large dropped value is freed over many calls, so that no command waits for it.
        """
        return budget - self.weight()


@mypyc_attr(acyclic=True)
class Segment:
    """Up to 1024 buckets.  Only `Table` looks inside."""

    def __init__(self, capacity: i64) -> None:
        self.words: vec[vec[i64]] = vec[vec[i64]](capacity=capacity)
        self.blobs: vec[bytes] = vec[bytes](capacity=capacity)
        self.deadlines: vec[vec[i64]] = vec[vec[i64]]()
        self.earliest: vec[i64] = vec[i64]()
        self.first: i64 = NEVER
        self.items_earliest: vec[i64] = vec[i64]()
        self.items_first: i64 = NEVER
        self.objects: list[list[Outside]] = []

    def add_bucket(self) -> None:
        """Add an empty bucket at the end."""
        self.words = append(self.words, vec[i64]())
        self.blobs = append(self.blobs, b"")
        if len(self.deadlines) > 0:
            self.deadlines = append(self.deadlines, vec[i64]())
            self.earliest = append(self.earliest, NEVER)
        if len(self.items_earliest) > 0:
            self.items_earliest = append(self.items_earliest, NEVER)
        if len(self.objects) > 0:
            self.objects.append(_no_objects)

    def drop_bucket(self) -> None:
        """Remove the last bucket, which is empty."""
        last: i64 = len(self.words) - 1
        # A popped slot keeps its reference, so it is overwritten first.
        self.words[last] = vec[i64]()
        self.words, _ = pop(self.words)
        self.blobs[last] = b""
        self.blobs, _ = pop(self.blobs)
        if len(self.deadlines) > 0:
            self.deadlines[last] = vec[i64]()
            self.deadlines, _ = pop(self.deadlines)
            self.earliest, _ = pop(self.earliest)
        if len(self.items_earliest) > 0:
            self.items_earliest, _ = pop(self.items_earliest)
        if len(self.objects) > last:
            self.objects.pop()

    def keep_deadlines(self) -> None:
        """Create the columns of deadlines for the first deadline of the segment."""
        count: i64 = len(self.words)
        if len(self.deadlines) < count:
            columns = vec[vec[i64]](capacity=count)
            earliest = vec[i64](capacity=count)
            for _ in range(count):
                columns = append(columns, vec[i64]())
                earliest = append(earliest, NEVER)
            self.deadlines = columns
            self.earliest = earliest

    def note_earliest(self, j: i64) -> None:
        """Compute bucket `j`'s earliest deadline again, and the segment's if that may have changed.  O(records)."""
        earliest = earliest_of(self.deadlines[j])
        self.earliest[j] = earliest
        if earliest < self.first:
            self.first = earliest

    def note_first(self) -> None:
        """Compute the segment's earliest deadline again.  O(buckets)."""
        first: i64 = NEVER
        i: i64 = 0
        count: i64 = len(self.earliest)
        while i < count:
            if self.earliest[i] < first:
                first = self.earliest[i]
            i += 1
        self.first = first

    def note_items_earliest(self, j: i64, at_ms: i64) -> None:
        """Record that a value in bucket `j` has a deadline of its own at `at_ms`."""
        count: i64 = len(self.words)
        if len(self.items_earliest) < count:
            column = vec[i64](capacity=count)
            for _ in range(count):
                column = append(column, NEVER)
            self.items_earliest = column
        if at_ms < self.items_earliest[j]:
            self.items_earliest[j] = at_ms
            if at_ms < self.items_first:
                self.items_first = at_ms

    def note_items_first(self) -> None:
        """Compute the segment's earliest deadline within values again.  O(buckets)."""
        first: i64 = NEVER
        i: i64 = 0
        count: i64 = len(self.items_earliest)
        while i < count:
            if self.items_earliest[i] < first:
                first = self.items_earliest[i]
            i += 1
        self.items_first = first

    def objects_of(self, j: i64) -> list[Outside]:
        """Bucket `j`'s outside objects, for changing."""
        while len(self.objects) < len(self.words):
            self.objects.append(_no_objects)
        found = self.objects[j]
        if found is _no_objects:
            found = []
            self.objects[j] = found
        return found


_no_objects: Final[list[Outside]] = []
"""Shared by all buckets without outside objects; never changed."""
