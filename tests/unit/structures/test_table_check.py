"""The check of tables sees every kind of damage that it is there for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from librt.vecs import append, vec
from mypy_extensions import i64
from tests.unit.structures.tables import store

from redpoll.structures.segment import OUTSIDE
from redpoll.structures.table import Table
from redpoll.structures.table_check import check
from redpoll.structures.table_resize import split_next
from redpoll.types.string import LongString


def sound() -> Table:
    table = Table(most_buckets=1)
    for key, value in ((b"a", b"1"), (b"b", b"v" * 300), (b"l" * 300, b"3")):
        store(table, key, value, 0)
        assert table.find(key)
        table.set_deadline(50 + len(value))
    return table


def add(name: str) -> Callable[[Table], None]:
    def damage(table: Table) -> None:
        setattr(table, name, getattr(table, name) + 1)

    return damage


def word_of_another_hash(table: Table) -> None:
    words = table.segments[0].words[0]
    words[0] ^= 1 << 40


def negative_word(table: Table) -> None:
    words = table.segments[0].words[0]
    words[0] |= -(1 << 63)


def record_too_long(table: Table) -> None:
    table.segments[0].blobs[0] += b"x"


def outside_bit_lost(table: Table) -> None:
    words = table.segments[0].words[0]
    words[1] &= ~OUTSIDE


def object_lost(table: Table) -> None:
    table.segments[0].objects[0].pop()


def object_too_many(table: Table) -> None:
    table.segments[0].objects[0].append(LongString(b""))


def objects_exchanged(table: Table) -> None:
    table.segments[0].objects[0].reverse()


def object_grown(table: Table) -> None:
    found = table.segments[0].objects[0][0]
    assert isinstance(found, LongString)
    found.data += b"more"


def deadline_too_many(table: Table) -> None:
    table.segments[0].deadlines[0] = append(table.segments[0].deadlines[0], 7)


def earliest_too_late(table: Table) -> None:
    earliest = table.segments[0].earliest
    earliest[0] += 1


def first_too_late(table: Table) -> None:
    table.segments[0].first += 1000


def longest_too_short(table: Table) -> None:
    table.longest = 2


def record_in_the_wrong_bucket(table: Table) -> None:
    split_next(table)
    segment = table.segments[0]
    words, blobs = segment.words, segment.blobs
    mine: vec[i64] = words[0]
    words[0] = words[1]
    words[1] = mine
    text = blobs[0]
    blobs[0] = blobs[1]
    blobs[1] = text


DAMAGES = [
    *(add(name) for name in ("buckets", "low", "split", "size", "record_bytes", "outside_bytes", "volatile")),
    word_of_another_hash, negative_word, record_too_long, outside_bit_lost, object_lost, object_too_many,
    objects_exchanged, object_grown, deadline_too_many, earliest_too_late, first_too_late,    longest_too_short, record_in_the_wrong_bucket,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
def test_damage_is_seen(damage: Callable[[Table], None]) -> None:
    table = sound()
    check(table)
    damage(table)
    with pytest.raises((AssertionError, IndexError)):
        check(table)
