"""The HTTP server of `metrics-port`: `/metrics` for Prometheus and the page `/`.  It runs in the server's event loop.

It answers GET and HEAD to at most MOST_CONNECTIONS connections.  `http_access.py` checks each request.
"""

from __future__ import annotations

import socket
import traceback
from pathlib import Path
from typing import Final

from mypy_extensions import i64

import redpoll
from redpoll.config.settings import Config, Effects
from redpoll.engine.engine import Engine
from redpoll.env.log import Log
from redpoll.errors import ServerError
from redpoll.net.http_access import check_access
from redpoll.net.http_connection import Answer, HttpConnection, Responder
from redpoll.net.http_requests import Refusal, Request
from redpoll.net.listener import EXHAUSTED, MAY_BE_MISSING, listen_tcp
from redpoll.net.loop import Handler, Reactor, Timer, now_ms
from redpoll.observe.metrics import CONTENT_TYPE, Metrics
from redpoll.observe.page_data import CONTENT_TYPE as JSON
from redpoll.observe.page_data import PageData
from redpoll.observe.report import Finished
from redpoll.observe.survey import Survey

MOST_CONNECTIONS: Final = 16
"""The server reserves file descriptors for them."""
SWEEP_MS: Final[i64] = 1000
BACKLOG: Final = 64

SURVEY_MS: Final[i64] = 100
SURVEY_US: Final[i64] = 1000
"""Duration of a step of the survey, and the time between two steps, while a browser shows the page."""
WATCHED_MS: Final[i64] = 5000
"""A browser shows the page if the page has sent a request within this time."""

PAGE_FILES: Final = {
    b"/": ("index.html", "text/html; charset=utf-8"),
    b"/page.js": ("page.js", "text/javascript; charset=utf-8"),
    b"/page.css": ("page.css", "text/css; charset=utf-8"),
    b"/icon.svg": ("icon.svg", "image/svg+xml"),
}


class HttpServer(Responder):
    """The listeners and connections of `metrics-port`.  Does nothing, and imports nothing, while that is 0."""

    def __init__(self, engine: Engine, reactor: Reactor, log: Log) -> None:
        self.engine: Final = engine
        self.reactor: Final = reactor
        self.log: Final = log
        self.listeners: list[HttpListener] = []
        self.connections: Final[dict[int, HttpConnection]] = {}
        self.survey: Final = Survey(engine)
        self.asked_ms: i64 = -WATCHED_MS
        """Time of the last request from the page."""
        self.files: Final[dict[bytes, bytes]] = {}
        """The files of the page, by path; read when the first listener opens."""

    def open(self) -> None:
        """Listen as the settings say; raises ServerError, and then nothing is open."""
        config = self.engine.config
        port = config.integer(b"metrics-port")
        if port == 0:
            return
        self.prepare()
        for word in config.words(b"metrics-bind"):
            address = word.decode("utf-8", "surrogateescape")
            try:
                self.listeners.append(HttpListener(listen_tcp(address.removeprefix("-"), port, BACKLOG), self))
            except OSError as refused:
                if address.startswith("-") and refused.errno in MAY_BE_MISSING:
                    continue
                self.close_listeners()
                where = f"{address.removeprefix('-')}:{port}"
                raise ServerError(f"Failed listening on metrics-port {where}: {refused.strerror}") from refused
        self.log.notice(f"Metrics are served on http://localhost:{port}/")

    def prepare(self) -> None:
        """Import the modules that only `metrics-port` needs.  Raises ServerError."""
        if len(self.files) > 0:
            return
        try:
            import prometheus_client
        except ImportError as missing:
            raise ServerError("metrics-port needs the package prometheus-client: pip install prometheus-client") from (
                missing
            )
        assert prometheus_client.generate_latest is not None
        folder = Path(str(redpoll.__file__)).parent / "net" / "page"
        for path, (name, _) in PAGE_FILES.items():
            self.files[path] = (folder / name).read_bytes()
        self.reactor.add_timer(Sweep(self), SWEEP_MS)
        self.reactor.add_timer(Look(self), SURVEY_MS)

    # ---- connections

    def accepted(self, sock: socket.socket, address: str) -> None:
        if len(self.connections) >= MOST_CONNECTIONS:
            self.make_room()
        sock.setblocking(False)
        is_local = address.startswith(("127.", "::ffff:127.")) or address == "::1"
        connection = HttpConnection(sock, self.reactor, self, is_local)
        self.connections[connection.fd] = connection

    def make_room(self) -> None:
        """Close the connection that has waited longest for a request, or else the one that must end first."""
        chosen: HttpConnection | None = None
        for connection in self.connections.values():
            if chosen is None or (not connection.is_idle(), connection.deadline_ms) < (
                not chosen.is_idle(),
                chosen.deadline_ms,
            ):
                chosen = connection
        if chosen is not None:
            chosen.close()

    def closed(self, connection: HttpConnection) -> None:
        self.connections.pop(connection.fd, None)

    def failed(self, connection: HttpConnection) -> None:
        self.engine.counters.internal_errors += 1
        self.log.warning(f"internal error, closing a connection of metrics-port: {traceback.format_exc()}")

    def sweep(self) -> None:
        """Close slow connections; accept again if there was no free file descriptor."""
        for listener in self.listeners:
            listener.watch(True)
        now = now_ms()
        for connection in list(self.connections.values()):
            if connection.deadline_ms <= now:
                connection.close()

    def close_listeners(self) -> None:
        for listener in self.listeners:
            listener.close()
        self.listeners = []

    def close(self) -> None:
        """Close listeners and connections."""
        self.close_listeners()
        for connection in list(self.connections.values()):
            connection.close()

    # ---- answers

    def answer(self, request: Request, is_local: bool) -> Answer:
        self.engine.start_unit()
        check_access(self.engine, request, is_local)
        if request.method != b"GET" and request.method != b"HEAD":
            raise Refusal(405, "only GET and HEAD are answered")
        if request.path == b"/metrics":
            return Answer(Metrics(self.engine), CONTENT_TYPE)
        if request.path == b"/data.json":
            if now_ms() - self.asked_ms >= WATCHED_MS:
                # Begin at once, so that the first answer has something to show.
                self.survey.work(SURVEY_US)
            self.asked_ms = now_ms()
            return Answer(PageData(self.engine, self.survey), JSON)
        found = self.files.get(request.path)
        if found is None:
            raise Refusal(404, "there are /, /metrics and /data.json")
        return Answer(Finished(found), PAGE_FILES[request.path][1])


