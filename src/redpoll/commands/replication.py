"""Replication commands of clients: REPLICAOF, ROLE, FAILOVER, WAIT and WAITAOF."""

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
from redpoll.cluster_errors import NO_FAILOVER_IN_CLUSTER, NO_REPLICAOF_IN_CLUSTER
from redpoll.commands.waits import timeout_deadline_ms
from redpoll.engine.args import Args, integer
from redpoll.engine.command import command
from redpoll.engine.durability import LOG_OFF
from redpoll.engine.session import Session
from redpoll.errors import (
    FAILING_OVER,
    FAILOVER_FORCE,
    FAILOVER_NO_TARGET,
    FAILOVER_NOT_ONLINE,
    FAILOVER_ON_REPLICA,
    FAILOVER_TIMEOUT,
    FAILOVER_WITHOUT_REPLICAS,
    INVALID_PRIMARY_PORT,
    NO_FAILOVER,
    NO_REPLICATION,
    NOT_FROM_REPLICAS,
    NOT_POSITIVE,
    REPLICAOF_DURING_FAILOVER,
    SYNTAX,
    WAIT_ON_REPLICA,
    WAITAOF_LOCAL,
    WAITAOF_ON_REPLICA,
    WAITAOF_WITHOUT_AOF,
    CommandError,
)
from redpoll.observe.client_line import client_for_log
from redpoll.protocol.numbers import is_int, to_int
from redpoll.protocol.reply import OK, Status
from redpoll.replication.primary import WaitingForReplicas
from redpoll.replication.replica import ONLINE, Replica
from redpoll.replication.replication import Replication, replication_of

ROLE_CHANGE = ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING
WHOM_TO_FOLLOW = "(args: (host-port: host port:integer) | (no-one: (NO) ONE))"
LEAST_OF_ALL = "request_policy:all_shards response_policy:agg_min"


@command(
    "role", arity=1, flags=NOSCRIPT | LOADING | STALE | FAST, acl=ADMINISTRATIVE | DANGEROUS, group="server",
    since="2.8.12", complexity="O(replicas)", summary="Return whether this server is a primary or a replica.",
)  # fmt: skip
def role(session: Session, args: list[bytes]) -> object:
    replication = replication_of(session.engine)
    if replication.is_replica:
        link = replication.link
        offset: i64 = link.applied_offset() if link.is_up() else i64(-1)
        return [b"slave", replication.host, replication.port, link.state_name(), offset]
    replicas: list[object] = []
    for replica in replication.primary.online():
        host, port = replica.address()
        replicas.append([host, b"%d" % port, b"%d" % replica.acknowledged])
    return [b"master", replication.offset, replicas]


def follow(session: Session, args: list[bytes]) -> object:
    """REPLICAOF and SLAVEOF."""
    if session.engine.router is not None:
        raise CommandError(NO_REPLICAOF_IN_CLUSTER)
    replication = replication_of(session.engine)
    if replication.failing_over():
        raise CommandError(REPLICAOF_DURING_FAILOVER)
    who = client_for_log(session)
    if args[1].upper() == b"NO" and args[2].upper() == b"ONE":
        if replication.is_replica:
            replication.promote()
            session.engine.host.note(f"PRIMARY MODE enabled (user request from '{who}')")
        return OK
    if session.is_replica():
        raise CommandError(NOT_FROM_REPLICAS)
    if not is_int(args[2]) or not 0 <= to_int(args[2]) <= 65535:
        raise CommandError(INVALID_PRIMARY_PORT)
    port = to_int(args[2])
    if replication.is_replica and replication.host.lower() == args[1].lower() and replication.port == port:
        session.engine.host.note(
            "REPLICAOF would result into synchronization with the primary we are already connected with."
        )
        return Status(b"OK Already connected to specified master")
    if not replication.network.can_dial():
        raise CommandError(NO_REPLICATION % args[0].upper())
    replication.follow(args[1], port)
    session.engine.host.note(
        f"REPLICAOF {args[1].decode('ascii', 'backslashreplace')}:{port} enabled (user request from '{who}')"
    )
    return OK


@command(
    "replicaof", arity=3, flags=ROLE_CHANGE, group="server", arguments=WHOM_TO_FOLLOW,
    since="5.0.0", complexity="O(1)", summary="Make this server a replica of another, or a primary.",
)  # fmt: skip
def replicaof(session: Session, args: list[bytes]) -> object:
    return follow(session, args)


