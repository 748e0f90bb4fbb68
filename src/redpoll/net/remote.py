"""The sockets of MIGRATE: blocking ones, with a limit for each operation."""

from __future__ import annotations

import socket
from typing import Final

from mypy_extensions import i64

from redpoll.engine.remotes import Remote, RemoteError
from redpoll.errors import IO_CONNECTING, IO_READING, IO_WRITING

CHUNK: Final = 64 * 1024
LONGEST_LINE: Final = 64 * 1024


class SocketRemote(Remote):
    """A TCP connection to another server."""

    def __init__(self, host: bytes, port: bytes, timeout_ms: i64) -> None:
        """Connect.  Raises RemoteError."""
        super().__init__()
        self.received = b""
        try:
            self.sock = socket.create_connection((host.decode(), port_number(port)), float(timeout_ms) / 1000)
        except ConnectionRefusedError:
            # The reference notices it only when it writes.
            raise RemoteError(IO_WRITING, False) from None
        except (OSError, UnicodeError):
            raise RemoteError(IO_CONNECTING, True) from None
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def wait_at_most(self, timeout_ms: i64) -> None:
        self.sock.settimeout(float(timeout_ms) / 1000)

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        at = 0
        try:
            while at < len(data):
                # Not `sendall`: the limit is for each operation, so a large value may take longer.
                at += self.sock.send(view[at : at + CHUNK])
        except TimeoutError:
            raise RemoteError(IO_WRITING, True) from None
        except OSError:
            raise RemoteError(IO_WRITING, False) from None

    def line(self) -> bytes:
        while True:
            line, end, rest = self.received.partition(b"\n")
            if end:
                self.received = rest
                return line.removesuffix(b"\r")
            try:
                more = self.sock.recv(4096)
            except TimeoutError:
                raise RemoteError(IO_READING, True) from None
            except OSError:
                raise RemoteError(IO_READING, False) from None
            if not more or len(self.received) > LONGEST_LINE:
                raise RemoteError(IO_READING, False)
            self.received += more

    def close(self) -> None:
        self.sock.close()


def port_number(text: bytes) -> int:
    """A port as the reference reads it: digits up to the first other character, 16 bits of them.

    Raises RemoteError for a negative number, which is no name of a service.
    """
    digits = text.lstrip(b" +")
    if digits.startswith(b"-"):
        raise RemoteError(IO_CONNECTING, True)
    end = 0
    while end < len(digits) and digits[end : end + 1].isdigit():
        end += 1
    return int(digits[: min(end, 18)] or b"0") & 0xFFFF
