"""Members of sorted sets as replies.  The encoder reads them from the packed bytes; no objects are created."""

from __future__ import annotations

from typing import Final

from librt.strings import read_i16_be
from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.protocol.reply import ALONE, STOP_MASK, Ranking
from redpoll.structures import ranked
from redpoll.structures.ranked import Span
from redpoll.structures.scores import OTHER, score_at
from redpoll.types.zset import ZSet

LENGTH_SHIFT: Final[i64] = 8
FIRST_MASK: Final[i64] = 255


@mypyc_attr(acyclic=True)
class Upwards(Ranking):
    """The members of a span from the first to the last."""

    def __init__(self, span: Span, count: i64, layout: i64) -> None:
        super().__init__(count, layout)
        self.span = span
        self.index: i64 = 0
        self.stop: i64 = 0

    def start(self) -> None:
        self.index = -1
        self.end = 0
        self.stop = 0

    def advance(self) -> None:
        at = self.end
        if at >= self.stop:
            self.index += 1
            self.holder = self.span.blobs[self.index]
            at = self.span.begin(self.index)
            self.stop = self.span.end(self.index)
        holder = self.holder
        word = i64(read_i16_be(holder, at))
        first = word & FIRST_MASK
        if word >= 0 and first < OTHER and self.layout == ALONE:
            # As `look` does, without another call.
            begin = at + 2 + (first >> 5)
            self.begin = begin
            self.end = begin + (word >> LENGTH_SHIFT)
        else:
            self.look(at)

    def look(self, at: i64) -> None:
        """Go to the record at `at` of the holder."""
        holder = self.holder
        word = i64(read_i16_be(holder, at))
        first = word & FIRST_MASK
        if word >= 0 and first < OTHER:
            self.begin = at + 2 + (first >> 5)
            self.end = self.begin + (word >> LENGTH_SHIFT)
            at += 1
        else:
            self.begin = ranked.member_start(holder, at)
            self.end = ranked.record_end(holder, at)
            at = ranked.score_start(holder, at)
        if self.layout != ALONE:
            self.score = score_at(holder, at)


@mypyc_attr(acyclic=True)
class Downwards(Upwards):
    """The members of a span from the last to the first."""

    def __init__(self, span: Span, count: i64, layout: i64) -> None:
        super().__init__(span, count, layout)
        self.places: vec[i64] = vec[i64]()
        """Where the records of the present blob begin ..."""
        self.left: i64 = 0
        """... and how many of them are still to come."""

    def start(self) -> None:
        self.index = len(self.span.blobs)
        self.left = 0

    def advance(self) -> None:
        if self.left == 0:
            self.index -= 1
            span = self.span
            self.holder = span.blobs[self.index]
            self.places = ranked.offsets(self.holder, span.begin(self.index), span.end(self.index))
            self.left = len(self.places)
        self.left -= 1
        self.look(self.places[self.left])


@mypyc_attr(acyclic=True)
class Picked(Ranking):
    """Members that were picked one by one, in that order."""

    def __init__(self, layout: i64) -> None:
        super().__init__(0, layout)
        self.holders: list[bytes] = []
        self.places: vec[i64] = vec[i64]()
        """Of each: where it begins in its holder, shifted left by 32, and where it ends."""
        self.scores: vec[float] = vec[float]()
        self.at: i64 = 0

    def add(self, holder: bytes, begin: i64, end: i64, score: float) -> None:
        """One more member: `holder[begin:end]`; for positions below 2^31."""
        self.holders.append(holder)
        self.places = append(self.places, begin << 32 | end)
        self.scores = append(self.scores, score)
        self.count += 1

    def start(self) -> None:
        self.at = 0

    def advance(self) -> None:
        place = self.places[self.at]
        self.holder = self.holders[self.at]
        self.begin = place >> 32
        self.end = place & STOP_MASK
        self.score = self.scores[self.at]
        self.at += 1


@mypyc_attr(acyclic=True)
class Computed(Ranking):
    """Members and scores in columns: the result of an aggregation."""

    def __init__(self, scores: vec[float], members: list[bytes], layout: i64) -> None:
        super().__init__(len(members), layout)
        self.scores = scores
        self.members = members
        self.at: i64 = 0

    def start(self) -> None:
        self.at = 0

    def advance(self) -> None:
        self.holder = self.members[self.at]
        self.end = len(self.holder)
        self.score = self.scores[self.at]
        self.at += 1


def members_reply(zset: ZSet, start: i64, stop: i64, reverse: bool, layout: i64) -> object:
    """The members of ranks `start` to before `stop`, in order or in reverse.  Later changes do not affect the reply."""
    if start >= stop:
        return []
    span = zset.span(start, stop)
    if reverse:
        return Downwards(span, stop - start, layout)
    return Upwards(span, stop - start, layout)
