"""Listening sockets: TCP over IPv4 and IPv6, and Unix.

If the process has no descriptor left for a new connection, accepting pauses: otherwise the poller would report the
waiting client again and again.  It resumes when a connection closes, and every RETRY_MS, because descriptors may become
free elsewhere.
"""

from __future__ import annotations

import errno
import grp
import os
import socket
import stat
import sys
from typing import Final

from mypy_extensions import i64

from redpoll.config.settings import Config, Effects
from redpoll.engine.settings import Options
from redpoll.env.log import Log
from redpoll.errors import ServerError
from redpoll.net.loop import Handler, Reactor, Timer

MAY_BE_MISSING: Final = [
    errno.ENOPROTOOPT,
    errno.EPROTONOSUPPORT,
    errno.ESOCKTNOSUPPORT,
    errno.EPFNOSUPPORT,
    errno.EAFNOSUPPORT,
    errno.EADDRNOTAVAIL,
]
"""Errors for an address that the machine does not have.  They are ignored if the address has a `-` in front."""


EXHAUSTED: Final = [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM]
"""Errors of `accept` if the process or the system has no resources for a connection."""

RETRY_MS: Final[i64] = 100
"""How long accepting pauses if no connection ends before."""
IDLE_MS: Final[i64] = 3600000
"""How often the timer looks when accepting does not pause: it has to say something."""
QUIET_MS: Final[i64] = 10000
"""A shortage is logged when there was none for so long."""


class Acceptor:
    """Accepts new connections.  When a connection closes, it resumes `paused`, if that is set."""

    def __init__(self) -> None:
        self.paused: Listeners | None = None

    def accepted(self, sock: socket.socket) -> None:
        raise NotImplementedError


class Listener(Handler):
    """One listening socket."""

    def __init__(self, sock: socket.socket, owner: Listeners) -> None:
        self.sock: Final = sock
        self.owner: Final = owner
        self.acceptor: Final = owner.acceptor
        self.options: Final = owner.options
        self.is_tcp: Final = sock.family != socket.AF_UNIX
        self.watched = False

    def watch(self, wanted: bool) -> None:
        """Start or stop accepting connections."""
        if wanted == self.watched:
            return
        self.watched = wanted
        if wanted:
            self.owner.reactor.add(self.sock.fileno(), self)
        else:
            self.owner.reactor.remove(self.sock.fileno())

    def on_readable(self) -> None:
        for _ in range(self.options.max_new_connections_per_cycle):
            try:
                sock, _address = self.sock.accept()
            except OSError as refused:
                if refused.errno in EXHAUSTED:
                    self.owner.pause(refused.strerror or str(refused))
                return
            sock.setblocking(False)
            if self.is_tcp:
                try:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                except OSError:
                    # macOS fails if the peer has gone already.  Reading will detect that too.
                    pass
            self.acceptor.accepted(sock)


NOWHERE: Final = "Configured to not listen anywhere, exiting. Set port and bind, or unixsocket."


def asks_to_listen(config: Config) -> bool:
    """Whether the settings name any address or socket to listen on."""
    return config.string(b"unixsocket") != "" or (config.integer(b"port") != 0 and len(config.words(b"bind")) > 0)


