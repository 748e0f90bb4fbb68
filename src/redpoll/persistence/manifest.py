"""The manifest of the append-only file: which files belong to it, and in which order.  Source: spec/aof.md, section 2.

file appendonly.aof.2.base.rdb seq 2 type b
file appendonly.aof.3.incr.aof seq 3 type i
"""

from __future__ import annotations

from typing import Final

from redpoll.config.quoting import quote, split_line
from redpoll.protocol.numbers import is_int, to_int

BASE: Final = b"b"
"""The data at the last rewrite; at most one file."""
HISTORY: Final = b"h"
"""A replaced file that will be deleted."""
INCREMENTAL: Final = b"i"
"""The commands since."""

LONGEST_LINE: Final = 1024

EMPTY: Final = "Found an empty AOF manifest"
TOO_LONG: Final = "The AOF manifest file contains too long line"
INVALID: Final = "Invalid AOF manifest file format"
NO_PATH: Final = "File can't be a path, just a filename"
TWO_BASES: Final = "Found duplicate base file information"
NOT_RISING: Final = "Found a non-monotonic sequence number"
UNKNOWN_TYPE: Final = "Unknown AOF file type"


class ManifestError(Exception):
    """A damaged manifest.  `line` counts from 1; it is 0 if no line is to blame."""

    def __init__(self, reason: str, line: int = 0, text: bytes = b"") -> None:
        super().__init__(reason)
        self.reason: str = reason
        self.line: int = line
        self.text: bytes = text

    def told(self) -> list[str]:
        """Lines for the log."""
        lines = ["*** FATAL AOF MANIFEST FILE ERROR ***"]
        if self.line > 0:
            lines.append(f"Reading the manifest file, at line {self.line}")
            lines.append(f">>> '{self.text.decode('utf-8', 'backslashreplace')}'")
        lines.append(self.reason)
        return lines


class Entry:
    """A file of the append-only file."""

    def __init__(self, name: bytes, number: int, kind: bytes) -> None:
        self.name: Final = name
        self.number: Final = number
        self.kind: bytes = kind

    def line(self) -> bytes:
        return b"file %b seq %d type %b\n" % (spelled(self.name), self.number, self.kind)


class Manifest:
    """The files.  `incrementals` are in the order of their numbers; `history` has the newest first."""

    def __init__(self) -> None:
        self.base: Entry | None = None
        self.history: list[Entry] = []
        self.incrementals: list[Entry] = []

    def is_empty(self) -> bool:
        return self.base is None and not self.history and not self.incrementals

    def copy(self) -> Manifest:
        """A copy to change; the entries are shared."""
        made = Manifest()
        made.base = self.base
        made.history = list(self.history)
        made.incrementals = list(self.incrementals)
        return made

    def text(self) -> bytes:
        """The content of the manifest file."""
        entries = [] if self.base is None else [self.base]
        return b"".join([entry.line() for entry in [*entries, *self.history, *self.incrementals]])

    def parts(self) -> list[Entry]:
        """The files with data, in the order in which they are loaded."""
        return [*([] if self.base is None else [self.base]), *self.incrementals]

    def next_base(self) -> int:
        """The number of the next base."""
        return 1 if self.base is None else self.base.number + 1

    def next_incremental(self) -> int:
        """The number of the next file of commands."""
        return self.incrementals[-1].number + 1 if self.incrementals else 1

    def replace_base(self, base: Entry, last: Entry | None) -> None:
        """Make `base` the base.  Every older file becomes history, except for `last`, the current file of commands."""
        gone = [Entry(entry.name, entry.number, HISTORY) for entry in self.incrementals if entry is not last]
        gone.reverse()
        if self.base is not None:
            gone.append(Entry(self.base.name, self.base.number, HISTORY))
        self.history = gone + self.history
        self.base = base
        self.incrementals = [] if last is None else [last]

    def add(self, entry: Entry) -> None:
        """Add a file as the manifest has it.  Raises ManifestError."""
        if entry.kind == BASE:
            if self.base is not None:
                raise ManifestError(TWO_BASES)
            self.base = entry
        elif entry.kind == INCREMENTAL:
            if self.incrementals and entry.number <= self.incrementals[-1].number:
                raise ManifestError(NOT_RISING)
            self.incrementals.append(entry)
        elif entry.kind == HISTORY:
            self.history.append(entry)
        else:
            raise ManifestError(UNKNOWN_TYPE)


def spelled(name: bytes) -> bytes:
    """A name, within quotes if it has special characters."""
    plain = name and all(33 <= byte < 127 and byte not in b"\"'\\" for byte in name)
    return name if plain else quote(name)


def parsed(data: bytes) -> Manifest:
    """The manifest that `data` spells.  Raises ManifestError."""
    manifest = Manifest()
    if not data:
        raise ManifestError(EMPTY)
    lines = data.split(b"\n")
    rest = lines.pop()
    number = 0
    for line in lines:
        number += 1
        if len(line) + 1 > LONGEST_LINE:
            raise ManifestError(TOO_LONG, number, line)
        if line[:1] == b"#":
            continue
        read_line(manifest, line.strip(b" \t\r\n"), number)
    if rest:
        raise ManifestError(TOO_LONG, number + 1, rest)
    return manifest


def read_line(manifest: Manifest, line: bytes, number: int) -> None:
    """Add the file of one line.  Raises ManifestError."""
    words = split_line(line)
    if words is None or len(words) < 6 or len(words) % 2 != 0:
        raise ManifestError(INVALID, number, line)
    name = kind = b""
    sequence = 0
    for at in range(0, len(words), 2):
        key = words[at].lower()
        if key == b"file":
            name = words[at + 1]
            if b"/" in name:
                raise ManifestError(NO_PATH, number, line)
        elif key == b"seq":
            sequence = to_int(words[at + 1]) if is_int(words[at + 1]) else 0
        elif key == b"type":
            kind = words[at + 1][:1]
    if not name or not kind or sequence <= 0:
        raise ManifestError(INVALID, number, line)
    try:
        manifest.add(Entry(name, sequence, kind))
    except ManifestError as wrong:
        raise ManifestError(wrong.reason, number, line) from None
