"""Whole values on the move: taken out, copied, exchanged, flushed; and the sum of memory throughout."""

from __future__ import annotations

import pytest
from tests.unit.keyspace.places import Place

from redpoll.keyspace.events import DEL, SET, XADD
from redpoll.keyspace.moment import NOTIFIED
from redpoll.types.string import LongString

HUGE = b"v" * 300


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_value_moves_with_its_deadline(place: Place) -> None:
    place.moment.interest = NOTIFIED
    for value in (b"v", HUGE):
        place.set(b"k", value, 50)
        place.ear.heard()
        place.pass_ms(2000 if value == b"none" else 0)
        assert place.db.look_to_change(b"k")
        content = place.db.take()
        assert place.db.table.size == 0
        place.sound()
        place.other.put(b"j", content)
        assert place.ear.heard() == ["1 new j"]
        assert place.other.string(b"j") == value
        assert place.other.deadline_of(b"j") == place.moment.now_ms + 50
        assert place.other.table.access_clock() == place.moment.clock
        place.sound()
        assert place.other.delete(b"j")


def test_a_copy_leaves_the_record_and_goes_its_own_way(place: Place) -> None:
    for value in (b"v", HUGE):
        place.hset(b"h", b"f", value)
        assert place.db.look(b"h")
        place.db.put(b"copy", place.db.copy())
        place.hset(b"copy", b"f", b"other")
        ours, theirs = place.db.hash(b"h"), place.db.hash(b"copy")
        assert ours is not None
        assert ours.get(b"f") == value
        assert theirs is not None
        place.sound()
        place.db.delete(b"copy")
        place.db.delete(b"h")


def test_a_change_of_a_copy_makes_no_new_key(place: Place) -> None:
    place.moment.interest = NOTIFIED
    for entries in (1, 300):
        for n in range(entries):
            stream = place.db.stream_to_change(b"s", True)
            assert stream is not None
            stream.append(n + 1, 0, [b"f", b"v" * 30], 0, place.moment.limits)
            place.db.changed(b"s", stream, XADD, 1)
        assert place.db.look(b"s")
        place.db.put(b"copy", place.db.copy())
        place.ear.heard()
        stream = place.db.stream_to_change(b"copy", False)
        assert stream is not None
        stream.append(1000, 0, [b"f", b"v"], 0, place.moment.limits)
        place.db.changed(b"copy", stream, XADD, 1)
        assert place.ear.heard() == ["0 xadd copy"]
        place.sound()
        place.db.delete(b"copy")


def test_databases_exchange_their_keys(place: Place) -> None:
    place.set(b"k", b"v")
    place.set(b"j", b"v")
    place.db.exchange(place.db)
    assert place.ear.heard() == []
    place.db.exchange(place.other)
    assert (place.db.table.size, place.other.table.size) == (0, 2)
    assert place.ear.heard() == ["replaced 0 by 0", "replaced 1 by 2"]
    place.moment.awaited = 1
    place.db.exchange(place.other)
    assert place.ear.heard() == ["replaced 0 by 2", "replaced 1 by 0", "exchanged 0", "exchanged 1"]
    place.sound()


def test_flushing_drops_all_keys(place: Place) -> None:
    assert place.db.flush() == 0
    assert (place.ear.heard(), place.reclaimer.pending()) == ([], 0)
    for n in range(4):
        place.set(b"%d" % n, b"v")
    gone = place.db.table
    assert place.db.flush() == 4
    assert place.db.table.size == 0
    assert place.ear.heard() == ["replaced 0 by None"]
    assert place.reclaimer.tables == [gone]
    place.reclaimer.finish()
    assert (place.reclaimer.pending(), place.reclaimer.freed, gone.segments) == (0, 4, [])
    place.sound()


def test_the_first_database_is_named_and_growth_is_bounded(place: Place) -> None:
    assert (place.db.named, place.other.named) == (True, False)
    small = Place(most_buckets=1)
    for n in range(100):
        small.set(b"%d" % n, b"v")
    assert small.db.table.buckets == 1
    small.db.flush()
    for n in range(100):
        small.set(b"%d" % n, b"v")
    assert small.db.table.buckets == 1


def test_the_sum_of_memory_follows_a_string_that_grows_in_place(place: Place) -> None:
    place.set(b"k", HUGE)
    for size in (10, 2000, 5):
        value = place.db.string_to_change(b"k")
        assert value is not None
        value.append(b"x" * size)
        place.db.changed(b"k", value, SET, 1)
        place.sound()
    assert place.db.look(b"k")
    found = place.db.table.object()
    assert isinstance(found, LongString)
    assert found.accounted == found.size_bytes()
    place.db.changed(b"none", None, DEL, 0)
    place.sound()
