"""Lists."""

from __future__ import annotations

from typing import Any

from redpoll.client.hashes import HashCalls
from redpoll.client.words import Text, Word, as_word, to_bytes, words


class ListCalls(HashCalls):
    """The methods for lists."""

    def lpush(self, key: Text, *values: Word) -> int:
        """Put values before the first element; the length.  O(1) each."""
        return self._int([b"LPUSH", to_bytes(key), *words(values)])

    def rpush(self, key: Text, *values: Word) -> int:
        """Put values behind the last element; the length.  O(1) each."""
        return self._int([b"RPUSH", to_bytes(key), *words(values)])

    def lpushx(self, key: Text, *values: Word) -> int:
        """As `lpush`, but only if the list exists."""
        return self._int([b"LPUSHX", to_bytes(key), *words(values)])

    def rpushx(self, key: Text, *values: Word) -> int:
        """As `rpush`, but only if the list exists."""
        return self._int([b"RPUSHX", to_bytes(key), *words(values)])

    def lpop(self, key: Text, count: int | None = None) -> Any:
        """Take the first element, or a list of the first `count`; None if there is none.  O(count)."""
        args = [b"LPOP", to_bytes(key)]
        if count is not None:
            args.append(as_word(count))
        return self._any(args)

    def rpop(self, key: Text, count: int | None = None) -> Any:
        """Take the last element, or a list of the last `count`; None if there is none.  O(count)."""
        args = [b"RPOP", to_bytes(key)]
        if count is not None:
            args.append(as_word(count))
        return self._any(args)

    def llen(self, key: Text) -> int:
        """The number of elements.  O(1)."""
        return self._int([b"LLEN", to_bytes(key)])

    def lindex(self, key: Text, index: int) -> bytes | None:
        """An element; below 0 from the end; None if there is none.  O(log n)."""
        return self._bytes([b"LINDEX", to_bytes(key), as_word(index)])

    def lrange(self, key: Text, start: int, end: int) -> list[bytes]:
        """The elements from `start` to `end`, both included; below 0 from the end.  O(log n + elements)."""
        return self._list([b"LRANGE", to_bytes(key), as_word(start), as_word(end)])

    def linsert(self, key: Text, where: Text, pivot: Word, value: Word) -> int:
        """Put a value `BEFORE` or `AFTER` another one; the length, -1 without `pivot`.  O(n)."""
        return self._int([b"LINSERT", to_bytes(key), to_bytes(where), as_word(pivot), as_word(value)])

    def lset(self, key: Text, index: int, value: Word) -> None:
        """Set an element.  O(log n)."""
        self._done([b"LSET", to_bytes(key), as_word(index), as_word(value)])

    def lrem(self, key: Text, count: int, value: Word) -> int:
        """Remove elements equal to `value`: so many from the front, or (below 0) the end; how many.  O(n)."""
        return self._int([b"LREM", to_bytes(key), as_word(count), as_word(value)])

    def ltrim(self, key: Text, start: int, end: int) -> None:
        """Keep the elements from `start` to `end` alone.  O(removed)."""
        self._done([b"LTRIM", to_bytes(key), as_word(start), as_word(end)])

    def lpos(
        self, key: Text, value: Word, rank: int | None = None, count: int | None = None, maxlen: int | None = None
    ) -> Any:
        """The index of an element, None if there is none; with `count` a list.  O(n)."""
        args = [b"LPOS", to_bytes(key), as_word(value)]
        if rank is not None:
            args += [b"RANK", as_word(rank)]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        if maxlen is not None:
            args += [b"MAXLEN", as_word(maxlen)]
        return self._any(args)

    def lmove(self, source: Text, target: Text, source_end: Text = "LEFT", target_end: Text = "RIGHT") -> bytes | None:
        """Move an element from one list to another, or None.  O(1)."""
        return self._bytes([b"LMOVE", to_bytes(source), to_bytes(target), to_bytes(source_end), to_bytes(target_end)])

    def rpoplpush(self, source: Text, target: Text) -> bytes | None:
        """Move the last element of a list to the front of another, or None.  O(1)."""
        return self._bytes([b"RPOPLPUSH", to_bytes(source), to_bytes(target)])

    def lmpop(self, *keys: Text, first: bool = True, count: int = 1) -> Any:
        """Take elements of the first list that has any: its key and a list; or None.  O(count)."""
        return self._any(
            [b"LMPOP", as_word(len(keys)), *words(keys), b"LEFT" if first else b"RIGHT", b"COUNT", as_word(count)]
        )
