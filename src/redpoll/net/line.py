"""Lines: the objects through which sessions and the event loop refer to a connection.

A closed connection is removed from its line, so a remaining reference to the line does nothing.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.engine.outliers import NO_SIZE
from redpoll.engine.session import Buffers, Peer, Session
from redpoll.net.loop import Task
from redpoll.protocol.encode import wire_of
from redpoll.protocol.reply import Message

if TYPE_CHECKING:
    from redpoll.net.connection import Connection

MOST_SPREAD: Final[i64] = 4096
"""After this many deliveries, a publishing connection waits until they are sent."""


class Line(Peer):
    """The session's view of its connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection: Connection | None = connection
        self.resuming = False
        sock = connection.sock
        self.is_unix: Final = sock.family == socket.AF_UNIX
        self.path: Final = unix_path(sock) if self.is_unix else b""
        self.peer_name: Final = b"[%b:0]:0" % self.path if self.is_unix else endpoint(sock, True)
        self.own_name: Final = self.peer_name if self.is_unix else endpoint(sock, False)
        self.fd: Final[int] = connection.fd
        self.local: Final = self.is_unix or self.peer_name.startswith((b"127.", b"[::1]", b"[::ffff:127."))

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

    def source(self) -> bytes:
        return b"unix:" + self.path if self.is_unix else self.peer_name

    def deliver(self, session: Session, reply: object) -> None:
        connection = self.connection
        if connection is None or connection.closing:
            return
        if connection.running:
            connection.later.append(reply)
            connection.apart = True
        else:
            connection.put(reply)
            connection.flush_soon()

    def push(self, session: Session, message: Message) -> None:
        connection = self.connection
        if connection is None:
            return
        if connection.running or session.tried is not None:
            connection.later.append(message)
            connection.apart = True
        else:
            connection.push(wire_of(message, session.resp))

    def release(self) -> None:
        connection = self.connection
        if connection is not None and not connection.running and len(connection.later) > 0:
            connection.send_later()
            connection.flush_soon()

    def spread(self, work: i64) -> None:
        connection = self.connection
        if connection is not None:
            connection.spread += work
            if connection.spread >= MOST_SPREAD and not connection.giving_way:
                connection.spread = 0
                connection.giving_way = True
                connection.apart = True
                connection.reactor.unhurried.append(GoOn(self))

    def requeue(self, args: list[bytes]) -> None:
        connection = self.connection
        if connection is not None:
            connection.commands.insert(0, args)

    def resume(self, session: Session) -> None:
        connection = self.connection
        if connection is not None and not self.resuming:
            self.resuming = True
            connection.reactor.soon.append(Resume(self))

    def close_after_reply(self) -> None:
        connection = self.connection
        if connection is not None:
            connection.end()

    def close(self) -> None:
        connection = self.connection
        if connection is not None:
            connection.close()

    def wake(self) -> None:
        connection = self.connection
        if connection is not None:
            connection.flush_soon()

    def write(self, data: bytes) -> None:
        connection = self.connection
        if connection is not None and not connection.closing:
            connection.output.write(data)
            connection.flush_soon()

    def freeze(self) -> None:
        connection = self.connection
        if connection is not None:
            connection.reactor.remove(self.fd)
            # Cleared, so that a backlog does not register it again.
            connection.writing = True

    def fill_packets(self) -> None:
        connection = self.connection
        if connection is not None and not self.is_unix:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)

    def hush(self) -> None:
        connection = self.connection
        if connection is not None:
            connection.apart = True

    def marks(self) -> bytes:
        connection = self.connection
        found = b"c" if connection is not None and connection.closing else b""
        return found + b"U" if self.is_unix else found

    def buffers(self) -> Buffers:
        found = Buffers()
        connection = self.connection
        if connection is not None:
            found.request = connection.parser.pending_bytes()
            output = connection.output
            found.room = output.room
            found.peak = output.peak
            found.reply = len(output.buffer)
            found.backlog = output.pieces_bytes + connection.backlog_bytes
            found.pieces = len(output.pieces) + len(connection.backlog) - connection.backlog_at
            found.received = connection.received
            found.sent = connection.sent
            found.writing = connection.writing
        return found


class Resume(Task):
    """Runs the remaining commands of a served session, outside the unit that served it."""

    def __init__(self, line: Line) -> None:
        self.line: Final = line

    def run_task(self) -> None:
        self.line.resuming = False
        connection = self.line.connection
        if connection is not None:
            outliers = connection.engine.outliers
            try:
                # The pending input may be large and has not been checked.
                outliers.weigh_requests(outliers.weigh_from != NO_SIZE)
                connection.process()
                outliers.weigh_requests(False)
            except Exception as failure:
                connection.on_failure(failure)


class GoOn(Task):
    """Resumes a publishing connection after its messages were sent."""

    def __init__(self, line: Line) -> None:
        self.line: Final = line

    def run_task(self) -> None:
        connection = self.line.connection
        if connection is not None:
            connection.giving_way = False
            self.line.resume(connection.session)


class Flush(Task):
    """Sends a connection's replies soon (`Connection.flush_soon`), or its messages in slices (`send_in_slices`)."""

    def __init__(self, line: Line) -> None:
        self.line: Final = line
        self.planned = False

    def run_task(self) -> None:
        self.planned = False
        connection = self.line.connection
        if connection is not None:
            try:
                connection.flush()
                if connection.engine.options.maxmemory_clients != 0 and not connection.closed:
                    connection.owner.busy(connection)
            except Exception as failure:
                connection.on_failure(failure)


def endpoint(sock: socket.socket, remote: bool) -> bytes:
    """`ip:port` of one end of a socket."""
    try:
        name = sock.getpeername() if remote else sock.getsockname()
    except OSError:
        return b"?:0"
    if isinstance(name, tuple):
        host = str(name[0])
        return (f"[{host}]:{name[1]}" if ":" in host else f"{host}:{name[1]}").encode()
    return b"?:0"


def unix_path(sock: socket.socket) -> bytes:
    """The path of the listening socket of a connection."""
    try:
        name = sock.getsockname()
    except OSError:
        return b"?"
    return name.encode("utf-8", "surrogateescape") if isinstance(name, str) else bytes(name)
