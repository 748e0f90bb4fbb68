"""A client's connection: its socket, its parser, its output, and the session that it owns.

What a read brought is parsed first; then the keyspace touches the memory of the first keys of the next commands, so
that they need not wait for it one by one; then the commands run.  Replies leave in one `send`, at the latest when
64 KB have come together.
"""

from __future__ import annotations

import socket
from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.engine.session import Peer, Session
from redpoll.net.listener import Acceptor
from redpoll.net.loop import Handler, Reactor, Task
from redpoll.protocol.encode import Output, encode
from redpoll.protocol.reply import BLOCKED, NO_REPLY, Error
from redpoll.protocol.requests import Limits, RequestParser
from redpoll.structures.warming import WORTHWHILE

READ_BYTES: Final[i64] = 65536
READ_BULK_BYTES: Final[i64] = 1 << 20
FLUSH_BYTES: Final[i64] = 65536
BATCH: Final[i64] = 1024
WARM: Final[i64] = 32
WARM_FROM: Final[i64] = 4


class Owner(Acceptor):
    """Who takes and holds the connections."""

    def forget(self, connection: Connection) -> None:
        raise NotImplementedError

    def log_closed(self, connection: Connection, why: str) -> None:
        raise NotImplementedError


class Connection(Handler):
    """See the module's docstring."""

    def __init__(self, sock: socket.socket, engine: Engine, reactor: Reactor, limits: Limits, server: Owner) -> None:
        self.sock: Final = sock
        self.fd: Final[int] = sock.fileno()
        self.engine: Final = engine
        self.reactor: Final = reactor
        self.owner: Final = server
        self.output: Final = Output()
        self.backlog: list[bytes] = []
        self.backlog_bytes: i64 = 0
        self.writing = False
        self.closing = False
        self.closed = False
        self.commands: list[list[bytes]] = []
        self.line: Final = Line(self)
        self.flushing: Final = Flush(self.line)
        self.session: Final = engine.open_session(self.line)
        self.parser: Final = RequestParser(limits, self.session.authenticated)
        self.received: i64 = 0
        self.sent: i64 = 0

    def on_readable(self) -> None:
        parser = self.parser
        missing = parser.missing()
        size = READ_BYTES
        if missing > READ_BYTES:
            size = missing if missing < READ_BULK_BYTES else READ_BULK_BYTES
        try:
            data = self.sock.recv(size)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if len(data) == 0:
            self.close()
            return
        self.received += len(data)
        parser.feed(data)
        if parser.pending_bytes() > self.engine.options.client_query_buffer_limit:
            self.owner.log_closed(self, "query buffer limit")
            self.close()
            return
        self.process()

    def process(self) -> None:
        """Run what is complete, as far as the session does not wait."""
        session = self.session
        parser = self.parser
        self.engine.start_unit()
        while not self.closing and not session.waits():
            commands = self.commands
            failed: bytes | None = None
            if len(commands) == 0:
                parser.authenticated = session.authenticated
                failed = parser.parse(commands, BATCH if session.authenticated else 1)
                if len(commands) == 0 and failed is None:
                    break
            self.run(commands)
            if failed is not None and session.waiting is None and not self.closing:
                encode(self.output, Error(b"ERR " + failed), session.resp)
                self.closing = True
        self.flush_soon()

    def run(self, commands: list[list[bytes]]) -> None:
        """Run commands until the session waits or the connection ends; what is left stays in `commands`."""
        engine = self.engine
        session = self.session
        output = self.output
        count: i64 = len(commands)
        done: i64 = 0
        while done < count:
            if count >= WARM_FROM and done & (WARM - 1) == 0:
                warm(session, commands, done, count)
            reply = engine.execute(session, commands[done])
            done += 1
            if reply is not BLOCKED and reply is not NO_REPLY:
                encode(output, reply, session.resp)
                if output.size() >= FLUSH_BYTES:
                    self.flush()
            if session.waiting is not None or self.closing:
                break
        if done == count:
            commands.clear()
        else:
            del commands[:done]

    def flush_soon(self) -> None:
        """Send when this turn of the loop has read from all clients.

        Replies that leave together wake a client that serves many connections once, not once for each of them.
        """
        flushing = self.flushing
        if not flushing.planned:
            flushing.planned = True
            self.reactor.soon.append(flushing)

    def flush(self) -> None:
        """Send what there is; the rest when the socket takes it."""
        if self.closed:
            return
        output = self.output
        if self.backlog_bytes == 0:
            data = output.take_bytes()
            if data is not None:
                if len(data) > 0:
                    self._send(data)
            else:
                for piece in output.take():
                    self._send(piece)
        else:
            for piece in output.take():
                self.backlog.append(piece)
                self.backlog_bytes += len(piece)
        if self.backlog_bytes == 0 and self.closing:
            self.close()

    def _send(self, data: bytes) -> None:
        if self.closed:
            return
        if self.backlog_bytes > 0:
            self.backlog.append(data)
            self.backlog_bytes += len(data)
            return
        try:
            sent: i64 = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        self.sent += sent
        if sent < len(data):
            self.backlog.append(data[sent:])
            self.backlog_bytes = len(data) - sent
            self._write_later(True)

    def _write_later(self, wanted: bool) -> None:
        if self.writing != wanted:
            self.writing = wanted
            self.reactor.want_writable(self.fd, wanted)

    def on_writable(self) -> None:
        waiting = self.backlog
        self.backlog = []
        self.backlog_bytes = 0
        for n in range(len(waiting)):
            if self.backlog_bytes > 0:
                self.backlog.extend(waiting[n:])
                self.backlog_bytes = sum(len(piece) for piece in self.backlog)
                break
            self._send(waiting[n])
            if self.closed:
                return
        if self.backlog_bytes == 0:
            self._write_later(False)
            self.flush()

    def close(self) -> None:
        """End the connection; what is not sent yet is lost."""
        if self.closed:
            return
        self.closed = True
        self.closing = True
        self.backlog = []
        self.commands = []
        self.engine.close_session(self.session)
        self.reactor.remove(self.fd)
        self.sock.close()
        self.line.cut()
        self.owner.forget(self)

    def pending_output(self) -> i64:
        """Bytes that the client has not taken yet."""
        return self.output.size() + self.backlog_bytes


