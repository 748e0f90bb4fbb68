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
from redpoll.persistence.lzf import Compressor
from redpoll.persistence.side import Overflow, Side
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_writer import SLICES, LargeValues, SnapshotWriter
from redpoll.persistence.stream_writer import StreamWriter
from redpoll.persistence.value_writer import ValueWriter, write_deadline
from redpoll.structures.btree import BTree
from redpoll.structures.chunks import Chunks
from redpoll.structures.hashing import hash_of
from redpoll.structures.keeper import Keeper, TextKeeper
from redpoll.structures.members import recorded_score
from redpoll.structures.segment import KIND_MASK, KIND_SHIFT, Outside
from redpoll.structures.table import Table
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.field_records import value_of
from redpoll.types.hash import Hash
from redpoll.types.kinds import HASH_HASHTABLE, HASH_VOLATILE, SET_HASHTABLE, ZSET_SKIPLIST
from redpoll.types.list import List
from redpoll.types.list_nodes import Nodes
from redpoll.types.set import Set
from redpoll.types.stream import Stream
from redpoll.types.string import LongString
from redpoll.types.value import Value
from redpoll.types.zset import ZSet

BUCKETS_AT_A_TIME: Final[i64] = 4


@mypyc_attr(acyclic=True)
class LongText:
    """Writes a long string in slices, the same bytes as `Sink.text` unless it is too long to be compressed."""

    def __init__(self, data: bytes, compressing: bool) -> None:
        self.data: bytes = data
        self.at: i64 = -1
        """The next byte to write; -1 before the head."""
        self.compressor: Compressor | None = None
        if compressing and len(data) <= SLICES.raw_bytes:
            # One of its own: others compress between two slices.
            compressor = Compressor()
            compressor.begin(data)
            self.compressor = compressor

    def step(self, sink: Sink) -> bool:
        """Write a slice; return whether there is more to write."""
        compressor = self.compressor
        if compressor is not None:
            if not compressor.advance(SLICES.text_bytes):
                self.compressor = None
                packed = compressor.result()
                if packed is not None:
                    sink.compressed_head(len(packed), len(self.data))
                    self.data = packed
                    self.at = 0
            return True
        if self.at < 0:
            self.at = 0
            sink.number(len(self.data))
        stop = self.at + SLICES.text_bytes
        sink.raw(self.data[self.at : stop])
        self.at = stop
        return stop < len(self.data)


class ValueStream(Keeper):
    """See the module's docstring.  A key with its value; `step` writes the value, after `begin`."""

    def __init__(self, index: i64, table: Table, records: Records, n: i64, type: i64) -> None:
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

    def begin(self, sink: Sink, values: ValueWriter) -> None:
        """Write what comes before the items."""

    def step(self, sink: Sink, values: ValueWriter) -> bool:
        """Write some items, or begin with a long string; return whether there may be more."""
        return False

    def detach(self, reclaimer: Reclaimer) -> None:
        """The value is written, or is not needed any more."""


class TextStream(ValueStream):
    """A string."""

    def __init__(self, index: i64, table: Table, records: Records, n: i64, data: bytes, compressing: bool) -> None:
        super().__init__(index, table, records, n, codes.STRING)
        self.text = LongText(data, compressing)


