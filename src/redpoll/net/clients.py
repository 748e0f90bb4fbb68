"""All connections of a server: accepting, counting, and closing those that exceed a limit."""

from __future__ import annotations

import socket
import traceback
from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.env.log import VERBOSE, Log
from redpoll.errors import PROTECTED_MODE, TOO_MANY_CLIENTS
from redpoll.net.client_memory import ClientMemory
from redpoll.net.connection import Connection, Owner
from redpoll.net.loop import Reactor, Timer
from redpoll.observe.client_line import client_line_for_log
from redpoll.protocol.requests import Limits

SWEEP_MS: Final[i64] = 1000


class Clients(Owner):
    """The connections by descriptor."""

    def __init__(self, engine: Engine, reactor: Reactor, limits: Limits, log: Log) -> None:
        super().__init__()
        self.engine: Final = engine
        self.reactor: Final = reactor
        self.limits: Final = limits
        self.log: Final = log
        self.open: Final[dict[int, Connection]] = {}
        self.memory: Final = ClientMemory(engine, log)
        reactor.add_timer(Sweep(self), SWEEP_MS)

    def accepted(self, sock: socket.socket) -> None:
        engine = self.engine
        if len(self.open) >= engine.options.maxclients:
            engine.traffic.rejected_connections += 1
            refuse(sock, TOO_MANY_CLIENTS)
            return
        if sock.family != socket.AF_UNIX:
            keep_alive(sock, engine.options.tcp_keepalive)
        engine.start_unit()
        connection = Connection(sock, engine, self.reactor, self.limits, self)
        if engine.options.protected_mode and not engine.password and not connection.line.is_local():
            engine.traffic.rejected_connections += 1
            refuse(sock, PROTECTED_MODE)
            engine.close_session(connection.session)
            connection.line.cut()
            return
        engine.traffic.connections += 1
        self.open[connection.fd] = connection
        self.reactor.add(connection.fd, connection)
        if self.log.level <= VERBOSE:
            self.log.verbose(f"Accepted {connection.line.source().decode('utf-8', 'surrogateescape')}")

    def forget(self, connection: Connection) -> None:
        self.open.pop(connection.fd, None)
        self.memory.forget(connection.session)
        if self.paused is not None:
            self.paused.go_on()
        if self.log.level <= VERBOSE:
            self.log.verbose(f"Client closed connection {client_line_for_log(connection.session)}")

    def busy(self, connection: Connection) -> None:
        self.memory.weigh(connection.session)

    def query_too_long(self, connection: Connection) -> None:
        self.engine.traffic.query_limit_closes += 1
        line = client_line_for_log(connection.session)
        self.log.warning(f"Closing client that reached max query buffer length: {line}")

    def output_too_long(self, connection: Connection, how: str) -> None:
        self.engine.traffic.output_limit_closes += 1
        line = client_line_for_log(connection.session)
        self.log.warning(f"Client {line} {how} for overcoming of output buffer limits.")

    def protocol_broken(self, connection: Connection, text: bytes) -> None:
        self.engine.counters.error(b"ERR " + text)
        if self.log.level <= VERBOSE:
            reason = text.partition(b": ")[2].decode("utf-8", "replace")
            self.log.verbose(f"Protocol error ({reason}) from client: {client_line_for_log(connection.session)}")

    def sweep(self) -> None:
        """Close connections that are idle for longer than `timeout` or read too slowly; look at the sizes of buffers.

        O(connections).
        """
        engine = self.engine
        engine.start_unit()
        timeout_us = engine.options.timeout * 1000000
        oldest_us = engine.moment.now_us - timeout_us
        largest_request: i64 = 0
        largest_reply: i64 = 0
        for connection in list(self.open.values()):
            largest_request = max(largest_request, connection.parser.pending_bytes())
            largest_reply = max(largest_reply, connection.pending_output())
            connection.shrink_buffer(engine.moment.now_us)
            if connection.backlog_bytes > 0 and connection.is_over_limit():
                self.output_too_long(connection, "closed")
                connection.close()
            elif timeout_us > 0 and connection.session.active_us < oldest_us and connection.session.may_be_idle():
                self.log.verbose("Closing idle client")
                connection.close()
        self.memory.sweep()
        engine.sampler.requests.add(largest_request)
        engine.sampler.replies.add(largest_reply)

    def log_failed(self, connection: Connection) -> None:
        peer = connection.line.address().decode()
        self.log.warning(f"internal error, closing the connection of {peer}: {traceback.format_exc()}")

    def close_all(self) -> None:
        """Send what can be sent at once, and close every connection."""
        for connection in list(self.open.values()):
            connection.flush()
            connection.close()


class Sweep(Timer):
    """Checks all connections once a second."""

    def __init__(self, clients: Clients) -> None:
        super().__init__()
        self.clients: Final = clients

    def run(self) -> i64:
        self.clients.sweep()
        return SWEEP_MS


def refuse(sock: socket.socket, text: bytes) -> None:
    """Send the reason, if the peer reads it, and close the connection."""
    try:
        sock.send(b"-%b\r\n" % text)
    except OSError:
        # The peer has gone already.
        pass
    sock.close()


def keep_alive(sock: socket.socket, seconds: i64) -> None:
    """Make the system detect within about twice `seconds` that a peer is gone (0: never)."""
    if seconds <= 0:
        return
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # macOS has another name for it.
        idle: int = getattr(socket, "TCP_KEEPIDLE", 0) or getattr(socket, "TCP_KEEPALIVE", 0)
        sock.setsockopt(socket.IPPROTO_TCP, idle, seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, seconds // 3 if seconds >= 3 else 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    except OSError:
        # A connection without keep-alive is better than none.
        return
