"""The commands that a replica sends to its primary: REPLCONF, PSYNC, SYNC.  Source: spec/replication.md, section 3."""

from __future__ import annotations

from redpoll.catalogue.spec import ADMIN, ALLOW_BUSY, LOADING, NO_ASYNC_LOADING, NO_MULTI, NOSCRIPT, STALE
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import (
    PENDING_OUTPUT,
    SYNTAX,
    TAKE_OVER_HISTORY,
    TAKE_OVER_PRIMARY,
    CommandError,
    long_replica_address,
    unknown_replconf,
)
from redpoll.protocol.numbers import is_int, to_int
from redpoll.protocol.reply import NO_REPLY, OK
from redpoll.replication.replica import Replica
from redpoll.replication.replication import replication_of

MOST_ADDRESS_BYTES = 255


@command(
    "replconf", arity=-1, flags=ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY, group="server",
    since="3.0.0", complexity="O(1)", summary="Tell the primary about a replica.", system=True,
)  # fmt: skip
def replconf(session: Session, args: list[bytes]) -> object:
    if len(args) % 2 == 0:
        raise CommandError(SYNTAX)
    primary = replication_of(session.engine).primary
    for at in range(1, len(args), 2):
        option = args[at].lower()
        value = args[at + 1]
        if option == b"ack":
            return acknowledge(session, args, at)
        if option == b"getack":
            # Only the primary's stream asks so; there, the link answers.
            return NO_REPLY
        announce(primary.announced(session), args[at], value)
    return OK


def acknowledge(session: Session, args: list[bytes], at: int) -> object:
    """`ACK offset [FACK offset]`.  Never answered."""
    if session.is_replica() and is_int(args[at + 1]):
        fsynced = -1
        if len(args) > at + 3 and args[at + 2].lower() == b"fack" and is_int(args[at + 3]):
            fsynced = to_int(args[at + 3])
        replication_of(session.engine).primary.heard(session, to_int(args[at + 1]), fsynced)
    return NO_REPLY


def announce(replica: Replica, word: bytes, value: bytes) -> None:
    """Handle one option that describes the replica."""
    option = word.lower()
    if option == b"listening-port":
        replica.port = int(integer(value))
    elif option == b"ip-address":
        if len(value) > MOST_ADDRESS_BYTES:
            raise CommandError(long_replica_address(len(value)))
        replica.ip = value
    elif option == b"capa":
        # Unknown capabilities are of no concern.
        if value.lower() == b"eof":
            replica.reads_marker = True
        elif value.lower() == b"psync2":
            replica.psync2 = True
    elif option == b"version":
        replica.version = version_of(value)
    elif option == b"rdb-only":
        replica.snapshot_only = integer(value) == 1
    elif option == b"rdb-filter-only":
        take_filter(replica, value)
    else:
        raise CommandError(unknown_replconf(word))


def version_of(text: bytes) -> tuple[int, ...]:
    """The numbers of a version `9.1.2`; empty if it is none."""
    parts = text.split(b".")
    if not all(part.isdigit() and len(part) < 6 for part in parts):
        return ()
    return tuple([int(part) for part in parts])


def take_filter(replica: Replica, value: bytes) -> None:
    """Which parts the snapshot has: `functions`, or none but its frame."""
    words = value.lower().split()
    for word in words:
        if word != b"functions":
            raise CommandError(b"ERR Unsupported rdb-filter-only option: " + word)
    replica.functions_only = True


@command(
    "psync", arity=-3, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI, group="server",
    arguments="replicationid offset:integer",
    since="2.8.0", complexity="O(data) in slices, or O(1) if the replica can go on",
    summary="Become a replica of this server, from a place in its stream on.",
)  # fmt: skip
def psync(session: Session, args: list[bytes]) -> object:
    if session.is_replica():
        return NO_REPLY
    replication = replication_of(session.engine)
    if len(args) > 3 and args[3].lower() == b"failover":
        take_over(session, args)
    refuse(session)
    replica = replication.primary.announced(session)
    offset = integer(args[2])
    if offset > 0 and not replica.functions_only and replication.knows(args[1], offset - 1):
        replication.primary.go_on(session, offset - 1)
        return NO_REPLY
    if args[1] != b"?":
        replication.primary.refused_syncs += 1
    replication.primary.synchronise(session)
    return NO_REPLY


def take_over(session: Session, args: list[bytes]) -> None:
    """The primary asks this replica to take over (FAILOVER)."""
    replication = replication_of(session.engine)
    if not replication.is_replica:
        raise CommandError(TAKE_OVER_PRIMARY)
    if args[1] != replication.history:
        raise CommandError(TAKE_OVER_HISTORY)
    session.engine.host.note("Failover request received from the primary: this replica takes over.")
    replication.promote()


def refuse(session: Session) -> None:
    """Complain if this session cannot become a replica now."""
    refusal = replication_of(session.engine).refusal()
    if refusal:
        raise CommandError(refusal)
    buffers = session.peer.buffers()
    if buffers.reply + buffers.backlog > 0:
        raise CommandError(PENDING_OUTPUT)


@command(
    "sync", arity=1, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI, group="server",
    since="1.0.0", complexity="O(data) in slices", summary="Become a replica of this server, from a snapshot on.",
)  # fmt: skip
def sync(session: Session, args: list[bytes]) -> object:
    if session.is_replica():
        return NO_REPLY
    refuse(session)
    primary = replication_of(session.engine).primary
    primary.announced(session).plain_sync = True
    primary.synchronise(session)
    return NO_REPLY