class PageKeeper(TextKeeper):
    """Keeps the pages of a string in a buffer that change before they are written."""

    def __init__(self, queue: ValueQueue, text: LongString, buffer: bytearray) -> None:
        self.queue: ValueQueue | None = queue
        self.text: LongString = text
        self.buffer: bytearray = buffer
        self.size: i64 = len(buffer)
        """When the snapshot began."""
        self.page_bytes: i64 = SLICES.text_bytes
        self.next: i64 = 0
        """The next page to write."""
        self.pages: dict[int, bytes] = {}
        self.places: dict[int, int] = {}
        """Pages in the file of the sides, with their place in it."""
        text.keeper = self

    def overwrites(self, start: i64, stop: i64) -> None:
        page = start // self.page_bytes
        if page < self.next:
            page = self.next
        if stop > self.size:
            stop = self.size
        while page * self.page_bytes < stop:
            number = int(page)
            if number not in self.pages and number not in self.places:
                self._keep(number, self._live(page))
            page += 1

    def _live(self, page: i64) -> bytes:
        start = page * self.page_bytes
        stop = start + self.page_bytes
        if stop > self.size:
            stop = self.size
        with memoryview(self.buffer) as whole:
            return bytes(whole[start:stop])

    def _keep(self, number: int, data: bytes) -> None:
        queue = self.queue
        if queue is not None:
            place = queue.kept_page(data)
            if place >= 0:
                self.places[number] = int(place)
            else:
                self.pages[number] = data

    def taken(self) -> bytes:
        """The next page as it was; none at the end.  Raises OSError."""
        page = self.next
        if page * self.page_bytes >= self.size:
            return b""
        self.next = page + 1
        number = int(page)
        data = self.pages.pop(number, None)
        queue = self.queue
        if data is None:
            data = self._live(page)
            place = self.places.pop(number, -1)
            if place >= 0 and queue is not None:
                data = queue.overflow.read(place, len(data))
        elif queue is not None:
            queue.overflow.held -= len(data)
        return data


class BufferStream(ValueStream):
    """A string in a buffer that is too long to be copied at once.  It is not compressed."""

    def __init__(
        self, queue: ValueQueue, index: i64, table: Table, records: Records, n: i64, text: LongString, buffer: bytearray
    ) -> None:
        super().__init__(index, table, records, n, codes.STRING)
        self.keeper: PageKeeper = PageKeeper(queue, text, buffer)

    def begin(self, sink: Sink, values: ValueWriter) -> None:
        sink.number(self.keeper.size)

    def step(self, sink: Sink, values: ValueWriter) -> bool:
        page = self.keeper.taken()
        sink.raw(page)
        return len(page) > 0

    def detach(self, reclaimer: Reclaimer) -> None:
        self.keeper.text.keeper = None
        self.keeper.queue = None


class PackedStream(ValueStream):
    """A packed value beside its record."""

    def __init__(self, index: i64, table: Table, records: Records, n: i64, type: i64, packed: bytes) -> None:
        super().__init__(index, table, records, n, type)
        self.packed: bytes = packed

    def begin(self, sink: Sink, values: ValueWriter) -> None:
        values.write((self.word >> KIND_SHIFT) & KIND_MASK, self.packed, None)


class ListStream(ValueStream):
    """A list, node by node."""

    def __init__(self, index: i64, table: Table, records: Records, n: i64, chunks: Chunks, nodes: Nodes) -> None:
        super().__init__(index, table, records, n, codes.LIST_LISTPACKS)
        self.chunks: Chunks = chunks.copy()
        self.nodes: Nodes = nodes.copy()
        self.node: i64 = self.nodes.low
        self.start: i64 = 0
        """The index of its first element."""

    def begin(self, sink: Sink, values: ValueWriter) -> None:
        sink.number(self.nodes.number())

    def step(self, sink: Sink, values: ValueWriter) -> bool:
        nodes = self.nodes
        k = self.node
        if k >= len(nodes.counts):
            return False
        count = nodes.counts[k]
        items: list[bytes] = []
        self.chunks.slice(self.start, self.start + count, items)
        self.node = k + 1
        self.start += count
        if nodes.sizes[k] >= 0:
            values.packed_node(sink, items)
            return True
        sink.number(codes.PLAIN_NODE)
        if len(items[0]) <= SLICES.text_bytes:
            sink.text(items[0])
        else:
            self.text = LongText(items[0], sink.compressor is not None)
        return True

    def detach(self, reclaimer: Reclaimer) -> None:
        gone = List()
        gone.chunks = self.chunks
        gone.nodes = self.nodes
        reclaimer.drop_copy(gone)


