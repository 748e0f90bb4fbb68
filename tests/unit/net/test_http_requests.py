"""The heads of HTTP requests: what is read, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.net.http_requests import MOST_FIELDS, MOST_HEAD_BYTES, Refusal, head_end, parse_head


def head(*fields: str, line: str = "GET / HTTP/1.1", host: str = "Host: localhost") -> bytes:
    return "\r\n".join([line, *([host] if host else []), *fields, "", ""]).encode("latin-1")


def test_a_request_is_read() -> None:
    request = parse_head(head("Accept: a", "accept:\t b ", line="GET /x/y?q=1 HTTP/1.1"))
    assert (request.method, request.path, request.keep_alive) == (b"GET", b"/x/y", True)
    assert request.fields == {b"host": b"localhost", b"accept": b"a, b"}
    assert request.field(b"nothing") == b""


@pytest.mark.parametrize(
    ("line", "fields", "keeps"),
    [
        ("GET / HTTP/1.1", ["Connection: close"], False),
        ("GET / HTTP/1.1", ["Connection: Close"], False),
        ("GET / HTTP/1.1", ["Connection: x", "Connection: close"], False),
        ("GET / HTTP/1.1", ["Connection: Keep-Alive"], True),
        ("GET / HTTP/1.0", [], False),
        ("GET / HTTP/1.0", ["Connection: Keep-Alive"], True),
    ],
)
def test_whether_the_connection_stays(line: str, fields: list[str], keeps: bool) -> None:
    assert parse_head(head(*fields, line=line)).keep_alive is keeps


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (400, head(line="GET /")),
        (400, head(line="GET  / HTTP/1.1")),
        (400, head(line="G(T / HTTP/1.1")),
        (400, head(line="GET http://localhost/ HTTP/1.1")),
        (400, head(line="GET * HTTP/1.1")),
        (400, head(line="GET /\x7f HTTP/1.1")),
        (400, head(line="GET /\xe9 HTTP/1.1")),
        (505, head(line="GET / HTTP/2.0")),
        (505, head(line="GET / http/1.1")),
        (400, head(host="")),
        (400, head("Host: other")),
        (400, head("Origin: a", "Origin: b")),
        (400, head("Name : value")),
        (400, head(" folded")),
        (400, head("no colon")),
        (400, head(": no name")),
        (400, head("X: a\x00b")),
        (400, head("X: a\nHost: b")),
        (413, head("Content-Length: 1")),
        (413, head("Content-Length: 00")),
        (413, head("Transfer-Encoding: chunked")),
        (431, head(*[f"X{n}: y" for n in range(MOST_FIELDS)])),
    ],
)
def test_what_no_friend_sends_is_refused(status: int, data: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        parse_head(data)
    assert refused.value.status == status


def test_a_request_of_version_1_0_needs_no_host() -> None:
    assert parse_head(head(line="HEAD / HTTP/1.0", host="")).method == b"HEAD"


def test_as_many_fields_as_allowed() -> None:
    assert len(parse_head(head(*[f"X{n}: y" for n in range(MOST_FIELDS - 1)])).fields) == MOST_FIELDS


def test_the_end_of_a_head() -> None:
    assert head_end(b"GET / HTTP/1.1\r\n") == -1
    assert head_end(head() + b"GET") == len(head())
    longest = b"x" * (MOST_HEAD_BYTES - 4) + b"\r\n\r\n"
    assert head_end(longest) == MOST_HEAD_BYTES
    assert head_end(b"x" * (MOST_HEAD_BYTES - 1)) == -1
    with pytest.raises(Refusal):
        head_end(b"x" + longest)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    for text in (data, head()[:-2] + data):
        try:
            request = parse_head(text + b"\r\n\r\n")
        except Refusal:
            continue
        assert request.path.startswith(b"/")
        assert b"\n" not in request.field(b"host")
