"""A session: its database, protocol version, and transaction.  A session has no socket.

A connection owns a session.  So do an in-process client, a script, the loading of a file and a replication link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from redpoll.engine.gates import GATE_NO_TOUCH, GATE_SUBSCRIBED
from redpoll.engine.role import Follower, Taker
from redpoll.engine.settings import NORMAL, PUBSUB, REPLICA
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


SESSION_BYTES: Final[i64] = 2304
"""What a connection takes that holds nothing: its session, parser and output."""

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
    """The commands of a session between MULTI and EXEC."""

    def __init__(self) -> None:
        self.queued: list[list[bytes]] = []
        self.spoiled = False
        self.gates: i64 = 0
        """The gates of all queued commands."""
        self.size: i64 = 0
        """Bytes of the arguments in `queued`."""
        self.asks_for_memory = False
        """Whether one of the commands is refused while memory is over `maxmemory`."""
        self.weighed = False
        """Whether one of the commands may be a large request."""
        self.asking = False
        """Whether ASKING came just before MULTI."""


class Buffers:
    """The buffers and the traffic of a connection, in bytes."""

    def __init__(self) -> None:
        self.request: i64 = 0
        """Bytes that are received but not processed yet."""
        self.reply: i64 = 0
        """Replies in the output's buffer, which has `room` for so many; `peak`: the most of late."""
        self.room: i64 = 0
        self.peak: i64 = 0
        self.backlog: i64 = 0
        """Replies in this many `pieces` behind it, among them bytes that the client has not read."""
        self.pieces: i64 = 0
        self.received: i64 = 0
        self.sent: i64 = 0
        self.writing = False
        """Whether the loop waits until the client takes more."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Peer:
    """The interface of the carrier of a session's replies.  A connection subclasses it."""

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
        """Send a late reply: to a blocked command, or a push message.

        If a command of this session is running, its reply is sent first.
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
        """Run this postponed command before the commands that the client sent after it."""

    def resume(self, session: Session) -> None:
        """Continue: the session was served and no longer waits."""

    def close_after_reply(self) -> None:
        """Close the connection after the pending replies are sent."""

    def close(self) -> None:
        """Close the connection at once.  Unsent replies are lost."""

    def wake(self) -> None:
        """The session's follower has bytes to send."""

    def write(self, data: bytes) -> None:
        """Put bytes into the output as they are, before the reply of the current command."""

    def freeze(self) -> None:
        """Read nothing more from the client, and send only what the socket takes at once."""

    def fill_packets(self) -> None:
        """Let the system wait for a fuller packet before it sends bytes to the client."""

    def hush(self) -> None:
        """React to a change of the session's `quiet`."""

    def marks(self) -> bytes:
        """The letters of CLIENT LIST's `flags` that concern the connection: `c`, `A`, `U`."""
        return b""

    def is_local(self) -> bool:
        """Whether the peer is on this machine (loopback or a Unix socket)."""
        return True

    def buffers(self) -> Buffers:
        """The sizes of the input and output buffers."""
        return Buffers()


