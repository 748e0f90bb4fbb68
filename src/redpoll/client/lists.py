"""Lists."""

from __future__ import annotations

from typing import Any

from redpoll.client.hashes import HashCalls
from redpoll.protocol.words import Text, Word, as_word, to_bytes, words


class ListCalls(HashCalls):
    """The methods for lists."""

    def lpush(self, key: Text, *values: Word) -> int:
        """Insert values before the first element and return the length.  O(1) each."""
        return self._int([b"LPUSH", to_bytes(key), *words(values)])

    def rpush(self, key: Text, *values: Word) -> int:
        """Append values after the last element and return the length.  O(1) each."""
        return self._int([b"RPUSH", to_bytes(key), *words(values)])

    def lpushx(self, key: Text, *values: Word) -> int:
        """Like `lpush`, but only if the list exists."""
        return self._int([b"LPUSHX", to_bytes(key), *words(values)])

    def rpushx(self, key: Text, *values: Word) -> int:
        """Like `rpush`, but only if the list exists."""
        return self._int([b"RPUSHX", to_bytes(key), *words(values)])

    def lpop(self, key: Text, count: int | None = None) -> Any:
        """Remove and return the first element, or a list of `count`.  None if there is no list.  O(count)."""
        args = [b"LPOP", to_bytes(key)]
        if count is not None:
            args.append(as_word(count))
        return self._any(args)

    def rpop(self, key: Text, count: int | None = None) -> Any:
        """Remove and return the last element, or a list of `count`.  None if there is no list.  O(count)."""
        args = [b"RPOP", to_bytes(key)]
        if count is not None:
            args.append(as_word(count))
        return self._any(args)

    def llen(self, key: Text) -> int:
        """Return the number of elements.  O(1)."""
        return self._int([b"LLEN", to_bytes(key)])

    def lindex(self, key: Text, index: int) -> bytes | None:
        """Return an element, or None.  A negative index counts from the end.  O(log n)."""
        return self._bytes([b"LINDEX", to_bytes(key), as_word(index)])

    def lrange(self, key: Text, start: int, end: int) -> list[bytes]:
        """Return the elements from `start` to `end`, inclusive; negative: from the end.  O(log n + elements)."""
        return self._list([b"LRANGE", to_bytes(key), as_word(start), as_word(end)])

    def linsert(self, key: Text, where: Text, pivot: Word, value: Word) -> int:
        """Insert a value `BEFORE` or `AFTER` another one; return the length, -1 if `pivot` is missing.  O(n)."""
        return self._int([b"LINSERT", to_bytes(key), to_bytes(where), as_word(pivot), as_word(value)])

    def lset(self, key: Text, index: int, value: Word) -> None:
        """Set an element.  O(log n)."""
        self._done([b"LSET", to_bytes(key), as_word(index), as_word(value)])

    def lrem(self, key: Text, count: int, value: Word) -> int:
        """Remove `count` elements equal to `value`, from the end if it is negative; return how many.  O(n)."""
        return self._int([b"LREM", to_bytes(key), as_word(count), as_word(value)])

    def ltrim(self, key: Text, start: int, end: int) -> None:
        """Keep only the elements from `start` to `end`.  O(removed)."""
        self._done([b"LTRIM", to_bytes(key), as_word(start), as_word(end)])

    def lpos(
        self, key: Text, value: Word, rank: int | None = None, count: int | None = None, maxlen: int | None = None
    ) -> Any:
        """Return the index of an element, or None; with `count` a list of indexes.  O(n)."""
        args = [b"LPOS", to_bytes(key), as_word(value)]
        if rank is not None:
            args += [b"RANK", as_word(rank)]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        if maxlen is not None:
            args += [b"MAXLEN", as_word(maxlen)]
        return self._any(args)

    def lmove(self, source: Text, target: Text, source_end: Text = "LEFT", target_end: Text = "RIGHT") -> bytes | None:
        """Move an element from one list to another and return it, or None.  O(1)."""
        return self._bytes([b"LMOVE", to_bytes(source), to_bytes(target), to_bytes(source_end), to_bytes(target_end)])

    def rpoplpush(self, source: Text, target: Text) -> bytes | None:
        """Move the last element of a list to the front of another and return it, or None.  O(1)."""
        return self._bytes([b"RPOPLPUSH", to_bytes(source), to_bytes(target)])

    def lmpop(self, *keys: Text, first: bool = True, count: int = 1) -> Any:
        """Remove elements from the first list that has any.  Return its key and the elements, or None.  O(count)."""
        return self._any(
            [b"LMPOP", as_word(len(keys)), *words(keys), b"LEFT" if first else b"RIGHT", b"COUNT", as_word(count)]
        )
