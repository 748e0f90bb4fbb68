"""Keys of any type, their deadlines, and the databases."""

from __future__ import annotations

from typing import Any

from redpoll.client.base import Calls
from redpoll.protocol.words import Text, as_word, to_bytes, words


class KeyCalls(Calls):
    """The methods for keys."""

    def delete(self, *keys: Text) -> int:
        """Delete keys and return how many existed.  O(1) each, O(elements) for large values."""
        return self._int([b"DEL", *words(keys)])

    def unlink(self, *keys: Text) -> int:
        """Delete keys and free their memory later; return how many existed.  O(1) each."""
        return self._int([b"UNLINK", *words(keys)])

    def exists(self, *keys: Text) -> int:
        """Return how many of these keys exist.  A key that is named twice counts twice.  O(1) each."""
        return self._int([b"EXISTS", *words(keys)])

    def touch(self, *keys: Text) -> int:
        """Update the access time of keys and return how many exist.  O(1) each."""
        return self._int([b"TOUCH", *words(keys)])

    def type(self, key: Text) -> bytes:
        """Return the type of the value: `string`, `list` ..., or `none`.  O(1)."""
        return self._text([b"TYPE", to_bytes(key)])

    def keys(self, pattern: Text = "*") -> list[bytes]:
        """Return the keys that match a pattern.  O(keys): see `scan`."""
        return self._list([b"KEYS", to_bytes(pattern)])

    def scan(self, cursor: int = 0, match: Text | None = None, count: int | None = None) -> list[Any]:
        """Return the next cursor and some keys.  Start with cursor 0; b"0" is the end.  O(count)."""
        args = [b"SCAN", as_word(cursor)]
        if match is not None:
            args += [b"MATCH", to_bytes(match)]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        return self._list(args)

    def randomkey(self) -> bytes | None:
        """Return a random key, or None if the database is empty.  O(1)."""
        return self._bytes([b"RANDOMKEY"])

    def rename(self, source: Text, target: Text) -> None:
        """Rename a key.  An existing `target` is overwritten.  O(1)."""
        self._done([b"RENAME", to_bytes(source), to_bytes(target)])

    def renamenx(self, source: Text, target: Text) -> bool:
        """Rename a key unless `target` exists; return whether it was renamed.  O(1)."""
        return self._flag([b"RENAMENX", to_bytes(source), to_bytes(target)])

    def copy(self, source: Text, target: Text, replace: bool = False) -> bool:
        """Copy a value to another key; return whether it was copied.  O(elements)."""
        args = [b"COPY", to_bytes(source), to_bytes(target)]
        if replace:
            args.append(b"REPLACE")
        return self._flag(args)

    def move(self, key: Text, database: int) -> bool:
        """Move a key to another database; return whether it was moved.  O(1)."""
        return self._flag([b"MOVE", to_bytes(key), as_word(database)])

    def expire(self, key: Text, seconds: int) -> bool:
        """Let a key expire after this many seconds; return whether the key exists.  O(1)."""
        return self._flag([b"EXPIRE", to_bytes(key), as_word(seconds)])

    def pexpire(self, key: Text, milliseconds: int) -> bool:
        """Let a key expire after this many milliseconds; return whether the key exists.  O(1)."""
        return self._flag([b"PEXPIRE", to_bytes(key), as_word(milliseconds)])

    def expireat(self, key: Text, at_s: int) -> bool:
        """Let a key expire at a Unix time in seconds; return whether the key exists.  O(1)."""
        return self._flag([b"EXPIREAT", to_bytes(key), as_word(at_s)])

    def pexpireat(self, key: Text, at_ms: int) -> bool:
        """Let a key expire at a Unix time in milliseconds; return whether the key exists.  O(1)."""
        return self._flag([b"PEXPIREAT", to_bytes(key), as_word(at_ms)])

    def ttl(self, key: Text) -> int:
        """Return the seconds until a key expires: -1 if it never does, -2 if there is no key.  O(1)."""
        return self._int([b"TTL", to_bytes(key)])

    def pttl(self, key: Text) -> int:
        """Return the milliseconds until a key expires: -1 if it never does, -2 if there is no key.  O(1)."""
        return self._int([b"PTTL", to_bytes(key)])

    def expiretime(self, key: Text) -> int:
        """Return when a key expires, as Unix time in seconds: -1 if never, -2 if there is no key.  O(1)."""
        return self._int([b"EXPIRETIME", to_bytes(key)])

    def pexpiretime(self, key: Text) -> int:
        """Return when a key expires, as Unix time in milliseconds: -1 if never, -2 if there is no key.  O(1)."""
        return self._int([b"PEXPIRETIME", to_bytes(key)])

    def persist(self, key: Text) -> bool:
        """Remove the deadline of a key; return whether it had one.  O(1)."""
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
        """Return the sorted elements, or with `store` how many.  `start` and `num` select a part.  O(n log n)."""
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
        """Return the number of keys in the database.  O(1)."""
        return self._int([b"DBSIZE"])

    def select(self, database: int) -> None:
        """Use another database from now on.  O(1)."""
        self._done([b"SELECT", as_word(database)])

    def flushdb(self) -> None:
        """Delete all keys of the database.  The memory is freed in small steps.  O(1)."""
        self._done([b"FLUSHDB"])

    def flushall(self) -> None:
        """Delete all keys of all databases.  The memory is freed in small steps.  O(1)."""
        self._done([b"FLUSHALL"])

    def info(self, section: Text = "default") -> bytes:
        """Return the text of an INFO section.  O(1)."""
        return self._text([b"INFO", to_bytes(section)])
