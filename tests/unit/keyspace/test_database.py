"""The doors of a database: what look-ups find, hide, delete, touch and count; what `changed` keeps and tells."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.keyspace.places import Place

from redpoll.errors import WRONGTYPE, CommandError
from redpoll.keyspace.database import Database
from redpoll.keyspace.events import EXPIRE, HDEL, HSET, SET, ZADD
from redpoll.keyspace.key_lookups import WARM_FROM, WARM_KEYS, counted_bytes
from redpoll.keyspace.moment import NOTIFIED, WATCHED
from redpoll.keyspace.reclaim import LARGE_BYTES
from redpoll.structures.lookups import MOST as LOOKUPS
from redpoll.structures.table_resize import RECORDS_PER_BUCKET
from redpoll.structures.warming import WORTHWHILE
from redpoll.types.hash import Hash
from redpoll.types.kinds import (
    HASH_HASHTABLE,
    HASH_LISTPACK,
    SET_LISTPACK,
    STRING_EMBSTR,
    STRING_INT,
    STRING_RAW,
    ZSET_LISTPACK,
)
from redpoll.types.set import Set
from redpoll.types.zset import ZSet

LONG_KEY = b"k" * 250
HUGE = b"v" * 300


@pytest.fixture
def place() -> Place:
    return Place()


def fill(place: Place) -> None:
    """One key of each kind: `s`, `h`, `m`, `z`."""
    db = place.db
    place.set(b"s", b"text")
    place.hset(b"h", b"f", b"v")
    members = db.members_to_change(b"m", True)
    assert members is not None
    members.expect(b"a", 1, place.moment.limits)
    members.add(b"a", place.moment.limits)
    db.changed(b"m", members, SET, 1)
    board = db.zset_to_change(b"z", True)
    assert board is not None
    board.put(b"a", 1.0, place.moment.limits)
    db.changed(b"z", board, ZADD, 1)


# ---- looking up


def test_look_ups_count_hits_and_misses_and_touch_the_clock(place: Place) -> None:
    place.set(b"k", b"v")
    db, moment = place.db, place.moment
    looks: list[tuple[Callable[[bytes], object], int, int, bool]] = [
        (db.look, 1, 1, True),
        (db.look_to_change, 0, 0, True),
        (db.peek, 1, 1, False),
        (lambda key: db.peek(key, False), 0, 0, False),
        (db.string, 1, 1, True),
        (db.string_to_read, 1, 1, True),
        (lambda key: db.string_to_change(key, False), 0, 0, True),
        (db.find, 0, 0, False),
        (db.kind_of, 0, 0, False),
        (db.is_past, 0, 0, False),
        (db.deadline_of, 1, 1, False),
        (lambda key: db.strings([b"MGET", key]), 1, 1, True),
    ]
    for look, hits, misses, touches in looks:
        place.pass_ms(1000)
        before = (moment.hits, moment.misses)
        look(b"k")
        assert (moment.hits - before[0], moment.misses) == (hits, before[1])
        assert db.table.find(b"k")
        assert (db.table.access_clock() == moment.clock) == touches
        db.table.set_access_clock(moment.clock)
        before = (moment.hits, moment.misses)
        look(b"none")
        assert (moment.hits, moment.misses - before[1]) == (before[0], misses)


def test_a_look_up_that_is_not_to_touch_leaves_the_clock_alone(place: Place) -> None:
    place.set(b"k", b"v")
    before = place.moment.clock
    place.pass_ms(5000)
    place.moment.touching = False
    assert place.db.look(b"k")
    assert place.db.table.access_clock() == before
    place.moment.touching = True
    assert place.db.look_to_change(b"k")
    assert place.db.table.access_clock() == before + 5


def test_new_keys_have_the_clock_of_their_time(place: Place) -> None:
    ways: list[Callable[[bytes], object]] = [
        lambda key: place.set(key, b"v"),
        lambda key: place.set(key, HUGE),
        lambda key: place.set(LONG_KEY + key, b"v"),
        lambda key: place.hset(key, b"f", b"v"),
        lambda key: place.hset(key, b"f", HUGE),
        lambda key: place.db.set_container(key, Hash()),
        lambda key: place.db.look(b"moved") and place.db.put(key, place.db.take()),
    ]
    for n, way in enumerate(ways):
        place.set(b"moved", b"v")
        place.pass_ms(1000)
        way(b"%d" % n)
        assert place.db.table.find(b"%d" % n) or place.db.table.find(LONG_KEY + b"%d" % n)
        assert place.db.table.access_clock() == place.moment.clock, n


def test_a_miss_is_told_to_keyspace_events_only(place: Place) -> None:
    place.moment.interest = WATCHED
    assert place.db.string(b"k") is None
    assert place.ear.heard() == []
    place.moment.interest = NOTIFIED
    assert place.db.string(b"k") is None
    assert not place.db.peek(b"k")
    assert not place.db.peek(b"k", False)
    assert not place.db.look_to_change(b"k")
    assert place.ear.heard() == ["0 keymiss k"] * 2


TYPED: list[tuple[bytes, Callable[[Database, bytes], object]]] = [
    (b"s", Database.string),
    (b"s", Database.string_to_read),
    (b"s", Database.string_to_change),
    (b"s", lambda db, key: db.look(key) and db.text()),
    (b"s", lambda db, key: db.look(key) and db.is_text(b"text")),
    (b"h", Database.hash),
    (b"h", lambda db, key: db.hash_to_change(key, True)),
    (b"m", Database.members),
    (b"m", lambda db, key: db.members_to_change(key, True)),
    (b"z", Database.zset),
    (b"z", lambda db, key: db.zset_to_change(key, True)),
]


@pytest.mark.parametrize(("own", "look"), TYPED)
def test_a_typed_look_up_finds_its_own_type_and_refuses_the_others(
    place: Place, own: bytes, look: Callable[[Database, bytes], object]
) -> None:
    fill(place)
    for key in (b"s", b"h", b"m", b"z"):
        if key == own:
            assert look(place.db, key)
        else:
            with pytest.raises(CommandError) as refused:
                look(place.db, key)
            assert refused.value.text == WRONGTYPE


def test_what_is_created_and_what_is_not(place: Place) -> None:
    db = place.db
    assert db.string_to_change(b"k", False) is None
    assert db.hash_to_change(b"k", False) is None
    assert db.zset_to_change(b"k", False) is None
    assert db.members_to_change(b"k", False) is None
    assert (db.hash(b"k"), db.zset(b"k"), db.members(b"k"), db.string_to_read(b"k")) == (None, None, None, None)
    for made in (
        db.string_to_change(b"k"), db.hash_to_change(b"k", True), db.zset_to_change(b"k", True),
        db.members_to_change(b"k", True),
    ):  # fmt: skip
        assert made is not None
    # Nothing is there before it is told.
    assert db.table.size == 0


def test_a_large_value_is_the_object_itself_and_knows_its_place(place: Place) -> None:
    place.hset(b"h", b"f", HUGE)
    place.set(b"s", HUGE)
    found = place.db.hash(b"h")
    assert isinstance(found, Hash)
    assert place.db.hash(b"h") is found
    assert found.stamp == place.db.table.stamp
    text = place.db.string_to_change(b"s")
    assert text is not None
    assert (text.kind, text.is_large(), text.length()) == (STRING_RAW, True, 300)
    assert place.db.look(b"s")
    assert place.db.is_text(HUGE)
    assert not place.db.is_text(HUGE[1:] + b"w")


def test_a_container_is_found_whatever_its_type(place: Place) -> None:
    fill(place)
    place.hset(b"large", b"f", HUGE)
    for key, kind, made in (
        (b"h", HASH_LISTPACK, Hash), (b"m", SET_LISTPACK, Set), (b"z", ZSET_LISTPACK, ZSet),
        (b"large", HASH_HASHTABLE, Hash),
    ):  # fmt: skip
        assert place.db.look(key)
        found = place.db.container()
        assert (type(found), found.kind, found.is_empty()) == (made, kind, False)
    assert place.db.look(b"s")
    with pytest.raises(CommandError):
        place.db.container()


def test_many_strings_are_looked_up_side_by_side(place: Place) -> None:
    fill(place)
    place.set(b"long", HUGE)
    place.set(LONG_KEY, b"of a long key")
    place.set(b"gone", b"v", 10)
    place.pass_ms(10)
    args = [b"MGET", b"s", b"none", b"h", b"long", LONG_KEY, b"gone", *([b"s", b"none"] * LOOKUPS), b"long"]
    expected = [b"text", None, None, HUGE, b"of a long key", None, *([b"text", None] * LOOKUPS), HUGE]
    before = (place.moment.hits, place.moment.misses)
    assert place.db.strings(args).to_list() == expected
    # A key of another type is there: a hit.
    hits, misses = sum(1 for each in expected if each is not None) + 1, expected.count(None) - 1
    assert (place.moment.hits - before[0], place.moment.misses - before[1]) == (hits, misses)
    assert not place.db.find(b"gone")
    assert place.db.strings([b"MGET"]).to_list() == []


def test_the_warm_pass_begins_where_it_is_worth_it(place: Place) -> None:
    db, warming = place.db, place.moment.warming
    args = [b"MSET", *(b"key:%d" % n for n in range(2 * WARM_KEYS * 2))]
    db.warm(args, 1, 2)
    db.warm_first([args] * 5, 0)
    assert place.moment.warmed == 0
    for n in range(WORTHWHILE):
        place.set(b"key:%d" % n, b"v" * 40)

    def touched(*keys: bytes) -> int:
        for key in keys:
            warming.add(db.table, key)
        return warming.touch(db.table)

    db.warm(args, 1, 2)
    assert place.moment.warmed == touched(*args[1 : 1 + 2 * WARM_KEYS : 2])
    db.warm(args, len(args) - 2 * WARM_FROM, 2)
    assert place.moment.warmed == touched(*args[len(args) - 2 * WARM_FROM :: 2])
    place.moment.warmed = 7
    db.warm(args, len(args) - 2 * WARM_FROM + 1, 2)
    assert place.moment.warmed == 7, "few keys are not worth it"
    commands = [[b"GET", b"key:%d" % n] for n in range(WARM_KEYS + 9)]
    commands[3] = [b"PING"]
    db.warm_first(commands, 2)
    assert place.moment.warmed == touched(*(args[1] for args in commands[2 : 2 + WARM_KEYS] if len(args) > 1))
    db.warm_first(commands, WARM_KEYS)
    assert place.moment.warmed == touched(*(args[1] for args in commands[WARM_KEYS:]))


# ---- deadlines


def test_a_key_past_its_deadline_is_deleted_by_the_first_look_up(place: Place) -> None:
    for look in (place.db.look, place.db.look_to_change, place.db.peek, place.db.delete, place.db.kind_of):
        place.set(b"k", b"v", 10)
        place.pass_ms(9)
        assert place.db.look(b"k")
        place.pass_ms(1)
        assert place.db.is_past(b"k")
        assert look(b"k") in (False, -1)
        assert not place.db.find(b"k")
        assert not place.db.is_past(b"k")
        assert place.ear.heard() == ["expired 0 k"]
        place.sound()
    assert place.moment.expired == 5


def test_an_expiry_is_told_and_a_large_value_before_it_goes(place: Place) -> None:
    place.moment.interest = WATCHED
    place.set(b"k", HUGE, 10)
    place.set(b"j", b"v", 10)
    place.ear.heard()
    place.pass_ms(10)
    place.db.look(b"k")
    place.db.look(b"j")
    assert place.ear.heard() == ["expiring", "expired 0 k", "0 expired k", "expired 0 j", "0 expired j"]


def test_deleting_may_be_held_back_and_keys_are_only_hidden_then(place: Place) -> None:
    place.set(b"k", b"old", 10)
    place.pass_ms(10)
    place.moment.deleting_expired = False
    assert not place.db.look(b"k")
    assert place.db.is_past(b"k")
    assert place.moment.expired == 0
    place.db.set_string(b"k", b"new")
    place.db.changed(b"k", None, SET, 1)
    assert (place.db.string(b"k"), place.db.deadline_of(b"k"), place.db.table.size) == (b"new", 0, 1)
    place.db.set_deadline(place.moment.now_ms)
    place.hset(b"k", b"f", b"v")
    assert place.db.table.size == 1
    assert place.db.hash(b"k") is not None
    assert place.moment.expired == 2
    place.sound()


@pytest.mark.parametrize("last", range(16))
def test_a_new_value_stands_in_the_right_bucket_after_expiry_made_the_table_shrink(last: int) -> None:
    for write in (
        lambda place, key: place.set(key, b"w"),
        lambda place, key: place.set(key, HUGE),
        lambda place, key: place.hset(key, b"f", b"w"),
    ):
        place = Place()
        keys = [b"%d" % n for n in range(40)]
        for key in keys:
            place.set(key, b"v", 10)
        # On the brink: one key less, and the last bucket merges.
        while place.db.table.size > RECORDS_PER_BUCKET // 2 * place.db.table.buckets:
            place.db.delete(keys.pop())
        place.pass_ms(10)
        before = place.db.table.buckets
        write(place, keys[last])
        assert place.db.table.buckets == before - 1
        place.sound()
        assert place.db.look(keys[last])


def test_a_deadline_is_told_with_and_without_one(place: Place) -> None:
    place.set(b"k", b"v")
    assert place.db.deadline_of(b"k") == 0
    assert place.db.deadline_of(b"none") == -1
    assert place.db.look_to_change(b"k")
    place.db.set_deadline(place.moment.now_ms + 5)
    assert place.db.deadline_of(b"k") == place.moment.now_ms + 5
    place.sound()


def test_setting_a_string_takes_the_deadline_away_or_keeps_it(place: Place) -> None:
    for value in (b"short", HUGE):
        for keep in (False, True):
            for old in (b"old", HUGE):
                place.set(b"k", old, 100)
                place.db.set_string(b"k", value, keep)
                place.db.changed(b"k", None, SET, 1)
                assert place.db.deadline_of(b"k") == (place.moment.now_ms + 100 if keep else 0)
                place.sound()


def test_due_keys_are_deleted_up_to_a_bound(place: Place) -> None:
    for n in range(100):
        place.set(b"%d" % n, b"v", 10 + n % 2)
    place.set(b"stays", b"v")
    assert place.db.expire_due(1000) == 0
    place.pass_ms(10)
    assert 20 <= place.db.expire_due(20) < 100
    place.db.expire_due(1000)
    assert place.db.table.size == 51
    place.pass_ms(1)
    assert place.db.expire_due(1000) == 50
    assert (place.db.table.size, place.moment.expired) == (1, 100)
    place.sound()


def test_a_large_string_counts_as_what_it_weighs_when_it_is_due(place: Place) -> None:
    for n in range(3):
        place.set(b"%d" % n, bytes(1 << 20), 10)
    place.pass_ms(10)
    assert place.db.expire_due(60) > 60
    assert place.db.table.size == 2
    assert place.db.expire_due(1) > 60
    assert place.db.table.size == 1


# ---- setting strings


SHAPES: list[tuple[str, Callable[[Place, bytes], None]]] = [
    ("nothing", lambda place, key: None),
    ("short", lambda place, key: place.set(key, b"old")),
    ("long", lambda place, key: place.set(key, b"o" * 700)),
    ("hash", lambda place, key: place.hset(key, b"f", b"v")),
    ("large hash", lambda place, key: place.hset(key, b"f", HUGE)),
]


@pytest.mark.parametrize("key", [b"k", LONG_KEY], ids=["short key", "long key"])
@pytest.mark.parametrize(("name", "before"), SHAPES)
def test_a_string_overwrites_anything(
    place: Place, key: bytes, name: str, before: Callable[[Place, bytes], None]
) -> None:
    for value, kind in ((b"12", STRING_INT), (b"text", STRING_EMBSTR), (HUGE, STRING_RAW), (b"", STRING_EMBSTR)):
        before(place, key)
        place.set(b"neighbour", b"stays")
        place.set(key, value)
        expected = STRING_RAW if key == LONG_KEY and kind == STRING_EMBSTR else kind
        assert (place.db.string(key), place.db.kind_of(key)) == (value, expected)
        assert place.db.string(b"neighbour") == b"stays"
        place.sound()
        assert place.db.delete(key)
        place.sound()


def test_the_encoding_of_a_string_depends_on_a_deadline_that_it_had(place: Place) -> None:
    for size, timed, kind in ((112, False, STRING_EMBSTR), (112, True, STRING_RAW), (113, False, STRING_RAW)):
        place.set(b"k", b"old", 100 if timed else 0)
        place.set(b"k", b"v" * size)
        assert place.db.kind_of(b"k") == kind
    # A deadline of another key changes nothing.
    place.set(b"other", b"v", 100)
    place.set(b"k", b"v" * 112)
    assert place.db.kind_of(b"k") == STRING_EMBSTR


def test_a_container_overwrites_anything(place: Place) -> None:
    for _, before in SHAPES:
        for value in (b"v", HUGE):
            for ms in (0, 100):
                before(place, b"k")
                if ms and place.db.look_to_change(b"k"):
                    place.db.set_deadline(place.moment.now_ms + ms)
                made = Hash()
                made.put(b"f", value)
                place.db.set_container(b"k", made)
                place.db.changed(b"k", None, HSET, 1)
                found = place.db.hash(b"k")
                assert found is not None
                assert (found.get(b"f"), place.db.deadline_of(b"k"), place.db.table.size) == (value, 0, 1)
                place.sound()


def test_large_objects_that_are_overwritten_or_deleted_go_to_the_reclaimer(place: Place) -> None:
    def large() -> Hash:
        for n in range(100):
            place.hset(b"k", b"f%d" % n, b"v" * 600)
        assert place.db.look(b"k")
        found = place.db.table.object()
        assert isinstance(found, Hash)
        assert found.size_bytes() >= LARGE_BYTES
        return found

    made = Hash()
    made.put(b"f", b"v")
    ways: list[Callable[[], object]] = [
        lambda: place.db.set_string(b"k", b"short"),
        lambda: place.db.set_string(b"k", HUGE),
        lambda: place.db.set_container(b"k", made),
        lambda: place.db.delete(b"k"),
        lambda: place.db.discard(b"k"),
    ]
    for way in ways:
        gone = large()
        way()
        assert place.reclaimer.objects == [gone]
        place.reclaimer.objects.clear()
        place.db.delete(b"k")


# ---- telling


def test_a_change_is_counted_and_told_to_who_listens(place: Place) -> None:
    place.set(b"k", b"v")
    assert (place.moment.changes, place.ear.heard()) == (1, [])
    place.moment.interest = WATCHED
    place.set(b"k", b"w")
    place.hset(b"h", b"f", b"v")
    assert place.ear.heard() == ["0 set k", "0 hset h"]
    place.moment.interest = NOTIFIED
    place.set(b"j", b"w")
    place.set(b"l", HUGE)
    place.hset(b"i", b"f", b"v")
    place.hset(b"i", b"g", b"v")
    assert place.ear.heard() == ["0 new j", "0 set j", "0 new l", "0 set l", "0 new i", "0 hset i", "0 hset i"]
    place.db.changed(b"h", None, EXPIRE, 7)
    assert place.moment.changes == 7 + 7
    assert place.ear.heard() == ["0 expire h"]


def test_a_value_that_is_empty_is_removed_and_told_as_deleted(place: Place) -> None:
    place.moment.interest = WATCHED
    for value in (b"v", HUGE):
        place.hset(b"h", b"f", value)
        place.ear.heard()
        found = place.db.hash_to_change(b"h", True)
        assert found is not None
        assert found.remove(b"f")
        place.db.changed(b"h", found, HDEL, 1)
        assert not place.db.find(b"h")
        assert place.ear.heard() == ["0 hdel h", "0 del h"]
        place.sound()
    made = place.db.hash_to_change(b"h", True)
    assert made is not None
    place.db.changed(b"h", made, HDEL, 1)
    assert place.ear.heard() == ["0 hdel h", "0 del h"]
    place.moment.interest = 0
    place.db.changed(b"h", made, HDEL, 1)
    assert place.ear.heard() == []


def test_a_change_of_nothing_keeps_the_encoding_and_tells_nobody(place: Place) -> None:
    place.hset(b"h", b"f", b"v")
    place.moment.interest = WATCHED
    found = place.db.hash_to_change(b"h", True)
    assert found is not None
    # As a command that looked at a long item and put none of it.
    found.puts, found.longest = 1, 65
    place.db.changed(b"h", found, HSET, 0)
    assert (place.db.kind_of(b"h"), place.moment.changes, place.ear.heard()) == (HASH_HASHTABLE, 1, [])
    made = place.db.hash_to_change(b"none", True)
    assert made is not None
    made.puts, made.longest = 1, 65
    place.db.changed(b"none", made, HSET, 0)
    assert place.db.table.size == 1


def test_puts_decide_the_encoding_and_looking_does_not(place: Place) -> None:
    place.hset(b"h", b"f", b"v" * 60)
    place.moment.limits.hash_value = 50
    found = place.db.hash_to_change(b"h", True)
    assert found is not None
    place.db.changed(b"h", found, HDEL, 1)
    assert place.db.kind_of(b"h") == HASH_LISTPACK
    place.hset(b"h", b"g", b"v" * 50)
    assert place.db.kind_of(b"h") == HASH_LISTPACK
    place.hset(b"h", b"g", b"v" * 51)
    assert place.db.kind_of(b"h") == HASH_HASHTABLE


def test_who_waits_for_a_kind_is_told_of_it_alone(place: Place) -> None:
    place.moment.awaited = 1 << ZSET_LISTPACK
    place.moment.interest = 8
    fill(place)
    assert [line for line in place.ear.heard() if line.startswith("grown")] == ["grown 0 z"]
    board = place.db.zset_to_change(b"z", True)
    assert board is not None
    board.put(b"b", 2.0, place.moment.limits)
    place.db.changed(b"z", board, ZADD, 1)
    place.db.changed(b"z", None, EXPIRE, 1)
    assert [line for line in place.ear.heard() if line.startswith("grown")] == []
    place.moment.awaited = 1 << STRING_RAW
    place.set(b"s", HUGE)
    place.set(b"t", HUGE)
    assert [line for line in place.ear.heard() if line.startswith("grown")] == ["grown 0 t"]


def test_room_made_in_a_string_is_kept_and_told_as_new_only(place: Place) -> None:
    place.moment.interest = NOTIFIED
    for key in (b"k", b"k"):
        value = place.db.string_to_change(key)
        assert value is not None
        value.write_at(4, b"x")
        place.db.put_back(key, value)
        place.sound()
    assert place.db.string(b"k") == b"\0\0\0\0x"
    assert (place.moment.changes, place.ear.heard()) == (0, ["0 new k"])


def test_deleting_tells_and_says_whether_there_was_a_key(place: Place) -> None:
    place.moment.interest = WATCHED
    fill(place)
    place.ear.heard()
    before = place.moment.changes
    assert place.db.delete(b"s")
    assert not place.db.delete(b"s")
    assert (place.moment.changes - before, place.ear.heard()) == (1, ["0 del s"])
    assert place.db.discard(b"h")
    assert not place.db.discard(b"h")
    assert (place.moment.changes - before, place.ear.heard()) == (1, [])
    place.sound()


def test_a_command_may_expire_a_key_at_once(place: Place) -> None:
    place.moment.interest = WATCHED
    place.set(b"k", b"v")
    place.ear.heard()
    assert place.db.look_to_change(b"k")
    place.db.expire_now(b"k")
    assert (place.moment.expired, place.moment.changes, place.ear.heard()) == (1, 2, ["0 expired k"])
    assert place.db.table.size == 0
    place.sound()


def test_an_encoding_may_be_given_to_a_string(place: Place) -> None:
    place.set(b"k", b"12")
    assert place.db.look_to_change(b"k")
    place.db.set_encoding(STRING_RAW)
    assert place.db.kind_of(b"k") == STRING_RAW
    assert place.db.kind_of(b"none") == -1


def test_loading_puts_in_what_is_not_there(place: Place) -> None:
    db = place.db
    members = Set()
    assert members.fill([b"a", b"b"])
    assert db.load(b"m", members, b"", 0, 77)
    assert db.load(b"s", None, b"12", place.moment.now_ms + 5, 78)
    assert db.load(LONG_KEY, None, HUGE, 0, 79)
    assert not db.load(b"s", None, b"13", 0, 0)
    db.end_loading()
    assert place.moment.used_bytes == counted_bytes(db.table) + counted_bytes(place.other.table)
    assert db.string(LONG_KEY) == HUGE
    assert db.deadline_of(b"s") == place.moment.now_ms + 5
    for key, kind, clock in ((b"m", SET_LISTPACK, 77), (b"s", STRING_INT, 78)):
        assert db.find(key)
        assert (db.table.kind(), db.table.access_clock()) == (kind, clock)


def test_keys_are_set_aside_and_come_back(place: Place) -> None:
    db = place.db
    fill(place)
    size = db.table.size
    for back in (True, False):
        kept = db.set_aside()
        assert db.table.size == 0
        db.load(b"other", None, b"v", 0, 0)
        db.end_loading()
        db.end_aside(kept, back)
        assert db.table.size == (size if back else 1)
        assert place.moment.used_bytes == counted_bytes(db.table) + counted_bytes(place.other.table)
