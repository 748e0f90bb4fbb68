"""Replication commands on a server without a primary and without replicas."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.spec import (
    ADMIN,
    ADMINISTRATIVE,
    BLOCKING,
    CONNECTION,
    DANGEROUS,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NOSCRIPT,
    STALE,
)
from redpoll.commands.waits import timeout_deadline_ms
from redpoll.engine.args import Args, integer
from redpoll.engine.command import command
from redpoll.engine.durability import LOG_OFF
from redpoll.engine.session import Session
from redpoll.errors import (
    FAILOVER_TIMEOUT,
    FAILOVER_WITHOUT_REPLICAS,
    INVALID_PRIMARY_PORT,
    NO_FAILOVER,
    NO_REPLICATION,
    NOT_POSITIVE,
    SYNTAX,
    WAITAOF_LOCAL,
    WAITAOF_WITHOUT_AOF,
    CommandError,
)
from redpoll.protocol.numbers import is_int, to_int
from redpoll.protocol.reply import BLOCKED, OK

ROLE_CHANGE = ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING
WHOM_TO_FOLLOW = "(args: (host-port: host port:integer) | (no-one: (NO) ONE))"
LEAST_OF_ALL = "request_policy:all_shards response_policy:agg_min"


@command(
    "role", arity=1, flags=NOSCRIPT | LOADING | STALE | FAST, acl=ADMINISTRATIVE | DANGEROUS, group="server",
    since="2.8.12", complexity="O(replicas)", summary="Return whether this server is a primary or a replica.",
)  # fmt: skip
def role(session: Session, args: list[bytes]) -> object:
    return [b"master", 0, []]


def follow(args: list[bytes]) -> object:
    """REPLICAOF and SLAVEOF: NO ONE is accepted, another server is refused."""
    if args[1].upper() == b"NO" and args[2].upper() == b"ONE":
        return OK
    if not is_int(args[2]) or not 0 <= to_int(args[2]) <= 65535:
        raise CommandError(INVALID_PRIMARY_PORT)
    raise CommandError(NO_REPLICATION % args[0].upper())


@command(
    "replicaof", arity=3, flags=ROLE_CHANGE, group="server", arguments=WHOM_TO_FOLLOW,
    since="5.0.0", complexity="O(1)", summary="Make this server a replica of another, or a primary.",
)  # fmt: skip
def replicaof(session: Session, args: list[bytes]) -> object:
    return follow(args)


@command(
    "slaveof", arity=3, flags=ROLE_CHANGE, group="server", arguments=WHOM_TO_FOLLOW, replaced="5.0.0 REPLICAOF",
    since="1.0.0", complexity="O(1)", summary="Make this server a replica of another, or a primary.",
)  # fmt: skip
def slaveof(session: Session, args: list[bytes]) -> object:
    return follow(args)


@command(
    "wait", arity=3, flags=BLOCKING, acl=CONNECTION, group="generic", tips=LEAST_OF_ALL,
    arguments="numreplicas:integer timeout:integer",
    since="3.0.0", complexity="O(1)",
    summary="Wait until this client's writes have reached some replicas; return how many have them.",
)  # fmt: skip
def wait(session: Session, args: list[bytes]) -> object:
    wanted = integer(args[1])
    return wait_for_nobody(session, args, wanted, args[2], 0)


@command(
    "waitaof", arity=4, flags=BLOCKING, acl=CONNECTION, group="generic", tips=LEAST_OF_ALL,
    arguments="numlocal:integer numreplicas:integer timeout:integer",
    since="7.2.0", complexity="O(1)",
    summary="Wait until this client's writes are in append-only files on disk, here and on some replicas.",
)  # fmt: skip
def waitaof(session: Session, args: list[bytes]) -> object:
    local = integer(args[1])
    if local != 0 and local != 1:
        raise CommandError(WAITAOF_LOCAL)
    wanted = integer(args[2], NOT_POSITIVE)
    if wanted < 0:
        raise CommandError(NOT_POSITIVE)
    deadline_ms = timeout_deadline_ms(session, args[3])
    log = session.engine.durability.append_only
    if log is None or log.state == LOG_OFF:
        if local == 1:
            raise CommandError(WAITAOF_WITHOUT_AOF)
        return wait_for_nobody(session, args, wanted, args[3], [0, 0])
    synced = log.has_synced(session)
    reply: list[object] = [int(synced), 0]
    if wanted == 0 and (synced or local == 0):
        return reply
    held = session.engine.blocking.block(session, args, [], deadline_ms, reply, 0)
    if held is BLOCKED and not synced:
        log.await_sync(session, reply, wanted > 0)
    return held


def wait_for_nobody(session: Session, args: list[bytes], wanted: i64, timeout: bytes, reply: object) -> object:
    """There are no replicas, so only the time-out ends this wait."""
    deadline_ms = timeout_deadline_ms(session, timeout)
    if wanted <= 0:
        return reply
    return session.engine.blocking.block(session, args, [], deadline_ms, reply, 0)


@command(
    "failover", arity=-1, flags=ADMIN | NOSCRIPT | STALE, group="server",
    arguments="[TO (target: host port:integer [FORCE])] [ABORT] [TIMEOUT milliseconds:integer]",
    since="6.2.0", complexity="O(1)", summary="Hand over to a replica in a controlled way.",
)  # fmt: skip
def failover(session: Session, args: list[bytes]) -> object:
    target = abort = force = timed = False
    options = Args(args, 1)
    while options.left() > 0:
        word = options.word()
        if word == b"TIMEOUT" and not timed and options.left() > 0:
            timed = True
            if options.integer() <= 0:
                raise CommandError(FAILOVER_TIMEOUT)
        elif word == b"ABORT" and len(args) == 2:
            abort = True
        elif word == b"TO" and not target and options.left() > 1:
            target = True
            options.next()
            options.integer()
        elif word == b"FORCE" and not force:
            force = True
        else:
            raise CommandError(SYNTAX)
    raise CommandError(NO_FAILOVER if abort else FAILOVER_WITHOUT_REPLICAS)
