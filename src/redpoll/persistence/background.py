"""BGSAVE without a fork: it writes the data of one moment in slices, while commands change the data.

Each table gets a keeper that marks the written buckets.  Before a bucket changes (a write, a deadline, a split or a
merge), the keeper writes its old content.  The order of keys in a file is free, so no copy is needed.  Later changes
affect only buckets that are already written.  A table that is replaced during the snapshot (FLUSHDB) is kept until it
is written.

Large values wait in a queue, which comes before the remaining buckets, and are written in slices
(`value_streams.py`).  While one is written, buckets that are about to change go to a side instead of the file
(`side.py`).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.engine.durability import RunningSave
from redpoll.engine.engine import Engine
from redpoll.engine.latency import RDB_UNLINK_TEMP_FILE
from redpoll.env.files import Syncing
from redpoll.keyspace.database import Database
from redpoll.persistence.command_streams import CommandQueue
from redpoll.persistence.command_writer import CommandWriter
from redpoll.persistence.delays import KEY_SAVE_DELAY, seconds_of
from redpoll.persistence.points import review_gate
from redpoll.persistence.saving import DraftFile, SnapshotFile, folder, record_save
from redpoll.persistence.side import Overflow, Side
from redpoll.persistence.snapshot_writer import SLICES, BucketWriter, SnapshotWriter
from redpoll.persistence.spikes import begun_us, record
from redpoll.persistence.value_queue import SnapshotQueue, ValueQueue
from redpoll.persistence.value_writer import UnwritableError
from redpoll.structures.keeper import Keeper
from redpoll.structures.table import Table

TELL_EVERY_US: Final[i64] = 10_000_000
"""How often the log is told of a running save."""

LOOK_EVERY: Final[i64] = 4
"""Buckets to write before the clock is read again."""

LEAST_SIDE: Final[i64] = 1 << 20
MOST_SIDE: Final[i64] = 16 << 20
SIDE_SHARE: Final[i64] = 64
"""All sides take up to 1/64 of the memory in use, but at least LEAST_SIDE and at most MOST_SIDE; the rest is in a file.
"""


class DatabaseKeeper(Keeper):
    """Remembers for each bucket of the tables of a database whether it is written: 1 if so."""

    def __init__(self, save: SlicedSnapshot, db: Database) -> None:
        self.save: SlicedSnapshot = save
        self.index: i64 = db.index
        """The number of the database when the snapshot began."""
        self.slotted = db.slotted
        self.tables: list[Table] = db.tables.existing()
        self.buckets: list[bytearray | None] = [None] * int(db.tables.slots)
        """What `done` returns for the table of each slot; None until it is needed."""
        self.current: i64 = 0
        """The index in `tables` of the table whose buckets are being written."""
        self.next: i64 = 0
        """The next bucket of this table."""
        for table in self.tables:
            table.keeper = self

    def done(self, table: Table) -> bytearray:
        """For each bucket of a table, whether it is written: 1 if so."""
        buckets = self.buckets[table.slot]
        if buckets is None:
            buckets = bytearray(int(table.buckets))
            self.buckets[table.slot] = buckets
        return buckets

    def changes(self, table: Table, b: i64) -> None:
        done = self.done(table)
        if done[b] == 0:
            done[b] = 1
            self.save.write(self, table, b)

    def parts(self, table: Table) -> None:
        self.done(table).append(1)

    def joins(self, table: Table) -> None:
        self.done(table).pop()

    def write_next(self) -> bool:
        """Write the next bucket, unless it is written already; return whether one was written."""
        table = self.tables[self.current]
        b = self.next
        if b == 0 and self.slotted:
            self.save.begin_slot(self, table)
        if b >= table.buckets:
            self.current += 1
            self.next = 0
            return False
        self.next = b + 1
        if self.done(table)[b] != 0:
            return False
        self.changes(table, b)
        return True

    def is_ahead(self) -> bool:
        """Whether there are buckets after the place of `write_next`."""
        return self.current < len(self.tables)


class LargeParts:
    """What a snapshot needs to write large values in slices: their queue, and the keys that wait for their end."""

    def __init__(self, engine: Engine, writer: BucketWriter, side_path: bytes) -> None:
        limit = side_bytes(engine.used_memory())
        self.overflow: Final = Overflow(engine.config.files, side_path, limit, writer.sink.compressor)
        self.queue: Final = queue_of(writer, self.overflow)
        self.side: Final[Side] = self.overflow.side()
        """Keys that have to wait for the end of a large value."""
        self.side_writer: Final = writer.beside(self.side.sink)
        self.side_writer.slots = writer.slots
        self.side_last: i64 = -1
        """The database of the last key on the side, -1 if that is unknown."""

    def write_aside(self, index: i64, table: Table, b: i64) -> None:
        """Write a bucket to the side."""
        if index != self.side_last:
            self.side_last = index
            self.side_writer.select(index)
        self.side_writer.bucket(table, b, self.queue)
        if self.side.end_item():
            # Pieces come back in any order, so each names its database.
            self.side_last = -1


def queue_of(writer: BucketWriter, overflow: Overflow) -> ValueQueue:
    """The queue for the large values of a writer."""
    if isinstance(writer, CommandWriter):
        return CommandQueue(writer, overflow)
    assert isinstance(writer, SnapshotWriter)
    return SnapshotQueue(writer, overflow)


class SlicedSnapshot(RunningSave):
    """A snapshot of the moment in which it is made, written in slices.  Subclasses say what becomes of its bytes."""

    def __init__(self, engine: Engine, writer: BucketWriter, side_path: bytes, with_data: bool = True) -> None:
        total: i64 = 0
        for db in engine.databases:
            total += db.tables.size()
        super().__init__(engine.moment.now_us, total)
        self.engine: Final = engine
        self.writer: Final = writer
        self.changes: i64 = engine.moment.changes
        self.keepers: list[DatabaseKeeper] = []
        self.current: i64 = 0
        self.written_last: i64 = -1
        """The database of the last key in the file, -1 if that is unknown."""
        self.parts: Final = LargeParts(engine, writer, side_path)
        self.complaint = ""
        for db in engine.databases:
            if with_data and db.tables.size() > 0:
                self.keepers.append(DatabaseKeeper(self, db))
                writer.database(db.index, db.tables.size(), db.tables.volatile())
                self.written_last = db.index

    def keys_done(self) -> i64:
        return self.writer.keys + self.parts.side_writer.keys

    def bytes_done(self) -> i64:
        sink = self.writer.sink
        return sink.written + len(sink.out)

    def progress(self, now_us: i64) -> str:
        """A line for the log about a save that takes long."""
        share = 100.0 * float(self.keys_done()) / float(max(1, self.total))
        rate = float(self.bytes_done()) / float(max(1, now_us - self.began_us)) * 1e6 / (1024 * 1024)
        return f"Background saving: {share:.0f} %, {rate:.1f} MB/s, about {self.left_s(now_us)} s left"

    def begin_slot(self, keeper: DatabaseKeeper, table: Table) -> None:
        """Write about how many keys of a slot follow; nothing while a large value or the side is written first."""
        parts = self.parts
        if self.complaint or parts.queue.open is not None or not parts.side.is_empty():
            return
        try:
            self._select(keeper.index)
            self.writer.slot(table)
        except OSError as refused:
            self.complaint = refused.strerror or "cannot be written"

    def write(self, keeper: DatabaseKeeper, table: Table, b: i64) -> None:
        """Write a bucket.  The next step reports an error, because a command may be running now."""
        if self.complaint:
            return
        parts = self.parts
        try:
            parts.queue.index = keeper.index
            if parts.queue.open is None and parts.side.is_empty():
                self._select(keeper.index)
                self.writer.bucket(table, b, parts.queue)
            else:
                parts.write_aside(keeper.index, table, b)
        except OSError as refused:
            self.complaint = refused.strerror or "cannot be written"
        except UnwritableError as unwritable:
            self.complaint = unwritable.reason

    def _select(self, index: i64) -> None:
        if index != self.written_last:
            self.written_last = index
            self.writer.select(index)

    def write_some(self) -> bool:
        """Write a slice: of a large value, of the side, or some buckets; return whether there is more to do."""
        parts = self.parts
        queue = parts.queue
        if parts.overflow.complaint and not self.complaint:
            self.complaint = parts.overflow.complaint
        if self.complaint:
            return False
        sink = self.writer.sink
        try:
            if queue.open is not None:
                queue.step(self.engine.reclaimer)
            elif not parts.side.is_empty():
                sink.raw(parts.side.taken())
                parts.side_last = -1
                self.written_last = -1
            elif not queue.is_empty():
                stream = queue.following()
                self._select(stream.index)
                queue.begin(stream)
            else:
                return self._write_buckets()
            sink.drain_piece()
        except OSError as refused:
            self.complaint = refused.strerror or "cannot be written"
        return not self.complaint

    def _write_buckets(self) -> bool:
        """Write the next buckets that are not written yet; return whether there may be more to do."""
        written: i64 = 0
        while self.current < len(self.keepers) and written < LOOK_EVERY and self.parts.queue.is_empty():
            keeper = self.keepers[self.current]
            if not keeper.is_ahead():
                self.current += 1
            elif keeper.write_next():
                written += 1
        return (self.current < len(self.keepers) or not self.parts.queue.is_empty()) and not self.complaint

    def let_go(self) -> None:
        """Detach the keepers from the tables, and free tables that were replaced during the snapshot."""
        self.parts.queue.detach(self.engine.reclaimer)
        self.parts.overflow.close()
        for keeper in self.keepers:
            for table in keeper.tables:
                table.keeper = None
                if table.size > 0 and not is_live(table, self.engine.databases):
                    self.engine.reclaimer.tables.append(table)
        self.keepers = []


class BackgroundSave(SlicedSnapshot):
    """A running snapshot of BGSAVE.  Call `step` until it returns that there is no more to do."""

    def __init__(self, engine: Engine, file: DraftFile) -> None:
        super().__init__(engine, file.writer, file.draft + b".side")
        self.file: Final = file
        self.syncing: Syncing | None = None
        self.told_us: i64 = self.began_us
        self.rests_until_us: i64 = 0
        """The end of a wait that `rdb-key-save-delay` asks for."""

    def step(self, budget_us: i64) -> bool:
        syncing = self.syncing
        if syncing is not None:
            return self._await_disk(syncing)
        clock = self.engine.clock
        now_us = clock.now_us()
        if now_us - self.told_us >= TELL_EVERY_US:
            self.told_us = now_us
            self.engine.host.note(self.progress(now_us))
        if now_us < self.rests_until_us and not self.complaint:
            return True
        delay: i64 = self.engine.config.integer(KEY_SAVE_DELAY)
        before = self.keys_done()
        until: i64 = now_us + budget_us
        more = True
        while more:
            more = self.write_some()
            if delay != 0 and self.keys_done() > before:
                wait = seconds_of(delay, self.keys_done() - before, self.engine.random)
                self.rests_until_us = now_us + i64(wait * 1e6)
                return True
            if more and clock.now_us() >= until:
                return True
        self.let_go()
        if not self.complaint:
            try:
                appender = self.file.write_end()
                self.syncing = self.engine.config.files.syncing(appender)
                return True
            except OSError as refused:
                self.complaint = refused.strerror or "cannot be written"
        self._end()
        return False

    def _await_disk(self, syncing: Syncing) -> bool:
        if not syncing.finished or not self._is_synced():
            return True
        self.complaint = syncing.complaint
        if not self.complaint:
            try:
                self.file.publish()
            except OSError as refused:
                self.complaint = refused.strerror or "cannot be renamed"
        self._end()
        return False

    def _is_synced(self) -> bool:
        """Whether the last sync of a part of the file has ended too; the file is closed only then."""
        syncing = self.file.writer.sink.syncing
        return syncing is None or syncing.finished

    def _end(self) -> None:
        self._close()
        if self.complaint:
            self.file.abandon()
            self.failed()
        else:
            self.succeeded()
        review_gate(self.engine)

    def rate(self) -> str:
        """How much was written, and how fast, for the log."""
        seconds = max(0.001, float(self.engine.clock.now_us() - self.began_us) / 1e6)
        size = float(self.file.writer.sink.written) / (1024 * 1024)
        return f"{self.file.writer.keys} keys, {size:.1f} MB in {seconds:.1f} s, {size / seconds:.1f} MB/s"

    def failed(self) -> None:
        """The file could not be written; `complaint` says why."""
        self.engine.durability.last_save_worked = False
        self.engine.host.log(f"Background saving error: {self.complaint}")
        self.engine.role.saved(False)

    def succeeded(self) -> None:
        """The file is in its place."""
        self.engine.host.note(f"DB saved on disk: {self.rate()}")
        record_save(self.engine, self.changes)
        self.engine.host.note("Background saving terminated with success")
        self.engine.role.saved(True)

    def _close(self) -> None:
        """It is no longer under way."""
        self.engine.durability.running = None
        self.record_time((self.engine.clock.now_us() - self.began_us) // 1000000)

    def record_time(self, took_s: i64) -> None:
        """It has taken so many seconds."""
        self.engine.durability.took_s = took_s

    def cancel(self, why: str) -> None:
        self.let_go()
        since_us = begun_us(self.engine)
        self.file.abandon()
        record(self.engine, RDB_UNLINK_TEMP_FILE, since_us)
        self._close()
        self.engine.host.note(f"Background saving was given up: {why}")
        self.engine.role.saved(False)


class ScheduledSave(RunningSave):
    """Begins a snapshot at its first step, in a program without the server's timer."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.moment.now_us, 0)
        self.engine: Final = engine

    def step(self, budget_us: i64) -> bool:
        self.engine.durability.running = None
        return start(self.engine)

    def cancel(self, why: str) -> None:
        self.engine.durability.running = None


