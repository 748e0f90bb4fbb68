"""The file system.  It is passed to its users, so that a test can lose the data that a crash would lose.

Paths are bytes.  Every method raises OSError as the system does.  To survive a crash, write data with `replace`, or
with `append` and `sync`; after creating or removing a file also call `sync_folder`.
"""

from __future__ import annotations

import errno
import fcntl
import fnmatch
import glob
import os
from threading import Thread
from typing import Final

from mypy_extensions import mypyc_attr

READABLE: Final = 0o644


@mypyc_attr(allow_interpreted_subclasses=True)
class Appender:
    """A file open for writing at its end."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def write(self, data: bytes) -> None:
        """Add all of `data`; it is lost in a crash until `sync`."""
        done = os.write(self.descriptor, data)
        while done < len(data):
            done += os.write(self.descriptor, data[done:])

    def sync(self) -> None:
        """Return when the written data is on the disk."""
        os.fsync(self.descriptor)

    def close(self) -> None:
        os.close(self.descriptor)


class Syncing:
    """An appender's `sync` that goes on beside the program; `finished`, and then `complaint` if it failed."""

    def __init__(self, appender: Appender) -> None:
        self.appender: Appender = appender
        self.complaint = ""
        self.finished = False

    def start(self) -> None:
        """Begin, in a thread of its own."""
        Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        try:
            self.appender.sync()
        except OSError as refused:
            self.complaint = refused.strerror or "cannot be synced"
        self.finished = True


@mypyc_attr(allow_interpreted_subclasses=True)
class Reader:
    """A file open for reading from its start on; `size` in bytes, when it was opened."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor = descriptor
        self.size = size

    def read(self, most: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        return os.read(self.descriptor, most)

    def read_at(self, at: int, size: int) -> bytes:
        """The bytes from a place on; fewer if the file ends before.  What was written since it was opened counts."""
        return os.pread(self.descriptor, size, at)

    def close(self) -> None:
        os.close(self.descriptor)


@mypyc_attr(allow_interpreted_subclasses=True)
class Files:
    """The machine's file system."""

    def read(self, path: bytes) -> bytes:
        """The whole content."""
        with open(path, "rb") as file:
            return file.read()

    def reader(self, path: bytes) -> Reader:
        """Open for reading piece by piece."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return Reader(descriptor, os.fstat(descriptor).st_size)
        except OSError:
            os.close(descriptor)
            raise

    def append(self, path: bytes) -> Appender:
        """Open for appending.  A missing file is created."""
        return Appender(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, READABLE))

    def syncing(self, appender: Appender) -> Syncing:
        """Begin to sync a file while the program goes on."""
        begun = Syncing(appender)
        begun.start()
        return begun

    def rename(self, old: bytes, new: bytes) -> None:
        """Rename a file, replacing an existing one.  Survives a crash after `sync_folder`."""
        os.rename(old, new)

    def remove(self, path: bytes) -> None:
        os.unlink(path)

    def exists(self, path: bytes) -> bool:
        return os.path.exists(path)

    def sync_folder(self, path: bytes) -> None:
        """Return when the current names in a folder are on the disk."""
        descriptor = os.open(path or b".", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def claim(self, path: bytes) -> int:
        """Lock a file for this program until `release`; return the lock.  BlockingIOError if another program has it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, READABLE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def release(self, lock: int) -> None:
        os.close(lock)

    def matching(self, pattern: bytes) -> list[bytes]:
        """The paths that match a shell pattern, sorted."""
        return sorted(glob.glob(pattern))

    def working_folder(self) -> bytes:
        """Absolute."""
        return os.getcwdb()

    def enter(self, path: bytes) -> None:
        """Make a folder the working folder."""
        os.chdir(path)

    def absolute(self, path: bytes) -> bytes:
        """The absolute form of `path`."""
        return path if path.startswith(b"/") else os.path.join(self.working_folder(), path)

    def replace(self, path: bytes, data: bytes) -> None:
        """Replace the content of a file atomically: after a crash it has the old or the new content.

        A crash may leave a temporary file behind: the file's name with six hexadecimal digits.
        """
        draft = path + b".%06x" % (os.getpid() & 0xFFFFFF)
        file = self.append(draft)
        try:
            try:
                file.write(data)
                file.sync()
            finally:
                file.close()
            self.rename(draft, path)
        except OSError:
            if self.exists(draft):
                self.remove(draft)
            raise
        self.sync_folder(os.path.dirname(path))


