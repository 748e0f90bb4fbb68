"""A small client of any Redis-compatible server for the terminal: RESP2, one request at a time."""

from __future__ import annotations

import socket
from collections.abc import Sequence

MOST_DEPTH = 32
MOST_BYTES = 512 * 1024 * 1024


class ServerComplaint(Exception):
    """The server answered with an error.  Inside an array it stands as a value."""


class Disconnected(Exception):
    """The server cannot be reached, has closed the connection, or does not speak RESP."""


def request(words: Sequence[str | bytes]) -> bytes:
    """A command as the protocol spells it."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word.encode("utf-8", "surrogateescape") if isinstance(word, str) else word
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class Connection:
    """A connection; raises Disconnected from every method."""

    def __init__(self, host: str, port: int, seconds: float = 10.0) -> None:
        try:
            self.sock = socket.create_connection((host, port), timeout=seconds)
        except OSError as refused:
            raise Disconnected(f"cannot connect to {host}:{port}: {refused.strerror or refused}") from refused
        self.buffer = b""

    def ask(self, *words: str | bytes) -> object:
        """Send a command; its reply: bytes, int, None, or a list of these.  Raises ServerComplaint."""
        try:
            self.sock.sendall(request(words))
            return self._reply(0)
        except OSError as failure:
            raise Disconnected(str(failure.strerror or failure)) from failure

    def ask_all(self, commands: Sequence[Sequence[str | bytes]]) -> list[object]:
        """Send commands together; their replies, errors as values of ServerComplaint.

        The requests and the replies should fit into the buffers of the sockets: some hundred short commands.
        """
        try:
            self.sock.sendall(b"".join([request(words) for words in commands]))
            return [self._reply(1) for _ in commands]
        except OSError as failure:
            raise Disconnected(str(failure.strerror or failure)) from failure

    def wait_up_to(self, seconds: float) -> None:
        """Give the next replies so much time."""
        self.sock.settimeout(seconds)

    def _reply(self, depth: int) -> object:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            complaint = ServerComplaint(rest.decode("utf-8", "replace"))
            if depth:
                return complaint
            raise complaint
        if kind not in (b":", b"$", b"*") or not rest.lstrip(b"-").isdigit():
            raise Disconnected("the server does not speak the protocol of Redis")
        number = int(rest)
        if kind == b":":
            return number
        if number < 0:
            return None
        if number > MOST_BYTES or depth > MOST_DEPTH:
            raise Disconnected("the server's reply is too large")
        if kind == b"$":
            data = self._take(number)
            self._take(2)
            return data
        return [self._reply(depth + 1) for _ in range(number)]

    def _line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            self._receive()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def _take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._receive()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def _receive(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise Disconnected("the server has closed the connection")
        self.buffer += data

    def close(self) -> None:
        self.sock.close()
