"""The knot: values in neighbouring records, packed and large, looked up, changed and told in any order.

This is where one key's value would be written into another's record.  A machine holds several hashes, streams and others
open at once, changes them by turns, tells them in another order, lets keys expire in between, and compares with a model
of plain dicts; the table is whole, or forced into a single bucket where neighbours hurt each other most.  Meanwhile
other keys are renamed, copied, and moved to a second database and back.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.profiles import scaled
from tests.unit.keyspace.places import check_tables

import redpoll.commands
from redpoll.config.schema import BY_NAME
from redpoll.engine.engine import Engine
from redpoll.engine.session import Peer
from redpoll.engine.settings import default_config
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random
from redpoll.keyspace.compaction import Compaction
from redpoll.keyspace.database import Database
from redpoll.keyspace.events import HDEL, HSET, LPOP, RPUSH, SADD, SET, SREM, XADD, ZADD, ZREM
from redpoll.structures.mover import Mover
from redpoll.structures.table_check import check
from redpoll.structures.table_walk import Records, read_bucket
from redpoll.types.hash import Hash
from redpoll.types.list import EVERY, List
from redpoll.types.set import Set
from redpoll.types.stream import Stream
from redpoll.types.value import CREATED, Value
from redpoll.types.zset import ZSet

HASHES = [b"h%d" % n for n in range(4)] + [b"h" * 220]
ZSETS = [b"z%d" % n for n in range(3)] + [b"z" * 201]
SETS = [b"m%d" % n for n in range(3)] + [b"m" * 240]
LISTS = [b"l%d" % n for n in range(4)] + [b"l" * 210]
STREAMS = [b"x%d" % n for n in range(3)] + [b"x" * 215]
CONTAINERS = HASHES + LISTS + SETS + STREAMS + ZSETS
STRINGS = [b"s%d" % n for n in range(4)]
items = st.sampled_from(
    [b"", b"a", b"b", b"7", b"-300", b"70000", b"c" * 8, b"d" * 60, b"e" * 120, b"f" * 254, b"g" * 255, b"i" * 700]
)
scores = st.sampled_from([-1.5, 0.0, 1.0, 2.0, 1e10])
# Of equal lengths, and different in one place only: what is compared or patched in part shows.
alike = st.sampled_from(
    [b"a", b"b", b"abc", b"abd", b"a" * 20, b"b" + b"a" * 19, b"a" * 19 + b"b", b"a" * 9 + b"b" + b"a" * 10]
)
Change = tuple[bytes, bytes, float, bool]
"""Put an item with a text or a score; or remove it."""


class Knot(RuleBasedStateMachine):
    most_buckets = 1 << 26
    in_cluster = False

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        assert redpoll.commands.FAMILIES
        config = default_config(2)
        if self.in_cluster:
            config.assign(BY_NAME[b"cluster-enabled"], [b"yes"])
            config.assign(BY_NAME[b"cluster-databases"], [b"2"])
        self.engine = Engine(self.clock, Random(1), 2, most_buckets=self.most_buckets, config=config)
        self.db, self.aside = self.engine.databases
        self.session = self.engine.open_session(Peer())
        self.model: dict[bytes, Any] = {}
        self.deadlines: dict[bytes, int] = {}
        self.model_aside: dict[bytes, Any] = {}
        self.deadlines_aside: dict[bytes, int] = {}
        self.open: dict[bytes, Hash | List | Set | Stream | ZSet] = {}
        self.engine.start_unit()

    def expire_model(self) -> None:
        for model, deadlines in ((self.model, self.deadlines), (self.model_aside, self.deadlines_aside)):
            for key, at in list(deadlines.items()):
                if at <= self.engine.moment.now_ms:
                    del deadlines[key]
                    model.pop(key, None)

    def looked_up(self, key: bytes) -> Hash | List | Set | Stream | ZSet:
        """The value at `key` to change, a new one if there is none."""
        found: Hash | List | Set | Stream | ZSet | None
        if key in HASHES:
            found = self.db.hash_to_change(key, True)
        elif key in LISTS:
            found = self.db.list_to_change(key, True)
        elif key in SETS:
            found = self.db.members_to_change(key, True)
        elif key in STREAMS:
            found = self.db.stream_to_change(key, True)
        else:
            found = self.db.zset_to_change(key, True)
        assert found is not None
        # A stream that has no entries stays.
        assert (found.home == CREATED if key in STREAMS else found.is_empty()) == (key not in self.model)
        return found

    @rule(key=st.sampled_from(CONTAINERS))
    def open_value(self, key: bytes) -> None:
        if key not in self.open:
            self.open[key] = self.looked_up(key)

    @precondition(lambda self: not self.open)
    @rule(steps=st.integers(1, 60))
    def compact(self, steps: int) -> None:
        """Move everything, or a part of it: no command is under way then."""
        compaction = Compaction(self.engine.databases, Mover(anywhere=True))
        while steps > 0 and compaction.step():
            steps -= 1

    @precondition(lambda self: self.open)
    @rule(data=st.data(), changes=st.lists(st.tuples(items, items, scores, st.booleans()), min_size=1, max_size=6))
    def change_and_tell(self, data: st.DataObject, changes: list[Change]) -> None:
        self.apply(data.draw(st.sampled_from(sorted(self.open))), changes)

    @rule(
        keys=st.permutations(CONTAINERS),
        told=st.permutations(range(3)),
        changes=st.lists(
            st.tuples(alike, alike, scores, st.integers(0, 3).map(lambda drawn: drawn == 0)), min_size=9, max_size=9
        ),
        counts=st.lists(st.integers(1, 3), min_size=3, max_size=3),
    )
    def change_several(self, keys: list[bytes], told: list[int], changes: list[Change], counts: list[int]) -> None:
        """Open neighbours together, change them, and tell them in another order: what the stamp is for."""
        chosen = [key for key in keys if key not in self.open][:3]
        for key in chosen:
            self.open[key] = self.looked_up(key)
        for n in told:
            if n < len(chosen):
                self.apply(chosen[n], changes[n * 3 : n * 3 + counts[n]])

    def apply(self, key: bytes, changes: list[Change]) -> None:
        """Change the open value at `key`, and tell."""
        value = self.open.pop(key)
        if isinstance(value, List):
            self.change_list(key, value, changes)
            return
        if isinstance(value, Stream):
            self.change_stream(key, value, changes)
            return
        content = self.model.setdefault(key, {})
        for item, text, score, removing in changes:
            if removing:
                assert value.remove(item) == (item in content)
                content.pop(item, None)
            elif isinstance(value, Hash):
                assert value.put(item, text) == (item not in content)
                content[item] = text
            elif isinstance(value, Set):
                value.expect(item, 1, self.engine.moment.limits)
                assert value.add(item, self.engine.moment.limits) == (item not in content)
                content[item] = None
            else:
                value.put(item, score, self.engine.moment.limits)
                content[item] = score
        events = (HSET, HDEL) if key in HASHES else (SADD, SREM) if key in SETS else (ZADD, ZREM)
        self.db.changed(key, value, events[0] if content else events[1], 1)
        if not content:
            del self.model[key]
            self.deadlines.pop(key, None)

    def change_list(self, key: bytes, value: List, changes: list[Change]) -> None:
        content = self.model.setdefault(key, [])
        limits = self.engine.moment.limits
        for item, text, score, removing in changes:
            found = value.find(item, 0, value.count(), EVERY, False)
            assert list(found) == [n for n, other in enumerate(content) if other == item]
            if removing and score > 0 and content:
                assert value.pop(score == 1) == content.pop(0 if score == 1 else -1)
            elif removing:
                value.remove(found, item)
                content[:] = [other for other in content if other != item]
            elif score > 1 or not content:
                value.push([item, text], 0, score > 2, limits)
                content[:] = [text, item, *content] if score > 2 else [*content, item, text]
            elif score == 1:
                value.make_room(item, limits)
                value.insert(len(content) // 2, True, item)
                content.insert(len(content) // 2 + 1, item)
            else:
                value.make_room(text, limits)
                value.set(len(content) // 2, text)
                content[len(content) // 2] = text
        self.db.changed(key, value, RPUSH if content else LPOP, 1)
        if not content:
            del self.model[key]
            self.deadlines.pop(key, None)

    def change_stream(self, key: bytes, value: Stream, changes: list[Change]) -> None:
        """The model has the entries by ID, the last ID, and of each group its last ID and who has which entries."""
        content = self.model.setdefault(key, {"entries": {}, "last": 0, "groups": {}})
        entries = content["entries"]
        if value.home == CREATED:
            # Nothing makes a stream without an entry or a group.
            changes = [(b"first", b"", 0.0, False), *changes]
        for item, text, score, removing in changes:
            if not removing and score != 2.0:
                content["last"] += 1 + len(item)
                value.append(content["last"], 0, [item, text], 0, self.engine.moment.limits)
                entries[content["last"]] = [item, text]
            elif removing and score < 1.0 and entries:
                ms = min(entries) if score < 0.0 else max(entries)
                assert value.delete(ms, 0)
                value.end_deletes()
                del entries[ms]
            elif removing and score == 1.0:
                gone = sorted(entries)[: len(entries) // 2]
                assert value.trim_to_length(len(entries) - len(gone), False, 0) == len(gone)
                for ms in gone:
                    del entries[ms]
            else:
                self.change_group(value, item[:1], removing, score, content)
        self.db.changed(key, value, XADD, 1)

    def change_group(self, value: Stream, name: bytes, removing: bool, score: float, content: Any) -> None:
        """Create the group of that name, let one of two consumers read in it, let all be acknowledged, or destroy it."""
        group = value.group(name)
        held = content["groups"].get(name)
        assert (group is None) == (held is None)
        if group is None:
            if not removing:
                value.add_group(name, 0, 0, 0)
                content["groups"][name] = {"last": 0, "pending": {}}
            return
        if not removing:
            reader = b"reader:%d" % (len(held["pending"]) % 2)
            consumer = group.consumers.get(reader) or group.add_consumer(reader, 5)
            for ms in [ms for ms in sorted(content["entries"]) if ms > held["last"]][:3]:
                group.deliver(ms, 0, consumer, 7, 1)
                held["pending"][ms] = reader
                group.last_ms = held["last"] = ms
        elif score == 2.0:
            for ms in held["pending"]:
                assert group.pending.find(ms, 0)
                group.forget()
            held["pending"].clear()
        else:
            value.remove_group(name)
            del content["groups"][name]
            return
        value.account(group)

    @rule(key=st.sampled_from(CONTAINERS), left=st.integers(0, 5))
    def shrink(self, key: bytes, left: int) -> None:
        """Take most of a value away: large forms merge their buckets, and packed ones come back into the record."""
        if key not in self.open and key in self.model:
            self.open[key] = self.looked_up(key)
            items = sorted(self.model[key]["entries"] if key in STREAMS else self.model[key])
            self.apply(key, [(b"" if key in STREAMS else item, b"", 0.0, True) for item in items[left:]])

    @rule(key=st.sampled_from(CONTAINERS), count=st.integers(20, 120))
    def grow(self, key: bytes, count: int) -> None:
        if key in self.open:
            return
        if key in STREAMS:
            self.open[key] = self.looked_up(key)
            self.apply(key, [(b"field", b"v" * (n % 40), 0.0, False) for n in range(count)])
            return
        content = self.model.setdefault(key, [] if key in LISTS else {})
        if key in LISTS:
            elements = self.db.list_to_change(key, True)
            assert elements is not None
            more = [b"element:%d" % n for n in range(count)]
            elements.push(more, 0, False, self.engine.moment.limits)
            content += more
            self.db.changed(key, elements, RPUSH, count)
        elif key in HASHES:
            found = self.db.hash_to_change(key, True)
            assert found is not None
            for n in range(count):
                found.put(b"field:%d" % n, b"v" * (n % 40))
                content[b"field:%d" % n] = b"v" * (n % 40)
            self.db.changed(key, found, HSET, count)
        elif key in SETS:
            members = self.db.members_to_change(key, True)
            assert members is not None
            for n in range(count):
                # Numbers, or words, by the key.
                word = b"%d" % (n * 1000) if key == SETS[0] else b"member:%d" % n
                members.expect(word, 1, self.engine.moment.limits)
                members.add(word, self.engine.moment.limits)
                content[word] = None
            self.db.changed(key, members, SADD, count)
        else:
            board = self.db.zset_to_change(key, True)
            assert board is not None
            for n in range(count):
                board.put(b"member:%d" % n, float(n % 7), self.engine.moment.limits)
                content[b"member:%d" % n] = float(n % 7)
            self.db.changed(key, board, ZADD, count)

    @rule(key=st.sampled_from(STRINGS), size=st.sampled_from([0, 3, 8, 150, 300, 3000]))
    def set_string(self, key: bytes, size: int) -> None:
        self.db.set_string(key, b"x" * size)
        self.db.changed(key, None, SET, 1)
        self.model[key] = b"x" * size
        self.deadlines.pop(key, None)

    @rule(key=st.sampled_from(STRINGS), more=st.sampled_from([b"", b"tail", b"t" * 200, b"t" * 1100]))
    def append(self, key: bytes, more: bytes) -> None:
        value = self.db.string_to_change(key)
        assert value is not None
        value.append(more)
        self.db.changed(key, value, SET, 1)
        self.model[key] = self.model.get(key, b"") + more

    @rule(
        key=st.sampled_from(STRINGS), at=st.sampled_from([0, 5, 1500]), data=st.sampled_from([b"", b"MID", b"M" * 90])
    )
    def write_at(self, key: bytes, at: int, data: bytes) -> None:
        value = self.db.string_to_change(key)
        assert value is not None
        value.write_at(at, data)
        self.db.changed(key, value, SET, 1)
        old = self.model.get(key, b"").ljust(at, b"\0")
        self.model[key] = old[:at] + data + old[at + len(data) :]

    @rule(key=st.sampled_from(CONTAINERS + STRINGS))
    def delete(self, key: bytes) -> None:
        if key not in self.open:
            assert self.db.delete(key) == (key in self.model)
            self.model.pop(key, None)
            self.deadlines.pop(key, None)

    @rule(key=st.sampled_from(CONTAINERS + STRINGS), ms=st.integers(1, 20))
    def set_deadline(self, key: bytes, ms: int) -> None:
        if key not in self.open and self.db.look_to_change(key):
            at = self.engine.moment.now_ms + ms
            self.db.set_deadline(at)
            self.deadlines[key] = at

    @precondition(lambda self: any(key in self.model and key not in self.open for key in HASHES))
    @rule(data=st.data(), ms=st.sampled_from([0, 10**9, 10**10]))
    def set_a_field_s_deadline(self, data: st.DataObject, ms: int) -> None:
        """So far away that it does not come: the hash takes the form that has deadlines, or gives it up."""
        key = data.draw(st.sampled_from([key for key in HASHES if key in self.model and key not in self.open]))
        value = self.looked_up(key)
        assert isinstance(value, Hash)
        assert value.locate(data.draw(st.sampled_from(sorted(self.model[key]))))
        value.set_located_deadline(self.engine.moment.now_ms + ms if ms else 0)
        self.db.changed(key, value, HSET, 1)

    def run(self, *words: bytes) -> Any:
        return self.engine.execute(self.session, list(words))

    @rule(
        data=st.data(),
        family=st.sampled_from([HASHES, LISTS, SETS, STREAMS, ZSETS, STRINGS]),
        name=st.sampled_from([b"RENAME", b"COPY"]),
    )
    def rename_or_copy(self, data: st.DataObject, family: list[bytes], name: bytes) -> None:
        source, target = data.draw(st.permutations(family))[:2]
        if source in self.open or target in self.open or source not in self.model:
            return
        words = [b"REPLACE"] if name == b"COPY" else []
        self.run(name, source, target, *words)
        content = self.model[source]
        self.model[target] = deepcopy(content)
        self.deadlines.pop(target, None)
        if source in self.deadlines:
            self.deadlines[target] = self.deadlines[source]
        if name == b"RENAME":
            del self.model[source]
            self.deadlines.pop(source, None)

    @rule(key=st.sampled_from(CONTAINERS + STRINGS))
    def move(self, key: bytes) -> None:
        if key in self.open:
            return
        can = key in self.model and key not in self.model_aside
        assert self.run(b"MOVE", key, b"1") == int(can)
        if can:
            self.model_aside[key] = self.model.pop(key)
            if key in self.deadlines:
                self.deadlines_aside[key] = self.deadlines.pop(key)

    @rule()
    def swap(self) -> None:
        if not self.open:
            self.run(b"SWAPDB", b"0", b"1")
            self.model, self.model_aside = self.model_aside, self.model
            self.deadlines, self.deadlines_aside = self.deadlines_aside, self.deadlines

    @rule(ms=st.integers(1, 10))
    def let_time_pass(self, ms: int) -> None:
        # A unit has one time: no value is open when it moves.
        self.open.clear()
        self.clock.advance_ms(ms)
        self.engine.start_unit()
        self.expire_model()

    @rule()
    def expire_actively(self) -> None:
        self.open.clear()
        self.engine.expiry.expire()

    @invariant()
    def agrees(self) -> None:
        for db, model, deadlines in (
            (self.db, self.model, self.deadlines),
            (self.aside, self.model_aside, self.deadlines_aside),
        ):
            for table in db.tables.existing():
                check(table)
                for n in range(table.buckets):
                    found = Records()
                    read_bucket(table, n, found)
                    for outside in found.objects:
                        inner = outside.inner() if isinstance(outside, Value) else None
                        if inner is not None:
                            check(inner)
            for key in CONTAINERS + STRINGS:
                if not db.find(key) or db.is_past(key):
                    assert key not in model
                    continue
                assert db.find(key)
                assert db.table.deadline() == deadlines.get(key, 0)
                assert self.read(db, key) == model[key], key

    @invariant()
    def the_sum_of_memory_is_that_of_the_tables(self) -> None:
        if not self.open:
            walked = sum(check_tables(db.tables) for db in self.engine.databases)
            assert self.engine.moment.used_bytes == walked

    def read(self, db: Database, key: bytes) -> Any:
        if key in STRINGS:
            return db.string(key)
        if key in HASHES:
            found = db.hash(key)
            assert found is not None
            listed = found.rows()
            return {listed[n]: listed[n + 1] for n in range(0, len(listed), 2)}
        if key in LISTS:
            elements = db.list_(key)
            assert elements is not None
            assert elements.count() == len(elements.rows())
            return elements.rows()
        if key in SETS:
            some = db.members(key)
            assert some is not None
            return dict.fromkeys(some.rows())
        if key in STREAMS:
            return self.read_stream(db, key)
        board = db.zset(key)
        assert board is not None
        board.check()
        listed = board.rows()
        for n, member in enumerate(listed[::2]):
            assert board.rank(member) == n
        return {member: float(score) for member, score in zip(listed[::2], listed[1::2], strict=True)}

    def read_stream(self, db: Database, key: bytes) -> Any:
        stream = db.stream(key)
        assert stream is not None
        listed = stream.rows()
        assert stream.length() * 3 == len(listed)
        groups = {}
        for name in stream.sorted_groups():
            group = stream.group(name)
            assert group is not None
            group.check()
            pending = {}
            there = group.pending.to_first()
            while there:
                pending[group.pending.ms()] = group.owner().name
                there = group.pending.step()
            groups[name] = {"last": group.last_ms, "pending": pending}
        entries = {int(listed[n].partition(b"-")[0]): listed[n + 1 : n + 3] for n in range(0, len(listed), 3)}
        return {"entries": entries, "last": stream.last_ms, "groups": groups}


class KnotInOneBucket(Knot):
    most_buckets = 1


class KnotOfSlots(Knot):
    """Each slot has a table of its own."""

    in_cluster = True


TestKnotOfSlots = KnotOfSlots.TestCase
TestKnotOfSlots.settings = scaled(0.8, 0.75)
TestKnot = Knot.TestCase
TestKnot.settings = scaled(0.8, 0.75)
TestKnotInOneBucket = KnotInOneBucket.TestCase
TestKnotInOneBucket.settings = scaled(0.8, 0.75)
