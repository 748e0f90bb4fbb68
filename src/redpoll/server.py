"""The server: engine, reactor, listeners and settings put together.  The only file that knows every room."""

from __future__ import annotations

import gc
import os
from typing import Final

from mypy_extensions import i64

import redpoll.commands
from redpoll.config.live import LiveSettings
from redpoll.engine.engine import Engine, Host
from redpoll.engine.gates import GATE_NOAUTH
from redpoll.engine.session import Session
from redpoll.env.clock import Clock
from redpoll.env.log import Log
from redpoll.env.random import Random
from redpoll.errors import ServerError
from redpoll.net.clients import Clients
from redpoll.net.listener import Listener, listen
from redpoll.net.loop import Reactor, Timer
from redpoll.net.signals import Stoppable, Wakeup
from redpoll.observe.settings import ConfigCommands
from redpoll.protocol.requests import Limits

FAMILIES: Final = redpoll.commands.FAMILIES
CRON_MS: Final[i64] = 100
TICK_MS: Final[i64] = 10
COLLECT_MS: Final[i64] = 60_000


class Server(Stoppable):
    """A redpoll that clients can reach.  `start`, then `run`."""

    def __init__(self, settings: LiveSettings, log: Log, build: str) -> None:
        self.settings: Final = settings
        self.log: Final = log
        self.build: Final = build
        self.reactor: Final = Reactor()
        self.limits: Final = Limits()
        self.host: Final = ServerHost(self)
        self.engine: Final = Engine(Clock(), Random(), settings.integer("databases"), self.host)
        self.engine.settings = ConfigCommands(settings, self.apply)
        self.clients: Final = Clients(self.engine, self.reactor, self.limits, log)
        self.listeners: list[Listener] = []
        self.wakeup: Wakeup | None = None
        self.port = settings.integer("port")
        self.apply()

    def apply(self) -> None:
        """Copy settings to where the hot path reads them."""
        settings = self.settings
        engine = self.engine
        engine.password = settings.text("requirepass").encode()
        engine.session_gates = GATE_NOAUTH if engine.password else 0
        engine.debug_allowed = settings.text("enable-debug-command")
        engine.lazy_flush = settings.flag("lazyfree-lazy-user-flush")
        engine.most_bulk_bytes = settings.integer("proto-max-bulk-len")
        self.limits.max_bulk_bytes = settings.integer("proto-max-bulk-len")
        self.clients.most = settings.integer("maxclients")
        self.clients.most_query_bytes = settings.integer("client-query-buffer-limit")
        limits = engine.moment.limits
        limits.hash_entries = settings.integer("hash-max-listpack-entries")
        limits.hash_value = settings.integer("hash-max-listpack-value")
        limits.zset_entries = settings.integer("zset-max-listpack-entries")
        limits.zset_value = settings.integer("zset-max-listpack-value")

    def start(self) -> None:
        """Open the listeners and the signals; raises ServerError."""
        self.log.notice(f"PID: {os.getpid()}")
        self.log.notice("Server initialized")
        backlog = self.settings.integer("tcp-backlog")
        for address in self.settings.text("bind").split():
            optional = address.startswith("-")
            try:
                sock = listen(address.removeprefix("-"), self.port, backlog)
            except ServerError:
                if optional:
                    continue
                self.log.warning(f"Failed listening on port {self.port} (tcp), aborting.")
                raise
            if self.port == 0:
                self.port = sock.getsockname()[1]
            listener = Listener(sock, self.clients)
            self.listeners.append(listener)
            self.reactor.add(sock.fileno(), listener)
        if len(self.listeners) == 0:
            raise ServerError(f"no address of '{self.settings.text('bind')}' can be used; pass --bind")
        self.wakeup = Wakeup(self, self.reactor)
        self.reactor.add_timer(Tick(self.engine), TICK_MS)
        self.reactor.add_timer(Collect(), COLLECT_MS)
        self.log.warning("Nothing is saved to disk by this version: all data ends with the process.")
        self.log.notice(f"Ready to accept connections tcp on {self.settings.text('bind')}, port {self.port}")

    def run(self) -> int:
        """Serve until told to stop; the exit status."""
        gc.collect()
        gc.freeze()
        gc.disable()
        self.reactor.run_forever()
        self.clients.close_all()
        for listener in self.listeners:
            self.reactor.remove(listener.sock.fileno())
            listener.sock.close()
        if self.wakeup is not None:
            self.wakeup.close()
        self.log.warning("redpoll is now ready to exit, bye bye...")
        return 0

    def stop(self, why: str) -> None:
        self.log.warning(why)
        self.log.notice("User requested shutdown...")
        self.reactor.stop()


class ServerHost(Host):
    """The server as its engine sees it."""

    def __init__(self, server: Server) -> None:
        self.server: Final = server

    def log(self, message: str) -> None:
        self.server.log.warning(message)

    def shut_down(self, session: Session) -> None:
        session.peer.close_after_reply()
        self.server.stop("SHUTDOWN was called")

    def facts(self) -> dict[str, str]:
        server = self.server
        return {
            "port": str(server.port),
            "build": server.build,
            "poller": server.reactor.poller.name,
            "config_file": server.settings.path,
        }


class Tick(Timer):
    """The engine's own work: waits, deadlines, memory."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine: Final = engine

    def run(self) -> i64:
        engine = self.engine
        engine.tick()
        if engine.reclaimer.pending() > 0:
            return 1
        return TICK_MS if engine.next_deadline_ms() > 0 else CRON_MS


class Collect(Timer):
    """A young collection now and then, for cycles that libraries leave behind; our own code makes none."""

    def run(self) -> i64:
        gc.collect(0)
        return COLLECT_MS
