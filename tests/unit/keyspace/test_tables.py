"""The tables of the slots against a plain dict: look-ups, sums, expiry, scans and whole slots that go."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.profiles import scaled
from tests.unit.keyspace.places import Place, check_tables

from redpoll.env.random import Random
from redpoll.keyspace.events import DEL, HSET
from redpoll.keyspace.field_expiry import expire_fields
from redpoll.keyspace.key_lookups import WARM_KEYS
from redpoll.keyspace.scan import TypeFilter, all_keys, random_key, scan_keys
from redpoll.keyspace.slots import SLOTS, key_slot, slot_tag
from redpoll.keyspace.tables import BLOCK_BITS, Tables
from redpoll.structures.warming import WORTHWHILE

TAGS = [b"06S", b"foo", b"bar", *(slot_tag(slot) for slot in (1, 127, 128, 129, 5000, 16383))]
"""Slots of the same block, of neighbouring blocks, and the first and the last one."""
SLOTS_USED = [int(key_slot(tag)) for tag in TAGS]
keys = st.builds(lambda tag, n: b"{%b}%d" % (tag, n), st.sampled_from(TAGS), st.integers(0, 40))


def test_a_database_without_slots_has_one_table() -> None:
    tables = Tables(1, 1 << 26)
    assert (tables.count, tables.following(0), tables.following(1)) == (1, 0, -1)
    assert tables.existing() == [tables.of(b"any")]


def test_a_missing_key_makes_no_table() -> None:
    place = Place(slots=int(SLOTS))
    assert not place.db.look(b"foo")
    assert not place.db.delete(b"foo")
    assert place.db.hash_to_change(b"foo", True) is not None
    assert place.db.tables.count == 0
    place.set(b"foo", b"v")
    assert place.db.tables.count == 1


def test_a_key_that_comes_and_goes_does_not_make_a_table_each_time() -> None:
    place = Place(slots=int(SLOTS))
    place.set(b"foo", b"v")
    table = place.db.table
    for _ in range(3):
        place.db.delete(b"foo")
        place.set(b"foo", b"v")
    assert place.db.table is table
    place.db.delete(b"foo")
    place.set(b"bar", b"v")
    place.db.delete(b"bar")
    assert place.db.tables.count == 1, "only the table that became empty last stays"
    place.sound()


def test_a_dropped_table_is_not_dropped_again() -> None:
    place = Place(slots=int(SLOTS))
    place.set(b"foo", b"v")
    place.db.delete(b"foo")
    place.db.drop_slot(key_slot(b"foo"))
    place.set(b"bar", b"v")
    place.db.delete(b"bar")
    assert place.db.tables.count == 1
    place.sound()


def test_a_pass_remembers_when_the_next_key_of_a_block_expires() -> None:
    place = Place(slots=int(SLOTS))
    tables = place.db.tables
    block = key_slot(b"foo") >> BLOCK_BITS
    place.set(b"{foo}soon", b"v", 5)
    place.set(b"{foo}later", b"v", 1000)
    later = place.moment.now_ms + 1000
    place.pass_ms(5)
    # The first pass deletes, the second one finds nothing and computes the time again.
    assert [place.db.expire_due(100) for _ in range(3)] == [1, 0, 0]
    assert tables.block_due[block] == later


def test_a_value_is_written_back_to_its_own_slot() -> None:
    place = Place(slots=int(SLOTS))
    for n, write in enumerate(("changed", "put_back", "keep")):
        place.hset(b"foo", b"f", b"v")
        value = place.db.hash_to_change(b"foo", False)
        assert value is not None and not place.db.look(b"bar")
        value.put(b"%d" % n, b"w")
        if write == "changed":
            place.db.changed(b"foo", value, HSET, 1)
        elif write == "put_back":
            place.db.put_back(b"foo", value)
        else:
            place.db.keep(b"foo", value)
        assert place.db.tables.count == 1
        found = place.db.hash(b"foo")
        assert found is not None and found.get(b"%d" % n) == b"w"
        place.sound()


def test_random_keys_are_drawn_from_all_slots_by_their_numbers_of_keys() -> None:
    place = Place(slots=int(SLOTS))
    for n in range(300):
        place.set(b"{foo}%d" % n, b"v")
    for n in range(100):
        place.set(b"{bar}%d" % n, b"v")
    random = Random(1)
    drawn = [random_key(place.db, random) for _ in range(2000)]
    few = sum(key is not None and b"bar" in key for key in drawn)
    assert 400 < few < 600
    assert len(set(drawn)) > 380


class SlotMachine(RuleBasedStateMachine):
    """Keys of a few slots."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Place(slots=int(SLOTS))
        self.db = self.place.db
        self.model: dict[bytes, tuple[bytes, int]] = {}
        """The value and the deadline (0: none) of each key."""

    def live(self) -> dict[bytes, tuple[bytes, int]]:
        now_ms = self.place.moment.now_ms
        return {key: kept for key, kept in self.model.items() if kept[1] == 0 or kept[1] > now_ms}

    @rule(key=keys, value=st.sampled_from([b"", b"v", b"w" * 200, b"x" * 300]), ms=st.sampled_from([0, 0, 5, 50]))
    def put(self, key: bytes, value: bytes, ms: int) -> None:
        self.place.set(key, value, ms)
        self.model[key] = (value, self.place.moment.now_ms + ms if ms else 0)

    @rule(key=keys)
    def delete(self, key: bytes) -> None:
        assert self.db.delete(key) == (key in self.live())
        self.model.pop(key, None)

    @rule(key=keys)
    def read(self, key: bytes) -> None:
        kept = self.live().get(key)
        assert self.db.string(key) == (kept[0] if kept is not None else None)

    @rule(source=keys, into=keys)
    def rename(self, source: bytes, into: bytes) -> None:
        if source != into and self.db.look_to_change(source):
            content = self.db.take()
            self.db.discard(into)
            self.db.put(into, content)
            self.db.changed(into, None, DEL, 1)
            self.model[into] = self.model.pop(source)

    @rule(ms=st.integers(1, 30), most=st.sampled_from([1, 3, 1000]))
    def pass_time(self, ms: int, most: int) -> None:
        self.place.pass_ms(ms)
        before = self.db.tables.size()
        done = self.db.expire_due(most)
        assert before - self.db.tables.size() == done <= most
        assert expire_fields(self.db, most) == 0
        if most == 1000:
            # What an earlier pass has left for the next one may be in slots before the place where this one began.
            self.db.expire_due(most)
            assert self.db.tables.size() == len(self.live())

    @rule(slot=st.sampled_from(SLOTS_USED), told=st.booleans())
    def flush_slot(self, slot: int, told: bool) -> None:
        self.place.moment.interest = int(told) << 2
        before = self.place.moment.changes
        there = self.db.count_in_slot(slot)
        self.db.flush_slot(slot, DEL)
        assert self.place.moment.changes - before == there
        self.place.moment.interest = 0
        self.model = {key: kept for key, kept in self.model.items() if key_slot(key) != slot}

    @rule()
    def flush(self) -> None:
        self.db.flush()
        self.place.reclaimer.finish()
        self.model.clear()

    @rule(back=st.booleans())
    def set_aside(self, back: bool) -> None:
        kept = self.db.set_aside()
        self.place.set(b"{foo}new", b"v")
        self.db.end_aside(kept, back)
        if not back:
            self.model = {b"{foo}new": (b"v", 0)}

    @rule()
    def exchange(self) -> None:
        self.db.exchange(self.place.other)
        self.db.exchange(self.place.other)

    @rule(count=st.integers(1, 20))
    def scan(self, count: int) -> None:
        found: list[object] = []
        cursor = 0
        while True:
            following, some = scan_keys(self.db, int(cursor), count, None, TypeFilter(None))
            found += some
            cursor = int(following)
            if cursor == 0:
                break
        assert sorted(map(repr, found)) == sorted(map(repr, self.live()))
        for key in set(self.model) - set(self.live()):
            self.model.pop(key)

    @rule(slot=st.sampled_from(SLOTS_USED), most=st.integers(-1, 5))
    def read_slot(self, slot: int, most: int) -> None:
        there = self.db.keys_in_slot(slot, most)
        everything = self.db.keys_in_slot(slot)
        assert len(everything) == self.db.count_in_slot(slot)
        assert set(there) <= set(everything)
        assert len(there) == (len(everything) if most < 0 else min(most, len(everything)))
        live = {key for key in self.live() if key_slot(key) == slot}
        assert live <= set(everything) <= {key for key in self.model if key_slot(key) == slot}

    @rule(slot=st.sampled_from(SLOTS_USED))
    def read_matches(self, slot: int) -> None:
        assert sorted(map(repr, all_keys(self.db, None, slot))) == sorted(
            repr(key) for key in self.live() if key_slot(key) == slot
        )

    @invariant()
    def agrees(self) -> None:
        self.place.sound()
        assert check_tables(self.db.tables) > 0
        assert self.db.tables.size() >= len(self.live())


TestSlotMachine = SlotMachine.TestCase
TestSlotMachine.settings = scaled(1.0, 1.0)


def test_another_warm_pass_does_not_change_the_slot_of_the_expected_key() -> None:
    """As when EXEC begins a warm pass: it has no key of its own, and runs queued commands of the pass before."""
    place = Place(slots=int(SLOTS))
    for n in range(int(WORTHWHILE)):
        place.set(b"%d" % n, b"v")
    warming = place.moment.warming
    passes = [[[b"SET", b"{%b}%d" % (tag, n), b"v"] for n in range(WARM_KEYS)] for tag in (b"foo", b"bar")]
    assert place.db.warm_first(passes[0], 0)
    key = passes[0][-1][1]
    warming.expect(key, WARM_KEYS - 1)
    assert place.moment.find_slot(b"other") == key_slot(b"other")
    assert place.db.warm_first(passes[1], 0)
    assert place.moment.find_slot(key) == key_slot(key)
