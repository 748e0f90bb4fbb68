"""The cluster bus: its listener, its connections, and the timer of the node, in the reactor.

`cluster/machine.py` decides everything; here are only sockets.
"""

from __future__ import annotations

import errno
import socket
from typing import Final

from mypy_extensions import i64

from redpoll.cluster.machine import TICK_MS
from redpoll.cluster.node import Link
from redpoll.cluster.seat import Seat
from redpoll.engine.engine import Engine
from redpoll.env.log import Log
from redpoll.env.process import end_at_once
from redpoll.errors import ServerError
from redpoll.net.listener import listen_tcp
from redpoll.net.loop import Handler, Reactor, Timer

READ_BYTES: Final = 1 << 16
TICKS_PER_SECOND: Final = 1000 // TICK_MS


class BusConnection(Handler):
    """One connection of the bus; `link` is what the machine knows of it."""

    def __init__(self, bus: Bus, sock: socket.socket, link: Link, connecting: bool) -> None:
        self.bus: Final = bus
        self.sock: Final = sock
        self.fd: Final[int] = sock.fileno()
        self.link: Final = link
        self.connecting = connecting
        self.unsent = bytearray()
        self.writing = False
        self.closed = False
        bus.reactor.add(self.fd, self)
        if connecting:
            self.watch_writable(True)

    def watch_writable(self, wanted: bool) -> None:
        if self.writing != wanted:
            self.writing = wanted
            self.bus.reactor.want_writable(self.fd, wanted)

    def on_readable(self) -> None:
        if self.connecting:
            self.finish_connecting()
            return
        try:
            data = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.lost()
            return
        bus = self.bus
        bus.wake().received(self.link, data)
        bus.machine.finish()

    def on_writable(self) -> None:
        if self.connecting:
            self.finish_connecting()
        else:
            self.flush()

    def on_failure(self, failure: Exception) -> None:
        """An error of ours: only this connection ends."""
        self.bus.log(f"internal error on a bus connection: {failure!r}")
        self.lost()

    def finish_connecting(self) -> None:
        """The connection is made or refused."""
        failure = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            self.lost()
            return
        try:
            self.sock.getpeername()
        except OSError:
            return
        self.connecting = False
        self.watch_writable(False)
        bus = self.bus
        bus.wake().connected(self.link, host_of(self.sock, True), host_of(self.sock, False))
        bus.machine.finish()

    def lost(self) -> None:
        """The other side has gone."""
        if not self.closed:
            self.shut()
            self.bus.wake().lost(self.link)
            self.bus.machine.finish()

    def shut(self) -> None:
        """Close the socket."""
        self.closed = True
        self.bus.connections.pop(self.link.id, None)
        self.bus.reactor.remove(self.fd)
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Send now what the socket takes, and the rest later."""
        limit = self.bus.settings.sendbuf_limit
        if limit and len(self.unsent) + len(data) > limit:
            self.bus.machine.traffic.overfull += 1
            self.bus.overfull(self.link)
            return
        self.unsent += data
        if not self.writing:
            self.flush()

    def flush(self) -> None:
        if self.closed or not self.unsent:
            return
        try:
            sent = self.sock.send(self.unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            # Reading will find that it is broken.
            self.unsent.clear()
            sent = 0
        del self.unsent[:sent]
        self.watch_writable(len(self.unsent) > 0)

    def events(self) -> bytes:
        """What the loop waits for, as CLUSTER LINKS shows it."""
        return b"rw" if self.writing else b"r"


class Bus(Seat):
    """See the module's docstring."""

    def __init__(self, engine: Engine, reactor: Reactor, log: Log) -> None:
        super().__init__(engine)
        self.reactor: Final = reactor
        self.server_log: Final = log
        self.connections: Final[dict[int, BusConnection]] = {}
        self.listening: Final[list[BusListener]] = []
        self.full: list[Link] = []

    def open(self) -> None:
        """Listen on the bus, and activate the node.  Raises ServerError."""
        port = self.bus_port()
        for word in self.config.words(b"bind"):
            address = word.decode("utf-8", "surrogateescape").removeprefix("-")
            try:
                sock = listen_tcp(address, port, self.config.integer(b"tcp-backlog"))
            except OSError as refused:
                if word.startswith(b"-") and refused.errno != errno.EADDRINUSE:
                    continue
                self.close_all()
                raise ServerError(f"Failed listening on port {port} (cluster), aborting.") from refused
            self.listening.append(BusListener(self, sock))
        self.activate()
        self.reactor.add_timer(BusTimer(self), TICK_MS)

    def connect(self, link: Link, ip: bytes, port: int) -> None:
        address = ip.decode("ascii", "replace")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        source = self.config.string(b"bind-source-addr")
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if source:
                sock.bind((source, 0))
            sock.connect((address, port))
        except BlockingIOError:
            pass
        except (OSError, OverflowError, ValueError):
            sock.close()
            self.machine.lost(link)
            return
        self.connections[link.id] = BusConnection(self, sock, link, True)

    def send(self, link: Link, data: bytes) -> None:
        connection = self.connections.get(link.id)
        if connection is not None:
            connection.send(data)

    def close(self, link: Link) -> None:
        connection = self.connections.get(link.id)
        if connection is not None:
            connection.shut()

    def link_buffers(self, link: Link) -> tuple[bytes, int, int]:
        connection = self.connections.get(link.id)
        if connection is None:
            return b"r", 0, 0
        return connection.events(), len(connection.unsent), len(connection.unsent)

    def overfull(self, link: Link) -> None:
        """Close a link on which too much waits; in the next turn, because a message is being sent to others now."""
        self.full.append(link)

    def close_overfull(self) -> None:
        full = self.full
        self.full = []
        for link in full:
            self.machine.close(link)

    def accept(self, sock: socket.socket) -> None:
        """Another node has connected."""
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            # It has gone already; reading finds that too.
            pass
        link = self.wake().accepted(host_of(sock, True), host_of(sock, False))
        self.connections[link.id] = BusConnection(self, sock, link, False)

    def end(self) -> None:
        self.server_log.warning("Fatal: can't update the cluster configuration file.")
        end_at_once(1)

    def close_all(self) -> None:
        """Listen no longer, and close all connections."""
        for listener in self.listening:
            self.reactor.remove(listener.sock.fileno())
            listener.sock.close()
        self.listening.clear()
        for connection in list(self.connections.values()):
            connection.shut()


class BusListener(Handler):
    """A listening socket of the bus."""

    def __init__(self, bus: Bus, sock: socket.socket) -> None:
        self.bus: Final = bus
        self.sock: Final = sock
        bus.reactor.add(sock.fileno(), self)

    def on_readable(self) -> None:
        try:
            sock, _address = self.sock.accept()
        except OSError:
            # It has gone, or there is no descriptor left: the next turn tries again.
            return
        self.bus.accept(sock)


class BusTimer(Timer):
    """The timer of the machine."""

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self.bus: Final = bus

    def run(self) -> i64:
        bus = self.bus
        bus.wake()
        if len(bus.full) > 0:
            bus.close_overfull()
        bus.machine.tick()
        bus.machine.finish()
        if bus.machine.ticks % TICKS_PER_SECOND == 0:
            bus.look_at_waiting()
        return TICK_MS


def host_of(sock: socket.socket, peer: bool) -> bytes:
    """The address of one end of a connection; empty if it has gone."""
    try:
        name = sock.getpeername() if peer else sock.getsockname()
    except OSError:
        return b""
    host: str = name[0]
    return host.removeprefix("::ffff:").encode()
