"""A disk that forgets what was not synced, sometimes refuses to write, and under which the power may fail at any step."""

from __future__ import annotations

import errno
import os
import random
from typing import Final

from redpoll.env.files import Appender, MemoryAppender, MemoryFile, MemoryFiles


class Crashed(BaseException):
    """The node dies in the middle of a turn.  No handler of errors may catch it."""


class Disk(MemoryFiles):
    """See the module's docstring."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance: Final = chance
        self.operations_left = -1
        """How many steps are left until the node dies; -1: it does not."""
        self.failing = 0.0
        """The share of writes that fail."""

    def operation(self) -> None:
        """One of the steps at which a crash may happen."""
        if self.operations_left >= 0:
            if self.operations_left == 0:
                raise Crashed
            self.operations_left -= 1

    def attempt(self) -> None:
        """A step of the disk, which may fail."""
        self.operation()
        if self.failing and self.chance.random() < self.failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def append(self, path: bytes) -> Appender:
        self.attempt()
        super().append(path)
        return DiskAppender(self, self.find(path))

    def rename(self, old: bytes, new: bytes) -> None:
        self.attempt()
        super().rename(old, new)

    def sync_folder(self, path: bytes) -> None:
        self.operation()
        super().sync_folder(path)
        self.operation()

    def kill(self) -> None:
        """The program is killed: what it has written is not lost."""
        self.locks = {}


class DiskAppender(MemoryAppender):
    def __init__(self, disk: Disk, file: MemoryFile) -> None:
        super().__init__(file)
        self.disk = disk

    def write(self, data: bytes) -> None:
        self.disk.attempt()
        super().write(data)

    def sync(self) -> None:
        self.disk.attempt()
        super().sync()
