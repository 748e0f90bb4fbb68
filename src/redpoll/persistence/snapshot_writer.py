"""A whole snapshot, written into a sink: head, function libraries, databases bucket by bucket, end.

Source: spec/rdb.md, sections 1 and 2.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.build_info import VERSION
from redpoll.keyspace.moment import Moment
from redpoll.persistence import codes
from redpoll.persistence.formats import COUNTERS, IDLE_TIMES
from redpoll.persistence.sink import Sink
from redpoll.persistence.value_writer import ValueWriter
from redpoll.protocol.numbers import int_text
from redpoll.structures.segment import CLOCK_MASK, CLOCK_SHIFT, KIND_MASK, KIND_SHIFT
from redpoll.structures.table import Table
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.version import COMPATIBLE_VERSION, REFERENCE_VERSION


@mypyc_attr(acyclic=True)
class BucketWriter:
    """Writes databases bucket by bucket: as a snapshot, or as commands."""

    def __init__(self, sink: Sink) -> None:
        self.sink: Final = sink
        self.keys: i64 = 0
        """Keys written so far."""

    def database(self, index: i64, size: i64, volatile: i64) -> None:
        """Begin a database: write its number and about how many keys follow."""
        raise NotImplementedError

    def select(self, index: i64) -> None:
        """Write the number of the database whose keys follow."""
        raise NotImplementedError

    def bucket(self, table: Table, b: i64) -> None:
        """Write the keys of bucket `b`.  Raises UnwritableError."""
        raise NotImplementedError

    def end(self, summed: bool) -> None:
        """Write what ends the file, then pass all bytes to the appender."""
        raise NotImplementedError


@mypyc_attr(acyclic=True)
class SnapshotWriter(BucketWriter):
    """Writes the format of `version`.  `uses` (`formats.py`) chooses what to store about the use of keys."""

    def __init__(self, sink: Sink, version: i64, moment: Moment, uses: i64) -> None:
        super().__init__(sink)
        self.version: i64 = version
        self.values: Final = ValueWriter(sink, version)
        self.moment: Final = moment
        self.uses: i64 = uses

    def begin(self, now_s: i64, used_bytes: i64, libraries: list[bytes], is_base: bool = False) -> None:
        """Write the head of the file, before the databases.  `is_base`: of an append-only file."""
        sink = self.sink
        sink.raw(codes.MAGIC[int(self.version)])
        self._note(b"redpoll-ver", VERSION.encode())
        if self.version == codes.VALKEY_80:
            self._note(b"valkey-ver", REFERENCE_VERSION)
        else:
            self._note(b"redis-ver", COMPATIBLE_VERSION if self.version == codes.REDIS_11 else b"7.0.15")
        self._note(b"redis-bits", b"64")
        self._note(b"ctime", int_text(now_s))
        self._note(b"used-mem", int_text(used_bytes))
        self._note(b"aof-base", b"1" if is_base else b"0")
        for source in libraries:
            sink.byte(codes.FUNCTION)
            sink.text(source)

    def _note(self, name: bytes, value: bytes) -> None:
        self.sink.byte(codes.AUX)
        self.sink.text(name)
        self.sink.text(value)

    def database(self, index: i64, size: i64, volatile: i64) -> None:
        sink = self.sink
        self.select(index)
        sink.byte(codes.RESIZE)
        sink.number(size)
        sink.number(volatile)

    def select(self, index: i64) -> None:
        self.sink.byte(codes.SELECT)
        self.sink.number(index)

    def bucket(self, table: Table, b: i64) -> None:
        records = Records()
        read_bucket(table, b, records, True)
        sink = self.sink
        # Of now, not of the start: a key that was used since would seem not to be used for half a year.
        moment = self.moment
        clock = moment.clock & CLOCK_MASK
        n: i64 = 0
        count: i64 = len(records.keys)
        while n < count:
            word = records.words[n]
            at_ms = records.deadlines[n]
            if at_ms != 0:
                sink.byte(codes.EXPIRE_MS)
                sink.word(at_ms)
            if self.uses == IDLE_TIMES:
                sink.byte(codes.IDLE)
                sink.number((clock - (word >> CLOCK_SHIFT)) & CLOCK_MASK)
            elif self.uses == COUNTERS:
                sink.byte(codes.FREQ)
                sink.byte(moment.access.count((word >> CLOCK_SHIFT) & CLOCK_MASK, moment.now_us))
            kind = (word >> KIND_SHIFT) & KIND_MASK
            sink.byte(self.values.type_of(kind))
            sink.text(records.keys[n])
            self.values.write(kind, records.values[n], records.objects[n])
            sink.drain_piece()
            n += 1
        self.keys += count

    def end(self, summed: bool) -> None:
        """Write the end and the checksum, or 0 instead; then pass all bytes to the appender."""
        sink = self.sink
        sink.summing = summed
        sink.byte(codes.END)
        sink.flush()
        sink.word(sink.sum if summed else i64(0))
        sink.flush()
