"""Active expiry of hash fields on virtual time: what is due goes, soon and in slices, wherever its hash has got to.

Hashes are renamed, copied, moved, overwritten and deleted meanwhile, and other keys make buckets split and merge, so
that the lower bounds that the buckets keep are put to the test.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import redpoll.commands
from redpoll.engine.engine import Engine
from redpoll.engine.session import Peer
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random
from redpoll.keyspace.database import Database
from redpoll.keyspace.field_expiry import expire_fields
from redpoll.protocol.reply import NULL_ARRAY
from redpoll.structures.segment import KIND_MASK, KIND_SHIFT, VOLATILE_KIND
from redpoll.structures.table_check import check
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.hash import Hash

KEYS = [b"h%d" % n for n in range(6)] + [b"k" * 220]
FIELDS = [b"a", b"b", b"c", b"field" * 30]
keys = st.sampled_from(KEYS)
some_fields = st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3, unique=True)

Content = dict[bytes, dict[bytes, tuple[bytes, int]]]
"""Of each key, the value and the deadline of each field that is stored."""


class FieldExpiry(RuleBasedStateMachine):
    most_buckets = 1 << 26

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        assert redpoll.commands.FAMILIES
        self.engine = Engine(self.clock, Random(1), 2, most_buckets=self.most_buckets)
        self.session = self.engine.open_session(Peer())
        self.engine.start_unit()
        self.models: list[Content] = [{}, {}]

    @property
    def now(self) -> int:
        return int(self.engine.moment.now_ms)

    def run(self, *words: bytes) -> Any:
        return self.engine.execute(self.session, list(words))

    def is_live(self, stored: tuple[bytes, int]) -> bool:
        return stored[1] == 0 or stored[1] > self.now

    @rule(key=keys, fields=some_fields, size=st.sampled_from([1, 60, 300]))
    def put(self, key: bytes, fields: list[bytes], size: int) -> None:
        self.run(b"HSET", key, *[word for field in fields for word in (field, b"v" * size)])
        for field in fields:
            self.models[0].setdefault(key, {})[field] = (b"v" * size, 0)

    @rule(key=keys, fields=some_fields, ms=st.integers(1, 60))
    def put_with_deadline(self, key: bytes, fields: list[bytes], ms: int) -> None:
        count = b"%d" % len(fields)
        self.run(b"HSETEX", key, b"PX", b"%d" % ms, b"FIELDS", count, *[w for field in fields for w in (field, b"t")])
        for field in fields:
            self.models[0].setdefault(key, {})[field] = (b"t", self.now + ms)

    @rule(key=keys, fields=some_fields, ms=st.integers(0, 60))
    def expire(self, key: bytes, fields: list[bytes], ms: int) -> None:
        """Give fields that are there a deadline, or take it away (0)."""
        count = b"%d" % len(fields)
        if ms > 0:
            self.run(b"HPEXPIRE", key, b"%d" % ms, b"FIELDS", count, *fields)
        else:
            self.run(b"HPERSIST", key, b"FIELDS", count, *fields)
        model = self.models[0].get(key, {})
        for field in fields:
            if field in model and self.is_live(model[field]):
                model[field] = (model[field][0], self.now + ms if ms > 0 else 0)

    @rule(key=keys, fields=some_fields)
    def remove(self, key: bytes, fields: list[bytes]) -> None:
        self.run(b"HDEL", key, *fields)
        model = self.models[0].get(key, {})
        for field in fields:
            if field in model and self.is_live(model[field]):
                del model[field]
        if key in self.models[0] and not model:
            del self.models[0][key]

    @rule(key=keys)
    def delete_or_overwrite(self, key: bytes) -> None:
        if key == KEYS[0]:
            self.run(b"SET", key, b"v")
        self.run(b"DEL", key)
        self.models[0].pop(key, None)

    @rule(key=keys, other=keys)
    def rename(self, key: bytes, other: bytes) -> None:
        if key in self.models[0]:
            self.run(b"RENAME", key, other)
            self.models[0][other] = self.models[0].pop(key)

    @rule(key=keys, other=keys)
    def copy(self, key: bytes, other: bytes) -> None:
        if key in self.models[0] and key != other:
            self.run(b"COPY", key, other, b"REPLACE")
            content = self.models[0][key]
            live = {field: stored for field, stored in content.items() if self.is_live(stored)}
            self.models[0][other] = live or dict(content)

    @rule(key=keys)
    def move(self, key: bytes) -> None:
        if key in self.models[0] and key not in self.models[1]:
            assert self.run(b"MOVE", key, b"1") == 1
            self.models[1][key] = self.models[0].pop(key)

    @rule()
    def swap(self) -> None:
        self.run(b"SWAPDB", b"0", b"1")
        self.models.reverse()

    @rule(count=st.integers(20, 60), size=st.sampled_from([0, 150]))
    def split_buckets(self, count: int, size: int) -> None:
        for n in range(count):
            self.run(b"SET", b"other:%d" % n, b"v" * size)

    @rule()
    def merge_buckets(self) -> None:
        for n in range(60):
            self.run(b"DEL", b"other:%d" % n)

    @rule(ms=st.integers(1, 30))
    def let_time_pass(self, ms: int) -> None:
        self.clock.advance_ms(ms)
        self.engine.start_unit()

    @rule()
    def tick(self) -> None:
        """A turn with enough time leaves nothing that is due."""
        self.engine.tick()
        for model in self.models:
            for key, content in list(model.items()):
                for field, stored in list(content.items()):
                    if not self.is_live(stored):
                        del content[field]
                if not content:
                    del model[key]

    @rule(most=st.integers(1, 3))
    def short_turn(self, most: int) -> None:
        """One that has too little time takes some fields that are due, and no others."""
        due = sum(not self.is_live(stored) for model in self.models for c in model.values() for stored in c.values())
        before = self.engine.moment.expired_fields
        self.engine.expiry.expire(most)
        gone = self.engine.moment.expired_fields - before
        assert min(most, due) <= gone <= due
        assert self.engine.expiry.is_behind == (gone >= most)
        for db, model in zip(self.engine.databases, self.models, strict=True):
            for key, content in list(model.items()):
                stored = self.stored(db, key)
                for field in set(content) - set(stored):
                    assert not self.is_live(content[field])
                    del content[field]
                if not content:
                    del model[key]

    def stored(self, db: Database, key: bytes) -> dict[bytes, tuple[bytes, int]]:
        """Fields with value and deadline, past ones too."""
        self.engine.moment.repeating = True
        try:
            found = db.hash(key)
            if found is None:
                return {}
            rows = found.rows()
            content = {}
            for n in range(0, len(rows), 2):
                assert found.locate(rows[n])
                content[rows[n]] = (rows[n + 1], int(found.located_deadline()))
            return content
        finally:
            self.engine.moment.repeating = False

    @invariant()
    def agrees(self) -> None:
        for db, model in zip(self.engine.databases, self.models, strict=True):
            check(db.table)
            for key in KEYS:
                assert self.stored(db, key) == model.get(key, {}), key
            timed = sum(any(at for _, at in content.values()) for content in model.values())
            assert db.table.volatile_items == timed

    @invariant()
    def buckets_know_the_earliest(self) -> None:
        for db, model in zip(self.engine.databases, self.models, strict=True):
            for b in range(db.table.buckets):
                segment = db.table.segments[b >> 10]
                records = Records()
                read_bucket(db.table, b, records)
                for key, word in zip(records.keys, records.words, strict=True):
                    if (word >> KIND_SHIFT) & KIND_MASK == VOLATILE_KIND:
                        earliest = min(at for _, at in model[key].values() if at)
                        assert segment.items_earliest[b & 1023] <= earliest
                        assert segment.items_first <= earliest


class FieldExpiryInOneBucket(FieldExpiry):
    most_buckets = 1


TestFieldExpiry = FieldExpiry.TestCase
TestFieldExpiryInOneBucket = FieldExpiryInOneBucket.TestCase


def test_a_turn_without_anything_due_looks_at_no_record() -> None:
    """A hash that is looked at in vain is not looked at again before its time."""
    clock = VirtualClock()
    engine = Engine(clock, Random(1), 1)
    engine.start_unit()
    session = engine.open_session(Peer())
    for n in range(200):
        engine.execute(session, [b"HSETEX", b"h:%d" % n, b"PX", b"%d" % (1000 + n), b"FIELDS", b"1", b"f", b"v"])
    engine.execute(session, [b"HPERSIST", b"h:0", b"FIELDS", b"1", b"f"])
    table = engine.databases[0].table
    clock.advance_ms(1000)
    engine.tick()
    assert engine.moment.expired_fields == 0
    assert all(segment.items_first > engine.moment.now_ms for segment in table.segments)
    clock.advance_ms(1)
    engine.tick()
    assert engine.moment.expired_fields == 1


class Deadlines:
    """Hashes in a database of their own, whose fields are due after one another."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.engine = Engine(self.clock, Random(1), 1)
        self.session = self.engine.open_session(Peer())
        self.engine.start_unit()
        self.db = self.engine.databases[0]

    def add(self, key: bytes, count: int, ms: int, size: int = 1) -> None:
        """A hash with `count` fields that are due in so many ms, and one without a deadline."""
        names = [b"f%d" % n for n in range(count)]
        words = [word for name in names for word in (name, b"v" * size)]
        self.engine.execute(self.session, [b"HSET", key, b"stays", b"v", *words])
        self.engine.execute(self.session, [b"HPEXPIRE", key, b"%d" % ms, b"FIELDS", b"%d" % count, *names])

    def let_pass(self, ms: int) -> None:
        self.clock.advance_ms(ms)
        self.engine.start_unit()

    def stored(self, key: bytes) -> int:
        """Fields that are stored, past ones too; 0 without the key."""
        if not self.db.find(key):
            return 0
        found = self.db.container()
        assert isinstance(found, Hash)
        return int(found.count())