class StreamStream(ValueStream):
    """A stream, block by block."""

    def __init__(self, index: i64, table: Table, records: Records, n: i64, stream: Stream, values: ValueWriter) -> None:
        super().__init__(index, table, records, n, values.type_of(stream.kind))
        copy = stream.copy()
        assert isinstance(copy, Stream)
        self.copy: Stream = copy
        self.writer: StreamWriter = StreamWriter(values.listpack, copy, values.version)

    def begin(self, sink: Sink, values: ValueWriter) -> None:
        self.writer.begin(sink)

    def step(self, sink: Sink, values: ValueWriter) -> bool:
        return self.writer.step(sink)

    def detach(self, reclaimer: Reclaimer) -> None:
        reclaimer.drop_copy(self.copy)


class TableStream(ValueStream):
    """A hash or a set, bucket by bucket; the base of that for sorted sets."""

    def __init__(
        self, queue: ValueQueue, index: i64, table: Table, records: Records, n: i64, kind: i64, inner: Table
    ) -> None:
        super().__init__(index, table, records, n, queue.writer.values.type_of(kind))
        self.queue: ValueQueue | None = queue
        self.kind: i64 = kind
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
            queue = self.queue
            if queue is not None:
                queue.put_aside(self, b)

    def parts(self) -> None:
        self.done.append(1)

    def joins(self) -> None:
        self.done.pop()

    def released(self) -> None:
        self.was_released = True

    # Writing.

    def begin(self, sink: Sink, values: ValueWriter) -> None:
        sink.number(self.count)

    def step(self, sink: Sink, values: ValueWriter) -> bool:
        item = self.item
        if item is None and len(self.later) > 0:
            item = self.later.pop()
            self.item = item
        if item is not None:
            self._step_item(sink, item)
            return True
        return self.write_items(sink)

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
                write_item(sink, kind, key, value, records.deadlines[n], score)
            n += 1

    def is_written(self, score: float, member: bytes) -> bool:
        """Whether an entry of a sorted set is written, in a bucket that is not."""
        return False

    def _step_item(self, sink: Sink, item: LaterItem) -> None:
        """Write the next part of an item that is too long: its key, its value, or what follows them."""
        part = item.part
        item.part = part + 1
        self.is_inside = True
        if part == 0:
            self._begin_text(sink, item.key)
        elif part == 1:
            if self.kind != SET_HASHTABLE and self.kind != ZSET_SKIPLIST:
                self._begin_text(sink, item.value)
        else:
            if self.kind == HASH_VOLATILE:
                write_deadline(sink, item.deadline)
            elif self.kind == ZSET_SKIPLIST:
                sink.double(item.score)
            self.is_inside = False
            self.item = None

    def _begin_text(self, sink: Sink, text: bytes) -> None:
        if len(text) <= SLICES.text_bytes:
            sink.text(text)
        else:
            self.text = LongText(text, sink.compressor is not None)

    def detach(self, reclaimer: Reclaimer) -> None:
        self.inner.keeper = None
        self.queue = None
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
        self, queue: ValueQueue, index: i64, table: Table, records: Records, n: i64, members: Table, order: BTree
    ) -> None:
        super().__init__(queue, index, table, records, n, ZSET_SKIPLIST, members)
        self.order: BTree = order
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
                sink.text(member)
                sink.double(scores[n])
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


def write_item(sink: Sink, kind: i64, key: bytes, value: bytes, deadline: i64, score: float) -> None:
    """Write an item of a hash, a set or a sorted set."""
    sink.text(key)
    if kind == ZSET_SKIPLIST:
        sink.double(score)
    elif kind != SET_HASHTABLE:
        sink.text(value)
        if kind == HASH_VOLATILE:
            write_deadline(sink, deadline)


