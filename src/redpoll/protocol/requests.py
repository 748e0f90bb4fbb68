"""Bytes from a client to commands: RESP arrays of bulk strings and inline lines, pipelined, without I/O.

    parser.feed(data)                         what a read brought
    error = parser.parse(commands, most)      complete commands are appended, each a list of its arguments

The parser remembers how far it is, so nothing is read twice: whole commands are taken from the bytes that were
fed, a command that is cut keeps the arguments it has, and the pieces of a bulk string that is cut are collected
and joined once, so that a large value arrives in linear time and takes twice its size at most.

A command that lies wholly in the bytes at hand and is spelled as every client spells it takes the short way in
`parse`; all that is rare, cut or wrong is a step of `read_start` or `read_argument`.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i16_le, read_i32_le, read_i64_le
from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.protocol.inline import split_words
from redpoll.protocol.numbers import is_int_at, to_int_at

MAX_LINE: Final = 65536
"""Bytes of a line, its end not counted."""
MAX_COUNT: Final = 2147483647
"""Arguments of a command."""
MAX_UNAUTHENTICATED_COUNT: Final = 10
MAX_UNAUTHENTICATED_BULK: Final = 16384

SMALL_PIECE: Final = 4096
"""Smaller pieces of a bulk string are gathered in a buffer, as an object of their own would outweigh them."""
GATHERED: Final = 65536
"""A buffer of gathered pieces becomes a piece at this size."""

TOO_BIG_INLINE: Final = b"Protocol error: too big inline request"
TOO_BIG_COUNT: Final = b"Protocol error: too big mbulk count string"
TOO_BIG_LENGTH: Final = b"Protocol error: too big bulk count string"
UNBALANCED_QUOTES: Final = b"Protocol error: unbalanced quotes in request"
INVALID_COUNT: Final = b"Protocol error: invalid multibulk length"
INVALID_LENGTH: Final = b"Protocol error: invalid bulk length"
INVALID_CRLF: Final = b"Protocol error: invalid CRLF in request"
UNAUTHENTICATED_COUNT: Final = b"Protocol error: unauthenticated multibulk length"
UNAUTHENTICATED_LENGTH: Final = b"Protocol error: unauthenticated bulk length"

STAR: Final = 42
DOLLAR: Final = 36
CR: Final = 13
LF: Final = 10
ZERO: Final = 48

CRLF: Final[i64] = 0x0A0D
# The four bytes of `*n CR LF`, `$n CR LF` and `$nn CR` as a word, with zeros for the digits, and the masks to match.
COUNT_LINE: Final[i64] = 0x0A0D002A
LENGTH_LINE: Final[i64] = 0x0A0D0024
LINE_MASK: Final[i64] = 0xFFFF00FF
LONGER_LENGTH_LINE: Final[i64] = 0x0D000024
LONGER_LINE_MASK: Final[i64] = 0xFF0000FF

# Outcomes of a step.
DONE: Final = 0
MORE: Final = 1
BROKEN: Final = 2


@mypyc_attr(acyclic=True)
class Limits:
    """What all clients of a server must keep to; changed by CONFIG SET."""

    def __init__(self, max_bulk_bytes: i64 = 536870912) -> None:
        self.max_bulk_bytes: i64 = max_bulk_bytes


NAME_SLOTS: Final = 256


@mypyc_attr(acyclic=True)
class Names:
    """The command names seen lately, one object each, so that a name is neither made nor hashed for every command.

    A name of 2 to 9 bytes with its length line and line end is covered by two words, the first and the last 8
    bytes; they choose the slot and are compared with what it holds.  A newcomer takes the place of its predecessor.
    """

    def __init__(self) -> None:
        self.first: Final = vec[i64]([0] * NAME_SLOTS)
        self.last: Final = vec[i64]([0] * NAME_SLOTS)
        self.names: Final[list[bytes]] = [b""] * NAME_SLOTS


NAMES: Final = Names()


class RequestParser:
    """The requests of one connection.  A protocol error is final."""

    def __init__(self, limits: Limits, authenticated: bool = True) -> None:
        self.limits: Final = limits
        self.authenticated: bool = authenticated
        self.error: bytes | None = None
        # What was fed and not yet read: `data` from `at` on, then `fed`.
        self.data: bytes = b""
        self.at: i64 = 0
        self.fed: list[bytes] = []
        self.fed_bytes: i64 = 0
        # How far behind `at` the end of a line was looked for in vain.
        self.searched: i64 = 0
        # The command in progress: its arguments so far, and how many are to come.
        self.args: list[bytes] = []
        self.args_bytes: i64 = 0
        self.left: i64 = 0
        # The bulk string in progress: its pieces, small ones in `gathered`, and the bytes to come.
        self.pieces: list[bytes] = []
        self.pieces_bytes: i64 = 0
        self.gathered: BytesWriter | None = None
        self.lacking: i64 = 0
        # The last of `args` is whole, but the CR LF behind it has not been read.
        self.end_due: bool = False

    def feed(self, data: bytes) -> None:
        """Take what was received.  O(1), but for the last piece of a cut bulk string, which is joined here."""
        if self.lacking > 0:
            self.collect(data)
        elif self.at == len(self.data):
            self.data = data
            self.at = 0
        else:
            self.fed.append(data)
            self.fed_bytes += i64(len(data))

    def missing(self) -> i64:
        """Bytes that the bulk string in progress lacks, with the CR LF behind it; 0 if none is in progress."""
        return self.lacking + 2 if self.lacking > 0 else 0

    def pending_bytes(self) -> i64:
        """Bytes held of what was fed and is not an argument yet.  O(1)."""
        return i64(len(self.data)) - self.at + self.fed_bytes + self.pieces_bytes

    def argument_bytes(self) -> i64:
        """Bytes of the arguments of a command that is not complete yet.  O(1)."""
        return self.args_bytes

    def parse(self, commands: list[list[bytes]], most: i64) -> bytes | None:
        """Append up to `most` complete commands to `commands`; the text of a protocol error, or None.

        The commands before an error are complete and stand.  With `most` commands appended there may be more to
        parse without anything being fed; below it there is not.
        """
        if self.error is not None:
            return self.error
        if len(self.fed) > 0:
            self.join_fed()
        data = self.data
        end: i64 = len(data)
        at = self.at
        args = self.args
        args_bytes = self.args_bytes
        left = self.left
        done: i64 = 0
        word: i64
        while True:
            if left == 0:
                if done >= most or at >= end:
                    break
                word = i64(read_i32_le(data, at)) if at + 14 <= end else 0
                if word & LINE_MASK == COUNT_LINE and word > 0x0A0D302A and word <= 0x0A0D392A:
                    left = ((word >> 8) & 255) - ZERO
                    args = []
                    at += 4
                    # The first argument is the command's name.
                    word = i64(read_i32_le(data, at))
                    size = ((word >> 8) & 255) - ZERO
                    stop = at + 4 + size
                    if word & LINE_MASK == LENGTH_LINE and size >= 2 and size <= 9 and stop + 2 <= end:
                        first = read_i64_le(data, at)
                        last = read_i64_le(data, stop - 6)
                        slot = name_slot(first, last)
                        if NAMES.first[slot] == first and NAMES.last[slot] == last:
                            args.append(NAMES.names[slot])
                            args_bytes = size
                            at = stop + 2
                            left -= 1
                        elif (last >> 48) == CRLF:
                            name = data[at + 4 : stop]
                            NAMES.first[slot] = first
                            NAMES.last[slot] = last
                            NAMES.names[slot] = name
                            args.append(name)
                            args_bytes = size
                            at = stop + 2
                            left -= 1
                else:
                    self.at = at
                    step = self.read_start()
                    at = self.at
                    if step != DONE:
                        break
                    left = self.left
                    args = self.args
                    args_bytes = self.args_bytes
            while left > 0:
                word = i64(read_i32_le(data, at)) if at + 6 <= end else 0
                if word & LINE_MASK == LENGTH_LINE:
                    size = ((word >> 8) & 255) - ZERO
                    start = at + 4
                elif word & LONGER_LINE_MASK == LONGER_LENGTH_LINE and data[at + 4] == LF:
                    tens = ((word >> 8) & 255) - ZERO
                    units = ((word >> 16) & 255) - ZERO
                    size = tens * 10 + units if tens >= 1 and tens <= 9 and units >= 0 and units <= 9 else -1
                    start = at + 5
                else:
                    size = -1
                    start = at
                stop = start + size
                if size >= 0 and stop + 2 <= end and i64(read_i16_le(data, stop)) == CRLF:
                    args.append(data[start:stop])
                    args_bytes += size
                    at = stop + 2
                    left -= 1
                else:
                    break
            if left == 0:
                pass
    def join_fed(self) -> None:
        """Put what was fed meanwhile behind what is unread."""
