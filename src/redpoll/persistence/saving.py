"""Saving all data to the snapshot file: written under another name, synced, and then given its own."""

from __future__ import annotations

import os
from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.env.files import Appender, Files
from redpoll.errors import up_to_nul
from redpoll.persistence.formats import uses_written, version_written
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_writer import SnapshotWriter
from redpoll.persistence.value_writer import UnwritableError


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


class SnapshotFile:
    """The file that a snapshot is written to, with its writer.  `finish` or `abandon` ends it.  All raise OSError."""

    def __init__(self, engine: Engine) -> None:
        config = engine.config
        self.files: Final[Files] = config.files
        self.path: Final = snapshot_path(engine)
        self.draft: Final = DRAFTS.next()
        self.summed: Final = config.flag(b"rdbchecksum")
        if self.files.exists(self.draft):
            # Of a process that crashed and had the same number.
            self.files.remove(self.draft)
        appender = self.files.append(self.draft)
        self.appender: Appender | None = appender
        sink = Sink(config.flag(b"rdbcompression"), appender, config.flag(b"rdb-save-incremental-fsync"))
        sink.summing = self.summed
        moment = engine.moment
        self.writer: Final = SnapshotWriter(sink, version_written(config), moment, uses_written(config))
        self.writer.begin(moment.now_us // 1000000, engine.used_memory(), engine.durability.libraries)

    def finish(self) -> None:
        """End the file, and give it its name once the disk has it."""
        self.write_end().sync()
        self.publish()

    def write_end(self) -> Appender:
        """Write the end; what is to be synced now."""
        appender = self.appender
        assert appender is not None
        self.writer.end(self.summed)
        return appender

    def publish(self) -> None:
        """Give the file, which the disk has, its name."""
        appender = self.appender
        assert appender is not None
        self.appender = None
        appender.close()
        self.files.rename(self.draft, self.path)
        self.files.sync_folder(b"")

    def abandon(self) -> None:
        """Leave nothing behind of a file that could not be written."""
        appender = self.appender
        try:
            if appender is not None:
                self.appender = None
                appender.close()
            if self.files.exists(self.draft):
                self.files.remove(self.draft)
        except OSError:
            # The disk is at fault already: the reason that was told first is the one to read.
            pass


def save(engine: Engine) -> bool:
    """Save all data at once; whether it worked.  The log has the reason if not.  O(data)."""
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
    durability.saves += 1
    durability.last_save_worked = True
    durability.changes_saved = changes


def saved(engine: Engine) -> str:
    """Write the snapshot file; the reason if that failed."""
    try:
        file = SnapshotFile(engine)
    except OSError as refused:
        return f"cannot open a file in {folder(engine)}: {refused.strerror}"
    try:
        for db in engine.databases:
            table = db.table
            if table.size > 0:
                file.writer.database(db.index, table.size, table.volatile)
                for b in range(table.buckets):
                    file.writer.bucket(table, b)
        file.finish()
    except OSError as refused:
        file.abandon()
        return f"{refused.strerror}"
    except UnwritableError as refused:
        file.abandon()
        return f"rdb-format {engine.config.text(b'rdb-format').decode()}: {refused.reason}"
    return ""


def folder(engine: Engine) -> str:
    """As it was when it was set: it may be gone."""
    return engine.config.string(b"dir")
