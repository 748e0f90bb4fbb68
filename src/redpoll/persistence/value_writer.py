"""Writes values for snapshots, in the form that the reference uses for their encoding.

Small values are equal to those of the reference byte for byte.  Source: spec/rdb.md, sections 7 and 8.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.persistence import codes
from redpoll.persistence.packed_writer import ListpackWriter, intset_of
from redpoll.persistence.scores import score_text
from redpoll.persistence.sink import Sink
from redpoll.persistence.stream_writer import StreamWriter
from redpoll.protocol.numbers import to_int
from redpoll.structures import intset
from redpoll.structures.members import MemberWalk
from redpoll.structures.segment import Outside
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.field_records import value_of
from redpoll.types.forms import empty
from redpoll.types.hash import Hash
from redpoll.types.kinds import (
    HASH_HASHTABLE,
    HASH_LISTPACK,
    HASH_VOLATILE,
    LIST_LISTPACK,
    LIST_QUICKLIST,
    SET_HASHTABLE,
    SET_INTSET,
    SET_LISTPACK,
    STRING_RAW,
    ZSET_LISTPACK,
    ZSET_SKIPLIST,
)
from redpoll.types.list import List
from redpoll.types.set import Set
from redpoll.types.stream import Stream
from redpoll.types.string import LongString
from redpoll.types.value import Value
from redpoll.types.zset import ZSet

AT_A_TIME: Final[i64] = 1024
"""Members of a large sorted set to read from its tree at once."""

NEEDS_VALKEY: Final = "a hash whose fields have deadlines needs the format of Valkey 9"


class UnwritableError(Exception):
    """The chosen version of the format cannot store a value.  `reason` is text for an operator."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: str = reason


