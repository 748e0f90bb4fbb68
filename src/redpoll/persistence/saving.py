"""Saving all data to the snapshot file.  It is written under a temporary name, synced, and then renamed."""

from __future__ import annotations

import os
from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.engine.routing import arrivals_of
from redpoll.env.files import Appender, Files
from redpoll.errors import up_to_nul
from redpoll.persistence.delays import KEY_SAVE_DELAY, seconds_of
from redpoll.persistence.formats import uses_written, version_written
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_writer import BucketWriter, SnapshotWriter
from redpoll.persistence.value_writer import UnwritableError
from redpoll.structures.table import Table


def snapshot_path(engine: Engine) -> bytes:
    """The file named by `dbfilename`, in the working folder."""
    return up_to_nul(engine.config.text(b"dbfilename"))


class Drafts:
    """The names of the files of this process that are being written.  Its engines may share a folder."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> bytes:
        self.count += 1
        return b"temp-%d.%d.rdb" % (os.getpid(), self.count)


DRAFTS: Final = Drafts()


class DraftFile:
    """A file with all data, which is written under the name `draft` and then published.

    `finish` or `abandon` ends it.  All methods raise OSError.
    """

    def __init__(self, engine: Engine, draft: bytes) -> None:
        self.engine: Final = engine
        self.files: Final[Files] = engine.config.files
        # Absolute: the working folder may change while the file is written.
        self.draft: Final = self.files.absolute(draft)
        self.summed: Final = engine.config.flag(b"rdbchecksum")
        if self.files.exists(self.draft):
            # Of a process that crashed and had the same number.
            self.files.remove(self.draft)
        self.appender: Appender | None = self.files.append(self.draft)
        self.writer: BucketWriter = self.begun(self.appender)

    def begun(self, appender: Appender) -> BucketWriter:
        """The writer, after the head of the file."""
        raise NotImplementedError

    def snapshot_writer(self, appender: Appender, directive: bytes, is_base: bool) -> BucketWriter:
        """A writer of a snapshot, after the head.  `directive`: whether the file is synced in parts."""
        engine = self.engine
        config = engine.config
        sink = Sink(config.flag(b"rdbcompression"), appender, config.flag(directive), self.files)
        sink.summing = self.summed
        moment = engine.moment
        writer = SnapshotWriter(sink, version_written(config), moment, uses_written(config))
        libraries = engine.durability.libraries
        place = engine.role.place()
        writer.begin(
            moment.now_us // 1000000, engine.used_memory(), libraries, is_base, place, arrivals_of(engine)
        )  # fmt: skip
        return writer

    def write_all(self) -> None:
        """Write all data at once.  O(data)."""
        engine = self.engine
        delay: i64 = engine.config.integer(KEY_SAVE_DELAY)
        for db in engine.databases:
            if db.tables.size() > 0:
                self.writer.database(db.index, db.tables.size(), db.tables.volatile())
                for table in db.tables.existing():
                    if db.slotted:
                        self.writer.slot(table)
                    self.write_table(table, delay)

    def write_table(self, table: Table, delay: i64) -> None:
        """Write all keys of a table, and wait `delay` microseconds after each."""
        engine = self.engine
        for b in range(table.buckets):
            before = self.writer.keys
            self.writer.bucket(table, b)
            if delay != 0:
                engine.clock.sleep(seconds_of(delay, self.writer.keys - before, engine.random))

    def finish(self) -> None:
        """End the file, sync it and rename it."""
        self.write_end().sync()
        self.publish()

    def write_end(self) -> Appender:
        """Write the end of the file; return the file to sync."""
        appender = self.appender
        assert appender is not None
        self.writer.end(self.summed)
        return appender

    def publish(self) -> None:
        """Give the synced file its name."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the synced file."""
        appender = self.appender
        assert appender is not None
        self.appender = None
        appender.close()

    def abandon(self) -> None:
        """Delete an unfinished file."""
        appender = self.appender
        try:
            if appender is not None:
                self.appender = None
                appender.close()
            if self.files.exists(self.draft):
                self.files.remove(self.draft)
        except OSError:
            # The first error was already reported and is the useful one.
            pass


class SnapshotFile(DraftFile):
    """The snapshot file."""

    def __init__(self, engine: Engine) -> None:
        self.path: Final = engine.config.files.absolute(snapshot_path(engine))
        super().__init__(engine, DRAFTS.next())

    def begun(self, appender: Appender) -> BucketWriter:
        return self.snapshot_writer(appender, b"rdb-save-incremental-fsync", False)

    def publish(self) -> None:
        self.close()
        self.files.rename(self.draft, self.path)
        self.files.sync_folder(os.path.dirname(self.path))


def save(engine: Engine) -> bool:
    """Save all data at once; return whether it worked.  If not, the log has the reason.  O(data)."""
    complaint = saved(engine)
    if complaint:
        engine.host.log(f"Error saving DB to disk: {complaint}")
        return False
    engine.host.note("DB saved on disk")
    record_save(engine, engine.moment.changes)
    return True


def record_save(engine: Engine, changes: i64) -> None:
    """Record that the data was saved as it was after so many changes."""
    durability = engine.durability
    durability.saved_s = engine.clock.now_us() // 1000000
    durability.last_save_worked = True
    durability.changes_saved = changes


def saved(engine: Engine) -> str:
    """Write the snapshot file; return the reason if that failed."""
    try:
        file = SnapshotFile(engine)
    except OSError as refused:
        return f"cannot open a file in {folder(engine)}: {refused.strerror}"
    try:
        file.write_all()
        file.finish()
    except OSError as refused:
        file.abandon()
        return f"{refused.strerror}"
    except UnwritableError as unwritable:
        file.abandon()
        return f"rdb-format {engine.config.text(b'rdb-format').decode()}: {unwritable.reason}"
    return ""


def folder(engine: Engine) -> str:
    """The folder as it was set; it may not exist any more."""
    return engine.config.string(b"dir")
