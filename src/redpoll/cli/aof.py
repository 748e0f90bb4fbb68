"""`redpoll check-aof`: an append-only file, examined and mended without a server."""

from __future__ import annotations

import os
import sys

from redpoll.cli.rdb import Bar
from redpoll.config.schema import BY_NAME
from redpoll.config.settings import Config
from redpoll.engine.engine import Engine
from redpoll.env.clock import Clock
from redpoll.env.files import Files, Lock, LockedError
from redpoll.env.random import Random
from redpoll.persistence.append_check import Examined, examine
from redpoll.persistence.append_folder import MANIFEST
from redpoll.persistence.manifest import Manifest, ManifestError, parsed
from redpoll.persistence.snapshot_reader import shown

USAGE = """redpoll check-aof [--fix] [--truncate-to-timestamp SECONDS] [--yes] FILE

FILE is a manifest (appendonlydir/appendonly.aof.manifest), or one append-only file.

  --fix                            cut off what is damaged at the end of the last file
  --truncate-to-timestamp SECONDS  cut the last file before the first command after this Unix time; the file must have
                                   been written with aof-timestamp-enabled yes
  --yes                            do not ask before cutting
"""


class Request:
    """The words of the command line."""

    def __init__(self, words: list[str]) -> None:
        self.fix = False
        self.sure = False
        self.until_s = 0
        self.path = ""
        self.wrong = not words
        at = 0
        while at < len(words):
            word = words[at]
            at += 1
            if word == "--fix":
                self.fix = True
            elif word == "--yes":
                self.sure = True
            elif word == "--truncate-to-timestamp" and at < len(words) and words[at].isdigit():
                self.until_s = int(words[at])
                at += 1
            elif word.startswith("--") or self.path:
                self.wrong = True
            else:
                self.path = word
        if not self.path or (self.fix and self.until_s > 0):
            self.wrong = True


class Checker:
    """Examines the files of one request."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.files = Files()
        config = Config(self.files)
        # The largest possible number of databases: the file does not name the number of the server.
        config.assign(BY_NAME[b"databases"], [b"10000"])
        self.engine = Engine(Clock(), Random(), config=config)
        self.engine.moment.deleting_expired = False

    def run(self) -> int:
        """Examine what the request names; return the exit status."""
        path = os.fsencode(self.request.path)
        try:
            manifest = self.manifest(path)
            if manifest is not None:
                return self.all(path, manifest)
            status = self.one(path, True)
            if status == 0:
                print("the file is whole")
            return status
        except ManifestError as damage:
            for line in damage.told():
                print(line)
            return 1
        except OSError as failed:
            name = os.fsdecode(failed.filename) if failed.filename else self.request.path
            hint = "; name the .manifest file in it" if isinstance(failed, IsADirectoryError) else ""
            print(f"{name}: {failed.strerror}{hint}", file=sys.stderr)
            return 1

    def manifest(self, path: bytes) -> Manifest | None:
        """The manifest in a file; None if it is an append-only file.  Raises ManifestError."""
        reader = self.files.reader(path)
        try:
            head = reader.read(1024)
        finally:
            reader.close()
        if not path.endswith(MANIFEST) and not head.lstrip().lower().startswith(b"file "):
            return None
        return parsed(self.files.read(path))

    def all(self, path: bytes, manifest: Manifest) -> int:
        """Examine all files of a manifest."""
        parts = manifest.parts()
        print(f"{self.request.path}: {len(parts)} files, {len(manifest.history)} replaced ones that may be deleted")
        folder = os.path.dirname(path)
        lock: Lock | None = None
        try:
            if self.request.fix or self.request.until_s > 0:
                lock = self.files.lock(path.removesuffix(MANIFEST) + b".lock", f"check-aof, process {os.getpid()}")
            for entry in parts:
                status = self.one(os.path.join(folder, entry.name), entry is parts[-1])
                if status != 0:
                    return status
        except LockedError as locked:
            print(f"the files are in use by {locked.holder}: end it first", file=sys.stderr)
            return 1
        finally:
            if lock is not None:
                lock.release()
        print("all files are whole")
        return 0

    def one(self, path: bytes, last: bool) -> int:
        """Examine one file, and cut it if that is asked for."""
        name = os.fsdecode(os.path.basename(path))
        bar = Bar()
        reader = self.files.reader(path)
        try:
            found = examine(self.engine, reader, bar, self.request.until_s)
        finally:
            reader.close()
            bar.end()
        for line in bar.lines:
            print(f"{shown(os.fsencode(name))}: {line}")
        print(f"{name}: {told(found)}")
        if found.later:
            return self.cut(path, name, found, last, f"to the commands up to timestamp {self.request.until_s}")
        if not found.reason:
            return 0
        print(f"{name}: damaged at offset {found.good}: {found.reason}")
        if not found.can_be_cut:
            print(f"{name}: this cannot be mended by cutting; use an older copy")
            return 1
        if not self.request.fix:
            place = "" if last else ", but it is not the last file"
            print(f"{name}: --fix cuts off the last {found.size - found.good} bytes{place}")
            return 1
        return self.cut(path, name, found, last, "to what is whole")

    def cut(self, path: bytes, name: str, found: Examined, last: bool, why: str) -> int:
        """Cut a file where it is good no more."""
        if not last:
            print(
                f"{name}: it is not the last file, so it is not cut: the commands of the later files would follow a "
                "gap. To give them up, delete them and their lines in the manifest, then run this again."
            )
            return 1
        print(f"{name}: this shrinks it from {found.size} bytes by {found.size - found.good} to {found.good}, {why}")
        if not self.request.sure:
            sys.stdout.write("Continue? [y/N]: ")
            sys.stdout.flush()
            if sys.stdin.readline().strip().lower() != "y":
                print("not changed")
                return 1
        self.files.truncate(path, found.good)
        print(f"{name}: cut to {found.good} bytes")
        return 0


def told(found: Examined) -> str:
    """What a file contains, in one line."""
    parts = []
    if found.keys >= 0:
        parts.append(f"a snapshot of {found.keys} keys")
    parts.append(f"{found.commands} commands")
    parts.append(f"{found.size} bytes")
    if found.time_s > 0:
        parts.append(f"last timestamp {found.time_s}")
    return ", ".join(parts)


def check(words: list[str]) -> int:
    """`redpoll check-aof`; return the exit status: 0 if the file is whole."""
    if words in (["--help"], ["-h"]):
        print(USAGE, end="")
        return 0
    request = Request(words)
    if request.wrong:
        print(USAGE, end="", file=sys.stderr)
        return 2
    return Checker(request).run()
