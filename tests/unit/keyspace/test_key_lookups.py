"""Finding keys: deadlines, the access clock, hits and misses."""

from __future__ import annotations

from redpoll.keyspace.database import Database
from redpoll.keyspace.moment import Listener, Moment
from redpoll.keyspace.reclaim import Reclaimer


def database() -> Database:
    moment = Moment(Listener())
    moment.set_time(1_000_000)
    return Database(0, moment, Reclaimer())


def test_looking_counts_and_moves_the_access_clock() -> None:
    db = database()
    db.set_string(b"k", b"v")
    db.moment.set_time(60_000_000)
    assert db.peek(b"k", False)
    assert db.table.access_clock() == 1
    assert db.look(b"k")
    assert db.table.access_clock() == 60
    assert not db.look(b"none")
    assert (db.moment.hits, db.moment.misses) == (1, 1)
    assert db.look_to_change(b"k")
    assert (db.moment.hits, db.moment.misses) == (1, 1)


def test_a_look_up_without_touching_leaves_the_clock() -> None:
    db = database()
    db.set_string(b"k", b"v")
    db.moment.set_time(60_000_000)
    db.moment.touching = False
    assert db.look(b"k")
    assert db.table.access_clock() == 1


def test_a_key_past_its_deadline_is_deleted_by_any_look_up() -> None:
    for look in ("look", "look_to_change", "peek"):
        db = database()
        db.set_string(b"k", b"v")
        assert db.find(b"k")
        db.set_deadline(2000)
        assert db.deadline_of(b"k") == 2000
        db.moment.set_time(2_000_000)
        assert db.is_past(b"k")
        assert not getattr(db, look)(b"k")
        assert (db.table.size, db.moment.expired, db.kind_of(b"k")) == (0, 1, -1)


def test_a_key_past_its_deadline_is_only_hidden_while_nothing_may_be_deleted() -> None:
    db = database()
    db.set_string(b"k", b"v")
    assert db.find(b"k")
    db.set_deadline(2000)
    db.moment.set_time(2_000_000)
    db.moment.deleting_expired = False
    assert not db.look(b"k")
    assert db.table.size == 1
