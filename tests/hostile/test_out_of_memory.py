"""A server that finds no memory for one command: the command fails, everything else goes on."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.differential.servers import Redpoll
from tests.differential.wire import ConnectionClosedError, Reply, Wire, Word, encode

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


LARGE = 8 * MB
GROWING = {
    "a gap longer than the string": ("SETRANGE", "k", 3 * LARGE, b"y" * (2 * LARGE)),
    "a gap shorter than the string": ("SETRANGE", "k", LARGE + LARGE // 2, b"y" * (2 * LARGE)),
    "over the end": ("SETRANGE", "k", LARGE - 5, b"y" * (2 * LARGE)),
    "at the end": ("APPEND", "k", b"y" * (2 * LARGE)),
    "a bit far out": ("SETBIT", "k", 5 * LARGE * 8, 1),
    "a field far out": ("BITFIELD", "k", "SET", "u8", 0, 255, "SET", "u8", 5 * LARGE * 8, 255),
    "a copy in another's place": ("COPY", "k", "kept", "REPLACE"),
    "bits in another's place": ("BITOP", "NOT", "kept", "k"),
}


@pytest.mark.parametrize("how", GROWING)
@pytest.mark.parametrize("buffered", [False, True], ids=["as it was set", "changed in place"])
def test_what_runs_out_of_memory_halfway_leaves_all_as_it_was(server: Redpoll, how: str, buffered: bool) -> None:
    wire = Wire(server.port)
    assert server.process is not None
    # One string of 8 MB finds room in what the process keeps of the last request; one above 32 MB has pages of its own.
    large = 40 * MB if how.endswith("in another's place") else LARGE

    def shape() -> list[bytes]:
        """What there is of both values, without asking for them as a whole."""
        parts = [ask(wire, "STRLEN", key).raw for key in ("k", "kept")]
        parts += [ask(wire, "GETRANGE", key, at, at + 9).raw for key in ("k", "kept") for at in (0, large - 9, large)]
        parts += [ask(wire, "BITCOUNT", key).raw for key in ("k", "kept")]
        return parts

    outcomes = set()
    for spare in range(0, 12 * LARGE, LARGE):
        ask(wire, "SET", "k", b"x" * large)
        ask(wire, "SET", "kept", b"z" * 5000)
        if buffered:
            ask(wire, "SETRANGE", "k", 0, "x")
        before = shape()
        # The values of the round before are freed now, so that they do not make room for this command later.
        while b"lazyfree_pending_objects:0\r" not in (ask(wire, "INFO", "memory").text or b""):
            pass
        ask(wire, "MEMORY", "PURGE")
        pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[0])
        # The request itself takes its place too; where there is none for it, the client is gone and comes again.
        limit = pages * resource.getpagesize() + spare
        resource.prlimit(server.process.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        try:
            reply = ask(wire, *GROWING[how])
        except (ConnectionClosedError, ConnectionResetError, BrokenPipeError):
            reply = None
            wire.close()
        resource.prlimit(server.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if reply is None:
            wire = Wire(server.port)
        if reply is None or reply.is_error:
            assert reply is None or (reply.text or b"").startswith(b"OOM out of memory while running"), reply
            outcomes.add("refused")
            assert shape() == before, (how, spare)
        else:
            outcomes.add("done")
    # A string that was never changed in place is not copied: both keys have the same one.
    assert outcomes == {"refused", "done"} or (outcomes == {"done"} and how.startswith("a copy") and not buffered)
    wire.close()
