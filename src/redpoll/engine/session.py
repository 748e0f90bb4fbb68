"""Who asks: the database selected, the protocol spoken, the transaction collected.  A session has no socket.

A connection owns one, and so do an in-process caller, a script, the loading of a file and a replication link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.engine.waiting import Waiting
from redpoll.keyspace.database import Database
from redpoll.keyspace.events import Event
from redpoll.types.value import Value

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine


class Transaction:
    """What a session collects between MULTI and EXEC."""

    def __init__(self) -> None:
        self.queued: list[list[bytes]] = []
        self.spoiled = False


class Peer:
    """What a session wants of whoever carries its replies; a connection subclasses it."""

    def address(self) -> bytes:
        return b"?:0"

    def local_address(self) -> bytes:
        return b"?:0"

    def descriptor(self) -> int:
        return -1

    def deliver(self, session: Session, reply: object) -> None:
        """Send a reply that comes later: to a command that had to wait, or a push."""

    def resume(self, session: Session) -> None:
        """The session was served and no longer waits."""

    def close_after_reply(self) -> None:
        """End the connection when what was said so far is sent."""

    def is_local(self) -> bool:
        """Whether the peer is on this machine (loopback or a Unix socket)."""
        return True

    def facts(self) -> bytes:
        """The buffer fields of CLIENT LIST, from `qbuf` to `events`."""
        return b"qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r"

    def traffic(self) -> bytes:
        """The last fields of CLIENT LIST that count bytes."""
        return b"tot-net-in=0 tot-net-out=0"


class Session:
    """See the module's docstring.  `gates` are the bits of `gates.py` that hold for this session."""

    def __init__(self, engine: Engine, id: i64, peer: Peer) -> None:
        self.engine: Final = engine
        self.id: i64 = id
        self.peer: Final = peer
        self.db: Database = engine.databases[0]
        self.resp: i64 = 2
        self.gates: i64 = engine.session_gates
        self.authenticated = engine.session_gates == 0
        self.user: bytes = b"default"
        self.name: bytes = b""
        self.lib_name: bytes = b""
        self.lib_version: bytes = b""
        self.created_us: i64 = engine.moment.now_us
        self.active_us: i64 = engine.moment.now_us
        self.last_command: bytes = b"NULL"
        self.commands: i64 = 0
        self.transaction: Transaction | None = None
        self.had_transaction = False
        self.executing: i64 = 0
        """How many commands the EXEC that runs has, 0 outside one."""
        self.watched: list[tuple[int, bytes]] = []
        self.watched_stale: set[tuple[int, bytes]] = set()
        """Those of the watched keys that were past their deadline already when WATCH came."""
        self.watch_broken = False
        self.waiting: Waiting | None = None
        self.may_block = True

    def flags(self) -> bytes:
        """The letters of CLIENT LIST."""
        found = b""
        if self.transaction is not None or self.executing > 0:
            found += b"x"
        if self.waiting is not None:
            found += b"b"
        if self.watch_broken:
            found += b"d"
        return found or b"N"

    def changed(self, key: bytes, value: Value | None, event: Event, count: i64) -> None:
        """Tell that a command changed `key`; see `Database.changed`."""
        self.db.changed(key, value, event, count)

    def also(self, key: bytes, event: Event) -> None:
        """A further event of the change just told (SET … EX: `set`, then `expire`)."""
        moment = self.db.moment
        if moment.interest != 0:
            moment.listener.changed(self.db.index, key, event)

    def journal_as(self, args: list[bytes]) -> None:
        """Write `args` into the journal instead of the command as it came, which would not repeat itself."""
        self.engine.unit.rewritten = args

    def journal_always(self) -> None:
        """Write the command into the journal even if it finds nothing to change."""
        self.engine.unit.forced = True
