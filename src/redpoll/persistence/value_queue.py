"""The large values of a snapshot that wait to be written, in slices, one after another."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.keyspace.reclaim import Reclaimer
from redpoll.persistence.side import Overflow
from redpoll.persistence.snapshot_writer import SLICES, LargeValues, SnapshotWriter
from redpoll.persistence.value_streams import (
    BufferStream,
    ListStream,
    PackedStream,
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
    """The large values that wait to be written, and the one that is being written (`open`)."""

    def __init__(self, writer: SnapshotWriter, overflow: Overflow) -> None:
        self.writer: SnapshotWriter = writer
        self.overflow: Overflow = overflow
        self.index: i64 = 0
        """The database whose keys are put into the queue."""
        self.waiting: list[ValueStream] = []
        self.next: i64 = 0
        self.open: ValueStream | None = None

    def is_empty(self) -> bool:
        return self.open is None and self.next >= len(self.waiting)

    # What goes in.

    def put(self, table: Table, records: Records, n: i64) -> None:
        outside = records.objects[n]
        assert outside is not None
        self.waiting.append(self._stream(records, n, outside))

    def _stream(self, records: Records, n: i64, outside: Outside) -> ValueStream:
        index = self.index
        overflow = self.overflow
        values = self.writer.values
        if isinstance(outside, LongString):
            buffer = outside.buffer
            if buffer is not None and len(buffer) > SLICES.raw_bytes:
                return BufferStream(overflow, index, records, n, outside, buffer)
            return TextStream(index, records, n, outside.text(), self.writer.sink.compressor is not None)
        assert isinstance(outside, Value)
        kind = outside.kind
        if not outside.is_large():
            return PackedStream(index, records, n, values.type_of(kind), outside.packed())
        if isinstance(outside, Hash):
            inner = outside.table
            assert inner is not None
            general = HASH_VOLATILE if kind == HASH_VOLATILE else HASH_HASHTABLE
            return TableStream(overflow, index, records, n, values.type_of(general), general, inner)
        if isinstance(outside, Set):
            inner = outside.table
            assert inner is not None
            return TableStream(overflow, index, records, n, values.type_of(SET_HASHTABLE), SET_HASHTABLE, inner)
        if isinstance(outside, ZSet):
            inner = outside.members
            order = outside.order
            assert inner is not None and order is not None
            return ZSetStream(overflow, index, records, n, values.type_of(ZSET_SKIPLIST), inner, order)
        if isinstance(outside, List):
            chunks = outside.chunks
            nodes = outside.nodes
            assert chunks is not None and nodes is not None
            return ListStream(index, records, n, chunks, nodes)
        assert isinstance(outside, Stream)
        return StreamStream(index, records, n, outside, values)

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
