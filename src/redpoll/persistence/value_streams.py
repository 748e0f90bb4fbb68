"""Large values on their way into a snapshot, slice by slice, while commands change them.

A file needs a value in one piece, with the number of its items first.  Until the value's turn comes, and while it is
written, its stream keeps what it was at the start of the snapshot:

- Hash, set: the inner table has the stream as its keeper.  Before a bucket changes, its items go to the stream's side.
  The stream writes the side, and all buckets that did not change.
- Sorted set: the same with the table of members.  The stream writes the entries that did not change in the order of the
  tree, from the last one on, because servers load that fastest.  An entry did not change if the bucket of its member
  did not.
- List, stream: a copy of the list of their pieces, which never change.  A change makes other pieces; the old ones stay
  in memory until the value is written.
- String, and small values in a bucket with too many bytes: the bytes themselves.  A string in a buffer, which changes
  in place, is copied; if it is too long for that, it has a keeper that keeps its pages before they change.

Long strings within these are written in slices too.  A hash, set or sorted set has the type of its general form, even
if it is a large listpack.  Servers choose the encoding when they load it.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.keyspace.reclaim import Reclaimer
from redpoll.persistence import codes
from redpoll.persistence.long_texts import LongText, PageKeeper
from redpoll.persistence.side import Overflow, Side
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_writer import SLICES
from redpoll.persistence.stream_writer import StreamWriter
from redpoll.persistence.value_writer import ValueWriter, write_deadline
from redpoll.structures.chunks import Chunks
from redpoll.structures.hashing import hash_of
from redpoll.structures.keeper import Keeper
from redpoll.structures.members import recorded_score
from redpoll.structures.segment import KIND_MASK, KIND_SHIFT
from redpoll.structures.shared_texts import SharedBTree
from redpoll.structures.table import Table
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.field_records import value_of
from redpoll.types.kinds import HASH_VOLATILE, SET_HASHTABLE, ZSET_SKIPLIST
from redpoll.types.list import List
from redpoll.types.list_nodes import Nodes
from redpoll.types.set import Set
from redpoll.types.stream import Stream
from redpoll.types.string import LongString
from redpoll.types.zset import ZSet

BUCKETS_AT_A_TIME: Final[i64] = 4


class ValueStream(Keeper):
    """See the module's docstring.  A key with its value; `step` writes the value, after `begin`."""

    def __init__(self, index: i64, records: Records, n: i64, type: i64) -> None:
        self.index: i64 = index
        """The number of the database."""
        self.key: bytes = records.keys[n]
        self.word: i64 = records.words[n]
        self.deadline: i64 = records.deadlines[n]
        self.type: i64 = type
        self.side: Side | None = None
        """Items that have changed, as they were."""
        self.text: LongText | None = None
        """A string that is being written."""
        self.is_inside = False
        """Whether an item is being written: nothing else may be written then."""

    def begin(self, sink: Sink) -> None:
        """Write what comes before the items."""

    def step(self, sink: Sink) -> bool:
        """Write some items, or begin with a long string; return whether there may be more."""
        return False

    def detach(self, reclaimer: Reclaimer) -> None:
        """The value is written, or is not needed any more."""


class TextStream(ValueStream):
    """A string."""

    def __init__(self, index: i64, records: Records, n: i64, data: bytes, compressing: bool) -> None:
        super().__init__(index, records, n, codes.STRING)
        self.text = LongText(data, compressing)


class BufferStream(ValueStream):
    """A string in a buffer that is too long to be copied at once.  It is not compressed."""

    def __init__(
        self, overflow: Overflow, index: i64, records: Records, n: i64, text: LongString, buffer: bytearray
    ) -> None:
        super().__init__(index, records, n, codes.STRING)
        self.keeper: PageKeeper = PageKeeper(overflow, text, buffer)

    def begin(self, sink: Sink) -> None:
        sink.number(self.keeper.size)

    def step(self, sink: Sink) -> bool:
        page = self.keeper.taken()
        sink.raw(page)
        return len(page) > 0

    def detach(self, reclaimer: Reclaimer) -> None:
        self.keeper.text.keeper = None


