"""OBJECT: the encoding of a key's value, and when it was last used."""

from __future__ import annotations

from redpoll.catalogue.keyspec import RO, one_key
from redpoll.catalogue.spec import KEYSPACE, READONLY
from redpoll.commands.containers import container, help_command
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import FREQ_UNDER_LRU, IDLETIME_UNDER_LFU, CommandError
from redpoll.keyspace.access import COUNT_MASK, idle_seconds
from redpoll.keyspace.database import Database
from redpoll.types.kinds import ENCODING_NAME

object_ = container(
    "object", group="generic", since="2.2.3",
    summary="Commands about the internals of a value.",
)  # fmt: skip


def _found(db: Database, key: bytes) -> bool:
    """Go to `key`.  Counts a hit or a miss, but does not update the access clock and sends no `keymiss` event."""
    found = db.peek(key, False)
    if found:
        db.moment.hits += 1
    else:
        db.moment.misses += 1
    return found


@command(
    "object|encoding", arity=3, flags=READONLY, acl=KEYSPACE, keys=one_key(RO, 2), group="generic",
    tips="nondeterministic_output",
    arguments="key#0",
    since="2.2.3", complexity="O(1)", summary="Return the encoding of a value.",
)  # fmt: skip
def object_encoding(session: Session, args: list[bytes]) -> object:
    return ENCODING_NAME[session.db.table.kind()] if _found(session.db, args[2]) else None


@command(
    "object|refcount", arity=3, flags=READONLY, acl=KEYSPACE, keys=one_key(RO, 2), group="generic",
    tips="nondeterministic_output",
    arguments="key#0",
    since="2.2.3", complexity="O(1)", summary="Return the number of references to a value: always 1.",
)  # fmt: skip
def object_refcount(session: Session, args: list[bytes]) -> object:
    return 1 if _found(session.db, args[2]) else None


@command(
    "object|idletime", arity=3, flags=READONLY, acl=KEYSPACE, keys=one_key(RO, 2), group="generic",
    tips="nondeterministic_output",
    arguments="key#0",
    since="2.2.3", complexity="O(1)", summary="Return the seconds since a key was last read or written.",
)  # fmt: skip
def object_idletime(session: Session, args: list[bytes]) -> object:
    db = session.db
    if not _found(db, args[2]):
        return None
    if db.moment.counting != 0:
        raise CommandError(IDLETIME_UNDER_LFU)
    return idle_seconds(db.table.access_clock(), db.moment.clock)


@command(
    "object|freq", arity=3, flags=READONLY, acl=KEYSPACE, keys=one_key(RO, 2), group="generic",
    tips="nondeterministic_output",
    arguments="key#0",
    since="4.0.0", complexity="O(1)", summary="Return how often a key is used, under an LFU policy.",
)  # fmt: skip
def object_freq(session: Session, args: list[bytes]) -> object:
    db = session.db
    if not _found(db, args[2]):
        return None
    access = db.moment.access
    if db.moment.counting == 0:
        raise CommandError(FREQ_UNDER_LRU)
    field = access.read(db.table.access_clock(), db.moment.now_us)
    db.table.set_access_clock(field)
    return field & COUNT_MASK


help_command(object_, since="6.2.0", acl=KEYSPACE)
