"""Ranges of sorted sets in arguments: ends that are ranks, scores or members, and the options after them."""

from __future__ import annotations

from math import inf
from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.engine.args import Args, integer
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
from redpoll.types.kinds import ZSET_SKIPLIST
from redpoll.types.zset import ZSet

BY_RANK: Final[i64] = 0
BY_SCORE: Final[i64] = 1
BY_LEX: Final[i64] = 2

PARENTHESIS: Final = ord("(")


@mypyc_attr(acyclic=True)
class RangeOptions:
    """The kind of a range, and the options after its ends.

    `free` ranges (ZRANGE and ZRANGESTORE) have options for the kind of range (BYSCORE, BYLEX) and the direction (REV).
    """

    def __init__(self, by: i64 = BY_RANK, reverse: bool = False) -> None:
        self.by: i64 = by
        self.reverse = reverse
        self.with_scores = False
        self.skip: i64 = 0
        self.most: i64 = -1

    def read(self, cursor: Args, free: bool = False, storing: bool = False) -> None:
        """Read the remaining arguments.  Raises CommandError."""
        while cursor.left() > 0:
            word = cursor.word()
            if word == b"WITHSCORES" and not storing:
                self.with_scores = True
            elif word == b"LIMIT" and cursor.left() >= 2:
                self.skip = cursor.integer()
                self.most = cursor.integer()
            elif word == b"REV" and free and not self.reverse:
                self.reverse = True
            elif word == b"BYLEX" and free and self.by == BY_RANK:
                self.by = BY_LEX
            elif word == b"BYSCORE" and free and self.by == BY_RANK:
                self.by = BY_SCORE
            else:
                raise CommandError(SYNTAX)
        if self.most != -1 and self.by == BY_RANK:
            raise CommandError(LIMIT_WITHOUT_RANGE)
        if self.with_scores and self.by == BY_LEX:
            raise CommandError(WITHSCORES_BYLEX)


@mypyc_attr(acyclic=True)
class Ends:
    """The two ends of a range.  The constructor raises CommandError for wrong arguments; `place` finds the ranks."""

    def __init__(self) -> None:
        self.start: i64 = 0
        """The rank of the first member in the range ..."""
        self.stop: i64 = 0
        """... and that of the first one after it: no member is in the range unless it is above `start`."""

    def place(self, zset: ZSet) -> None:
        """Set `start` and `stop` to the ranks of the range in this set.  O(log n)."""
        raise NotImplementedError


@mypyc_attr(acyclic=True)
class RankEnds(Ends):
    """From rank to rank, inclusive.  Negative ranks count from the end."""

    def __init__(self, first: bytes, last: bytes, reverse: bool) -> None:
        super().__init__()
        self.first: i64 = integer(first)
        self.last: i64 = integer(last)
        self.reverse = reverse

    def place(self, zset: ZSet) -> None:
        count = zset.count()
        first = self.first
        last = self.last
        if first < 0:
            first = first + count if first + count > 0 else i64(0)
        if last < 0:
            last += count
        if last >= count:
            last = count - 1
        if self.reverse:
            self.start = count - 1 - last
            self.stop = count - first
        else:
            self.start = first
            self.stop = last + 1


@mypyc_attr(acyclic=True)
class ScoreEnds(Ends):
    """From score to score: `(1.5`, `-inf`."""

    def __init__(self, low: bytes, high: bytes) -> None:
        super().__init__()
        self.low_open = len(low) > 0 and low[0] == PARENTHESIS
        self.low = parse_score_bound(low, 1 if self.low_open else 0)
        self.high_open = len(high) > 0 and high[0] == PARENTHESIS
        self.high = parse_score_bound(high, 1 if self.high_open else 0)
        if self.low != self.low or self.high != self.high:
            raise CommandError(NOT_A_MIN_OR_MAX)

    def place(self, zset: ZSet) -> None:
        self.start = 0
        if self.low != -inf or self.low_open:
            self.start = zset.rank_of_score(self.low, self.low_open)
        self.stop = zset.count()
        if self.high != inf or self.high_open:
            self.stop = zset.rank_of_score(self.high, not self.high_open)


@mypyc_attr(acyclic=True)
class LexEnd:
    """One end of a range of members: `[a`, `(a`, `-`, `+`."""

    def __init__(self, word: bytes) -> None:
        self.lowest = up_to_nul(word) == b"-"
        self.highest = up_to_nul(word) == b"+"
        self.open = word[:1] == b"("
        self.member = word[1:]
        if not (self.lowest or self.highest or self.open or word[:1] == b"["):
            raise CommandError(NOT_A_LEX_RANGE)

    def rank(self, zset: ZSet, is_high: bool) -> i64:
        """How many members come before this end of the range."""
        if self.lowest:
            return 0
        if self.highest:
            return zset.count()
        return zset.rank_of_member(self.member, is_high != self.open)


@mypyc_attr(acyclic=True)
class LexEnds(Ends):
    """From member to member.  All scores must be equal."""

    def __init__(self, low: bytes, high: bytes) -> None:
        super().__init__()
        self.low = LexEnd(low)
        self.high = LexEnd(high)

    def place(self, zset: ZSet) -> None:
        self.start = self.low.rank(zset, False)
        self.stop = self.high.rank(zset, True)


def read_ends(options: RangeOptions, first: bytes, last: bytes) -> Ends:
    """The ends of a range from the arguments.

    If a range of scores or members is reversed, the higher end comes first.
    """
    if options.by == BY_RANK:
        return RankEnds(first, last, options.reverse)
    if options.reverse:
        first, last = last, first
    if options.by == BY_SCORE:
        return ScoreEnds(first, last)
    return LexEnds(first, last)


def cut(ends: Ends, options: RangeOptions, zset: ZSet) -> None:
    """Apply LIMIT to the range."""
    size = ends.stop - ends.start
    skip = options.skip
    if size <= 0 or options.by == BY_RANK:
        return
    if skip < 0 and zset.kind == ZSET_SKIPLIST:
        # Only here does the reference count from the end.
        skip += size
    if skip < 0 or skip >= size:
        ends.stop = ends.start
        return
    most = size - skip
    if options.most >= 0 and options.most < most:
        most = options.most
    if options.reverse:
        ends.stop -= skip
        ends.start = ends.stop - most
    else:
        ends.start += skip
        ends.stop = ends.start + most
