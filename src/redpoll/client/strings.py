"""Strings, numbers and bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redpoll.client.keys import KeyCalls
from redpoll.protocol.words import Text, Word, as_word, pairs, to_bytes, words


class StringCalls(KeyCalls):
    """The methods for strings and bitmaps."""

    def mset(self, strings: Mapping[Text, Word]) -> None:
        """Set several strings at once.  O(1) each."""
        self._done([b"MSET", *pairs(strings)])

    def append(self, key: Text, value: Word) -> int:
        """Append to a string and return its new length.  O(added)."""
        return self._int([b"APPEND", to_bytes(key), as_word(value)])

    def getrange(self, key: Text, start: int, end: int) -> bytes:
        """Return the bytes from `start` to `end`, both included; negative numbers count from the end.  O(bytes)."""
        return self._text([b"GETRANGE", to_bytes(key), as_word(start), as_word(end)])

    def setrange(self, key: Text, offset: int, value: Word) -> int:
        """Overwrite a string from byte `offset` on; return its length.  O(bytes)."""
        return self._int([b"SETRANGE", to_bytes(key), as_word(offset), as_word(value)])

    def strlen(self, key: Text) -> int:
        """Return the length of a string in bytes, 0 if there is none.  O(1)."""
        return self._int([b"STRLEN", to_bytes(key)])

    def getset(self, key: Text, value: Word) -> bytes | None:
        """Set a string and return the old one, or None.  O(1)."""
        return self._bytes([b"GETSET", to_bytes(key), as_word(value)])

    def getdel(self, key: Text) -> bytes | None:
        """Delete a string and return it, or None.  O(1)."""
        return self._bytes([b"GETDEL", to_bytes(key)])

    def getex(self, key: Text, ex: int | None = None, px: int | None = None, persist: bool = False) -> bytes | None:
        """Return a string, or None, and set or remove its deadline.  O(1)."""
        args = [b"GETEX", to_bytes(key)]
        if ex is not None:
            args += [b"EX", as_word(ex)]
        if px is not None:
            args += [b"PX", as_word(px)]
        if persist:
            args.append(b"PERSIST")
        return self._bytes(args)

    def setnx(self, key: Text, value: Word) -> bool:
        """Set a string if the key does not exist; return whether it was set.  O(1)."""
        return self._flag([b"SETNX", to_bytes(key), as_word(value)])

    def setex(self, key: Text, seconds: int, value: Word) -> None:
        """Set a string that expires after this many seconds.  O(1)."""
        self._done([b"SETEX", to_bytes(key), as_word(seconds), as_word(value)])

    def psetex(self, key: Text, milliseconds: int, value: Word) -> None:
        """Set a string that expires after this many milliseconds.  O(1)."""
        self._done([b"PSETEX", to_bytes(key), as_word(milliseconds), as_word(value)])

    def mget(self, *keys: Text) -> list[bytes | None]:
        """Return the string of each key, None where there is none.  O(1) each."""
        return self._list([b"MGET", *words(keys)])

    def decr(self, key: Text, amount: int = 1) -> int:
        """Subtract from the integer at `key` and return the result.  O(1)."""
        return self._int([b"DECRBY", to_bytes(key), as_word(amount)])

    def incrbyfloat(self, key: Text, amount: float) -> float:
        """Add to the number at `key` and return the sum.  O(1)."""
        return self._number([b"INCRBYFLOAT", to_bytes(key), as_word(amount)])

    def lcs(self, first: Text, second: Text) -> bytes:
        """Return the longest common subsequence of two strings.  O(n * m)."""
        return self._text([b"LCS", to_bytes(first), to_bytes(second)])

    def setbit(self, key: Text, offset: int, value: int) -> int:
        """Set a bit to 0 or 1 and return its old value.  O(1)."""
        return self._int([b"SETBIT", to_bytes(key), as_word(offset), as_word(value)])

    def getbit(self, key: Text, offset: int) -> int:
        """Return a bit of a string.  O(1)."""
        return self._int([b"GETBIT", to_bytes(key), as_word(offset)])

    def bitcount(self, key: Text, start: int = 0, end: int = -1) -> int:
        """Return how many bits are set in a range of bytes.  O(bytes)."""
        return self._int([b"BITCOUNT", to_bytes(key), as_word(start), as_word(end)])

    def bitpos(self, key: Text, bit: int, start: int = 0) -> int:
        """Return the position of the first bit that is 0 or 1, -1 if there is none.  O(bytes)."""
        return self._int([b"BITPOS", to_bytes(key), as_word(bit), as_word(start)])

    def bitop(self, operation: Text, target: Text, *keys: Text) -> int:
        """Combine strings by AND, OR, XOR or NOT into `target`; return its length.  O(bytes)."""
        return self._int([b"BITOP", to_bytes(operation), to_bytes(target), *words(keys)])

    def bitfield(self, key: Text, *operations: Word) -> list[Any]:
        """Read and write integers of any width: `"SET", "u8", 0, 255`.  Return a list of results.  O(1) each."""
        return self._list([b"BITFIELD", to_bytes(key), *words(operations)])
