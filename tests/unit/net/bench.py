"""Real sockets around an engine on virtual time, in one thread: a test turns the loop until what it waits for is so."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import redpoll.commands
from redpoll.engine.engine import Engine
from redpoll.env.clock import VirtualClock
from redpoll.env.log import CollectedLog
from redpoll.env.random import Random
from redpoll.net.clients import Clients
from redpoll.net.loop import Reactor
from redpoll.protocol.requests import Limits

FAMILIES = redpoll.commands.FAMILIES
PATIENCE_SECONDS = 20.0


def request(*words: object) -> bytes:
    """The words as a client sends them."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class Bench:
    """An engine, a reactor, and the connections of `connect`."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.engine = Engine(self.clock, Random(1))
        self.reactor = Reactor()
        self.log = CollectedLog(self.clock, "verbose")
        self.clients = Clients(self.engine, self.reactor, Limits(), self.log)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.sockets: list[socket.socket] = [self.listener]

    def pair(self, receive_bytes: int = 0) -> tuple[socket.socket, socket.socket]:
        """Both ends of a connection; the client's has a receive buffer of about `receive_bytes` if that is given."""
        client = socket.socket()
        if receive_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.connect(self.listener.getsockname())
        server, _ = self.listener.accept()
        if receive_bytes:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, receive_bytes)
        server.setblocking(False)
        client.setblocking(False)
        self.sockets.append(client)
        return client, server

    def connect(self, receive_bytes: int = 0) -> Client:
        client, server = self.pair(receive_bytes)
        self.clients.accepted(server)
        return Client(self, client)

    def until(self, condition: Callable[[], bool]) -> None:
        """Turn the loop until `condition` holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "what was awaited did not come"
            self.reactor.run_once(1)

    def settle(self) -> None:
        """Turn the loop until nothing happens any more."""
        for _ in range(5):
            self.reactor.run_once(0)

    def pass_ms(self, ms: int) -> None:
        """Let time pass, and the engine and the sweep see it."""
        self.clock.advance_ms(ms)
        self.engine.tick()
        self.clients.sweep()
        self.settle()

    def close(self) -> None:
        self.clients.close_all()
        for sock in self.sockets:
            sock.close()

    def logged(self, words: str) -> list[str]:
        return [line for line in self.log.lines if words in line]


class Client:
    """The other end of a connection."""

    def __init__(self, bench: Bench, sock: socket.socket) -> None:
        self.bench = bench
        self.sock = sock
        self.got = b""

    def send(self, *words: object) -> None:
        self.send_bytes(request(*words))

    def send_bytes(self, data: bytes) -> None:
        """Send all of it, turning the loop whenever the server has to take some first; what it refuses is dropped."""
        while data:
            try:
                sent = self.sock.send(data)
            except BlockingIOError:
                self.bench.reactor.run_once(1)
                continue
            except (BrokenPipeError, ConnectionResetError):
                return
            data = data[sent:]

    def take(self) -> bool:
        """Read what is there; whether the connection still stands."""
        try:
            data = self.sock.recv(1 << 20)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        self.got += data
        return len(data) > 0

    def reads(self, expected: bytes) -> None:
        """Turn the loop until just these bytes have come."""

        def there() -> bool:
            assert self.take() or len(self.got) >= len(expected), f"closed after {self.got[-100:]!r}"
            return len(self.got) >= len(expected)

        self.bench.until(there)
        assert self.got == expected
        self.got = b""

    def asks(self, *words: object) -> bytes:
        """Send a command, and the line that comes back."""
        self.send(*words)
        self.bench.until(lambda: self.take() and self.got.endswith(b"\r\n"))
        found, self.got = self.got, b""
        return found

    def is_silent(self) -> bool:
        """Whether nothing comes though the loop has turned."""
        self.bench.settle()
        return self.take() and self.got == b""

    def ends(self) -> bytes:
        """Turn the loop until the server has closed; what came before."""
        self.bench.until(lambda: not self.take())
        return self.got
