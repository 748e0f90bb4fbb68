"""The server: engine, reactor, listeners and settings put together.  The only file that knows every room."""

from __future__ import annotations

import gc
import os
import traceback
from typing import Final

from mypy_extensions import i64

import redpoll.commands
from redpoll.config.file import NO_SUCH_COMMAND, TARGET_EXISTS, ConfigError
from redpoll.config.rewrite import rewrite
from redpoll.config.schema import BY_NAME
from redpoll.config.settings import Config, Effects, Rename
from redpoll.engine.command import Command
from redpoll.engine.engine import Engine
from redpoll.engine.host import Host
from redpoll.engine.remotes import Remote
from redpoll.engine.sampler import SAMPLE_MS
from redpoll.engine.session import Session
from redpoll.engine.trimming import LOOK_MS
from redpoll.env.clock import Clock
from redpoll.env.crash import CrashReports
from redpoll.env.log import LEVELS, PRIMARY, REPLICA, Log
from redpoll.env.process import (
    end_at_once,
    end_by_signal,
    greatest_listen_backlog,
    open_files_limit,
    raise_open_files_limit,
    remove_file,
    resident_bytes,
    write_pid,
)
from redpoll.env.random import Random
from redpoll.env.restart import Start
from redpoll.errors import SHUTDOWN_FAILED, ServerError
from redpoll.net.appending import Appending, Commit, Turns
from redpoll.net.bus import Bus
from redpoll.net.clients import Clients
from redpoll.net.ending import Ending
from redpoll.net.http_server import HttpServer, HttpSettings
from redpoll.net.listener import Listeners
from redpoll.net.loop import Reactor
from redpoll.net.oom_score import OomScore
from redpoll.net.outgoing import ReactorNetwork
from redpoll.net.remote import SocketRemote
from redpoll.net.saving import IDLE_MS, Snapshots
from redpoll.net.signals import Stoppable, Wakeup
from redpoll.net.startup import StartupLoad
from redpoll.net.supervisor import Supervisor
from redpoll.net.timers import COLLECT_MS, TICK_MS, Collect, Replicating, Sample, Tick, Trim
from redpoll.persistence.append_control import AppendFile, AppendSettings
from redpoll.persistence.claim import SnapshotClaim
from redpoll.persistence.points import SaveSettings
from redpoll.protocol.requests import Limits
from redpoll.replication.replication import take_part
from redpoll.scripting.scripts import registry

FAMILIES: Final = redpoll.commands.FAMILIES
OWN_DESCRIPTORS: Final = 32
"""Descriptors that are reserved for files, listeners and the like."""