@mypyc_attr(allow_interpreted_subclasses=True)
class MemoryFiles(Files):
    """Files of one folder tree in memory.  `crash` drops everything that was not synced.  For tests and the simulator.

    After a crash, a name has the file that it had at the last `sync_folder`.
    """

    def __init__(self) -> None:
        self.contents: dict[bytes, MemoryFile] = {}
        self.on_disk: dict[bytes, MemoryFile] = {}
        self.folder = b"/"

    def crash(self) -> None:
        """Simulate a power failure: only synced names stay, each with its synced content."""
        self.contents = dict(self.on_disk)
        for file in self.contents.values():
            file.data = file.data[: file.synced]

    def find(self, path: bytes) -> MemoryFile:
        file = self.contents.get(self.absolute(path))
        if file is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return file

    def read(self, path: bytes) -> bytes:
        return self.find(path).data

    def reader(self, path: bytes) -> Reader:
        file = self.find(path)
        return MemoryReader(file.data, file)

    def append(self, path: bytes) -> Appender:
        path = self.absolute(path)
        if path not in self.contents:
            self.contents[path] = MemoryFile()
        return MemoryAppender(self.contents[path])

    def syncing(self, appender: Appender) -> Syncing:
        begun = Syncing(appender)
        begun.run()
        return begun

    def rename(self, old: bytes, new: bytes) -> None:
        file = self.find(old)
        del self.contents[self.absolute(old)]
        self.contents[self.absolute(new)] = file

    def remove(self, path: bytes) -> None:
        self.find(path)
        del self.contents[self.absolute(path)]

    def exists(self, path: bytes) -> bool:
        return self.absolute(path) in self.contents

    def sync_folder(self, path: bytes) -> None:
        folder = self.absolute(path).rstrip(b"/") or b"/"
        for name in [name for name in self.on_disk if (os.path.dirname(name) or b"/") == folder]:
            del self.on_disk[name]
        for name, file in self.contents.items():
            if (os.path.dirname(name) or b"/") == folder:
                self.on_disk[name] = file

    def claim(self, path: bytes) -> int:
        path = self.absolute(path)
        if path not in self.contents:
            self.contents[path] = MemoryFile()
        return 0

    def release(self, lock: int) -> None:
        pass

    def matching(self, pattern: bytes) -> list[bytes]:
        wanted = self.absolute(pattern)
        return sorted([name for name in self.contents if fnmatch.fnmatchcase(name, wanted)])

    def working_folder(self) -> bytes:
        return self.folder

    def enter(self, path: bytes) -> None:
        """A folder exists if a file is in it; the root always exists."""
        folder = os.path.normpath(self.absolute(path))
        if folder != b"/" and not any(name.startswith(folder + b"/") for name in self.contents):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self.folder = folder


class MemoryFile:
    """The content of a file, and how much of it is synced."""

    def __init__(self) -> None:
        self.data = b""
        self.synced = 0


@mypyc_attr(allow_interpreted_subclasses=True)
class MemoryReader(Reader):
    def __init__(self, data: bytes, file: MemoryFile | None = None) -> None:
        super().__init__(-1, len(data))
        self.data = data
        self.file: MemoryFile | None = file
        self.at = 0

    def read(self, most: int) -> bytes:
        found = self.data[self.at : self.at + most]
        self.at += len(found)
        return found

    def read_at(self, at: int, size: int) -> bytes:
        file = self.file
        data = self.data if file is None else file.data
        return data[at : at + size]

    def close(self) -> None:
        pass


@mypyc_attr(allow_interpreted_subclasses=True)
class MemoryAppender(Appender):
    def __init__(self, file: MemoryFile) -> None:
        super().__init__(-1)
        self.file = file

    def write(self, data: bytes) -> None:
        self.file.data += data

    def sync(self) -> None:
        self.file.synced = len(self.file.data)

    def close(self) -> None:
        pass
