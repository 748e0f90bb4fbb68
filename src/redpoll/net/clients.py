"""All connections of a server: taking them, counting them, ending them."""

from __future__ import annotations

import socket
from typing import Final

from redpoll.engine.engine import Engine
from redpoll.env.log import Log
from redpoll.net.connection import Connection, Owner
from redpoll.net.loop import Reactor
from redpoll.protocol.requests import Limits


class Clients(Owner):
    """The connections by descriptor."""

    def __init__(self, engine: Engine, reactor: Reactor, limits: Limits, log: Log) -> None:
        self.engine: Final = engine
        self.reactor: Final = reactor
        self.limits: Final = limits
        self.log: Final = log
        self.open: Final[dict[int, Connection]] = {}

    def accepted(self, sock: socket.socket) -> None:
        engine = self.engine
        engine.connections += 1
        if len(self.open) >= engine.options.maxclients:
            refuse(sock)
            return
        engine.start_unit()
        connection = Connection(sock, engine, self.reactor, self.limits, self)
        self.open[connection.fd] = connection
        self.reactor.add(connection.fd, connection)

    def forget(self, connection: Connection) -> None:
        self.open.pop(connection.fd, None)

    def log_closed(self, connection: Connection, why: str) -> None:
        self.log.warning(f"Closing client that reached max query buffer length: {why}")

    def close_all(self) -> None:
        """Send what can be sent at once, and end every connection."""
        for connection in list(self.open.values()):
            connection.flush()
            connection.close()


def refuse(sock: socket.socket) -> None:
    """Say that there are too many, as far as the peer listens, and hang up."""
    try:
        sock.send(b"-ERR max number of clients reached\r\n")
    except OSError:
        # It has gone already.
        pass
    sock.close()
