"""Parses the bytes of a client into commands: arrays of bulk strings and inline lines, pipelined, without I/O.

    parser.feed(data)                         what a read brought
    error = parser.parse(commands, most)      complete commands are appended, each a list of its arguments

The parser remembers its place, so nothing is read twice.  An incomplete command keeps the arguments that it has; the
pieces of an incomplete bulk string are collected and joined once.  So a large value is read in linear time, and takes
at most twice its size.

A complete command in the usual form takes a fast path in `parse`.  Anything rare, incomplete or wrong is one step of
`read_start` or `read_argument`; then the fast path is tried again.

Limits and error texts: spec/server.md, "Protocol errors"; where it is silent, the live reference.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i16_le, read_i32_le, read_i64_le
from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.config.quoting import split_line
from redpoll.protocol.numbers import is_int_at, to_int_at

MAX_LINE_BYTES: Final = 65536
"""A line up to its end, which is not counted."""
MAX_COUNT: Final = 2147483647
"""Arguments of a command."""
MAX_UNAUTHENTICATED_COUNT: Final = 10
MAX_UNAUTHENTICATED_BULK_BYTES: Final = 16384

SMALL_PIECE_BYTES: Final = 4096
"""Smaller pieces of a bulk string are gathered in a buffer, as an object of their own would outweigh them."""
GATHERED_BYTES: Final = 65536
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
NINE: Final = 57

CRLF: Final[i64] = 0x0A0D
# `*n CR LF` and `$n CR LF` as words of four bytes with zero for the digit, and the mask that leaves it out.
COUNT_LINE: Final[i64] = 0x0A0D002A
LENGTH_LINE: Final[i64] = 0x0A0D0024
LINE_MASK: Final[i64] = 0xFFFF00FF
# `$nn CR` likewise; the LF after it is looked at apart.
LONGER_LINE: Final[i64] = 0x0D000024
LONGER_MASK: Final[i64] = 0xFF0000FF

# Outcomes of a step.
DONE: Final[i64] = 0
NOTHING: Final[i64] = 1
MORE: Final[i64] = 2
BROKEN: Final[i64] = 3

NO_ARGS: Final[list[bytes]] = []
"""Stands for the arguments of no command; nothing is ever put in."""

NAME_SLOTS: Final = 256


@mypyc_attr(acyclic=True)
class Names:
    """A cache of recent command names, one object each, so that a name is not created and hashed for every command.

    A name of 2 to 9 bytes with its length line and line end is covered by two words, its first and its last 8 bytes;
    they choose the slot and are compared with its content.  A new name replaces the old one in its slot.
    """

    def __init__(self) -> None:
        self.first: Final = vec[i64]([0] * NAME_SLOTS)
        self.last: Final = vec[i64]([0] * NAME_SLOTS)
        self.names: Final[list[bytes]] = [b""] * NAME_SLOTS
        self.expected: Final[dict[bytes, bytes]] = {}

    def expect(self, names: list[bytes]) -> None:
        """Use these objects as the names, so that dict look-ups find the same object and need not compare bytes."""
        for name in names:
            self.expected[name] = name


@mypyc_attr(acyclic=True)
class Limits:
    """The limits for all clients of a server, which CONFIG SET changes; and the cache of command names."""

    def __init__(self, max_bulk_bytes: i64 = 536870912) -> None:
        self.max_bulk_bytes: i64 = max_bulk_bytes
        self.names: Final = Names()


def short_count(data: bytes, at: i64, end: i64) -> i64:
    """The number in `*n CR LF` at `at`, 1 to 9; 0 if something else stands there or too little after it."""
    # `short_name` may then read 8 bytes.
    if at + 12 > end:
        return 0
    word = i64(read_i32_le(data, at))
    if word & LINE_MASK != COUNT_LINE:
        return 0
    count = ((word >> 8) & 255) - ZERO
    if count >= 1 and count <= 9:
        return count
    return 0


def short_name(names: Names, data: bytes, at: i64, end: i64) -> bytes | None:
    """The name that `$n CR LF name CR LF` at `at` spells, from `names` if it is there; None if it is not short.

    There must be 8 bytes at `at`.
    """
    word = i64(read_i32_le(data, at))
    size = ((word >> 8) & 255) - ZERO
    stop = at + 4 + size
    if word & LINE_MASK != LENGTH_LINE or size < 2 or size > 9 or stop + 2 > end:
        return None
    first = read_i64_le(data, at)
    last = read_i64_le(data, stop - 6)
    # These shifts distribute the existing commands well, in upper and in lower case.
    slot = ((first >> 29) ^ (last >> 11) ^ (last >> 24)) & (NAME_SLOTS - 1)
    if names.first[slot] == first and names.last[slot] == last:
        return names.names[slot]
    if last >> 48 != CRLF:
        return None
    name = data[at + 4 : stop]
    name = names.expected.get(name, name)
    names.first[slot] = first
    names.last[slot] = last
    names.names[slot] = name
    return name


def length_line(data: bytes, at: i64, end: i64) -> i64:
    """For `$n CR LF` at `at`, n up to 9999: n shifted left by 3, and the line's length less 3; else -1."""
    if at + 6 > end:
        return -1
    word = i64(read_i32_le(data, at))
    if word & LINE_MASK == LENGTH_LINE:
        units = ((word >> 8) & 255) - ZERO
        # Not one expression: with `else -1` it would be boxed for every argument.
        if units >= 0 and units <= 9:
            return units << 3 | 1
        return -1
    first = ((word >> 8) & 255) - ZERO
    if word & LONGER_MASK == LONGER_LINE:
        units = ((word >> 16) & 255) - ZERO
        if first >= 1 and first <= 9 and units >= 0 and units <= 9 and data[at + 4] == LF:
            return (first * 10 + units) << 3 | 2
        return -1
    if word & 255 != DOLLAR or first < 1 or first > 9:
        return -1
    size: i64 = first
    stop = at + 2
    limit = at + 5 if at + 6 < end else at + 4
    while stop < limit:
        c: i64 = data[stop]
        if c < ZERO or c > NINE:
            break
        size = size * 10 + (c - ZERO)
        stop += 1
    if i64(read_i16_le(data, stop)) == CRLF:
        return size << 3 | (stop - at - 1)
    return -1