@mypyc_attr(acyclic=True)
class ValueWriter:
    """Writes values into `sink` in the format of `version`."""

    def __init__(self, sink: Sink, version: i64) -> None:
        self.sink: Final = sink
        self.version: i64 = version
        self.listpack: Final = ListpackWriter(version != codes.VALKEY_80)

    def type_of(self, kind: i64) -> i64:
        """The number of the type for a value of this kind.  Raises UnwritableError."""
        if kind <= STRING_RAW:
            return codes.STRING
        if kind == LIST_LISTPACK or kind == LIST_QUICKLIST:
            return codes.LIST_LISTPACKS
        if kind == SET_INTSET:
            return codes.SET_INTSET
        if kind == SET_LISTPACK:
            return codes.SET if self.version == codes.REDIS_10 else codes.SET_LISTPACK
        if kind == SET_HASHTABLE:
            return codes.SET
        if kind == HASH_LISTPACK:
            return codes.HASH_LISTPACK
        if kind == HASH_HASHTABLE:
            return codes.HASH
        if kind == HASH_VOLATILE:
            if self.version != codes.VALKEY_80:
                raise UnwritableError(NEEDS_VALKEY)
            return codes.HASH_TIMES
        if kind == ZSET_LISTPACK:
            return codes.ZSET_LISTPACK
        if kind == ZSET_SKIPLIST:
            return codes.ZSET
        return codes.STREAM_2 if self.version == codes.REDIS_10 else codes.STREAM_3

    def write(self, kind: i64, packed: bytes, outside: Outside | None) -> None:
        """Write the value of a record: the packed value, or the object beside it."""
        if outside is None:
            if kind <= STRING_RAW:
                self.sink.text(packed)
                return
            value = empty(kind)
            value.stand_beside(kind, packed)
            self.write_container(value)
        elif kind <= STRING_RAW:
            assert isinstance(outside, LongString)
            self.sink.text(outside.text())
        else:
            assert isinstance(outside, Value)
            self.write_container(outside)

    def write_container(self, value: Value) -> None:
        """Write a container in the type of its kind."""
        kind = value.kind
        if isinstance(value, Hash):
            if kind == HASH_LISTPACK:
                for item in value.rows():
                    self.listpack.text(item)
                self.sink.text(self.listpack.finish())
            else:
                self._hash(value, kind == HASH_VOLATILE)
        elif isinstance(value, List):
            self._list(value)
        elif isinstance(value, Set):
            self._set(value, kind)
        elif isinstance(value, ZSet):
            self._zset(value, kind)
        else:
            assert isinstance(value, Stream)
            writer = StreamWriter(self.listpack, value, self.version)
            writer.begin(self.sink)
            while writer.step(self.sink):
                self.sink.drain_piece()

    def _list(self, value: List) -> None:
        sink = self.sink
        nodes = value.nodes
        if nodes is None:
            sink.number(1)
            self.packed_node(sink, value.rows())
            return
        sink.number(nodes.number())
        start: i64 = 0
        k = nodes.low
        while k < len(nodes.counts):
            count = nodes.counts[k]
            items = value.slice(start, start + count)
            if nodes.sizes[k] < 0:
                sink.number(codes.PLAIN_NODE)
                sink.text(items[0])
            else:
                self.packed_node(sink, items)
            sink.drain_piece()
            start += count
            k += 1

    def packed_node(self, sink: Sink, items: list[bytes]) -> None:
        """Write a packed node of a list."""
        for item in items:
            self.listpack.text(item)
        sink.number(codes.PACKED_NODE)
        sink.text(self.listpack.finish())

    def _set(self, value: Set, kind: i64) -> None:
        sink = self.sink
        if kind == SET_INTSET:
            if value.table is None:
                sink.text(self.packed_intset(value.packed()))
            else:
                sink.text(intset_of(sorted_numbers(value)))
        elif kind == SET_LISTPACK and self.version != codes.REDIS_10:
            for member in value.rows():
                self.listpack.text(member)
            sink.text(self.listpack.finish())
        else:
            sink.number(value.count())
            table = value.table
            if table is None:
                for member in value.rows():
                    sink.text(member)
                return
            walk = MemberWalk(table)
            while walk.step():
                sink.text(walk.blob[walk.start : walk.stop])
                sink.drain_piece()

    def packed_intset(self, packed: bytes) -> bytes:
        """The same numbers in the form of the reference: only that of width and count is another one."""
        count = intset.count(packed, 0, len(packed))
        width: i64 = 1 << 3
        if packed[0] < 3:
            width = packed[0] * 2
        return b"%b%b" % (self.listpack.words(width, count), packed[1:])

    def _zset(self, value: ZSet, kind: i64) -> None:
        sink = self.sink
        stop = value.count()
        if kind == ZSET_LISTPACK:
            self._zset_part(value, 0, stop, True)
            sink.text(self.listpack.finish())
            return
        sink.number(stop)
        while stop > 0:
            start = stop - AT_A_TIME if stop > AT_A_TIME else i64(0)
            self._zset_part(value, start, stop, False)
            sink.drain_piece()
            stop = start

    def _zset_part(self, value: ZSet, start: i64, stop: i64, packed: bool) -> None:
        """Write some entries: into a listpack in their order, otherwise from the last entry on."""
        span = value.span(start, stop)
        members: list[bytes] = []
        span.members(members)
        scores = span.scores(vec[float](capacity=len(members)))
        count: i64 = len(members)
        if packed:
            n: i64 = 0
            while n < count:
                self.listpack.text(members[n])
                self.listpack.text(score_text(scores[n]))
                n += 1
            return
        while count > 0:
            count -= 1
            self.sink.text(members[count])
            self.sink.double(scores[count])

    def _hash(self, value: Hash, timed: bool) -> None:
        """Fields and values in turn, including expired fields."""
        sink = self.sink
        sink.number(value.count())
        table = value.table
        if table is None:
            self._packed_fields(value)
            return
        for b in range(table.buckets):
            records = Records()
            read_bucket(table, b, records, True)
            for n in range(len(records.keys)):
                sink.text(records.keys[n])
                sink.text(value_of(records, n))
                if timed:
                    write_deadline(sink, records.deadlines[n])
            sink.drain_piece()

    def _packed_fields(self, value: Hash) -> None:
        sink = self.sink
        items = value.items()
        times = value.times
        at: i64 = 0
        stop: i64 = len(items)
        n: i64 = 0
        while at < stop:
            middle: i64 = at + 1 + items[at]
            end: i64 = middle + 1 + items[middle]
            sink.text(items[at + 1 : middle])
            sink.text(items[middle + 1 : end])
            if times is not None:
                write_deadline(sink, times.column[n])
            at = end
            n += 1


def write_deadline(sink: Sink, at_ms: i64) -> None:
    """Write the deadline of a field, 0 for none."""
    sink.word(at_ms if at_ms != 0 else i64(-1))


def sorted_numbers(value: Set) -> vec[i64]:
    """The numbers of a large set of them, ascending."""
    numbers = [int(to_int(member)) for member in value.rows()]
    numbers.sort()
    found = vec[i64](capacity=len(numbers))
    for number in numbers:
        found = append(found, number)
    return found
