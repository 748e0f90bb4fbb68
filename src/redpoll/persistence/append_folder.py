"""The folder of the append-only file: names of its files, the manifest, the lock, the upgrade of an old single file.

All methods raise OSError.  Source: spec/aof.md, sections 1, 2 and 4.
"""

from __future__ import annotations

import os
from typing import Final

from redpoll.config.settings import Config
from redpoll.env.files import Appender, Files, Lock, LockedError
from redpoll.errors import up_to_nul
from redpoll.persistence.manifest import BASE, INCREMENTAL, Entry, Manifest, parsed

MANIFEST: Final = b".manifest"


class AppendFolder:
    """See the module's docstring.  Its path stays absolute, because the working folder may change."""

    def __init__(self, config: Config) -> None:
        self.files: Final[Files] = config.files
        self.outer: Final = self.files.working_folder()
        self.name: Final = up_to_nul(config.text(b"appendfilename"))
        self.folder: Final = os.path.join(self.outer, up_to_nul(config.text(b"appenddirname")))
        self.manifest = Manifest()
        self.lock: Lock | None = None

    def path(self, name: bytes) -> bytes:
        """A file in the folder."""
        return os.path.join(self.folder, name)

    def manifest_path(self) -> bytes:
        return self.path(self.name + MANIFEST)

    def take_lock(self, holder: str) -> str:
        """Lock the folder for this process, named by `holder`; return the holder if another has locked it."""
        if self.lock is None:
            self.files.make_folder(self.folder)
            try:
                self.lock = self.files.lock(self.path(self.name + b".lock"), holder)
            except LockedError as locked:
                return locked.holder or "another process"
        return ""

    def unlock(self) -> None:
        lock = self.lock
        self.lock = None
        if lock is not None:
            lock.release()

    # The manifest.

    def read(self) -> None:
        """Read the manifest; a missing one has no files.  Raises ManifestError."""
        path = self.manifest_path()
        self.manifest = parsed(self.files.read(path)) if self.files.exists(path) else Manifest()

    def write(self, manifest: Manifest) -> None:
        """Replace the manifest file, and use it from now on."""
        files = self.files
        draft = self.path(b"temp-" + self.name + MANIFEST)
        file = self.fresh(draft)
        try:
            file.write(manifest.text())
            file.sync()
        finally:
            file.close()
        files.rename(draft, self.manifest_path())
        self.manifest = manifest
        files.sync_folder(self.folder)

    def restore(self, before: Manifest, paths: list[bytes]) -> None:
        """Undo a change of the manifest that failed: write the manifest `before` again, and remove the new files.

        `paths` are the new files.  If writing the manifest fails too, they stay, because the manifest on the
        disk may list them.  Raises no error.
        """
        files = self.files
        try:
            if self.manifest is not before:
                self.write(before)
            for path in paths:
                if files.exists(path):
                    files.remove(path)
        except OSError:
            # The caller reports the first error, which is the useful one.
            pass

    def upgrade(self) -> bool:
        """Move an old single file into the folder, as the base.  Returns whether there was one."""
        old = os.path.join(self.outer, self.name)
        manifest = self.manifest
        base = manifest.base
        interrupted = (
            base is not None
            and base.name == self.name
            and not manifest.incrementals
            and not self.files.exists(self.path(self.name))
        )
        if not self.files.exists(old) or not (manifest.is_empty() or interrupted):
            return False
        made = Manifest()
        made.base = Entry(self.name, 1, BASE)
        self.write(made)
        self.files.rename(old, self.path(self.name))
        self.files.sync_folder(self.folder)
        self.files.sync_folder(self.outer)
        return True

    # Files of commands and bases.

    def fresh(self, path: bytes) -> Appender:
        """Open an empty file for writing."""
        if self.files.exists(path):
            self.files.truncate(path, 0)
        return self.files.append(path)

    def new_base(self, extension: bytes) -> Entry:
        """The name of the next base."""
        number = self.manifest.next_base()
        return Entry(b"%b.%d.base.%b" % (self.name, number, extension), number, BASE)

    def new_incremental(self) -> Entry:
        """The name of the next file of commands."""
        return self._incremental(self.manifest.next_incremental())

    def unused_incremental(self) -> Entry:
        """The next name of a file of commands that does not exist yet, or is empty.

        A crash can leave a file that no manifest lists.  If it got new commands, its old ones would be loaded later.
        """
        number = self.manifest.next_incremental()
        while True:
            found = self._incremental(number)
            path = self.path(found.name)
            if not self.files.exists(path) or self.files.size(path) == 0:
                return found
            number += 1

    def _incremental(self, number: int) -> Entry:
        return Entry(b"%b.%d.incr.aof" % (self.name, number), number, INCREMENTAL)

    def waiting_path(self) -> bytes:
        """The file of commands while the first base is written (CONFIG SET appendonly yes)."""
        return self.path(b"temp-" + self.name + b".incr")

    def total_size(self) -> int:
        """Bytes of the base and of all files of commands."""
        return sum([self.files.size(self.path(entry.name)) for entry in self.manifest.parts()])

    def drop_history(self) -> None:
        """Delete the replaced files, then remove them from the manifest."""
        if not self.manifest.history:
            return
        for entry in self.manifest.history:
            path = self.path(entry.name)
            if self.files.exists(path):
                self.files.remove_beside(path)
        kept = self.manifest.copy()
        kept.history = []
        self.write(kept)