class Server(Stoppable):
    """A redpoll server.  Call `start`, then `run`."""

    def __init__(
        self, config: Config, log: Log, build: str, supervisor: Supervisor, origin: Start | None = None
    ) -> None:
        self.config: Final = config
        self.log: Final = log
        self.build: Final = build
        self.reactor: Final = Reactor()
        self.limits: Final = Limits()
        self.host: Final = ServerHost(self)
        self.engine: Final = Engine(Clock(), Random(), host=self.host, config=config)
        self.reactor.traffic = self.engine.traffic
        self.clients: Final = Clients(self.engine, self.reactor, self.limits, log)
        self.listeners: Final = Listeners(config, self.clients, self.reactor, self.engine.options, log)
        self.http: Final = HttpServer(self.engine, self.reactor, log)
        HttpSettings(self.http, config)
        self.supervisor: Final = supervisor
        self.origin: Final = origin
        self.restart_ms: i64 = -1
        """The delay in ms after which the caller restarts the program when it has ended; -1 for no restart."""
        self.crashes: Final = CrashReports(log, [f"redpoll {build}"])
        self.claim: Final = SnapshotClaim(self.engine)
        self.wakeup: Wakeup | None = None
        self.pid_file = ""
        self.bus: Bus | None = None
        if config.flag(b"cluster-enabled"):
            self.bus = Bus(self.engine, self.reactor, log)
        rename_commands(self.engine.commands, config)
        self.limits.names.expect(list(self.engine.commands))
        ServerSettings(self).connect()
        OomScore(log).connect(config)
        SaveSettings(self.engine).connect()
        self.replication: Final = take_part(self.engine, ReactorNetwork(self.engine, self.reactor))
        self.append_only: Final = AppendFile(self.engine)
        self.engine.durability.append_only = self.append_only
        self.ending: Final = Ending(self.engine, self.reactor, log, self.append_only, self.replication.departure)
        self.reactor.before_wait = Commit(self.engine)

    def start(self, pid_file: str = "") -> None:
        """Open the listeners, handle signals, and write the process id to `pid_file`.  Raises ServerError."""
        config = self.config
        log = self.log
        self.fit_clients_to_descriptors()
        mode = "standalone" if self.bus is None else "cluster"
        log.notice(f"Running mode={mode}, port={config.integer(b'port')}.")
        log.notice(f"PID: {os.getpid()}")
        backlog = config.integer(b"tcp-backlog")
        if 0 < greatest_listen_backlog() < backlog:
            log.warning(
                f"WARNING: The TCP backlog setting of {backlog} cannot be enforced because "
                f"/proc/sys/net/core/somaxconn is set to the lower value of {greatest_listen_backlog()}."
            )
        self.listeners.open()
        self.http.open()
        if pid_file:
            # Only after listening: a server that cannot listen must not overwrite the file of the one that does.
            self.keep_pid_file(pid_file)
        self.wakeup = Wakeup(self, self.reactor)
        self.engine.count_program(resident_bytes())
        self.engine.trimming.pages.keep_freed()
        most = config.integer(b"maxmemory")
        if 0 < most < 1 << 20:
            log.warning(
                f"WARNING: You specified a maxmemory value that is less than 1MB (current value is {most} bytes). "
                "Are you sure this is what you really want?"
            )
        self.load_functions()
        log.notice("Server initialized")
        for remark in config.take_remarks():
            log.notice(remark)
        self.claim.connect(config)
        follows = len(config.words(b"replicaof")) == 2 or (self.bus is not None and self.bus.is_replica())
        StartupLoad(self.engine, self.reactor, log, self.append_only, self.replication, follows).run()
        AppendSettings(self.append_only)
        Turns(self.reactor).connect(config)
        if self.reactor.stopping:
            return
        if self.bus is not None:
            self.bus.open()
        if len(self.listeners.tcp) > 0:
            log.notice("Ready to accept connections tcp")
        if self.listeners.unix is not None:
            log.notice("Ready to accept connections unix")
        self.reactor.add_timer(Tick(self.engine), TICK_MS)
        self.reactor.add_timer(Snapshots(self.engine, log), IDLE_MS)
        self.reactor.add_timer(Replicating(self.replication), TICK_MS)
        self.reactor.add_timer(self.ending, TICK_MS)
        self.follow_primary()
        self.reactor.add_timer(Appending(self.append_only), TICK_MS)
        self.reactor.add_timer(Sample(self.engine), SAMPLE_MS)
        self.reactor.add_timer(Collect(), COLLECT_MS)
        self.reactor.add_timer(Trim(self.engine), LOOK_MS)
        self.supervisor.ready()

    def load_functions(self) -> None:
        """Load the functions in Python that the configuration names.  Raises ServerError."""
        # `dir` must not decide which code runs: a client may change it before a restart.
        folder = self.origin.folder if self.origin is not None else os.getcwd()
        for word in self.config.words(b"functions"):
            path = os.path.join(folder, os.fsdecode(word))
            try:
                count = registry(self.engine).load(path)
            except Exception as refused:
                self.log.warning(f"Functions of {path}: {traceback.format_exc()}")
                what = f"{type(refused).__name__}: {refused}"
                raise ServerError(f"The functions of {path} cannot be loaded: {what}") from refused
            self.log.notice(f"{count} functions loaded from {path}")

    def follow_primary(self) -> None:
        """Follow the primary that the configuration names."""
        words = self.config.words(b"replicaof")
        if len(words) == 2:
            self.replication.follow(words[0], int(words[1]))

    def keep_pid_file(self, path: str) -> None:
        """Write the process id into a file, which is removed at the end."""
        reason = write_pid(path)
        if reason:
            self.log.warning(f"Failed to write PID file {path}: {reason}")
        else:
            self.pid_file = path

    def fit_clients_to_descriptors(self) -> None:
        """Raise the limit of open files for `maxclients`, or lower `maxclients`.  Raises ServerError."""
        config = self.config
        log = self.log
        wanted = config.integer(b"maxclients")
        before = open_files_limit()
        reason = raise_open_files_limit(wanted + OWN_DESCRIPTORS)
        limit = open_files_limit()
        if limit > before:
            log.notice(f"Increased maximum number of open files to {limit} (it was originally set to {before}).")
        if limit >= wanted + OWN_DESCRIPTORS:
            return
        if limit <= OWN_DESCRIPTORS:
            raise ServerError(
                f"Your current 'ulimit -n' of {limit} is not enough for the server to start. "
                f"Please increase your open file limit to at least {wanted + OWN_DESCRIPTORS}. Exiting."
            )
        log.warning(
            f"You requested maxclients of {wanted} requiring at least {wanted + OWN_DESCRIPTORS} max file descriptors."
        )
        log.warning(f"Server can't set maximum open files to {wanted + OWN_DESCRIPTORS} because of OS error: {reason}.")
        log.warning(
            f"Current maximum open files is {limit}. maxclients has been reduced to {limit - OWN_DESCRIPTORS} to "
            "compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'."
        )
        config.assign(BY_NAME[b"maxclients"], [b"%d" % (limit - OWN_DESCRIPTORS)])
        config.tell(b"maxclients")

    def run(self) -> int:
        """Serve until told to stop; the exit status."""
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            self.reactor.run_forever()
        except Exception as error:
            # The state is unknown: leave the sockets to the system, and only remove the files.
            if self.config.flag(b"crash-log-enabled"):
                self.crashes.report(error, self.doing())
            self.forget_names()
            return 1
        self.supervisor.stopping()
        self.clients.close_all()
        self.listeners.close()
        self.http.close()
        if self.bus is not None:
            self.bus.close_all()
        self.forget_names()
        self.claim.release()
        if self.wakeup is not None:
            self.wakeup.close()
        self.log.warning("redpoll is now ready to exit, bye bye...")
        return 0

    def forget_names(self) -> None:
        """Remove the pid file and the Unix socket."""
        if self.pid_file:
            self.log.notice("Removing the pid file.")
            remove_file(self.pid_file)
        self.listeners.remove_path()

    def doing(self) -> list[str]:
        """Lines for a crash report: what the server was doing."""
        engine = self.engine
        lines = [f"{len(engine.sessions)} clients, {engine.counters.processed()} commands so far"]
        latest = max(engine.sessions.values(), key=last_active, default=None)
        if latest is not None:
            lines.append(f"last command: {latest.last_command.decode()}, client {latest.id}")
        return lines

    def signalled(self, name: str) -> None:
        if name == "SIGINT" and self.reactor.stopping:
            self.log.signal("You insist... exiting now.")
            os._exit(1)
        self.ending.signalled(name)


