"""Connections that the server opens: connecting, both directions, pausing, and every way to fail."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from tests.unit.net.bench import Bench

from redpoll.config.schema import BY_NAME
from redpoll.net.outgoing import MULTIPATH_TCP, Outgoing, ReactorNetwork, SocketWire
from redpoll.replication.network import Errand, Receiver


class Heard(Receiver):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.is_connected = False
        self.data = b""
        self.reasons: list[str] = []

    def connected(self) -> None:
        self.is_connected = True

    def received(self, data: bytes) -> None:
        self.data += data

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)


class Noted(Errand):
    def __init__(self, heard: Heard) -> None:
        self.heard = heard

    def run_errand(self) -> None:
        self.heard.reasons.append("errand")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def dialled(bench: Bench, **settings: str) -> tuple[Heard, Outgoing, socket.socket]:
    """A connection to the bench's listener: its owner, itself, and the accepted end."""
    for name, value in settings.items():
        bench.engine.config.assign(BY_NAME[name.replace("_", "-").encode()], [value.encode()])
    heard = Heard()
    port = bench.listener.getsockname()[1]
    wire = ReactorNetwork(bench.engine, bench.reactor).dial(b"127.0.0.1", port, heard)
    assert isinstance(wire, SocketWire)
    far, _ = bench.listener.accept()
    bench.sockets.extend([far, wire.outgoing.sock])
    bench.until(lambda: heard.is_connected)
    return heard, wire.outgoing, far


def test_bytes_go_both_ways(bench: Bench) -> None:
    heard, outgoing, far = dialled(bench)
    wire = outgoing.wire
    assert wire.address() == b"127.0.0.1:%d" % bench.listener.getsockname()[1]
    assert wire.local_address() == b"127.0.0.1:%d" % far.getpeername()[1]
    assert wire.descriptor() == outgoing.sock.fileno()
    wire.send(b"to the primary")
    assert far.recv(100) == b"to the primary"
    far.sendall(b"to the replica")
    bench.until(lambda: heard.data == b"to the replica")
    assert bench.engine.traffic.received_of_primary == len(heard.data)


def test_bytes_that_the_socket_does_not_take_follow(bench: Bench) -> None:
    _, outgoing, far = dialled(bench)
    data = bytes(range(256)) * 40_000
    outgoing.send(data)
    assert outgoing.waiting
    got = b""
    far.setblocking(False)

    def is_all_there() -> bool:
        nonlocal got
        try:
            got += far.recv(1 << 20)
        except BlockingIOError:
            pass
        return len(got) == len(data)

    bench.until(is_all_there)
    assert got == data


def test_nothing_is_received_during_a_pause(bench: Bench) -> None:
    heard, outgoing, far = dialled(bench)
    outgoing.wire.pause(True)
    far.sendall(b"x")
    bench.reactor.run_once(0)
    assert heard.data == b""
    outgoing.wire.pause(False)
    bench.until(lambda: heard.data == b"x")


def test_the_other_end_closes(bench: Bench) -> None:
    heard, outgoing, far = dialled(bench)
    far.close()
    bench.until(lambda: heard.reasons != [])
    assert heard.reasons == ["the other end closed the connection"]
    assert outgoing.closed


def test_its_owner_closes_it_and_hears_nothing(bench: Bench) -> None:
    heard, outgoing, far = dialled(bench)
    outgoing.wire.close()
    outgoing.wire.send(b"x")
    assert far.recv(10) == b""
    assert heard.reasons == []


def test_nobody_listens(bench: Bench) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        heard = Heard()
        network = ReactorNetwork(bench.engine, bench.reactor)
        assert network.dial(b"127.0.0.1", unused.getsockname()[1], heard) is not None
        bench.until(lambda: heard.reasons != [])
    assert heard.reasons == ["Connection refused"]
    assert network.dial(b"\xff.invalid", 1, heard) is None


def test_multipath_tcp(bench: Bench) -> None:
    """`repl-mptcp` chooses the protocol of the socket."""
    assert dialled(bench)[1].sock.proto != MULTIPATH_TCP
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, MULTIPATH_TCP).close()
    except OSError:
        bench.engine.config.assign(BY_NAME[b"repl-mptcp"], [b"yes"])
        port = bench.listener.getsockname()[1]
        assert ReactorNetwork(bench.engine, bench.reactor).dial(b"127.0.0.1", port, Heard()) is None
        return
    assert dialled(bench, repl_mptcp="yes")[1].sock.proto == MULTIPATH_TCP


def test_an_errand_runs_after_the_turn(bench: Bench) -> None:
    heard = Heard()
    network = ReactorNetwork(bench.engine, bench.reactor)
    network.soon(Noted(heard))
    assert heard.reasons == []
    assert network.pump(False)
    assert heard.reasons == ["errand"]
