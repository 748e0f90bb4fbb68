"""Sorted sets: leaderboards and other rankings."""

from __future__ import annotations

from typing import Any

from redpoll.client.sets import SetCalls
from redpoll.protocol.words import Text, Word, as_word, to_bytes, words


class SortedSetCalls(SetCalls):
    """The methods for sorted sets."""

    def zincrby(self, key: Text, amount: float, member: Word) -> float:
        """Add to a member's score and return the sum.  O(log n)."""
        return self._number([b"ZINCRBY", to_bytes(key), as_word(amount), as_word(member)])

    def zscore(self, key: Text, member: Word) -> float | None:
        """Return a member's score, or None.  O(1)."""
        return self._float([b"ZSCORE", to_bytes(key), as_word(member)])

    def zmscore(self, key: Text, *members: Word) -> list[Any]:
        """Return the score of each member, None where there is none.  O(1) each."""
        return self._list([b"ZMSCORE", to_bytes(key), *words(members)])

    def zcard(self, key: Text) -> int:
        """Return the number of members.  O(1)."""
        return self._int([b"ZCARD", to_bytes(key)])

    def zcount(self, key: Text, low: Word, high: Word) -> int:
        """Return how many members have a score from `low` to `high`; `"(1"` excludes 1.  O(log n)."""
        return self._int([b"ZCOUNT", to_bytes(key), as_word(low), as_word(high)])

    def zlexcount(self, key: Text, low: Text, high: Text) -> int:
        """Return how many members lie from `"[a"` to `"(b"`.  All scores must be equal.  O(log n)."""
        return self._int([b"ZLEXCOUNT", to_bytes(key), to_bytes(low), to_bytes(high)])

    def zrevrank(self, key: Text, member: Word) -> int | None:
        """Return how many members come after this one, or None.  O(log n)."""
        return self._int_or_none([b"ZREVRANK", to_bytes(key), as_word(member)])

    def zrem(self, key: Text, *members: Word) -> int:
        """Remove members and return how many existed.  O(log n) each."""
        return self._int([b"ZREM", to_bytes(key), *words(members)])

    def zrange(
        self,
        key: Text,
        start: Word,
        end: Word,
        desc: bool = False,
        withscores: bool = False,
        byscore: bool = False,
        bylex: bool = False,
    ) -> list[Any]:
        """Return the members in a range of ranks, scores or members; with scores as pairs.  O(log n + members)."""
        args = [b"ZRANGE", to_bytes(key), as_word(start), as_word(end)]
        if byscore:
            args.append(b"BYSCORE")
        if bylex:
            args.append(b"BYLEX")
        if desc:
            args.append(b"REV")
        if withscores:
            args.append(b"WITHSCORES")
        return self._list(args)

    def zrangebyscore(self, key: Text, low: Word, high: Word, withscores: bool = False) -> list[Any]:
        """Return the members with a score from `low` to `high`.  O(log n + members)."""
        args = [b"ZRANGEBYSCORE", to_bytes(key), as_word(low), as_word(high)]
        if withscores:
            args.append(b"WITHSCORES")
        return self._list(args)

    def zrevrange(self, key: Text, start: int, end: int, withscores: bool = False) -> list[Any]:
        """Return the members in a range of ranks, the highest score first.  O(log n + members)."""
        args = [b"ZREVRANGE", to_bytes(key), as_word(start), as_word(end)]
        if withscores:
            args.append(b"WITHSCORES")
        return self._list(args)

    def zrangestore(
        self, target: Text, source: Text, start: Word, end: Word, byscore: bool = False, desc: bool = False
    ) -> int:
        """Store a range as another sorted set and return its size.  O(members * log n)."""
        args = [b"ZRANGESTORE", to_bytes(target), to_bytes(source), as_word(start), as_word(end)]
        if byscore:
            args.append(b"BYSCORE")
        if desc:
            args.append(b"REV")
        return self._int(args)

    def zpopmin(self, key: Text, count: int = 1) -> list[Any]:
        """Remove the members with the lowest scores and return pairs of member and score.  O(count * log n)."""
        return self._list([b"ZPOPMIN", to_bytes(key), as_word(count)])

    def zpopmax(self, key: Text, count: int = 1) -> list[Any]:
        """Remove the members with the highest scores and return pairs of member and score.  O(count * log n)."""
        return self._list([b"ZPOPMAX", to_bytes(key), as_word(count)])

    def zremrangebyrank(self, key: Text, start: int, end: int) -> int:
        """Remove a range of ranks and return how many members.  O(log n + removed)."""
        return self._int([b"ZREMRANGEBYRANK", to_bytes(key), as_word(start), as_word(end)])

    def zremrangebyscore(self, key: Text, low: Word, high: Word) -> int:
        """Remove a range of scores and return how many members.  O(log n + removed)."""
        return self._int([b"ZREMRANGEBYSCORE", to_bytes(key), as_word(low), as_word(high)])

    def zremrangebylex(self, key: Text, low: Text, high: Text) -> int:
        """Remove a range of members and return how many.  All scores must be equal.  O(log n + removed)."""
        return self._int([b"ZREMRANGEBYLEX", to_bytes(key), to_bytes(low), to_bytes(high)])

    def zrandmember(self, key: Text, count: int | None = None, withscores: bool = False) -> Any:
        """Return a random member, or a list of `count`.  O(count)."""
        args = [b"ZRANDMEMBER", to_bytes(key)]
        if count is not None:
            args.append(as_word(count))
        if withscores:
            args.append(b"WITHSCORES")
        return self._any(args)

    def zunion(self, *keys: Text, withscores: bool = False) -> list[Any]:
        """Return the members that are in any of the sets, their scores added.  O(n log n)."""
        args = [b"ZUNION", as_word(len(keys)), *words(keys)]
        if withscores:
            args.append(b"WITHSCORES")
        return self._list(args)

    def zinter(self, *keys: Text, withscores: bool = False) -> list[Any]:
        """Return the members that are in every set, their scores added.  O(n log n)."""
        args = [b"ZINTER", as_word(len(keys)), *words(keys)]
        if withscores:
            args.append(b"WITHSCORES")
        return self._list(args)

    def zdiff(self, *keys: Text, withscores: bool = False) -> list[Any]:
        """Return the members of the first set that are in no other.  O(n log n)."""
        args = [b"ZDIFF", as_word(len(keys)), *words(keys)]
        if withscores:
            args.append(b"WITHSCORES")
        return self._list(args)

    def zunionstore(self, target: Text, *keys: Text) -> int:
        """Store the result of `zunion` and return its size."""
        return self._int([b"ZUNIONSTORE", to_bytes(target), as_word(len(keys)), *words(keys)])

    def zinterstore(self, target: Text, *keys: Text) -> int:
        """Store the result of `zinter` and return its size."""
        return self._int([b"ZINTERSTORE", to_bytes(target), as_word(len(keys)), *words(keys)])

    def zdiffstore(self, target: Text, *keys: Text) -> int:
        """Store the result of `zdiff` and return its size."""
        return self._int([b"ZDIFFSTORE", to_bytes(target), as_word(len(keys)), *words(keys)])

    def zscan(self, key: Text, cursor: int = 0, match: Text | None = None, count: int | None = None) -> list[Any]:
        """Return the next cursor and a flat list of some members and their scores.  O(count)."""
        args = [b"ZSCAN", to_bytes(key), as_word(cursor)]
        if match is not None:
            args += [b"MATCH", to_bytes(match)]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        return self._list(args)
