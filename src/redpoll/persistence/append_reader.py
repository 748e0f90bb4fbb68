"""Reads the commands of an append-only file, many at a time.  Source: spec/aof.md, sections 3 and 4.

The usual form of a command is read as `protocol/requests.py` reads it.  Whatever is rare, incomplete or wrong goes
through `_slow`, which is as lenient as the reference: a line may end in LF alone, and the two bytes after an argument
are not looked at.
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_i16_le
from mypy_extensions import i64, mypyc_attr

from redpoll.env.files import Reader
from redpoll.protocol.requests import CRLF, DOLLAR, LF, STAR, Names, length_line, short_count, short_name

PIECE: Final[i64] = 1 << 20
LONGEST_LINE: Final[i64] = 127
"""A line with a number, its end included ..."""
LONGEST_NOTE: Final[i64] = 1023
"""... and an annotation."""
HASH: Final = 35

READING: Final[i64] = 0
"""There may be more commands."""
ENDED: Final[i64] = 1
"""The file has ended after a complete command."""
TORN: Final[i64] = 2
"""It has ended inside a command."""
DAMAGED: Final[i64] = 3
"""What follows is no command."""

LACKING: Final[i64] = -1
WRONG: Final[i64] = -2


@mypyc_attr(acyclic=True)
class CommandReader:
    """See the module's docstring.  `data` are the first bytes, which `before` bytes of the file precede."""

    def __init__(self, reader: Reader, data: bytes, before: i64, names: Names) -> None:
        self.reader: Final = reader
        self.names: Final = names
        self.data: bytes = data
        self.at: i64 = 0
        self.before: i64 = before
        self.exhausted = False
        self.need: i64 = 0
        """How many bytes from `at` on a command needs at least, as far as that is known."""
        self.state: i64 = READING
        self.multi_at: i64 = -1
        """Where a transaction that has not ended begins in the file; -1 if there is none."""
        self.time_s: i64 = 0
        """The last annotation with a time; 0 if there was none."""
        self.stop_after_s: i64 = 0
        """If not 0, reading ends before an annotation with a later time (`state` is ENDED) ..."""
        self.is_before_time = False
        """... and this tells that it did."""

    def offset(self) -> i64:
        """Where the next command begins in the file: the end of the last complete one."""
        return self.before + self.at

    def batch(self, commands: list[list[bytes]], most: i64) -> None:
        """Append up to `most` commands.  When `state` is not READING, nothing more follows.  Raises OSError."""
        done: i64 = 0
        names = self.names
        while done < most:
            data = self.data
            end: i64 = len(data)
            at = self.at
            left = short_count(data, at, end)
            if left > 0:
                args: list[bytes] = []
                start = at
                at += 4
                name = short_name(names, data, at, end)
                if name is not None:
                    args.append(name)
                    at += i64(len(name)) + 6
                    left -= 1
                while left > 0:
                    line = length_line(data, at, end)
                    first = at + (line & 7) + 3
                    stop = first + (line >> 3)
                    if line < 0 or stop + 2 > end or i64(read_i16_le(data, stop)) != CRLF:
                        break
                    args.append(data[first:stop])
                    at = stop + 2
                    left -= 1
                if left == 0:
                    if len(args) == 1:
                        self._single(args[0], start)
                    self.at = at
                    commands.append(args)
                    done += 1
                    continue
            slow = self._slow()
            if slow is not None:
                if len(slow) > 0:
                    commands.append(slow)
                    done += 1
            elif self.state != READING:
                return

    def _single(self, word: bytes, start: i64) -> None:
        """Remember where a transaction begins."""
        upper = word.upper()
        if upper == b"MULTI":
            self.multi_at = self.before + start
        elif upper == b"EXEC":
            self.multi_at = -1

    def _slow(self) -> list[bytes] | None:
        """The next command; an empty list after an annotation; None if more was fetched, or if `state` has changed."""
        data = self.data
        at = self.at
        if at >= len(data):
            if not self._fetch(1):
                self.state = ENDED
            return None
        if data[at] == HASH:
            return self._note()
        args: list[bytes] = []
        stop = self._command(args)
        if stop == WRONG:
            self.state = DAMAGED
            return None
        if stop == LACKING:
            if not self._fetch(self.need):
                self.state = TORN
            return None
        if len(args) == 1:
            self._single(args[0], at)
        self.at = stop
        return args

    def _command(self, args: list[bytes]) -> i64:
        """Read the command at `at`; return its end, WRONG, or LACKING."""
        data = self.data
        end: i64 = len(data)
        at = self.at
        self.need = end - at + 1
        if data[at] != STAR:
            return WRONG
        stop = line_end(data, at, LONGEST_LINE)
        if stop < 0:
            return stop
        count = number_in(data, at + 1, stop)
        if count < 1:
            return WRONG
        at = stop + 1
        while count > 0:
            if at >= end:
                return LACKING
            if data[at] != DOLLAR:
                return WRONG
            stop = line_end(data, at, LONGEST_LINE)
            if stop < 0:
                return stop
            size = number_in(data, at + 1, stop)
            if size < 0:
                return WRONG
            at = stop + 1
            if size + 2 > end - at:
                self.need = at + size + 2 - self.at
                return LACKING
            args.append(data[at : at + size])
            at += size + 2
            count -= 1
        return at

    def _note(self) -> list[bytes] | None:
        """Read an annotation."""
        data = self.data
        at = self.at
        stop = line_end(data, at, LONGEST_NOTE)
        if stop == WRONG:
            self.state = DAMAGED
            return None
        if stop == LACKING:
            if not self._fetch(i64(len(data)) - at + 1):
                self.state = ENDED
            return None
        if data[at : at + 4] == b"#TS:":
            time_s = number_in(data, at + 4, stop)
            if 0 < self.stop_after_s < time_s:
                self.is_before_time = True
                self.state = ENDED
                return None
            self.time_s = time_s
        self.at = stop + 1
        return []

    def _fetch(self, least: i64) -> bool:
        """Read on until `least` bytes from `at` on are in memory; return False if the file has ended before."""
        if self.exhausted:
            return False
        rest = self.data[self.at :]
        # At least twice as much: reading a large command again and again must not take quadratic time.
        wanted = least + PIECE if least > i64(len(rest)) * 2 else i64(len(rest)) * 2 + PIECE
        pieces = [rest]
        got: i64 = len(rest)
        while got < wanted:
            piece = self.reader.read(int(wanted - got))
            if len(piece) == 0:
                self.exhausted = True
                break
            pieces.append(piece)
            got += len(piece)
        self.before += self.at
        self.at = 0
        more = got > i64(len(rest))
        self.data = b"".join(pieces)
        return more


def line_end(data: bytes, at: i64, longest: i64) -> i64:
    """The position of the LF that ends the line at `at`; WRONG if the line is too long, LACKING if it is incomplete."""
    end: i64 = len(data)
    limit = at + longest
    if limit > end:
        limit = end
    stop = at
    while stop < limit:
        if data[stop] == LF:
            return stop
        stop += 1
    return WRONG if stop - at >= longest else LACKING


def number_in(data: bytes, at: i64, stop: i64) -> i64:
    """The number in a line, read as leniently as in the reference: digits, then anything; -1 if there is none."""
    first = at
    number: i64 = 0
    while at < stop and 48 <= data[at] <= 57 and at - first < 18:
        number = number * 10 + (data[at] - 48)
        at += 1
    return number if at > first else i64(-1)
