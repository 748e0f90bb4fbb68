"""All keys of a database, or of a slot, at once; test_tables.py has the machine."""

from __future__ import annotations

import pytest
from tests.unit.keyspace.places import Place

from redpoll.keyspace.all_keys import ENOUGH
from redpoll.keyspace.events import DEL
from redpoll.keyspace.field_expiry import expire_fields
from redpoll.keyspace.moment import NOTIFIED
from redpoll.keyspace.slots import SLOTS, key_slot
from redpoll.structures.keeper import Keeper

FOO = int(key_slot(b"foo"))


@pytest.fixture
def place() -> Place:
    found = Place(slots=int(SLOTS))
    for n in range(5):
        found.set(b"{foo}%d" % n, b"v")
        found.set(b"{bar}%d" % n, b"v")
    return found


def test_the_keys_of_a_slot(place: Place) -> None:
    assert place.db.count_in_slot(FOO) == 5
    assert sorted(place.db.keys_in_slot(FOO)) == [b"{foo}%d" % n for n in range(5)]
    assert len(place.db.keys_in_slot(FOO, 2)) == 2
    assert place.db.keys_in_slot(0) == []


def test_the_tables_of_a_range(place: Place) -> None:
    tables = place.db.tables_of(0, FOO)
    assert [table.size for table in tables] == [5, 5]
    assert place.db.tables_of(FOO + 1, int(SLOTS) - 1) == []
    assert place.db.tables_of(FOO, FOO) == tables[1:]


def test_a_slot_is_dropped_without_a_look_at_its_keys(place: Place) -> None:
    place.db.drop_slot(FOO)
    assert place.db.tables.size() == 5
    assert place.reclaimer.pending() == 1
    place.sound()


def test_a_flushed_slot_is_reported_key_by_key_if_anybody_listens(place: Place) -> None:
    place.ear.heard()
    place.moment.interest = NOTIFIED
    place.db.flush_slot(FOO, DEL)
    assert sorted(place.ear.heard()) == [f"0 del {{foo}}{n}" for n in range(5)]
    place.sound()


def test_a_pass_that_may_not_delete_all_goes_on_where_it_stopped(place: Place) -> None:
    for n in range(5):
        place.set(b"{foo}%d" % n, b"v", 5)
        place.set(b"{bar}%d" % n, b"v", 5)
    assert place.db.expire_due(100) == 0
    place.pass_ms(10)
    assert [place.db.expire_due(4) for _ in range(4)] == [4, 4, 2, 0]
    assert place.db.tables.size() == 0
    place.sound()


def test_fields_expire_in_all_slots(place: Place) -> None:
    for tag in (b"foo", b"bar", b"a"):
        place.hset(b"{%b}h" % tag, b"f", b"v")
        place.hset(b"{%b}h" % tag, b"g", b"v")
        place.hexpire(b"{%b}h" % tag, b"f", 50)
    # A deadline that moves, while the size stays.
    place.hexpire(b"{a}h", b"f", 20)
    place.sound()
    place.pass_ms(30)
    assert expire_fields(place.db, 100) == 1
    place.pass_ms(30)
    assert [expire_fields(place.db, 1), expire_fields(place.db, 100), expire_fields(place.db, 100)] == [1, 1, 0]
    place.sound()


def test_the_mean_time_to_live_is_that_of_all_slots(place: Place) -> None:
    assert place.db.mean_ttl_ms() == 0
    place.set(b"foo", b"v", 100)
    place.set(b"bar", b"v", 300)
    assert place.db.mean_ttl_ms() == 200


def test_hidden_keys_and_their_fields_do_not_expire(place: Place) -> None:
    for tag in (b"foo", b"bar"):
        place.set(b"{%b}0" % tag, b"v", 5)
        place.hset(b"{%b}h" % tag, b"f", b"v")
        place.hset(b"{%b}h" % tag, b"g", b"v")
        place.hexpire(b"{%b}h" % tag, b"f", 5)
    place.moment.hidden.hide([FOO])
    place.pass_ms(10)
    assert (place.db.expire_due(100), expire_fields(place.db, 100)) == (1, 1)
    assert place.db.find(b"{foo}0") and not place.db.find(b"{bar}0")
    place.moment.hidden.show([FOO])
    for _ in range(2):
        place.db.expire_due(100)
        expire_fields(place.db, 100)
    assert not place.db.find(b"{foo}0")
    found = place.db.hash(b"{foo}h")
    assert found is not None and found.rows() == [b"g", b"v"]
    place.sound()


def test_the_mean_time_to_live_is_that_of_some_thousand_keys() -> None:
    place = Place(slots=int(SLOTS))
    place.set(b"foo", b"v", 1_000_000)
    for n in range(int(ENOUGH)):
        # `bar` is the earlier slot.
        place.set(b"{bar}%d" % n, b"v", 100)
    assert place.db.mean_ttl_ms() == 100


def test_a_snapshot_frees_the_tables_that_it_needs(place: Place) -> None:
    place.db.find(b"{foo}1")
    place.db.table.keeper = Keeper()
    place.db.drop_slot(FOO)
    assert place.reclaimer.pending() == 0
    place.db.flush()
    assert place.reclaimer.pending() == 1
