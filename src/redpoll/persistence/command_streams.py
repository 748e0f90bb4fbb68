"""Large values as commands, slice by slice, while clients change them.

`value_streams.py` keeps them as they were when the rewrite began.  A value becomes many commands, and each command is
written in one piece: a long string in it may take several slices.  Items that are about to change go to the side of the
value, as in a snapshot, because the last bytes of the file may be the first half of such a string.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, write_i16_le
from mypy_extensions import i64

from redpoll.keyspace.reclaim import Reclaimer
from redpoll.persistence.append_encode import write_argument, write_command
from redpoll.persistence.command_writer import AT_A_TIME, CommandWriter
from redpoll.persistence.long_texts import LongArgument, LongText
from redpoll.persistence.side import Overflow, Side
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_writer import SLICES
from redpoll.persistence.stream_commands import StreamCommands
from redpoll.persistence.value_queue import ValueQueue
from redpoll.persistence.value_streams import (
    BufferStream,
    Items,
    LaterItem,
    ListStream,
    ValueStream,
)
from redpoll.protocol.numbers import format_double, int_text
from redpoll.protocol.output import CRLF, DOLLAR, STAR, write_header
from redpoll.structures.segment import KIND_MASK, KIND_SHIFT
from redpoll.structures.table_walk import Records
from redpoll.types.kinds import SET_HASHTABLE, ZSET_SKIPLIST
from redpoll.types.list import List
from redpoll.types.stream import Stream
from redpoll.types.string import LongString
from redpoll.types.value import Value


class CommandItems(Items):
    """The items of a hash, set or sorted set as commands."""

    def __init__(self, key: bytes, kind: i64, overflow: Overflow) -> None:
        self.key: bytes = key
        self.kind: i64 = kind
        self.overflow: Final = overflow
        self.command: bytes = b"HMSET"
        self.most: i64 = 2 * AT_A_TIME
        """Words of the items of one command."""
        if kind == SET_HASHTABLE:
            self.command = b"SADD"
            self.most = AT_A_TIME
        elif kind == ZSET_SKIPLIST:
            self.command = b"ZADD"
        self.words: list[bytes] = []
        """The items that wait for the end of a command."""
        self.deadlines: Side | None = None
        """The deadlines of fields, which follow all fields: see `CommandWriter`."""

    def put(self, sink: Sink, key: bytes, value: bytes, deadline: i64, score: float) -> None:
        words = self.words
        if self.kind == SET_HASHTABLE:
            words.append(key)
        elif self.kind == ZSET_SKIPLIST:
            words.append(format_double(score))
            words.append(key)
        else:
            words.append(key)
            words.append(value)
            if deadline != 0:
                self._put_deadline(key, deadline)
        if len(words) == self.most:
            self.end(sink)

    def end(self, sink: Sink) -> None:
        if len(self.words) > 0:
            write_command(sink.out, [self.command, self.key, *self.words])
            self.words = []

    def put_part(self, sink: Sink, item: LaterItem) -> LongText | None:
        out = sink.out
        part = item.part
        item.part = part + 1
        if part == 0:
            write_header(out, STAR, 3 if self.kind == SET_HASHTABLE else 4)
            write_argument(out, self.command)
            write_argument(out, self.key)
            if self.kind == ZSET_SKIPLIST:
                write_argument(out, format_double(item.score))
            return begun_argument(sink, item.key)
        if part == 1 and self.kind != SET_HASHTABLE and self.kind != ZSET_SKIPLIST:
            return begun_argument(sink, item.value)
        if item.deadline != 0:
            self._put_deadline(item.key, item.deadline)
        item.is_done = True
        return None

    def _put_deadline(self, field: bytes, at_ms: i64) -> None:
        """Keep the deadline of a field for the end.  Raises OSError."""
        side = self.deadlines
        if side is None:
            side = self.overflow.side()
            self.deadlines = side
        write_command(side.sink.out, [b"HPEXPIREAT", self.key, int_text(at_ms), b"FIELDS", b"1", field])
        side.end_item()

    def finish(self, sink: Sink) -> bool:
        side = self.deadlines
        if side is None:
            return False
        if side.is_empty():
            self.overflow.drop(side)
            self.deadlines = None
            return False
        sink.raw(side.taken())
        return True


def begun_argument(sink: Sink, text: bytes) -> LongText | None:
    """Write an argument, or return it if it has to be written in slices."""
    if len(text) > SLICES.text_bytes:
        return LongArgument(text)
    write_argument(sink.out, text)
    return None


def begin_set(out: BytesWriter, key: bytes) -> None:
    """Write SET up to its value."""
    write_header(out, STAR, 3)
    write_argument(out, b"SET")
    write_argument(out, key)


class TextCommands(ValueStream):
    """A string."""

    def __init__(self, index: i64, records: Records, n: i64, data: bytes) -> None:
        super().__init__(index, records, n, 0)
        self.text = LongArgument(data)

    def begin(self, sink: Sink) -> None:
        begin_set(sink.out, self.key)


class BufferCommands(BufferStream):
    """A string in a buffer that is too long to be copied at once."""

    def begin(self, sink: Sink) -> None:
        begin_set(sink.out, self.key)
        write_header(sink.out, DOLLAR, self.keeper.size)

    def step(self, sink: Sink) -> bool:
        if super().step(sink):
            return True
        write_i16_le(sink.out, CRLF)
        return False


class PackedCommands(ValueStream):
    """A packed value beside its record."""

    def __init__(self, index: i64, records: Records, n: i64, packed: bytes, writer: CommandWriter) -> None:
        super().__init__(index, records, n, 0)
        self.packed: bytes = packed
        self.writer: Final = writer

    def begin(self, sink: Sink) -> None:
        self.writer.key = self.key
        self.writer.value((self.word >> KIND_SHIFT) & KIND_MASK, self.packed, None)


class ListCommands(ListStream):
    """A list, node by node."""

    def write_node(self, sink: Sink, items: list[bytes], is_plain: bool) -> None:
        if is_plain:
            write_header(sink.out, STAR, 3)
            write_argument(sink.out, b"RPUSH")
            write_argument(sink.out, self.key)
            self.text = begun_argument(sink, items[0])
            return
        for at in range(0, len(items), int(AT_A_TIME)):
            write_command(sink.out, [b"RPUSH", self.key, *items[at : at + int(AT_A_TIME)]])


class CopiedStream(ValueStream):
    """A stream, some entries at a time."""

    def __init__(self, index: i64, records: Records, n: i64, stream: Stream) -> None:
        super().__init__(index, records, n, 0)
        copy = stream.copy()
        assert isinstance(copy, Stream)
        self.copy: Stream = copy
        self.writer: StreamCommands = StreamCommands(self.key, copy)

    def step(self, sink: Sink) -> bool:
        return self.writer.step(sink)

    def detach(self, reclaimer: Reclaimer) -> None:
        reclaimer.drop_copy(self.copy)


class CommandQueue(ValueQueue):
    """Large values that wait to be written as commands."""

    def __init__(self, writer: CommandWriter, overflow: Overflow) -> None:
        super().__init__(writer, overflow)
        self.commands: CommandWriter = writer

    def begin(self, stream: ValueStream) -> None:
        stream.begin(self.commands.sink)

    def end(self, stream: ValueStream) -> None:
        self.commands.deadline(stream.key, stream.deadline)

    def text_stream(self, records: Records, n: i64, text: LongString) -> ValueStream:
        return TextCommands(self.index, records, n, text.text())

    def buffer_stream(self, records: Records, n: i64, text: LongString, buffer: bytearray) -> ValueStream:
        return BufferCommands(self.overflow, self.index, records, n, text, buffer)

    def packed_stream(self, records: Records, n: i64, value: Value) -> ValueStream:
        return PackedCommands(self.index, records, n, value.packed(), self.commands)

    def items(self, key: bytes, kind: i64) -> Items:
        return CommandItems(key, kind, self.overflow)

    def list_stream(self, records: Records, n: i64, value: List) -> ValueStream:
        chunks = value.chunks
        nodes = value.nodes
        assert chunks is not None and nodes is not None
        return ListCommands(self.index, records, n, 0, chunks, nodes)

    def stream_stream(self, records: Records, n: i64, value: Stream) -> ValueStream:
        return CopiedStream(self.index, records, n, value)
