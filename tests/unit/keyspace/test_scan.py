"""Keys that nobody named: SCAN, KEYS and RANDOMKEY, with filters and keys past their deadline."""

from __future__ import annotations

import pytest
from tests.unit.keyspace.places import Place

from redpoll.env.random import Random
from redpoll.errors import CommandError
from redpoll.keyspace.glob import Glob
from redpoll.keyspace.scan import (
    CURSORS,
    DRAWS,
    TypeFilter,
    all_keys,
    glob_or_none,
    random_key,
    scan_keys,
    visible_keys,
    visible_timed,
)
from redpoll.keyspace.slots import SLOTS, key_slot
from redpoll.types.kinds import HASH_LISTPACK, STRING_INT, STRING_RAW, ZSET_SKIPLIST

ANY = TypeFilter(None)


def walk(place: Place, count: int, glob: Glob | None = None, wanted: TypeFilter = ANY) -> tuple[list[object], int]:
    """All that a whole scan finds, and in how many calls."""
    found: list[object] = []
    cursor, calls = 0, 0
    while True:
        cursor, keys = scan_keys(place.db, cursor, count, glob, wanted)
        found += keys
        calls += 1
        if cursor == 0:
            return found, calls


def filled(count: int) -> Place:
    place = Place()
    for n in range(count):
        place.set(b"key:%d" % n, b"v")
    return place


