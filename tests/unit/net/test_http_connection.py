"""HTTP connections and their server in a loop that the test turns: order, deadlines, room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.net.bench import Bench, Client

from redpoll.net.http_connection import HttpConnection, http_date
from redpoll.net.http_server import MOST_CONNECTIONS, HttpServer

GET = b"GET /%b HTTP/1.1\r\nHost: localhost\r\n\r\n"


class HttpBench(Bench):
    """A bench with an HTTP server."""

    def __init__(self) -> None:
        super().__init__()
        self.http = HttpServer(self.engine, self.reactor, self.log)
        self.http.prepare()

    def browse(self, receive_bytes: int = 0, address: str = "127.0.0.1") -> Client:
        client, server = self.pair(receive_bytes)
        self.http.accepted(server, address)
        return Client(self, client)

    def open(self) -> list[HttpConnection]:
        return list(self.http.connections.values())


@pytest.fixture
def bench() -> Iterator[HttpBench]:
    made = HttpBench()
    yield made
    made.http.close()
    made.close()


def body_of(bench: HttpBench, client: Client) -> bytes:
    """Turn the loop until a response is there; its body."""
    bench.until(lambda: client.take() and b"\r\n\r\n" in client.got)
    head, _, rest = client.got.partition(b"\r\n\r\n")
    length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    client.got = rest
    bench.until(lambda: len(client.got) >= length or not client.take())
    body, client.got = client.got[:length], client.got[length:]
    return body


def test_requests_are_answered_one_after_the_other(bench: HttpBench) -> None:
    client = bench.browse()
    client.send_bytes(GET % b"metrics" + GET % b"nothing" + GET % b"page.js")
    assert b"redis_up 1.0\n" in body_of(bench, client)
    assert body_of(bench, client) == b"there are /, /metrics and /data.json\n"
    assert body_of(bench, client) == bench.http.files[b"/page.js"]
    assert bench.open()[0].is_idle()


def test_a_report_is_made_behind_what_has_a_hurry(bench: HttpBench) -> None:
    bench.browse()
    connection = bench.open()[0]
    connection.received = GET % b"metrics"
    connection.next_request()
    assert connection.making is not None
    assert len(bench.reactor.unhurried) == 1


def test_a_client_that_goes_ends_its_report(bench: HttpBench) -> None:
    client = bench.browse()
    connection = bench.open()[0]
    connection.received = GET % b"metrics"
    connection.next_request()
    connection.close()
    bench.settle()
    assert bench.open() == [] and bench.reactor.unhurried == []
    assert client.ends() == b""


def test_a_large_response_is_sent_as_it_is_read(bench: HttpBench) -> None:
    bench.http.files[b"/page.js"] = b"x" * 3_000_000
    client = bench.browse(receive_bytes=4096)
    client.send_bytes(GET % b"page.js")
    bench.until(lambda: bench.open()[0].writing)
    assert len(body_of(bench, client)) == 3_000_000
    bench.until(lambda: bench.open()[0].is_idle())
    assert not bench.open()[0].writing


def test_who_takes_too_long_is_cut_off(bench: HttpBench) -> None:
    silent, slow, deaf = bench.browse(), bench.browse(), bench.browse(receive_bytes=4096)
    slow.send_bytes(b"GET / HT")
    bench.http.files[b"/page.js"] = b"x" * 3_000_000
    deaf.send_bytes(GET % b"page.js")
    bench.until(lambda: any(connection.writing for connection in bench.open()))
    bench.http.sweep()
    assert len(bench.open()) == 3
    for connection in bench.open():
        connection.deadline_ms = 0
    bench.http.sweep()
    assert bench.open() == []
    assert silent.ends() == slow.ends() == b""
    assert len(deaf.ends()) < 3_000_000


def test_the_deadline_of_a_request_does_not_move_with_its_bytes(bench: HttpBench) -> None:
    client = bench.browse()
    client.send_bytes(b"G")
    bench.until(lambda: bench.open()[0].received == b"G")
    deadline = bench.open()[0].deadline_ms
    for byte in b"ET / HTTP/1.1":
        client.send_bytes(bytes([byte]))
        bench.settle()
    assert bench.open()[0].deadline_ms == deadline


def test_who_has_waited_longest_makes_room(bench: HttpBench) -> None:
    for _ in range(MOST_CONNECTIONS):
        bench.browse()
    connections = bench.open()
    connections[3].deadline_ms -= 1000
    connections[5].received = GET % b"metrics"
    connections[5].next_request()
    connections[5].deadline_ms -= 5000
    late = bench.browse()
    assert connections[3].closed and not connections[5].closed
    late.send_bytes(GET % b"")
    assert body_of(bench, late) == bench.http.files[b"/"]


def test_too_many_requests_at_once_close_the_connection(bench: HttpBench) -> None:
    bench.http.files[b"/page.js"] = b"x" * 3_000_000
    client = bench.browse(receive_bytes=4096)
    client.send_bytes(GET % b"page.js")
    bench.until(lambda: bench.open()[0].writing)
    client.send_bytes(GET % b"page.js" * 1000)
    bench.until(lambda: bench.open() == [])


def test_protected_mode_refuses_other_machines(bench: HttpBench) -> None:
    bench.engine.options.protected_mode = True
    for address, status in (
        ("203.0.113.5", b"403"),
        ("::ffff:127.0.0.1", b"200"),
        ("::1", b"200"),
        ("127.9.9.9", b"200"),
    ):
        client = bench.browse(address=address)
        client.send_bytes((GET % b"").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert client.ends().startswith(b"HTTP/1.1 " + status), address


def test_a_fault_closes_its_connection_only(bench: HttpBench) -> None:
    client, other = bench.browse(), bench.browse()
    del bench.http.files[b"/"]
    bench.engine.databases.append(None)  # type: ignore[arg-type]
    client.send_bytes(GET % b"metrics")
    assert client.ends() == b""
    assert bench.engine.counters.internal_errors == 1
    assert bench.logged("internal error, closing a connection of metrics-port")
    bench.engine.databases.pop()
    other.send_bytes(GET % b"metrics")
    assert b"redis_up" in body_of(bench, other)


def test_dates() -> None:
    assert http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"