class Line(Peer):
    """What the session sees of its connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection: Connection | None = connection
        self.resuming = False
        sock = connection.sock
        self.peer_name: Final = endpoint(sock, True)
        self.own_name: Final = endpoint(sock, False)
        self.fd: Final[int] = connection.fd
        self.local: Final = self.peer_name.startswith((b"127.", b"[::1]", b"/"))

    def cut(self) -> None:
        """The connection is gone."""
        self.connection = None

    def address(self) -> bytes:
        return self.peer_name

    def local_address(self) -> bytes:
        return self.own_name

    def descriptor(self) -> int:
        return self.fd

    def is_local(self) -> bool:
        return self.local

    def deliver(self, session: Session, reply: object) -> None:
        connection = self.connection
        if connection is not None:
            encode(connection.output, reply, session.resp)

    def resume(self, session: Session) -> None:
        connection = self.connection
        if connection is not None and not self.resuming:
            self.resuming = True
            connection.reactor.soon.append(Resume(self))

    def close_after_reply(self) -> None:
        connection = self.connection
        if connection is not None:
            connection.closing = True

    def facts(self) -> bytes:
        connection = self.connection
        pending: i64 = connection.parser.pending_bytes() if connection is not None else 0
        held: i64 = connection.pending_output() if connection is not None else 0
        pieces = len(connection.backlog) if connection is not None else 0
        events = b"rw" if connection is not None and connection.writing else b"r"
        return b"qbuf=%d qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=%d omem=%d tot-mem=%d events=%b" % (
            pending, pieces, held, pending + held, events,
        )  # fmt: skip

    def traffic(self) -> bytes:
        connection = self.connection
        received: i64 = connection.received if connection is not None else 0
        sent: i64 = connection.sent if connection is not None else 0
        return b"tot-net-in=%d tot-net-out=%d" % (received, sent)


class Resume(Task):
    """Goes on with the commands that a served session had still to run, outside the unit that served it."""

    def __init__(self, line: Line) -> None:
        self.line: Final = line

    def run_task(self) -> None:
        self.line.resuming = False
        connection = self.line.connection
        if connection is not None:
            connection.process()


class Flush(Task):
    """Sends a connection's replies at the end of the turn; see `Connection.flush_soon`."""

    def __init__(self, line: Line) -> None:
        self.line: Final = line
        self.planned = False

    def run_task(self) -> None:
        self.planned = False
        connection = self.line.connection
        if connection is not None:
            connection.flush()


def endpoint(sock: socket.socket, remote: bool) -> bytes:
    """`ip:port` of one end of a socket."""
    try:
        name = sock.getpeername() if remote else sock.getsockname()
    except OSError:
        return b"?:0"
    if isinstance(name, tuple):
        host = str(name[0])
        return (f"[{host}]:{name[1]}" if ":" in host else f"{host}:{name[1]}").encode()
    return (str(name) or str(sock.getsockname())).encode() + b":0"


def warm(session: Session, commands: list[list[bytes]], first: i64, count: i64) -> None:
    """Touch the memory of the first keys of the next commands: loads that overlap instead of waiting in turn."""
    table = session.db.table
    if table.size < WORTHWHILE:
        return
    warming = session.engine.warming
    last: i64 = first + WARM
    if last > count:
        last = count
    while first < last:
        args = commands[first]
        if len(args) > 1:
            warming.add(table, args[1])
        first += 1
    session.engine.warmed += warming.touch(table)