def last_active(session: Session) -> int:
    return session.active_us


def rename_commands(commands: dict[bytes, Command], config: Config) -> None:
    """Rename or remove commands.  Raises ConfigError."""
    for rename in config.renames:
        rename_command(commands, rename)


def rename_command(commands: dict[bytes, Command], rename: Rename) -> None:
    """Rename or remove a command.  Raises ConfigError."""
    command = commands.get(rename.old)
    if command is None:
        raise ConfigError(NO_SUCH_COMMAND, rename.where)
    if rename.new in commands:
        raise ConfigError(TARGET_EXISTS, rename.where)
    for spelling in (rename.old, rename.old.upper()):
        commands.pop(spelling, None)
    if rename.new:
        for spelling in (rename.new, rename.new.upper()):
            commands[spelling] = command


class ServerSettings(Effects):
    """Applies settings outside the engine: the log, the parser, the limit of open files, the locale, the role."""

    NAMES = (
        b"loglevel",
        b"log-format",
        b"log-timestamp-format",
        b"proto-max-bulk-len",
        b"crash-log-enabled",
        b"maxclients",
        b"locale-collate",
        b"replicaof",
    )

    def __init__(self, server: Server) -> None:
        self.server: Final = server

    def connect(self) -> None:
        """Apply the current values, and listen to changes.  Raises ServerError."""
        config = self.server.config
        for name in self.NAMES:
            config.listen(name, self)
            if name != b"maxclients":
                reason = self.apply(name, config)
                if reason:
                    raise ServerError(f"{name.decode()}: {reason.decode()}")

    def apply(self, name: bytes, config: Config) -> bytes:
        server = self.server
        if name == b"loglevel":
            server.log.level = LEVELS.index(config.string(name))
        elif name == b"log-format":
            server.log.form = config.string(name)
        elif name == b"log-timestamp-format":
            server.log.timestamp = config.string(name)
        elif name == b"replicaof":
            server.log.role = REPLICA if config.words(name) else PRIMARY
        elif name == b"proto-max-bulk-len":
            server.limits.max_bulk_bytes = config.integer(name)
        elif name == b"crash-log-enabled":
            if config.flag(name):
                server.crashes.arm()
            else:
                server.crashes.disarm()
        elif name == b"maxclients":
            return fit_descriptors(config.integer(name))
        elif name == b"locale-collate":
            if not server.engine.collation.choose(config.text(name)):
                return b"Invalid locale name"
        return b""


