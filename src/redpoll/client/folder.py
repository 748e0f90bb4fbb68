"""A store in a folder: one opener at a time, loaded when it opens, saved when it closes and at save points."""

from __future__ import annotations

import gc
import os
from typing import Final

from redpoll.engine.durability import SavePoints
from redpoll.engine.engine import Engine
from redpoll.env.files import Lock, LockedError
from redpoll.env.process import is_alive
from redpoll.errors import StoreError
from redpoll.persistence import background
from redpoll.persistence.claim import claim, named
from redpoll.persistence.loading import load, open_snapshot
from redpoll.persistence.points import due_point
from redpoll.persistence.saving import record_save, saved, snapshot_path
from redpoll.persistence.snapshot_reader import Progress


class StoreFolder:
    """The files of an open store.  `end` closes them."""

    def __init__(self, engine: Engine) -> None:
        """Claim the folder and load its snapshot.  Raises StoreError."""
        self.engine: Final = engine
        files = engine.config.files
        self.shown: Final = files.working_folder().decode("utf-8", "surrogateescape")
        self.lock: Lock | None = None
        try:
            files.make_folder(files.working_folder())
            self.lock = claim(engine)
            self._remove_drafts()
            self._load()
        except LockedError as holder:
            raise StoreError(f"{self.shown} is open in {named(holder)}") from None
        except OSError as refused:
            self._release()
            raise StoreError(f"{self.shown}: {refused.strerror}") from refused
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
            if collecting:
                gc.enable()
        reader.close()
        if complaint:
            raise StoreError(f"{self.shown}/{path.decode('utf-8', 'surrogateescape')}: {complaint}")

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
        if saving:
            engine.start_unit()
            complaint = saved(engine)
            if complaint:
                raise StoreError(f"{self.shown}: {complaint}")
            record_save(engine, engine.moment.changes)
        engine.durability.points = None
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
