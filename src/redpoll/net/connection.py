"""A client's connection: its socket, its parser, its output, and the session that it owns.

The received bytes are parsed first.  Then the keyspace reads the memory of the first keys of the next commands, so that
the commands do not wait for it one by one.  Then the commands run.  Replies leave in one `send`, at the latest when
there are 64 KB.

Rare states of a connection (it is closing, it wants no replies, its own command caused a push) set `apart`.  This ends
the current run of commands, and `process` handles the state.
"""

from __future__ import annotations

import os
import socket
from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_NOAUTH
from redpoll.engine.outliers import FLUSH_BYTES
from redpoll.engine.role import Follower
from redpoll.engine.session import LOUD, SKIP_NEXT, SKIPPING
from redpoll.keyspace.key_lookups import WARM_FROM, WARM_KEYS
from redpoll.net.line import Flush, Line
from redpoll.net.listener import Acceptor
from redpoll.net.loop import Handler, Reactor
from redpoll.protocol.encode import encode, wire_of
from redpoll.protocol.output import Output
from redpoll.protocol.reply import BLOCKED, NO_REPLY, Error, Message, is_push
from redpoll.protocol.requests import Limits, RequestParser

READ: Final = os.read
WRITE: Final = os.write
"""These take half the instructions of a socket's methods, which parse a tuple and look after a timeout."""
SHORT_READ: Final[i64] = 479
"""The longest bytes object that Python's own allocator holds: a read of up to READ_BYTES costs two calls of malloc."""
READ_BYTES: Final[i64] = 65536
READ_BULK_BYTES: Final[i64] = 1 << 20
BATCH: Final[i64] = 1024
MOST_UNAUTHENTICATED_BYTES: Final[i64] = 1024
"""The limit of unsent output for a client that is not authenticated."""
WRITES: Final[i64] = 64
"""So often one client is sent something of its backlog in a turn of the loop."""
UNCOUNTED_BYTES: Final[i64] = 16384
"""A subscriber may always be owed so much: the reference counts only what exceeds a buffer of this size."""
KEPT_PIECES: Final[i64] = 256
"""So many sent pieces may stay in the list of the backlog."""


