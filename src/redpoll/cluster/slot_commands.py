"""The keys of slots as commands that create them, in slices: the snapshot that a migration sends.

It is a snapshot like that of BGSAVE (`persistence/background.py`): of one moment, without a fork, while commands run.
The other server needs no counts before the items, so the items of a large value go out in any order: those of a bucket
of its table as one command.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.keyspace.moment import Moment
from redpoll.keyspace.reclaim import Reclaimer
from redpoll.keyspace.slots import key_slot
from redpoll.persistence import codes
from redpoll.persistence.append_encode import write_command
from redpoll.persistence.background import LargeParts
from redpoll.persistence.command_writer import AT_A_TIME, CommandWriter
from redpoll.persistence.long_texts import LongText
from redpoll.persistence.side import Overflow
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_writer import SLICES, LargeValues, SnapshotWriter
from redpoll.persistence.value_queue import ValueQueue
from redpoll.persistence.value_streams import BufferStream, ListStream, TableStream, ValueStream
from redpoll.persistence.value_writer import ValueWriter
from redpoll.protocol.numbers import format_double, int_text
from redpoll.structures.btree import BTree
from redpoll.structures.entries import Picked
from redpoll.structures.ids import number_of, word_of
from redpoll.structures.members import recorded_score
from redpoll.structures.segment import KIND_MASK, KIND_SHIFT, Outside
from redpoll.structures.table import Table
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.field_records import value_of
from redpoll.types.hash import Hash
from redpoll.types.kinds import HASH_HASHTABLE, HASH_VOLATILE, SET_HASHTABLE, ZSET_SKIPLIST
from redpoll.types.list import List
from redpoll.types.set import Set
from redpoll.types.stream import Stream, id_text
from redpoll.types.stream_group import Consumer, Group
from redpoll.types.string import LongString
from redpoll.types.value import Value
from redpoll.types.zset import ZSet

SET_WORDS: Final = 3
GREATEST: Final = 18446744073709551615
"""The greatest sequence of an ID."""
CRLF: Final = b"\r\n"


@mypyc_attr(acyclic=True)
class SlotWriter(SnapshotWriter):
    """Writes the keys of some slots (1 in `flags`) as commands."""

    def __init__(self, sink: Sink, moment: Moment, flags: bytes) -> None:
        super().__init__(sink, codes.VALKEY_80, moment, 0)
        self.flags: bytes = flags
        self.commands: Final = CommandWriter(sink)

    def database(self, index: i64, size: i64, volatile: i64) -> None:
        self.commands.select(index)

    def select(self, index: i64) -> None:
        self.commands.select(index)

    def bucket(self, table: Table, b: i64, queue: LargeValues | None = None) -> None:
        records = Records()
        read_bucket(table, b, records, True)
        sink = self.sink
        commands = self.commands
        spent: i64 = 0
        n: i64 = 0
        count: i64 = len(records.keys)
        while n < count:
            key = records.keys[n]
            if self.flags[key_slot(key)] == 0:
                n += 1
                continue
            outside = records.objects[n]
            if queue is not None and outside is not None:
                size = outside.size_bytes()
                if size > SLICES.value_bytes or spent + size > SLICES.bucket_bytes:
                    queue.put(table, records, n)
                    n += 1
                    continue
                spent += size
            commands.key = key
            commands.value((records.words[n] >> KIND_SHIFT) & KIND_MASK, records.values[n], outside)
            write_deadline(sink, key, records.deadlines[n])
            sink.drain_piece()
            self.keys += 1
            n += 1

    def head(self, word: i64, at_ms: i64, type: i64, key: bytes) -> None:
        """Nothing: commands begin with the value."""

    def end(self, summed: bool) -> None:
        self.sink.flush()


class SlotParts(LargeParts):
    """What a snapshot as commands needs for large values."""

    def make_queue(self, writer: SnapshotWriter) -> ValueQueue:
        return SlotQueue(writer, self.overflow)

    def make_side_writer(self, writer: SnapshotWriter) -> SnapshotWriter:
        assert isinstance(writer, SlotWriter)
        return SlotWriter(self.side.sink, writer.moment, writer.flags)


class SlotQueue(ValueQueue):
    """The large values that wait to be written as commands."""

    def _stream(self, records: Records, n: i64, outside: Outside) -> ValueStream:
        index = self.index
        overflow = self.overflow
        if isinstance(outside, LongString):
            buffer = outside.buffer
            if buffer is not None and len(buffer) > SLICES.raw_bytes:
                return SlotBuffer(overflow, index, records, n, outside, buffer)
            return SlotText(index, records, n, outside.text())
        assert isinstance(outside, Value)
        kind = outside.kind
        if isinstance(outside, Stream):
            return SlotStream(index, records, n, outside)
        if not outside.is_large():
            return SlotValue(index, records, n, outside.packed())
        if isinstance(outside, Hash):
            inner = outside.table
            assert inner is not None
            general = HASH_VOLATILE if kind == HASH_VOLATILE else HASH_HASHTABLE
            return SlotTable(overflow, index, records, n, general, inner, None)
        if isinstance(outside, Set):
            inner = outside.table
            assert inner is not None
            return SlotTable(overflow, index, records, n, SET_HASHTABLE, inner, None)
        if isinstance(outside, ZSet):
            inner = outside.members
            assert inner is not None
            return SlotTable(overflow, index, records, n, ZSET_SKIPLIST, inner, outside.order)
        assert isinstance(outside, List)
        chunks = outside.chunks
        nodes = outside.nodes
        assert chunks is not None and nodes is not None
        return SlotList(index, records, n, chunks, nodes)

    def is_inside(self) -> bool:
        """Whether the bytes so far end in the middle of a command."""
        stream = self.open
        return isinstance(stream, SlotText) or isinstance(stream, SlotBuffer)


def write_deadline(sink: Sink, key: bytes, at_ms: i64) -> None:
    """Write the command that sets a deadline, unless there is none."""
    if at_ms != 0:
        write_command(sink.out, [b"PEXPIREAT", key, int_text(at_ms)])


def begin_set(sink: Sink, key: bytes, size: i64) -> None:
    """Write a SET up to the value."""
    sink.raw(b"*%d\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n" % (SET_WORDS, len(key), key, int(size)))


class SlotText(ValueStream):
    """A string."""

    def __init__(self, index: i64, records: Records, n: i64, data: bytes) -> None:
        super().__init__(index, records, n, codes.STRING)
        text = LongText(data, False)
        # Without the length of a snapshot's string.
        text.at = 0
        self.text = text

    def begin(self, sink: Sink, values: ValueWriter) -> None:
        text = self.text
        assert text is not None
        begin_set(sink, self.key, len(text.data))

    def step(self, sink: Sink, values: ValueWriter) -> bool:
        sink.raw(CRLF)
        write_deadline(sink, self.key, self.deadline)
        return False


class SlotBuffer(BufferStream):
    """A string in a buffer that is too long to be copied at once."""

    def begin(self, sink: Sink, values: ValueWriter) -> None:
        begin_set(sink, self.key, self.keeper.size)

    def step(self, sink: Sink, values: ValueWriter) -> bool:
        page = self.keeper.taken()
        if len(page) > 0:
            sink.raw(page)
            return True
        sink.raw(CRLF)
        write_deadline(sink, self.key, self.deadline)
        return False


class SlotValue(ValueStream):
    """A packed value beside its record."""

    def __init__(self, index: i64, records: Records, n: i64, packed: bytes) -> None:
        super().__init__(index, records, n, 0)
        self.packed: bytes = packed

    def begin(self, sink: Sink, values: ValueWriter) -> None:
        writer = CommandWriter(sink)
        writer.key = self.key
        writer.value((self.word >> KIND_SHIFT) & KIND_MASK, self.packed, None)
        write_deadline(sink, self.key, self.deadline)


class SlotTable(TableStream):
    """A hash, a set or a sorted set: a command or two for each bucket of its table."""

    def __init__(
        self, overflow: Overflow, index: i64, records: Records, n: i64, kind: i64, inner: Table, order: BTree | None
    ) -> None:
        super().__init__(overflow, index, records, n, 0, kind, inner)
        self.order: BTree | None = order

    def begin(self, sink: Sink, values: ValueWriter) -> None:
        """Commands need no count."""

    def step(self, sink: Sink, values: ValueWriter) -> bool:
        if self.write_items(sink):
            return True
        write_deadline(sink, self.key, self.deadline)
        return False

    def write_bucket(self, sink: Sink, b: i64) -> None:
        records = Records()
        read_bucket(self.inner, b, records, True)
        kind = self.kind
        items: list[bytes] = []
        for n in range(len(records.keys)):
            item = records.keys[n]
            if kind == SET_HASHTABLE:
                items.append(item)
            elif kind == ZSET_SKIPLIST:
                items.append(format_double(recorded_score(records, n)))
                items.append(item)
            elif kind == HASH_VOLATILE and records.deadlines[n] != 0:
                write_command(
                    sink.out,
                    [
                        b"HSETEX", self.key, b"PXAT", int_text(records.deadlines[n]), b"FIELDS", b"1", item,
                        value_of(records, n),
                    ],
                )  # fmt: skip
            else:
                items.append(item)
                items.append(value_of(records, n))
        if len(items) > 0:
            name = b"SADD" if kind == SET_HASHTABLE else b"ZADD" if kind == ZSET_SKIPLIST else b"HMSET"
            write_command(sink.out, [name, self.key, *items])

    def release(self, reclaimer: Reclaimer) -> None:
        order = self.order
        if order is None:
            super().release(reclaimer)
            return
        gone = ZSet()
        gone.members = self.inner
        gone.order = order
        reclaimer.drop(gone)


class SlotList(ListStream):
    """A list, node by node."""

    def begin(self, sink: Sink, values: ValueWriter) -> None:
        """Commands need no count."""

    def step(self, sink: Sink, values: ValueWriter) -> bool:
        nodes = self.nodes
        k = self.node
        if k >= len(nodes.counts):
            write_deadline(sink, self.key, self.deadline)
            return False
        count = nodes.counts[k]
        items: list[bytes] = []
        self.chunks.slice(self.start, self.start + count, items)
        self.node = k + 1
        self.start += count
        write_command(sink.out, [b"RPUSH", self.key, *items])
        return True


class SlotStream(ValueStream):
    """A stream: entries, counters, groups and their pending entries."""

    def __init__(self, index: i64, records: Records, n: i64, stream: Stream) -> None:
        super().__init__(index, records, n, 0)
        copy = stream.copy()
        assert isinstance(copy, Stream)
        self.copy: Stream = copy
        self.ms: i64 = 0
        self.seq: i64 = 0
        """The least ID that is not written."""
        self.names: list[bytes] | None = None
        """The groups, once the entries are written; `name` of them are."""
        self.name: i64 = 0
        self.group: Group | None = None
        self.consumers: list[Consumer] = []
        self.consumer: i64 = 0
        self.chunk: i64 = 0
        """The next chunk of this consumer's IDs."""

    def step(self, sink: Sink, values: ValueWriter) -> bool:
        writer = CommandWriter(sink)
        writer.key = self.key
        names = self.names
        if names is None:
            if not self._entries(writer):
                writer.stream_end(self.copy)
                self.names = self.copy.sorted_groups()
            return True
        group = self.group
        if group is not None:
            if not self._pending(writer, names[self.name], group):
                self.group = None
                self.name += 1
            return True
        if self.name < len(names):
            group = self.copy.group(names[self.name])
            assert group is not None
            self.group = group
            writer.group_head(names[self.name], group)
            self.consumers = group.sorted_consumers()
            self.consumer = 0
            self.chunk = -1
            return True
        write_deadline(sink, self.key, self.deadline)
        return False

    def _entries(self, writer: CommandWriter) -> bool:
        """Write some entries; return whether there were any."""
        found = Picked()
        self.copy.pick(found, self.ms, self.seq, -1, -1, AT_A_TIME)
        count = found.count()
        k: i64 = 0
        while k < count:
            items = found.items(k)
            if items is not None:
                write_command(writer.out, [b"XADD", self.key, id_text(found.ms[k], found.seq[k]), *items])
            k += 1
        if count == 0:
            return False
        self.ms = found.ms[count - 1]
        following = number_of(found.seq[count - 1]) + 1
        if following > GREATEST:
            following = 0
            self.ms += 1
        self.seq = word_of(following)
        return True

    def _pending(self, writer: CommandWriter, name: bytes, group: Group) -> bool:
        """Write a chunk of the pending entries of a consumer; return whether there may be more."""
        if self.consumer >= len(self.consumers):
            return False
        consumer = self.consumers[self.consumer]
        index = consumer.ids.index
        if self.chunk < 0:
            writer.consumer_head(name, consumer)
            self.chunk = index.head
        if self.chunk < index.stop:
            writer.pending_chunk(name, group, consumer, self.chunk)
            self.chunk += 1
        else:
            self.consumer += 1
            self.chunk = -1
        return True

    def detach(self, reclaimer: Reclaimer) -> None:
        reclaimer.drop_copy(self.copy)
