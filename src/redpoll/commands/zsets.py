"""Sorted sets: adding, removing, scores and ranks, and the pop that waits."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, RO, RW, UPDATE, key_range, one_key
from redpoll.catalogue.spec import BLOCKING, DENYOOM, FAST, READONLY, SORTEDSET, WRITE
from redpoll.commands.waits import timeout_deadline
from redpoll.engine.args import Args, double
from redpoll.engine.blocking import ZSETS
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import (
    GT_LT_NX,
    INCR_ONE_PAIR,
    SCORE_NOT_A_NUMBER,
    SYNTAX,
    XX_NX,
    CommandError,
    wrong_arity,
)
from redpoll.keyspace.events import ZADD, ZINCR, ZPOPMIN, ZREM
from redpoll.protocol.reply import NULL_ARRAY, Double
from redpoll.types.zset import ADDED, MOVED, NOT_A_NUMBER, ONLY_GREATER, ONLY_LESS, ONLY_NEW, ONLY_OLD, REFUSED


class ZAddOptions:
    """The words between ZADD's key and its pairs."""

    def __init__(self, cursor: Args) -> None:
        self.condition: i64 = 0
        self.ch = False
        self.incr = False
        while cursor.left() > 0:
            word = cursor.args[cursor.at].upper()
            if word == b"NX":
                self.condition |= ONLY_NEW
            elif word == b"XX":
                self.condition |= ONLY_OLD
            elif word == b"GT":
                self.condition |= ONLY_GREATER
            elif word == b"LT":
                self.condition |= ONLY_LESS
            elif word == b"CH":
                self.ch = True
            elif word == b"INCR":
                self.incr = True
            else:
                break
            cursor.at += 1

    def check(self, words: i64) -> None:
        """Complain of what does not go together; `words` are left for the pairs."""
        if words == 0 or words & 1 != 0:
            raise CommandError(SYNTAX)
        condition = self.condition
        if condition & ONLY_NEW != 0 and condition & ONLY_OLD != 0:
            raise CommandError(XX_NX)
        directions = condition & (ONLY_GREATER | ONLY_LESS)
        if directions == ONLY_GREATER | ONLY_LESS or (directions != 0 and condition & ONLY_NEW != 0):
            raise CommandError(GT_LT_NX)
        if self.incr and words > 2:
            raise CommandError(INCR_ONE_PAIR)


@command(
    "zadd", arity=-4, flags=WRITE | DENYOOM | FAST, acl=SORTEDSET, keys=one_key(RW | UPDATE), group="sorted-set",
    arguments="key#0 [condition: NX | XX]@3.0.2 [comparison: GT | "
              "LT]@6.2.0 [change: CH@3.0.2] [increment: INCR@3.0.2] (data: score:double member) ...",
    since="1.2.0", complexity="O(log n) for each member",
    summary="Add members to a sorted set, or move those already there.",
)  # fmt: skip
def zadd(session: Session, args: list[bytes]) -> object:
    cursor = Args(args, 2)
    options = ZAddOptions(cursor)
    options.check(cursor.left())
    first = cursor.at
    count: i64 = len(args)
    if count - first == 2:
        return _add_one(session, args[1], options, double(args[first]), args[first + 1])
    scores = [double(args[i]) for i in range(first, count, 2)]
    db = session.db
    key = args[1]
    zset = db.zset_to_change(key, options.condition & ONLY_OLD == 0)
    if zset is None:
        return 0

    added: i64 = 0
    moved: i64 = 0
    i: i64 = 0
    pairs: i64 = len(scores)
    while i < pairs:
        member = args[first + i * 2 + 1]
        outcome = zset.put(member, scores[i], options.condition)
        if outcome == ADDED:
            added += 1
        elif outcome == MOVED:
            moved += 1
        i += 1
    session.changed(key, zset, ZADD, added + moved)
    return added + moved if options.ch else added


def _add_one(session: Session, key: bytes, options: ZAddOptions, score: float, member: bytes) -> object:
    """ZADD of one pair, the common form; with INCR the reply is the new score."""
    db = session.db
    zset = db.zset_to_change(key, options.condition & ONLY_OLD == 0)
    if zset is None:
        return None if options.incr else 0
    outcome = zset.put(member, score, options.condition, options.incr)
    if outcome == NOT_A_NUMBER:
        raise CommandError(SCORE_NOT_A_NUMBER)
    count: i64 = 0
    if outcome == ADDED or outcome == MOVED:
        count = 1
    session.changed(key, zset, ZINCR if options.incr else ZADD, count)
    if options.incr:
        return None if outcome == REFUSED else Double(zset.score)
    return int(outcome == ADDED or (options.ch and outcome == MOVED))


@command(
    "zscore", arity=3, flags=READONLY | FAST, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 member",
    since="1.2.0", complexity="O(1)", summary="The score of a member of a sorted set.",
)  # fmt: skip
def zscore(session: Session, args: list[bytes]) -> object:
    zset = session.db.zset(args[1])
    return Double(zset.score) if zset is not None and zset.find(args[2]) else None


@command(
    "zrank", arity=-3, flags=READONLY | FAST, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 member [WITHSCORE]",
    since="2.0.0", complexity="O(log n)", summary="How many members of a sorted set come before one.",
)  # fmt: skip
def zrank(session: Session, args: list[bytes]) -> object:
    if len(args) > 4:
        raise CommandError(wrong_arity(b"zrank"))
    with_score = len(args) == 4 and args[3].upper() == b"WITHSCORE"
    if len(args) > 3 and not with_score:
        raise CommandError(SYNTAX)
    zset = session.db.zset(args[1])
    rank: i64 = zset.rank(args[2]) if zset is not None else -1
    if zset is None or rank < 0:
        return NULL_ARRAY if with_score else None
    return [rank, Double(zset.score)] if with_score else rank


@command(
    "zrem", arity=-3, flags=WRITE | FAST, acl=SORTEDSET, keys=one_key(RW | DELETE), group="sorted-set",
    arguments="key#0 member ...",
    since="1.2.0", complexity="O(log n) for each member",
    summary="Remove members of a sorted set; how many were there.",
)  # fmt: skip
def zrem(session: Session, args: list[bytes]) -> object:
    zset = session.db.zset_to_change(args[1], False)
    if zset is None:
        return 0
    removed: i64 = 0
    for member in args[2:]:
        if zset.remove(member):
            removed += 1
    if removed > 0:
        session.changed(args[1], zset, ZREM, removed)
    return removed


@command(
    "bzpopmin", arity=-3, flags=WRITE | BLOCKING | FAST, acl=SORTEDSET, keys=key_range(1, -2, 1, RW | ACCESS | DELETE),
    arguments="key#0 ... timeout:double",
    group="sorted-set", since="5.0.0", complexity="O(log n)",
    summary="Take the first member out of the first of some sorted sets that has one, or wait for one.",
)  # fmt: skip
def bzpopmin(session: Session, args: list[bytes]) -> object:
    deadline_ms = timeout_deadline(session, args[-1])
    keys = args[1:-1]
    for key in keys:
        zset = session.db.zset_to_change(key, False)
        if zset is not None:
            member = zset.pop(False)
            score = zset.score
            session.changed(key, zset, ZPOPMIN, 1)
            session.journal_as([b"ZPOPMIN", key])
            return [key, member, Double(score)]
    return session.engine.blocking.block(session, args, keys, deadline_ms, NULL_ARRAY, ZSETS)