def test_a_walk_finds_every_key_once_and_a_count_is_how_many_at_least() -> None:
    place = filled(500)
    for count in (1, 10, 100, 1000):
        found, calls = walk(place, count)
        assert sorted(map(bytes, found)) == sorted(b"key:%d" % n for n in range(500))  # type: ignore[call-overload]
        assert calls <= -(-500 // count) + 1
        if count > 1:
            assert calls >= 500 // (count + place.db.table.longest)
    assert walk(place, 1)[1] == place.db.table.buckets
    assert walk(Place(), 10) == ([], 1)


def test_a_cursor_of_64_bits_is_taken_for_what_it_holds() -> None:
    place = filled(500)
    cursor, keys = scan_keys(place.db, 0, 10, None, ANY)
    assert cursor != 0
    assert scan_keys(place.db, CURSORS * 7, 10, None, ANY) == (cursor, keys)
    assert scan_keys(place.db, cursor + (1 << 63), 10, None, ANY) == scan_keys(place.db, cursor, 10, None, ANY)


def test_patterns_and_types_leave_keys_out_and_count_them() -> None:
    place = filled(100)
    place.hset(b"hash", b"f", b"v")
    assert walk(place, 1000, Glob(b"key:1?"))[0] == [
        key for key in walk(place, 1000)[0] if key in [b"key:1%d" % n for n in range(10)]
    ]
    assert walk(place, 1000, None, TypeFilter(b"HASH"))[0] == [b"hash"]
    assert walk(place, 1000, Glob(b"h*"), TypeFilter(b"string"))[0] == []
    assert walk(place, 10, Glob(b"nothing"))[1] > 2


def test_a_scan_deletes_what_is_past_its_deadline_and_looked_at() -> None:
    place = filled(20)
    for n in range(30):
        place.set(b"gone:%d" % n, b"v", 10)
    place.pass_ms(10)
    walk(place, 10, Glob(b"key:*"))
    assert place.db.table.size == 50, "what a filter leaves out is not looked at"
    before = (place.moment.hits, place.moment.misses)
    assert len(walk(place, 1000)[0]) == 20
    assert (place.db.table.size, place.moment.expired) == (20, 30)
    assert (place.moment.hits, place.moment.misses) == before
    place.sound()


def test_a_scan_hides_what_may_not_be_deleted() -> None:
    place = filled(5)
    place.set(b"gone", b"v", 10)
    place.pass_ms(10)
    place.moment.deleting_expired = False
    assert len(walk(place, 1000)[0]) == 5
    assert place.db.table.size == 6


def test_all_keys_leave_out_what_is_past_and_delete_nothing() -> None:
    place = filled(300)
    place.set(b"gone", b"v", 10)
    place.set(b"later", b"v", 11)
    place.pass_ms(10)
    assert sorted(map(bytes, all_keys(place.db, None))) == sorted([b"later", *(b"key:%d" % n for n in range(300))])  # type: ignore[call-overload]
    assert sorted(map(bytes, all_keys(place.db, Glob(b"*9")))) == sorted(b"key:%d" % n for n in range(9, 300, 10))  # type: ignore[call-overload]
    assert place.db.table.size == 302


def test_a_filter_takes_a_name_in_any_case() -> None:
    for name, fits in ((b"String", [STRING_INT, STRING_RAW]), (b"ZSET", [ZSET_SKIPLIST]), (b"hash", [HASH_LISTPACK])):
        wanted = TypeFilter(name)
        assert [kind for kind in (STRING_INT, STRING_RAW, ZSET_SKIPLIST, HASH_LISTPACK) if wanted.fits(kind)] == fits
    assert all(ANY.fits(kind) for kind in range(13))
    with pytest.raises(CommandError, match="unknown type name"):
        TypeFilter(b"strings")


def test_a_star_is_no_filter() -> None:
    assert glob_or_none(None) is None
    assert glob_or_none(b"*") is None
    found = glob_or_none(b"a*")
    assert found is not None
    assert found.matches(b"abc")


def test_a_random_key_is_one_that_is_there() -> None:
    place = filled(20)
    dice = Random(3)
    assert {random_key(place.db, dice) for _ in range(500)} == {b"key:%d" % n for n in range(20)}
    assert random_key(Place().db, dice) is None


def test_a_random_key_deletes_what_it_draws_past_its_deadline() -> None:
    place = Place()
    for n in range(30):
        place.set(b"gone:%d" % n, b"v", 10)
    place.set(b"stays", b"v")
    place.pass_ms(10)
    assert random_key(place.db, Random(3)) == b"stays"
    assert place.db.delete(b"stays")
    assert random_key(place.db, Random(3)) is None
    assert place.db.table.size == 0


def test_a_random_key_gives_up_where_all_are_only_hidden() -> None:
    place = Place()
    for n in range(5):
        place.set(b"gone:%d" % n, b"v", 10)
    place.pass_ms(10)
    place.moment.deleting_expired = False
    found = random_key(place.db, Random(3))
    assert found is not None
    assert found.startswith(b"gone")
    # One without a deadline is there: it is found in the end.
    place.set(b"stays", b"v")
    assert {random_key(place.db, Random(seed)) for seed in range(DRAWS)} == {b"stays"}


def test_hidden_keys_are_left_out_everywhere() -> None:
    place = Place(slots=int(SLOTS))
    for n in range(20):
        place.set(b"{foo}%d" % n, b"v", 10)
        place.set(b"{bar}%d" % n, b"v")
    place.set(b"{bar}timed", b"v", 10)
    seen = sorted([*(b"{bar}%d" % n for n in range(20)), b"{bar}timed"])
    assert (visible_keys(place.db), visible_timed(place.db)) == (41, 21)
    place.moment.hidden.hide([int(key_slot(b"foo"))])
    assert (visible_keys(place.db), visible_timed(place.db)) == (21, 1)
    assert sorted(map(bytes, walk(place, 10)[0])) == seen  # type: ignore[call-overload]
    assert sorted(map(bytes, all_keys(place.db, None))) == seen  # type: ignore[call-overload]
    dice = Random(4)
    assert {random_key(place.db, dice) for _ in range(500)} == set(seen)
    place.db.drop_slot(key_slot(b"bar"))
    assert random_key(place.db, dice) is None
    place.moment.hidden.show([int(key_slot(b"foo"))])
    assert visible_keys(place.db) == len(walk(place, 10)[0]) == 20


def test_a_scan_does_not_delete_hidden_keys() -> None:
    place = Place(slots=int(SLOTS))
    place.set(b"foo", b"v", 10)
    place.moment.hidden.hide([int(key_slot(b"foo"))])
    place.pass_ms(20)
    assert walk(place, 10)[0] == []
    assert place.db.count_in_slot(key_slot(b"foo")) == 1


def test_a_scan_of_one_slot_looks_at_no_other() -> None:
    place = Place(slots=int(SLOTS))
    foo, bar = int(key_slot(b"foo")), int(key_slot(b"bar"))
    for tag in (b"foo", b"bar", b"06S"):
        place.set(b"{%b}" % tag, b"v")
    assert scan_keys(place.db, 0, 1000, None, ANY, foo) == (0, [b"{foo}"])
    assert scan_keys(place.db, bar, 1000, None, ANY, foo) == (0, [b"{foo}"])
    assert scan_keys(place.db, foo + 1, 1000, None, ANY, foo) == (0, [])
    assert scan_keys(place.db, 0, 1, None, ANY, bar) == (0, [b"{bar}"])
