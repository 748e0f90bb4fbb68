"""DEBUG's views of one key and of the tables: OBJECT, SDSLEN, HTSTATS.

`serializedlength` is the size of the value in an RDB file, without compression.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.keyspace.access import idle_seconds, minute_of
from redpoll.keyspace.database import Database
from redpoll.observe.aside import Aside
from redpoll.protocol.numbers import is_int, to_int
from redpoll.structures.members import insert_member
from redpoll.structures.table import Table
from redpoll.types.kinds import (
    ENCODING_NAME,
    HASH_HASHTABLE,
    HASH_VOLATILE,
    LIST_QUICKLIST,
    LISTPACKS,
    SET_HASHTABLE,
    SET_INTSET,
    STREAM,
    STRING_INT,
    STRING_RAW,
    ZSET_SKIPLIST,
)
from redpoll.types.list import List
from redpoll.types.listpack import FRAME_BYTES, entry_bytes
from redpoll.types.stream import Stream
from redpoll.types.stream_group import Group
from redpoll.types.value import Value

DEADLINE: Final = 8
"""Bytes of a field's deadline, which every field of a hash has if one has it."""


def object_line(db: Database, key: bytes, fast: bool) -> bytes:
    """The line of DEBUG OBJECT for the key at the table's position.  Does not touch or expire it."""
    table = db.table
    kind = table.kind()
    address = 0x7F0000000000 + (int(table.bucket) << 12) + (int(table.index) << 4)
    line = b"Value at:0x%x refcount:1 encoding:%b" % (address, ENCODING_NAME[kind])
    if not fast:
        line += b" serializedlength:%d" % serialized_bytes(db, key, kind)
    line += access_fields(db)
    if kind == LIST_QUICKLIST:
        value = db.container()
        assert isinstance(value, List)
        line += quicklist_fields(value, fast)
    return line


def access_fields(db: Database) -> bytes:
    """What the access clock of the key at the position says, under the present policy."""
    moment = db.moment
    field = db.table.access_clock()
    if moment.counting != 0:
        minutes = minute_of(moment.now_us)
        return b" lfu_freq:%d lfu_access_time_minutes:%d" % (moment.access.count(field, moment.now_us), minutes)
    return b" lru:%d lru_seconds_idle:%d" % (field, idle_seconds(field, moment.clock))


def serialized_bytes(db: Database, key: bytes, kind: int) -> int:
    """The bytes of a value in an RDB file, uncompressed.  O(value)."""
    with Aside(db.moment, also_expired=True):
        return content_bytes(db, key, kind)


def content_bytes(db: Database, key: bytes, kind: int) -> int:
    if kind <= STRING_RAW:
        text = db.string(key) or b""
        return string_bytes(text, kind == STRING_INT)
    if not db.look(key):
        return 0
    value = db.container()
    if kind == SET_INTSET:
        return intset_bytes(value)
    if isinstance(value, List):
        return list_bytes(value)
    if kind == STREAM:
        assert isinstance(value, Stream)
        return stream_bytes(value)
    rows = value.rows()
    if kind in LISTPACKS:
        return listpack_bytes(rows)
    if kind == ZSET_SKIPLIST:
        members = rows[::2]
        return length_bytes(len(members)) + sum([string_bytes(member, is_int(member)) + 8 for member in members])
    items = len(rows) // int(value.row_width())
    total = length_bytes(items) + sum([string_bytes(item, is_int(item)) for item in rows])
    if kind == HASH_VOLATILE:
        return total + items * DEADLINE
    assert kind == HASH_HASHTABLE or kind == SET_HASHTABLE, "a kind without a form in files"
    return total


def stream_bytes(stream: Stream) -> int:
    """The size of a stream in an RDB file: its nodes, including deleted entries, and its groups."""
    total = length_bytes(int(stream.node_count()))
    for node in stream.node_sizes():
        total += 17 + length_bytes(node) + node
    first = stream.first_id()
    total += length_bytes(int(stream.length())) + id_bytes(stream.last_ms, stream.last_seq)
    total += id_bytes(first.ms, first.seq) if first is not None else id_bytes(0, 0)
    total += id_bytes(stream.gone_ms, stream.gone_seq) + word_bytes(stream.added)
    names = stream.sorted_groups()
    total += length_bytes(len(names))
    for name in names:
        group = stream.group(name)
        if group is not None:
            total += string_bytes(name, is_int(name)) + group_bytes(group)
    return total


def group_bytes(group: Group) -> int:
    """The size of a consumer group in an RDB file, without its name."""
    total = id_bytes(group.last_ms, group.last_seq) + word_bytes(group.read) + length_bytes(int(group.pending.count))
    there = group.pending.to_first()
    while there:
        total += 24 + word_bytes(group.pending.deliveries())
        there = group.pending.step()
    total += length_bytes(len(group.consumers))
    for name, consumer in group.consumers.items():
        count = int(consumer.ids.count)
        total += string_bytes(name, is_int(name)) + 16 + length_bytes(count) + 16 * count
    return total


def id_bytes(ms: int, seq: int) -> int:
    return word_bytes(ms) + word_bytes(seq)


