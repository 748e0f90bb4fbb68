"""Ranges of sorted sets by rank, score or member: return, count, store or remove them."""

from __future__ import annotations

from librt.vecs import vec
from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, OW, RO, RW, UPDATE, KeyRange, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, READONLY, SORTEDSET, WRITE
from redpoll.commands.results import store
from redpoll.commands.zset_bounds import (
    BY_LEX,
    BY_RANK,
    BY_SCORE,
    Ends,
    LexEnds,
    RangeOptions,
    ScoreEnds,
    cut,
    read_ends,
)
from redpoll.commands.zset_replies import members_reply
from redpoll.engine.args import Args
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.keyspace.events import DEL, ZRANGESTORE, ZREMRANGEBYLEX, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, Event
from redpoll.protocol.reply import ALONE, FLAT
from redpoll.types.kinds import EncodingLimits
from redpoll.types.zset import ZSet, drop_signs


def tell_range(session: Session, args: list[bytes], options: RangeOptions) -> object:
    """The reply of all commands that return a range, after its options are read."""
    ends = read_ends(options, args[2], args[3])
    zset = session.db.zset(args[1])
    if zset is None:
        return []
    ends.place(zset)
    cut(ends, options, zset)
    return members_reply(zset, ends.start, ends.stop, options.reverse, FLAT if options.with_scores else ALONE)


def tell_fixed(session: Session, args: list[bytes], by: i64, reverse: bool) -> object:
    """The commands whose name says the kind of range (ZRANGEBYSCORE and others)."""
    options = RangeOptions(by, reverse)
    if len(args) > 4:
        options.read(Args(args, 4))
    return tell_range(session, args, options)


