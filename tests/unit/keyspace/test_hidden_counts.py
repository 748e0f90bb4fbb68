"""Hidden keys in the tables of databases: how they are counted, and where they do not appear.  `foo` is hidden."""

from __future__ import annotations

from tests.unit.keyspace.places import Place

from redpoll.env.random import Random
from redpoll.keyspace.hidden_counts import HiddenCounts, recount_hidden
from redpoll.keyspace.scan import TypeFilter, all_keys, random_key, scan_keys, visible_keys, visible_timed

FOO = 12182


def with_hidden(count: int) -> Place:
    """`count` hidden keys, which a link has brought, and `bar`."""
    place = Place()
    place.set(b"bar", b"v")
    place.db.moment.hidden.hide([FOO])
    counts = HiddenCounts([place.db])
    for n in range(count):
        counts.begin()
        place.set(b"{foo}%d" % n, b"v")
        counts.end(FOO)
    return place


def test_the_keys_of_a_link_are_not_visible() -> None:
    place = with_hidden(20)
    assert place.db.table.size == 21
    assert visible_keys(place.db) == 1
    assert visible_timed(place.db) == 0
    assert all_keys(place.db, None) == [b"bar"]
    assert scan_keys(place.db, 0, 1000, None, TypeFilter(None)) == (0, [b"bar"])
    assert {random_key(place.db, Random(seed)) for seed in range(10)} == {b"bar"}


def test_a_command_outside_hidden_slots_is_not_counted() -> None:
    place = with_hidden(3)
    counts = HiddenCounts([place.db])
    counts.begin()
    place.set(b"bar2", b"v")
    counts.end(5061)
    counts.begin()
    place.set(b"bar3", b"v")
    counts.end(-1)
    assert visible_keys(place.db) == 3


def test_nothing_is_random_where_all_is_hidden() -> None:
    place = with_hidden(3)
    place.db.delete(b"bar")
    assert random_key(place.db, Random(1)) is None


def test_the_count_can_be_made_anew() -> None:
    place = with_hidden(7)
    hidden = place.db.moment.hidden
    hidden.keys.clear()
    assert visible_keys(place.db) == 8
    recount_hidden([place.db])
    assert visible_keys(place.db) == 1
    hidden.show([FOO])
    assert visible_keys(place.db) == 8


def test_hidden_keys_do_not_expire_by_themselves() -> None:
    place = with_hidden(1)
    assert place.db.table.find(b"{foo}0")
    place.db.set_deadline(1)
    assert place.db.table.find(b"bar")
    place.db.set_deadline(1)
    place.db.moment.set_time(5_000_000)
    assert place.db.expire_due(100) == 1
    assert place.db.table.find(b"{foo}0") and not place.db.table.find(b"bar")