class Session:
    """See the module's docstring.  `gates` are the bits of `gates.py` that are on for this session."""

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
        """The watched keys that had already expired at WATCH."""
        self.watch_broken = False
        self.journaled: i64 = 0
        """`Unit.count` after its last command with effects (WAITAOF)."""
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
        self.asks_until: i64 = -1
        """ASKING holds while `commands` is not above this count: for the next command, or through EXEC."""
        self.no_evict = False
        self.weight: i64 = 0
        """What it held when `maxmemory-clients` was looked at last; 0 if it does not count."""
        self.capa_redirect = False
        self.follower: Follower | None = None
        """The replica at the other end, once it has announced itself."""
        self.taker: Taker | None = None
        """Runs the commands of this session, which come from a node that moves slots here."""
        self.exports = False
        """Whether a node to which slots move is at the other end."""
        self.is_primary = False
        """Whether the commands come from the primary, or from a file with its effects."""
        self.stream_offset: i64 = 0
        """The offset of the replication stream after the last command with effects: WAIT waits for it."""

    def leave_links(self) -> None:
        """The session ends: tell the replica and the migration whose link it was."""
        follower = self.follower
        if follower is not None:
            self.follower = None
            follower.left()
        taker = self.taker
        if taker is not None:
            self.taker = None
            taker.left()

    def held_bytes(self) -> i64:
        """Memory of the session: what it has sent and not run, has not read, and has queued."""
        buffers = self.peer.buffers()
        total = SESSION_BYTES + buffers.request + buffers.reply + buffers.backlog
        transaction = self.transaction
        if transaction is not None:
            total += transaction.size
        return total

    def is_postponed(self) -> bool:
        """Whether its command is postponed: the connection will run it after the pause of clients."""
        return self.waiting is not None and self.waiting.postponed

    def can_block(self) -> bool:
        """Whether a command may block.  If not, it answers at once as after a time-out."""
        return self.may_block and self.atomic == 0

    def may_be_idle(self) -> bool:
        """Whether `timeout` may close it: not while it blocks, and not if it receives pushed messages."""
        return self.waiting is None and not self.monitors and self.subscriptions is None and not self.is_replica()

    def output_class(self) -> int:
        """The index in `Options.output_limits` for this session."""
        if self.is_replica():
            return REPLICA
        return NORMAL if self.subscriptions is None else PUBSUB

    def is_asking(self) -> bool:
        """Whether ASKING came just before, or just before MULTI."""
        transaction = self.transaction
        return self.commands <= self.asks_until or (transaction is not None and transaction.asking)

    def is_replica(self) -> bool:
        """Whether a replica is at the other end."""
        follower = self.follower
        return follower is not None and follower.is_attached()

    def kind(self) -> bytes:
        """The type of CLIENT LIST TYPE: normal, master, slave or pubsub.  Monitors are normal."""
        if self.is_primary:
            return b"master"
        if self.is_replica():
            return b"slave"
        return b"normal" if self.subscriptions is None else b"pubsub"

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
        """Whether it is blocked.

        Use this in loops: compiled code assumes that an attribute which was None stays None.
        """
        return self.waiting is not None

    def flags(self) -> bytes:
        """The letters of CLIENT LIST."""
        found = b""
        if self.is_replica():
            found += b"S"
        if self.is_primary:
            found += b"M"
        if self.taker is not None:
            found += b"i"
        if self.exports:
            found += b"E"
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
        """Report that a command changed `key`; see `Database.changed`."""
        self.db.changed(key, value, event, count)

    def also(self, key: bytes, event: Event) -> None:
        """Report a further event of the last change (SET … EX: `set`, then `expire`)."""
        moment = self.db.moment
        if moment.interest != 0:
            moment.listener.changed(self.db.index, key, event)

    def journal_as(self, args: list[bytes]) -> None:
        """Write `args` into the journal instead of the command, which would have another effect when repeated.

        Each further call adds one more effect of the same command.
        """
        self.engine.unit.rewrite(args)

    def journal_deletion(self, key: bytes, expired: bool) -> None:
        """Write the deletion of `key` instead of the command: its deadline has passed, or it became empty."""
        self.engine.unit.rewrite([self.engine.deletion_word(expired), key])

    def journal_only(self) -> None:
        """Write only the arguments of `journal_as` into the journal; nothing if it is not called."""
        self.engine.unit.withhold()

    def journals(self) -> bool:
        """Whether there is a journal.  For commands whose effects take some work to build."""
        return self.engine.unit.journal is not None

    def journal_always(self) -> None:
        """Write the command into the journal even if it finds nothing to change."""
        self.engine.unit.force()

    def journal_for_replicas(self) -> None:
        """Send the command to replicas, although it changes no data (PUBLISH)."""
        self.engine.unit.force_message()
