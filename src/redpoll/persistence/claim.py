"""Claims on a snapshot file: who writes it, so that a second writer can name the first.

A claim is a lock on a file beside the snapshot, which has the process id of its holder.  The system drops the lock when
the process ends, however it ends.
"""

from __future__ import annotations

import os
from typing import Final

from redpoll.config.settings import Config, Effects
from redpoll.engine.engine import Engine
from redpoll.env.files import Lock, LockedError
from redpoll.persistence.saving import snapshot_path

SUFFIX = b".lock"


def claim(engine: Engine) -> Lock:
    """Claim the snapshot file of an engine.  Raises LockedError with the process id of its holder, and OSError."""
    files = engine.config.files
    return files.lock(files.absolute(snapshot_path(engine)) + SUFFIX, str(os.getpid()))


def named(holder: LockedError) -> str:
    """The holder of a claim in words."""
    text = holder.holder
    if not text.isdigit():
        return "another process"
    return "this process" if int(text) == os.getpid() else f"process {int(text)}"


class SnapshotClaim(Effects):
    """The claim of a server with save points on its snapshot file.

    Another writer of the same file gives a warning, and nothing else.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self.lock: Lock | None = None

    def connect(self, config: Config) -> None:
        """Claim the file now, and whenever its name changes."""
        for name in (b"dir", b"dbfilename", b"save"):
            config.listen(name, self)
        self.apply(b"dbfilename", config)

    def apply(self, name: bytes, config: Config) -> bytes:
        self.release()
        if not config.words(b"save"):
            return b""
        try:
            self.lock = claim(self.engine)
        except LockedError as holder:
            path = config.files.absolute(snapshot_path(self.engine)).decode("utf-8", "surrogateescape")
            self.engine.host.log(
                f"{path} is also the snapshot file of {named(holder)}: each save replaces the other's file. "
                "Set another dir or dbfilename, unless that is intended."
            )
        except OSError:
            # The folder may not be writable.  Then nobody saves there.
            pass
        return b""

    def release(self) -> None:
        if self.lock is not None:
            self.lock.release()
            self.lock = None
