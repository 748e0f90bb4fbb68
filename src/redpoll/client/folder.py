"""A store in a folder: one opener at a time, loaded when it opens, saved when it closes and at save points."""

from __future__ import annotations

import gc
import os
from typing import Final

from mypy_extensions import i64

from redpoll.config.schema import BY_NAME
from redpoll.engine.durability import LOG_ON, SavePoints
from redpoll.engine.engine import Engine
from redpoll.env.files import Lock, LockedError
from redpoll.env.process import is_alive
from redpoll.errors import StoreError
from redpoll.persistence import background
from redpoll.persistence.append_control import AppendFile, open_append_only
from redpoll.persistence.append_folder import AppendFolder
from redpoll.persistence.append_loading import LoadError
from redpoll.persistence.claim import claim, named
from redpoll.persistence.loading import load, open_snapshot
from redpoll.persistence.points import due_point
from redpoll.persistence.saving import record_save, saved, snapshot_path
from redpoll.persistence.snapshot_reader import Progress

BEGINNING_US: Final[i64] = 100_000
BEGINNING_S: Final = 0.001
"""A step of the first base of an append-only file, and the wait for the thread that syncs it."""


class StoreFolder:
    """The files of an open store.  `end` closes them."""

    def __init__(self, engine: Engine, appending: bool | None) -> None:
        """Claim the folder and load its data; with `appending`, write an append-only file from now on.

        If it is None, that depends on whether there is such a file.  Raises StoreError.
        """
        self.engine: Final = engine
        self.log: AppendFile | None = None
        files = engine.config.files
        self.shown: Final = files.working_folder().decode("utf-8", "surrogateescape")
        self.lock: Lock | None = None
        try:
            files.make_folder(files.working_folder())
            self.lock = claim(engine)
            self._remove_drafts()
            there = files.exists(AppendFolder(engine.config).manifest_path())
            if there if appending is None else appending:
                self._append(there)
            else:
                self._load()
        except LockedError as holder:
            raise StoreError(f"{self.shown} is open in {named(holder)}") from None
        except OSError as refused:
            self._release()
            raise StoreError(f"{self.shown}: {refused.strerror}") from refused
        except LoadError as refused:
            self._release()
            raise StoreError(f"{self.shown}: {refused.reason}") from refused
        except StoreError:
            self._release()
            raise
        engine.durability.points = DuePoints(engine)

    def _load(self) -> None:
        engine = self.engine
        path = snapshot_path(engine)
        reader = open_snapshot(engine, path)
        if reader is None:
            return
        collecting = gc.isenabled()
        # Loading makes millions of objects and no cycles: a collection would visit them in vain.
        gc.disable()
        try:
            complaint = load(engine, reader, Progress())
        finally:
            reader.close()
            if collecting:
                gc.enable()
        if complaint:
            raise StoreError(f"{self.shown}/{path.decode('utf-8', 'surrogateescape')}: {complaint}")

    def _append(self, there: bool) -> None:
        """Load the append-only file, or begin one with the data of the snapshot."""
        engine = self.engine
        engine.config.assign(BY_NAME[b"appendonly"], [b"yes"])
        if there:
            self.log = open_append_only(engine, Progress())
            return
        self._load()
        log = AppendFile(engine)
        log.read_settings()
        engine.durability.append_only = log
        self.log = log
        if log.switch_on():
            raise StoreError(f"{self.shown}: the append-only file cannot be written")
        try:
            self._write_base(log)
        finally:
            if log.state != LOG_ON:
                log.close()
        if log.state != LOG_ON:
            raise StoreError(f"{self.shown}: the append-only file cannot be written")

    def _write_base(self, log: AppendFile) -> None:
        """Let the first rewrite end.  If it has worked, the state of `log` is LOG_ON."""
        engine = self.engine
        running = engine.durability.running
        while running is not None and engine.durability.running is running:
            if not running.step(BEGINNING_US):
                break
            engine.clock.sleep(BEGINNING_S)

    def _remove_drafts(self) -> None:
        """Remove files that processes were writing when they were killed."""
        files = self.engine.config.files
        for path in files.matching(b"temp-*.*.rdb"):
            number = os.path.basename(path)[5:].partition(b".")[0]
            if number.isdigit() and not is_alive(int(number)):
                files.remove(path)

    def end(self, saving: bool) -> None:
        """Save the data, and let others open the folder.  Raises StoreError, and then nothing has changed."""
        engine = self.engine
        running = engine.durability.running
        if running is not None:
            running.cancel("the store closes")
        log = self.log
        if log is not None:
            if not log.flush():
                raise StoreError(f"{self.shown}: the append-only file cannot be written: {log.trouble}")
            # Without save points, the append-only file alone keeps the data, as in a server.
            saving = saving and bool(engine.config.words(b"save"))
        if saving:
            engine.start_unit()
            complaint = saved(engine)
            if complaint:
                raise StoreError(f"{self.shown}: {complaint}")
            record_save(engine, engine.moment.changes)
        engine.durability.points = None
        if log is not None:
            log.close()
        self._release()

    def _release(self) -> None:
        if self.lock is not None:
            self.lock.release()
            self.lock = None


class DuePoints(SavePoints):
    """Begins a snapshot when a save point is due.  The calls of the program then write it."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Engine = engine

    def look(self) -> None:
        if due_point(self.engine):
            background.start(self.engine)