def schedule(engine: Engine) -> None:
    """Begin a snapshot after the current transaction."""
    if engine.saves_itself:
        engine.durability.running = ScheduledSave(engine)
    else:
        engine.durability.scheduled = True


def start(engine: Engine) -> bool:
    """Begin a snapshot; return whether it has begun.  If not, the log has the reason."""
    durability = engine.durability
    durability.scheduled = False
    durability.saves += 1
    durability.tried_s = engine.moment.now_us // 1000000
    try:
        file = SnapshotFile(engine)
    except OSError as refused:
        durability.last_save_worked = False
        durability.took_s = 0
        engine.host.log(f"Background saving error: cannot open a file in {folder(engine)}: {refused.strerror}")
        review_gate(engine)
        return False
    durability.running = BackgroundSave(engine, file)
    engine.host.note("Background saving started")
    return True


def side_bytes(used: i64) -> i64:
    """The memory that all sides may take together, if so much is in use."""
    if SLICES.side_bytes >= 0:
        return SLICES.side_bytes
    share = used // SIDE_SHARE
    if share < LEAST_SIDE:
        return LEAST_SIDE
    return share if share < MOST_SIDE else MOST_SIDE


def is_live(table: Table, databases: list[Database]) -> bool:
    """Whether a database still uses the table."""
    return any(db.tables.tables[table.slot] is table for db in databases)
