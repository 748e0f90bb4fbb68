"""Writes streams for snapshots: a node for each block, then the groups.  Source: spec/rdb.md, section 9."""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, write_i64_be
from mypy_extensions import i64, mypyc_attr

from redpoll.persistence import codes
from redpoll.persistence.packed_writer import ListpackWriter
from redpoll.persistence.sink import Sink
from redpoll.structures.entries import Walk
from redpoll.structures.entry_items import item_at, item_end, varint_at, varint_end
from redpoll.structures.ids import number_of, word_of
from redpoll.types.stream import Stream
from redpoll.types.stream_group import Consumer, Group

SAME_FIELDS: Final[i64] = 2
ENTRIES_AT_A_TIME: Final[i64] = 256
"""Pending entries of a step."""
CHUNKS_AT_A_TIME: Final[i64] = 8
"""Chunks of a consumer's IDs of a step: up to 128 IDs each."""
SMALL: Final[i64] = 1 << 61


@mypyc_attr(acyclic=True)
class StreamWriter:
    """Writes a stream without its deleted entries: `begin`, then `step` until it returns False.

    The stream must not change meanwhile.
    """

    def __init__(self, listpack: ListpackWriter, stream: Stream, version: i64) -> None:
        self.listpack: Final = listpack
        self.stream: Final = stream
        self.version: i64 = version
        self.block: i64 = 0
        """The next block ..."""
        self.blocks_stop: i64 = 0
        """... and the end of the blocks."""
        self.names: list[bytes] | None = None
        """Of the groups, once the attributes are written."""
        self.name: i64 = 0
        self.group: Group | None = None
        """The group that is being written."""
        self.there = False
        """Whether it has more pending entries."""
        self.consumers: list[Consumer] | None = None
        self.consumer: i64 = 0
        self.chunk: i64 = -1
        """The next chunk of this consumer's IDs; -1 before its name."""

    def begin(self, sink: Sink) -> None:
        stream = self.stream
        blocks = stream.blocks
        if blocks is not None:
            self.block = blocks.index.head
            self.blocks_stop = blocks.index.stop
            sink.number(blocks.count())
            return
        sink.number(1 if stream.live > 0 else 0)
        if stream.live > 0:
            walk = stream.walk_packed()
            _node(sink, self.listpack, walk, stream.block_at, stream.first_ms, stream.first_seq, stream.live)

    def step(self, sink: Sink) -> bool:
        """Write a block, or some entries of a group; return whether there may be more."""
        blocks = self.stream.blocks
        if blocks is not None and self.block < self.blocks_stop:
            i = self.block
            self.block = i + 1
            index = blocks.index
            _node(sink, self.listpack, blocks.walk(i), 0, index.ms[i], index.seq[i], blocks.live(i))
            return True
        names = self.names
        if names is None:
            self._attributes(sink)
            return True
        group = self.group
        if group is not None:
            self._go_on(sink, group)
            return True
        if self.name >= len(names):
            return False
        name = names[self.name]
        self.name += 1
        group = self.stream.group(name)
        assert group is not None
        self.group = group
        self.consumers = None
        sink.text(name)
        sink.number(group.last_ms)
        sink.number(group.last_seq)
        sink.number(group.read)
        sink.number(group.pending.count)
        self.there = group.pending.to_first()
        return True

    def _attributes(self, sink: Sink) -> None:
        stream = self.stream
        sink.number(stream.length())
        sink.number(stream.last_ms)
        sink.number(stream.last_seq)
        first = stream.first_id()
        sink.number(i64(0) if first is None else first.ms)
        sink.number(i64(0) if first is None else first.seq)
        sink.number(stream.gone_ms)
        sink.number(stream.gone_seq)
        sink.number(stream.added)
        names = stream.sorted_groups()
        sink.number(len(names))
        self.names = names

    def _go_on(self, sink: Sink, group: Group) -> None:
        """Write a part of a group."""
        if self.there:
            self._pending(sink, group)
            return
        consumers = self.consumers
        if consumers is None:
            consumers = group.sorted_consumers()
            self.consumers = consumers
            self.consumer = 0
            self.chunk = -1
            sink.number(len(consumers))
        if self.consumer >= len(consumers):
            self.group = None
            return
        consumer = consumers[self.consumer]
        index = consumer.ids.index
        if self.chunk < 0:
            sink.text(consumer.name)
            sink.word(consumer.seen_ms)
            if self.version != codes.REDIS_10:
                sink.word(consumer.active_ms)
            sink.number(consumer.ids.count)
            self.chunk = index.head
        stop = self.chunk + CHUNKS_AT_A_TIME
        while self.chunk < index.stop and self.chunk < stop:
            walk = consumer.ids.walk(self.chunk)
            more = True
            while more:
                sink.word_be(walk.ms)
                sink.word_be(walk.seq)
                more = walk.step()
            self.chunk += 1
        if self.chunk >= index.stop:
            self.consumer += 1
            self.chunk = -1

    def _pending(self, sink: Sink, group: Group) -> None:
        """Write some pending entries."""
        pending = group.pending
        left = ENTRIES_AT_A_TIME
        while self.there and left > 0:
            sink.word_be(pending.ms())
            sink.word_be(pending.seq())
            sink.word(pending.delivered_ms())
            sink.number(word_of(pending.deliveries() & 0xFFFFFFFFFFFFFFFF))
            self.there = pending.step()
            left -= 1


def _node(sink: Sink, listpack: ListpackWriter, walk: Walk, names: i64, ms: i64, seq: i64, live: i64) -> None:
    """Write a block as a node with the key `ms`-`seq`.  `walk` is before the first entry of the block."""
    blob = walk.blob
    fields = varint_at(blob, names)
    at = varint_end(blob, names)
    listpack.integer(live)
    listpack.integer(0)
    listpack.integer(fields)
    at = _items(listpack, blob, at, fields)
    listpack.integer(0)
    while walk.step():
        own = walk.own != 0
        listpack.integer(i64(0) if own else SAME_FIELDS)
        listpack.integer(distance(ms, walk.ms))
        listpack.integer(distance(seq, walk.seq))
        if own:
            pairs = varint_at(blob, walk.items)
            listpack.integer(pairs)
            _items(listpack, blob, varint_end(blob, walk.items), 2 * pairs)
            listpack.integer(2 * pairs + 4)
        else:
            _items(listpack, blob, walk.items, fields)
            listpack.integer(fields + 3)
    key = BytesWriter()
    write_i64_be(key, ms)
    write_i64_be(key, seq)
    sink.text(key.getvalue())
    sink.text(listpack.finish())


def _items(listpack: ListpackWriter, blob: bytes, at: i64, count: i64) -> i64:
    """Add this many items; return their end."""
    while count > 0:
        listpack.text(item_at(blob, at))
        at = item_end(blob, at)
        count -= 1
    return at


def distance(start: i64, word: i64) -> i64:
    """The difference of two unsigned numbers of 64 bits, modulo 2^64."""
    if -SMALL < start < SMALL and -SMALL < word < SMALL:
        return word - start
    return word_of((number_of(word) - number_of(start)) & 0xFFFFFFFFFFFFFFFF)
