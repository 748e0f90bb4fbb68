"""HTTP clients of `metrics-port` that are slow, wrong, or many, and what a client of the server notices of them."""

from __future__ import annotations

import http.client
import os
import random
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.differential.servers import Redpoll, free_port
from tests.hostile.conftest import Witness, resident_bytes

FULL = os.environ.get("REDPOLL_PROFILE") == "full"
HEAD = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"


class Metrics(Redpoll):
    """A server with `metrics-port`."""

    def __init__(self) -> None:
        self.http = free_port()
        super().__init__("http", "--metrics-port", str(self.http))

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.http), timeout=20)

    def answers(self) -> None:
        """A client of good manners is answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=20)
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        assert response.status == 200
        assert b"redis_up 1.0" in response.read()
        connection.close()


@pytest.fixture(scope="module")
def metrics() -> Iterator[Metrics]:
    made = Metrics()
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def guest(metrics: Metrics) -> Iterator[Witness]:
    """A client of the server itself."""
    made = Witness(metrics.port)
    made.is_served()
    yield made
    made.is_served()
    made.wire.close()


def ends(sock: socket.socket) -> bytes:
    """What comes until the server closes."""
    found = b""
    with suppress(ConnectionResetError):
        while data := sock.recv(65536):
            found += data
    sock.close()
    return found


def test_a_request_byte_by_byte(metrics: Metrics, guest: Witness) -> None:
    sock = metrics.connect()
    for at, byte in enumerate(HEAD + b"Connection: close\r\n\r\n"):
        sock.sendall(bytes([byte]))
        if at % 16 == 0:
            guest.is_served()
    assert ends(sock).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\r\n\r\n", b"400"),
        (b"*1\r\n$4\r\nPING\r\n\r\n", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"505"),
        (HEAD + b"Content-Length: 5\r\n\r\nhello", b"413"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"413"),
        (HEAD + b"Host: other\r\n\r\n", b"400"),
        (HEAD + b"X: " + b"x" * 9000, b"431"),
        (HEAD + b"X: y\r\n" * 100 + b"\r\n", b"431"),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /%2e%2e/page.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
    ],
)
def test_wrong_requests_are_refused_and_closed(metrics: Metrics, guest: Witness, sent: bytes, status: bytes) -> None:
    sock = metrics.connect()
    with suppress(BrokenPipeError, ConnectionResetError):
        sock.sendall(sent)
    found = ends(sock)
    assert found.startswith(b"HTTP/1.1 " + status)
    assert b"Connection: close" in found
    metrics.answers()


def test_random_bytes(metrics: Metrics, guest: Witness) -> None:
    chance = random.Random(7)
    for _ in range(2000 if FULL else 100):
        sock = metrics.connect()
        with suppress(BrokenPipeError, ConnectionResetError):
            head = bytearray(HEAD + b"Accept: */*\r\n\r\n")
            for _ in range(chance.randrange(1, 6)):
                head[chance.randrange(len(head))] = chance.randrange(256)
            sock.sendall(bytes(head))
            sock.shutdown(socket.SHUT_WR)
        ends(sock)
    metrics.answers()


def test_many_connections_that_say_nothing(metrics: Metrics, guest: Witness) -> None:
    """The oldest ones make room, so that Prometheus still gets through."""
    silent = [metrics.connect() for _ in range(200)]
    metrics.answers()
    guest.is_served()
    metrics.answers()
    for sock in silent:
        sock.close()


def test_many_requests_at_once_that_nobody_reads(metrics: Metrics, guest: Witness) -> None:
    """Requests beyond a few are not collected: the connection is closed."""
    before = resident_bytes(metrics)
    for _ in range(20):
        sock = metrics.connect()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(200):
                sock.sendall((HEAD + b"\r\n") * 100)
        sock.close()
        guest.is_served()
    metrics.answers()
    assert resident_bytes(metrics) < before + (16 << 20)


def test_requests_that_are_sent_at_once_are_answered_in_order(metrics: Metrics, guest: Witness) -> None:
    sock = metrics.connect()
    lines = [b"GET /%b HTTP/1.1\r\nHost: localhost\r\n" % path for path in (b"metrics", b"none", b"page.css")]
    sock.sendall(b"\r\n".join(lines) + b"Connection: close\r\n\r\n")
    found = ends(sock)
    statuses = [line[9:12] for line in found.split(b"\r\n") if line.startswith(b"HTTP/1.1")]
    statuses += [part[:3] for part in found.split(b"\nHTTP/1.1 ")[1:]]
    assert sorted(set(statuses)) == [b"200", b"404"]
    assert found.count(b"HTTP/1.1 ") == 3
