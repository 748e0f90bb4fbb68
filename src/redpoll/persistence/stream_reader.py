"""Reads streams of a snapshot: nodes become blocks, and groups get their consumers and pending entries.

Deleted entries in a node are left out.  Their bytes still count, because they decide when a block is full.  IDs that go
backwards are refused; the reference does not notice them.  Source: spec/rdb.md,
section 9.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i64_be
from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.persistence import codes
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.packed_forms import listpack_items
from redpoll.persistence.source import Source
from redpoll.protocol.numbers import is_int, to_int
from redpoll.structures.blocks import NODE_FRAME, Blocks
from redpoll.structures.entries import write_entry, write_names
from redpoll.structures.entry_items import number_node_bytes
from redpoll.structures.ids import number_of, precedes, word_of
from redpoll.structures.packed import words_bytes
from redpoll.types.stream import Stream
from redpoll.types.stream_group import NEVER_ACTIVE, Group

NODE_KEY_BYTES: Final[i64] = 16
GONE: Final[i64] = 1
SAME_FIELDS: Final[i64] = 2
SMALL: Final[i64] = 1 << 60

WRONG_NODE: Final = "stream: a node has not the form that it must have"


def read_stream(source: Source, type: i64) -> Stream:
    """Read a stream of this type; raises DamagedError."""
    blocks = Blocks()
    read_nodes(source, blocks)
    made = Stream()
    if source.number() != blocks.length:
        raise source.damaged("stream: it has another number of entries than it says")
    made.last_ms = source.number()
    made.last_seq = source.number()
    if type == codes.STREAM_1:
        made.added = blocks.length
    else:
        source.number()
        source.number()
        made.gone_ms = source.number()
        made.gone_seq = source.number()
        made.added = source.number()
    if blocks.length > 0 and precedes(made.last_ms, made.last_seq, blocks.end_ms, blocks.end_seq):
        # The reference accepts such a stream.  New entries must come after the existing ones.
        made.last_ms = blocks.end_ms
        made.last_seq = blocks.end_seq
    made.blocks = blocks
    groups = source.count(3)
    while groups > 0:
        read_group(source, type, made)
        groups -= 1
    made.end_deletes()
    return made


# Nodes


@mypyc_attr(acyclic=True)
class Node:
    """Reads the elements of a node's listpack one by one."""

    def __init__(self, items: list[bytes]) -> None:
        self.items: list[bytes] = items
        self.at: i64 = 0

    def left(self) -> i64:
        return len(self.items) - self.at

    def text(self) -> bytes:
        at = self.at
        if at >= len(self.items):
            raise DamagedError(WRONG_NODE)
        self.at = at + 1
        return self.items[at]

    def number(self) -> i64:
        text = self.text()
        if not is_int(text):
            raise DamagedError(WRONG_NODE)
        return to_int(text)

    def count(self) -> i64:
        """A number of further elements, or of entries."""
        number = self.number()
        if number < 0 or number > self.left():
            raise DamagedError(WRONG_NODE)
        return number


def read_nodes(source: Source, blocks: Blocks) -> None:
    """Add all nodes, in the order of their keys."""
    count = source.count(NODE_KEY_BYTES)
    keys: list[bytes] = []
    packed: list[bytes] = []
    ordered = True
    while count > 0:
        key = source.text()
        if len(key) != NODE_KEY_BYTES:
            raise source.damaged("stream: the key of a node has no 16 bytes")
        if len(keys) > 0 and key <= keys[len(keys) - 1]:
            ordered = False
        keys.append(key)
        packed.append(source.text())
        count -= 1
    if not ordered:
        if len(set(keys)) != len(keys):
            raise source.damaged("stream: two nodes have the same key")
        rows = [(keys[n], packed[n]) for n in range(len(keys))]
        rows.sort()
        keys = [row[0] for row in rows]
        packed = [row[1] for row in rows]
    for n in range(len(keys)):
        add_node(blocks, read_i64_be(keys[n], 0), read_i64_be(keys[n], 8), packed[n])


def add_node(blocks: Blocks, ms: i64, seq: i64, blob: bytes) -> None:
    """Add the node with this key as a block."""
    items: list[bytes] = []
    listpack_items(blob, items)
    if len(items) == 0:
        raise DamagedError("stream: a node is empty")
    node = Node(items)
    live = node.count()
    gone = node.count()
    names: list[bytes] = []
    fields = node.count()
    while fields > 0:
        names.append(node.text())
        names.append(b"")
        fields -= 1
    if node.number() != 0:
        raise DamagedError(WRONG_NODE)
    out = BytesWriter()
    write_names(out, names, 0)
    block = BlockWriter(out, names, ms, seq)
    while node.left() > 0:
        read_entry(node, block)
    if block.live != live or block.gone != gone:
        raise DamagedError("stream: a node has another number of entries than it says")
    if live == 0:
        return
    if blocks.length > 0 and not precedes(blocks.end_ms, blocks.end_seq, block.first_ms, block.first_seq):
        raise DamagedError("stream: its entries are not in order")
    size: i64 = len(blob)
    blocks.take(
        out.getvalue(), ms, seq, live, gone, size - NODE_FRAME - number_node_bytes(live) - number_node_bytes(gone)
    )


