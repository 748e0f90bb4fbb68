"""A replica for the tests, in a few lines: it asks a server for its stream, and reads it as commands."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from tests.differential.servers import Server
from tests.differential.wire import Reply, Wire, Word, encode

WAIT_SECONDS = 20.0


class Client:
    """A connection to one server: `client("GET", "k")` returns the reply."""

    def __init__(self, server: Server, timeout: float = WAIT_SECONDS) -> None:
        self.wire = Wire(server.port, timeout)

    def __call__(self, *words: Word) -> Reply:
        self.wire.send(encode(words))
        return self.wire.read()

    def text(self, *words: Word) -> bytes:
        """The text of the reply."""
        found = self(*words).text
        assert found is not None, words
        return found

    def info(self, field: str) -> str:
        """A field of INFO; empty if it is missing."""
        found = re.search(rb"^%b:(.*)\r$" % field.encode(), self.text("INFO", "everything"), re.MULTILINE)
        return found.group(1).decode() if found else ""

    def close(self) -> None:
        self.wire.close()


def until(condition: Callable[[], object], what: str = "", seconds: float = WAIT_SECONDS) -> None:
    """Wait until a condition holds; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)


class Follower:
    """A replica that keeps the stream instead of applying it."""

    def __init__(self, server: Server, *announced: Word, psync: tuple[Word, ...] = ("PSYNC", "?", "-1")) -> None:
        self.wire = Wire(server.port, WAIT_SECONDS)
        self.head = b""
        self.snapshot = b""
        options: tuple[Word, ...] = announced or ("capa", "eof", "capa", "psync2", "version", "9.1.2")
        self.wire.send(encode(("REPLCONF", *options)))
        assert self.wire.read().raw == b"+OK\r\n"
        self.wire.send(encode(psync))

    def line(self) -> bytes:
        """The next line that is not empty."""
        while True:
            end = self.wire._line_end(0)
            found = bytes(self.wire.buffer[:end])
            del self.wire.buffer[: end + 2]
            while found.startswith(b"\n"):
                found = found[1:]
            if found:
                return found

    def take(self, count: int) -> bytes:
        self.wire._need(count)
        found = bytes(self.wire.buffer[:count])
        del self.wire.buffer[:count]
        return found

    def synchronise(self, has_head: bool = True) -> None:
        """Read the answer and the snapshot; then the stream begins."""
        if has_head:
            self.head = self.line()
            assert self.head.startswith(b"+FULLRESYNC "), self.head
        header = self.line()
        if header.startswith(b"$EOF:"):
            marker = header[5:]
            while not bytes(self.wire.buffer).endswith(marker):
                assert self.wire._receive(), "closed in the middle of a snapshot"
            self.snapshot = self.take(len(self.wire.buffer))[: -len(marker)]
        else:
            self.snapshot = self.take(int(header[1:]))

    def acknowledge(self, offset: int = 0) -> None:
        self.wire.send(encode(("REPLCONF", "ACK", offset)))

    def come_online(self, client: Client) -> None:
        """Acknowledge until the server sends the stream."""

        def is_online() -> bool:
            self.acknowledge()
            return "state=online" in client.text("INFO", "replication").decode()

        until(is_online, "the replica comes online")

    def command(self) -> list[bytes]:
        """The next command of the stream."""
        while True:
            while self.wire.buffer[:1] == b"\n":
                del self.wire.buffer[:1]
            reply, size = self.wire._parse(0)
            del self.wire.buffer[:size]
            words = [item.text or b"" for item in reply.items]
            if words[0].lower() != b"ping":
                return words

    def close(self) -> None:
        self.wire.close()