class HttpListener(Handler):
    """A listening socket of `metrics-port`."""

    def __init__(self, sock: socket.socket, server: HttpServer) -> None:
        self.sock: Final = sock
        self.server: Final = server
        self.watched = False
        self.watch(True)

    def watch(self, wanted: bool) -> None:
        """Start or stop accepting connections."""
        if wanted == self.watched:
            return
        self.watched = wanted
        if wanted:
            self.server.reactor.add(self.sock.fileno(), self)
        else:
            self.server.reactor.remove(self.sock.fileno())

    def on_readable(self) -> None:
        try:
            sock, address = self.sock.accept()
        except OSError as refused:
            if refused.errno in EXHAUSTED:
                # Until the next sweep: the poller would report the waiting client again and again.
                self.watch(False)
            return
        self.server.accepted(sock, str(address[0]))

    def close(self) -> None:
        self.watch(False)
        self.sock.close()


class Sweep(Timer):
    """Closes slow connections."""

    def __init__(self, server: HttpServer) -> None:
        super().__init__()
        self.server: Final = server

    def run(self) -> i64:
        self.server.sweep()
        return SWEEP_MS


class Look(Timer):
    """Continues the survey while a browser shows the page."""

    def __init__(self, server: HttpServer) -> None:
        super().__init__()
        self.server: Final = server

    def run(self) -> i64:
        server = self.server
        if now_ms() - server.asked_ms < WATCHED_MS:
            server.survey.work(SURVEY_US)
            return SURVEY_MS
        return SWEEP_MS


class HttpSettings(Effects):
    """Opens and closes the listeners when `metrics-port` or `metrics-bind` changes."""

    def __init__(self, server: HttpServer, config: Config) -> None:
        self.server: Final = server
        config.listen(b"metrics-port", self)
        config.listen(b"metrics-bind", self)

    def apply(self, name: bytes, config: Config) -> bytes:
        self.server.close()
        try:
            self.server.open()
        except ServerError as refused:
            return str(refused).encode()
        return b""
