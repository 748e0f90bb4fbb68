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
LARGE_FILE: Final = 1 << 20
FOLDER: Final = 0o755


def remove_quietly(path: bytes) -> None:
    """Remove a file if that is possible."""
    try:
        os.unlink(path)
    except OSError:
        pass


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

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes; what is written next follows there."""
        os.ftruncate(self.descriptor, size)

    def close(self) -> None:
        os.close(self.descriptor)


class LockedError(Exception):
    """Another process has the lock.  `holder` is the text that it left in the file."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder: str = holder


@mypyc_attr(allow_interpreted_subclasses=True)
class Lock:
    """A lock on a file, which ends with `release` or with the process, however that ends."""

    def __init__(self, path: bytes, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    def release(self) -> None:
        """Remove the file, and unlock it."""
        # Its folder may be gone, or may not be writable any more.
        remove_quietly(self.path)
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
        """Rename a file, replacing an existing one.  Survives a crash after `sync_folder`.

        The system frees a large replaced file beside the program, because that takes a millisecond for each 10 MB.
        """
        replaced = opened_if_large(new)
        try:
            os.rename(old, new)
        finally:
            close_beside(replaced)

    def remove(self, path: bytes) -> None:
        """Remove a file.  The system frees a large one beside the program."""
        removed = opened_if_large(path)
        try:
            os.unlink(path)
        finally:
            close_beside(removed)

    def remove_beside(self, path: bytes) -> None:
        """Remove a file in a thread of its own: freeing the blocks of a large one takes long.  Errors are ignored."""
        Thread(target=remove_quietly, args=(path,), daemon=True).start()

    def size(self, path: bytes) -> int:
        """Bytes of a file."""
        return os.stat(path).st_size

    def truncate(self, path: bytes, size: int) -> None:
        """Cut a file to `size` bytes, and sync it."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def make_folder(self, path: bytes) -> None:
        """Create a folder and its parents, unless it exists."""
        if not os.path.isdir(path):
            os.makedirs(path, FOLDER)
            self.sync_folder(os.path.dirname(path))

    def lock(self, path: bytes, text: str) -> Lock:
        """Lock a file, which is created with `text` as its content.  Raises LockedError.  A crash frees the lock."""
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, READABLE)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # The last holder removes the file.  Then the lock is on a file without a name, which excludes nobody.
                current = os.path.exists(path) and os.stat(path).st_ino == os.fstat(descriptor).st_ino
            except OSError as refused:
                holder = os.read(descriptor, 1000).decode("utf-8", "surrogateescape").strip()
                os.close(descriptor)
                if refused.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    raise
                raise LockedError(holder) from None
            if current:
                os.ftruncate(descriptor, 0)
                os.write(descriptor, text.encode("utf-8", "surrogateescape") + b"\n")
                return Lock(path, descriptor)
            os.close(descriptor)

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


def opened_if_large(path: bytes) -> int:
    """A descriptor of a large file; -1 for others.  While it is open, the system does not free the file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return -1
    if os.fstat(descriptor).st_size >= LARGE_FILE:
        return descriptor
    os.close(descriptor)
    return -1


def close_beside(descriptor: int) -> None:
    """Close the result of `opened_if_large` in a thread of its own."""
    if descriptor >= 0:
        Thread(target=os.close, args=(descriptor,), daemon=True).start()


class FolderFiles(Files):
    """The machine's file system, with a working folder of its own: that of the process may be another one."""

    def __init__(self, folder: bytes) -> None:
        self.folder: Final = os.path.abspath(folder)

    def working_folder(self) -> bytes:
        return self.folder

    def enter(self, path: bytes) -> None:
        """Refuse any other folder: the data of an open store stays where it is."""
        if os.path.abspath(os.path.join(self.folder, path)) != self.folder:
            raise OSError(errno.EPERM, "the folder of an open store cannot be changed")

    def absolute(self, path: bytes) -> bytes:
        return os.path.join(self.folder, path)

    def read(self, path: bytes) -> bytes:
        return super().read(self.absolute(path))

    def reader(self, path: bytes) -> Reader:
        return super().reader(self.absolute(path))

    def append(self, path: bytes) -> Appender:
        return super().append(self.absolute(path))

    def lock(self, path: bytes, text: str) -> Lock:
        return super().lock(self.absolute(path), text)

    def remove_beside(self, path: bytes) -> None:
        super().remove_beside(self.absolute(path))

    def size(self, path: bytes) -> int:
        return super().size(self.absolute(path))

    def truncate(self, path: bytes, size: int) -> None:
        super().truncate(self.absolute(path), size)

    def make_folder(self, path: bytes) -> None:
        super().make_folder(self.absolute(path))

    def rename(self, old: bytes, new: bytes) -> None:
        super().rename(self.absolute(old), self.absolute(new))

    def remove(self, path: bytes) -> None:
        super().remove(self.absolute(path))

    def exists(self, path: bytes) -> bool:
        return super().exists(self.absolute(path))

    def sync_folder(self, path: bytes) -> None:
        super().sync_folder(self.absolute(path))

    def matching(self, pattern: bytes) -> list[bytes]:
        return super().matching(self.absolute(pattern))


@mypyc_attr(allow_interpreted_subclasses=True)
class MemoryFiles(Files):
    """Files of one folder tree in memory.  `crash` drops everything that was not synced.  For tests and the simulator.

    After a crash, a name has the file that it had at the last `sync_folder`.
    """

    def __init__(self) -> None:
        self.contents: dict[bytes, MemoryFile] = {}
        self.on_disk: dict[bytes, MemoryFile] = {}
        self.folder = b"/"
        self.locks: dict[bytes, str] = {}

    def crash(self) -> None:
        """Simulate a power failure: only synced names stay, each with its synced content."""
        self.contents = dict(self.on_disk)
        self.locks = {}
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

    def remove_beside(self, path: bytes) -> None:
        if self.exists(path):
            self.remove(path)

    def size(self, path: bytes) -> int:
        return len(self.find(path).data)

    def truncate(self, path: bytes, size: int) -> None:
        file = self.find(path)
        file.data = file.data[:size]
        file.synced = len(file.data)

    def make_folder(self, path: bytes) -> None:
        """Nothing: a folder exists if a file is in it."""

    def lock(self, path: bytes, text: str) -> Lock:
        path = self.absolute(path)
        holder = self.locks.get(path)
        if holder is not None:
            raise LockedError(holder)
        self.locks[path] = text
        return MemoryLock(self, path)

    def exists(self, path: bytes) -> bool:
        """Whether there is such a file, or a folder with files."""
        path = self.absolute(path)
        return path in self.contents or any(name.startswith(path + b"/") for name in self.contents)

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

    def truncate(self, size: int) -> None:
        self.file.data = self.file.data[:size]
        self.file.synced = min(self.file.synced, size)

    def close(self) -> None:
        pass


@mypyc_attr(allow_interpreted_subclasses=True)
class MemoryLock(Lock):
    def __init__(self, files: MemoryFiles, path: bytes) -> None:
        super().__init__(path, -1)
        self.files = files

    def release(self) -> None:
        self.files.locks.pop(self.path, None)
