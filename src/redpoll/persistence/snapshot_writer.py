"""A whole snapshot, written into a sink: head, function libraries, databases bucket by bucket, end.

SAVE writes every value at once.  For BGSAVE, values that take long go to `LargeValues` instead.

Source: spec/rdb.md, sections 1 and 2.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.build_info import VERSION
from redpoll.engine.role import StreamPlace
from redpoll.engine.routing import SlotArrival
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

SLOT_INFO: Final = b"slot-info"


class Slices:
    """How much of a value is written at once while commands run.  Shared by the process; tests make them smaller."""

    def __init__(self) -> None:
        self.value_bytes: i64 = 16384
        """A larger value is written in slices ..."""
        self.bucket_bytes: i64 = 32768
        """... and so are those beyond so many bytes of values beside the records of a bucket."""
        self.text_bytes: i64 = 32768
        """A string is written in slices of this size."""
        self.raw_bytes: i64 = 4 << 20
        """A longer string is not compressed."""
        self.entries: i64 = 256
        """Entries of a sorted set in a slice."""
        self.side_bytes: i64 = -1
        """The memory of all sides together; -1 for a share of the memory in use."""


SLICES: Final = Slices()


class LargeValues:
    """The values that are written in slices.  `value_queue.py` subclasses it."""

    def put(self, table: Table, records: Records, n: i64) -> None:
        """Take record `n` of a bucket of a database's table.  Raises UnwritableError."""


@mypyc_attr(acyclic=True)
class BucketWriter:
    """Writes databases bucket by bucket: as a snapshot, or as commands."""

    def __init__(self, sink: Sink) -> None:
        self.sink: Final = sink
        self.keys: i64 = 0
        """Keys written so far."""
        self.slots: bytes = b""
        """A byte for each hash slot: 1 if its keys are written, else 0.  Empty if the keys of all slots are."""

    def database(self, index: i64, size: i64, volatile: i64) -> None:
        """Begin a database: write its number and about how many keys follow."""
        raise NotImplementedError

    def select(self, index: i64) -> None:
        """Write the number of the database whose keys follow."""
        raise NotImplementedError

    def slot(self, table: Table) -> None:
        """Write about how many keys of a slot follow, if the format has a place for that."""

    def bucket(self, table: Table, b: i64, queue: LargeValues | None = None) -> None:
        """Write the keys of bucket `b`; those with values that take too long go to `queue`.

        Raises UnwritableError.
        """
        slots = self.slots
        if len(slots) > 0 and slots[table.slot] == 0:
            return
        records = Records()
        read_bucket(table, b, records, True)
        sink = self.sink
        n: i64 = 0
        count: i64 = len(records.keys)
        spent: i64 = 0
        while n < count:
            outside = records.objects[n]
            if queue is not None and outside is not None:
                size = outside.size_bytes()
                if size > SLICES.value_bytes or spent + size > SLICES.bucket_bytes:
                    queue.put(table, records, n)
                    n += 1
                    continue
                spent += size
            self.record(records, n)
            sink.drain_piece()
            self.keys += 1
            n += 1

    def record(self, records: Records, n: i64) -> None:
        """Write record `n` of a bucket.  Raises UnwritableError."""
        raise NotImplementedError

    def beside(self, sink: Sink) -> BucketWriter:
        """A writer of the same format into another sink."""
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

    def begin(
        self,
        now_s: i64,
        used_bytes: i64,
        libraries: list[bytes],
        is_base: bool = False,
        place: StreamPlace | None = None,
        arrivals: list[SlotArrival] | None = None,
    ) -> None:
        """Write the head of the file, before the databases.

        `is_base`: of an append-only file.  `place`: of the data in a replication stream.  `arrivals`: the imports of
        slots that are running; only the newest format has room for them.
        """
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
        if place is not None:
            self._note(b"repl-stream-db", int_text(place.db))
            self._note(b"repl-id", place.history)
            self._note(b"repl-offset", int_text(place.offset))
        self._note(b"aof-base", b"1" if is_base else b"0")
        for source in libraries:
            sink.byte(codes.FUNCTION)
            sink.text(source)
        if arrivals is not None and self.version == codes.VALKEY_80:
            for arrival in arrivals:
                sink.byte(codes.SLOT_IMPORT)
                sink.text(arrival.name)
                sink.number(len(arrival.ranges))
                for first, last in arrival.ranges:
                    sink.number(first)
                    sink.number(last)

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

    def slot(self, table: Table) -> None:
        if self.version == codes.VALKEY_80 and table.size > 0:
            counts = (int(table.slot), int(table.size), int(table.volatile), int(table.volatile_items))
            self._note(SLOT_INFO, b"%d,%d,%d,%d" % counts)

    def record(self, records: Records, n: i64) -> None:
        word = records.words[n]
        kind = (word >> KIND_SHIFT) & KIND_MASK
        self.head(word, records.deadlines[n], self.values.type_of(kind), records.keys[n])
        self.values.write(kind, records.values[n], records.objects[n])

    def beside(self, sink: Sink) -> BucketWriter:
        return SnapshotWriter(sink, self.version, self.moment, self.uses)

    def head(self, word: i64, at_ms: i64, type: i64, key: bytes) -> None:
        """Write what comes before a value: its deadline (0: none), the use of the key, its type, and the key."""
        sink = self.sink
        if at_ms != 0:
            sink.byte(codes.EXPIRE_MS)
            sink.word(at_ms)
        moment = self.moment
        if self.uses == IDLE_TIMES:
            # Of now, not of the start: a key that was used since would seem not to be used for half a year.
            sink.byte(codes.IDLE)
            sink.number(((moment.clock & CLOCK_MASK) - (word >> CLOCK_SHIFT)) & CLOCK_MASK)
        elif self.uses == COUNTERS:
            sink.byte(codes.FREQ)
            sink.byte(moment.access.count((word >> CLOCK_SHIFT) & CLOCK_MASK, moment.now_us))
        sink.byte(type)
        sink.text(key)

    def end(self, summed: bool) -> None:
        """Write the end and the checksum, or 0 instead; then pass all bytes to the appender."""
        sink = self.sink
        sink.summing = summed
        sink.byte(codes.END)
        sink.flush()
        sink.word(sink.sum if summed else i64(0))
        sink.flush()