def fit_descriptors(clients: int) -> bytes:
    """Reserve descriptors for this many clients; return the reason if the system refuses."""
    raise_open_files_limit(clients + OWN_DESCRIPTORS)
    limit = open_files_limit()
    if limit >= clients + OWN_DESCRIPTORS:
        return b""
    return b"The operating system is not able to handle the specified number of clients, try with %d" % (
        limit - OWN_DESCRIPTORS
    )


class ServerHost(Host):
    """The server's implementation of the engine's `Host`."""

    def __init__(self, server: Server) -> None:
        self.server: Final = server

    def log(self, message: str) -> None:
        self.server.log.warning(message)

    def note(self, message: str) -> None:
        self.server.log.notice(message)

    def line(self, level: int, message: str) -> None:
        self.server.log.write(level, message)

    def serve(self) -> bool:
        self.server.reactor.run_once(0)
        return not self.server.reactor.stopping

    def shut_down(self, session: Session, who: bytes, words: list[bytes]) -> bytes:
        if not self.server.ending.stop(f" (user request from '{who.decode('utf-8', 'surrogateescape')}')", words):
            return SHUTDOWN_FAILED
        departure = self.server.replication.departure
        if departure.is_waiting():
            departure.sessions.append(session)
        else:
            session.peer.close_after_reply()
        return b""

    def waits_to_end(self) -> bool:
        return self.server.replication.departure.is_waiting()

    def go_on(self) -> bool:
        departure = self.server.replication.departure
        if not departure.is_waiting():
            return False
        departure.abort()
        return True

    def restart(self, session: Session, who: bytes, delay_ms: i64, orderly: bool) -> bool:
        server = self.server
        origin = server.origin
        if origin is None or server.reactor.stopping:
            return False
        obstacle = origin.obstacle()
        if obstacle:
            server.log.warning(f"Can't restart: {obstacle}")
            return False
        if not orderly:
            origin.again(delay_ms)
            end_at_once(1)
        if server.config.path:
            complaint = rewrite(server.config)
            if complaint:
                server.log.warning(f"Can't restart: configuration rewrite process failed: {complaint.decode()}")
                return False
        server.restart_ms = max(0, delay_ms)
        return not self.shut_down(session, who, [])

    def give_up(self, last_words: str) -> None:
        self.server.log.warning(last_words)
        self.server.forget_names()
        end_at_once(1)

    def facts(self) -> dict[str, str]:
        server = self.server
        departure = server.replication.departure
        return {
            "port": str(server.config.integer(b"port")),
            "build": server.build,
            "poller": server.reactor.poller.name,
            "config_file": server.config.path.decode("utf-8", "surrogateescape"),
            "supervised": server.supervisor.kind,
            "shutdown_in_ms": str(departure.left_ms()) if departure.is_waiting() else "",
        }

    def end_by_fault(self, signal: int, last_words: str) -> bool:
        if last_words:
            self.server.log.warning(last_words)
        end_by_signal(signal)
        return True

    def give_memory_back(self) -> bool:
        self.server.engine.trimming.ask()
        return True

    def connect(self, host: bytes, port: bytes, timeout_ms: i64) -> Remote | None:
        return SocketRemote(host, port, timeout_ms)

    def serve_while_loading(self) -> bool:
        reactor = self.server.reactor
        reactor.run_nested()
        return not reactor.stopping

    def listeners(self) -> list[str]:
        config = self.server.config
        found: list[str] = []
        if len(self.server.listeners.tcp) > 0:
            addresses = "".join([f"bind={word.decode('utf-8', 'surrogateescape')}," for word in config.words(b"bind")])
            found.append(f"name=tcp,{addresses}port={config.integer(b'port')}")
        if self.server.listeners.unix is not None:
            found.append(f"name=unix,bind={config.text(b'unixsocket').decode('utf-8', 'surrogateescape')}")
        return found