class PackedStream(ValueStream):
    """A packed value beside its record."""

    def __init__(self, index: i64, records: Records, n: i64, type: i64, packed: bytes, values: ValueWriter) -> None:
        super().__init__(index, records, n, type)
        self.packed: bytes = packed
        self.values: Final = values

    def begin(self, sink: Sink) -> None:
        self.values.write((self.word >> KIND_SHIFT) & KIND_MASK, self.packed, None)


class ListStream(ValueStream):
    """Walks a list node by node.  A subclass writes the nodes in its format."""

    def __init__(self, index: i64, records: Records, n: i64, type: i64, chunks: Chunks, nodes: Nodes) -> None:
        super().__init__(index, records, n, type)
        self.chunks: Chunks = chunks.copy()
        self.nodes: Nodes = nodes.copy()
        self.node: i64 = self.nodes.low
        self.start: i64 = 0
        """The index of its first element."""

    def step(self, sink: Sink) -> bool:
        nodes = self.nodes
        k = self.node
        if k >= len(nodes.counts):
            return False
        count = nodes.counts[k]
        items: list[bytes] = []
        self.chunks.slice(self.start, self.start + count, items)
        self.node = k + 1
        self.start += count
        self.write_node(sink, items, nodes.sizes[k] < 0)
        return True

    def write_node(self, sink: Sink, items: list[bytes], is_plain: bool) -> None:
        """Write a node, which has one long item if it is plain."""
        raise NotImplementedError

    def detach(self, reclaimer: Reclaimer) -> None:
        gone = List()
        gone.chunks = self.chunks
        gone.nodes = self.nodes
        reclaimer.drop_copy(gone)


class NodeStream(ListStream):
    """A list in a snapshot."""

    def __init__(self, index: i64, records: Records, n: i64, chunks: Chunks, nodes: Nodes, values: ValueWriter) -> None:
        super().__init__(index, records, n, codes.LIST_LISTPACKS, chunks, nodes)
        self.values: Final = values

    def begin(self, sink: Sink) -> None:
        sink.number(self.nodes.number())

    def write_node(self, sink: Sink, items: list[bytes], is_plain: bool) -> None:
        if not is_plain:
            self.values.packed_node(sink, items)
            return
        sink.number(codes.PLAIN_NODE)
        self.text = begun_text(sink, items[0])


class StreamStream(ValueStream):
    """A stream, block by block."""

    def __init__(self, index: i64, records: Records, n: i64, stream: Stream, values: ValueWriter) -> None:
        super().__init__(index, records, n, values.type_of(stream.kind))
        copy = stream.copy()
        assert isinstance(copy, Stream)
        self.copy: Stream = copy
        self.writer: StreamWriter = StreamWriter(values.listpack, copy, values.version)

    def begin(self, sink: Sink) -> None:
        self.writer.begin(sink)

    def step(self, sink: Sink) -> bool:
        return self.writer.step(sink)

    def detach(self, reclaimer: Reclaimer) -> None:
        reclaimer.drop_copy(self.copy)


class Items:
    """How the items of hashes, sets and sorted sets are written.  The formats subclass it."""

    def begin(self, sink: Sink, count: i64) -> None:
        """Write what comes before so many items."""

    def put(self, sink: Sink, key: bytes, value: bytes, deadline: i64, score: float) -> None:
        """Write an item; it may wait until `end`."""
        raise NotImplementedError

    def end(self, sink: Sink) -> None:
        """Write the items that `put` kept: the next one goes to another sink, or into another slice."""

    def put_part(self, sink: Sink, item: LaterItem) -> LongText | None:
        """Write the next part of an item that is too long, and set `is_done` after its last one.

        Returns a string that comes next, in slices.
        """
        raise NotImplementedError

    def finish(self, sink: Sink) -> bool:
        """Write some of what comes after all items; return whether there may be more."""
        return False


