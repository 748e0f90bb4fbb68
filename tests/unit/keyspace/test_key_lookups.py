"""Finding keys: deadlines, the access clock, hits and misses."""

from __future__ import annotations

from redpoll.keyspace.access import COUNTING, FIRST_COUNT
from redpoll.keyspace.database import Database
from redpoll.keyspace.events import SET, Event
from redpoll.keyspace.moment import NOTIFIED, Listener, Moment
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


def test_no_key_expires_while_effects_are_applied() -> None:
    db = database()
    db.set_string(b"k", b"v")
    assert db.find(b"k")
    db.set_deadline(2000)
    db.moment.set_time(2_000_000)
    db.moment.repeating = True
    assert db.look(b"k")
    assert not db.is_past(b"k")
    db.moment.repeating = False
    assert db.is_past(b"k")
    assert not db.look(b"k")


def test_a_key_past_its_deadline_is_only_hidden_while_nothing_may_be_deleted() -> None:
    db = database()
    db.set_string(b"k", b"v")
    assert db.find(b"k")
    db.set_deadline(2000)
    db.moment.set_time(2_000_000)
    db.moment.deleting_expired = False
    assert not db.look(b"k")
    assert db.table.size == 1


def test_eviction_deletes_tells_and_counts_no_change() -> None:
    class Told(Listener):
        def __init__(self) -> None:
            self.lines: list[str] = []

        def evicted(self, db: int, key: bytes) -> None:
            self.lines.append(f"evicted {db} {key.decode()}")

        def changed(self, db: int, key: bytes, event: Event) -> None:
            self.lines.append(f"{event.name.decode()} {key.decode()}")

        def over_limit(self) -> None:
            self.lines.append("over the limit")

    told = Told()
    db = Database(3, Moment(told), Reclaimer())
    empty = db.moment.used_bytes
    db.moment.most_bytes = empty + 10
    db.set_string(b"k", b"v" * 1000)
    db.changed(b"k", None, SET, 1)
    assert told.lines == ["over the limit"]
    db.moment.interest = NOTIFIED
    assert db.find(b"k")
    db.evict(b"k")
    assert told.lines == ["over the limit", "evicted k", "evicted 3 k"]
    assert (db.moment.used_bytes, db.moment.evicted, db.moment.changes, db.table.size) == (empty, 1, 1, 0)


def test_under_an_lfu_policy_each_look_up_counts() -> None:
    db = database()
    moment = db.moment
    moment.counting = COUNTING
    moment.access.log_factor = 0
    moment.set_time(moment.now_us)
    db.set_string(b"k", b"v")
    assert db.find(b"k")
    assert db.table.access_clock() == FIRST_COUNT
    for look in (db.look, db.look_to_change):
        assert look(b"k")
    assert db.peek(b"k")
    assert db.table.access_clock() == FIRST_COUNT + 2
    db.look_again(b"k", True)
    assert db.table.access_clock() == FIRST_COUNT + 3
    moment.touching = False
    assert db.look(b"k")
    db.look_again(b"k", True)
    assert db.table.access_clock() == FIRST_COUNT + 3
