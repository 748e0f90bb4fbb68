"""A client's connection: its socket, its parser, its output, and the session that it owns.

What a read brought is parsed first; then the keyspace touches the memory of the first keys of the next commands, so
that they need not wait for it one by one; then the commands run.  Replies leave in one `send`, at the latest when
64 KB have come together.

What happens seldom to a connection (it is closing, it wants no replies, its own command caused it a push) sets `apart`.
That ends the run of commands at hand, and `process` does what there is to do.
"""

from __future__ import annotations

import socket
from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_NOAUTH
from redpoll.engine.outliers import FLUSH_BYTES, NO_SIZE
from redpoll.engine.session import LOUD, SKIP_NEXT, SKIPPING, Buffers, Peer, Session
from redpoll.keyspace.key_lookups import WARM_FROM, WARM_KEYS
from redpoll.net.listener import Acceptor
from redpoll.net.loop import Handler, Reactor, Task
from redpoll.protocol.encode import Output, encode
from redpoll.protocol.reply import BLOCKED, NO_REPLY, Error, Push
from redpoll.protocol.requests import Limits, RequestParser

READ_BYTES: Final[i64] = 65536
READ_BULK_BYTES: Final[i64] = 1 << 20
BATCH: Final[i64] = 1024
MOST_UNAUTHENTICATED_BYTES: Final[i64] = 1024
"""So much may wait for a client that has not said who it is."""
WRITES: Final[i64] = 64
"""So often one client is sent something of its backlog in a turn of the loop."""
KEPT_PIECES: Final[i64] = 256
"""So many sent pieces may stay in the list of the backlog."""


