"""Sorted sets: add, move and remove members; scores and ranks.  `zset_*.py` have the other commands."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, RO, RW, UPDATE, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, READONLY, SORTEDSET, WRITE
from redpoll.engine.args import Args, double
from redpoll.engine.command import Handler, command
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
from redpoll.keyspace.events import ZADD, ZINCR, ZREM, Event
from redpoll.protocol.numbers import parse_double
from redpoll.protocol.reply import NULL_ARRAY, Double
from redpoll.types.value import CREATED
from redpoll.types.zset import (
    ADDED,
    ALWAYS,
    MOVED,
    NOT_A_NUMBER,
    ONLY_GREATER,
    ONLY_LESS,
    ONLY_NEW,
    ONLY_OLD,
    REFUSED,
    ZSet,
)


class ZAddOptions:
    """The options of ZADD."""

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
        """Complain of contradicting options.  `words` arguments remain for the pairs."""
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


class Zadd(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        count: i64 = len(args)
        if count == 4:
            # The common form, with a single pair, has no options.
            score = parse_double(args[2])
            if score == score:
                return add_one(session, args[1], score, args[3])
        cursor = Args(args, 2)
        options = ZAddOptions(cursor)
        options.check(cursor.left())
        first = cursor.at
        if options.incr:
            return increase(session, args[1], options.condition, double(args[first]), args[first + 1])
        scores = [double(args[i]) for i in range(first, count, 2)]
        db = session.db
        limits = db.moment.limits
        key = args[1]
        zset = db.zset_to_change(key, options.condition & ONLY_OLD == 0)
        if zset is None:
            return 0

        kind = zset.kind
        pairs: i64 = len(scores)
        zset.expect(pairs, longest_member(args, first + 1, 2), limits)
        added: i64 = 0
        moved: i64 = 0
        i: i64 = 0
        while i < pairs:
            outcome = zset.put(args[first + i * 2 + 1], scores[i], limits, options.condition)
            if outcome == ADDED:
                added += 1
            elif outcome == MOVED:
                moved += 1
            i += 1
        if added + moved > 0:
            session.changed(key, zset, ZADD, added + moved)
        elif zset.kind != kind and zset.home != CREATED:
            db.put_back(key, zset)
        return added + moved if options.ch else added


command(
    "zadd", arity=-4, flags=WRITE | DENYOOM | FAST, acl=SORTEDSET, keys=one_key(RW | UPDATE), group="sorted-set",
    arguments="key#0 [condition: NX | XX]@3.0.2 [comparison: GT | "
              "LT]@6.2.0 [change: CH@3.0.2] [increment: INCR@3.0.2] (data: score:double member) ...",
    since="1.2.0", complexity="O(log n) for each member",
    summary="Add members to a sorted set, or change their scores.",
)(Zadd())  # fmt: skip


def longest_member(args: list[bytes], first: i64, step: i64) -> i64:
    """The length of the longest member.  The members are every `step`-th argument from index `first` on."""
    longest: i64 = 0
    i = first
    while i < len(args):
        size: i64 = len(args[i])
        if size > longest:
            longest = size
        i += step
    return longest


def put_one(session: Session, key: bytes, zset: ZSet, condition: i64, score: float, member: bytes, event: Event) -> i64:
    """Add or move one member, or increase its score if `event` is ZINCR; report it and return the outcome of `put`."""
    db = session.db
    limits = db.moment.limits
    kind = zset.kind
    zset.expect(1, len(member), limits)
    outcome = zset.put(member, score, limits, condition, event is ZINCR)
    if outcome == ADDED or outcome == MOVED:
        session.changed(key, zset, event, 1)
    elif outcome == NOT_A_NUMBER:
        raise CommandError(SCORE_NOT_A_NUMBER)
    elif zset.kind != kind and zset.home != CREATED:
        # A member that a condition rejects may still change the encoding.
        db.put_back(key, zset)
    return outcome


def add_one(session: Session, key: bytes, score: float, member: bytes) -> object:
    """ZADD of one pair without conditions."""
    zset = session.db.zset_to_change(key, True)
    assert zset is not None
    return int(put_one(session, key, zset, ALWAYS, score, member, ZADD) == ADDED)


def increase(session: Session, key: bytes, condition: i64, by: float, member: bytes) -> object:
    """ZINCRBY and ZADD INCR; return the new score, or null if a condition is not met."""
    zset = session.db.zset_to_change(key, condition & ONLY_OLD == 0)
    if zset is None or put_one(session, key, zset, condition, by, member, ZINCR) == REFUSED:
        return None
    return Double(zset.score)


class Zincrby(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return increase(session, args[1], ALWAYS, double(args[2]), args[3])


command(
    "zincrby", arity=4, flags=WRITE | DENYOOM | FAST, acl=SORTEDSET, keys=one_key(RW | ACCESS | UPDATE),
    group="sorted-set",
    arguments="key#0 increment:integer member",
    since="1.2.0", complexity="O(log n)",
    summary="Add to the score of a member of a sorted set and return the new score.",
)(Zincrby())  # fmt: skip


class Zscore(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        zset = session.db.zset(args[1])
        return Double(zset.score) if zset is not None and zset.find(args[2]) else None


command(
    "zscore", arity=3, flags=READONLY | FAST, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 member",
    since="1.2.0", complexity="O(1)", summary="Return the score of a member of a sorted set.",
)(Zscore())  # fmt: skip


@command(
    "zmscore", arity=-3, flags=READONLY | FAST, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 member ...",
    since="6.2.0", complexity="O(1) for each member", summary="Return the scores of several members of a sorted set.",
)  # fmt: skip
def zmscore(session: Session, args: list[bytes]) -> object:
    zset = session.db.zset(args[1])
    found: list[object] = []
    for member in args[2:]:
        found.append(Double(zset.score) if zset is not None and zset.find(member) else None)
    return found


class Zcard(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        zset = session.db.zset(args[1])
        return zset.count() if zset is not None else 0


command(
    "zcard", arity=2, flags=READONLY | FAST, acl=SORTEDSET, keys=one_key(RO), group="sorted-set",
    arguments="key#0",
    since="1.2.0", complexity="O(1)", summary="Return the size of a sorted set.",
)(Zcard())  # fmt: skip


def tell_rank(session: Session, args: list[bytes], name: bytes, reverse: bool) -> object:
    """ZRANK and ZREVRANK."""
    with_score = False
    if len(args) > 3:
        if len(args) > 4:
            raise CommandError(wrong_arity(name))
        with_score = args[3].upper() == b"WITHSCORE"
        if not with_score:
            raise CommandError(SYNTAX)
    zset = session.db.zset(args[1])
    rank: i64 = zset.rank(args[2]) if zset is not None else i64(-1)
    if zset is None or rank < 0:
        return NULL_ARRAY if with_score else None
    if reverse:
        rank = zset.count() - 1 - rank
    return [rank, Double(zset.score)] if with_score else rank


class Zrank(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return tell_rank(session, args, b"zrank", False)


command(
    "zrank", arity=-3, flags=READONLY | FAST, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 member [WITHSCORE]",
    since="2.0.0", complexity="O(log n)", summary="Return the rank of a member of a sorted set, from the lowest score.",
)(Zrank())  # fmt: skip


@command(
    "zrevrank", arity=-3, flags=READONLY | FAST, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 member [WITHSCORE]",
    since="2.0.0", complexity="O(log n)",
    summary="Return the rank of a member of a sorted set, from the highest score.",
)  # fmt: skip
def zrevrank(session: Session, args: list[bytes]) -> object:
    return tell_rank(session, args, b"zrevrank", True)


class Zrem(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
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


command(
    "zrem", arity=-3, flags=WRITE | FAST, acl=SORTEDSET, keys=one_key(RW | DELETE), group="sorted-set",
    arguments="key#0 member ...",
    since="1.2.0", complexity="O(log n) for each member",
    summary="Remove members of a sorted set and return how many existed.",
)(Zrem())  # fmt: skip
