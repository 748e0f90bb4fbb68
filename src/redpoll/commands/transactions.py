"""Transactions: MULTI queues commands, EXEC runs them as one unit, WATCH makes EXEC depend on keys."""

from __future__ import annotations

from redpoll.catalogue.keyspec import RO, key_range
from redpoll.catalogue.spec import ALLOW_BUSY, FAST, LOADING, NO_MULTI, NOSCRIPT, SKIP_COMMANDLOG, STALE, TRANSACTION
from redpoll.engine.command import command
from redpoll.engine.gates import GATE_MULTI
from redpoll.engine.outliers import NO_SIZE
from redpoll.engine.session import Session, Transaction
from redpoll.errors import DISCARD_WITHOUT_MULTI, EXEC_WITHOUT_MULTI, EXECABORT, CommandError
from redpoll.protocol.reply import NULL_ARRAY, OK, Error, Spoken

AT_ANY_TIME = NOSCRIPT | LOADING | STALE


@command(
    "multi", arity=1, flags=AT_ANY_TIME | FAST | NO_MULTI | ALLOW_BUSY, acl=TRANSACTION, group="transactions",
    since="1.2.0", complexity="O(1)", summary="Begin a transaction: commands are queued until EXEC.",
)  # fmt: skip
def multi(session: Session, args: list[bytes]) -> object:
    transaction = Transaction()
    transaction.asking = session.is_asking()
    session.transaction = transaction
    session.had_transaction = True
    session.gates |= GATE_MULTI
    return OK


@command(
    "exec", arity=1, flags=AT_ANY_TIME | SKIP_COMMANDLOG, acl=TRANSACTION, group="transactions",
    since="1.2.0", complexity="that of the commands collected",
    summary="Run the queued commands of a transaction as one unit.",
)  # fmt: skip
def exec_(session: Session, args: list[bytes]) -> object:
    engine = session.engine
    transaction = session.transaction
    if transaction is None:
        raise CommandError(EXEC_WITHOUT_MULTI)
    broken = session.watch_broken or watched_is_gone(session)
    engine.end_transaction(session)
    if broken and not transaction.spoiled:
        return NULL_ARRAY
    if transaction.spoiled:
        return Error(EXECABORT)
    session.atomic += 1
    engine.frozen += 1
    if transaction.weighed:
        engine.outliers.weigh_requests(True)
    session.executing = len(transaction.queued)
    engine.traffic.commands += len(transaction.queued)
    if transaction.asking:
        # For scripts: each queued command adds one to `commands`.
        session.asks_until = session.commands + len(transaction.queued)
    try:
        return run_all(session, transaction.queued)
    finally:
        # Also if there is no memory for the replies: the clock must be read again.
        engine.frozen -= 1
        if transaction.weighed:
            engine.outliers.weigh_requests(False)
        session.executing = 0
        session.atomic -= 1
        session.asks_until = -1


def run_all(session: Session, commands: list[list[bytes]]) -> list[object]:
    """Run the queued commands; return the replies."""
    engine = session.engine
    replies: list[object] = []
    resp = session.resp
    first = 0
    for queued in commands:
        reply = engine.run_queued(session, queued)
        replies.append(reply)
        if engine.outliers.large_from < NO_SIZE:
            engine.outliers.record_reply(session, queued, reply, engine.read_us)
        if session.resp != resp:
            # HELLO inside MULTI: replies before it keep the earlier protocol.
            last = len(replies) - 1
            for at in range(first, last):
                replies[at] = Spoken(replies[at], resp)
            first = last
            resp = session.resp
    return replies


def watched_is_gone(session: Session) -> bool:
    """Whether a watched key has expired since WATCH but is not deleted yet."""
    engine = session.engine
    for db, key in session.watched:
        if (db, key) not in session.watched_stale and engine.databases[db].is_past(key):
            return True
    return False


@command(
    "discard", arity=1, flags=AT_ANY_TIME | FAST | ALLOW_BUSY, acl=TRANSACTION, group="transactions",
    since="2.0.0", complexity="O(commands collected)", summary="Discard the queued commands of a transaction.",
)  # fmt: skip
def discard(session: Session, args: list[bytes]) -> object:
    if session.transaction is None:
        raise CommandError(DISCARD_WITHOUT_MULTI)
    session.engine.end_transaction(session)
    return OK


@command(
    "watch", arity=-2, flags=AT_ANY_TIME | FAST | NO_MULTI | ALLOW_BUSY, acl=TRANSACTION,
    keys=key_range(1, -1, 1, RO), group="transactions",
    arguments="key#0 ...",
    since="2.2.0", complexity="O(1) for each key", summary="Watch keys: the next EXEC fails if one of them changes.",
)  # fmt: skip
def watch(session: Session, args: list[bytes]) -> object:
    session.had_transaction = True
    if not session.watch_broken:
        for key in args[1:]:
            session.engine.interest.watch(session, session.db.index, key)
            if session.db.is_past(key):
                session.watched_stale.add((session.db.index, key))
    return OK


@command(
    "unwatch", arity=1, flags=AT_ANY_TIME | FAST | ALLOW_BUSY, acl=TRANSACTION, group="transactions",
    since="2.2.0", complexity="O(keys watched)", summary="Stop watching all keys.",
)  # fmt: skip
def unwatch(session: Session, args: list[bytes]) -> object:
    session.engine.interest.unwatch(session)
    return OK
