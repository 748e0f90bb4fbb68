"""Hashes: fields and values under one key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redpoll.client.strings import StringCalls
from redpoll.client.words import Text, Word, as_word, pairs, to_bytes, words


class HashCalls(StringCalls):
    """The methods for hashes and deadlines of fields."""

    def hmset(self, key: Text, fields: Mapping[Text, Word]) -> None:
        """Set several fields.  O(1) each."""
        self._done([b"HMSET", to_bytes(key), *pairs(fields)])

    def hdel(self, key: Text, *fields: Text) -> int:
        """Remove fields; how many there were.  O(1) each."""
        return self._int([b"HDEL", to_bytes(key), *words(fields)])

    def hexists(self, key: Text, field: Text) -> bool:
        """Whether there is a field.  O(1)."""
        return self._flag([b"HEXISTS", to_bytes(key), to_bytes(field)])

    def hgetall(self, key: Text) -> dict[bytes, bytes]:
        """All fields with their values.  O(fields)."""
        return self._dict([b"HGETALL", to_bytes(key)])

    def hkeys(self, key: Text) -> list[bytes]:
        """All fields.  O(fields)."""
        return self._list([b"HKEYS", to_bytes(key)])

    def hvals(self, key: Text) -> list[bytes]:
        """All values.  O(fields)."""
        return self._list([b"HVALS", to_bytes(key)])

    def hlen(self, key: Text) -> int:
        """The number of fields.  O(1)."""
        return self._int([b"HLEN", to_bytes(key)])

    def hmget(self, key: Text, *fields: Text) -> list[bytes | None]:
        """The value of each field, None where there is none.  O(1) each."""
        return self._list([b"HMGET", to_bytes(key), *words(fields)])

    def hsetnx(self, key: Text, field: Text, value: Word) -> bool:
        """Set a field if it is missing; whether it was done.  O(1)."""
        return self._flag([b"HSETNX", to_bytes(key), to_bytes(field), as_word(value)])

    def hstrlen(self, key: Text, field: Text) -> int:
        """The length of a field's value in bytes.  O(1)."""
        return self._int([b"HSTRLEN", to_bytes(key), to_bytes(field)])

    def hincrby(self, key: Text, field: Text, amount: int = 1) -> int:
        """Add to the integer in a field; the sum.  O(1)."""
        return self._int([b"HINCRBY", to_bytes(key), to_bytes(field), as_word(amount)])

    def hincrbyfloat(self, key: Text, field: Text, amount: float) -> float:
        """Add to the number in a field; the sum.  O(1)."""
        return self._number([b"HINCRBYFLOAT", to_bytes(key), to_bytes(field), as_word(amount)])

    def hrandfield(self, key: Text, count: int | None = None, withvalues: bool = False) -> Any:
        """A field chosen at random, or a list of `count`.  O(count)."""
        args = [b"HRANDFIELD", to_bytes(key)]
        if count is not None:
            args.append(as_word(count))
        if withvalues:
            args.append(b"WITHVALUES")
        return self._any(args)

    def hscan(self, key: Text, cursor: int = 0, match: Text | None = None, count: int | None = None) -> list[Any]:
        """The next cursor and some fields with values, by turns.  O(count)."""
        args = [b"HSCAN", to_bytes(key), as_word(cursor)]
        if match is not None:
            args += [b"MATCH", to_bytes(match)]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        return self._list(args)

    def hexpire(self, key: Text, seconds: int, *fields: Text) -> list[Any]:
        """Let fields expire after so many seconds; 1 for each that does, -2 for one that is missing.  O(1) each."""
        return self._list(
            [b"HEXPIRE", to_bytes(key), as_word(seconds), b"FIELDS", as_word(len(fields)), *words(fields)]
        )

    def hpexpire(self, key: Text, milliseconds: int, *fields: Text) -> list[Any]:
        """The same with milliseconds.  O(1) each."""
        return self._list(
            [b"HPEXPIRE", to_bytes(key), as_word(milliseconds), b"FIELDS", as_word(len(fields)), *words(fields)]
        )

    def httl(self, key: Text, *fields: Text) -> list[Any]:
        """The seconds until each field expires; -1 if it does not, -2 if it is missing.  O(1) each."""
        return self._list([b"HTTL", to_bytes(key), b"FIELDS", as_word(len(fields)), *words(fields)])

    def hpttl(self, key: Text, *fields: Text) -> list[Any]:
        """The milliseconds until each field expires; -1 if it does not, -2 if it is missing.  O(1) each."""
        return self._list([b"HPTTL", to_bytes(key), b"FIELDS", as_word(len(fields)), *words(fields)])

    def hpersist(self, key: Text, *fields: Text) -> list[Any]:
        """Take the deadlines of fields away; 1 for each that had one.  O(1) each."""
        return self._list([b"HPERSIST", to_bytes(key), b"FIELDS", as_word(len(fields)), *words(fields)])

    def hgetdel(self, key: Text, *fields: Text) -> list[bytes | None]:
        """Take fields away; their values, None where there is none.  O(1) each."""
        return self._list([b"HGETDEL", to_bytes(key), b"FIELDS", as_word(len(fields)), *words(fields)])
