"""Who asks: the database selected, the protocol spoken, the transaction collected.  A session has no socket.

A connection owns one, and so do an in-process caller, a script, the loading of a file and a replication link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from redpoll.engine.gates import GATE_NO_TOUCH, GATE_SUBSCRIBED
from redpoll.engine.settings import NORMAL, PUBSUB
from redpoll.keyspace.database import Database
from redpoll.keyspace.events import Event
from redpoll.protocol.reply import Message
from redpoll.types.value import Value

if TYPE_CHECKING:
    from redpoll.engine.blocking import Waiting
    from redpoll.engine.engine import Engine


UNKNOWN: Final = b"NULL"
"""`Session.last_command` before the first command, and after one that does not exist."""

LOUD: Final[i64] = 0
"""`Session.quiet`: replies are sent."""
SILENT: Final[i64] = 1
"""None is (CLIENT REPLY OFF)."""
SKIP_NEXT: Final[i64] = 2
"""None is until after the next command: CLIENT REPLY SKIP has just run ..."""
SKIPPING: Final[i64] = 3
"""... and now it is that next command's turn."""


CHANNELS: Final[i64] = 0
PATTERNS: Final[i64] = 1
SHARDS: Final[i64] = 2
"""The kinds of names that a session may subscribe to: channels, patterns of channels, shard channels."""


class Subscriptions:
    """What a session subscribes to: of each kind the names, with its places in their audiences (engine/pubsub.py)."""

    def __init__(self) -> None:
        self.places: Final[list[dict[bytes, int]]] = [{}, {}, {}]

    def is_empty(self) -> bool:
        return len(self.places[CHANNELS]) + len(self.places[PATTERNS]) + len(self.places[SHARDS]) == 0


class Transaction:
    """What a session collects between MULTI and EXEC."""

    def __init__(self) -> None:
        self.queued: list[list[bytes]] = []
        self.spoiled = False
        self.gates: i64 = 0
        """The gates of what is queued, all together."""
        self.weighed = False
        """Whether one of the commands may be a large request."""


