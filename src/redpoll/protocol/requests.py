"""Requests: bytes in, commands out, as lists of arguments.  Sans-IO: `feed` what arrived, then `parse`.

Two forms arrive on one connection: arrays of bulk strings, and inline lines for people with a terminal.  What is
incomplete is kept with the place where parsing stopped, so nothing is parsed twice; the bytes of a large bulk are
collected in pieces and joined once, so that 512 MB arrive in linear time.

Limits and error texts: spec/server.md, "Protocol errors".
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.protocol.inline import split_words
from redpoll.protocol.numbers import is_int_at, to_int_at

CR: Final[i64] = 13
LF: Final[i64] = 10
STAR: Final[i64] = 42
DOLLAR: Final[i64] = 36
LINE_LIMIT: Final[i64] = 65536
MOST_ARGUMENTS: Final[i64] = 2147483647
UNAUTHENTICATED_ARGUMENTS: Final[i64] = 10
UNAUTHENTICATED_BULK: Final[i64] = 16384
PIECES_FROM: Final[i64] = 32768
"""Bulks from this size on are collected in pieces."""

TOO_BIG_INLINE: Final = b"Protocol error: too big inline request"
UNBALANCED: Final = b"Protocol error: unbalanced quotes in request"
TOO_BIG_COUNT: Final = b"Protocol error: too big mbulk count string"
BAD_COUNT: Final = b"Protocol error: invalid multibulk length"
UNAUTHENTICATED_COUNT: Final = b"Protocol error: unauthenticated multibulk length"
TOO_BIG_BULK_COUNT: Final = b"Protocol error: too big bulk count string"
BAD_BULK: Final = b"Protocol error: invalid bulk length"
UNAUTHENTICATED_LENGTH: Final = b"Protocol error: unauthenticated bulk length"
BAD_CRLF: Final = b"Protocol error: invalid CRLF in request"


class Limits:
    """What a server shares among its parsers."""

    def __init__(self, max_bulk_bytes: i64 = 536870912) -> None:
        self.max_bulk_bytes: i64 = max_bulk_bytes


class RequestParser:
    """One connection's requests.  `authenticated` loosens the limits."""

    def __init__(self, limits: Limits, authenticated: bool = True) -> None:
        self.limits: Final = limits
        self.authenticated = authenticated
        self.data: bytes = b""
        self.at: i64 = 0
        # The command in progress.
        self.args: list[bytes] = []
        self.args_bytes: i64 = 0
        self.expected: i64 = 0
        self.bulk: i64 = -1
        self.collecting = False
        self.pieces: list[bytes] = []
        self.pieces_bytes: i64 = 0
        self.failed: bytes | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes that arrived."""
        if self.collecting:
            self.pieces.append(data)
            self.pieces_bytes += len(data)
        elif self.at == len(self.data):
            self.data = data
            self.at = 0
        else:
            self.data = b"%b%b" % (self.data[self.at :] if self.at > 0 else self.data, data)
            self.at = 0

    def missing(self) -> i64:
        """How many bytes the large bulk in progress still lacks, its CR LF included; 0 outside one."""
        return self.bulk + 2 - self.pieces_bytes if self.collecting else 0

    def pending_bytes(self) -> i64:
        """Bytes held for a command that is not complete.  O(1)."""
        return len(self.data) - self.at + self.pieces_bytes + self.args_bytes

    def parse(self, commands: list[list[bytes]], most: i64) -> bytes | None:
        """Add complete commands, up to `most`, to the list; the text of a protocol error, if there is one.

        An error is final; the commands before it stand.  With `most` commands added there may be more to parse.
        """
        if self.collecting and not self._join():
            return None
        taken: i64 = 0
        while taken < most and self.failed is None:
            if self.expected == 0:
                data = self.data
                if self.at >= len(data):
                    break
                if data[self.at] != STAR:
                    words = self._read_line()
                    if words is None:
                        break
                    if len(words) > 0:
                        commands.append(words)
                        taken += 1
                    continue
                if not self._read_count():
                    break
                if self.expected == 0:
                    continue
            if not self._read_bulks():
                break
            commands.append(self.args)
            self.args = []
            self.args_bytes = 0
            self.expected = 0
            taken += 1
        return self.failed

    def _join(self) -> bool:
        """Put the pieces of a large bulk together once all are there."""
        if self.pieces_bytes < self.bulk + 2:
            return False
        self.data = b"".join(self.pieces)
        self.at = 0
        self.pieces = []
        self.pieces_bytes = 0
        self.collecting = False
        return True

    def _fail(self, text: bytes) -> bool:
        self.failed = text
        return False

    def _read_count(self) -> bool:
        """`*3` CR LF: how many arguments follow.  False if it is not all there, or wrong."""
        data = self.data
        at = self.at
        if at + 3 < len(data) and data[at + 2] == CR and 49 <= data[at + 1] <= 57:
            self.at = at + 4
            self.expected = data[at + 1] - 48
            return True
        end = self._line_end(at + 1)
        if end < 0:
            if len(data) - at > LINE_LIMIT:
                return self._fail(TOO_BIG_COUNT)
            return False
        if not is_int_at(data, at + 1, end):
            return self._fail(BAD_COUNT)
        count = to_int_at(data, at + 1, end)
        if count > MOST_ARGUMENTS:
            return self._fail(BAD_COUNT)
        if count > UNAUTHENTICATED_ARGUMENTS and not self.authenticated:
            return self._fail(UNAUTHENTICATED_COUNT)
        self.at = end + 2
        self.expected = count if count > 0 else 0
        return True

    def _line_end(self, at: i64) -> i64:
        """Where the next CR stands whose following byte has arrived, -1 if there is none yet."""
        found: i64 = self.data.find(b"\r", at)
        return found if found < len(self.data) - 1 else -1

    def _read_bulks(self) -> bool:
        """The arguments that are still missing.  False if they are not all there, or wrong."""
        data = self.data
        size: i64 = len(data)
        args = self.args
        at = self.at
        left: i64 = self.expected - len(args)
        while left > 0:
            bulk = self.bulk
            if bulk < 0:
                # Lengths of one or two digits are by far the commonest.
                if at + 4 < size and data[at] == DOLLAR:
                    first: i64 = data[at + 1]
                    second: i64 = data[at + 2]
                    if second == CR and 48 <= first <= 57:
                        bulk = first - 48
                        at += 4
                    elif data[at + 3] == CR and 49 <= first <= 57 and 48 <= second <= 57:
                        bulk = first * 10 + second - 528
                        at += 5
                if bulk < 0:
                    self.at = at
                    if not self._read_length():
                        return False
                    at = self.at
                    bulk = self.bulk
            end = at + bulk
            if end + 2 > size:
                self.at = at
                self.bulk = bulk
                return False
            if data[end] != CR or data[end + 1] != LF:
                self.at = at
                return self._fail(BAD_CRLF)
            args.append(data[at:end])
            self.args_bytes += bulk
            at = end + 2
            self.bulk = -1
            left -= 1
        self.at = at
        return True

    def _read_length(self) -> bool:
        """`$123` CR LF, of any length; False if it is not all there, or wrong, or the bulk comes in pieces."""
        at = self.at
        data = self.data
        if at >= len(data):
            return False
        if data[at] != DOLLAR:
            return self._fail(b"Protocol error: expected '$', got '%b'" % data[at : at + 1])
        end = self._line_end(at + 1)
        if end < 0:
            if len(data) - at > LINE_LIMIT:
                return self._fail(TOO_BIG_BULK_COUNT)
            return False
        if not is_int_at(data, at + 1, end):
            return self._fail(BAD_BULK)
        bulk = to_int_at(data, at + 1, end)
        if bulk < 0 or bulk > self.limits.max_bulk_bytes:
            return self._fail(BAD_BULK)
        if bulk > UNAUTHENTICATED_BULK and not self.authenticated:
            return self._fail(UNAUTHENTICATED_LENGTH)
        self.at = end + 2
        self.bulk = bulk
        if bulk >= PIECES_FROM and len(data) - self.at < bulk + 2:
            # What is here already becomes the first piece.
            self.pieces = [data[self.at :]]
            self.pieces_bytes = len(data) - self.at
            self.collecting = True
            self.data = b""
            self.at = 0
            return False
        return True

    def _read_line(self) -> list[bytes] | None:
        """An inline command; None if its end is not there yet, or it is wrong."""
        data = self.data
        end: i64 = data.find(b"\n", self.at)
        if end < 0 or data.find(b"\0", self.at, end) >= 0:
            if len(data) - self.at > LINE_LIMIT:
                self._fail(TOO_BIG_INLINE)
            return None
        stop = end
        if stop > self.at and data[stop - 1] == CR:
            stop -= 1
        words = split_words(data[self.at : stop])
        if words is None:
            self._fail(UNBALANCED)
            return None
        self.at = end + 1
        return words
