"""The replication stream: a ring of its last bytes, shared by all replicas.

The stream is a row of commands as arrays of bulk strings.  Each byte has an offset, and is kept once, in an immutable
piece.  A replica only holds a position.  Pieces go when the ring is over its size and no replica needs them any more.
Source: spec/replication.md, sections 1 and 8.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64, mypyc_attr

from redpoll.engine.role import Role
from redpoll.engine.unit import EXEC, MULTI, Journal
from redpoll.persistence.append_encode import write_command, write_select

PIECE: Final[i64] = 16384
"""The bytes of an open piece from which it is closed, even if no replica asks for it."""

MULTI_BYTES: Final = b"*1\r\n$5\r\nMULTI\r\n"
EXEC_BYTES: Final = b"*1\r\n$4\r\nEXEC\r\n"


@mypyc_attr(allow_interpreted_subclasses=True)
class Waker:
    """Wakes the connections of the replicas when the stream has new bytes."""

    def wake(self) -> None:
        """The stream has new bytes.  It calls this once until a reader takes some of them."""


class Position:
    """How far one reader of the stream is."""

    def __init__(self) -> None:
        self.offset: i64 = 0
        """Bytes of the stream that it has taken."""
        self.piece: i64 = 0
        """The number of the piece that holds the next byte, counted from the first piece ever ..."""
        self.skip: i64 = 0
        """... and the bytes of it that are not for this reader."""
        self.follows = False
        """Whether the stream keeps bytes for it."""


class Stream(Journal):
    """See the module's docstring.  `end` is the offset: the number of bytes in the stream so far."""

    def __init__(self, role: Role, size: i64, waker: Waker) -> None:
        end = role.offset
        self.role: Final = role
        """Its `offset` is kept equal to `end`."""
        self.end: i64 = end
        self.first: i64 = end
        """Bytes of the stream before the ring."""
        self.size: i64 = size
        """Bytes that the ring keeps for replicas that come back."""
        self.selected: i64 = -1
        """The database of the last SELECT in the stream; -1 if the next command needs one."""
        self.pieces: list[bytes] = []
        self.dropped: i64 = 0
        """How many pieces are gone."""
        self.out: Final = BytesWriter()
        self.positions: list[Position] = []
        self.waker: Final = waker
        self.told = False
        """Whether the waker was called since a reader last took bytes."""

    # Writing.

    def takes_messages(self) -> bool:
        return True

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        out = self.out
        before: i64 = len(out)
        n: i64 = 0
        count: i64 = len(effects)
        while n < count:
            args = effects[n]
            if args is MULTI:
                out.write(MULTI_BYTES)
            elif args is EXEC:
                out.write(EXEC_BYTES)
            else:
                db = databases[n]
                if db != self.selected:
                    self.selected = db
                    write_select(out, db)
                write_command(out, args)
            n += 1
        self._grown(before)

    def write_one(self, db: i64, effect: list[bytes]) -> None:
        out = self.out
        before: i64 = len(out)
        if db != self.selected:
            self.selected = db
            write_select(out, db)
        write_command(out, effect)
        self._grown(before)

    def add(self, args: list[bytes]) -> None:
        """Add a command without a database: PING, REPLCONF GETACK."""
        before: i64 = len(self.out)
        write_command(self.out, args)
        self._grown(before)

    def add_bytes(self, data: bytes) -> None:
        """Add bytes of the primary's stream, unchanged."""
        before: i64 = len(self.out)
        if before == 0 and len(data) >= PIECE:
            self.pieces.append(data)
            self.end += i64(len(data))
            self.role.offset = self.end
            self._trim()
            self._tell()
        else:
            self.out.write(data)
            self._grown(before)

    def _grown(self, before: i64) -> None:
        held: i64 = len(self.out)
        self.end += held - before
        self.role.offset = self.end
        if held >= PIECE:
            self.seal()
        self._tell()

    def _tell(self) -> None:
        if not self.told and len(self.positions) > 0:
            self.told = True
            self.waker.wake()

    def seal(self) -> None:
        """Close the open piece."""
        if len(self.out) > 0:
            self.pieces.append(self.out.getvalue())
            self.out.truncate(0)
            self._trim()

    def _trim(self) -> None:
        """Drop the pieces that nothing needs."""
        needed = self.end - self.size
        for position in self.positions:
            if position.offset < needed:
                needed = position.offset
        gone: i64 = 0
        first = self.first
        pieces = self.pieces
        while gone < len(pieces):
            size: i64 = len(pieces[gone])
            if first + size > needed:
                break
            first += size
            gone += 1
        # In bulk: each deletion moves the rest of the list.
        if gone > 64 or gone == len(pieces) or first - self.first >= self.size >> 3:
            del pieces[:gone]
            self.dropped += gone
            self.first = first

    def held_bytes(self) -> i64:
        """Bytes in memory: for the ring, and for replicas that are further behind."""
        return self.end - self.first

    def resize(self, size: i64) -> None:
        """Keep so many bytes from now on."""
        self.size = size
        self.seal()
        self._trim()

    # Reading.

    def kept(self) -> i64:
        """Bytes in the ring for replicas that come back: at most its size."""
        held = self.end - self.first
        return held if held < self.size else self.size

    def has(self, offset: i64) -> bool:
        """Whether a replica that has `offset` bytes of this stream can go on."""
        return self.end - self.kept() <= offset <= self.end

    def follow(self, position: Position, offset: i64) -> None:
        """Keep the bytes from `offset` on for this reader.  O(pieces)."""
        self.seal()
        number: i64 = 0
        first = self.first
        while number < len(self.pieces) and first + i64(len(self.pieces[number])) <= offset:
            first += i64(len(self.pieces[number]))
            number += 1
        position.offset = offset
        position.piece = self.dropped + number
        position.skip = offset - first if number < len(self.pieces) else i64(0)
        if not position.follows:
            position.follows = True
            self.positions.append(position)

    def leave(self, position: Position) -> None:
        """Stop keeping bytes for this reader."""
        if position.follows:
            position.follows = False
            self.positions.remove(position)

    def take(self, position: Position) -> bytes:
        """The next bytes for this reader; empty if it has all."""
        self.told = False
        if position.offset >= self.end:
            return b""
        self.seal()
        piece = self.pieces[position.piece - self.dropped]
        position.piece += 1
        skip = position.skip
        if skip > 0:
            piece = piece[skip:]
            position.skip = 0
        position.offset += i64(len(piece))
        return piece


def command_size(args: list[bytes]) -> i64:
    """The bytes that `write_command` writes."""
    total: i64 = 3 + digits(len(args))
    for word in args:
        size: i64 = len(word)
        total += 5 + digits(size) + size
    return total


def digits(number: i64) -> i64:
    """How many decimal digits a number has."""
    count: i64 = 1
    while number >= 10:
        number //= 10
        count += 1
    return count