class Zrange(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        options = RangeOptions()
        if len(args) > 4:
            options.read(Args(args, 4), free=True)
        return tell_range(session, args, options)


command(
    "zrange", arity=-4, flags=READONLY, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 start stop [sortby: BYSCORE | "
              "BYLEX]@6.2.0 [REV@6.2.0] [LIMIT offset:integer count:integer]@6.2.0 [WITHSCORES]",
    since="1.2.0", complexity="O(log n + members returned)",
    summary="Return the members of a sorted set in a range of ranks, scores or members.",
)(Zrange())  # fmt: skip


@command(
    "zrevrange", arity=-4, flags=READONLY, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 start:integer stop:integer [WITHSCORES]",
    since="1.2.0", complexity="O(log n + members returned)",
    summary="Return the members of a sorted set in a range of ranks, from the highest score.",
)  # fmt: skip
def zrevrange(session: Session, args: list[bytes]) -> object:
    return tell_fixed(session, args, BY_RANK, True)


class Zrangebyscore(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return tell_fixed(session, args, BY_SCORE, False)


command(
    "zrangebyscore", arity=-4, flags=READONLY, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 min:double max:double [WITHSCORES@2.0.0] [LIMIT offset:integer count:integer]",
    since="1.0.5", complexity="O(log n + members returned)",
    summary="Return the members of a sorted set in a range of scores.",
)(Zrangebyscore())  # fmt: skip


@command(
    "zrevrangebyscore", arity=-4, flags=READONLY, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 max:double min:double [WITHSCORES] [LIMIT offset:integer count:integer]",
    since="2.2.0", complexity="O(log n + members returned)",
    summary="Return the members of a sorted set in a range of scores, from the highest.",
)  # fmt: skip
def zrevrangebyscore(session: Session, args: list[bytes]) -> object:
    return tell_fixed(session, args, BY_SCORE, True)


@command(
    "zrangebylex", arity=-4, flags=READONLY, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 min max [LIMIT offset:integer count:integer]",
    since="2.8.9", complexity="O(log n + members returned)",
    summary="Return the members in a lexicographic range. All scores must be equal.",
)  # fmt: skip
def zrangebylex(session: Session, args: list[bytes]) -> object:
    return tell_fixed(session, args, BY_LEX, False)


@command(
    "zrevrangebylex", arity=-4, flags=READONLY, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 max min [LIMIT offset:integer count:integer]",
    since="2.8.9", complexity="O(log n + members returned)",
    summary="Return the members in a lexicographic range, in reverse. All scores must be equal.",
)  # fmt: skip
def zrevrangebylex(session: Session, args: list[bytes]) -> object:
    return tell_fixed(session, args, BY_LEX, True)


# Counting.


def count_range(session: Session, key: bytes, ends: Ends) -> object:
    """How many members are between the ends."""
    zset = session.db.zset(key)
    if zset is None:
        return 0
    ends.place(zset)
    return ends.stop - ends.start if ends.stop > ends.start else 0


@command(
    "zcount", arity=4, flags=READONLY | FAST, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 min:double max:double",
    since="2.0.0", complexity="O(log n)", summary="Count the members of a sorted set with scores in a range.",
)  # fmt: skip
def zcount(session: Session, args: list[bytes]) -> object:
    return count_range(session, args[1], ScoreEnds(args[2], args[3]))


@command(
    "zlexcount", arity=4, flags=READONLY | FAST, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 min max",
    since="2.8.9", complexity="O(log n)",
    summary="Count the members in a lexicographic range. All scores must be equal.",
)  # fmt: skip
def zlexcount(session: Session, args: list[bytes]) -> object:
    return count_range(session, args[1], LexEnds(args[2], args[3]))


# Storing.


@command(
    "zrangestore", arity=-5, flags=WRITE | DENYOOM, acl=SORTEDSET,
    keys=[KeyRange(OW | UPDATE, 1, 1, 1), KeyRange(RO | ACCESS, 2, 2, 1)], group="sorted-set",
    arguments="dst#0 src#1 min max [sortby: BYSCORE | BYLEX] [REV] [LIMIT offset:integer count:integer]",
    since="6.2.0", complexity="O(log n + members stored * log(members stored))",
    summary="Store the members in a range of ranks, scores or members as another sorted set; return its size.",
)  # fmt: skip
def zrangestore(session: Session, args: list[bytes]) -> object:
    db = session.db
    options = RangeOptions()
    if len(args) > 5:
        options.read(Args(args, 5), free=True, storing=True)
    ends = read_ends(options, args[3], args[4])
    made = ZSet()
    size: i64 = 0
    zset = db.zset(args[2])
    if zset is not None:
        ends.place(zset)
        cut(ends, options, zset)
        if ends.stop > ends.start:
            size = ends.stop - ends.start
            fill_from(made, zset, ends, options, db.moment.limits)
    return store(session, args[1], made, size, ZRANGESTORE)


def fill_from(made: ZSet, zset: ZSet, ends: Ends, options: RangeOptions, limits: EncodingLimits) -> None:
    """Put the members of a range into a new set.  O(members)."""
    span = zset.span(ends.start, ends.stop)
    members: list[bytes] = []
    span.members(members)
    count: i64 = len(members)
    scores = span.scores(vec[float](capacity=count))
    # The reference adds the members one by one, so the encoding may change on the way; then the sign of zero is kept
    # from there on.  Only for a range of ranks does it know the number in advance.
    if options.by != BY_RANK or count <= limits.zset_entries:
        compact = compact_ones(members, options.reverse, limits)
        if options.reverse:
            drop_signs(scores, count - compact, count)
        else:
            drop_signs(scores, 0, compact)
    made.fill(scores, members, limits)


def compact_ones(members: list[bytes], reverse: bool, limits: EncodingLimits) -> i64:
    """How many members a set accepts, from the first or the last on, before it becomes a skip list."""
    count: i64 = len(members)
    most = count if count < limits.zset_entries else limits.zset_entries
    found: i64 = 0
    while found < most and len(members[count - 1 - found if reverse else found]) <= limits.zset_value:
        found += 1
    return found


# Removing.


def remove_between(session: Session, key: bytes, ends: Ends, event: Event) -> object:
    """Remove the members between the ends; return how many."""
    zset = session.db.zset_to_change(key, False)
    if zset is None:
        return 0
    ends.place(zset)
    if ends.stop <= ends.start:
        return 0
    remove_ranks(session, key, zset, ends.start, ends.stop, event)
    return ends.stop - ends.start


def remove_ranks(session: Session, key: bytes, zset: ZSet, start: i64, stop: i64, event: Event) -> None:
    """Remove the members of ranks `start` to before `stop`, at least one, from the set at `key`, and report it."""
    db = session.db
    if start == 0 and stop == zset.count():
        # The whole set is removed, without looking at each member.
        db.discard(key)
        session.changed(key, None, event, stop)
        session.also(key, DEL)
        return
    gone = zset.remove_range(start, stop)
    session.changed(key, zset, event, stop - start)
    if gone is not None:
        db.reclaimer.drop(gone)


@command(
    "zremrangebyrank", arity=4, flags=WRITE, acl=SORTEDSET, keys=one_key(RW | DELETE), group="sorted-set",
    arguments="key#0 start:integer stop:integer",
    since="2.0.0", complexity="O(log n + members removed)",
    summary="Remove the members of a sorted set in a range of ranks and return how many.",
)  # fmt: skip
def zremrangebyrank(session: Session, args: list[bytes]) -> object:
    ends = read_ends(RangeOptions(BY_RANK), args[2], args[3])
    return remove_between(session, args[1], ends, ZREMRANGEBYRANK)


@command(
    "zremrangebyscore", arity=4, flags=WRITE, acl=SORTEDSET, keys=one_key(RW | DELETE), group="sorted-set",
    arguments="key#0 min:double max:double",
    since="1.2.0", complexity="O(log n + members removed)",
    summary="Remove the members of a sorted set in a range of scores and return how many.",
)  # fmt: skip
def zremrangebyscore(session: Session, args: list[bytes]) -> object:
    return remove_between(session, args[1], ScoreEnds(args[2], args[3]), ZREMRANGEBYSCORE)


@command(
    "zremrangebylex", arity=4, flags=WRITE, acl=SORTEDSET, keys=one_key(RW | DELETE), group="sorted-set",
    arguments="key#0 min max",
    since="2.8.9", complexity="O(log n + members removed)",
    summary="Remove the members in a lexicographic range and return how many. All scores must be equal.",
)  # fmt: skip
def zremrangebylex(session: Session, args: list[bytes]) -> object:
    return remove_between(session, args[1], LexEnds(args[2], args[3]), ZREMRANGEBYLEX)