def test_a_turn_takes_packed_hashes_whole_and_stops() -> None:
    held = Deadlines()
    held.add(b"a", 3, 10)
    held.add(b"b", 3, 10)
    held.let_pass(10)
    assert expire_fields(held.db, 3) == 3
    assert sorted([held.stored(b"a"), held.stored(b"b")]) == [1, 4]
    assert expire_fields(held.db, 3) == 3
    assert held.stored(b"a") == held.stored(b"b") == 1
    assert expire_fields(held.db, 3) == 0
    assert held.engine.moment.expired_fields == 6


def test_a_turn_takes_of_large_hashes_what_is_left_of_its_share() -> None:
    held = Deadlines()
    held.add(b"a", 150, 10, 300)
    held.add(b"b", 150, 10, 300)
    held.let_pass(10)
    # Fields of one bucket go together.
    assert 151 <= expire_fields(held.db, 151) <= 151 + 32
    assert min(held.stored(b"a"), held.stored(b"b")) == 1


def test_a_hash_that_loses_its_last_field_goes() -> None:
    held = Deadlines()
    held.add(b"a", 3, 10)
    held.add(b"b", 3, 20)
    held.engine.execute(held.session, [b"HDEL", b"a", b"stays"])
    held.let_pass(10)
    assert expire_fields(held.db, 100) == 3
    assert not held.db.find(b"a")
    assert held.stored(b"b") == 4
    check(held.db.table)


@pytest.mark.parametrize("stays", [True, False])
def test_fields_that_expire_break_a_watch(stays: bool) -> None:
    held = Deadlines()
    held.add(b"a", 3, 10)
    if not stays:
        held.engine.execute(held.session, [b"HDEL", b"a", b"stays"])
    watcher = held.engine.open_session(Peer())
    held.engine.execute(watcher, [b"WATCH", b"a"])
    held.let_pass(10)
    assert expire_fields(held.db, 1) == 3
    held.engine.execute(watcher, [b"MULTI"])
    assert held.engine.execute(watcher, [b"EXEC"]) is NULL_ARRAY
    assert held.stored(b"a") == int(stays)
