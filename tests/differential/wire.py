"""A client's side of the wire, in a few lines of its own: it must not share a bug with the code under test.

A reply is kept twice, as the bytes that came and as a tree, so that a test may compare exactly or look inside.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

Word = str | bytes | int

BULKS = b"$=!"
AGGREGATES = b"*~>%|"


class ConnectionClosedError(Exception):
    """The server closed before a whole reply came; `rest` is what came of it."""

    def __init__(self, rest: bytes) -> None:
        super().__init__(f"closed by the server after {rest!r}")
        self.rest = rest


@dataclass(frozen=True)
class Reply:
    """One reply: its type byte, the bytes it came as, and its content.

    `text` is the line of a simple type or the body of a bulk (of a verbatim string without its `txt:`), None for a null;
    `items` are an aggregate's elements, a map's keys and values in turn.
    """

    kind: str
    raw: bytes
    text: bytes | None
    items: tuple[Reply, ...] = ()

    @property
    def is_error(self) -> bool:
        return self.kind in "-!"

    @property
    def integer(self) -> int:
        assert self.kind == ":" and self.text is not None, self
        return int(self.text)

    def __repr__(self) -> str:
        return repr(self.raw if len(self.raw) <= 600 else self.raw[:300] + b" ... " + self.raw[-300:])


def as_bytes(word: Word) -> bytes:
    if isinstance(word, bytes):
        return word
    return str(word).encode("utf-8", "surrogateescape")


def encode(words: tuple[Word, ...]) -> bytes:
    """The words as a client sends them: an array of bulks."""
    parts = [b"*%d\r\n" % len(words)]
    for word in map(as_bytes, words):
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)


def spell(words: tuple[Word, ...]) -> str:
    """The words for a reader, long ones cut."""
    return " ".join(
        repr(word)[1:] if len(word) <= 80 else f"{word[:40]!r}...({len(word)})" for word in map(as_bytes, words)
    )


class Wire:
    """A connection to one server."""

    def __init__(self, port: int, timeout: float = 5.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.pushes: list[Reply] = []

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> Reply:
        """The next reply; pushes before it are put aside.  Raises ConnectionClosedError, TimeoutError."""
        while True:
            reply = self._parse(0)[0]
            del self.buffer[: len(reply.raw)]
            if reply.kind != ">":
                return reply
            self.pushes.append(reply)

    def read_push(self) -> Reply:
        """The next push, put aside or still to come; a reply before it is an error."""
        if not self.pushes:
            reply = self._parse(0)[0]
            del self.buffer[: len(reply.raw)]
            assert reply.kind == ">", f"a push was awaited, {reply} came"
            return reply
        return self.pushes.pop(0)

    def next_frame(self) -> Reply:
        """What comes next, a push or a reply.  Raises ConnectionClosedError, TimeoutError."""
        if self.pushes:
            return self.pushes.pop(0)
        reply = self._parse(0)[0]
        del self.buffer[: len(reply.raw)]
        return reply

    def read_until_closed(self) -> bytes:
        """All that comes until the server closes."""
        try:
            while self._receive():
                pass
        except ConnectionResetError:
            # What we sent and the server never read turns its close into a reset; its reply came before.
            pass
        return bytes(self.buffer)

    def silent_for(self, seconds: float) -> bytes:
        """What comes within `seconds`: nothing, if the server is still waiting or the client is blocked."""
        timeout = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            if not self.buffer and not self._receive():
                raise ConnectionClosedError(b"")
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(timeout)
        return bytes(self.buffer)

    def _receive(self) -> bool:
        """Whether more came; False once the server has closed."""
        data = self.socket.recv(1 << 16)
        self.buffer += data
        return bool(data)

    def _need(self, end: int) -> None:
        while len(self.buffer) < end:
            if not self._receive():
                raise ConnectionClosedError(bytes(self.buffer))

    def _line_end(self, start: int) -> int:
        while True:
            at = self.buffer.find(b"\r\n", start)
            if at >= 0:
                return at
            self._need(len(self.buffer) + 1)

    def _parse(self, start: int) -> tuple[Reply, int]:
        """The reply at `start` of the buffer, and where it ends."""
        line_end = self._line_end(start)
        kind = self.buffer[start]
        line = bytes(self.buffer[start + 1 : line_end])
        end = line_end + 2
        text: bytes | None = line
        items: list[Reply] = []
        if kind in BULKS and line != b"-1":
            body = end
            end = body + int(line) + 2
            self._need(end)
            assert self.buffer[end - 2 : end] == b"\r\n", "a bulk does not end with CR LF"
            text = bytes(self.buffer[body + (4 if kind == ord("=") else 0) : end - 2])
        elif kind in AGGREGATES and line != b"-1":
            for _ in range(int(line) * (2 if kind in b"%|" else 1)):
                item, end = self._parse(end)
                items.append(item)
        elif kind in b"$*_":
            text = None
        return Reply(chr(kind), bytes(self.buffer[start:end]), text, tuple(items)), end
