"""A string that is changed in place, beside a plain bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random
from redpoll.keyspace.events import APPEND, INCRBYFLOAT, SETRANGE
from redpoll.structures.keeper import TextKeeper
from redpoll.structures.table_check import check
from redpoll.types.kinds import STRING_INT, STRING_RAW
from redpoll.types.string import LongString, rewrite_digits

KEYS = [b"k", b"neighbour", b"k" * 220]
sizes = st.sampled_from([0, 1, 9, 60, 180, 250, 500, 1023, 1024, 1025, 4000, 9000])
changes = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["append", "write", "replace", "set"]), sizes, sizes), max_size=12
)


def written(old: bytes, at: int, data: bytes) -> bytes:
    return old.ljust(at, b"\0")[:at] + data + old[at + len(data) :]


@given(changes)
def test_changes_in_place(steps: list[tuple[bytes, str, int, int]]) -> None:
    engine = Engine(VirtualClock(), Random(1), 1, most_buckets=1)
    engine.start_unit()
    db = engine.databases[0]
    model: dict[bytes, bytes] = {}
    for number, (key, how, at, size) in enumerate(steps):
        data = bytes([number + 1]) * size
        if how == "set":
            db.set_string(key, data)
            model[key] = data
            continue
        value = db.string_to_change(key)
        assert value is not None
        if how == "append":
            model[key] = model.get(key, b"") + data
            assert value.append(data) == len(model[key])
            db.changed(key, value, APPEND, 1)
        elif how == "replace":
            # As INCRBYFLOAT does, whose sums have up to some thousand digits.
            model[key] = data
            value.set_text(data, STRING_RAW)
            db.changed(key, value, INCRBYFLOAT, 1)
        else:
            model[key] = written(model.get(key, b""), at, data)
            assert value.write_at(at, data) == len(model[key])
            db.changed(key, value, SETRANGE, 1)
        read = db.string_to_read(key)
        assert read is not None
        assert model[key] == read.text()
        assert model[key][at : at + size] == read.part(min(at, read.length()), min(at + size, read.length()))
    check(db.table)
    assert model == {key: db.string(key) for key in model}


def test_a_gap_is_filled_with_zeros() -> None:
    long = LongString(b"abc")
    long.write_at(100_000, b"end")
    assert long.text() == b"abc".ljust(100_000, b"\0") + b"end"
    long.write_at(100_010, b"!")
    assert long.part(99_999, 100_011) == b"\0end" + b"\0" * 7 + b"!"
    long.write_at(1, b"BC" * 3)
    assert long.part(0, 8) == b"aBCBCBC\0"
    assert long.length() == 100_011


def test_the_head_of_a_long_string_follows_its_bytes() -> None:
    value = LongString(b"h" * 2000)
    assert value.head() == b"h" * 16
    value.write_at(3, b"xyz")
    assert value.head() == b"hhhxyz" + b"h" * 10
    assert value.head() == b"hhhxyz" + b"h" * 10
    value.write_at(16, b"later")
    assert value.head() == b"hhhxyz" + b"h" * 10
    value.write_at(15, b"!")
    assert value.head() == b"hhhxyz" + b"h" * 9 + b"!"
    short = LongString(b"short")
    assert short.head() == b"short"
    short.write_at(4000, b"far")
    assert short.head() == b"short" + bytes(11)


class Pages(TextKeeper):
    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []

    def overwrites(self, start: i64, stop: i64) -> None:
        self.ranges.append((int(start), int(stop)))


def test_a_keeper_hears_what_a_long_string_overwrites() -> None:
    value = LongString(bytes(5000))
    value.to_buffer()
    keeper = Pages()
    value.keeper = keeper
    value.write_at(4000, b"abc")
    assert keeper.ranges == [(4000, 4003)]


def test_an_integer_in_place_takes_the_encoding_of_integers() -> None:
    engine = Engine(VirtualClock(), Random(1), 1)
    engine.start_unit()
    db = engine.databases[0]
    db.set_string(b"k", b"15")
    assert db.find(b"k")
    db.table.set_kind(STRING_RAW)
    assert rewrite_digits(db.table, 15, 16)
    assert (db.text(), db.table.kind()) == (b"16", STRING_INT)
