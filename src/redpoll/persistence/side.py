"""Parts of a snapshot that cannot be written to their place yet, in memory, and beyond a limit in a file of their own.

While the file is inside a large value, other keys wait on a *side*, and so do those items of a large value that change
before its turn.  All sides of a snapshot share one `Overflow`: its limit bounds the memory of all of them together.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, pop, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.env.files import Appender, Files, Reader
from redpoll.persistence.lzf import Compressor
from redpoll.persistence.sink import Sink

SIDE_PIECE: Final[i64] = 1 << 16
"""A side is cut into pieces of about so many bytes, between two items."""
MOST_TRIED: Final[i64] = 8
"""How many sides are tried at once for bytes to move to the file."""
LEAST_MOVED: Final[i64] = 1024
"""Fewer bytes are not worth a place in the file."""


class Overflow:
    """What the sides of one snapshot hold together, and the file for what exceeds `limit`.  Methods raise OSError."""

    def __init__(self, files: Files, path: bytes, limit: i64, compressor: Compressor | None) -> None:
        self.files: Final = files
        self.path: Final = path
        self.limit: i64 = limit
        self.compressor: Compressor | None = compressor
        """Shared by all sides: they compress one string after another."""
        self.held: i64 = 0
        """Bytes in memory."""
        self.sides: list[Side] = []
        self.next: i64 = 0
        self.appender: Appender | None = None
        self.reader: Reader | None = None
        self.size: i64 = 0
        """Bytes in the file."""
        self.complaint = ""
        """Why bytes could not be kept; empty if there was no error.  The snapshot reports it in its next slice."""

    def side(self) -> Side:
        """A new side."""
        made = Side(self, len(self.sides))
        self.sides.append(made)
        return made

    def drop(self, side: Side) -> None:
        """Forget a side that is empty and stays so."""
        last = self.sides.pop()
        if last is not side:
            last.at = side.at
            self.sides[last.at] = last

    def review(self) -> None:
        """Move a piece to the file if there are too many bytes in memory.  O(1)."""
        tried: i64 = 0
        while self.held > self.limit and tried < MOST_TRIED and len(self.sides) > 0:
            if self.next >= len(self.sides):
                self.next = 0
            side = self.sides[self.next]
            if len(side.pieces) > 0 or len(side.sink.out) >= LEAST_MOVED:
                side.move_piece()
            else:
                self.next += 1
            tried += 1

    def keep_page(self, data: bytes) -> i64:
        """Keep a page of a string; return its place in the file, -1 if it stays in memory.

        An error sets `complaint`.
        """
        try:
            if self.held + len(data) > self.limit:
                return self.write(data)
        except OSError as refused:
            self.complaint = refused.strerror or "cannot be written"
        self.held += len(data)
        return -1

    def write(self, data: bytes) -> i64:
        """Write bytes to the file; return their place."""
        appender = self.appender
        if appender is None:
            if self.files.exists(self.path):
                # Of a process that crashed and had the same number.
                self.files.remove(self.path)
            appender = self.files.append(self.path)
            self.appender = appender
        appender.write(data)
        at = self.size
        self.size += len(data)
        return at

    def read(self, at: i64, size: i64) -> bytes:
        """Read bytes from the file."""
        reader = self.reader
        if reader is None:
            reader = self.files.reader(self.path)
            self.reader = reader
        found = b""
        while len(found) < size:
            more = reader.read_at(int(at) + len(found), int(size) - len(found))
            if not more:
                raise OSError(0, "what was moved to a file of its own is not there any more")
            found = more if not found else found + more
        return found

    def close(self) -> None:
        """Close and delete the file."""
        reader = self.reader
        appender = self.appender
        self.reader = None
        self.appender = None
        self.sides = []
        try:
            if reader is not None:
                reader.close()
            if appender is not None:
                appender.close()
                self.files.remove(self.path)
        except OSError:
            # Nothing needs the file any more.
            pass


@mypyc_attr(acyclic=True)
class Side:
    """Written items that wait.  Write to `sink`, then call `end_item`; `taken` gives the pieces back in any order."""

    def __init__(self, overflow: Overflow, at: i64) -> None:
        self.overflow: Final = overflow
        self.at: i64 = at
        """Its place among the sides."""
        self.sink: Final = Sink(False)
        self.sink.compressor = overflow.compressor
        self.pieces: list[bytes] = []
        self.places: vec[i64] = vec[i64]()
        self.sizes: vec[i64] = vec[i64]()
        """The places and sizes of the pieces in the file."""
        self.counted: i64 = 0
        """How many bytes of the sink `overflow.held` includes."""

    def is_empty(self) -> bool:
        return len(self.sink.out) == 0 and len(self.pieces) == 0 and len(self.places) == 0

    def end_item(self) -> bool:
        """Call this after each item; return whether it ended a piece."""
        size: i64 = len(self.sink.out)
        self.overflow.held += size - self.counted
        self.counted = size
        ended = size >= SIDE_PIECE
        if ended:
            self._cut()
        self.overflow.review()
        return ended or self.counted == 0

    def _cut(self) -> None:
        self.pieces.append(self.sink.out.getvalue())
        self.sink.out.truncate(0)
        self.counted = 0

    def move_piece(self) -> None:
        """Move a piece to the file."""
        if len(self.pieces) == 0:
            self._cut()
        piece = self.pieces[len(self.pieces) - 1]
        self.places = append(self.places, self.overflow.write(piece))
        self.sizes = append(self.sizes, len(piece))
        self.pieces.pop()
        self.overflow.held -= len(piece)

    def taken(self) -> bytes:
        """Take a piece of a side that is not empty."""
        if len(self.places) > 0:
            self.places, at = pop(self.places)
            self.sizes, size = pop(self.sizes)
            return self.overflow.read(at, size)
        if len(self.pieces) == 0:
            self._cut()
        piece = self.pieces.pop()
        self.overflow.held -= len(piece)
        return piece
