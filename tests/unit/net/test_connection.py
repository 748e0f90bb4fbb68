"""Reads of a connection: short ones first, and what did not fit in the same turn."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from tests.unit.net.bench import Bench, request

from redpoll.net.connection import SHORT_READ


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def sized(size: int) -> bytes:
    """A SET that takes `size` bytes on the wire."""
    made = request("SET", "k", b"x" * (size - len(request("SET", "k", b"x" * 100)) + 100))
    assert len(made) == size
    return made


@pytest.mark.parametrize("size", [int(SHORT_READ) - 1, int(SHORT_READ), int(SHORT_READ) + 1, 990])
def test_a_request_is_read_in_one_turn(bench: Bench, size: int) -> None:
    client = bench.connect()
    bench.settle()
    for before in (sized(200), sized(size)):
        # The size of the read before decides how much is asked for.
        client.send_bytes(before)
        bench.settle()
    reads = bench.engine.traffic.reads
    client.send_bytes(sized(size))
    bench.reactor.run_once(60_000)
    client.take()
    assert client.got == b"+OK\r\n" * 3
    assert bench.engine.traffic.reads == reads + 1


def test_the_start_of_a_request_stays_if_there_is_no_more(bench: Bench) -> None:
    client = bench.connect()
    whole = sized(1000)
    client.send_bytes(whole[:SHORT_READ])
    bench.settle()
    client.send_bytes(whole[SHORT_READ:])
    client.reads(b"+OK\r\n")


def test_a_connection_that_is_reset_after_a_request_has_it_run(bench: Bench) -> None:
    client = bench.connect()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.send_bytes(sized(int(SHORT_READ)))
    client.sock.close()
    bench.until(lambda: not bench.engine.sessions)
    assert bench.engine.databases[0].string(b"k") is not None
