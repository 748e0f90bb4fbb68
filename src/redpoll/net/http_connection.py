"""One HTTP connection: it reads a request, makes a report in steps, sends it, and reads the next.

It never delays other clients.  A head has at most MOST_HEAD_BYTES.  The `unhurried` queue of the reactor makes and
sends a report after the replies to clients.  A client that sends a request or reads a response too slowly is
disconnected.
"""

from __future__ import annotations

import socket
import time
from typing import Final

from mypy_extensions import i64

from redpoll.net.http_requests import MOST_HEAD_BYTES, Refusal, Request, head_end, parse_head
from redpoll.net.loop import Handler, Reactor, Task, now_ms
from redpoll.observe.report import Finished, Report

REQUEST_MS: Final[i64] = 10000
"""Time limit of a request, from the connection or the first byte on."""
IDLE_MS: Final[i64] = 75000
"""A connection without a request is closed after this time.  Prometheus sends a request every 15 to 60 seconds."""
RESPONSE_MS: Final[i64] = 20000
"""Time limit for reading a response."""

PIECE_BYTES: Final[i64] = 1 << 16

REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}

ALWAYS: Final = (
    b"Cache-Control: no-store\r\n"
    b"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    b"Cross-Origin-Resource-Policy: same-origin\r\n"
    b"Cross-Origin-Opener-Policy: same-origin\r\n"
    b"Referrer-Policy: no-referrer\r\n"
    b"X-Content-Type-Options: nosniff\r\n"
)
"""Fields of every response.  They forbid caches, content from other sites, and frames."""

MORE_FIELDS: Final = {
    401: b'WWW-Authenticate: Basic realm="redpoll", charset="UTF-8"\r\n',
    405: b"Allow: GET, HEAD\r\n",
}


class Answer:
    """The answer to a request: a report and its media type."""

    def __init__(self, report: Report, media_type: str) -> None:
        self.report: Final = report
        self.media_type: Final = media_type


class Responder:
    """The owner of the connections; it knows what to answer."""

    def answer(self, request: Request, is_local: bool) -> Answer:
        """The answer to a request.  Raises Refusal."""
        raise NotImplementedError

    def closed(self, connection: HttpConnection) -> None:
        """A connection has closed."""
        raise NotImplementedError

    def failed(self, connection: HttpConnection) -> None:
        """Log the current exception, which closes a connection."""
        raise NotImplementedError


class HttpConnection(Handler):
    """See the module's docstring."""

    def __init__(self, sock: socket.socket, reactor: Reactor, owner: Responder, is_local: bool) -> None:
        self.sock: Final = sock
        self.fd: Final[int] = sock.fileno()
        self.reactor: Final = reactor
        self.owner: Final = owner
        self.is_local: Final = is_local
        self.received = b""
        self.making: Work | None = None
        """The current response."""
        self.unsent = b""
        self.unsent_at: i64 = 0
        """The bytes of `unsent` before this one are sent."""
        self.writing = False
        self.closing = False
        self.closed = False
        self.deadline_ms: i64 = now_ms() + REQUEST_MS
        reactor.add(self.fd, self)

    def is_idle(self) -> bool:
        """Whether it waits for a request."""
        return self.making is None and self.unsent == b""

    def on_readable(self) -> None:
        try:
            data = self.sock.recv(MOST_HEAD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if len(data) == 0:
            self.close()
            return
        if self.closing:
            # It stays open only until its response is sent.
            return
        if self.is_idle() and self.received == b"":
            self.deadline_ms = now_ms() + REQUEST_MS
        self.received += data
        if len(self.received) > 2 * MOST_HEAD_BYTES:
            # The client sends more requests without waiting for the answer.
            self.close()
            return
        self.next_request()

    def on_failure(self, failure: Exception) -> None:
        """Handle an internal error: close this connection only."""
        self.owner.failed(self)
        self.close()

    def next_request(self) -> None:
        """Begin to answer the next complete request if the last one is answered."""
        if not self.is_idle() or self.closing or self.closed:
            return
        try:
            end = head_end(self.received)
            if end < 0:
                return
            request = parse_head(self.received[:end])
        except Refusal as refused:
            # The start of the next request is not known.
            self.refuse(refused, False, True)
            return
        self.received = self.received[end:]
        self.deadline_ms = now_ms() + RESPONSE_MS
        headless = request.method == b"HEAD"
        try:
            answer = self.owner.answer(request, self.is_local)
        except Refusal as refused:
            self.refuse(refused, headless, not request.keep_alive)
            return
        self.make(200, answer, headless, not request.keep_alive)

    def refuse(self, refused: Refusal, headless: bool, last: bool) -> None:
        answer = Answer(Finished(refused.reason.encode() + b"\n"), "text/plain; charset=utf-8")
        self.deadline_ms = now_ms() + RESPONSE_MS
        self.make(refused.status, answer, headless, last)

    def make(self, status: int, answer: Answer, headless: bool, last: bool) -> None:
        """Make a response in steps, and send it; `last`: then close."""
        self.closing = last
        work = Work(self, status, answer, headless)
        self.making = work
        self.reactor.unhurried.append(work)

    def send(self, data: bytes) -> None:
        """Send a response; what the socket does not take follows later."""
        self.making = None
        self.unsent = data
        self.unsent_at = 0
        self.on_writable()

    def on_writable(self) -> None:
        if self.closed or self.unsent == b"":
            return
        stop = self.unsent_at + PIECE_BYTES
        try:
            self.unsent_at += self.sock.send(memoryview(self.unsent)[self.unsent_at : stop])
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        left = self.unsent_at < len(self.unsent)
        if left != self.writing:
            self.writing = left
            self.reactor.want_writable(self.fd, left)
        if left:
            return
        self.unsent = b""
        if self.closing:
            self.close()
            return
        self.deadline_ms = now_ms() + (IDLE_MS if self.received == b"" else REQUEST_MS)
        self.next_request()

    def close(self) -> None:
        """Close the connection.  What is unsent is lost."""
        if self.closed:
            return
        self.closed = True
        if self.making is not None:
            self.making.connection = None
            self.making = None
        self.unsent = b""
        self.reactor.remove(self.fd)
        self.sock.close()
        self.owner.closed(self)


class Work(Task):
    """Makes a response in steps, one for each turn of the `unhurried` queue."""

    def __init__(self, connection: HttpConnection, status: int, answer: Answer, headless: bool) -> None:
        self.connection: HttpConnection | None = connection
        self.status: Final = status
        self.answer: Final = answer
        self.headless: Final = headless

    def run_task(self) -> None:
        connection = self.connection
        if connection is None:
            return
        try:
            if self.answer.report.step():
                connection.reactor.unhurried.append(self)
                return
            self.connection = None
            connection.send(self.response(connection.closing))
        except Exception as failure:
            connection.on_failure(failure)

    def response(self, last: bool) -> bytes:
        body = self.answer.report.text()
        head = (
            f"HTTP/1.1 {self.status} {REASONS[self.status]}\r\n"
            f"Date: {http_date(time.time())}\r\n"
            f"Content-Type: {self.answer.media_type}\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"Connection: {'close' if last else 'keep-alive'}\r\n"
        )
        fields = ALWAYS + MORE_FIELDS.get(self.status, b"")
        return head.encode() + fields + b"\r\n" + (b"" if self.headless else body)


DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(seconds: float) -> str:
    """Seconds since 1970 as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT`."""
    at = time.gmtime(seconds)
    day = f"{DAYS[at.tm_wday]}, {at.tm_mday:02} {MONTHS[at.tm_mon - 1]} {at.tm_year}"
    return f"{day} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} GMT"