class Listeners(Effects):
    """All listening sockets that `config` asks for; `bind` and `port` may change while the server runs."""

    def __init__(self, config: Config, acceptor: Acceptor, reactor: Reactor, options: Options, log: Log) -> None:
        self.config: Final = config
        self.acceptor: Final = acceptor
        self.reactor: Final = reactor
        self.options: Final = options
        self.log: Final = log
        self.tcp: list[Listener] = []
        self.unix: Listener | None = None
        self.path = config.string(b"unixsocket")
        self.retry: Final = Retry(self)
        self.paused_ms: i64 = -QUIET_MS
        """When accepting paused last."""
        self.spare = spare_descriptor()
        """A descriptor that is given up for a moment so that the log's file can be opened when there is none left."""
        reactor.add_timer(self.retry, IDLE_MS)
        config.listen(b"bind", self)
        config.listen(b"port", self)

    def open(self) -> None:
        """Open them all; raises ServerError."""
        self.open_tcp()
        if self.path:
            mode = self.config.integer(b"unixsocketperm")
            group = self.config.string(b"unixsocketgroup")
            self.unix = self.add(listen_unix(self.path, mode, group, self.backlog()))
        if len(self.tcp) == 0 and self.unix is None:
            raise ServerError(NOWHERE)

    def open_tcp(self) -> None:
        """Listen at `port` of every address of `bind`; raises ServerError, and then none of them is open."""
        port = self.config.integer(b"port")
        if port == 0:
            return
        for word in self.config.words(b"bind"):
            address = word.decode("utf-8", "surrogateescape")
            try:
                self.tcp.append(self.add(listen_tcp(address.removeprefix("-"), port, self.backlog())))
            except OSError as refused:
                is_forgiven = address.startswith("-") and refused.errno in MAY_BE_MISSING
                advice = "" if is_forgiven else "; stop what listens there, or pass another --port or --bind"
                self.log.warning(
                    f"Warning: Could not create server TCP listening socket {address.removeprefix('-')}:{port}: "
                    f"{refused.strerror}{advice}"
                )
                if is_forgiven:
                    continue
                self.close_tcp()
                raise ServerError(f"Failed listening on port {port} (tcp), aborting.") from refused

    def backlog(self) -> int:
        return self.config.integer(b"tcp-backlog")

    def add(self, sock: socket.socket) -> Listener:
        """Serve one more socket."""
        listener = Listener(sock, self)
        listener.watch(True)
        return listener

    def pause(self, reason: str) -> None:
        """Pause accepting, because the system refused a connection for `reason`.

        Logs it only if it has not happened for QUIET_MS.
        """
        self.acceptor.paused = self
        self.watch(False)
        due_ms = self.reactor.postpone(self.retry, RETRY_MS)
        if due_ms - self.paused_ms > QUIET_MS:
            if self.spare >= 0:
                os.close(self.spare)
            self.log.warning(
                f"Accepting client connection: {reason}. New clients wait until another one leaves; "
                "raise 'ulimit -n' or lower maxclients."
            )
            self.spare = spare_descriptor()
        self.paused_ms = due_ms

    def go_on(self) -> None:
        """Resume accepting."""
        self.acceptor.paused = None
        self.watch(True)

    def watch(self, wanted: bool) -> None:
        """Watch all listening sockets, or none."""
        for listener in self.tcp:
            listener.watch(wanted)
        if self.unix is not None:
            self.unix.watch(wanted)

    def apply(self, name: bytes, config: Config) -> bytes:
        self.close_tcp()
        try:
            self.open_tcp()
        except ServerError:
            if name == b"bind":
                return b"Failed to bind to specified addresses."
            return b"Unable to listen on this port. Check server logs."
        return b""

    def close_tcp(self) -> None:
        for listener in self.tcp:
            listener.watch(False)
            listener.sock.close()
        self.tcp = []

    def close(self) -> None:
        """Listen no longer."""
        self.close_tcp()
        if self.unix is not None:
            self.unix.watch(False)
            self.unix.sock.close()

    def remove_path(self) -> None:
        """Remove the Unix socket's file."""
        if self.unix is not None:
            self.unix = None
            self.log.notice("Removing the unix socket file.")
            try:
                os.unlink(self.path)
            except OSError as refused:
                self.log.warning(f"Error removing the unix socket file: {refused.strerror}")


class Retry(Timer):
    """Ends a pause after a while."""

    def __init__(self, listeners: Listeners) -> None:
        super().__init__()
        self.listeners: Final = listeners

    def run(self) -> i64:
        if self.listeners.acceptor.paused is not None:
            self.listeners.go_on()
        return IDLE_MS


def spare_descriptor() -> int:
    """A spare descriptor to close in an emergency; -1 if there is none."""
    try:
        return os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return -1


def listen_tcp(address: str, port: int, backlog: int) -> socket.socket:
    """A listening socket on an address or host name; `*` is all of IPv4, `::*` all of IPv6.  Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if not address:
        # The system would read it as every address.
        raise OSError(errno.EINVAL, "this is no address or host name")
    if address in ("*", "::*"):
        address = "::" if family == socket.AF_INET6 else ""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    except (TypeError, ValueError) as unusable:
        # Not a valid name: Python cannot pass it to the system.
        sock.close()
        raise OSError(errno.EINVAL, "this is no address or host name") from unusable
    sock.setblocking(False)
    return sock


def listen_unix(path: str, mode: int, group: str, backlog: int) -> socket.socket:
    """A listening Unix socket with permissions `mode` (0: as the umask has it), of a group.

    Replaces a socket that no server uses, but nothing else.  Raises ServerError.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode):
            refuse_if_served(path)
            os.unlink(path)
        sock.bind(path)
        if group:
            os.chown(path, -1, group_number(group))
        if mode != 0:
            os.chmod(path, mode)
        sock.listen(backlog)
    except OSError as refused:
        sock.close()
        # An error about a path that is too long has no errno, only a text.
        reason = refused.strerror or str(refused)
        raise ServerError(f"Failed opening Unix socket {path}: {reason}") from refused
    sock.setblocking(False)
    return sock


def refuse_if_served(path: str) -> None:
    """Raise OSError if a server listens on the Unix socket at a path, or if it cannot be excluded."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # Non-blocking: with a full queue of new connections, connecting would wait.
        probe.setblocking(False)
        try:
            probe.connect(path)
            who = listening_process(probe)
        except OSError as refused:
            if refused.errno == errno.ECONNREFUSED:
                return
            who = "another process"
    raise OSError(errno.EADDRINUSE, f"{who} listens there; stop it, or pass another --unixsocket")


def listening_process(connected: socket.socket) -> str:
    """A text about the process that listens on a Unix socket."""
    if sys.platform != "linux":
        return "another process"
    credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return f"process {int.from_bytes(credentials[:4], sys.byteorder)}"


def group_number(group: str) -> int:
    """The id of a group; raises OSError."""
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError as unknown:
        raise OSError(errno.ENOENT, f"there is no group '{group}'") from unknown