@mypyc_attr(acyclic=True)
class LaterItem:
    """An item that is too long for a slice; its bytes never change."""

    def __init__(self, key: bytes, value: bytes, deadline: i64, score: float) -> None:
        self.key: bytes = key
        self.value: bytes = value
        self.deadline: i64 = deadline
        self.score: float = score
        self.part: i64 = 0
        """Which part is written next: key, value, or what follows them."""
        self.is_done = False


class SnapshotItems(Items):
    """Items in a snapshot."""

    def __init__(self, kind: i64) -> None:
        self.kind: i64 = kind

    def begin(self, sink: Sink, count: i64) -> None:
        sink.number(count)

    def put(self, sink: Sink, key: bytes, value: bytes, deadline: i64, score: float) -> None:
        kind = self.kind
        sink.text(key)
        if kind == ZSET_SKIPLIST:
            sink.double(score)
        elif kind != SET_HASHTABLE:
            sink.text(value)
            if kind == HASH_VOLATILE:
                write_deadline(sink, deadline)

    def put_part(self, sink: Sink, item: LaterItem) -> LongText | None:
        part = item.part
        item.part = part + 1
        if part == 0:
            return begun_text(sink, item.key)
        if part == 1:
            if self.kind != SET_HASHTABLE and self.kind != ZSET_SKIPLIST:
                return begun_text(sink, item.value)
            return None
        if self.kind == HASH_VOLATILE:
            write_deadline(sink, item.deadline)
        elif self.kind == ZSET_SKIPLIST:
            sink.double(item.score)
        item.is_done = True
        return None


def begun_text(sink: Sink, text: bytes) -> LongText | None:
    """Write a string, or return it if it has to be written in slices."""
    if len(text) > SLICES.text_bytes:
        return LongText(text, sink.compressor is not None)
    sink.text(text)
    return None


class TableStream(ValueStream):
    """A hash or a set, bucket by bucket.  `ZSetStream` subclasses it."""

    def __init__(
        self,
        overflow: Overflow,
        index: i64,
        records: Records,
        n: i64,
        type: i64,
        kind: i64,
        inner: Table,
        items: Items,
    ) -> None:
        super().__init__(index, records, n, type)
        self.overflow: Final = overflow
        self.kind: i64 = kind
        self.items: Final = items
        self.inner: Table = inner
        self.count: i64 = inner.size
        self.next: i64 = 0
        self.done: bytearray = bytearray(int(inner.buckets))
        """For each bucket of the table whether its items are written, or on the side."""
        self.changed = False
        """Whether any bucket is on the side."""
        self.was_released = False
        self.later: list[LaterItem] = []
        """Items that are too long for a slice, and ..."""
        self.item: LaterItem | None = None
        """... the one of them that is being written."""
        inner.keeper = self

    # As keeper.

    def changes(self, table: Table, b: i64) -> None:
        if self.done[b] == 0:
            self.done[b] = 1
            self.changed = True
            self._put_aside(b)

    def _put_aside(self, b: i64) -> None:
        """Write a bucket to the side, because it is about to change."""
        overflow = self.overflow
        if overflow.complaint:
            return
        side = self.side
        if side is None:
            side = overflow.side()
            self.side = side
        try:
            self.write_bucket(side.sink, b)
            self.items.end(side.sink)
            side.end_item()
        except OSError as refused:
            overflow.complaint = refused.strerror or "cannot be written"

    def parts(self, table: Table) -> None:
        self.done.append(1)

    def joins(self, table: Table) -> None:
        self.done.pop()

    def released(self) -> None:
        self.was_released = True

    # Writing.

    def begin(self, sink: Sink) -> None:
        self.items.begin(sink, self.count)

    def step(self, sink: Sink) -> bool:
        item = self.item
        if item is None and len(self.later) > 0:
            item = self.later.pop()
            self.item = item
        if item is not None:
            self.is_inside = True
            self.text = self.items.put_part(sink, item)
            if item.is_done:
                self.is_inside = False
                self.item = None
            return True
        more = self.write_items(sink)
        self.items.end(sink)
        return more or self.items.finish(sink)

    def write_items(self, sink: Sink) -> bool:
        """Write some buckets; return whether there may be more."""
        left = BUCKETS_AT_A_TIME
        buckets = self.inner.buckets
        while self.next < buckets and left > 0:
            b = self.next
            self.next = b + 1
            if self.done[b] == 0:
                self.done[b] = 1
                self.write_bucket(sink, b)
                left -= 1
        return self.next < buckets or len(self.later) > 0

    def write_bucket(self, sink: Sink, b: i64) -> None:
        """Write the items of a bucket, or keep them for later if they are too long."""
        records = Records()
        read_bucket(self.inner, b, records, True)
        spent: i64 = 0
        kind = self.kind
        count: i64 = len(records.keys)
        n: i64 = 0
        while n < count:
            key = records.keys[n]
            size: i64 = len(key)
            value = b""
            score = 0.0
            if kind == ZSET_SKIPLIST:
                score = recorded_score(records, n)
                if self.is_written(score, key):
                    n += 1
                    continue
            elif kind != SET_HASHTABLE:
                value = value_of(records, n)
                size += len(value)
            if spent + size > SLICES.text_bytes and size > SLICES.text_bytes >> 4:
                self.later.append(LaterItem(key, value, records.deadlines[n], score))
            else:
                spent += size
                self.items.put(sink, key, value, records.deadlines[n], score)
            n += 1

    def is_written(self, score: float, member: bytes) -> bool:
        """Whether an entry of a sorted set is written, in a bucket that is not."""
        return False

    def detach(self, reclaimer: Reclaimer) -> None:
        self.inner.keeper = None
        if self.was_released:
            self.release(reclaimer)

    def release(self, reclaimer: Reclaimer) -> None:
        """Free the value, which is nowhere else."""
        gone = Set()
        gone.table = self.inner
        reclaimer.drop(gone)


