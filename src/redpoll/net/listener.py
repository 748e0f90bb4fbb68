"""Listening sockets: TCP over IPv4 and IPv6."""

from __future__ import annotations

import socket
from typing import Final

from redpoll.errors import ServerError
from redpoll.net.loop import Handler

MOST_ACCEPTS: Final = 64
"""Connections taken in one turn of the loop, so that a storm of them starves nobody."""


class Acceptor:
    """Who takes new connections."""

    def accepted(self, sock: socket.socket) -> None:
        raise NotImplementedError


class Listener(Handler):
    """One listening socket."""

    def __init__(self, sock: socket.socket, acceptor: Acceptor) -> None:
        self.sock: Final = sock
        self.acceptor: Final = acceptor

    def on_readable(self) -> None:
        for _ in range(MOST_ACCEPTS):
            try:
                sock, _address = self.sock.accept()
            except OSError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.acceptor.accepted(sock)


def listen(address: str, port: int, backlog: int) -> socket.socket:
    """A listening socket; ServerError tells the operator why there is none."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((("::" if family == socket.AF_INET6 else "") if address == "*" else address, port))
        sock.listen(backlog)
    except OSError as refused:
        sock.close()
        raise ServerError(
            f"port {port} cannot be used ({address}): {refused.strerror}; stop the other server or pass --port"
        ) from refused
    sock.setblocking(False)
    return sock
