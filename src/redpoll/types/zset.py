"""Sorted set: packed in order while small; once large, a table of members to scores beside a counted B+tree.

The table gives a member's score in O(1); the tree keeps (score, member) in order and gives ranks in O(log n).  Both
always have the same members: only the methods here change them, and `check` verifies it.  The text of a long member is
in the table only (`structures/shared_texts.py`), so a member is inserted into the table first and removed from it last.
The packed form is a row of records like the tree's leaves (`structures/ranked.py`).

The encoding that clients see is kept in `kind` and follows the configured limits.  As in the reference, every new
member may change it.  It has one more visible effect: -0.0 becomes 0.0 in a `listpack`, and stays -0.0 in a `skiplist`.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.env.random import Random
from redpoll.protocol.numbers import format_double
from redpoll.structures import ranked
from redpoll.structures.btree_move import move_leaf
from redpoll.structures.members import found_score, insert_scored, set_score
from redpoll.structures.mover import Mover
from redpoll.structures.ranked import Span
from redpoll.structures.scores import packed
from redpoll.structures.segment import Outside
from redpoll.structures.shared_texts import SharedBTree, kind_for
from redpoll.structures.table import Table, large_table
from redpoll.structures.table_check import check
from redpoll.structures.table_copy import copied
from redpoll.structures.warming import AHEAD, Ahead
from redpoll.types.kinds import ZSET_LISTPACK, ZSET_SKIPLIST, EncodingLimits
from redpoll.types.value import Value

PACKED_MEMBERS: Final[i64] = 64
PACKED_LIMIT: Final[i64] = 1536
"""Beyond this many members, or bytes, a set leaves the packed form ..."""
MEMBER_LIMIT: Final[i64] = 254
"""... and with a member that is longer than this."""

FEW_LEFT: Final[i64] = 2
"""If a removal leaves fewer than one in this many members, the remaining ones are moved to new structures instead."""

ORDER_PIECES: Final[i64] = 1 << 32
"""Pieces from this one on are leaves of the tree, by the rank of an entry; those before it are buckets of the table."""

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

    `score` is the member's score after the last `put` or `find`.
    """

    def __init__(self) -> None:
        super().__init__(ZSET_LISTPACK)
        self.members: Table | None = None
        self.order: SharedBTree | None = None
        self.score: float = 0.0

    def is_large(self) -> bool:
        return self.members is not None

    def is_empty(self) -> bool:
        members = self.members
        return members.size == 0 if members is not None else self.start == self.stop

    def count(self) -> i64:
        """Number of members.  O(1), but of packed ones O(members)."""
        members = self.members
        if members is not None:
            return members.size
        return ranked.count(self.blob, self.start, self.stop)

    # Adding.

    def expect(self, pairs: i64, longest: i64, limits: EncodingLimits) -> None:
        """Choose the encoding before a command adds `pairs` members, the longest of which has `longest` bytes.

        All arguments count, even if they name one member twice or a condition rejects them.
        """
        if self.kind == ZSET_LISTPACK and (longest > limits.zset_value or pairs > limits.zset_entries):
            self.kind = ZSET_SKIPLIST

    def put(
        self, member: bytes, score: float, limits: EncodingLimits, condition: i64 = ALWAYS, increment: bool = False
    ) -> i64:
        """Set the score of `member`, or add to it; return the outcome.  O(log n).

        `condition` adds up ONLY_…; the outcome is one of the constants above, and `score` is the member's score
        afterwards (NOT_A_NUMBER and REFUSED change nothing).
        """
        members = self.members
        at: i64 = -1
        if members is not None:
            if not members.find(member):
                return self._add_new(member, score, members.size, limits, condition)
            old = found_score(members)
        else:
            at = ranked.find(self.blob, self.start, self.stop, member)
            if at < 0:
                return self._add_new(member, score, -1 - at, limits, condition)
            old = ranked.score_of(self.blob, at)
        self.score = old
        if condition & ONLY_NEW != 0:
            return REFUSED
        if increment:
            score += old
            if score != score:
                return NOT_A_NUMBER
        if (condition & ONLY_GREATER != 0 and score <= old) or (condition & ONLY_LESS != 0 and score >= old):
            return REFUSED
        self.score = score
        if score == old:
            return SAME
        if score == 0.0 and self.kind == ZSET_LISTPACK:
            score = 0.0
        if members is not None:
            set_score(members, score)
            order = self.order
            assert order is not None
            order.move(old, score, member)
        else:
            self._move(at, score, member)
        return MOVED

    def _add_new(self, member: bytes, score: float, count: i64, limits: EncodingLimits, condition: i64) -> i64:
        """Add a new member to `count` others.  A table is at the position where it goes."""
        if condition & ONLY_OLD != 0:
            return REFUSED
        self.score = score
        size: i64 = len(member)
        if self.kind == ZSET_LISTPACK:
            if count >= limits.zset_entries or size > limits.zset_value:
                self.kind = ZSET_SKIPLIST
            elif score == 0.0:
                score = 0.0
        members = self.members
        if members is None:
            if size <= MEMBER_LIMIT:
                at, _ = ranked.seek(self.blob, self.start, self.stop, score, member)
                at = -1 - at
                self.splice(at, at, ranked.record(score, member))
                if self.stop - self.start > PACKED_LIMIT or count >= PACKED_MEMBERS:
                    self._grow()
                return ADDED
            members = self._grow()
            # The insertion needs a look-up in the new table first.
            members.find(member)
        order = self.order
        assert order is not None
        insert_scored(members, member, score, kind_for(members, member))
        order.insert(score, member)
        return ADDED

    def _move(self, at: i64, score: float, member: bytes) -> None:
        """Change the score of the packed member at `at`."""
        blob = self.blob
        end = ranked.record_end(blob, at)
        if self.shared:
            begin = ranked.score_start(blob, at)
            stop = ranked.member_start(blob, at)
            packed_score = packed(score)
            if stop - begin == len(packed_score) and self._stays(at, end, score, member):
                # The record of the key keeps its length, so no other record moves.
                self.patch(begin, packed_score)
                return
        self.rewrite(ranked.with_score(self.packed(), at - self.start, score, member))

    def _stays(self, at: i64, end: i64, score: float, member: bytes) -> bool:
        """Whether the packed record from `at` to `end` is in the right place for another score."""
        blob = self.blob
        if score < ranked.score_of(blob, at):
            place, _ = ranked.seek(blob, self.start, at, score, member)
            return -1 - place == at
        place, _ = ranked.seek(blob, end, self.stop, score, member)
        return -1 - place == end

    # Removing.

    def remove(self, member: bytes) -> bool:
        """Remove `member`; return whether it was there.  O(log n)."""
        members = self.members
        if members is None:
            at = ranked.find(self.blob, self.start, self.stop, member)
            if at < 0:
                return False
            self.splice(at, ranked.record_end(self.blob, at), b"")
            return True
        if not members.find(member):
            return False
        order = self.order
        assert order is not None
        found = order.remove(found_score(members), member)
        members.remove()
        return found

    def pop(self, last: bool) -> bytes:
        """Remove and return the first or the last member of a set that is not empty.

        Its score is in `score`.  O(log n).
        """
        order = self.order
        members = self.members
        if order is not None and members is not None:
            self.score, member = order.pop_last() if last else order.pop_first()
            members.find(member)
            members.remove()
            return member
        blob = self.blob
        at = ranked.last_record(blob, self.start, self.stop) if last else self.start
        end = ranked.record_end(blob, at)
        self.score = ranked.score_of(blob, at)
        popped = blob[ranked.member_start(blob, at) : end]
        self.splice(at, end, b"")
        return popped

    def remove_range(self, start: i64, stop: i64) -> ZSet | None:
        """Take out the members of ranks `start` to before `stop`.  O(log n + members removed).

        Returns the dropped structures if freeing them takes long.
        """
        if start >= stop:
            return None
        members = self.members
        order = self.order
        if members is None or order is None:
            begin = ranked.skip(self.blob, self.start, start)
            self.splice(begin, ranked.skip(self.blob, begin, stop - start), b"")
            return None
        if (members.size - (stop - start)) * FEW_LEFT < stop - start:
            return self._keep_few(members, order, start, stop)
        gone: list[bytes] = []
        order.span(start, stop).members(gone)
        order.remove_range(start, stop)
        ahead = Ahead()
        k: i64 = 0
        while k < len(gone):
            if k & (AHEAD - 1) == 0:
                ahead.touch_from(members, gone, k)
            members.find(gone[k])
            members.remove()
            k += 1
        return None

    def _keep_few(self, members: Table, order: SharedBTree, start: i64, stop: i64) -> ZSet:
        """`remove_range` by moving the remaining members to new structures; return the old structures."""
        gone = ZSet()
        gone.members = members
        gone.order = order
        staying: list[bytes] = []
        before = order.span(0, start)
        after = order.span(stop, order.count)
        before.members(staying)
        after.members(staying)
        self._replace_all(after.scores(before.scores(vec[float]())), staying)
        return gone

    # Look-ups.

    def find(self, member: bytes) -> bool:
        """Whether `member` is there; its score is then in `score`.  O(1) on average."""
        members = self.members
        if members is not None:
            if not members.find(member):
                return False
            self.score = found_score(members)
            return True
        at = ranked.find(self.blob, self.start, self.stop, member)
        if at < 0:
            return False
        self.score = ranked.score_of(self.blob, at)
        return True

    def rank(self, member: bytes) -> i64:
        """How many members come before `member`, -1 if it is not there; its score is in `score`.  O(log n)."""
        order = self.order
        members = self.members
        if order is not None and members is not None:
            if not members.find(member):
                return -1
            self.score = found_score(members)
            return order.rank(self.score, member)
        at = ranked.find(self.blob, self.start, self.stop, member)
        if at < 0:
            return -1
        self.score = ranked.score_of(self.blob, at)
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

    def span(self, start: i64, stop: i64) -> Span:
        """The members of ranks `start` to before `stop` with their scores.  Later changes do not affect them.

        O(log n + members / 20), packed O(members).
        """
        order = self.order
        if order is not None:
            return order.span(start, stop)
        found = Span()
        if start < stop:
            found.blobs.append(self.blob)
            found.start = ranked.skip(self.blob, self.start, start)
            found.stop = ranked.skip(self.blob, found.start, stop - start)
        return found

    def span_between(self, low: float, high: float) -> Span:
        """The members with scores from `low` to before `high`, and perhaps others; later changes do not show.

        O(log n + members / 20), packed O(1).
        """
        order = self.order
        if order is not None:
            return order.span_between(low, high)
        found = Span()
        found.blobs.append(self.blob)
        found.start = self.start
        found.stop = self.stop
        return found

    def pick(self, random: Random) -> bytes:
        """A random member of a set that is not empty.  Its score is in `score`."""
        members = self.members
        if members is not None:
            members.seek_random(random)
            self.score = found_score(members)
            return members.key()
        at = ranked.skip(self.blob, self.start, random.below(self.count()))
        self.score = ranked.score_of(self.blob, at)
        return ranked.member_at(self.blob, at)

    # Changing the form.

    def fill(self, scores: vec[float], members: list[bytes], limits: EncodingLimits) -> None:
        """Fill the set with sorted entries without duplicates, in the smallest encoding for them.

        O(members).
        """
        longest: i64 = 0
        for member in members:
            size: i64 = len(member)
            if size > longest:
                longest = size
        count: i64 = len(members)
        self.kind = ZSET_LISTPACK
        self.expect(count, longest, limits)
        if self.kind == ZSET_LISTPACK:
            drop_signs(scores, 0, count)
        self._replace_all(scores, members)

    def _replace_all(self, scores: vec[float], members: list[bytes]) -> None:
        """Replace all entries by these sorted ones."""
        row = row_of(scores, members)
        if row is not None:
            self.members = None
            self.order = None
            self.rewrite(row)
            return
        table = large_table()
        ahead = Ahead()
        k: i64 = 0
        while k < len(members):
            if k & (AHEAD - 1) == 0:
                ahead.touch_from(table, members, k)
            table.find(members[k])
            insert_scored(table, members[k], scores[k], kind_for(table, members[k]))
            k += 1
        self.members = table
        order = SharedBTree(table)
        order.load(scores, members)
        self.order = order
        self.rewrite(b"")

    def _grow(self) -> Table:
        """Switch to the native form."""
        table = large_table()
        order = SharedBTree(table)
        blob = self.blob
        at = self.start
        while at < self.stop:
            member = ranked.member_at(blob, at)
            table.find(member)
            insert_scored(table, member, ranked.score_of(blob, at), 0)
            at = ranked.record_end(blob, at)
        order.append_row(blob, self.start, self.stop)
        self.members = table
        self.order = order
        self.rewrite(b"")
        return table

    # Iterating.

    def rows(self) -> list[bytes]:
        span = self.span(0, self.count())
        members: list[bytes] = []
        span.members(members)
        scores = span.scores(vec[float](capacity=len(members)))
        found: list[bytes] = []
        for n in range(len(members)):
            found.append(members[n])
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
            table = copied(members)
            made.members = table
            made.order = order.copied_beside(table)
        return made

    def move_piece(self, mover: Mover, at: i64) -> i64:
        order = self.order
        if order is None:
            return -1
        if at < ORDER_PIECES:
            following = super().move_piece(mover, at)
            return following if following >= 0 else ORDER_PIECES
        rank = move_leaf(order, at - ORDER_PIECES, mover)
        return rank + ORDER_PIECES if rank >= 0 else i64(-1)

    def in_pieces(self) -> bool:
        return True

    def release(self, budget: i64) -> i64:
        members = self.members
        order = self.order
        if members is None or order is None:
            return budget - 1
        if members.keeper is not None:
            return members.release(budget)
        budget -= order.count - order.release(budget)
        return members.release(budget) if budget > 0 else budget

    def check(self) -> None:
        """Assert all that must always hold.  O(n)."""
        members = self.members
        order = self.order
        if members is None or order is None:
            assert members is None and order is None
            assert ranked.in_order(self.packed()) and len(self.packed()) <= PACKED_LIMIT
            assert self.count() <= PACKED_MEMBERS
            return
        check(members)
        order.check()
        assert members.size == order.count
        assert self.start == self.stop
        span = order.span(0, order.count)
        names: list[bytes] = []
        span.members(names)
        scores = span.scores(vec[float]())
        for n in range(len(names)):
            assert members.find(names[n])
            assert repr(found_score(members)) == repr(scores[n])


def row_of(scores: vec[float], members: list[bytes]) -> bytes | None:
    """The packed form of sorted entries, None if they are too many or too long for it."""
    if len(members) > PACKED_MEMBERS:
        return None
    parts: list[bytes] = []
    for n in range(len(members)):
        if len(members[n]) > MEMBER_LIMIT:
            return None
        parts.append(ranked.record(scores[n], members[n]))
    row = b"".join(parts)
    return row if len(row) <= PACKED_LIMIT else None


def drop_signs(scores: vec[float], start: i64, stop: i64) -> None:
    """Make each -0.0 from index `start` to before `stop` 0.0."""
    while start < stop:
        if scores[start] == 0.0:
            scores[start] = 0.0
        start += 1