@command(
    "slaveof", arity=3, flags=ROLE_CHANGE, group="server", arguments=WHOM_TO_FOLLOW, replaced="5.0.0 REPLICAOF",
    since="1.0.0", complexity="O(1)", summary="Make this server a replica of another, or a primary.",
)  # fmt: skip
def slaveof(session: Session, args: list[bytes]) -> object:
    return follow(session, args)


@command(
    "wait", arity=3, flags=BLOCKING, acl=CONNECTION, group="generic", tips=LEAST_OF_ALL,
    arguments="numreplicas:integer timeout:integer",
    since="3.0.0", complexity="O(1)",
    summary="Wait until this client's writes have reached some replicas; return how many have them.",
)  # fmt: skip
def wait(session: Session, args: list[bytes]) -> object:
    if session.engine.role.is_replica:
        raise CommandError(WAIT_ON_REPLICA)
    wanted = integer(args[1])
    return wait_for(session, args, wanted, args[2], -1)


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
    timeout_deadline_ms(session, args[3])
    if session.engine.role.is_replica:
        raise CommandError(WAITAOF_ON_REPLICA)
    log = session.engine.durability.append_only
    if local == 1 and (log is None or log.state == LOG_OFF):
        raise CommandError(WAITAOF_WITHOUT_AOF)
    return wait_for(session, args, wanted, args[3], local)


def wait_for(session: Session, args: list[bytes], wanted: i64, timeout: bytes, local: i64) -> object:
    """Wait until `wanted` replicas have what this session wrote; `local` is -1 for WAIT."""
    deadline_ms = timeout_deadline_ms(session, timeout)
    primary = replication_of(session.engine).primary
    wait = WaitingForReplicas(primary, session, session.stream_offset, wanted, local)
    if wait.is_met() or not session.can_block():
        return wait.value()
    primary.waiting.append(wait)
    primary.ask()
    held = session.engine.blocking.block(session, args, [], deadline_ms, wait, 0)
    log = session.engine.durability.append_only
    if local == 1 and log is not None:
        # It learns if the file is switched off.
        log.await_sync(session, [0, 0], True)
    return held


@command(
    "failover", arity=-1, flags=ADMIN | NOSCRIPT | STALE, group="server",
    arguments="[TO (target: host port:integer [FORCE])] [ABORT] [TIMEOUT milliseconds:integer]",
    since="6.2.0", complexity="O(1)", summary="Hand over to a replica in a controlled way.",
)  # fmt: skip
def failover(session: Session, args: list[bytes]) -> object:
    if session.engine.router is not None:
        raise CommandError(NO_FAILOVER_IN_CLUSTER)
    host = b""
    port: i64 = 0
    timeout_ms: i64 = 0
    abort = force = False
    options = Args(args, 1)
    while options.left() > 0:
        word = options.word()
        if word == b"TIMEOUT" and timeout_ms == 0 and options.left() > 0:
            timeout_ms = options.integer()
            if timeout_ms <= 0:
                raise CommandError(FAILOVER_TIMEOUT)
        elif word == b"ABORT" and len(args) == 2:
            abort = True
        elif word == b"TO" and not host and options.left() > 1:
            host = options.next()
            port = options.integer()
        elif word == b"FORCE" and not force:
            force = True
        else:
            raise CommandError(SYNTAX)
    replication = replication_of(session.engine)
    if abort:
        if not replication.failing_over():
            raise CommandError(NO_FAILOVER)
        replication.failover.abort("aborted manually")
        return OK
    check_failover(replication, host, int(port), force, timeout_ms)
    until_ms: i64 = session.engine.moment.now_ms + timeout_ms if timeout_ms > 0 else i64(0)
    replication.failover.begin(host, int(port), force, until_ms)
    return OK


def check_failover(replication: Replication, host: bytes, port: int, force: bool, timeout_ms: i64) -> None:
    """Complain if there can be no failover now, or none to this replica."""
    if replication.failing_over():
        raise CommandError(FAILING_OVER)
    if replication.is_replica:
        raise CommandError(FAILOVER_ON_REPLICA)
    replicas = replication.primary.replicas
    if len(replicas) == 0:
        raise CommandError(FAILOVER_WITHOUT_REPLICAS)
    if force and (timeout_ms == 0 or not host):
        raise CommandError(FAILOVER_FORCE)
    if not host:
        return
    target = find_replica(replicas, host, port)
    if target is None:
        raise CommandError(FAILOVER_NO_TARGET)
    if target.state != ONLINE:
        raise CommandError(FAILOVER_NOT_ONLINE)


def find_replica(replicas: list[Replica], host: bytes, port: int) -> Replica | None:
    """The replica with this address."""
    for replica in replicas:
        its_host, its_port = replica.address()
        if its_port == port and its_host == host:
            return replica
    return None
