"""The smallest RESP2 client that can fill a server and ask it questions.

Not redpoll's own client: what measures must not share code with what is measured.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

Reply = bytes | int | None | list["Reply"]

Command = bytes | tuple[bytes, int]
"""An encoded command; with the number of line ends of its reply, if that is not its neighbours'."""

_RECEIVE_BYTES = 1 << 18


class ServerError(Exception):
    """An error reply, with the server's words."""


def encode(*args: str | bytes) -> bytes:
    """One command as RESP."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        raw = arg.encode() if isinstance(arg, str) else arg
        parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)


def pattern(*args: str) -> bytes:
    """One command as RESP with numbers left open, to be filled in with `%`.

    Every `%` directive must be of fixed width (`%012d`), for the sizes are written now.  Ten times as quick to fill
    in as `encode`: filling millions of keys would else take longer than measuring them.
    """
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        raw = arg.encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(raw % ((0,) * raw.count(b"%"))), raw))
    return b"".join(parts)


class Connection:
    """A blocking connection; raises OSError after `timeout_seconds` without a byte."""

    def __init__(self, port: int, timeout_seconds: float = 120.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout_seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pending = b""

    def close(self) -> None:
        self._socket.close()

    def command(self, *args: str | bytes) -> Reply:
        """Send one command and wait for its reply.  Raises ServerError."""
        self._socket.sendall(encode(*args))
        return self._read_reply()

    def info(self) -> dict[str, str]:
        """The fields of INFO."""
        reply = self.command("INFO")
        assert isinstance(reply, bytes)
        fields: dict[str, str] = {}
        for line in reply.decode().splitlines():
            name, colon, value = line.partition(":")
            if colon and not line.startswith("#"):
                fields[name] = value
        return fields

    def round_trip(self, request: bytes, lines: int) -> bytes:
        """Send raw requests whose replies hold `lines` line ends in all, and wait for them; the replies.

        Counting line ends is far cheaper than parsing, and exact as long as no value holds one.
        """
        self._socket.sendall(request)
        pieces = []
        while lines > 0:
            data = self._socket.recv(_RECEIVE_BYTES)
            if not data:
                raise ConnectionError("the server closed the connection")
            lines -= data.count(b"\n")
            pieces.append(data)
        assert lines == 0, "more replies than requests"
        return b"".join(pieces)

    def fill(self, commands: Iterable[Command], batch: int = 500, lines: int = 1) -> int:
        """Send encoded commands that answer so many lines each, `batch` at a time; how many.  Raises ServerError."""
        total = 0
        pending: list[bytes] = []
        lines_pending = 0
        for command in commands:
            if isinstance(command, tuple):
                pending.append(command[0])
                lines_pending += command[1]
            else:
                pending.append(command)
                lines_pending += lines
            if len(pending) == batch:
                self._send_batch(pending, lines_pending)
                total += batch
                pending.clear()
                lines_pending = 0
        if pending:
            self._send_batch(pending, lines_pending)
        return total + len(pending)

    def _send_batch(self, commands: list[bytes], lines: int) -> None:
        replies = self.round_trip(b"".join(commands), lines)
        if replies.startswith(b"-") or b"\n-" in replies:
            refused = next(line for line in replies.split(b"\r\n") if line.startswith(b"-"))
            raise ServerError(refused[1:].decode())

    def bulks(self, request: bytes, count: int) -> list[bytes | None]:
        """Send raw requests that are answered by `count` bulk strings or nulls; these."""
        self._socket.sendall(request)
        found: list[bytes | None] = []
        for _ in range(count):
            reply = self._read_reply()
            assert reply is None or isinstance(reply, bytes)
            found.append(reply)
        return found

    def _read_line(self) -> bytes:
        while b"\r\n" not in self._pending:
            self._receive()
        line, _, self._pending = self._pending.partition(b"\r\n")
        return line

    def _receive(self) -> None:
        data = self._socket.recv(_RECEIVE_BYTES)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._pending += data

    def _read_reply(self) -> Reply:
        line = self._read_line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"-":
            raise ServerError(rest.decode())
        size = int(rest)
        if size < 0:
            return None
        if kind == b"$":
            while len(self._pending) < size + 2:
                self._receive()
            value, self._pending = self._pending[:size], self._pending[size + 2 :]
            return value
        assert kind == b"*", f"not a RESP2 reply: {line!r}"
        return [self._read_reply() for _ in range(size)]
