"""Fields whose deadline has come are deleted though nobody asks for their hash."""

from __future__ import annotations

import pytest
from tests.unit.keyspace.places import Place

from redpoll.keyspace.field_expiry import expire_fields
from redpoll.keyspace.moment import WATCHED
from redpoll.structures.segment import KEY_LIMIT
from redpoll.types.kinds import HASH_HASHTABLE, HASH_VOLATILE

SHAPES = {"packed": b"v", "beside": b"v" * 250, "large": b"v" * 300}
KEYS = {"a short key": b"h", "a long key": b"h" * (KEY_LIMIT + 1)}


@pytest.fixture
def place() -> Place:
    made = Place()
    made.moment.interest = WATCHED
    return made


def fields_of(place: Place, key: bytes) -> list[bytes]:
    found = place.db.hash(key)
    return [] if found is None else sorted(found.rows()[::2])


@pytest.mark.parametrize("value", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_fields_go_when_their_time_comes_and_the_last_one_takes_the_hash_along(
    place: Place, key: bytes, value: bytes
) -> None:
    for n, field in enumerate((b"a", b"b", b"c")):
        place.hset(key, field, value)
        place.hexpire(key, field, 10 * (n + 1))
    place.set(b"neighbour", b"stays")
    place.ear.heard()
    name = key.decode()
    before = place.moment.changes
    for ms, fields, told in (
        (9, [b"a", b"b", b"c"], []),
        (1, [b"b", b"c"], [f"fields expired 0 {name}: a", f"0 hexpired {name}"]),
        (9, [b"b", b"c"], []),
        (5, [b"c"], [f"fields expired 0 {name}: b", f"0 hexpired {name}"]),
        (100, [], [f"fields expired 0 {name}: c (all)", f"0 hexpired {name}", f"0 del {name}"]),
    ):
        place.pass_ms(ms)
        expire_fields(place.db, 100)
        assert (fields_of(place, key), place.ear.heard()) == (fields, told)
        place.sound()
    assert (place.moment.expired_fields, place.moment.expired, place.moment.changes) == (3, 0, before)
    assert place.db.table.size == 1
    assert expire_fields(place.db, 100) == 0


def test_nobody_is_told_who_does_not_listen(place: Place) -> None:
    place.moment.interest = 0
    place.hset(b"h", b"f", b"v")
    place.hexpire(b"h", b"f", 10)
    place.pass_ms(10)
    assert expire_fields(place.db, 100) == 1
    assert place.ear.heard() == ["fields expired 0 h: f (all)"]


def test_no_more_than_about_so_many_go_at_once(place: Place) -> None:
    for n in range(50):
        for field in (b"a", b"b"):
            place.hset(b"h%d" % n, field, b"v")
            place.hexpire(b"h%d" % n, field, 10)
        place.hset(b"h%d" % n, b"stays", b"v")
    place.pass_ms(10)
    done = expire_fields(place.db, 20)
    assert 20 <= done <= 22
    total = done
    while done := expire_fields(place.db, 20):
        total += done
    assert total == 100
    assert [fields_of(place, b"h%d" % n) for n in range(50)] == [[b"stays"]] * 50
    place.sound()


def test_a_hash_past_its_own_deadline_goes_as_a_whole(place: Place) -> None:
    place.hset(b"h", b"f", b"v")
    place.hexpire(b"h", b"f", 10)
    assert place.db.look_to_change(b"h")
    place.db.set_deadline(place.moment.now_ms + 10)
    place.pass_ms(10)
    place.ear.heard()
    assert expire_fields(place.db, 100) == 0
    assert place.ear.heard() == []
    assert place.db.find(b"h")
    assert place.db.expire_due(100) == 1
    place.sound()


def test_a_hash_that_keeps_no_deadline_is_an_ordinary_one_again(place: Place) -> None:
    for value in SHAPES.values():
        for field in (b"a", b"b"):
            place.hset(b"h", field, value)
        place.hexpire(b"h", b"a", 10)
        assert place.db.kind_of(b"h") == HASH_VOLATILE
        place.pass_ms(10)
        assert expire_fields(place.db, 100) == 1
        assert (place.db.kind_of(b"h"), place.db.table.volatile_items) == (HASH_HASHTABLE, 0)
        place.sound()
        place.db.delete(b"h")


def test_what_is_moved_or_copied_is_found_in_its_new_place(place: Place) -> None:
    for value in SHAPES.values():
        for key in KEYS.values():
            place.hset(b"h", b"f", value)
            place.hset(b"h", b"g", value)
            place.hexpire(b"h", b"f", 10)
            assert place.db.look(b"h")
            place.other.put(key, place.db.copy())
            assert place.db.look_to_change(b"h")
            content = place.db.take()
            place.db.put(b"j", content)
            place.sound()
            place.pass_ms(10)
            assert expire_fields(place.db, 100) == 1
            assert expire_fields(place.other, 100) == 1
            assert fields_of(place, b"j") == [b"g"]
            place.sound()
            place.db.flush()
            place.other.flush()


def test_a_copy_leaves_fields_behind_that_are_past_unless_all_are(place: Place) -> None:
    for value in SHAPES.values():
        place.hset(b"h", b"f", value)
        place.hset(b"h", b"g", value)
        place.hexpire(b"h", b"f", 10)
        place.pass_ms(10)
        assert place.db.look(b"h")
        place.other.put(b"copy", place.db.copy())
        copy = place.other.hash(b"copy")
        assert copy is not None
        assert (copy.count(), copy.rows()[::2]) == (1, [b"g"])
        assert (place.other.table.volatile_items, copy.kind) == (0, HASH_HASHTABLE)
        place.hexpire(b"h", b"g", 10)
        place.pass_ms(10)
        assert place.db.look(b"h")
        place.other.put(b"all", place.db.copy())
        assert expire_fields(place.other, 100) == 2
        assert not place.other.find(b"all")
        place.sound()
        place.db.flush()
        place.other.flush()
