"""Keys of any type, their deadlines, and the databases."""

from __future__ import annotations

from typing import Any

from redpoll.client.base import Calls
from redpoll.client.words import Text, as_word, to_bytes, words


class KeyCalls(Calls):
    """The methods for keys."""

    def delete(self, *keys: Text) -> int:
        """Delete keys; how many there were.  O(1) each, O(elements) for large values."""
        return self._int([b"DEL", *words(keys)])

    def unlink(self, *keys: Text) -> int:
        """Delete keys, and give memory back later; how many there were.  O(1) each."""
        return self._int([b"UNLINK", *words(keys)])

    def exists(self, *keys: Text) -> int:
        """How many of these keys there are; one named twice counts twice.  O(1) each."""
        return self._int([b"EXISTS", *words(keys)])

    def touch(self, *keys: Text) -> int:
        """Note that keys are used; how many there are.  O(1) each."""
        return self._int([b"TOUCH", *words(keys)])

    def type(self, key: Text) -> bytes:
        """The type of the value: `string`, `list` ..., or `none`.  O(1)."""
        return self._text([b"TYPE", to_bytes(key)])

    def keys(self, pattern: Text = "*") -> list[bytes]:
        """The keys that match a pattern.  O(keys): see `scan`."""
        return self._list([b"KEYS", to_bytes(pattern)])

    def scan(self, cursor: int = 0, match: Text | None = None, count: int | None = None) -> list[Any]:
        """The next cursor and some keys; 0 begins, and a cursor of b"0" ends.  O(count)."""
        args = [b"SCAN", as_word(cursor)]
        if match is not None:
            args += [b"MATCH", to_bytes(match)]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        return self._list(args)

    def randomkey(self) -> bytes | None:
        """Some key, each as likely as any other, or None.  O(1)."""
        return self._bytes([b"RANDOMKEY"])

    def rename(self, source: Text, target: Text) -> None:
        """Give a key another name.  O(1)."""
        self._done([b"RENAME", to_bytes(source), to_bytes(target)])

    def renamenx(self, source: Text, target: Text) -> bool:
        """Give a key another name if no key has it; whether it was done.  O(1)."""
        return self._flag([b"RENAMENX", to_bytes(source), to_bytes(target)])

    def copy(self, source: Text, target: Text, replace: bool = False) -> bool:
        """Let another key hold the same value; whether it was done.  O(elements)."""
        args = [b"COPY", to_bytes(source), to_bytes(target)]
        if replace:
            args.append(b"REPLACE")
        return self._flag(args)

    def move(self, key: Text, database: int) -> bool:
        """Move a key to another database; whether it was done.  O(1)."""
        return self._flag([b"MOVE", to_bytes(key), as_word(database)])

    def expire(self, key: Text, seconds: int) -> bool:
        """Let a key expire after so many seconds; whether there is one.  O(1)."""
        return self._flag([b"EXPIRE", to_bytes(key), as_word(seconds)])

    def pexpire(self, key: Text, milliseconds: int) -> bool:
        """Let a key expire after so many milliseconds; whether there is one.  O(1)."""
        return self._flag([b"PEXPIRE", to_bytes(key), as_word(milliseconds)])

    def expireat(self, key: Text, at_s: int) -> bool:
        """Let a key expire at a time in seconds since 1970; whether there is one.  O(1)."""
        return self._flag([b"EXPIREAT", to_bytes(key), as_word(at_s)])

    def pexpireat(self, key: Text, at_ms: int) -> bool:
        """Let a key expire at a time in milliseconds since 1970; whether there is one.  O(1)."""
        return self._flag([b"PEXPIREAT", to_bytes(key), as_word(at_ms)])

    def ttl(self, key: Text) -> int:
        """The seconds until a key expires; -1 if it does not, -2 if there is none.  O(1)."""
        return self._int([b"TTL", to_bytes(key)])

    def pttl(self, key: Text) -> int:
        """The milliseconds until a key expires; -1 if it does not, -2 if there is none.  O(1)."""
        return self._int([b"PTTL", to_bytes(key)])

    def expiretime(self, key: Text) -> int:
        """When a key expires, in seconds since 1970; -1 if it does not, -2 if there is none.  O(1)."""
        return self._int([b"EXPIRETIME", to_bytes(key)])

    def pexpiretime(self, key: Text) -> int:
        """When a key expires, in milliseconds since 1970; -1 if it does not, -2 if there is none.  O(1)."""
        return self._int([b"PEXPIRETIME", to_bytes(key)])

    def persist(self, key: Text) -> bool:
        """Take the deadline of a key away; whether it had one.  O(1)."""
        return self._flag([b"PERSIST", to_bytes(key)])

    def sort(
        self,
        key: Text,
        start: int | None = None,
        num: int = 0,
        by: Text | None = None,
        desc: bool = False,
        alpha: bool = False,
        store: Text | None = None,
    ) -> Any:
        """The elements in order; with `store` how many were stored.  `start` and `num` cut out a part.  O(n log n)."""
        args = [b"SORT", to_bytes(key)]
        if by is not None:
            args += [b"BY", to_bytes(by)]
        if start is not None:
            args += [b"LIMIT", as_word(start), as_word(num)]
        if desc:
            args.append(b"DESC")
        if alpha:
            args.append(b"ALPHA")
        if store is not None:
            args += [b"STORE", to_bytes(store)]
        return self._any(args)

    def dbsize(self) -> int:
        """The number of keys in the database.  O(1)."""
        return self._int([b"DBSIZE"])

    def select(self, database: int) -> None:
        """Use another database from now on.  O(1)."""
        self._done([b"SELECT", as_word(database)])

    def flushdb(self) -> None:
        """Delete all keys of the database.  The memory comes back little by little.  O(1)."""
        self._done([b"FLUSHDB"])

    def flushall(self) -> None:
        """Delete all keys of all databases.  The memory comes back little by little.  O(1)."""
        self._done([b"FLUSHALL"])

    def info(self, section: Text = "default") -> bytes:
        """The text of an INFO section.  O(1)."""
        return self._text([b"INFO", to_bytes(section)])
