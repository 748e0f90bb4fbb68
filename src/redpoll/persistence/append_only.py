"""The append-only file: every effect is written to it, and it is synced as `appendfsync` says.

Effects are collected in memory while commands run.  `commit` writes them with one `write`, before a reply leaves: the
connections and the event loop call it while `Engine.unwritten`.  Under `always` it also syncs, so one sync serves all
commands of a turn.  Under `everysec` a thread syncs, at most once a second; while it runs, writes are postponed for up
to two seconds.

If a write fails, the file is cut to its old size, and the effects stay in memory.  Commands that change data are then
refused until a later attempt succeeds.  Under `always` the program ends instead.

Source: spec/aof.md, section 5.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from redpoll.engine.durability import AppendLog
from redpoll.engine.engine import Engine
from redpoll.engine.latency import (
    AOF_FSYNC_ALWAYS,
    AOF_WRITE,
    AOF_WRITE_ACTIVE_CHILD,
    AOF_WRITE_ALONE,
    AOF_WRITE_PENDING_FSYNC,
)
from redpoll.engine.unit import EXEC, MULTI
from redpoll.env.files import Appender, Syncing
from redpoll.persistence.append_encode import write_command, write_select, write_time
from redpoll.persistence.append_folder import AppendFolder
from redpoll.persistence.points import review_gate
from redpoll.persistence.spikes import begun_us, record

ALWAYS: Final[i64] = 0
EVERY_SECOND: Final[i64] = 1
NEVER: Final[i64] = 2
POLICIES: Final = {b"always": ALWAYS, b"everysec": EVERY_SECOND, b"no": NEVER}

SYNC_US: Final[i64] = 1_000_000
"""Time between two syncs under `everysec`."""
PATIENCE_US: Final[i64] = 2_000_000
"""How long a write waits for a running sync."""
RETRY_US: Final[i64] = 1_000_000
"""Time until a failed write is tried again."""
LOG_US: Final[i64] = 30_000_000
"""Time between two log lines about failed writes."""
KEPT: Final[i64] = 1 << 20
"""A buffer that grew beyond this is given back once it is empty."""


class Closing:
    """An earlier file of commands that can only be closed when a sync of it has ended."""

    def __init__(self, appender: Appender, syncing: Syncing) -> None:
        self.appender: Final = appender
        self.syncing: Final = syncing


class AppendOnly(AppendLog):
    """See the module's docstring.  `append_control.py` opens, rewrites and closes it."""

    def __init__(self, engine: Engine, folder: AppendFolder) -> None:
        super().__init__()
        self.engine: Final = engine
        self.folder = folder
        self.policy: i64 = EVERY_SECOND
        self.stamping = False
        """Whether annotations with the time are written."""
        self.quiet_on_rewrite = False
        """Whether nothing is synced while a snapshot is written (`no-appendfsync-on-rewrite`)."""
        self.out = BytesWriter()
        self.db: i64 = -1
        """The database that the written commands have selected; -1 at the start of a file."""
        self.stamped_s: i64 = 0
        self.file: Appender | None = None
        self.file_size: i64 = 0
        self.syncing: Syncing | None = None
        self.syncing_count: i64 = 0
        self.closing: list[Closing] = []
        self.written_count: i64 = 0
        """`Unit.count` of the last effect in the file."""
        self.unsynced = False
        self.synced_us: i64 = 0
        """When the last sync began."""
        self.postponed_us: i64 = 0
        """Since when a write has been postponed; 0 if none is."""
        self.failed_us: i64 = 0
        self.logged_us: i64 = 0

    # The journal.

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        if self.stamping:
            self._stamp()
        out = self.out
        n: i64 = 0
        count: i64 = len(effects)
        while n < count:
            args = effects[n]
            db: i64 = databases[n]
            if db != self.db and args is not MULTI and args is not EXEC:
                self.db = db
                write_select(out, db)
            write_command(out, args)
            n += 1
        self.engine.unwritten = True

    def write_one(self, db: i64, effect: list[bytes]) -> None:
        if self.stamping:
            self._stamp()
        out = self.out
        if db != self.db:
            self.db = db
            write_select(out, db)
        write_command(out, effect)
        self.engine.unwritten = True

    def _stamp(self) -> None:
        """Write an annotation if the second has changed since the last one."""
        now_s = self.engine.moment.now_us // 1000000
        if now_s != self.stamped_s:
            self.stamped_s = now_s
            write_time(self.out, now_s)

    def pending_bytes(self) -> i64:
        return len(self.out)

    def pending_syncs(self) -> i64:
        return len(self.closing) + (0 if self.syncing is None else 1)

    # Writing and syncing.

    def commit(self) -> None:
        engine = self.engine
        now_us = engine.clock.now_us()
        if self.failed_us != 0 and 0 <= now_us - self.failed_us < RETRY_US and self.policy != ALWAYS:
            return
        if self.policy == EVERY_SECOND and self.is_syncing():
            if self.postponed_us == 0:
                self.postponed_us = now_us
                return
            if 0 <= now_us - self.postponed_us < PATIENCE_US:
                return
            self.delayed += 1
            engine.host.note(
                "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for "
                "fsync to complete, this may slow down the server."
            )
        self.write_out(now_us)

    def write_out(self, now_us: i64) -> bool:
        """Write what is in memory, without waiting for a running sync; return whether that worked."""
        engine = self.engine
        self.postponed_us = 0
        file = self.file
        if len(self.out) == 0 or file is None:
            engine.unwritten = False
            return True
        if self.delay_us > 0:
            engine.clock.sleep(float(self.delay_us) / 1e6)
        data = self.out.getvalue()
        since_us = begun_us(engine)
        try:
            file.write(data)
        except OSError as refused:
            self._record_write(since_us)
            self._write_failed(file, refused.strerror or "cannot be written", now_us)
            return False
        self._record_write(since_us)
        size: i64 = len(data)
        self.file_size += size
        self.size += size
        if size > KEPT:
            self.out = BytesWriter()
        else:
            self.out.truncate(0)
        engine.unwritten = False
        self.written_count = engine.unit.count
        self.unsynced = True
        if self.failed_us != 0:
            self.failed_us = 0
            self.trouble = ""
            engine.host.log("AOF write error looks solved. The server can write again.")
            review_gate(engine)
        if self.policy == ALWAYS:
            if not self.is_hushed():
                self.sync_now(now_us)
        elif self.policy == EVERY_SECOND:
            self.sync_beside(now_us)
        return True

    def _record_write(self, since_us: i64) -> None:
        """Record a write for LATENCY."""
        if since_us == 0:
            return
        engine = self.engine
        syncing = self.syncing
        if syncing is not None and not syncing.finished:
            record(engine, AOF_WRITE_PENDING_FSYNC, since_us)
        elif engine.durability.running is not None:
            record(engine, AOF_WRITE_ACTIVE_CHILD, since_us)
        else:
            record(engine, AOF_WRITE_ALONE, since_us)
        record(engine, AOF_WRITE, since_us)

    def _write_failed(self, file: Appender, reason: str, now_us: i64) -> None:
        host = self.engine.host
        if self.logged_us == 0 or now_us - self.logged_us > LOG_US or now_us < self.logged_us:
            self.logged_us = now_us
            host.log(f"Error writing to the AOF file: {reason}")
        try:
            # A part may have been written.  The next attempt must not follow half a command.
            file.truncate(int(self.file_size))
        except OSError as refused:
            host.log(
                "Could not remove short write from the append-only file. The server may refuse to load the AOF the "
                f"next time it starts. ftruncate: {refused.strerror}"
            )
        if self.policy == ALWAYS:
            host.give_up(
                f"Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting... ({reason})"
            )
        self.failed_us = now_us
        self._complain(reason)

    def _complain(self, reason: str) -> None:
        self.trouble = reason
        review_gate(self.engine)

    def is_hushed(self) -> bool:
        """Whether nothing is synced now, because a snapshot is being written."""
        return self.quiet_on_rewrite and self.engine.durability.running is not None

    def is_syncing(self) -> bool:
        """Whether a sync of the current file runs.  Evaluates one that has ended."""
        syncing = self.syncing
        if syncing is None:
            return False
        if not syncing.finished:
            return True
        self.syncing = None
        if syncing.complaint:
            self.unsynced = True
            self.engine.host.log(f"Fail to fsync the AOF file: {syncing.complaint}")
            self._complain(syncing.complaint)
        else:
            self._synced(self.syncing_count)
        return False

    def _synced(self, count: i64) -> None:
        """All effects up to this number are on the disk."""
        if count > self.synced_count:
            self.synced_count = count
        if self.trouble and self.failed_us == 0:
            self.trouble = ""
            review_gate(self.engine)
        self.wake(self.engine.blocking)

    def sync_now(self, now_us: i64) -> None:
        """Sync the file, and return when that is done (`always`)."""
        file = self.file
        if file is None:
            return
        since_us = begun_us(self.engine)
        try:
            file.sync()
        except OSError as refused:
            self.engine.host.give_up(
                "Can't persist AOF for fsync error when the AOF fsync policy is 'always': "
                f"{refused.strerror}. Exiting..."
            )
            return
        record(self.engine, AOF_FSYNC_ALWAYS, since_us)
        self.unsynced = False
        self.synced_us = now_us
        self._synced(self.written_count)

    def sync_beside(self, now_us: i64) -> None:
        """Begin to sync in a thread if that is due: a second after the last time."""
        file = self.file
        if not self.unsynced or file is None or 0 <= now_us - self.synced_us < SYNC_US:
            return
        # The effects in an earlier file come first.
        if self.is_hushed() or len(self.closing) > 0 or self.is_syncing():
            return
        self.synced_us = now_us
        self.unsynced = False
        self.syncing_count = self.written_count
        self.syncing = self.folder.files.syncing(file)

    def harvest(self) -> None:
        """Evaluate syncs that have ended."""
        self.is_syncing()
        while len(self.closing) > 0 and self.closing[0].syncing.finished:
            self.closing.pop(0).appender.close()

    def settle_syncs(self) -> None:
        """Wait until no sync runs."""
        while self.syncing is not None or len(self.closing) > 0:
            self.harvest()
            if self.syncing is not None or len(self.closing) > 0:
                self.engine.clock.sleep(0.001)

    def flush(self) -> bool:
        """Write and sync all effects; return whether that worked.  Before a shutdown, a close, and a reload."""
        self.settle_syncs()
        return self.flush_now()

    def flush_now(self) -> bool:
        """The same, although a sync may be running in the thread."""
        if not self.write_out(self.engine.clock.now_us()):
            return False
        file = self.file
        if file is not None and (self.unsynced or self.syncing is not None):
            try:
                file.sync()
            except OSError as refused:
                self._complain(refused.strerror or "cannot be synced")
                return False
            self.unsynced = False
            self._synced(self.written_count)
        return True

    # Files.

    def use(self, file: Appender, size: i64) -> None:
        """Write to this file from now on.  The present one, which is synced, is closed."""
        old = self.file
        if old is not None:
            syncing = self.syncing
            if syncing is not None and not syncing.finished:
                self.closing.append(Closing(old, syncing))
            else:
                old.close()
        self.syncing = None
        self.unsynced = False
        self.file = file
        self.file_size = size
        self.db = -1
        self.stamped_s = 0

    def close_file(self) -> None:
        """Close the current file."""
        file = self.file
        self.file = None
        if file is not None:
            file.close()
