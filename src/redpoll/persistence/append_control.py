"""The life of the append-only file: opening and loading, rewriting, switching on and off.

A rewrite needs no fork.  New effects go to a new file of commands, while the data of the moment is written in slices
(`background.py`).  The result becomes the base, and all older files are deleted.  The manifest changes in one step, so
a crash at any moment leaves a complete set of files.  Source: spec/aof.md, sections 4 to 6.
"""

from __future__ import annotations

import os
from typing import Final

from mypy_extensions import i64

from redpoll.config.settings import Config, Effects
from redpoll.engine.durability import LOG_BEGINS, LOG_OFF, LOG_ON
from redpoll.engine.engine import Engine
from redpoll.engine.latency import AOF_FSTAT, AOF_RENAME
from redpoll.env.files import Appender
from redpoll.errors import WAITAOF_WITHOUT_AOF
from redpoll.persistence.append_encode import write_time
from redpoll.persistence.append_folder import AppendFolder
from redpoll.persistence.append_loading import LoadError, load_all
from redpoll.persistence.append_only import ALWAYS, POLICIES, AppendOnly
from redpoll.persistence.background import BackgroundSave
from redpoll.persistence.command_writer import CommandWriter
from redpoll.persistence.manifest import Entry, ManifestError
from redpoll.persistence.points import review_gate
from redpoll.persistence.saving import DraftFile
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_reader import Progress
from redpoll.persistence.snapshot_writer import BucketWriter
from redpoll.persistence.spikes import begun_us, record
from redpoll.protocol.reply import Error

PATIENCE: Final[i64] = 3
"""After so many failed rewrites in a row, automatic ones wait: 1, 2, 4 ... minutes, at most an hour."""
LONGEST_WAIT_MIN: Final[i64] = 60
CANNOT_BEGIN: Final = b"Unable to turn on AOF. Check server logs."