class Buffers:
    """What a connection holds and has moved, in bytes."""

    def __init__(self) -> None:
        self.request: i64 = 0
        """Received, and not yet run."""
        self.reply: i64 = 0
        """Replies that wait for the end of the loop's turn ..."""
        self.backlog: i64 = 0
        """... and those that the client has not taken, in so many `pieces`."""
        self.pieces: i64 = 0
        self.received: i64 = 0
        self.sent: i64 = 0
        self.writing = False
        """Whether the loop waits until the client takes more."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Peer:
    """What a session wants of whoever carries its replies; a connection subclasses it."""

    def address(self) -> bytes:
        return b"?:0"

    def local_address(self) -> bytes:
        return b"?:0"

    def source(self) -> bytes:
        """Where commands come from, as MONITOR shows it: the address, or `unix:path`."""
        return self.address()

    def descriptor(self) -> int:
        return -1

    def deliver(self, session: Session, reply: object) -> None:
        """Send a reply that comes later: to a command that had to wait, or a push.

        While a command of this session runs, its own reply goes first.
        """

    def push(self, session: Session, message: Message) -> None:
        """Put a message into the session's output; while its own command runs, behind the reply of that.

        Nothing is sent yet, and no connection is closed: this is called in the middle of a command.
        """

    def release(self) -> None:
        """Its waiting command was tried again: what came for it meanwhile may go, behind the reply if there is one."""

    def spread(self, work: i64) -> None:
        """The session's command made so many deliveries to others; after many, those are sent before its next one."""

    def requeue(self, args: list[bytes]) -> None:
        """Run this command, which has not run, before those that the client sent after it."""

    def resume(self, session: Session) -> None:
        """The session was served and no longer waits."""

    def close_after_reply(self) -> None:
        """End the connection when what was said so far is sent."""

    def close(self) -> None:
        """End the connection at once; what was said and not sent is lost."""

    def hold(self) -> None:
        """Take nothing more from the client, and send it nothing that does not go at once."""

    def hush(self) -> None:
        """The session's `quiet` has changed."""

    def marks(self) -> bytes:
        """The letters of CLIENT LIST's `flags` that tell of the connection: `c`, `A`, `U`."""
        return b""

    def is_local(self) -> bool:
        """Whether the peer is on this machine (loopback or a Unix socket)."""
        return True

    def buffers(self) -> Buffers:
        """What is held for the session on its way in and out."""
        return Buffers()


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
        self.last_command: bytes = UNKNOWN
        self.commands: i64 = 0
        self.transaction: Transaction | None = None
        self.had_transaction = False
        self.executing: i64 = 0
        """How many commands the EXEC that runs has, 0 outside one."""
        self.watched: dict[tuple[int, bytes], None] = {}
        self.watched_stale: set[tuple[int, bytes]] = set()
        """Those of the watched keys that were past their deadline already when WATCH came."""
        self.watch_broken = False
        self.waiting: Waiting | None = None
        self.tried: Waiting | None = None
        """The wait that runs its command again at this moment."""
        self.may_block = True
        """False for a session without a connection, which is never served later."""
        self.atomic: i64 = 0
        """How many transactions and scripts of this session run: commands inside them do not block."""
        self.quiet: i64 = LOUD
        self.subscriptions: Subscriptions | None = None
        """None without any, and only then."""
        self.monitors = False
        self.readonly = False
        """Whether a replica in a cluster may answer its reads."""
        self.no_evict = False
        self.capa_redirect = False

    def is_postponed(self) -> bool:
        """Whether its command has not run and will be run again by its connection, when clients are not paused."""
        return self.waiting is not None and self.waiting.postponed

    def can_block(self) -> bool:
        """Whether a command may wait; if not, it answers at once as if its time were up."""
        return self.may_block and self.atomic == 0

    def may_be_idle(self) -> bool:
        """Whether `timeout` may end it: not while it waits, nor while it is there to be told things."""
        return self.waiting is None and not self.monitors and self.subscriptions is None

    def output_class(self) -> int:
        """Which of `Options.output_limits` holds for it."""
        return NORMAL if self.subscriptions is None else PUBSUB

    def speak(self, resp: i64) -> None:
        """Choose the protocol."""
        self.resp = resp
        self.apply_mode()

    def apply_mode(self) -> None:
        """Enter or leave RESP2's subscribed mode."""
        if self.subscriptions is not None and self.resp < 3:
            self.gates |= GATE_SUBSCRIBED
        else:
            self.gates &= ~GATE_SUBSCRIBED

    def subscriptions_of(self, kind: i64) -> i64:
        """How many names of a kind it subscribes to."""
        subscriptions = self.subscriptions
        if subscriptions is None:
            return 0
        return len(subscriptions.places[kind])

    def subscription_count(self, kind: i64) -> int:
        """The number that confirmations tell: channels and patterns together, shard channels apart."""
        if kind == SHARDS:
            return self.subscriptions_of(SHARDS)
        return self.subscriptions_of(CHANNELS) + self.subscriptions_of(PATTERNS)

    def subscribed_names(self, kind: i64) -> list[bytes]:
        """The names of a kind that it subscribes to."""
        subscriptions = self.subscriptions
        return list(subscriptions.places[kind]) if subscriptions is not None else []

    def waits(self) -> bool:
        """Whether it is blocked.  To be asked in a loop: compiled code would hold the attribute to a first None."""
        return self.waiting is not None

    def flags(self) -> bytes:
        """The letters of CLIENT LIST."""
        found = b""
        if self.monitors:
            found += b"O"
        if self.subscriptions is not None:
            found += b"P"
        if self.transaction is not None or self.executing > 0:
            found += b"x"
        if self.waiting is not None:
            found += b"b"
        if self.watch_broken:
            found += b"d"
        found += self.peer.marks()
        if self.readonly:
            found += b"r"
        if self.no_evict:
            found += b"e"
        if self.gates & GATE_NO_TOUCH != 0:
            found += b"T"
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
        """Write `args` into the journal instead of the command as it came, which would not repeat itself.

        Each further call adds one more effect of the same command.
        """
        self.engine.unit.rewrite(args)

    def journal_only(self) -> None:
        """Write nothing but what `journal_as` is given into the journal, and nothing at all if it is given nothing."""
        self.engine.unit.withhold()

    def journals(self) -> bool:
        """Whether anybody wants the effects: for commands whose effects take some work to put together."""
        return self.engine.unit.journal is not None

    def journal_always(self) -> None:
        """Write the command into the journal even if it finds nothing to change."""
        self.engine.unit.force()