@mypyc_attr(acyclic=True)
class BlockWriter:
    """Writes the entries of the node with the key `key_ms`-`key_seq` into a block; `names` are its fields."""

    def __init__(self, out: BytesWriter, names: list[bytes], key_ms: i64, key_seq: i64) -> None:
        self.out: Final = out
        self.names: Final = names
        self.key_ms: i64 = key_ms
        self.key_seq: i64 = key_seq
        self.ms: i64 = key_ms
        self.seq: i64 = moved(key_seq, -1)
        """The last written ID; at first the ID before the key."""
        self.first_ms: i64 = 0
        self.first_seq: i64 = 0
        self.live: i64 = 0
        self.gone: i64 = 0

    def add(self, ms: i64, seq: i64, own: bool, args: list[bytes]) -> None:
        if self.live == 0:
            if precedes(ms, seq, self.key_ms, self.key_seq):
                raise DamagedError("stream: its entries are not in order")
            self.first_ms = ms
            self.first_seq = seq
        elif not precedes(self.ms, self.seq, ms, seq):
            raise DamagedError("stream: its entries are not in order")
        write_entry(self.out, own, ms, seq, self.ms, self.seq, args, 0, words_bytes(args, 0))
        self.ms = ms
        self.seq = seq
        self.live += 1


def read_entry(node: Node, block: BlockWriter) -> None:
    """Read one entry, and write it unless it is deleted."""
    flags = node.number()
    if flags & ~(GONE | SAME_FIELDS) != 0:
        raise DamagedError(WRONG_NODE)
    ms = moved(block.key_ms, node.number())
    seq = moved(block.key_seq, node.number())
    args: list[bytes] = []
    own = flags & SAME_FIELDS == 0
    if own:
        count = node.count()
        elements = 2 * count + 4
        count *= 2
        while count > 0:
            args.append(node.text())
            count -= 1
    else:
        names = block.names
        stop: i64 = len(names)
        elements = (stop >> 1) + 3
        n: i64 = 0
        while n < stop:
            args.append(names[n])
            args.append(node.text())
            n += 2
    if node.number() != elements:
        raise DamagedError(WRONG_NODE)
    if flags & GONE != 0:
        block.gone += 1
    else:
        block.add(ms, seq, own, args)


def moved(word: i64, delta: i64) -> i64:
    """The word of the unsigned number that is `delta` more, modulo 2^64."""
    if 0 <= word < SMALL and -SMALL < delta < SMALL and word + delta >= 0:
        return word + delta
    return word_of((number_of(word) + int(delta)) & 0xFFFFFFFFFFFFFFFF)


# Groups


def read_group(source: Source, type: i64, stream: Stream) -> None:
    """Read a group."""
    name = source.text()
    last_ms = source.number()
    last_seq = source.number()
    if stream.group(name) is not None:
        raise source.damaged("stream: two groups have the same name")
    read = stream.estimate(last_ms, last_seq) if type == codes.STREAM_1 else source.number()
    group = stream.add_group(name, last_ms, last_seq, read)
    at = read_pending(source)
    consumers = source.count(10)
    while consumers > 0:
        read_consumer(source, type, group, at)
        consumers -= 1
    if len(at.places) > 0:
        raise source.damaged("stream: a pending entry has no consumer")
    stream.account(group)


@mypyc_attr(acyclic=True)
class PendingColumns:
    """Pending entries of a group without a consumer yet, by ID: time and number of deliveries."""

    def __init__(self) -> None:
        self.places: dict[bytes, int] = {}
        self.times: vec[i64] = vec[i64]()
        self.counts: vec[i64] = vec[i64]()


def read_pending(source: Source) -> PendingColumns:
    """Read the pending entries of a group."""
    found = PendingColumns()
    count = source.count(25)
    while count > 0:
        id = source.take(16)
        if id in found.places:
            raise source.damaged("stream: an entry is pending twice")
        found.places[id] = len(found.times)
        found.times = append(found.times, source.word())
        found.counts = append(found.counts, source.number())
        count -= 1
    return found


def read_consumer(source: Source, type: i64, group: Group, pending: PendingColumns) -> None:
    """Read a consumer with its pending entries."""
    name = source.text()
    if name in group.consumers:
        raise source.damaged("stream: two consumers have the same name")
    seen_ms = source.word()
    consumer = group.add_consumer(name, seen_ms)
    if type == codes.STREAM_3:
        consumer.active_ms = source.word()
        if consumer.active_ms < 0:
            consumer.active_ms = NEVER_ACTIVE
    else:
        consumer.active_ms = seen_ms
    count = source.count(NODE_KEY_BYTES)
    while count > 0:
        id = source.take(16)
        place = pending.places.pop(id, -1)
        if place < 0:
            raise source.damaged("stream: a consumer's entry is not pending, or for two of them")
        group.deliver(
            read_i64_be(id, 0), read_i64_be(id, 8), consumer, pending.times[place], number_of(pending.counts[place])
        )
        count -= 1
