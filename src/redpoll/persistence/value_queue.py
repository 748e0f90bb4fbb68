"""The large values of a snapshot that wait to be written, in slices, one after another."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.keyspace.reclaim import Reclaimer
from redpoll.persistence.side import Overflow
from redpoll.persistence.snapshot_writer import SLICES, BucketWriter, LargeValues, SnapshotWriter
from redpoll.persistence.value_streams import (
    BufferStream,
    Items,
    NodeStream,
    PackedStream,
    SnapshotItems,
    StreamStream,
    TableStream,
    TextStream,
    ValueStream,
    ZSetStream,
)
from redpoll.structures.segment import Outside
from redpoll.structures.table import Table
from redpoll.structures.table_walk import Records
from redpoll.types.hash import Hash
from redpoll.types.kinds import HASH_HASHTABLE, HASH_VOLATILE, SET_HASHTABLE, ZSET_SKIPLIST
from redpoll.types.list import List
from redpoll.types.set import Set
from redpoll.types.stream import Stream
from redpoll.types.string import LongString
from redpoll.types.value import Value
from redpoll.types.zset import ZSet


class ValueQueue(LargeValues):
    """The large values that wait to be written, and the one that is being written (`open`).

    The formats subclass it and say how values of each type are written.
    """

    def __init__(self, writer: BucketWriter, overflow: Overflow) -> None:
        self.writer: Final = writer
        self.overflow: Overflow = overflow
        self.index: i64 = 0
        """The number of the database whose keys are put into the queue."""
        self.waiting: list[ValueStream] = []
        self.next: i64 = 0
        self.open: ValueStream | None = None

    def is_empty(self) -> bool:
        return self.open is None and self.next >= len(self.waiting)

    # What a format does.

    def begin(self, stream: ValueStream) -> None:
        """Write what comes before the items of a value."""
        raise NotImplementedError

    def end(self, stream: ValueStream) -> None:
        """Write what comes after them."""

    def text_stream(self, records: Records, n: i64, text: LongString) -> ValueStream:
        """A string whose bytes do not change."""
        raise NotImplementedError

    def buffer_stream(self, records: Records, n: i64, text: LongString, buffer: bytearray) -> ValueStream:
        """A string in a buffer that is too long to be copied."""
        raise NotImplementedError

    def packed_stream(self, records: Records, n: i64, value: Value) -> ValueStream:
        """A value that is not large."""
        raise NotImplementedError

    def list_stream(self, records: Records, n: i64, value: List) -> ValueStream:
        raise NotImplementedError

    def stream_stream(self, records: Records, n: i64, value: Stream) -> ValueStream:
        raise NotImplementedError

    def type_of(self, kind: i64) -> i64:
        """The type that the format writes before a value of this kind; 0 if it writes none."""
        return 0

    def items(self, key: bytes, kind: i64) -> Items:
        """How the items of a hash, a set or a sorted set are written."""
        raise NotImplementedError

    # What goes in.

    def put(self, table: Table, records: Records, n: i64) -> None:
        outside = records.objects[n]
        assert outside is not None
        self.waiting.append(self._stream(records, n, outside))

    def _stream(self, records: Records, n: i64, outside: Outside) -> ValueStream:
        if isinstance(outside, LongString):
            buffer = outside.buffer
            if buffer is not None and len(buffer) > SLICES.raw_bytes:
                return self.buffer_stream(records, n, outside, buffer)
            return self.text_stream(records, n, outside)
        assert isinstance(outside, Value)
        if not outside.is_large():
            return self.packed_stream(records, n, outside)
        if isinstance(outside, Hash):
            kind = HASH_VOLATILE if outside.kind == HASH_VOLATILE else HASH_HASHTABLE
            return self._table_stream(records, n, kind, outside.table)
        if isinstance(outside, Set):
            return self._table_stream(records, n, SET_HASHTABLE, outside.table)
        if isinstance(outside, ZSet):
            return self._zset_stream(records, n, outside)
        if isinstance(outside, List):
            return self.list_stream(records, n, outside)
        assert isinstance(outside, Stream)
        return self.stream_stream(records, n, outside)

    def _table_stream(self, records: Records, n: i64, kind: i64, inner: Table | None) -> ValueStream:
        assert inner is not None
        items = self.items(records.keys[n], kind)
        return TableStream(self.overflow, self.index, records, n, self.type_of(kind), kind, inner, items)

    def _zset_stream(self, records: Records, n: i64, value: ZSet) -> ValueStream:
        inner = value.members
        order = value.order
        assert inner is not None and order is not None
        items = self.items(records.keys[n], ZSET_SKIPLIST)
        return ZSetStream(self.overflow, self.index, records, n, self.type_of(ZSET_SKIPLIST), inner, order, items)

    # What comes out.

    def following(self) -> ValueStream:
        """Open the next value, and return it for `begin`.  None is open, and one waits."""
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
        elif not stream.step(sink):
            self.open = None
            self.end(stream)
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


class SnapshotQueue(ValueQueue):
    """Large values that wait to be written into a snapshot."""

    def __init__(self, writer: SnapshotWriter, overflow: Overflow) -> None:
        super().__init__(writer, overflow)
        self.snapshot: SnapshotWriter = writer

    def begin(self, stream: ValueStream) -> None:
        snapshot = self.snapshot
        snapshot.head(stream.word, stream.deadline, stream.type, stream.key)
        stream.begin(snapshot.sink)

    def text_stream(self, records: Records, n: i64, text: LongString) -> ValueStream:
        return TextStream(self.index, records, n, text.text(), self.snapshot.sink.compressor is not None)

    def buffer_stream(self, records: Records, n: i64, text: LongString, buffer: bytearray) -> ValueStream:
        return BufferStream(self.overflow, self.index, records, n, text, buffer)

    def packed_stream(self, records: Records, n: i64, value: Value) -> ValueStream:
        type = self.type_of(value.kind)
        return PackedStream(self.index, records, n, type, value.packed(), self.snapshot.values)

    def type_of(self, kind: i64) -> i64:
        return self.snapshot.values.type_of(kind)

    def items(self, key: bytes, kind: i64) -> Items:
        return SnapshotItems(kind)

    def list_stream(self, records: Records, n: i64, value: List) -> ValueStream:
        chunks = value.chunks
        nodes = value.nodes
        assert chunks is not None and nodes is not None
        return NodeStream(self.index, records, n, chunks, nodes, self.snapshot.values)

    def stream_stream(self, records: Records, n: i64, value: Stream) -> ValueStream:
        return StreamStream(self.index, records, n, value, self.snapshot.values)
