"""A server that finds no memory for one command: the command fails, everything else goes on."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.differential.servers import Redpoll
from tests.differential.wire import Reply, Wire, Word, encode

MB = 1 << 20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")


@pytest.fixture
def server() -> Iterator[Redpoll]:
    made = Redpoll("redpoll")
    made.start()
    yield made
    made.close()


def limit_memory(server: Redpoll, spare: int) -> None:
    """Let the server's address space grow by `spare` bytes and no further."""
    assert server.process is not None
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + spare
    resource.prlimit(server.process.pid, resource.RLIMIT_AS, (limit, limit))


def ask(wire: Wire, *words: Word) -> Reply:
    wire.send(encode(words))
    return wire.read()


def test_a_command_without_memory_answers_an_error(server: Redpoll) -> None:
    wire, other = Wire(server.port), Wire(server.port)
    ask(wire, "SET", "kept", "x" * 1000)
    limit_memory(server, 64 * MB)
    for _ in range(5):
        reply = ask(wire, "DEBUG", "POPULATE", "1", "big", 400 * MB)
        assert (reply.text or b"").startswith(b"OOM out of memory while running 'debug'"), reply
    assert ask(wire, "GET", "kept").text == b"x" * 1000
    assert ask(wire, "EXISTS", "big:0").integer == 0
    assert ask(other, "PING").raw == b"+PONG\r\n"
    assert b"errorstat_OOM:count=5" in (ask(other, "INFO", "errorstats").text or b"")
    wire.close()
    other.close()


def test_a_request_or_reply_without_memory_costs_its_client_at_most(server: Redpoll) -> None:
    wire, other = Wire(server.port), Wire(server.port)
    ask(wire, "SET", "large", b"x" * (20 * MB))
    limit_memory(server, 48 * MB)
    wire.send(encode(("MGET", *["large"] * 20)) + encode(("SET", "larger", b"y" * (100 * MB)))[:64])
    for _ in range(3):
        assert ask(other, "PING").raw == b"+PONG\r\n"
    wire.close()
    assert ask(other, "EXISTS", "large").integer == 1
    other.close()


def test_a_reply_without_memory_ends_its_connection_alone(server: Redpoll) -> None:
    wire, other = Wire(server.port), Wire(server.port)
    ask(wire, "SET", "v", b"x" * 15000)
    limit_memory(server, 32 * MB)
    wire.send(encode(("MGET", *["v"] * 10000)))
    wire.read_until_closed()
    assert ask(other, "GET", "v").text == b"x" * 15000
    assert b"internal_errors:1" in (ask(other, "INFO", "stats").text or b"")
    assert "internal error, closing the connection of 127.0.0.1:" in server.log.read_text()
    wire.close()
    other.close()
