"""One server for the whole run, which no test may stop; and a witness, whose key and answers no test may touch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from tests.differential.servers import Redpoll, Server
from tests.differential.wire import Reply, Wire, encode


class Witness:
    """A client of good manners beside the hostile ones: what it wrote, it must read, and nothing else."""

    def __init__(self, port: int) -> None:
        self.wire = Wire(port)
        self.key = b"witness:4f0c6a1e"
        self.secret = b"told to nobody: 91b7d2c3"
        self.numbers = count(1)
        self.ask(b"SET", self.key, self.secret)

    def ask(self, *words: bytes) -> Reply:
        self.wire.send(encode(words))
        return self.wire.read()

    def is_served(self) -> None:
        """Its own marker and its own value come back, and nothing behind them."""
        marker = b"marker %d" % next(self.numbers)
        self.wire.send(encode((b"ECHO", marker)) + encode((b"GET", self.key)))
        assert marker == self.wire.read().text
        assert self.secret == self.wire.read().text
        assert not self.wire.buffer, "more was answered than was asked"


def resident_bytes(server: Server) -> int:
    """The memory that the server has in use, where the system tells it, else 0."""
    assert server.process is not None
    try:
        with open(f"/proc/{server.process.pid}/statm") as pages:
            return int(pages.read().split()[1]) * 4096
    except FileNotFoundError:
        return 0


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    made = Redpoll("hostile")
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def witness(server: Server) -> Iterator[Witness]:
    made = Witness(server.port)
    try:
        made.is_served()
        yield made
        made.is_served()
        made.ask(b"FLUSHALL")
    finally:
        made.wire.close()
        death = server.death()
        assert death is None, death
