"""ZPOPMIN, ZPOPMAX, ZMPOP and their blocking forms."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, RW, counted_keys, key_range, one_key
from redpoll.catalogue.spec import BLOCKING, FAST, MOVABLEKEYS, SORTEDSET, WRITE
from redpoll.commands.waits import timeout_deadline
from redpoll.commands.zset_ranges import remove_ranks
from redpoll.commands.zset_replies import members_reply
from redpoll.engine.args import Args, integer
from redpoll.engine.blocking import ZSETS
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.errors import COUNT_NOT_POSITIVE, NOT_POSITIVE, NUMKEYS_NOT_POSITIVE, SYNTAX, CommandError
from redpoll.keyspace.events import ZPOPMAX, ZPOPMIN
from redpoll.protocol.numbers import int_text
from redpoll.protocol.reply import FLAT, NULL_ARRAY, PAIRED, Double
from redpoll.types.zset import ZSet


def pop_one(session: Session, key: bytes, zset: ZSet, last: bool) -> bytes:
    """Remove the first or the last member from the set at `key`; its score is in `zset.score`."""
    member = zset.pop(last)
    session.changed(key, zset, ZPOPMAX if last else ZPOPMIN, 1)
    return member


def pop_many(session: Session, key: bytes, zset: ZSet, last: bool, count: i64, layout: i64) -> object:
    """Pop up to `count` members, at least one, at one end; return them in the order of removal."""
    size = zset.count()
    if count > size:
        count = size
    start = size - count if last else 0
    popped = members_reply(zset, start, start + count, last, layout)
    remove_ranks(session, key, zset, start, start + count, ZPOPMAX if last else ZPOPMIN)
    return popped


def pop_from(session: Session, args: list[bytes], last: bool) -> object:
    """ZPOPMIN and ZPOPMAX."""
    if len(args) > 3:
        raise CommandError(SYNTAX)
    count: i64 = 1
    if len(args) == 3:
        count = integer(args[2], NOT_POSITIVE)
        if count < 0:
            raise CommandError(NOT_POSITIVE)
    key = args[1]
    zset = session.db.zset_to_change(key, False)
    if zset is None or count == 0:
        return []
    if len(args) == 3:
        return pop_many(session, key, zset, last, count, FLAT)
    member = pop_one(session, key, zset, last)
    return [member, Double(zset.score)]


class Zpopmin(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return pop_from(session, args, False)


command(
    "zpopmin", arity=-2, flags=WRITE | FAST, acl=SORTEDSET, keys=one_key(RW | ACCESS | DELETE), group="sorted-set",
    arguments="key#0 [count:integer]",
    since="5.0.0", complexity="O(log n + members popped)",
    summary="Remove and return the members of a sorted set with the lowest scores.",
)(Zpopmin())  # fmt: skip


class Zpopmax(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return pop_from(session, args, True)


command(
    "zpopmax", arity=-2, flags=WRITE | FAST, acl=SORTEDSET, keys=one_key(RW | ACCESS | DELETE), group="sorted-set",
    arguments="key#0 [count:integer]",
    since="5.0.0", complexity="O(log n + members popped)",
    summary="Remove and return the members of a sorted set with the highest scores.",
)(Zpopmax())  # fmt: skip


# Waiting for one member.


def pop_or_wait(session: Session, args: list[bytes], last: bool) -> object:
    """BZPOPMIN and BZPOPMAX."""
    deadline_ms = timeout_deadline(session, args[-1])
    keys = args[1:-1]
    for key in keys:
        zset = session.db.zset_to_change(key, False)
        if zset is not None:
            member = pop_one(session, key, zset, last)
            session.journal_as([b"ZPOPMAX" if last else b"ZPOPMIN", key])
            return [key, member, Double(zset.score)]
    return session.engine.blocking.block(session, args, keys, deadline_ms, NULL_ARRAY, ZSETS)


@command(
    "bzpopmin", arity=-3, flags=WRITE | BLOCKING | FAST, acl=SORTEDSET, keys=key_range(1, -2, 1, RW | ACCESS | DELETE),
    arguments="key#0 ... timeout:double",
    group="sorted-set", since="5.0.0", complexity="O(log n)",
    summary="Pop the member with the lowest score of the first nonempty sorted set; block until there is one.",
)  # fmt: skip
def bzpopmin(session: Session, args: list[bytes]) -> object:
    return pop_or_wait(session, args, False)


@command(
    "bzpopmax", arity=-3, flags=WRITE | BLOCKING | FAST, acl=SORTEDSET, keys=key_range(1, -2, 1, RW | ACCESS | DELETE),
    arguments="key#0 ... timeout:double",
    group="sorted-set", since="5.0.0", complexity="O(log n)",
    summary="Pop the member with the highest score of the first nonempty sorted set; block until there is one.",
)  # fmt: skip
def bzpopmax(session: Session, args: list[bytes]) -> object:
    return pop_or_wait(session, args, True)


# Pop from the first of several sets.


class PopOptions:
    """`numkeys key ... MIN | MAX [COUNT count]` from index `at` on."""

    def __init__(self, args: list[bytes], at: i64) -> None:
        keys = integer(args[at], NUMKEYS_NOT_POSITIVE)
        if keys < 1:
            raise CommandError(NUMKEYS_NOT_POSITIVE)
        if keys >= len(args) - at - 1:
            raise CommandError(SYNTAX)
        self.keys = args[at + 1 : at + 1 + keys]
        self.last = False
        self.count: i64 = 1
        cursor = Args(args, at + 1 + keys)
        end = cursor.word()
        if end == b"MAX":
            self.last = True
        elif end != b"MIN":
            raise CommandError(SYNTAX)
        counted = False
        while cursor.left() > 0:
            if counted or cursor.word() != b"COUNT" or cursor.left() == 0:
                raise CommandError(SYNTAX)
            counted = True
            self.count = cursor.integer(COUNT_NOT_POSITIVE)
            if self.count < 1:
                raise CommandError(COUNT_NOT_POSITIVE)


def pop_first_of(session: Session, options: PopOptions) -> object:
    """Pop from the first key that exists; return null if there is none."""
    for key in options.keys:
        zset = session.db.zset_to_change(key, False)
        if zset is not None:
            size = zset.count()
            count = options.count if options.count < size else size
            popped = pop_many(session, key, zset, options.last, count, PAIRED)
            session.journal_as([b"ZPOPMAX" if options.last else b"ZPOPMIN", key, int_text(count)])
            return [key, popped]
    return NULL_ARRAY


@command(
    "zmpop", arity=-4, flags=WRITE | MOVABLEKEYS, acl=SORTEDSET, keys=counted_keys(1, RW | ACCESS | DELETE),
    group="sorted-set",
    arguments="numkeys:integer key#0 ... (where: MIN | MAX) [COUNT count:integer]",
    since="7.0.0", complexity="O(keys + log n + members popped)",
    summary="Pop members from the first sorted set that is not empty, at either end.",
)  # fmt: skip
def zmpop(session: Session, args: list[bytes]) -> object:
    return pop_first_of(session, PopOptions(args, 1))


@command(
    "bzmpop", arity=-5, flags=WRITE | BLOCKING | MOVABLEKEYS, acl=SORTEDSET,
    keys=counted_keys(2, RW | ACCESS | DELETE), group="sorted-set",
    arguments="timeout:double numkeys:integer key#0 ... (where: MIN | MAX) [COUNT count:integer]",
    since="7.0.0", complexity="O(keys + log n + members popped)",
    summary="Pop members from the first sorted set that is not empty, at either end; block until there is one.",
)  # fmt: skip
def bzmpop(session: Session, args: list[bytes]) -> object:
    options = PopOptions(args, 2)
    deadline_ms = timeout_deadline(session, args[1])
    reply = pop_first_of(session, options)
    if reply is not NULL_ARRAY:
        return reply
    return session.engine.blocking.block(session, args, options.keys, deadline_ms, NULL_ARRAY, ZSETS)
