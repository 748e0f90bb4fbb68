"""Claims on a snapshot file: who writes it, so that a second writer can be told of the first.

A claim is a lock on a file beside the snapshot, which has the process id of its holder.  The system drops the lock when
the process ends, however it ends.
"""

from __future__ import annotations

import os

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
