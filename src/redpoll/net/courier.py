"""A conversation with another server during which this one waits: MIGRATE."""

from __future__ import annotations

import socket
from typing import Final

from redpoll.errors import CANNOT_CONNECT, CANNOT_READ, CANNOT_WRITE, CommandError

READ_BYTES: Final = 1 << 16
MOST_LINE_BYTES: Final = 1 << 16
"""A reply line that is longer comes from no server of ours."""


def converse(host: bytes, port: bytes, requests: bytes, replies: int, timeout_ms: int) -> list[bytes]:
    """Connect, send `requests`, and read so many lines.  `timeout_ms` bounds each operation.  Raises CommandError."""
    if not port.isdigit() or len(port) > 5:
        raise CommandError(CANNOT_CONNECT)
    try:
        sock = socket.create_connection((host.decode("utf-8", "surrogateescape"), int(port)), timeout_ms / 1000)
    except ConnectionRefusedError:
        raise CommandError(CANNOT_WRITE) from None
    except (OSError, ValueError, OverflowError):
        raise CommandError(CANNOT_CONNECT) from None
    with sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(requests)
        except OSError:
            raise CommandError(CANNOT_WRITE) from None
        return read_lines(sock, replies)


def read_lines(sock: socket.socket, wanted: int) -> list[bytes]:
    """The next lines, without their ends.  Raises CommandError."""
    rest = b""
    lines: list[bytes] = []
    while len(lines) < wanted:
        try:
            data = sock.recv(READ_BYTES)
        except OSError:
            data = b""
        if not data or len(rest) > MOST_LINE_BYTES:
            raise CommandError(CANNOT_READ)
        *whole, rest = (rest + data).split(b"\r\n")
        lines += whole
    return lines[:wanted]
