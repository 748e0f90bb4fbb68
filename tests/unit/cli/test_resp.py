"""The client of the terminal: replies, errors inside arrays, several requests at a time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from redpoll.cli.resp import Connection, Disconnected, ServerComplaint, request


class Scripted:
    """A server that answers with what it is told, and keeps what it hears."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.heard = b""
        self.link = Connection("127.0.0.1", self.listener.getsockname()[1])
        self.peer = self.listener.accept()[0]

    def answer(self, data: bytes) -> None:
        threading.Thread(target=self.peer.sendall, args=(data,)).start()

    def close(self) -> None:
        for each in (self.listener, self.link, self.peer):
            each.close()


@pytest.fixture
def server() -> Iterator[Scripted]:
    made = Scripted()
    yield made
    made.close()


def test_requests_take_text_and_bytes() -> None:
    assert request(["SET", b"\xff\r\n", "é"]) == b"*3\r\n$3\r\nSET\r\n$3\r\n\xff\r\n\r\n$2\r\n\xc3\xa9\r\n"


def test_replies(server: Scripted) -> None:
    server.answer(b"+OK\r\n:-5\r\n$-1\r\n*2\r\n$1\r\na\r\n*1\r\n:1\r\n-ERR no\r\n")
    assert [server.link.ask("PING") for _ in range(4)] == [b"OK", -5, None, [b"a", [1]]]
    with pytest.raises(ServerComplaint, match="ERR no"):
        server.link.ask("PING")


def test_an_error_inside_an_array_is_a_value_and_the_next_reply_is_in_step(server: Scripted) -> None:
    server.answer(b"*2\r\n-ERR inside\r\n:1\r\n+NEXT\r\n")
    reply = server.link.ask("EXEC")
    assert isinstance(reply, list)
    assert (str(reply[0]), reply[1]) == ("ERR inside", 1)
    assert server.link.ask("PING") == b"NEXT"


def test_several_requests_get_their_replies_in_order(server: Scripted) -> None:
    server.answer(b":1\r\n-ERR two\r\n$3\r\nabc\r\n")
    one, two, three = server.link.ask_all([("A",), ("B", b"x"), ("C",)])
    assert (one, str(two), three) == (1, "ERR two", b"abc")
    assert isinstance(two, ServerComplaint)
    assert server.peer.recv(1000) == request(["A"]) + request(["B", b"x"]) + request(["C"])


def test_a_server_that_goes_away_or_says_nothing(server: Scripted) -> None:
    server.link.wait_up_to(0.05)
    with pytest.raises(Disconnected):
        server.link.ask("PING")
    server.peer.close()
    with pytest.raises(Disconnected):
        server.link.ask_all([("PING",)])
