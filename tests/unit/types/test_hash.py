"""Hashes against a dict: both forms, field deadlines on virtual time, copies, and the way through a record's bytes."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from librt.vecs import append, vec
from mypy_extensions import i64

from redpoll.protocol.numbers import NO_INT
from redpoll.structures.deadlines import earliest_at
from redpoll.structures.segment import NEVER, earliest_of
from redpoll.structures.table_check import check
from redpoll.types.hash import PACKED_LIMIT, Hash
from redpoll.types.kinds import HASH_HASHTABLE, HASH_LISTPACK, HASH_VOLATILE, EncodingLimits

FIELDS = [b"", b"a", b"b", b"field", b"another field of some length", b"f" * 254, b"g" * 255, b"h" * 300]
fields = st.sampled_from(FIELDS)
values = st.builds(
    lambda size, fill: bytes([fill]) * size, st.sampled_from([0, 1, 8, 60, 254, 255, 700]), st.integers(65, 70)
)
FAR = (1 << 63) - 1


class HashMachine(RuleBasedStateMachine):
    """`model` has the value and the deadline of each field that is stored, past or not."""

    def __init__(self) -> None:
        super().__init__()
        self.hash = Hash()
        self.now = 1
        self.model: dict[bytes, tuple[bytes, int]] = {}
        self.twin: Hash | None = None
        self.twin_rows: list[bytes] = []

    def is_live(self, field: bytes) -> bool:
        return field in self.model and not 0 < self.model[field][1] <= self.now

    def live(self) -> dict[bytes, bytes]:
        return {field: value for field, (value, _) in self.model.items() if self.is_live(field)}

    @rule(field=fields, value=values, keep=st.booleans())
    def put(self, field: bytes, value: bytes, keep: bool) -> None:
        was_live = self.is_live(field)
        assert self.hash.put(field, value, keep) == (not was_live)
        kept = self.model[field][1] if keep and was_live else 0
        self.model[field] = (value, kept)

    @rule(count=st.integers(10, 60), size=st.sampled_from([0, 5, 40]))
    def put_many(self, count: int, size: int) -> None:
        for n in range(count):
            self.put(b"many:%d" % n, b"v" * size, False)

    @rule(field=fields, value=values)
    def put_located(self, field: bytes, value: bytes) -> None:
        assert self.hash.locate(field) == self.is_live(field)
        if self.is_live(field):
            assert self.hash.located_value() == self.model[field][0]
            self.hash.put_located(field, value)
            self.model[field] = (value, self.model[field][1])

    @rule(field=fields)
    def remove(self, field: bytes) -> None:
        was_live = self.is_live(field)
        assert self.hash.remove(field) == was_live
        if was_live:
            del self.model[field]

    @rule(part=st.integers(2, 4))
    def remove_many(self, part: int) -> None:
        for field in [field for field in self.model if field.startswith(b"many:")][::part]:
            self.remove(field)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), ms=st.one_of(st.integers(1, 30), st.sampled_from([0, FAR])))
    def set_deadline(self, data: st.DataObject, ms: int) -> None:
        field = data.draw(st.sampled_from(sorted(self.model)))
        if self.hash.locate(field):
            at = 0 if ms == 0 else min(self.now + ms, FAR)
            self.hash.set_located_deadline(at)
            assert self.hash.locate(field) and self.hash.located_deadline() == at
            self.model[field] = (self.model[field][0], at)

    @rule(ms=st.integers(1, 20))
    def let_time_pass(self, ms: int) -> None:
        self.now += ms
        self.hash.set_time(self.now)

    @rule()
    def look_up(self) -> None:
        """A new unit finds the hash as the last one left it."""
        self.hash.review_times()
        self.hash.set_time(self.now)

    @rule(most=st.sampled_from([1, 3, 1000]))
    def remove_due(self, most: int) -> None:
        self.hash.set_time(self.now)
        past = {field for field in self.model if not self.is_live(field)}
        gone = self.hash.remove_due(most)
        assert len(set(gone)) == len(gone) and set(gone) <= past
        assert len(gone) >= min(most, len(past))
        for field in gone:
            del self.model[field]

    @rule()
    def through_a_record(self) -> None:
        """The packed bytes tell everything."""
        if self.hash.is_large():
            return
        self.hash.review_times()
        packed = self.hash.packed()
        kind = self.hash.kind
        if kind == HASH_VOLATILE:
            assert earliest_at(packed, 0) == self.hash.earliest()
        self.hash = Hash()
        self.hash.stand_beside(kind, packed)
        self.hash.set_time(self.now)
        assert self.hash.packed() == packed

    @rule(with_the_copy=st.booleans())
    def copy(self, with_the_copy: bool) -> None:
        """Go on with the hash or with its copy; the other one must not notice."""
        made = self.hash.copy()
        assert isinstance(made, Hash)
        made.set_time(self.now)
        assert made.rows() == self.hash.rows() and made.kind == self.hash.kind
        self.twin_rows = made.rows()
        self.twin, self.hash = (self.hash, made) if with_the_copy else (made, self.hash)

    @invariant()
    def the_twin_stays(self) -> None:
        if self.twin is not None:
            assert self.twin.rows() == self.twin_rows

    @invariant()
    def agrees(self) -> None:
        live = self.live()
        rows = self.hash.rows()
        assert len(rows) == 2 * len(live)
        assert {rows[n]: rows[n + 1] for n in range(0, len(rows), 2)} == live
        assert self.hash.count() == len(self.model)
        assert self.hash.live_count() == len(live)
        assert self.hash.is_empty() == (not self.model)
        for field in FIELDS:
            assert self.hash.get(field) == live.get(field)
            assert self.hash.locate(field) == (field in live)
            if field in live:
                assert self.hash.located_length() == len(live[field])
                assert self.hash.located_deadline() == self.model[field][1]

    @invariant()
    def holds_together(self) -> None:
        deadlines = [at for _, at in self.model.values() if at]
        self.hash.size_bytes()
        assert self.hash.earliest() <= min([NEVER, *deadlines])
        times = self.hash.times
        assert (times is not None) == (self.hash.kind == HASH_VOLATILE)
        table = self.hash.table
        if table is not None:
            check(table)
            assert table.volatile == len(deadlines)
            assert times is None or len(times.column) == 0
        else:
            assert len(self.hash.items()) <= PACKED_LIMIT
            assert times is None or sorted(at for at in times.column if at) == sorted(deadlines)
        if deadlines:
            assert self.hash.kind == HASH_VOLATILE


TestHash = HashMachine.TestCase
TestHash.settings = settings(deadline=None)


def pairs_of(hash: Hash) -> dict[bytes, bytes]:
    rows = hash.rows()
    return dict(zip(rows[::2], rows[1::2], strict=True))


def test_deadlines_go_along_into_the_large_form() -> None:
    hash = Hash()
    for n in range(20):
        hash.put(b"f%d" % n, b"v")
        assert hash.locate(b"f%d" % n)
        hash.set_located_deadline(100 + n)
    hash.put(b"long", b"v" * 1000)
    assert hash.is_large()
    hash.set_time(109)
    assert set(pairs_of(hash)) == {b"long"} | {b"f%d" % n for n in range(10, 20)}
    assert hash.count() == 21
    assert sorted(hash.remove_due(1000)) == [b"f%d" % n for n in range(10)]
    # The table finds the earliest of the rest when it is asked again.
    assert hash.remove_due(1000) == []
    assert hash.earliest() == 110


def test_a_field_past_its_deadline_is_written_over_as_a_new_one() -> None:
    hash = Hash()
    hash.put(b"f", b"v")
    hash.put(b"g", b"v")
    for field in (b"f", b"g"):
        assert hash.locate(field)
        hash.set_located_deadline(5)
    hash.set_time(5)
    times = hash.times
    assert times is not None
    assert not hash.remove(b"f")
    assert hash.put(b"f", b"w", True)
    assert times.overwritten == 1
    assert hash.locate(b"f") and hash.located_deadline() == 0
    hash.set_time(6)
    assert times.overwritten == 0
    assert hash.get(b"g") is None


def test_the_last_deadline_takes_the_kind_along() -> None:
    hash = Hash()
    hash.put(b"f", b"v")
    hash.locate(b"f")
    hash.set_located_deadline(FAR)
    assert hash.kind == HASH_VOLATILE
    hash.review_times()
    assert hash.kind == HASH_VOLATILE
    hash.locate(b"f")
    hash.set_located_deadline(0)
    hash.review_times()
    assert hash.kind == HASH_HASHTABLE and hash.times is None


def test_the_encoding_follows_the_limits() -> None:
    limits = EncodingLimits()
    limits.hash_entries = 3
    limits.hash_value = 5

    def kind_after(*pairs: tuple[bytes, bytes]) -> Any:
        hash = Hash()
        for field, value in pairs:
            hash.put(field, value)
        hash.apply_limits(limits)
        return hash.kind

    assert kind_after((b"a", b"12345"), (b"b", b""), (b"c", b"")) == HASH_LISTPACK
    assert kind_after((b"a", b"123456")) == HASH_HASHTABLE
    assert kind_after((b"123456", b"")) == HASH_HASHTABLE
    assert kind_after(*[(b"%d" % n, b"") for n in range(4)]) == HASH_HASHTABLE
    assert kind_after(*[(b"a", b"") for n in range(4)]) == HASH_HASHTABLE


def test_an_empty_column_has_no_earliest_deadline() -> None:
    hash = Hash()
    hash.put(b"f", b"v")
    hash.locate(b"f")
    hash.set_located_deadline(7)
    times = hash.times
    assert times is not None
    assert earliest_of(times.column) == 7
    assert hash.remove(b"f")
    assert earliest_of(times.column) == NEVER


def test_what_is_due_leaves_the_packed_rest() -> None:
    hash = Hash()
    for n in range(6):
        hash.put(b"f%d" % n, b"v%d" % n)
        assert hash.locate(b"f%d" % n)
        if n != 3:
            hash.set_located_deadline(100 + n)
    assert not hash.is_large()
    hash.set_time(102)
    assert hash.remove_due(1000) == [b"f0", b"f1", b"f2"]
    assert pairs_of(hash) == {b"f3": b"v3", b"f4": b"v4", b"f5": b"v5"}
    assert hash.earliest() == 104
    hash.set_time(104)
    assert hash.remove_due(1000) == [b"f4"]
    assert hash.locate(b"f5") and hash.located_deadline() == 105
    assert hash.locate(b"f3") and hash.located_deadline() == 0


def test_numbers_are_read_wherever_the_value_lies() -> None:
    hash = Hash()
    hash.put(b"short", b"12")
    hash.put(b"name" * 100, b"34")
    hash.put(b"long", b"5" * 1000)
    assert hash.is_large()
    found = {}
    for field in (b"short", b"name" * 100, b"long"):
        assert hash.locate(field)
        found[field[:5]] = hash.located_number()
    assert found == {b"short": 12, b"namen": 34, b"long": NO_INT}


def test_filling_takes_what_comes_at_once() -> None:
    for count in (1, 5, 300):
        items = [b"%d" % n for n in range(2 * count)]
        hash = Hash()
        assert hash.fill(items, vec[i64]())
        assert hash.is_large() == (count == 300)
        assert sorted(hash.rows()) == sorted(items) and hash.count() == count
        assert not Hash().fill([*items, items[0], b"again"], vec[i64]())
        column = vec[i64]()
        for n in range(count):
            column = append(column, 1000 + n if n % 2 == 0 else 0)
        timed = Hash()
        assert timed.fill(items, column)
        assert timed.kind == HASH_VOLATILE and timed.earliest() == 1000
        assert timed.locate(b"0") and timed.located_deadline() == 1000
        timed.set_time(1000)
        assert timed.live_count() == count - 1
