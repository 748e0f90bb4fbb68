"""Hashes: fields and values under one key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redpoll.client.strings import StringCalls
from redpoll.protocol.words import Text, Word, as_word, pairs, to_bytes, words


class HashCalls(StringCalls):
    """The methods for hashes and deadlines of fields."""

    def hmset(self, key: Text, fields: Mapping[Text, Word]) -> None:
        """Set several fields.  O(1) each."""
        self._done([b"HMSET", to_bytes(key), *pairs(fields)])

    def hdel(self, key: Text, *fields: Text) -> int:
        """Delete fields and return how many existed.  O(1) each."""
        return self._int([b"HDEL", to_bytes(key), *words(fields)])

    def hexists(self, key: Text, field: Text) -> bool:
        """Return whether a field exists.  O(1)."""
        return self._flag([b"HEXISTS", to_bytes(key), to_bytes(field)])

    def hgetall(self, key: Text) -> dict[bytes, bytes]:
        """Return all fields with their values.  O(fields)."""
        return self._dict([b"HGETALL", to_bytes(key)])

    def hkeys(self, key: Text) -> list[bytes]:
        """Return all fields.  O(fields)."""
        return self._list([b"HKEYS", to_bytes(key)])

    def hvals(self, key: Text) -> list[bytes]:
        """Return all values.  O(fields)."""
        return self._list([b"HVALS", to_bytes(key)])

    def hlen(self, key: Text) -> int:
        """Return the number of fields.  O(1)."""
        return self._int([b"HLEN", to_bytes(key)])

    def hmget(self, key: Text, *fields: Text) -> list[bytes | None]:
        """Return the value of each field, None where there is none.  O(1) each."""
        return self._list([b"HMGET", to_bytes(key), *words(fields)])

    def hsetnx(self, key: Text, field: Text, value: Word) -> bool:
        """Set a field if it does not exist; return whether it was set.  O(1)."""
        return self._flag([b"HSETNX", to_bytes(key), to_bytes(field), as_word(value)])

    def hstrlen(self, key: Text, field: Text) -> int:
        """Return the length of a field's value in bytes.  O(1)."""
        return self._int([b"HSTRLEN", to_bytes(key), to_bytes(field)])

    def hincrby(self, key: Text, field: Text, amount: int = 1) -> int:
        """Add to the integer in a field and return the sum.  O(1)."""
        return self._int([b"HINCRBY", to_bytes(key), to_bytes(field), as_word(amount)])

    def hincrbyfloat(self, key: Text, field: Text, amount: float) -> float:
        """Add to the number in a field and return the sum.  O(1)."""
        return self._number([b"HINCRBYFLOAT", to_bytes(key), to_bytes(field), as_word(amount)])

    def hrandfield(self, key: Text, count: int | None = None, withvalues: bool = False) -> Any:
        """Return a random field, or a list of `count`.  O(count)."""
        args = [b"HRANDFIELD", to_bytes(key)]
        if count is not None:
            args.append(as_word(count))
        if withvalues:
            args.append(b"WITHVALUES")
        return self._any(args)

    def hscan(self, key: Text, cursor: int = 0, match: Text | None = None, count: int | None = None) -> list[Any]:
        """Return the next cursor and a flat list of some fields and their values.  O(count)."""
        args = [b"HSCAN", to_bytes(key), as_word(cursor)]
        if match is not None:
            args += [b"MATCH", to_bytes(match)]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        return self._list(args)

    def hexpire(self, key: Text, seconds: int, *fields: Text) -> list[Any]:
        """Let fields expire after this many seconds.  Return 1 for each, -2 for a missing field.  O(1) each."""
        return self._list(
            [b"HEXPIRE", to_bytes(key), as_word(seconds), b"FIELDS", as_word(len(fields)), *words(fields)]
        )

    def hpexpire(self, key: Text, milliseconds: int, *fields: Text) -> list[Any]:
        """Let fields expire after this many milliseconds.  Return 1 for each, -2 for a missing field.  O(1) each."""
        return self._list(
            [b"HPEXPIRE", to_bytes(key), as_word(milliseconds), b"FIELDS", as_word(len(fields)), *words(fields)]
        )

    def httl(self, key: Text, *fields: Text) -> list[Any]:
        """Return the seconds until each field expires: -1 if never, -2 if there is no field.  O(1) each."""
        return self._list([b"HTTL", to_bytes(key), b"FIELDS", as_word(len(fields)), *words(fields)])

    def hpttl(self, key: Text, *fields: Text) -> list[Any]:
        """Return the milliseconds until each field expires: -1 if never, -2 if there is no field.  O(1) each."""
        return self._list([b"HPTTL", to_bytes(key), b"FIELDS", as_word(len(fields)), *words(fields)])

    def hpersist(self, key: Text, *fields: Text) -> list[Any]:
        """Remove the deadlines of fields.  Return 1 for each field that had one.  O(1) each."""
        return self._list([b"HPERSIST", to_bytes(key), b"FIELDS", as_word(len(fields)), *words(fields)])

    def hgetdel(self, key: Text, *fields: Text) -> list[bytes | None]:
        """Delete fields and return their values, None where there is none.  O(1) each."""
        return self._list([b"HGETDEL", to_bytes(key), b"FIELDS", as_word(len(fields)), *words(fields)])
