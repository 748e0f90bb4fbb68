"""Writes streams for snapshots: a node for each block, then the groups.  Source: spec/rdb.md, section 9."""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, write_i64_be
from mypy_extensions import i64

from redpoll.persistence import codes
from redpoll.persistence.packed_writer import ListpackWriter
from redpoll.persistence.sink import Sink
from redpoll.structures.entries import Walk
from redpoll.structures.entry_items import item_at, item_end, varint_at, varint_end
from redpoll.structures.ids import number_of, word_of
from redpoll.types.stream import Stream
from redpoll.types.stream_group import Group

SAME_FIELDS: Final[i64] = 2
SMALL: Final[i64] = 1 << 61


def write_stream(sink: Sink, listpack: ListpackWriter, stream: Stream, version: i64) -> None:
    """Write a stream without its deleted entries."""
    blocks = stream.blocks
    if blocks is None:
        sink.number(1 if stream.live > 0 else 0)
        if stream.live > 0:
            walk = stream.walk_packed()
            _node(sink, listpack, walk, stream.block_at, stream.first_ms, stream.first_seq, stream.live)
    else:
        index = blocks.index
        sink.number(blocks.count())
        for i in range(index.head, index.stop):
            _node(sink, listpack, blocks.walk(i), 0, index.ms[i], index.seq[i], blocks.live(i))
            sink.drain_piece()
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
    for name in names:
        group = stream.group(name)
        assert group is not None
        sink.text(name)
        _group(sink, group, version)


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


def _group(sink: Sink, group: Group, version: i64) -> None:
    sink.number(group.last_ms)
    sink.number(group.last_seq)
    sink.number(group.read)
    pending = group.pending
    sink.number(pending.count)
    there = pending.to_first()
    while there:
        sink.word_be(pending.ms())
        sink.word_be(pending.seq())
        sink.word(pending.delivered_ms())
        sink.number(word_of(pending.deliveries() & 0xFFFFFFFFFFFFFFFF))
        there = pending.step()
        sink.drain_piece()
    consumers = group.sorted_consumers()
    sink.number(len(consumers))
    for consumer in consumers:
        sink.text(consumer.name)
        sink.word(consumer.seen_ms)
        if version != codes.REDIS_10:
            sink.word(consumer.active_ms)
        sink.number(consumer.ids.count)
        index = consumer.ids.index
        for i in range(index.head, index.stop):
            walk = consumer.ids.walk(i)
            more = True
            while more:
                sink.word_be(walk.ms)
                sink.word_be(walk.seq)
                more = walk.step()
        sink.drain_piece()
