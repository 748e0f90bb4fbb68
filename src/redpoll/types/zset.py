"""Sorted set: packed in order while small; once large, a table of members to scores beside a counted B+tree.

The table gives a member's score in O(1); the tree keeps (score, member) in order and gives ranks in O(log n).  Both
always hold the same members: `put`, `remove` and the pops are the only methods that touch either.
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_f64_le
from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.protocol.numbers import format_double
from redpoll.structures import ranked
from redpoll.structures.btree import BTree
from redpoll.structures.members import insert_member
from redpoll.structures.packed import spliced, without
from redpoll.structures.segment import Outside
from redpoll.structures.table import Table
from redpoll.structures.table_copy import copied
from redpoll.types.kinds import ZSET_LISTPACK, ZSET_SKIPLIST, EncodingLimits
from redpoll.types.value import Value

PACKED_MEMBERS: Final[i64] = 64
PACKED_LIMIT: Final[i64] = 1536
MEMBER_LIMIT: Final[i64] = 254

ALWAYS: Final[i64] = 0
ONLY_NEW: Final[i64] = 1
ONLY_OLD: Final[i64] = 2
ONLY_GREATER: Final[i64] = 4
ONLY_LESS: Final[i64] = 8

ADDED: Final[i64] = 0
MOVED: Final[i64] = 1
SAME: Final[i64] = 2
REFUSED: Final[i64] = 3
NOT_A_NUMBER: Final[i64] = 4


@mypyc_attr(acyclic=True, free_list_len=1)
class ZSet(Value):
    """See the module's docstring.  Ordered by score, then by member as bytes; nan is never a score.

    `score` is what the last `put` left as the member's score, or what the last `find` found.
    """

    def __init__(self) -> None:
        super().__init__(ZSET_LISTPACK)
        self.members: Table | None = None
        self.order: BTree | None = None
        self.score: float = 0.0

    def is_large(self) -> bool:
        return self.members is not None

    def is_empty(self) -> bool:
        members = self.members
        return members.size == 0 if members is not None else self.start == self.stop

    def count(self) -> i64:
        """Number of members."""
        members = self.members
        if members is not None:
            return members.size
        return ranked.count(self.blob, self.start, self.stop)

    def find(self, member: bytes) -> bool:
        """Whether `member` is there; its score is then in `score`.  O(1) on average."""
        members = self.members
        if members is not None:
            if not members.find(member):
                return False
            self.score = members.score()
            return True
        at = ranked.find(self.blob, self.start, self.stop, member)
        if at < 0:
            return False
        self.score = read_f64_le(self.blob, at)
        return True

    def put(self, member: bytes, score: float, condition: i64 = ALWAYS, increment: bool = False) -> i64:
        """Give `member` a score, or add to the one it has; what came of it.  O(log n).

        `condition` adds up ONLY_…; the outcome is one of the constants above, and `score` is the member's score
        afterwards (NOT_A_NUMBER and REFUSED change nothing).
        """
        self.puts += 1
        size: i64 = len(member)
        if size > self.longest:
            self.longest = size
        there = self.find(member)
        if not there:
            if condition & ONLY_OLD != 0:
                return REFUSED
            self.score = score
            self._add(member, score)
            return ADDED
        old = self.score
        if condition & ONLY_NEW != 0:
            return REFUSED
        if increment:
            score += old
            if score != score:
                return NOT_A_NUMBER
        if (condition & ONLY_GREATER != 0 and score <= old) or (condition & ONLY_LESS != 0 and score >= old):
            return REFUSED
        if score == old:
            return SAME
        self.score = score
        self._move(member, old, score)
        return MOVED

    def _add(self, member: bytes, score: float) -> None:
        if self.members is None:
            if self.kind == ZSET_LISTPACK:
                # The compact encoding keeps no sign of zero.
                score += 0.0
            if len(member) <= MEMBER_LIMIT:
                at = ranked.place(self.blob, self.start, self.stop, score, member) - self.start
                self.rewrite(spliced(self.packed(), at, at, ranked.record(score, member)))
                if self.stop > PACKED_LIMIT or (self.stop >= 640 and self.count() > PACKED_MEMBERS):
                    self._grow()
                return
            self._grow()
            # The insert goes where a look-up in the new table left off.
            self.find(member)
        members = self.members
        order = self.order
        assert members is not None and order is not None
        insert_member(members, member)
        members.set_score(score)
        order.insert(score, member)

    def _move(self, member: bytes, old: float, score: float) -> None:
        members = self.members
        if members is not None:
            members.set_score(score)
            order = self.order
            assert order is not None
            order.move(old, score, member)
            return
        if self.kind == ZSET_LISTPACK:
            score += 0.0
        blob = self.blob
        at = ranked.find(blob, self.start, self.stop, member)
        end: i64 = at + 9 + len(member)
        if score > old:
            stays = end == self.stop or not ranked.is_before(blob, end, score, member)
        else:
            stays = ranked.place(blob, self.start, at, score, member) == at
        if stays:
            self.patch(at, ranked.score_bytes(score))
            return
        rest = without(self.packed(), at - self.start, end - self.start)
        to = ranked.place(rest, 0, len(rest), score, member)
        self.rewrite(spliced(rest, to, to, ranked.record(score, member)))

    def remove(self, member: bytes) -> bool:
        """Take `member` away; whether it was there.  O(log n)."""
        members = self.members
        if members is None:
            at = ranked.find(self.blob, self.start, self.stop, member)
            if at < 0:
                return False
            at -= self.start
            self.rewrite(without(self.packed(), at, at + 9 + len(member)))
            return True
        if not members.find(member):
            return False
        score = members.score()
        members.remove()
        order = self.order
        assert order is not None
        return order.remove(score, member)

    def pop(self, last: bool) -> bytes:
        """Take the first or the last member out of a set that is not empty; its score is in `score`.  O(log n)."""
        order = self.order
        members = self.members
        if order is not None and members is not None:
            self.score, member = order.pop_last() if last else order.pop_first()
            members.find(member)
            members.remove()
            return member
        found: list[object] = []
        rank: i64 = self.count() - 1 if last else 0
        self.slice(rank, rank + 1, False, found)
        self.score = self.slice_scores(rank, rank + 1, False)[0]
        popped = found[0]
        assert isinstance(popped, bytes)
        self.remove(popped)
        return popped

    def rank(self, member: bytes) -> i64:
        """How many members come before `member`, -1 if it is not there; its score is in `score`.  O(log n)."""
        if not self.find(member):
            return -1
        order = self.order
        if order is not None:
            return order.rank(self.score, member)
        at = ranked.find(self.blob, self.start, self.stop, member)
        return ranked.count(self.blob, self.start, at)

    def rank_of_score(self, score: float, after: bool) -> i64:
        """How many members have a lower score (with `after`: or this one).  O(log n)."""
        order = self.order
        if order is not None:
            return order.rank_of_score(score, after)
        return ranked.rank_of_score(self.blob, self.start, self.stop, score, after)

    def rank_of_member(self, member: bytes, after: bool) -> i64:
        """How many come before `member` (with `after`: or are it), where all scores are equal.  O(log n)."""
        order = self.order
        if order is not None:
            return order.rank_of_member(member, after)
        return ranked.rank_of_member(self.blob, self.start, self.stop, member, after)

    def slice(self, start: i64, stop: i64, reverse: bool, into: list[object]) -> None:
        """Add the members of ranks `start` to before `stop`, in order or in reverse.  O(log n + members)."""
        order = self.order
        if order is not None:
            order.slice(start, stop, reverse, into)
            return
        blob = self.blob
        places = ranked.starts(blob, self.start, self.stop, start, stop)
        count: i64 = len(places)
        i: i64 = 0
        while i < count:
            at = places[count - 1 - i] if reverse else places[i]
            into.append(blob[at + 9 : at + 9 + blob[at + 8]])
            i += 1

    def slice_scores(self, start: i64, stop: i64, reverse: bool) -> vec[float]:
        """The scores that go with `slice`."""
        order = self.order
        if order is not None:
            return order.slice_scores(start, stop, reverse)
        places = ranked.starts(self.blob, self.start, self.stop, start, stop)
        count: i64 = len(places)
        found = vec[float](capacity=count)
        i: i64 = 0
        while i < count:
            found = append(found, read_f64_le(self.blob, places[count - 1 - i] if reverse else places[i]))
            i += 1
        return found

    def _grow(self) -> None:
        """Take the native form."""
        members = Table(scored=True)
        order = BTree()
        blob = self.blob
        at = self.start
        while at < self.stop:
            length: i64 = blob[at + 8]
            member = blob[at + 9 : at + 9 + length]
            score = read_f64_le(blob, at)
            members.find(member)
            insert_member(members, member)
            members.set_score(score)
            order.insert(score, member)
            at += 9 + length
        self.members = members
        self.order = order
        self.rewrite(b"")

    def apply_limits(self, limits: EncodingLimits) -> None:
        # A command with more pairs than the limit counts as large, though they may name one member.
        if self.kind == ZSET_LISTPACK:
            entries = limits.zset_entries
            packed = self.members is None and self.stop - self.start <= entries * 10
            if self.longest > limits.zset_value or self.puts > entries or (not packed and self.count() > entries):
                self.kind = ZSET_SKIPLIST

    def rows(self) -> list[bytes]:
        members: list[object] = []
        self.slice(0, self.count(), False, members)
        scores = self.slice_scores(0, self.count(), False)
        found: list[bytes] = []
        for n in range(len(members)):
            member = members[n]
            assert isinstance(member, bytes)
            found.append(member)
            found.append(format_double(scores[n]))
        return found

    def row_width(self) -> i64:
        return 2

    def inner(self) -> Table | None:
        return self.members

    def size_bytes(self) -> i64:
        members = self.members
        order = self.order
        if members is None or order is None:
            return 208 + len(self.blob)
        return 208 + members.size_bytes() + order.size_bytes

    def copy(self) -> Outside:
        made = ZSet()
        made.stand_beside(self.kind, self.packed())
        members = self.members
        order = self.order
        if members is not None and order is not None:
            made.members = copied(members)
            made.order = order.copy()
        return made

    def in_pieces(self) -> bool:
        return True

    def release(self, budget: i64) -> i64:
        members = self.members
        order = self.order
        if members is None or order is None:
            return budget - 1
        budget -= order.count - order.release(budget)
        return members.release(budget) if budget > 0 else budget