class ValueQueue(LargeValues):
    """The large values that wait to be written, and the one that is being written (`open`)."""

    def __init__(self, writer: SnapshotWriter, overflow: Overflow) -> None:
        self.writer: SnapshotWriter = writer
        self.overflow: Overflow = overflow
        self.index: i64 = 0
        """The database whose keys are put into the queue."""
        self.waiting: list[ValueStream] = []
        self.next: i64 = 0
        self.open: ValueStream | None = None
        self.complaint = ""
        """Why a bucket of a value could not be put aside."""

    def is_empty(self) -> bool:
        return self.open is None and self.next >= len(self.waiting)

    # What goes in.

    def put(self, table: Table, records: Records, n: i64) -> None:
        outside = records.objects[n]
        assert outside is not None
        self.waiting.append(self._stream(table, records, n, outside))

    def _stream(self, table: Table, records: Records, n: i64, outside: Outside) -> ValueStream:
        index = self.index
        values = self.writer.values
        if isinstance(outside, LongString):
            buffer = outside.buffer
            if buffer is not None and len(buffer) > SLICES.raw_bytes:
                return BufferStream(self, index, table, records, n, outside, buffer)
            return TextStream(index, table, records, n, outside.text(), self.writer.sink.compressor is not None)
        assert isinstance(outside, Value)
        kind = outside.kind
        if not outside.is_large():
            return PackedStream(index, table, records, n, values.type_of(kind), outside.packed())
        if isinstance(outside, Hash):
            inner = outside.table
            assert inner is not None
            general = HASH_VOLATILE if kind == HASH_VOLATILE else HASH_HASHTABLE
            return TableStream(self, index, table, records, n, general, inner)
        if isinstance(outside, Set):
            inner = outside.table
            assert inner is not None
            return TableStream(self, index, table, records, n, SET_HASHTABLE, inner)
        if isinstance(outside, ZSet):
            inner = outside.members
            order = outside.order
            assert inner is not None and order is not None
            return ZSetStream(self, index, table, records, n, inner, order)
        if isinstance(outside, List):
            chunks = outside.chunks
            nodes = outside.nodes
            assert chunks is not None and nodes is not None
            return ListStream(index, table, records, n, chunks, nodes)
        assert isinstance(outside, Stream)
        return StreamStream(index, table, records, n, outside, values)

    def put_aside(self, stream: TableStream, b: i64) -> None:
        """Write a bucket of a value's table to its side, because it is about to change."""
        if self.complaint:
            return
        side = stream.side
        if side is None:
            side = self.overflow.side()
            stream.side = side
        try:
            stream.write_bucket(side.sink, b)
            side.end_item()
        except OSError as refused:
            self.complaint = refused.strerror or "cannot be written"

    def kept_page(self, data: bytes) -> i64:
        """Make room for a page of a string; return its place in the file of the sides, -1 if it stays in memory."""
        overflow = self.overflow
        try:
            if overflow.held + len(data) > overflow.limit:
                return overflow.write(data)
        except OSError as refused:
            self.complaint = refused.strerror or "cannot be written"
        overflow.held += len(data)
        return -1

    # What comes out.

    def following(self) -> ValueStream:
        """Open the next value.  None is open, and one waits."""
        stream = self.waiting[self.next]
        self.next += 1
        if self.next == len(self.waiting):
            self.waiting = []
            self.next = 0
        self.open = stream
        return stream

    def step(self, reclaimer: Reclaimer) -> None:
        """Write a slice of the open value.  Raises OSError."""
        stream = self.open
        assert stream is not None
        sink = self.writer.sink
        text = stream.text
        if text is not None:
            if not text.step(sink):
                stream.text = None
            return
        side = stream.side
        if side is not None and not stream.is_inside and not side.is_empty():
            sink.raw(side.taken())
        elif not stream.step(sink, self.writer.values):
            self.open = None
            self.writer.keys += 1
            stream.detach(reclaimer)
            if side is not None:
                self.overflow.drop(side)

    def detach(self, reclaimer: Reclaimer) -> None:
        """Leave all values alone: the snapshot has ended."""
        stream = self.open
        if stream is not None:
            stream.detach(reclaimer)
            self.open = None
        while self.next < len(self.waiting):
            self.waiting[self.next].detach(reclaimer)
            self.next += 1
        self.waiting = []
        self.next = 0