class ZSetStream(TableStream):
    """A sorted set: the entries of the tree from the last one on, and before them those on the side."""

    def __init__(
        self,
        overflow: Overflow,
        index: i64,
        records: Records,
        n: i64,
        type: i64,
        members: Table,
        order: SharedBTree,
        items: Items,
    ) -> None:
        super().__init__(overflow, index, records, n, type, ZSET_SKIPLIST, members, items)
        self.order: SharedBTree = order
        self.score: float = 0.0
        self.member: bytes = b""
        """The entries from this one on are written ..."""
        self.began = False
        """... if any is."""

    def write_items(self, sink: Sink) -> bool:
        order = self.order
        stop = order.count
        if self.began:
            stop = order.rank_before(self.score, self.member)
        start = stop - SLICES.entries if stop > SLICES.entries else i64(0)
        if start == stop:
            return len(self.later) > 0
        span = order.span(start, stop)
        members: list[bytes] = []
        span.members(members)
        scores = span.scores(vec[float](capacity=len(members)))
        self.began = True
        self.score = scores[0]
        self.member = members[0]
        spent: i64 = 0
        changed = self.changed
        n: i64 = len(members)
        while n > 0:
            n -= 1
            member = members[n]
            if changed and self._is_done(member):
                continue
            size: i64 = len(member)
            if spent + size > SLICES.text_bytes and size > SLICES.text_bytes >> 4:
                self.later.append(LaterItem(member, b"", 0, scores[n]))
            else:
                spent += size
                self.items.put(sink, member, b"", 0, scores[n])
        return True

    def is_written(self, score: float, member: bytes) -> bool:
        if not self.began or score < self.score:
            return False
        return score > self.score or member >= self.member

    def _is_done(self, member: bytes) -> bool:
        """Whether the bucket of a member is on the side."""
        inner = self.inner
        h = hash_of(member)
        b: i64 = h & inner.low
        if b < inner.split:
            b = h & inner.high
        return self.done[b] != 0

    def release(self, reclaimer: Reclaimer) -> None:
        gone = ZSet()
        gone.members = self.inner
        gone.order = self.order
        reclaimer.drop(gone)
