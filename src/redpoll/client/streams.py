"""Streams and consumer groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redpoll.client.zsets import SortedSetCalls
from redpoll.protocol.words import Text, Word, as_word, pairs, to_bytes, words


class StreamCalls(SortedSetCalls):
    """The methods for streams."""

    def xadd(
        self,
        key: Text,
        fields: Mapping[Text, Word],
        id: Text = "*",
        maxlen: int | None = None,
        nomkstream: bool = False,
    ) -> bytes | None:
        """Add an entry and return its ID.  `maxlen` removes the oldest entries; about that many remain.  O(1)."""
        args = [b"XADD", to_bytes(key)]
        if nomkstream:
            args.append(b"NOMKSTREAM")
        if maxlen is not None:
            args += [b"MAXLEN", b"~", as_word(maxlen)]
        return self._bytes([*args, to_bytes(id), *pairs(fields)])

    def xread(self, streams: Mapping[Text, Text], count: int | None = None) -> dict[bytes, list[Any]]:
        """Return the entries after an ID in each stream, as a dict of stream to entries.  O(entries)."""
        args = [b"XREAD"]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        return self._entries([*args, b"STREAMS", *words(tuple(streams)), *words(tuple(streams.values()))])

    def xreadgroup(
        self, group: Text, consumer: Text, streams: Mapping[Text, Text], count: int | None = None, noack: bool = False
    ) -> dict[bytes, list[Any]]:
        """Read as a consumer of a group: new entries for the ID ">", else the consumer's pending ones.  O(entries)."""
        args = [b"XREADGROUP", b"GROUP", to_bytes(group), to_bytes(consumer)]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        if noack:
            args.append(b"NOACK")
        return self._entries([*args, b"STREAMS", *words(tuple(streams)), *words(tuple(streams.values()))])

    def xlen(self, key: Text) -> int:
        """Return the number of entries.  O(1)."""
        return self._int([b"XLEN", to_bytes(key)])

    def xrange(self, key: Text, start: Text = "-", end: Text = "+", count: int | None = None) -> list[Any]:
        """Return the entries from one ID to another, each as ID and fields.  O(log n + entries)."""
        args = [b"XRANGE", to_bytes(key), to_bytes(start), to_bytes(end)]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        return self._list(args)

    def xrevrange(self, key: Text, end: Text = "+", start: Text = "-", count: int | None = None) -> list[Any]:
        """Like `xrange`, the newest entry first.  O(log n + entries)."""
        args = [b"XREVRANGE", to_bytes(key), to_bytes(end), to_bytes(start)]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        return self._list(args)

    def xdel(self, key: Text, *ids: Text) -> int:
        """Delete entries and return how many existed.  O(log n) each."""
        return self._int([b"XDEL", to_bytes(key), *words(ids)])

    def xack(self, key: Text, group: Text, *ids: Text) -> int:
        """Acknowledge entries and return how many were pending.  O(log n) each."""
        return self._int([b"XACK", to_bytes(key), to_bytes(group), *words(ids)])

    def xpending(self, key: Text, group: Text) -> list[Any]:
        """Return how many entries are pending, first and last ID, and each consumer's count.  O(consumers)."""
        return self._list([b"XPENDING", to_bytes(key), to_bytes(group)])

    def xgroup_create(self, key: Text, group: Text, id: Text = "$", mkstream: bool = False) -> None:
        """Create a consumer group that starts after an ID.  O(1)."""
        args = [b"XGROUP", b"CREATE", to_bytes(key), to_bytes(group), to_bytes(id)]
        if mkstream:
            args.append(b"MKSTREAM")
        self._done(args)

    def xgroup_destroy(self, key: Text, group: Text) -> bool:
        """Delete a consumer group; return whether it existed.  O(pending entries)."""
        return self._flag([b"XGROUP", b"DESTROY", to_bytes(key), to_bytes(group)])

    def xautoclaim(
        self, key: Text, group: Text, consumer: Text, min_idle_ms: int, start: Text = "0-0", count: int | None = None
    ) -> list[Any]:
        """Claim entries that are idle for long.  Return the next ID, entries and deleted IDs.  O(count)."""
        args = [
            b"XAUTOCLAIM",
            to_bytes(key),
            to_bytes(group),
            to_bytes(consumer),
            as_word(min_idle_ms),
            to_bytes(start),
        ]
        if count is not None:
            args += [b"COUNT", as_word(count)]
        return self._list(args)

    def xclaim(self, key: Text, group: Text, consumer: Text, min_idle_ms: int, *ids: Text) -> list[Any]:
        """Claim pending entries and return them.  O(log n) each."""
        return self._list(
            [b"XCLAIM", to_bytes(key), to_bytes(group), to_bytes(consumer), as_word(min_idle_ms), *words(ids)]
        )
