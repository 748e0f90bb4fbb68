"""Sets."""

from __future__ import annotations

from typing import Any

from redpoll.client.lists import ListCalls
from redpoll.client.words import Text, Word, as_word, to_bytes, words


class SetCalls(ListCalls):
    """The methods for sets."""

    def sadd(self, key: Text, *members: Word) -> int:
        """Put members in; how many are new.  O(1) each."""
        return self._int([b"SADD", to_bytes(key), *words(members)])

    def srem(self, key: Text, *members: Word) -> int:
        """Take members out; how many there were.  O(1) each."""
        return self._int([b"SREM", to_bytes(key), *words(members)])

    def sismember(self, key: Text, member: Word) -> bool:
        """Whether something is a member.  O(1)."""
        return self._flag([b"SISMEMBER", to_bytes(key), as_word(member)])

    def smismember(self, key: Text, *members: Word) -> list[Any]:
        """1 for each that is a member, else 0.  O(1) each."""
        return self._list([b"SMISMEMBER", to_bytes(key), *words(members)])

    def smembers(self, key: Text) -> set[bytes]:
        """All members.  O(members)."""
        return self._set([b"SMEMBERS", to_bytes(key)])

    def scard(self, key: Text) -> int:
        """The number of members.  O(1)."""
        return self._int([b"SCARD", to_bytes(key)])

    def spop(self, key: Text, count: int | None = None) -> Any:
        """Take a member out at random, or a list of `count`; None if there is none.  O(count)."""
        args = [b"SPOP", to_bytes(key)]
        if count is not None:
            args.append(as_word(count))
        return self._any(args)

    def srandmember(self, key: Text, count: int | None = None) -> Any:
        """A member chosen at random, or a list of `count`; None if there is none.  O(count)."""
        args = [b"SRANDMEMBER", to_bytes(key)]
        if count is not None:
            args.append(as_word(count))
        return self._any(args)

    def smove(self, source: Text, target: Text, member: Word) -> bool:
        """Move a member from one set to another; whether it was there.  O(1)."""
        return self._flag([b"SMOVE", to_bytes(source), to_bytes(target), as_word(member)])

    def sinter(self, *keys: Text) -> set[bytes]:
        """The members that all sets have.  O(members of the smallest * sets)."""
        return self._set([b"SINTER", *words(keys)])

    def sunion(self, *keys: Text) -> set[bytes]:
        """The members that some set has.  O(members)."""
        return self._set([b"SUNION", *words(keys)])

    def sdiff(self, *keys: Text) -> set[bytes]:
        """The members that only the first set has.  O(members)."""
        return self._set([b"SDIFF", *words(keys)])

    def sinterstore(self, target: Text, *keys: Text) -> int:
        """Store what `sinter` gives; how many."""
        return self._int([b"SINTERSTORE", to_bytes(target), *words(keys)])

    def sunionstore(self, target: Text, *keys: Text) -> int:
        """Store what `sunion` gives; how many."""
        return self._int([b"SUNIONSTORE", to_bytes(target), *words(keys)])

    def sdiffstore(self, target: Text, *keys: Text) -> int:
        """Store what `sdiff` gives; how many."""
        return self._int([b"SDIFFSTORE", to_bytes(target), *words(keys)])

    def sintercard(self, *keys: Text, limit: int = 0) -> int:
        """How many members all sets have, at most `limit` (0: all).  O(members of the smallest * sets)."""
        return self._int([b"SINTERCARD", as_word(len(keys)), *words(keys), b"LIMIT", as_word(limit)])

    def sscan(self, key: Text, cursor: int = 0, match: Text | None = None, count: int | None = None) -> list[Any]:
        """The next cursor and some members.  O(count)."""
        args = [b"SSCAN", to_bytes(key), as_word(cursor)]
        if match is not None:
            args += [b"MATCH", to_bytes(match)]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        return self._list(args)
