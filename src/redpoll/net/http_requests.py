"""HTTP/1.1 requests without a body, as bytes.  No sockets.

The grammar is narrow: it accepts what browsers and Prometheus send.  So a proxy cannot read a request differently.
Source: RFC 9112.
"""

from __future__ import annotations

import re
from typing import Final

MOST_HEAD_BYTES: Final = 8192
MOST_FIELDS: Final = 64

TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A method, or the name of a field."""
VISIBLE: Final = re.compile(rb"[!-~]+")
TEXT: Final = re.compile(rb"[\t -~\x80-\xff]*")
"""A value of a field."""


class Refusal(Exception):
    """A request that is answered with an error: `status` such as 400, and a line that says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status: Final = status
        self.reason: Final = reason


class Request:
    """The head of a request.  `path` is without the query; names of `fields` are in lower case."""

    def __init__(self, method: bytes, path: bytes, fields: dict[bytes, bytes], keep_alive: bool) -> None:
        self.method: Final = method
        self.path: Final = path
        self.fields: Final = fields
        self.keep_alive: Final = keep_alive

    def field(self, name: bytes) -> bytes:
        """The value of a field, empty if there is none."""
        return self.fields.get(name, b"")


def head_end(data: bytes) -> int:
    """Where the first request in `data` ends; -1 if it is not complete.  Raises Refusal if it is too long."""
    at = data.find(b"\r\n\r\n", 0, MOST_HEAD_BYTES)
    if at < 0 and len(data) >= MOST_HEAD_BYTES:
        raise Refusal(431, "the head of the request is too long")
    return at + 4 if at >= 0 else -1


def parse_head(head: bytes) -> Request:
    """The request whose head is `head`, with the empty line at its end.  Raises Refusal."""
    lines = head[:-4].split(b"\r\n")
    words = lines[0].split(b" ")
    if len(words) != 3 or TOKEN.fullmatch(words[0]) is None:
        raise Refusal(400, "the request line is broken")
    method, target, version = words[0], words[1], words[2]
    if version != b"HTTP/1.1" and version != b"HTTP/1.0":
        raise Refusal(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    if not target.startswith(b"/") or VISIBLE.fullmatch(target) is None:
        raise Refusal(400, "the target of the request must be a path")
    fields = parse_fields(lines)
    if version == b"HTTP/1.1" and b"host" not in fields:
        raise Refusal(400, "the field Host is missing")
    if b"transfer-encoding" in fields or fields.get(b"content-length", b"0") != b"0":
        raise Refusal(413, "a request must have no body")
    asked = fields.get(b"connection", b"").lower()
    keep_alive = b"close" not in asked if version == b"HTTP/1.1" else b"keep-alive" in asked
    return Request(method, target.partition(b"?")[0], fields, keep_alive)


def parse_fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """The fields of a head by name; `lines[0]` is the request line.  Raises Refusal."""
    if len(lines) > MOST_FIELDS + 1:
        raise Refusal(431, "too many fields")
    fields: dict[bytes, bytes] = {}
    for at in range(1, len(lines)):
        name, colon, value = lines[at].partition(b":")
        value = value.strip(b" \t")
        if not colon or TOKEN.fullmatch(name) is None or TEXT.fullmatch(value) is None:
            raise Refusal(400, "a field is broken")
        name = name.lower()
        if name in fields:
            if name in ONCE:
                raise Refusal(400, "a field comes twice")
            value = fields[name] + b", " + value
        fields[name] = value
    return fields


ONCE: Final = frozenset(
    [b"host", b"origin", b"authorization", b"content-length", b"transfer-encoding", b"sec-fetch-site"]
)
"""Fields that a request must not repeat, because servers disagree about which one counts."""
