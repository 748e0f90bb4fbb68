"""Sorted sets by range: of ranks, of scores, of members."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, RO, one_key
from redpoll.catalogue.spec import READONLY, SORTEDSET
from redpoll.engine.args import Args, integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import (
    LIMIT_WITHOUT_RANGE,
    NOT_A_LEX_RANGE,
    NOT_A_MIN_OR_MAX,
    SYNTAX,
    WITHSCORES_BYLEX,
    CommandError,
    up_to_nul,
)
from redpoll.protocol.numbers import parse_score_bound
from redpoll.protocol.reply import Double, Pairs
from redpoll.types.kinds import ZSET_SKIPLIST
from redpoll.types.zset import ZSet

BY_RANK: Final[i64] = 0
BY_SCORE: Final[i64] = 1
BY_LEX: Final[i64] = 2


class RangeOptions:
    """The words behind ZRANGE's ends."""

    def __init__(self, cursor: Args) -> None:
        self.by: i64 = BY_RANK
        self.reverse = False
        self.with_scores = False
        self.skip: i64 = 0
        self.most: i64 = -1
        while cursor.left() > 0:
            word = cursor.word()
            if word == b"WITHSCORES":
                self.with_scores = True
            elif word == b"LIMIT" and cursor.left() >= 2:
                self.skip = cursor.integer()
                self.most = cursor.integer()
            elif word == b"REV" and not self.reverse:
                self.reverse = True
            elif word == b"BYLEX" and self.by == BY_RANK:
                self.by = BY_LEX
            elif word == b"BYSCORE" and self.by == BY_RANK:
                self.by = BY_SCORE
            else:
                raise CommandError(SYNTAX)
        if self.most != -1 and self.by == BY_RANK:
            raise CommandError(LIMIT_WITHOUT_RANGE)
        if self.with_scores and self.by == BY_LEX:
            raise CommandError(WITHSCORES_BYLEX)


class ScoreEnd:
    """One end of a range of scores: `(1.5`, `-inf`."""

    def __init__(self, word: bytes) -> None:
        self.open = word[:1] == b"("
        self.score = parse_score_bound(word, 1 if self.open else 0)
        if self.score != self.score:
            raise CommandError(NOT_A_MIN_OR_MAX)

    def rank(self, zset: ZSet, is_max: bool) -> i64:
        """How many members come before this end of the range."""
        return zset.rank_of_score(self.score, is_max != self.open)


class LexEnd:
    """One end of a range of members: `[a`, `(a`, `-`, `+`."""

    def __init__(self, word: bytes) -> None:
        self.lowest = up_to_nul(word) == b"-"
        self.highest = up_to_nul(word) == b"+"
        self.open = word[:1] == b"("
        self.member = word[1:]
        if not (self.lowest or self.highest or self.open or word[:1] == b"["):
            raise CommandError(NOT_A_LEX_RANGE)

    def rank(self, zset: ZSet, is_max: bool) -> i64:
        if self.lowest:
            return 0
        if self.highest:
            return zset.count()
        return zset.rank_of_member(self.member, is_max != self.open)


@command(
    "zrange", arity=-4, flags=READONLY, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    arguments="key#0 start stop [sortby: BYSCORE | "
              "BYLEX]@6.2.0 [REV@6.2.0] [LIMIT offset:integer count:integer]@6.2.0 [WITHSCORES]",
    since="1.2.0", complexity="O(log n + members returned)",
    summary="The members of a sorted set in a range of ranks, scores or members.",
)  # fmt: skip
def zrange(session: Session, args: list[bytes]) -> object:
    options = RangeOptions(Args(args, 4))
    low_word, high_word = args[2], args[3]
    if options.by == BY_RANK:
        first = integer(low_word)
        last = integer(high_word)
        zset = session.db.zset(args[1])
        if zset is None:
            return []
        return by_rank(zset, first, last, options)
    if options.reverse:
        low_word, high_word = high_word, low_word
    if options.by == BY_SCORE:
        low_score = ScoreEnd(low_word)
        high_score = ScoreEnd(high_word)
        zset = session.db.zset(args[1])
        if zset is None:
            return []
        return limited(zset, low_score.rank(zset, False), high_score.rank(zset, True), options)
    low_lex = LexEnd(low_word)
    high_lex = LexEnd(high_word)
    zset = session.db.zset(args[1])
    if zset is None:
        return []
    return limited(zset, low_lex.rank(zset, False), high_lex.rank(zset, True), options)


def by_rank(zset: ZSet, first: i64, last: i64, options: RangeOptions) -> object:
    """The members of ranks `first` to `last`, both included; negative ones count from the end."""
    count = zset.count()
    if first < 0:
        first = max(first + count, 0)
    if last < 0:
        last += count
    if last >= count:
        last = count - 1
    if first > last:
        return []
    if options.reverse:
        return members(zset, count - 1 - last, count - first, options)
    return members(zset, first, last + 1, options)


def limited(zset: ZSet, start: i64, stop: i64, options: RangeOptions) -> object:
    """The members of ranks `start` to before `stop`, as LIMIT cuts them."""
    skip = options.skip
    if skip < 0 and zset.kind == ZSET_SKIPLIST:
        # The reference counts from the end there, and only there.
        skip += stop - start
    if skip < 0 or start >= stop or skip >= stop - start:
        return []
    most = stop - start - skip
    if options.most >= 0 and options.most < most:
        most = options.most
    if options.reverse:
        return members(zset, stop - skip - most, stop - skip, options)
    return members(zset, start + skip, start + skip + most, options)


def members(zset: ZSet, start: i64, stop: i64, options: RangeOptions) -> object:
    """The reply: members, with their scores if asked (in RESP3 as pairs)."""
    found: list[object] = []
    if start >= stop:
        return found
    zset.slice(start, stop, options.reverse, found)
    if not options.with_scores:
        return found
    scores = zset.slice_scores(start, stop, options.reverse)
    pairs: list[object] = []
    i: i64 = 0
    while i < len(scores):
        pairs.append(found[i])
        pairs.append(Double(scores[i]))
        i += 1
    return Pairs(pairs)
