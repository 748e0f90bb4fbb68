"""Tables for tests: filled as the keyspace fills them, and keys that collide."""

from __future__ import annotations

from collections.abc import Callable

from redpoll.structures.hashing import hash_of
from redpoll.structures.table import Table
from redpoll.types.string import LongString


def store(table: Table, key: bytes, value: bytes, kind: int) -> None:
    """What the keyspace does with a string."""
    if table.fits(len(key), len(value)):
        table.put(key, value, kind)
    elif table.find(key):
        table.replace_outside(key, LongString(value), kind)
    else:
        table.insert_outside(key, LongString(value), kind)


def load(table: Table, key: bytes) -> bytes | None:
    if not table.find(key):
        return None
    assert table.key() == key
    if table.is_outside():
        found = table.object()
        assert isinstance(found, LongString)
        return found.data
    return table.value()


def filled(count: int, value: bytes = b"12345678") -> Table:
    table = Table()
    for n in range(count):
        table.put(b"key:%08d" % n, value, 0)
    return table


def one_hash(make: Callable[[int], bytes], other: Callable[[int], bytes] | None = None) -> tuple[bytes, bytes]:
    """Two keys of the same hash: two that `make` makes, or one of `make` and one of `other`.

    Some 10,000 keys hold a pair, as there are 2^26 hashes.
    """
    seen: dict[int, bytes] = {}
    n = 0
    while True:
        key = make(n)
        found = seen.get(hash_of(key)) if other is None else None
        if found is not None:
            return found, key
        seen[hash_of(key)] = key
        if other is not None:
            second = other(n)
            if (first := seen.get(hash_of(second))) is not None:
                return first, second
        n += 1