class BaseFile(DraftFile):
    """The next base.  It is written in the working folder, and moved into the folder of the append-only file."""

    def __init__(self, engine: Engine, log: AppendFile) -> None:
        self.log: Final = log
        self.as_snapshot: Final = engine.config.flag(b"aof-use-rdb-preamble")
        super().__init__(engine, os.path.join(log.folder.outer, b"temp-rewriteaof-bg-%d.aof" % os.getpid()))

    def begun(self, appender: Appender) -> BucketWriter:
        if self.as_snapshot:
            return self.snapshot_writer(appender, b"aof-rewrite-incremental-fsync", True)
        engine = self.engine
        sink = Sink(False, appender, engine.config.flag(b"aof-rewrite-incremental-fsync"), self.files)
        sink.summing = False
        if engine.config.flag(b"aof-timestamp-enabled"):
            write_time(sink.out, engine.moment.now_us // 1000000)
        writer = CommandWriter(sink)
        writer.libraries(engine.durability.libraries)
        return writer

    def extension(self) -> bytes:
        return b"rdb" if self.as_snapshot else b"aof"

    def publish(self) -> None:
        self.close()
        self.log.take_base(self)


class Rewrite(BackgroundSave):
    """A running rewrite."""

    def __init__(self, engine: Engine, log: AppendFile, file: BaseFile) -> None:
        super().__init__(engine, file)
        self.is_rewrite = True
        self.log: Final = log

    def record_time(self, took_s: i64) -> None:
        self.log.rewrite_took_s = took_s

    def failed(self) -> None:
        self.engine.host.log(f"Background AOF rewrite error: {self.complaint}")
        self.log.rewrite_failed()

    def succeeded(self) -> None:
        self.engine.host.note(f"Background AOF rewrite: {self.rate()}")
        self.engine.host.note("Background AOF rewrite finished successfully")
        self.log.rewrite_succeeded()

    def cancel(self, why: str) -> None:
        self.let_go()
        self.file.abandon()
        self._close()
        self.engine.host.note(f"Background AOF rewrite was given up: {why}")


class AppendFile(AppendOnly):
    """See the module's docstring."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, AppendFolder(engine.config))
        self.waits_until_us: i64 = 0
        """Before this time no automatic rewrite begins."""
        self.wait_min: i64 = 0
        self.retry_us: i64 = 0
        """When a failed first rewrite is tried again (CONFIG SET appendonly yes)."""
        self.current: Entry | None = None
        """The current file of commands; None while the first base is being written."""

    def holder(self) -> str:
        """This process, for another that finds the folder locked."""
        port = self.engine.host.facts().get("port", "")
        return f"process {os.getpid()}" + (f", a server on port {port}" if port else "")

    def lock(self) -> None:
        """Lock the folder.  Raises LoadError, OSError."""
        holder = self.folder.take_lock(self.holder())
        if holder:
            folder = os.fsdecode(self.folder.folder)
            raise LoadError(
                f"The append-only directory {folder} is in use by another program: {holder}. "
                "Two would destroy each other's files. Use another dir or appenddirname."
            )

    # Opening.

    def open(self, progress: Progress) -> None:
        """Load the files and write to them from now on.  Raises LoadError; then no data may be served."""
        self.folder = AppendFolder(self.engine.config)
        try:
            self.lock()
            self._read_manifest()
            if self.folder.upgrade():
                name = os.fsdecode(self.folder.name)
                folder = os.fsdecode(os.path.basename(self.folder.folder))
                progress.told(
                    f"Successfully migrated an old-style AOF file ({name}) into the AOF directory ({folder})."
                )
            complaint = load_all(self.engine, self.folder, progress)
            if complaint:
                raise LoadError(complaint)
            self._open_for_writing()
        except OSError as failed:
            self.folder.unlock()
            raise LoadError(f"Can't open or create the append-only file: {failed.strerror}") from None
        except LoadError:
            self.folder.unlock()
            raise
        self._attach(LOG_ON)

    def _read_manifest(self) -> None:
        try:
            self.folder.read()
        except ManifestError as damage:
            lines = damage.told()
            for line in lines[:-1]:
                self.engine.host.log(line)
            raise LoadError(lines[-1]) from None

    def _open_for_writing(self) -> None:
        """Open the last file of commands; create what is missing."""
        folder = self.folder
        manifest = folder.manifest.copy()
        changed = False
        fresh = manifest.is_empty()
        if fresh:
            file = BaseFile(self.engine, self)
            # Empty: there is no data yet.
            file.write_end().sync()
            file.close()
            base = folder.new_base(file.extension())
            folder.files.rename(file.draft, folder.path(base.name))
            manifest.base = base
            self.engine.host.note(f"Creating AOF base file {os.fsdecode(base.name)} on server start")
            changed = True
        if not manifest.incrementals:
            manifest.incrementals.append(folder.unused_incremental())
            changed = True
        current = manifest.incrementals[-1]
        path = folder.path(current.name)
        if not folder.files.exists(path):
            self.engine.host.note(f"Creating AOF incr file {os.fsdecode(current.name)} on server start")
        file_size = folder.files.size(path) if folder.files.exists(path) else 0
        appender = folder.files.append(path)
        if file_size > 0:
            # What clients see now must not be lost later, and a killed process may not have synced it.
            appender.sync()
        folder.files.sync_folder(folder.folder)
        if changed:
            folder.write(manifest)
        self.current = current
        self.use(appender, file_size)
        # The reference does not count the files of a fresh start.
        self.size = 0
        self.base_size = 0
        first = manifest.base
        if not fresh:
            self.size = self._total_size()
            if first is not None:
                self.base_size = folder.files.size(folder.path(first.name))
        self._collect_history()

    def _total_size(self) -> i64:
        """Bytes of all files."""
        since_us = begun_us(self.engine)
        size: i64 = self.folder.total_size()
        record(self.engine, AOF_FSTAT, since_us)
        return size

    def _rename(self, old: bytes, new: bytes) -> None:
        since_us = begun_us(self.engine)
        self.folder.files.rename(old, new)
        record(self.engine, AOF_RENAME, since_us)

    def _attach(self, state: i64) -> None:
        self.read_settings()
        self.state = state
        unit = self.engine.unit
        self.written_count = unit.count
        self.synced_count = unit.count
        unit.attach(self)

    def read_settings(self) -> None:
        """Copy the settings that are used for each write."""
        config = self.engine.config
        self.policy = POLICIES[config.text(b"appendfsync")]
        self.stamping = config.flag(b"aof-timestamp-enabled")
        self.quiet_on_rewrite = config.flag(b"no-appendfsync-on-rewrite")

    def _collect_history(self) -> None:
        """Delete replaced files."""
        if self.engine.config.flag(b"aof-disable-auto-gc"):
            return
        try:
            self.folder.drop_history()
        except OSError as refused:
            self.engine.host.log(f"Cannot delete replaced AOF files: {refused.strerror}")

    # Switching on and off at run time.

    def switch_on(self) -> bytes:
        """Begin the append-only file with a rewrite of all data; return the reason if that is not possible."""
        engine = self.engine
        self.folder = AppendFolder(engine.config)
        try:
            self.lock()
            self._read_manifest()
        except LoadError as refused:
            engine.host.log(refused.reason)
            self.folder.unlock()
            return CANNOT_BEGIN
        except OSError as failed:
            engine.host.log(f"Can't open the append-only directory: {failed.strerror}")
            self.folder.unlock()
            return CANNOT_BEGIN
        self.current = None
        self.state = LOG_BEGINS
        running = engine.durability.running
        if running is not None and running.is_rewrite:
            running.cancel("the append-only file is switched on")
            running = None
        if running is not None:
            self.scheduled = True
            engine.host.note(
                "AOF was enabled but there is already another background operation. An AOF background was scheduled to "
                "start when possible."
            )
            return b""
        if not self.rewrite():
            engine.host.log(
                "Server needs to enable the AOF but can't trigger a background AOF rewrite operation. Check the above "
                "logs for more info about the error."
            )
            self.switch_off()
            return CANNOT_BEGIN
        return b""

    def switch_off(self) -> None:
        """Write and sync what is in memory, and end.  The files stay."""
        engine = self.engine
        running = engine.durability.running
        if running is not None and running.is_rewrite:
            running.cancel("the append-only file is switched off")
        if not self.flush():
            engine.host.log(f"Fail to fsync the AOF file: {self.trouble}")
        self.close()
        self.scheduled = False

    def close(self) -> None:
        """Write no more.  The files stay as they are."""
        self.engine.unit.detach(self)
        self.settle_syncs()
        self.close_file()
        self.state = LOG_OFF
        self.out.truncate(0)
        self.engine.unwritten = False
        self.trouble = ""
        self.failed_us = 0
        self.current = None
        self.folder.unlock()
        review_gate(self.engine)
        self.wake_all(self.engine.blocking, Error(WAITAOF_WITHOUT_AOF))

    # Rewriting.

    def rewrite(self) -> bool:
        """Begin a rewrite; return whether it has begun.  If not, the log has the reason."""
        engine = self.engine
        self.scheduled = False
        self.rewrites += 1
        file: BaseFile | None = None
        try:
            if self.state == LOG_OFF:
                self.folder = AppendFolder(engine.config)
                self.lock()
                self._read_manifest()
            file = BaseFile(engine, self)
            self._open_next()
        except LoadError as refused:
            self._cannot_rewrite(file, refused.reason)
            return False
        except OSError as failed:
            self._cannot_rewrite(file, failed.strerror or "the files cannot be opened")
            return False
        engine.durability.running = Rewrite(engine, self, file)
        engine.host.note("Background append only file rewriting started")
        return True

    def _cannot_rewrite(self, file: BaseFile | None, reason: str) -> None:
        if file is not None:
            file.abandon()
        self.engine.host.log(f"Can't rewrite append only file in background: {reason}")
        self.rewrite_took_s = 0
        self.rewrite_failed()

    def _open_next(self) -> None:
        """Send the effects from now on to a new file of commands."""
        folder = self.folder
        if self.state == LOG_OFF:
            return
        if self.state == LOG_BEGINS:
            appender = folder.fresh(folder.waiting_path())
            first = self.file is None
            self.use(appender, 0)
            if first:
                self._attach(LOG_BEGINS)
            self.out.truncate(0)
            return
        # All but the last file of the manifest must be complete, also after a failure of power.
        if not self.flush_now():
            raise OSError(0, f"the append-only file cannot be written: {self.trouble}")
        before = folder.manifest
        following = folder.new_incremental()
        path = folder.path(following.name)
        appender = folder.fresh(path)
        try:
            folder.files.sync_folder(folder.folder)
            manifest = folder.manifest.copy()
            manifest.incrementals.append(following)
            folder.write(manifest)
        except OSError:
            appender.close()
            folder.restore(before, [path])
            raise
        self.current = following
        self.use(appender, 0)

    def take_base(self, file: BaseFile) -> None:
        """Make a written file the base.  Raises OSError; then the old files are still valid."""
        folder = self.folder
        before = folder.manifest
        manifest = before.copy()
        base = folder.new_base(file.extension())
        made = [folder.path(base.name)]
        self._rename(file.draft, made[0])
        try:
            folder.files.sync_folder(folder.folder)
            current = self.current
            if self.state == LOG_BEGINS:
                current = folder.new_incremental()
                # It must be complete before the manifest names it.
                if not self.write_out(self.engine.clock.now_us()):
                    raise OSError(0, "the append-only file cannot be written")
                self._rename(folder.waiting_path(), folder.path(current.name))
                made.append(folder.path(current.name))
                folder.files.sync_folder(folder.folder)
            manifest.replace_base(base, current)
            folder.write(manifest)
            self.current = current
        except OSError:
            folder.restore(before, made)
            raise
        if self.state == LOG_BEGINS:
            self.state = LOG_ON

    def rewrite_failed(self) -> None:
        """A rewrite could not be completed."""
        self.rewrite_worked = False
        self.failures += 1
        now_us = self.engine.clock.now_us()
        if self.failures >= PATIENCE:
            self.wait_min = min(LONGEST_WAIT_MIN, max(1, self.wait_min * 2))
            self.waits_until_us = now_us + self.wait_min * 60_000_000
            self.engine.host.note(
                f"Background AOF rewrite has repeatedly failed {self.failures} times and triggered the limit, will "
                f"retry in {self.wait_min} minutes"
            )
        if self.state == LOG_BEGINS:
            self.retry_us = now_us + 1_000_000
        elif self.state == LOG_OFF:
            self.folder.unlock()

    def rewrite_succeeded(self) -> None:
        """The new base is in use."""
        self.rewrite_worked = True
        self.failures = 0
        self.wait_min = 0
        self.waits_until_us = 0
        self.size = self._total_size()
        self.base_size = self.size
        self._collect_history()
        if self.state == LOG_OFF:
            self.folder.unlock()

    def reload(self) -> bool:
        engine = self.engine
        running = engine.durability.running
        if running is not None:
            running.cancel("DEBUG LOADAOF")
        folder = self.folder
        if self.state == LOG_OFF:
            folder = AppendFolder(engine.config)
        elif not self.flush():
            return False
        for db in engine.databases:
            db.end_aside(db.set_aside(), False)
        engine.unit.detach(self)
        complaint = ""
        try:
            folder.read()
            complaint = load_all(engine, folder, ForLog(engine)) if folder.manifest.parts() else "there are no files"
        except (OSError, ManifestError) as refused:
            complaint = str(refused)
        if self.state != LOG_OFF:
            engine.unit.attach(self)
        if complaint:
            engine.host.log(f"DEBUG LOADAOF: {complaint}")
        return not complaint

    def is_due(self) -> bool:
        """Whether an automatic rewrite begins now."""
        engine = self.engine
        config = engine.config
        if self.state == LOG_BEGINS:
            return self.retry_us != 0 and engine.clock.now_us() >= self.retry_us
        if engine.clock.now_us() < self.waits_until_us:
            return False
        if self.scheduled:
            return True
        share: i64 = config.integer(b"auto-aof-rewrite-percentage")
        if share == 0 or self.state != LOG_ON or self.size <= config.integer(b"auto-aof-rewrite-min-size"):
            return False
        base: i64 = max(1, self.base_size)
        growth = self.size * 100 // base - 100
        if growth < share:
            return False
        engine.host.note(f"Starting automatic rewriting of AOF on {growth}% growth")
        return True

    def tick(self) -> None:
        engine = self.engine
        if self.state != LOG_OFF:
            self.harvest()
            if engine.unwritten:
                self.commit()
            if self.policy == ALWAYS:
                if self.unsynced and not self.is_hushed():
                    self.sync_now(engine.clock.now_us())
            elif self.policy == POLICIES[b"everysec"]:
                self.sync_beside(engine.clock.now_us())
        if engine.durability.running is None and engine.frozen == 0 and (self.scheduled or self.is_due()):
            self.retry_us = 0
            engine.start_unit()
            self.rewrite()


class ForLog(Progress):
    """Lets the log have what a load tells."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine

    def told(self, line: str) -> None:
        self.engine.host.note(line)


class AppendSettings(Effects):
    """Applies the settings of the append-only file."""

    NAMES = (
        b"appendonly",
        b"appendfsync",
        b"aof-timestamp-enabled",
        b"no-appendfsync-on-rewrite",
        b"aof-disable-auto-gc",
    )

    def __init__(self, log: AppendFile) -> None:
        self.log: Final = log
        for name in self.NAMES:
            log.engine.config.listen(name, self)

    def apply(self, name: bytes, config: Config) -> bytes:
        log = self.log
        if name == b"appendonly":
            wanted = config.flag(name)
            if wanted and log.state == LOG_OFF:
                return log.switch_on()
            if not wanted and log.state != LOG_OFF:
                log.switch_off()
            return b""
        if name == b"aof-disable-auto-gc":
            if log.state != LOG_OFF:
                log._collect_history()
            return b""
        log.read_settings()
        if name == b"appendfsync" and log.policy == ALWAYS and log.state != LOG_OFF:
            log.flush()
        return b""


def open_append_only(engine: Engine, progress: Progress) -> AppendFile:
    """Load the append-only file of the engine's `dir`, and write to it from now on.  Raises LoadError.

    For a program without a server: it calls `Engine.commit` after each call while `Engine.unwritten`, and `flush` and
    `close` at the end.  `Engine.tick` does the rest.
    """
    log = AppendFile(engine)
    log.open(progress)
    engine.durability.append_only = log
    AppendSettings(log)
    return log
