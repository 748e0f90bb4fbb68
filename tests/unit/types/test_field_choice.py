"""Fields by chance: only those that are not past their deadline, each as likely as any other."""

from __future__ import annotations

from collections import Counter

import pytest

from redpoll.env.random import Random
from redpoll.structures.table import Table
from redpoll.types.field_choice import different, repeated
from redpoll.types.hash import Hash


def hash_of(count: int, past: int, large: bool) -> Hash:
    """A hash of `count` fields that are seen and of `past` that are not; its table stands for a keyspace."""
    table = Table()
    value = Hash()
    if large:
        value.put(b"field:0", b"v" * 300)
    for n in range(count):
        value.put(b"field:%d" % n, b"value:%d" % n if n or not large else b"v" * 300)
    for n in range(past):
        value.put(b"past:%d" % n, b"gone")
        assert value.locate(b"past:%d" % n)
        value.set_located_deadline(10)
    value.put_back(table, b"k")
    value.set_time(10)
    assert value.is_large() >= large
    return value


def pairs(rows: list[bytes]) -> list[tuple[bytes, bytes]]:
    return [(rows[n], rows[n + 1]) for n in range(0, len(rows), 2)]


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(("count", "past"), [(10, 0), (10, 5), (3, 20)])
def test_repeated_draws_come_to_every_field_that_is_seen(count: int, past: int, large: bool) -> None:
    value = hash_of(count, past, large)
    drawn = pairs(repeated(value, Random(1), 100 * count))
    seen = Counter(field for field, _ in drawn)
    assert len(drawn) == 100 * count
    assert set(seen) == {b"field:%d" % n for n in range(count)}
    assert min(seen.values()) > 60
    for field, text in drawn:
        assert value.get(field) == text


@pytest.mark.parametrize("large", [False, True])
def test_nothing_is_drawn_where_nothing_is_seen(large: bool) -> None:
    value = hash_of(0, 20, False) if not large else hash_of(1, 200, True)
    if large:
        assert value.locate(b"field:0")
        value.set_located_deadline(10)
    assert repeated(value, Random(1), 5) == []
    assert repeated(value, Random(1), 0) == []


def test_draws_end_where_most_are_past() -> None:
    value = hash_of(1, 3000, True)
    assert {field for field, _ in pairs(repeated(value, Random(1), 50))} == {b"field:0"}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(("count", "past"), [(12, 0), (12, 5), (12, 100)])
@pytest.mark.parametrize("wanted", [1, 3, 11])
def test_different_fields_are_different(wanted: int, count: int, past: int, large: bool) -> None:
    value = hash_of(count, past, large)
    seen: Counter[bytes] = Counter()
    for seed in range(200):
        drawn = pairs(different(value, Random(seed), wanted, count))
        fields = [field for field, _ in drawn]
        assert len(fields) == len(set(fields)) == wanted
        assert all(value.get(field) == text for field, text in drawn)
        seen.update(fields)
    assert set(seen) == {b"field:%d" % n for n in range(count)}


def test_few_of_many_are_drawn_one_by_one() -> None:
    value = hash_of(3000, 0, True)
    drawn = [field for field, _ in pairs(different(value, Random(1), 100, 3000))]
    assert len(set(drawn)) == 100
