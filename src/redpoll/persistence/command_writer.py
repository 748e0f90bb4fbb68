"""All data as commands: the base of the append-only file with `aof-use-rdb-preamble no`.

Source: spec/aof.md, section 6.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.persistence.append_encode import write_command, write_select
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_writer import BucketWriter
from redpoll.persistence.stream_commands import StreamCommands
from redpoll.protocol.numbers import format_double, int_text
from redpoll.structures.members import MemberWalk
from redpoll.structures.segment import KIND_MASK, KIND_SHIFT, Outside
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.field_records import value_of
from redpoll.types.forms import empty
from redpoll.types.hash import Hash
from redpoll.types.kinds import HASH_VOLATILE, STRING_RAW
from redpoll.types.list import List
from redpoll.types.set import Set
from redpoll.types.stream import Stream
from redpoll.types.string import LongString
from redpoll.types.value import Value
from redpoll.types.zset import ZSet

AT_A_TIME: Final[i64] = 64
"""Items of one command."""


@mypyc_attr(acyclic=True)
class CommandWriter(BucketWriter):
    """Writes the keys of buckets as commands that create them."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self.out: Final[BytesWriter] = sink.out
        self.key: bytes = b""

    def libraries(self, sources: list[bytes]) -> None:
        """Write the function libraries, before the databases."""
        for source in sources:
            write_command(self.out, [b"FUNCTION", b"LOAD", source])

    def database(self, index: i64, size: i64, volatile: i64) -> None:
        self.select(index)

    def select(self, index: i64) -> None:
        write_select(self.out, index)

    def end(self, summed: bool) -> None:
        self.sink.flush()

    def record(self, records: Records, n: i64) -> None:
        kind = (records.words[n] >> KIND_SHIFT) & KIND_MASK
        self.key = records.keys[n]
        self.value(kind, records.values[n], records.objects[n])
        self.deadline(self.key, records.deadlines[n])

    def beside(self, sink: Sink) -> BucketWriter:
        return CommandWriter(sink)

    def deadline(self, key: bytes, at_ms: i64) -> None:
        """Write the deadline of a key after its value; 0: it has none."""
        if at_ms != 0:
            write_command(self.out, [b"PEXPIREAT", key, int_text(at_ms)])

    def value(self, kind: i64, packed: bytes, outside: Outside | None) -> None:
        """Write the commands that create the value of a record: the packed value, or the object beside it."""
        value: Value
        if kind <= STRING_RAW:
            if outside is not None:
                assert isinstance(outside, LongString)
                packed = outside.text()
            write_command(self.out, [b"SET", self.key, packed])
            return
        if outside is None:
            value = empty(kind)
            value.stand_beside(kind, packed)
        else:
            assert isinstance(outside, Value)
            value = outside
        if isinstance(value, List):
            self._list(value)
        elif isinstance(value, Hash):
            self._hash(value)
        elif isinstance(value, Set):
            self._set(value)
        elif isinstance(value, ZSet):
            self._zset(value)
        else:
            assert isinstance(value, Stream)
            self._stream(value)

    def _items(self, command: bytes, items: list[bytes]) -> None:
        """Write one command with the key and these items, unless there are none."""
        if len(items) > 0:
            write_command(self.out, [command, self.key, *items])
            self.sink.drain_piece()

    def _list(self, value: List) -> None:
        stop = value.count()
        start: i64 = 0
        while start < stop:
            end = start + AT_A_TIME if start + AT_A_TIME < stop else stop
            self._items(b"RPUSH", value.slice(start, end))
            start = end

    def _set(self, value: Set) -> None:
        items: list[bytes] = []
        table = value.table
        if table is None:
            items = value.rows()
            for at in range(0, len(items), int(AT_A_TIME)):
                self._items(b"SADD", items[at : at + int(AT_A_TIME)])
            return
        walk = MemberWalk(table)
        while walk.step():
            items.append(walk.blob[walk.start : walk.stop])
            if len(items) == AT_A_TIME:
                self._items(b"SADD", items)
                items = []
        self._items(b"SADD", items)

    def _zset(self, value: ZSet) -> None:
        stop = value.count()
        start: i64 = 0
        while start < stop:
            end = start + AT_A_TIME if start + AT_A_TIME < stop else stop
            span = value.span(start, end)
            members: list[bytes] = []
            span.members(members)
            scores = span.scores(vec[float](capacity=len(members)))
            items: list[bytes] = []
            for n in range(len(members)):
                items.append(format_double(scores[n]))
                items.append(members[n])
            self._items(b"ZADD", items)
            start = end

    def _hash(self, value: Hash) -> None:
        """Write all fields, then their deadlines.

        Valkey 9.1 loses fields with deadlines if a later command of the file sets further fields of the hash.
        """
        self._fields(value, False)
        if value.kind == HASH_VOLATILE:
            self._fields(value, True)

    def _fields(self, value: Hash, deadlines: bool) -> None:
        """Write the fields with their values, or else the deadlines of those that have one."""
        found: list[bytes] = []
        table = value.table
        if table is None:
            items = value.items()
            times = value.times
            at: i64 = 0
            stop: i64 = len(items)
            k: i64 = 0
            while at < stop:
                middle: i64 = at + 1 + items[at]
                end: i64 = middle + 1 + items[middle]
                field = items[at + 1 : middle]
                if not deadlines:
                    self._field(found, field, items[middle + 1 : end])
                elif times is not None:
                    self._deadline(field, times.column[k])
                at = end
                k += 1
        else:
            for b in range(table.buckets):
                records = Records()
                read_bucket(table, b, records, True)
                for n in range(len(records.keys)):
                    if deadlines:
                        self._deadline(records.keys[n], records.deadlines[n])
                    else:
                        self._field(found, records.keys[n], value_of(records, n))
        self._items(b"HMSET", found)

    def _field(self, found: list[bytes], field: bytes, value: bytes) -> None:
        """Collect a field; the fields are written when there are enough."""
        found.append(field)
        found.append(value)
        if len(found) == 2 * AT_A_TIME:
            self._items(b"HMSET", found)
            found.clear()

    def _deadline(self, field: bytes, at_ms: i64) -> None:
        if at_ms != 0:
            self._items(b"HPEXPIREAT", [int_text(at_ms), b"FIELDS", b"1", field])

    def _stream(self, value: Stream) -> None:
        """Write a stream at once."""
        writer = StreamCommands(self.key, value)
        while writer.step(self.sink):
            self.sink.drain_piece()
