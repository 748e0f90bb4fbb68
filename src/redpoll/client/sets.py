"""Sets."""

from __future__ import annotations

from typing import Any

from redpoll.client.lists import ListCalls
from redpoll.protocol.words import Text, Word, as_word, to_bytes, words


class SetCalls(ListCalls):
    """The methods for sets."""

    def sadd(self, key: Text, *members: Word) -> int:
        """Add members and return how many are new.  O(1) each."""
        return self._int([b"SADD", to_bytes(key), *words(members)])

    def srem(self, key: Text, *members: Word) -> int:
        """Remove members and return how many existed.  O(1) each."""
        return self._int([b"SREM", to_bytes(key), *words(members)])

    def sismember(self, key: Text, member: Word) -> bool:
        """Return whether `member` is in the set.  O(1)."""
        return self._flag([b"SISMEMBER", to_bytes(key), as_word(member)])

    def smismember(self, key: Text, *members: Word) -> list[Any]:
        """Return 1 for each member of the set, 0 for the others.  O(1) each."""
        return self._list([b"SMISMEMBER", to_bytes(key), *words(members)])

    def smembers(self, key: Text) -> set[bytes]:
        """Return all members.  O(members)."""
        return self._set([b"SMEMBERS", to_bytes(key)])

    def scard(self, key: Text) -> int:
        """Return the number of members.  O(1)."""
        return self._int([b"SCARD", to_bytes(key)])

    def spop(self, key: Text, count: int | None = None) -> Any:
        """Remove and return a random member, or a list of `count`.  None if there is no set.  O(count)."""
        args = [b"SPOP", to_bytes(key)]
        if count is not None:
            args.append(as_word(count))
        return self._any(args)

    def srandmember(self, key: Text, count: int | None = None) -> Any:
        """Return a random member, or a list of `count`.  None if there is no set.  O(count)."""
        args = [b"SRANDMEMBER", to_bytes(key)]
        if count is not None:
            args.append(as_word(count))
        return self._any(args)

    def smove(self, source: Text, target: Text, member: Word) -> bool:
        """Move a member from one set to another; return whether it was there.  O(1)."""
        return self._flag([b"SMOVE", to_bytes(source), to_bytes(target), as_word(member)])

    def sinter(self, *keys: Text) -> set[bytes]:
        """Return the members that are in every set.  O(members of the smallest * sets)."""
        return self._set([b"SINTER", *words(keys)])

    def sunion(self, *keys: Text) -> set[bytes]:
        """Return the members that are in any of the sets.  O(members)."""
        return self._set([b"SUNION", *words(keys)])

    def sdiff(self, *keys: Text) -> set[bytes]:
        """Return the members of the first set that are in no other.  O(members)."""
        return self._set([b"SDIFF", *words(keys)])

    def sinterstore(self, target: Text, *keys: Text) -> int:
        """Store the result of `sinter` and return its size."""
        return self._int([b"SINTERSTORE", to_bytes(target), *words(keys)])

    def sunionstore(self, target: Text, *keys: Text) -> int:
        """Store the result of `sunion` and return its size."""
        return self._int([b"SUNIONSTORE", to_bytes(target), *words(keys)])

    def sdiffstore(self, target: Text, *keys: Text) -> int:
        """Store the result of `sdiff` and return its size."""
        return self._int([b"SDIFFSTORE", to_bytes(target), *words(keys)])

    def sintercard(self, *keys: Text, limit: int = 0) -> int:
        """Return the size of the intersection, at most `limit` (0: no limit).  O(members of the smallest * sets)."""
        return self._int([b"SINTERCARD", as_word(len(keys)), *words(keys), b"LIMIT", as_word(limit)])

    def sscan(self, key: Text, cursor: int = 0, match: Text | None = None, count: int | None = None) -> list[Any]:
        """Return the next cursor and some members.  O(count)."""
        args = [b"SSCAN", to_bytes(key), as_word(cursor)]
        if match is not None:
            args += [b"MATCH", to_bytes(match)]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        return self._list(args)