class Owner(Acceptor):
    """Who takes and holds the connections."""

    def forget(self, connection: Connection) -> None:
        """It has ended."""
        raise NotImplementedError

    def query_too_long(self, connection: Connection) -> None:
        """It is being closed for `client-query-buffer-limit`."""
        raise NotImplementedError

    def output_too_long(self, connection: Connection, how: str) -> None:
        """It is being closed for `client-output-buffer-limit`."""
        raise NotImplementedError

    def protocol_broken(self, connection: Connection, text: bytes) -> None:
        """It is being closed for a protocol error."""
        raise NotImplementedError

    def log_failed(self, connection: Connection) -> None:
        """Log the exception at hand, which ends a connection."""
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
        self.backlog_at: i64 = 0
        """Pieces of the backlog before this one are sent ..."""
        self.backlog_sent: i64 = 0
        """... and so many bytes of this one."""
        self.backlog_bytes: i64 = 0
        self.soft_since_us: i64 = 0
        """Since when the soft limit of the output is exceeded, 0 if it is not."""
        self.writing = False
        self.closing = False
        self.closed = False
        self.apart = False
        self.running = False
        """Whether a command runs whose reply is not in the output yet."""
        self.later: list[object] = []
        """What came for the session meanwhile."""
        self.commands: list[list[bytes]] = []
        self.line: Final = Line(self)
        self.flushing: Final = Flush(self.line)
        self.session: Final = engine.open_session(self.line)
        self.parser: Final = RequestParser(limits, self.session.authenticated)
        self.received: i64 = 0
        self.sent: i64 = 0
        self.peak_since_us: i64 = self.session.created_us
        """Since when the largest size of the output's buffer is remembered."""

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
        engine = self.engine
        traffic = engine.traffic
        traffic.received += len(data)
        traffic.reads += 1
        if self.closing:
            # Only what it is still owed keeps it open.
            return
        parser.feed(data)
        outliers = engine.outliers
        pending = parser.pending_bytes()
        if pending > engine.options.client_query_buffer_limit:
            self.owner.query_too_long(self)
            self.close()
            return
        if pending >= outliers.weigh_from:
            outliers.weigh_requests(True)
        self.process()
        if outliers.weighing:
            outliers.weigh_requests(False)

    def on_failure(self, failure: Exception) -> None:
        """Out of memory between commands, or a mistake of ours: this client is lost, the others are not."""
        self.engine.counters.internal_errors += 1
        self.engine.outliers.weigh_requests(False)
        self.owner.log_failed(self)
        self.close()

    def process(self) -> None:
        """Run what is complete, as far as the session does not wait."""
        session = self.session
        parser = self.parser
        self.engine.start_unit()
        session.active_us = self.engine.moment.now_us
        while not self.closing and not session.waits():
            commands = self.commands
            failed: bytes | None = None
            if len(commands) == 0:
                parser.authenticated = session.gates & GATE_NOAUTH == 0
                most = BATCH
                if not parser.authenticated:
                    most = 1
                failed = parser.parse(commands, most)
                if len(commands) == 0 and failed is None:
                    break
            if session.quiet == LOUD:
                self.run(commands)
            else:
                self.run_quietly(commands)
            if self.apart:
                self.send_later()
            if failed is not None and len(commands) == 0 and session.waiting is None and not self.closing:
                self.owner.protocol_broken(self, failed)
                self.put(Error(b"ERR " + failed))
                self.end()
        self.flush_soon()

    def run(self, commands: list[list[bytes]]) -> None:
        """Run commands until the session waits or the connection ends; what is left stays in `commands`."""
        engine = self.engine
        session = self.session
        output = self.output
        count: i64 = len(commands)
        brim = engine.outliers.brim
        done: i64 = 0
        held = output.size()
        self.running = True
        while done < count:
            if count >= WARM_FROM and done & (WARM_KEYS - 1) == 0:
                session.db.warm_first(commands, done)
            reply = engine.execute(session, commands[done])
            done += 1
            if reply is not BLOCKED and reply is not NO_REPLY:
                encode(output, reply, session.resp)
                before = held
                held = output.size()
                if held >= brim:
                    if held >= engine.outliers.large_from:
                        now_us = engine.moment.now_us
                        engine.outliers.record_reply(session, commands[done - 1], reply, now_us, held - before)
                    if held >= FLUSH_BYTES:
                        self.flush()
                        held = output.size()
                    elif engine.reply_buffers.in_pieces:
                        output.finish_buffer()
            if session.waiting is not None or self.apart:
                if session.is_postponed():
                    done -= 1
                break
        self.running = False
        engine.traffic.commands += done
        if done == count:
            commands.clear()
        else:
            del commands[:done]

    def run_quietly(self, commands: list[list[bytes]]) -> None:
        """`run` for a session that wants no replies (CLIENT REPLY), until it wants them again."""
        session = self.session
        if session.quiet == SKIPPING:
            # The one to be skipped had to wait, and is over.
            session.quiet = LOUD
        done = 0
        self.running = True
        while done < len(commands) and session.quiet != LOUD:
            if session.quiet == SKIP_NEXT:
                session.quiet = SKIPPING
            reply = self.engine.execute(session, commands[done])
            done += 1
            if session.waiting is not None:
                if session.is_postponed():
                    done -= 1
                    if session.quiet == SKIPPING:
                        session.quiet = SKIP_NEXT
                break
            if session.quiet == LOUD:
                self.put(reply)
            elif session.quiet == SKIPPING:
                session.quiet = LOUD
            if self.closing:
                break
        self.running = False
        self.engine.traffic.commands += done
        del commands[:done]

    def send_later(self) -> None:
        """Send what came while a command ran, and see whether the connection is an ordinary one again."""
        later = self.later
        self.later = []
        for reply in later:
            self.put(reply)
        self.apart = self.closing or self.session.quiet != LOUD

    def put(self, reply: object) -> None:
        """Have a reply sent, if the session wants it."""
        if reply is not BLOCKED and reply is not NO_REPLY and not self.closed:
            if self.session.quiet == LOUD or isinstance(reply, Push):
                encode(self.output, reply, self.session.resp)
                if self.backlog_bytes > 0 or self.output.size() >= FLUSH_BYTES:
                    self.flush()
                elif self.engine.reply_buffers.in_pieces:
                    self.output.finish_buffer()

    def end(self) -> None:
        """Close when what was said is sent."""
        self.closing = True
        self.apart = True

    def flush_soon(self) -> None:
        """Send when this turn of the loop has read from all clients, or has taken a while.

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
        if self.backlog_bytes == 0:
            if self.closing:
                self.close()
        elif self.is_over_limit():
            self.owner.output_too_long(self, "scheduled to be closed ASAP")
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
        traffic = self.engine.traffic
        traffic.sent += sent
        traffic.writes += 1
        if sent < len(data):
            self.backlog.append(data)
            self.backlog_sent = sent
            self.backlog_bytes = len(data) - sent
            self._write_later(True)

    def _write_later(self, wanted: bool) -> None:
        if self.writing != wanted:
            self.writing = wanted
            self.reactor.want_writable(self.fd, wanted)

    def on_writable(self) -> None:
        """Send from the backlog, some WRITES times: whoever reads as fast as we write must not keep the loop."""
        traffic = self.engine.traffic
        writes: i64 = 0
        while self.backlog_bytes > 0:
            if writes == WRITES:
                return
            writes += 1
            data = self._next_of_backlog()
            skipped = self.backlog_sent
            try:
                # A view: to copy the rest of a large piece at every turn would take its square in time.
                sent: i64 = self.sock.send(memoryview(data)[skipped:] if skipped > 0 else data)
            except BlockingIOError:
                return
            except OSError:
                self.close()
                return
            self.sent += sent
            traffic.sent += sent
            traffic.writes += 1
            self.backlog_bytes -= sent
            if skipped + sent < len(data):
                self.backlog_sent = skipped + sent
                return
            self.backlog[self.backlog_at] = b""
            self.backlog_at += 1
            self.backlog_sent = 0
        self.backlog = []
        self.backlog_at = 0
        self._write_later(False)
        self.flush()

    def _next_of_backlog(self) -> bytes:
        """The next piece of the backlog; small ones become one, so that each `send` is worth its while."""
        backlog = self.backlog
        if self.backlog_at > KEPT_PIECES:
            del backlog[: self.backlog_at]
            self.backlog_at = 0
        first = self.backlog_at
        size: i64 = 0
        at = first
        while at < len(backlog) and (at == first or size + len(backlog[at]) <= FLUSH_BYTES):
            size += len(backlog[at])
            at += 1
        if at > first + 1:
            # Behind what is already gone: `backlog_sent` counts from the start of the first.
            last = at - 1
            backlog[last] = b"".join(backlog[first:at])
            for n in range(first, last):
                backlog[n] = b""
            self.backlog_at = last
        return backlog[self.backlog_at]

    def is_over_limit(self) -> bool:
        """Whether the client has left too much unread, by `client-output-buffer-limit`."""
        limit = self.engine.options.output_limits[self.session.output_class()]
        held = self.pending_output()
        if held > MOST_UNAUTHENTICATED_BYTES and self.session.gates & GATE_NOAUTH != 0:
            return True
        if limit.hard > 0 and held >= limit.hard:
            return True
        if limit.soft == 0 or held < limit.soft:
            self.soft_since_us = 0
            return False
        now_us = self.engine.moment.now_us
        if self.soft_since_us == 0:
            self.soft_since_us = now_us
        return now_us - self.soft_since_us > limit.seconds * 1000000

    def close(self) -> None:
        """End the connection; what is not sent yet is lost."""
        if self.closed:
            return
        self.closed = True
        self.end()
        self.backlog = []
        self.backlog_at = 0
        self.backlog_bytes = 0
        self.commands = []
        self.engine.close_session(self.session)
        self.reactor.remove(self.fd)
        self.sock.close()
        self.owner.forget(self)
        self.line.cut()

    def shrink_buffer(self, now_us: i64) -> None:
        """Give back the memory of the output's buffer if it was hardly used for a while."""
        kept = self.engine.reply_buffers
        if not kept.resizing:
            return
        self.output.shrink()
        if kept.peak_reset_us >= 0 and now_us - self.peak_since_us >= kept.peak_reset_us:
            self.output.peak = len(self.output.buffer)
            self.peak_since_us = now_us

    def pending_output(self) -> i64:
        """Bytes that the client has not taken yet."""
        return self.output.size() + self.backlog_bytes


