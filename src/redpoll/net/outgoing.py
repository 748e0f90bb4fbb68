"""Connections that the server opens itself: the link to its primary.

Connecting does not block, except for a host name that must be looked up.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.net.clients import keep_alive
from redpoll.net.line import endpoint
from redpoll.net.loop import Handler, Reactor, Task
from redpoll.replication.network import Errand, Network, Receiver, Wire

READ_BYTES: Final[i64] = 1 << 18
PUMP_MS: Final[i64] = 100
"""How long a load that waits for data lets the loop wait at most."""

MULTIPATH_TCP: Final = 262
"""IPPROTO_MPTCP; the system may not have it."""

IN_PROGRESS: Final = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)


class Outgoing(Handler):
    """One connection."""

    def __init__(self, network: ReactorNetwork, sock: socket.socket, receiver: Receiver) -> None:
        self.network: Final = network
        self.reactor: Final[Reactor] = network.reactor
        self.sock: Final = sock
        self.fd: Final[int] = sock.fileno()
        self.receiver: Final = receiver
        self.is_connected = False
        self.closed = False
        self.paused = False
        self.waiting: list[bytes] = []
        """Bytes that the socket has not taken."""
        self.wire: Final = SocketWire(self)
        self.peer_name = b"?:0"
        self.own_name = b"?:0"
        self.reactor.add(self.fd, self)
        self.reactor.want_writable(self.fd, True)

    def on_writable(self) -> None:
        if not self.is_connected:
            failure = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if failure != 0:
                self.fail(os.strerror(failure))
                return
            self.is_connected = True
            self.peer_name = endpoint(self.sock, True)
            self.own_name = endpoint(self.sock, False)
            self.reactor.want_writable(self.fd, False)
            self.network.engine.start_unit()
            self.receiver.connected()
        if not self.closed:
            self.flush()
        if not self.closed and len(self.waiting) == 0:
            self.receiver.drained()

    def on_readable(self) -> None:
        if self.closed or self.paused or not self.is_connected:
            return
        try:
            data = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as failure:
            self.fail(failure.strerror or "the connection failed")
            return
        if len(data) == 0:
            self.fail("the other end closed the connection")
            return
        traffic = self.network.engine.traffic
        if self.receiver.counts_as_primary():
            traffic.received_of_primary += len(data)
        else:
            traffic.received += len(data)
        traffic.reads += 1
        self.network.engine.start_unit()
        self.receiver.received(data)

    def on_failure(self, failure: Exception) -> None:
        self.network.engine.counters.internal_errors += 1
        self.network.engine.host.log(f"internal error in the link to the {self.receiver.purpose()}: {failure!r}")
        self.fail("internal error")

    def fail(self, reason: str) -> None:
        if not self.closed:
            self.close()
            self.network.engine.start_unit()
            self.receiver.lost(reason)

    def send(self, data: bytes) -> None:
        if self.closed:
            return
        self.waiting.append(data)
        if len(self.waiting) == 1 and self.is_connected:
            self.flush()

    def flush(self) -> None:
        while len(self.waiting) > 0:
            data = b"".join(self.waiting)
            try:
                sent: i64 = self.sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                # Reading tells why, and closes.
                self.waiting = []
                return
            if sent == len(data):
                self.waiting = []
                break
            self.waiting = [data[sent:]]
            if not self.paused:
                self.reactor.want_writable(self.fd, True)
            return
        if not self.paused:
            self.reactor.want_writable(self.fd, False)

    def backlog(self) -> int:
        total = 0
        for data in self.waiting:
            total += len(data)
        return total

    def ask_writable(self) -> None:
        if not self.closed and not self.paused:
            self.reactor.want_writable(self.fd, True)

    def pause(self, paused: bool) -> None:
        if self.closed or paused == self.paused:
            return
        self.paused = paused
        if paused:
            self.reactor.remove(self.fd)
        else:
            self.reactor.add(self.fd, self)
            if len(self.waiting) > 0:
                self.reactor.want_writable(self.fd, True)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.reactor.remove(self.fd)
            self.sock.close()


class SocketWire(Wire):
    """The owner's view of an `Outgoing`."""

    def __init__(self, outgoing: Outgoing) -> None:
        self.outgoing: Final = outgoing

    def send(self, data: bytes) -> None:
        self.outgoing.send(data)

    def backlog(self) -> int:
        return self.outgoing.backlog()

    def ask_writable(self) -> None:
        self.outgoing.ask_writable()

    def pause(self, paused: bool) -> None:
        self.outgoing.pause(paused)

    def close(self) -> None:
        self.outgoing.close()

    def address(self) -> bytes:
        return self.outgoing.peer_name

    def local_address(self) -> bytes:
        return self.outgoing.own_name

    def descriptor(self) -> int:
        return self.outgoing.fd


class ErrandTask(Task):
    """An errand at the end of the turn of the loop."""

    def __init__(self, network: ReactorNetwork, errand: Errand) -> None:
        self.network: Final = network
        self.errand: Final = errand

    def run_task(self) -> None:
        self.network.engine.start_unit()
        self.errand.run_errand()


class ReactorNetwork(Network):
    """Opens connections in a reactor."""

    def __init__(self, engine: Engine, reactor: Reactor) -> None:
        self.engine: Final = engine
        self.reactor: Final = reactor

    def can_dial(self) -> bool:
        return True

    def dial(self, host: bytes, port: int, receiver: Receiver) -> Wire | None:
        config = self.engine.config
        source = config.string(b"bind-source-addr")
        try:
            found = socket.getaddrinfo(host.decode("utf-8", "surrogateescape"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as failure:
            self.engine.host.log(f"Unable to connect to {receiver.purpose()}: {failure}")
            return None
        family, kind, protocol, _, address = found[0]
        if config.flag(b"repl-mptcp"):
            protocol = MULTIPATH_TCP
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as failure:
            self.engine.host.log(f"Unable to connect to {receiver.purpose()}: {failure.strerror}")
            return None
        sock.setblocking(False)
        try:
            if source:
                sock.bind((source, 0))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            keep_alive(sock, config.integer(b"tcp-keepalive"))
            outcome = sock.connect_ex(address)
        except OSError as failure:
            sock.close()
            self.engine.host.log(f"Unable to connect to {receiver.purpose()}: {failure.strerror}")
            return None
        if outcome not in IN_PROGRESS:
            sock.close()
            self.engine.host.log(f"Unable to connect to {receiver.purpose()}: {os.strerror(outcome)}")
            return None
        return Outgoing(self, sock, receiver).wire

    def soon(self, errand: Errand) -> None:
        self.reactor.soon.append(ErrandTask(self, errand))

    def pump(self, wait: bool) -> bool:
        self.reactor.run_once(PUMP_MS if wait else i64(0))
        return not self.reactor.stopping

    def own_port(self) -> int:
        return self.engine.config.integer(b"port")