class RequestParser:
    """The requests of one connection.  `authenticated` loosens the limits.  A protocol error is final."""

    def __init__(self, limits: Limits, authenticated: bool = True) -> None:
        self.limits: Final = limits
        self.authenticated: bool = authenticated
        self.error: bytes | None = None
        # The bytes that are fed but not read yet: `data` from `at` on, then `fed`.
        self.data: bytes = b""
        self.at: i64 = 0
        self.fed: list[bytes] = []
        self.fed_bytes: i64 = 0
        # How far after `at` the search for the end of a line got.
        self.searched: i64 = 0
        # The command in progress: its arguments so far, their bytes, and how many are to come.
        self.args: list[bytes] = NO_ARGS
        self.args_bytes: i64 = 0
        self.left: i64 = 0
        # The bulk string in progress: its pieces, the recent small ones in `gathered`, and the missing bytes.
        self.pieces: list[bytes] = []
        self.pieces_bytes: i64 = 0
        self.gathered: BytesWriter | None = None
        self.lacking: i64 = 0
        # The last of `args` is whole, but the CR LF after it has not been read.
        self.end_due: bool = False

    def feed(self, data: bytes) -> None:
        """Add received bytes.  O(1), except for the last piece of an incomplete bulk string, which is joined here."""
        if self.lacking > 0:
            self.collect(data)
        elif self.at == len(self.data):
            self.data = data
            self.at = 0
        else:
            self.fed.append(data)
            self.fed_bytes += i64(len(data))

    def missing(self) -> i64:
        """Bytes that the bulk string in progress lacks, with the CR LF after it; 0 if none is in progress."""
        if self.lacking > 0:
            return self.lacking + 2
        return 0

    def pending_bytes(self) -> i64:
        """Bytes held: what was fed and not read, and the arguments of a command that is not complete.  O(1)."""
        return i64(len(self.data)) - self.at + self.fed_bytes + self.pieces_bytes + self.args_bytes

    def parse(self, commands: list[list[bytes]], most: i64) -> bytes | None:
        """Append up to `most` complete commands to `commands`; the text of a protocol error, or None.

        The commands before an error are complete and valid.  If `most` commands were appended, there may be more to
        parse without feeding; otherwise there are none.
        """
        # A local variable, because compiled code would assume from here on that `self.error` is None.
        error = self.error
        if error is not None:
            return error
        if len(self.fed) > 0:
            self.join_fed()
        done: i64 = 0
        if self.end_due or self.searched > 0:
            step = self.resume()
            if step == MORE or step == BROKEN:
                return self.error
            if step == DONE and self.left == 0:
                commands.append(self.args)
                done = 1
        data = self.data
        end: i64 = len(data)
        at = self.at
        names = self.limits.names
        args = self.args
        args_bytes = self.args_bytes
        left = self.left
        while True:
            if left == 0:
                if done >= most or at >= end:
                    break
                left = short_count(data, at, end)
                if left > 0:
                    at += 4
                    name = short_name(names, data, at, end)
                    if name is not None:
                        args_bytes = len(name)
                        at += args_bytes + 6
                        left -= 1
                        if left <= 2:
                            short = self.read_short(name, data, at, left)
                            if short is not None:
                                commands.append(short)
                                done += 1
                                at = self.at
                                left = 0
                                continue
                        # Not `[name]`: such a list has no room for another, and is made twice.
                        args = []
                        args.append(name)
                    else:
                        args = []
                        args_bytes = 0
                else:
                    self.at = at
                    step = self.read_start()
                    at = self.at
                    if step == NOTHING:
                        continue
                    if step != DONE:
                        break
                    args = self.args
                    args_bytes = 0
                    left = self.left
            while left > 0:
                line = length_line(data, at, end)
                start = at + (line & 7) + 3
                stop = start + (line >> 3)
                if line < 0 or stop + 2 > end or i64(read_i16_le(data, stop)) != CRLF:
                    break
                args.append(data[start:stop])
                args_bytes += stop - start
                at = stop + 2
                left -= 1
            if left > 0:
                self.at = at
                self.args = args
                self.args_bytes = args_bytes
                self.left = left
                step = self.read_argument()
                at = self.at
                args_bytes = self.args_bytes
                left = self.left
                if step != DONE:
                    break
            if left == 0:
                commands.append(args)
                done += 1
        self.keep(left, at)
        return self.error

    def read_short(self, name: bytes, data: bytes, at: i64, count: i64) -> list[bytes] | None:
        """The command `name` with its one or two arguments, which begin at `at`; None if not all of it is there.

        A list that is made whole need not grow: 100 instructions less.  `self.at` is then the end of the command.
        """
        end: i64 = len(data)
        line = length_line(data, at, end)
        start = at + (line & 7) + 3
        stop = start + (line >> 3)
        if line < 0 or stop + 2 > end or i64(read_i16_le(data, stop)) != CRLF:
            return None
        if count == 1:
            self.at = stop + 2
            return [name, data[start:stop]]
        line = length_line(data, stop + 2, end)
        second = stop + (line & 7) + 5
        last = second + (line >> 3)
        if line < 0 or last + 2 > end or i64(read_i16_le(data, last)) != CRLF:
            return None
        self.at = last + 2
        return [name, data[start:stop], data[second:last]]

    def resume(self) -> i64:
        """Continue an incomplete bulk string or line."""
        if self.end_due:
            return self.read_end()
        return self.read_argument() if self.left > 0 else self.read_start()

    def keep(self, left: i64, at: i64) -> None:
        """Remember where parsing stopped."""
        self.left = left
        if left == 0:
            self.args = NO_ARGS
            self.args_bytes = 0
        # Otherwise idle clients would keep the memory of their last read.
        if at == len(self.data):
            self.data = b""
            at = 0
        self.at = at

    def join_fed(self) -> None:
        """Append the bytes that were fed meanwhile to the unread ones."""
        self.data = b"".join([self.data[self.at :], *self.fed])
        self.at = 0
        self.fed = []
        self.fed_bytes = 0

    def fail(self, text: bytes) -> i64:
        """Make `text` the final error."""
        self.error = text
        return BROKEN

    def line_end(self) -> i64:
        """Position of the CR that ends the line at `at` and has a byte after it; -1 if there is none yet.

        -2 if the line is too long.
        """
        data = self.data
        end: i64 = len(data)
        limit: i64 = self.at + MAX_LINE_BYTES + 1
        if limit > end:
            limit = end
        at: i64 = self.at + self.searched
        while at < limit:
            if data[at] == CR:
                self.searched = at - self.at
                if at + 1 < end:
                    return at
                return -1
            at += 1
        self.searched = at - self.at
        return -2 if self.searched > MAX_LINE_BYTES else -1

    def read_start(self) -> i64:
        """Read the line that starts a command, or an inline command as a whole.

        DONE leaves the arguments in `args` and how many are to come in `left`; NOTHING is a blank line or `*0`.
        """
        if self.data[self.at] != STAR:
            return self.read_inline()
        stop = self.line_end()
        if stop < 0:
            return MORE if stop == -1 else self.fail(TOO_BIG_COUNT)
        data = self.data
        if data[stop + 1] != LF:
            return self.fail(INVALID_CRLF)
        if not is_int_at(data, self.at + 1, stop):
            return self.fail(INVALID_COUNT)
        count = to_int_at(data, self.at + 1, stop)
        if count > MAX_COUNT:
            return self.fail(INVALID_COUNT)
        if count > MAX_UNAUTHENTICATED_COUNT and not self.authenticated:
            return self.fail(UNAUTHENTICATED_COUNT)
        self.searched = 0
        self.at = stop + 2
        if count <= 0:
            return NOTHING
        self.args = []
        self.args_bytes = 0
        self.left = count
        return DONE

    def read_inline(self) -> i64:
        """Read a line of words.  As in the reference, a NUL hides what follows, so the line never ends."""
        data = self.data
        end: i64 = len(data)
        most: i64 = MAX_LINE_BYTES
        if self.at + most < end and data[self.at + most] == CR:
            # A CR may belong to the line's end; then it does not count.
            most += 1
        limit: i64 = self.at + most + 1
        if limit > end:
            limit = end
        at: i64 = self.at + self.searched
        while at < limit and data[at] != LF and data[at] != 0:
            at += 1
        self.searched = at - self.at
        if at == limit or data[at] == 0:
            return self.fail(TOO_BIG_INLINE) if end - self.at > most else MORE
        words = split_line(data[self.at : at], True)
        if words is None:
            return self.fail(UNBALANCED_QUOTES)
        self.searched = 0
        self.at = at + 1
        if len(words) == 0:
            return NOTHING
        self.args = words
        self.left = 0
        return DONE

    def read_argument(self) -> i64:
        """Read the next argument of the command in progress, or a part of it."""
        if self.lacking > 0 or self.at >= len(self.data):
            return MORE
        stop = self.line_end()
        if stop < 0:
            return MORE if stop == -1 else self.fail(TOO_BIG_LENGTH)
        data = self.data
        if data[self.at] != DOLLAR:
            return self.fail(b"Protocol error: expected '$', got '%c'" % data[self.at])
        if data[stop + 1] != LF:
            return self.fail(INVALID_CRLF)
        if not is_int_at(data, self.at + 1, stop):
            return self.fail(INVALID_LENGTH)
        size = to_int_at(data, self.at + 1, stop)
        if size < 0 or size > self.limits.max_bulk_bytes:
            return self.fail(INVALID_LENGTH)
        if size > MAX_UNAUTHENTICATED_BULK_BYTES and not self.authenticated:
            return self.fail(UNAUTHENTICATED_LENGTH)
        self.searched = 0
        self.at = stop + 2
        there: i64 = i64(len(data)) - self.at
        if there < size:
            self.lacking = size
            self.data = b""
            start = self.at
            self.at = 0
            if there > 0:
                self.collect(data[start:])
            return MORE
        self.args.append(data[self.at : self.at + size])
        self.args_bytes += size
        self.at += size
        self.end_due = True
        return self.read_end()

    def read_end(self) -> i64:
        """Read the CR LF after the last of `args`."""
        if self.at + 2 > len(self.data):
            return MORE
        if i64(read_i16_le(self.data, self.at)) != CRLF:
            return self.fail(INVALID_CRLF)
        self.at += 2
        self.end_due = False
        self.left -= 1
        return DONE

    def collect(self, data: bytes) -> None:
        """Read `data` as the continuation of the bulk string in progress; bytes after it stay unread."""
        size: i64 = len(data)
        taken = size if size < self.lacking else self.lacking
        piece = data[:taken]
        self.lacking -= taken
        self.pieces_bytes += taken
        if taken < SMALL_PIECE_BYTES:
            if self.gathered is None:
                self.gathered = BytesWriter()
            self.gathered.write(piece)
            if len(self.gathered) >= GATHERED_BYTES:
                self.finish_gathered()
        else:
            self.finish_gathered()
            self.pieces.append(piece)
        if self.lacking > 0:
            return
        self.finish_gathered()
        self.args.append(b"".join(self.pieces))
        self.args_bytes += self.pieces_bytes
        self.pieces = []
        self.pieces_bytes = 0
        self.gathered = None
        self.end_due = True
        self.data = data
        self.at = taken

    def finish_gathered(self) -> None:
        """Make the gathered small pieces one piece."""
        if self.gathered is not None and len(self.gathered) > 0:
            self.pieces.append(self.gathered.getvalue())
            self.gathered.truncate(0)
