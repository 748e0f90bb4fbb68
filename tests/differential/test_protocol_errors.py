"""Requests that no client library sends: what is waited for, what is answered, what closes the connection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.differential.pair import Pair, difference_rows
from tests.differential.servers import Server
from tests.differential.wire import Wire, encode

PING = encode(("PING",))

ERRORS = [
    b"*\r\n",
    b"*x\r\n",
    b"*+1\r\n",
    b"*01\r\n",
    b"*-0\r\n",
    b"*1 \r\n",
    b"*1.0\r\n",
    b"*2147483648\r\n",
    b"*-9223372036854775809\r\n",
    b"*1\rx",
    b"*x\rx",
    b"*0\rx",
    b"*1\r\nPING\r\n",
    b"*1\r\nP\rx",
    b"*1\r\n\r\n",
    b"*1\r\n\n\r\n",
    b"*1\r\n\0\r\n",
    b"*1\r\n\xff\r\n",
    b"*1\r\n+4\rx",
    b"*1\r\n$\r\n",
    b"*1\r\n$x\r\n",
    b"*1\r\n$x\rx",
    b"*1\r\n$-1\r\n",
    b"*1\r\n$04\r\nPING\r\n",
    b"*1\r\n$+4\r\nPING\r\n",
    b"*1\r\n$4\rxPING\r\n",
    b"*1\r\n$536870913\r\n",
    b"*1\r\n$9223372036854775808\r\n",
    b"*1\r\n$4\r\nPINGxx",
    b"*1\r\n$4\r\nPING\rx",
    b"*2\r\n$4\r\nECHO\n$1\r\na\r\n",
    b"*3\r\n$4\r\nECHO\r\n*1\r\n",
    b'ECHO "a\n',
    b"ECHO 'a\n",
    b'ECHO "a\\\n',
    b'ECHO "\\x41\n',
    b"P" * 65537,
    b"*" + b"1" * 65536,
    b"*1\r\n$" + b"1" * 65536,
    b"*1\r\nX" + b"1" * 65536,
]

WAITING = [
    b"*",
    b"*1",
    b"*1\r",
    b"*1\r\n",
    b"*1\n$4\nPING\n",
    b"*1\r\nP",
    b"*1\r\nPING\r",
    b"*1\r\n$4\r\nPING",
    b"*1\r\n$4\r\nPINGx",
    b"*1\r\n$4\r\nPING\r",
    b"*1\r\n$536870912\r\n",
    b"*2147483647\r\n",
    b"PING",
    b"PI\0NG\nPING\n",
    b'ECHO "a\\',
    b"*" + b"1" * 65535,
    b"*1\r\n$" + b"1" * 65535,
    b"P" * 65536,
]

ANSWERED = [
    b"PING\r\n",
    b"PING\n",
    b"PING\r\r\n",
    b" \t\v\fPING\n",
    b"PING\v\n",
    b"PING \v\n",
    b"\r\n",
    b"\n \n\r\r\n",
    b"*0\r\n",
    b"*-1\r\n",
    b"*-5\r\nPING\n",
    b"*1\r\n$0\r\n\r\n",
    b'""\n',
    b'ECHO a"b"c\n',
    b"ECHO \"a\"'b'c\n",
    b'ECHO "\\n\\r\\t\\b\\a\\q\\"\\\\"\n',
    b'ECHO "\\x41\\x0a\\xfF\\x4\\xg1"\n',
    b"ECHO 'a\\n\\'b'\n",
    b"ECHO a\vb\n",
    b'ECHO "a"\vb\n',
    b"ECHO a\rb\n",
    b"ECHO \xa0\n",
    b" *1\r\n$4\r\nPING\r\n",
    b"P" * 65536 + b"\n",
    b"P" * 65536 + b"\r\n",
    encode(("ECHO", b"\0\r\n$1\r\n\xff")),
    encode(("ECHO", b"x" * 100000)),
]


def name(data: bytes) -> str:
    return repr(data[:40])[2:-1]


@pytest.mark.parametrize("data", ERRORS, ids=name)
def test_errors_are_answered_after_what_came_before_and_close(pair: Pair, data: bytes) -> None:
    answer = pair.raw(PING + data, closes=True)
    assert answer.startswith(b"+PONG\r\n-ERR Protocol error: ")


@pytest.mark.parametrize("data", WAITING, ids=name)
def test_what_is_not_complete_is_waited_for(pair: Pair, data: bytes) -> None:
    pair.raw_waits(data)


@pytest.mark.parametrize("data", ANSWERED, ids=name)
def test_what_is_complete_is_answered(pair: Pair, data: bytes) -> None:
    pair.raw(data)


def test_nothing_runs_behind_an_error(pair: Pair) -> None:
    pair.raw(b"SET k 1\n*x\r\nSET k 2\n", closes=True)
    other = pair.second()
    other.do("GET", "k")
    other.raw(b"QUIT\nPING\n", closes=True)


def test_requests_may_come_a_byte_at_a_time(pair: Pair) -> None:
    for data in (b"ECHO 'a b'\r\n", encode(("ECHO", b"\r\n")), b"*0\r\n"):
        for at in range(len(data) - 1):
            pair.theirs.send(data[at : at + 1])
            pair.ours.send(data[at : at + 1])
        pair.raw(data[-1:])


def test_the_largest_bulk_string_is_a_setting(pair: Pair) -> None:
    with pair.config("proto-max-bulk-len", 1048576):
        pair.second().raw_waits(b"*1\r\n$1048576\r\n")
        pair.second().raw(b"*1\r\n$1048577\r\n", closes=True)


@pytest.mark.parametrize(
    "data", [b"*11\r\n", b"*2147483648\r\n", b"*1\r\n$16385\r\n", b"*1\r\n$536870913\r\n", b"P" * 65537], ids=name
)
def test_strangers_may_send_little(pair: Pair, data: bytes) -> None:
    with pair.config("requirepass", "secret"):
        stranger = Pair(*pair.servers, 2)
        try:
            stranger.raw(data, closes=True)
        finally:
            stranger.close()


def test_strangers_may_send_as_much_as_it_takes(pair: Pair) -> None:
    with pair.config("requirepass", "secret"):
        for data in (b"*10\r\n", b"*1\r\n$16384\r\n"):
            stranger = Pair(*pair.servers, 2)
            try:
                stranger.raw_waits(data)
            finally:
                stranger.close()


def test_the_limits_of_strangers_end_with_the_command_that_authenticates(pair: Pair) -> None:
    with pair.config("requirepass", "secret"):
        stranger = Pair(*pair.servers, 2)
        try:
            stranger.raw(encode(("AUTH", "secret")) + encode(("DEL", *"abcdefghijkl")) + b"*2\r\nPING\r\n", closes=True)
        finally:
            stranger.close()


@given(st.text("ab\"'\\xnt4 \t\r\v\xfe", max_size=12))
def test_inline_lines_are_split_alike(servers: tuple[Server, Server], text: str) -> None:
    said = []
    for server in servers:
        wire = Wire(server.port)
        wire.send(b"ECHO " + text.encode("latin-1") + b"\nQUIT\n")
        said.append(wire.read_until_closed())
        wire.close()
    assert said[0] == said[1]


def test_a_byte_255_of_an_inline_command_is_kept(pair: Pair) -> None:
    assert "byte-255" in difference_rows()
    pair.theirs.send(b"ECHO a\xffb\r\n")
    pair.ours.send(b"ECHO a\xffb\r\n")
    assert (pair.theirs.read().text, pair.ours.read().text) == (b"ab", b"a\xffb")