def word_bytes(word: int) -> int:
    """The size of a 64-bit number, encoded as a length."""
    return length_bytes(word) if word >= 0 else 9


def length_bytes(length: int) -> int:
    """The size of a length in an RDB file."""
    if length < 64:
        return 1
    if length < 16384:
        return 2
    return 5 if length < 1 << 32 else 9


def string_bytes(text: bytes, number: bool) -> int:
    """The size of a string in an RDB file.  Numbers of up to 32 bits are short."""
    if number and len(text) <= 11:
        n = to_int(text)
        for bits, size in ((7, 2), (15, 3), (31, 5)):
            if -(1 << bits) <= n < 1 << bits:
                return size
    return length_bytes(len(text)) + len(text)


def listpack_bytes(items: list[bytes]) -> int:
    """The size of a listpack with these entries, as a string in an RDB file."""
    total = int(FRAME_BYTES) + sum([int(entry_bytes(item)) for item in items])
    return length_bytes(total) + total


def list_bytes(value: List) -> int:
    """The size of a list in an RDB file: the number of its nodes, then the type and the bytes of each."""
    nodes = value.nodes
    if nodes is None:
        return 2 + listpack_bytes(value.rows())
    total = length_bytes(int(nodes.number()))
    for size in nodes.each_size():
        total += 1 + length_bytes(size) + size
    return total


def quicklist_fields(value: List, fast: bool) -> bytes:
    """The fields that DEBUG OBJECT adds for a list of several nodes."""
    nodes = value.nodes
    assert nodes is not None, "a quicklist without nodes"
    number = int(nodes.number())
    line = b" ql_nodes:%d ql_avg_node:%.2f ql_listpack_max:%d ql_compressed:%d" % (
        number, int(value.count()) / number, int(nodes.limit), int(nodes.compressed),
    )  # fmt: skip
    return line if fast else line + b" ql_uncompressed_size:%d" % nodes.total_bytes()


def intset_bytes(value: Value) -> int:
    """The size of a set of integers in an RDB file: a header of 8 bytes, and all numbers in the width of the widest."""
    # The packed form has the numbers in the same width, after one byte.
    total = 8 + (len(value.packed()) - 1 if not value.is_large() else len(value.rows()) * 8)
    return length_bytes(total) + total


def sds_line(db: Database, key: bytes) -> bytes:
    """The line of DEBUG SDSLEN for the string at the table's position.  There are no spare bytes."""
    table = db.table
    size = int(table.object().size_bytes()) if table.is_outside() else len(table.value())
    length = len(table.value()) if not table.is_outside() else string_length(db, key)
    return (
        b"key_sds_len:%d key_sds_avail:0 obj_alloc:0 val_sds_len:%d val_sds_avail:0 val_alloc:%d"
        % (len(key), length, size)
    )  # fmt: skip


def string_length(db: Database, key: bytes) -> int:
    with Aside(db.moment, also_expired=True):
        text = db.string(key)
    return len(text) if text is not None else 0


def hash_table_of(value: Value) -> Table:
    """The hash table of a value that has one in the reference.

    If the value is packed here, a new table of its keys.
    """
    table = value.inner()
    if table is None:
        table = Table()
        for key in value.rows()[:: int(value.row_width())]:
            table.find(key)
            insert_member(table, key)
    return table


def table_lines(table: Table, full: bool) -> str:
    """The figures of one table.  With `full` how many records its buckets have: O(buckets)."""
    return sum_lines([table], table.size, full)


def sum_lines(tables: list[Table], size: i64, full: bool) -> str:
    """The figures of several tables as if they were one.  `size`: their entries."""
    if size == 0:
        return ""
    buckets: i64 = 0
    for table in tables:
        buckets += table.buckets
    text = (
        "Hash table 0 stats (main hash table):\n"
        f" table size: {buckets * 16}\n number of entries: {size}\n rehashing index: -1\n"
    )
    return text + distribution(tables) if full else text


def distribution(tables: list[Table]) -> str:
    counts: dict[int, int] = {}
    buckets = size = 0
    for table in tables:
        buckets += int(table.buckets)
        size += int(table.size)
        for segment in table.segments:
            for n in range(len(segment.words)):
                length = len(segment.words[n])
                counts[length] = counts.get(length, 0) + 1
    text = (
        f" top-level buckets: {buckets}\n child buckets: 0\n max chain length: {max(counts)}\n"
        f" avg chain length: {size / buckets:.6f}\n chain length distribution:\n"
    )
    for length in sorted(counts):
        text += f"   {length}: {counts[length]} ({100.0 * counts[length] / buckets:.2f}%)\n"
    return text


def database_lines(db: Database, full: bool) -> bytes:
    """DEBUG HTSTATS: the tables of all keys; deadlines are a column of them and have no tables of their own."""
    tables = db.tables.existing()
    text = "[Dictionary HT]\n" + sum_lines(tables, db.tables.size(), full) + "[Expires HT]\n"
    return (text + sum_lines(tables, db.tables.volatile(), False)).encode()