class Line(Peer):
    """What the session sees of its connection."""

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

    def hold(self) -> None:
        connection = self.connection
        if connection is not None:
            connection.reactor.remove(self.fd)
            # So that a backlog does not put it back.
            connection.writing = True

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
    """Goes on with the commands that a served session had still to run, outside the unit that served it."""

    def __init__(self, line: Line) -> None:
        self.line: Final = line

    def run_task(self) -> None:
        self.line.resuming = False
        connection = self.line.connection
        if connection is not None:
            outliers = connection.engine.outliers
            try:
                # What it holds may well be large, and nobody has looked.
                outliers.weigh_requests(outliers.weigh_from != NO_SIZE)
                connection.process()
                outliers.weigh_requests(False)
            except Exception as failure:
                connection.on_failure(failure)


class Flush(Task):
    """Sends a connection's replies soon; see `Connection.flush_soon`."""

    def __init__(self, line: Line) -> None:
        self.line: Final = line
        self.planned = False

    def run_task(self) -> None:
        self.planned = False
        connection = self.line.connection
        if connection is not None:
            try:
                connection.flush()
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
    """The path of the listening socket that a connection came through."""
    try:
        name = sock.getsockname()
    except OSError:
        return b"?"
    return name.encode("utf-8", "surrogateescape") if isinstance(name, str) else bytes(name)