class Owner(Acceptor):
    """The owner of the connections."""

    def forget(self, connection: Connection) -> None:
        """A connection has closed."""
        raise NotImplementedError

    def busy(self, connection: Connection) -> None:
        """It may hold more than before, while `maxmemory-clients` bounds what all hold together."""
        raise NotImplementedError

    def query_too_long(self, connection: Connection) -> None:
        """A connection is being closed because of `client-query-buffer-limit`."""
        raise NotImplementedError

    def output_too_long(self, connection: Connection, how: str) -> None:
        """A connection is being closed because of `client-output-buffer-limit`."""
        raise NotImplementedError

    def protocol_broken(self, connection: Connection, text: bytes) -> None:
        """A connection is being closed because of a protocol error."""
        raise NotImplementedError

    def log_failed(self, connection: Connection) -> None:
        """Log the current exception, which closes a connection."""
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
        """... and this many bytes of this one."""
        self.backlog_bytes: i64 = 0
        self.soft_since_us: i64 = 0
        """Since when the soft limit of the output is exceeded, 0 if it is not."""
        self.reads_short = True
        """Whether the last read was a short one: the next one is tried with a small buffer."""
        self.writing = False
        self.closing = False
        self.closed = False
        self.apart = False
        self.running = False
        """Whether a command is running whose reply is not in the output yet."""
        self.later: list[object] = []
        """Pushes and messages for the session that arrived meanwhile."""
        self.giving_way = False
        """Whether it waits until the messages that it published are sent."""
        self.spread: i64 = 0
        """Deliveries of its messages since it last waited."""
        self.commands: list[list[bytes]] = []
        self.line: Final = Line(self)
        self.flushing: Final = Flush(self.line)
        self.sending: Flush | None = None
        """Its place in the queue of those who are sent messages, made for the first one."""
        self.session: Final = engine.open_session(self.line)
        self.parser: Final = RequestParser(limits, self.session.authenticated)
        self.received: i64 = 0
        self.sent: i64 = 0
        self.peak_since_us: i64 = self.session.created_us
        """Since when the largest size of the output's buffer is remembered."""

    def on_readable(self) -> None:
        if self.giving_way or self.running:
            # A command that takes long (DEBUG RELOAD, a script) may let others be served, but not its own connection.
            return
        parser = self.parser
        missing = parser.missing()
        size = SHORT_READ if self.reads_short else READ_BYTES
        if missing > size:
            size = READ_BYTES if missing <= READ_BYTES else missing if missing < READ_BULK_BYTES else READ_BULK_BYTES
        try:
            data = READ(self.fd, size)
            self.reads_short = len(data) < SHORT_READ
            if size == SHORT_READ and not self.reads_short:
                data = self._read_on(data)
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
            # It stays open only until its replies are sent.
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

    def _read_on(self, start: bytes) -> bytes:
        """`start`, which filled a short read, and what came with it."""
        try:
            return start + READ(self.fd, READ_BYTES)
        except OSError:
            # There is no more, or the connection is broken, which the next turn finds.
            return start

    def on_failure(self, failure: Exception) -> None:
        """Handle lack of memory between commands, or a bug: close this connection only."""
        self.engine.counters.internal_errors += 1
        self.engine.outliers.weigh_requests(False)
        self.owner.log_failed(self)
        self.close()

    def process(self) -> None:
        """Run the complete commands, until the session waits."""
        session = self.session
        parser = self.parser
        if self.running:
            return
        self.engine.start_unit()
        session.active_us = self.engine.moment.now_us
        while not self.closing and not session.waits() and not self.gives_way():
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
            if self.gives_way():
                # Asked again, the parser complains again.
                break
            if failed is None:
                if parser.pending_bytes() == 0 and len(commands) == 0:
                    # The usual case: all that was received has run.
                    break
            elif len(commands) == 0 and session.waiting is None and not self.closing:
                self.owner.protocol_broken(self, failed)
                self.put(Error(b"ERR " + failed))
                self.end()
        self.flush_soon()

    def gives_way(self) -> bool:
        """Whether its messages are sent first.  To be asked in a loop: of an attribute the compiler would know."""
        return self.giving_way

    def run(self, commands: list[list[bytes]]) -> None:
        """Run commands until the session waits or the connection closes.  The rest stays in `commands`."""
        engine = self.engine
        session = self.session
        output = self.output
        count: i64 = len(commands)
        brim = engine.outliers.brim
        done: i64 = 0
        held = output.size()
        warming = engine.moment.warming
        warmed = False
        self.running = True
        while done < count:
            args = commands[done]
            if count >= WARM_FROM:
                turn = done & (WARM_KEYS - 1)
                if turn == 0:
                    warmed = session.db.warm_first(commands, done)
                if warmed and len(args) > 1:
                    warming.expect(args[1], turn)
            reply = engine.execute(session, args)
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
        if warmed:
            warming.expect_none()
        engine.traffic.commands += done
        if done == count:
            commands.clear()
        else:
            del commands[:done]

    def run_quietly(self, commands: list[list[bytes]]) -> None:
        """`run` for a session that wants no replies (CLIENT REPLY), until it wants them again.

        If the session has a taker, that gets all commands in place of the engine.
        """
        session = self.session
        taker = session.taker
        if taker is not None:
            self.running = True
            self.engine.traffic.commands += len(commands)
            taker.take(commands, self.received)
            self.running = False
            commands.clear()
            return
        if session.quiet == SKIPPING:
            # The command whose reply is skipped had to wait, and has ended.
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
            self.put(reply)
            if session.quiet == SKIPPING:
                session.quiet = LOUD
            if self.closing:
                break
        self.running = False
        self.engine.traffic.commands += done
        del commands[:done]

    def send_later(self) -> None:
        """Send the pushes that came while a command ran, and check whether the connection is an ordinary one again."""
        later = self.later
        self.later = []
        for reply in later:
            if isinstance(reply, Message):
                self.push(wire_of(reply, self.session.resp))
            else:
                self.put(reply)
        self.apart = self.closing or self.session.quiet != LOUD

    def put(self, reply: object) -> None:
        """Queue a reply for sending, unless the session wants none."""
        if reply is not BLOCKED and reply is not NO_REPLY and not self.closed:
            if self.session.quiet == LOUD or is_push(reply):
                encode(self.output, reply, self.session.resp)
                if self.backlog_bytes > 0 or self.output.size() >= FLUSH_BYTES:
                    self.flush()
                elif self.engine.reply_buffers.in_pieces:
                    self.output.finish_buffer()

    def push(self, wire: bytes) -> None:
        """Put a message behind what there is to send.  Neither sends nor closes: a command runs."""
        if self.closing:
            return
        output = self.output
        output.write(wire)
        if output.size() + self.backlog_bytes > UNCOUNTED_BYTES:
            if len(output.buffer) >= FLUSH_BYTES:
                output.finish_buffer()
            if self.is_over_limit():
                self.give_up()
                return
        if self.backlog_bytes == 0:
            self.send_in_slices()

    def give_up(self) -> None:
        """Close at the end of this turn, without another byte: too much waits for this client."""
        self.owner.output_too_long(self, "scheduled to be closed ASAP")
        self.end()
        self.output.take()
        self.backlog = []
        self.backlog_at = 0
        self.backlog_bytes = 0
        self.flush_soon()

    def send_in_slices(self) -> None:
        """Send when those are served who have waited longer, a slice of them a turn."""
        if self.flushing.planned:
            return
        sending = self.sending
        if sending is None:
            sending = Flush(self.line)
            self.sending = sending
        if not sending.planned:
            sending.planned = True
            self.reactor.unhurried.append(sending)

    def end(self) -> None:
        """Close the connection after the pending replies are sent."""
        self.closing = True
        self.apart = True

    def flush_soon(self) -> None:
        """Send after this turn of the loop has read from all clients, or after a while.

        A client with many connections then wakes up once, not once for each reply.
        """
        flushing = self.flushing
        if not flushing.planned:
            flushing.planned = True
            self.reactor.soon.append(flushing)

    def flush(self) -> None:
        """Send the pending output; the rest follows when the socket is writable."""
        if self.closed:
            return
        if self.engine.unwritten:
            # A reply must not leave before the effects of its command are written.
            self.engine.commit()
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
            elif self.session.follower is not None:
                self._feed(self.session.follower)
        elif self.is_over_limit():
            self.owner.output_too_long(self, "scheduled to be closed ASAP")
            self.close()

    def _feed(self, follower: Follower) -> None:
        """Send a replica what it has not got yet, while the socket takes it."""
        writes: i64 = 0
        while self.backlog_bytes == 0 and not self.closed:
            if writes == WRITES:
                # The others have their turn first.
                self._write_later(True)
                return
            piece = follower.next_piece()
            if len(piece) == 0:
                if follower.ends():
                    self.close()
                return
            writes += 1
            self._send(piece)
            self.engine.traffic.sent_to_replicas += len(piece)

    def _send(self, data: bytes) -> None:
        if self.closed:
            return
        if self.backlog_bytes > 0:
            self.backlog.append(data)
            self.backlog_bytes += len(data)
            return
        try:
            sent: i64 = WRITE(self.fd, data)
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
        """Send from the backlog, at most WRITES times, so that a client that reads as fast as we write cannot occupy
        the loop.
        """
        traffic = self.engine.traffic
        writes: i64 = 0
        while self.backlog_bytes > 0:
            if writes == WRITES:
                return
            writes += 1
            data = self._next_of_backlog()
            skipped = self.backlog_sent
            try:
                # A view, because copying the rest of a large piece at every turn would take quadratic time.
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
        """The next piece of the backlog.  Small pieces are joined, so that each `send` is worth its cost."""
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
            # Insert after the bytes that are sent already: `backlog_sent` counts from the start of the first piece.
            last = at - 1
            backlog[last] = b"".join(backlog[first:at])
            for n in range(first, last):
                backlog[n] = b""
            self.backlog_at = last
        return backlog[self.backlog_at]

    def is_over_limit(self) -> bool:
        """Whether the unsent output exceeds `client-output-buffer-limit`."""
        limit = self.engine.options.output_limits[self.session.output_class()]
        held = self.pending_output()
        hard = limit.hard
        follower = self.session.follower
        if follower is not None:
            held += follower.pending()
            # What the ring keeps anyway is no burden.
            if 0 < hard < self.engine.options.repl_backlog_size:
                hard = self.engine.options.repl_backlog_size
        if held > MOST_UNAUTHENTICATED_BYTES and self.session.gates & GATE_NOAUTH != 0:
            return True
        if hard > 0 and held >= hard:
            return True
        if limit.soft == 0 or held < limit.soft:
            self.soft_since_us = 0
            return False
        now_us = self.engine.moment.now_us
        if self.soft_since_us == 0:
            self.soft_since_us = now_us
        return now_us - self.soft_since_us > limit.seconds * 1000000

    def close(self) -> None:
        """Close the connection.  Unsent output is lost."""
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
