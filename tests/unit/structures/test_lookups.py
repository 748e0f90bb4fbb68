"""Look-ups side by side find what look-ups one by one find."""

from __future__ import annotations

import random

import pytest

from redpoll.structures.hashing import hash_of
from redpoll.structures.lookups import MOST, Lookups
from redpoll.structures.table import Table
from redpoll.types.kinds import STRING_RAW
from redpoll.types.string import LongString


def find_all(table: Table, lookups: Lookups, keys: list[bytes]) -> list[bytes | None]:
    """What stands at each of up to MOST keys."""
    lookups.prepare(table, keys, 0, len(keys))
    found: list[bytes | None] = []
    for k, key in enumerate(keys):
        if not lookups.find(table, k, key):
            found.append(None)
            continue
        assert table.key() == key
        value = table.object() if table.is_outside() else None
        if value is None:
            found.append(table.value())
        else:
            assert isinstance(value, LongString)
            found.append(value.data)
    return found


@pytest.mark.parametrize("most_buckets", [1, 1 << 26])
def test_as_one_by_one(most_buckets: int) -> None:
    draw = random.Random(5)
    table = Table(most_buckets=most_buckets)
    model: dict[bytes, bytes] = {}
    lookups = Lookups()
    for n in range(500):
        key = b"k" * draw.choice([0, 1, 7, 150, 200, 201, 300]) + b"%d" % n
        value = b"v" * draw.choice([0, 1, 9, 40, 255, 300])
        if table.fits(len(key), len(value)):
            table.put(key, value, STRING_RAW)
        else:
            assert not table.find(key)
            table.insert_outside(key, LongString(value), STRING_RAW)
        model[key] = value
    table.put(b"", b"of the empty key", STRING_RAW)
    model[b""] = b"of the empty key"
    known = list(model)
    for _ in range(100):
        keys = [*draw.choices(known, k=draw.randrange(MOST)), b"absent%d" % draw.randrange(9)]
        assert find_all(table, lookups, keys) == [model.get(key) for key in keys]


def test_keys_of_one_hash() -> None:
    seen: dict[int, bytes] = {}
    n = 0
    while True:
        key = b"key:%d" % n
        n += 1
        hashed = hash_of(key)
        if hashed in seen:
            break
        seen[hashed] = key
    first, second = seen[hashed], key
    table = Table()
    table.put(first, b"1", STRING_RAW)
    lookups = Lookups()
    assert find_all(table, lookups, [first, second]) == [b"1", None]
    table.put(second, b"2", STRING_RAW)
    assert find_all(table, lookups, [second, first, second]) == [b"2", b"1", b"2"]


def test_a_change_in_between() -> None:
    table = Table()
    for n in range(20):
        table.put(b"key:%d" % n, b"%d" % n, STRING_RAW)
    lookups = Lookups()
    keys = [b"key:%d" % n for n in range(20)]
    lookups.prepare(table, keys, 0, 20)
    assert table.find(keys[3])
    table.remove()
    assert [lookups.find(table, k, key) for k, key in enumerate(keys)] == [n != 3 for n in range(20)]


def test_an_empty_table() -> None:
    assert find_all(Table(), Lookups(), [b"a", b""]) == [None, None]
