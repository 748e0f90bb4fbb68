"""Values and their places: what is opened together, changed, and put back in any order ends under its own key."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.structures.tables import filled

from redpoll.structures.table import Table
from redpoll.structures.table_check import check
from redpoll.types.hash import Hash
from redpoll.types.kinds import HASH_HASHTABLE, HASH_LISTPACK, EncodingLimits
from redpoll.types.list import List
from redpoll.types.value import BESIDE, CREATED, INSIDE, Value

# Of equal lengths, and different in one place only: what is compared or patched in part shows.
ALIKE = [b"a" * 20, b"b" + b"a" * 19, b"a" * 19 + b"b", b"a" * 9 + b"b" + b"a" * 10, b"abc", b"abd"]


def opened(table: Table, key: bytes) -> Hash:
    """The hash at `key`, as a look-up of the keyspace hands it out; a new one if there is none."""
    value = Hash()
    if table.find(key):
        if table.is_outside():
            found = table.object()
            assert isinstance(found, Hash)
            found.remember_place(table)
            return found
        value.open(table)
    return value


def read(table: Table, key: bytes) -> dict[bytes, bytes]:
    value = opened(table, key)
    rows = value.rows()
    return {rows[n]: rows[n + 1] for n in range(0, len(rows), 2)}


def put(table: Table, key: bytes, content: dict[bytes, bytes]) -> None:
    value = opened(table, key)
    for field, text in content.items():
        value.put(field, text)
    value.put_back(table, key)


KEYS = [b"one", b"two", b"three"]


def neighbours() -> Table:
    """Three hashes in one bucket, of equally long content."""
    table = Table(most_buckets=1)
    for key in KEYS:
        put(table, key, {b"f": key[:1] * 20, b"g": b"same"})
    return table


# What may happen to a value between its look-up and its putting back: equally long, longer, shorter, out, large.
CHANGES: dict[str, dict[bytes, bytes]] = {
    "nothing": {},
    "patched": {b"f": b"p" * 20},
    "longer": {b"f": b"l" * 60},
    "shorter": {b"f": b""},
    "beside": {b"f": b"b" * 250},
    "large": {b"f": b"L" * 300},
}


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("first", CHANGES)
@pytest.mark.parametrize("second", CHANGES)
def test_neighbours_opened_together_are_put_back_in_any_order(order: tuple[int, ...], first: str, second: str) -> None:
    table = neighbours()
    changes = [CHANGES[first], CHANGES[second], {b"g": b"SAME"}]
    values = [opened(table, key) for key in KEYS]
    for value, change in zip(values, changes, strict=True):
        for field, text in change.items():
            assert not value.put(field, text)
    for n in order:
        values[n].put_back(table, KEYS[n])
        check(table)
    for key, change in zip(KEYS, changes, strict=True):
        assert read(table, key) == {b"f": key[:1] * 20, b"g": b"same", **change}


@pytest.mark.parametrize("change", CHANGES)
def test_a_neighbour_that_comes_or_goes_meanwhile_moves_nothing_to_another_key(change: str) -> None:
    for gone in (b"one", b"three", None):
        table = neighbours()
        value = opened(table, b"two")
        for field, text in CHANGES[change].items():
            value.put(field, text)
        if gone is None:
            table.put(b"zero", b"a string", 2)
        else:
            assert table.find(gone)
            table.remove()
        value.put_back(table, b"two")
        check(table)
        assert read(table, b"two") == {b"f": b"t" * 20, b"g": b"same", **CHANGES[change]}
        for key in KEYS:
            if key not in (gone, b"two"):
                assert read(table, key) == {b"f": key[:1] * 20, b"g": b"same"}


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(ALIKE), st.sampled_from(ALIKE)), max_size=12))
def test_items_that_differ_in_one_place_are_items_of_their_own(puts: list[tuple[bytes, bytes, bytes]]) -> None:
    table = Table(most_buckets=1)
    model: dict[bytes, dict[bytes, bytes]] = {}
    for key, field, text in puts:
        put(table, key, {field: text})
        model.setdefault(key, {})[field] = text
        check(table)
    for key, content in model.items():
        assert read(table, key) == content


def test_the_table_grows_and_shrinks_under_an_open_value() -> None:
    for change, update in CHANGES.items():
        table = Table()
        put(table, b"k", {b"f": b"v" * 20})
        value = opened(table, b"k")
        for field, text in update.items():
            value.put(field, text)
        for n in range(100):
            table.put(b"other:%d" % n, b"x" * 30, 2)
        value.put_back(table, b"k")
        check(table)
        assert read(table, b"k") == {b"f": b"v" * 20, **update}, change
        value = opened(table, b"k")
        value.put(b"f", b"after" * 4)
        for n in range(100):
            assert table.find(b"other:%d" % n)
            table.remove()
        value.put_back(table, b"k")
        check(table)
        assert read(table, b"k") == {**update, b"f": b"after" * 4}, change


def test_a_created_value_is_not_there_before_it_is_put_back() -> None:
    table = filled(3)
    value = opened(table, b"new")
    assert (value.home, value.is_empty(), value.puts, value.longest) == (CREATED, True, 0, 0)
    value.put(b"f", b"v")
    assert not table.find(b"new")
    value.put_back(table, b"new")
    assert value.home == INSIDE
    assert read(table, b"new") == {b"f": b"v"}
    # From then on it is the record's own.
    value.put(b"f", b"w")
    value.put_back(table, b"new")
    assert (table.size, read(table, b"new")) == (4, {b"f": b"w"})


def test_a_created_value_may_be_too_large_for_a_record_at_once() -> None:
    for size, large in ((250, False), (300, True)):
        table = Table()
        value = opened(table, b"new")
        value.put(b"f", b"v" * size)
        assert value.is_large() == large
        value.put_back(table, b"new")
        assert value.home == BESIDE
        assert table.find(b"new")
        assert table.object() is value
        assert read(table, b"new") == {b"f": b"v" * size}
        check(table)


def test_a_long_key_has_its_value_beside() -> None:
    table = Table()
    key = b"k" * 201
    put(table, key, {b"f": b"v"})
    assert table.find(key)
    assert table.is_outside()
    assert table.object().key == key
    put(table, key, {b"f": b"w"})
    assert read(table, key) == {b"f": b"w"}
    check(table)


def test_a_value_beside_returns_only_when_it_is_well_below_the_limit() -> None:
    table = Table()
    put(table, b"k", {b"f": b"v" * 254})
    value = opened(table, b"k")
    assert value.home == BESIDE
    # Packed, a field takes 3 bytes beside its value: 129 and 128 in all.
    value.put(b"f", b"v" * 126)
    value.put_back(table, b"k")
    assert table.is_outside()
    check(table)
    value = opened(table, b"k")
    value.put(b"f", b"v" * 125)
    value.put_back(table, b"k")
    assert value.home == INSIDE
    assert table.find(b"k")
    assert not table.is_outside()
    assert (table.outside_bytes, read(table, b"k")) == (0, {b"f": b"v" * 125})
    # What has never been beside may be longer.
    put(table, b"k", {b"f": b"v" * 200})
    assert table.find(b"k")
    assert not table.is_outside()
    check(table)


def test_a_large_value_stays_the_object_that_the_table_keeps() -> None:
    table = neighbours()
    value = opened(table, b"two")
    value.put(b"f", b"L" * 300)
    value.put_back(table, b"two")
    again = opened(table, b"two")
    assert again is value
    before = table.outside_bytes
    again.put(b"h", b"H" * 1000)
    again.put_back(table, b"two")
    assert table.outside_bytes > before + 1000
    check(table)


def test_the_encoding_goes_with_the_value_in_every_form() -> None:
    for change, update in CHANGES.items():
        for told_late in (False, True):
            table = neighbours()
            value = opened(table, b"two")
            assert value.kind == table.kind()
            for field, text in update.items():
                value.put(field, text)
            value.kind = HASH_HASHTABLE
            if told_late:
                table.put(b"zero", b"", 2)
            value.put_back(table, b"two")
            assert table.find(b"two")
            assert table.kind() == HASH_HASHTABLE, change
            assert opened(table, b"two").kind == HASH_HASHTABLE
            assert table.find(b"one")
            assert table.kind() == 8


def test_opening_remembers_the_place_and_forgets_the_puts_before() -> None:
    table = neighbours()
    value = opened(table, b"two")
    assert table.find(b"two")
    assert (value.bucket, value.index, value.offset, value.stamp) == (
        table.bucket, table.index, table.offset, table.stamp,
    )  # fmt: skip
    assert (value.puts, value.longest) == (0, 0)
    value.put(b"f", b"v" * 30)
    value.put(b"longer name", b"")
    assert (value.puts, value.longest) == (2, 30)
    value.put_back(table, b"two")
    assert (value.puts, value.longest) == (0, 0)
    value.put(b"g", b"")
    value.remember_place(table)
    assert (value.puts, value.longest) == (0, 0)
    for size in (250, 300):
        value.put(b"beside or large", b"v" * size)
        value.put_back(table, b"two")
        assert (value.puts, value.longest, value.stamp) == (0, 0, table.stamp)


def test_a_patched_value_knows_that_the_table_has_its_bytes() -> None:
    table = neighbours()
    value = opened(table, b"two")
    for n in range(3):
        # The same façade, told more than once in one command.
        value.put(b"g", b"%04d" % n)
        value.put_back(table, b"two")
        assert value.stamp == table.stamp
        assert read(table, b"two")[b"g"] == b"%04d" % n
    put(table, b"one", {b"g": b"gone"})
    value.put(b"g", b"last")
    value.put_back(table, b"two")
    assert (read(table, b"one")[b"g"], read(table, b"two")[b"g"]) == (b"gone", b"last")


def test_a_value_is_not_put_back_into_another_table() -> None:
    ours, theirs = neighbours(), neighbours()
    value = opened(ours, b"two")
    value.put(b"f", b"p" * 20)
    value.put_back(theirs, b"one")
    check(theirs)
    assert read(theirs, b"one")[b"f"] == b"p" * 20
    assert read(theirs, b"two")[b"f"] == b"t" * 20


def test_a_value_that_stands_beside_has_a_packed_form_of_its_own() -> None:
    value = Hash()
    value.stand_beside(HASH_HASHTABLE, b"\1f\1v")
    assert (value.kind, value.home, value.packed(), value.shared) == (HASH_HASHTABLE, BESIDE, b"\1f\1v", False)
    value.rewrite(b"\1g\2vv")
    assert (value.start, value.stop, value.get(b"g")) == (0, 5, b"vv")


def test_what_a_type_must_say_itself() -> None:
    value = Value(HASH_LISTPACK)
    for method in (value.is_large, value.is_empty, value.rows):
        with pytest.raises(NotImplementedError):
            method()
    assert (value.row_width(), value.inner()) == (1, None)
    value.apply_limits(EncodingLimits())
    assert (value.kind, value.home, value.stamp) == (HASH_LISTPACK, CREATED, -1)


def opened_list(table: Table, key: bytes) -> List:
    """The list at `key`, as a look-up of the keyspace hands it out; a new one if there is none."""
    value = List()
    if table.find(key):
        if table.is_outside():
            found = table.object()
            assert isinstance(found, List)
            found.remember_place(table)
            return found
        value.open(table)
    return value


LIST_KEYS = [*KEYS, b"k" * 150, b"k" * 220]
lengths = st.sampled_from([0, 1, 8, 20, 60, 120, 127, 128, 250])
turns = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(LIST_KEYS), lengths, st.integers(0, 5)), min_size=1, max_size=6),
        st.randoms(use_true_random=False),
    ),
    max_size=10,
)


@pytest.mark.parametrize("most_buckets", [1, 1 << 20])
@given(turns)
def test_what_is_spliced_in_the_bucket_s_bytes_is_put_back_in_any_order(
    most_buckets: int, drawn: list[tuple[list[tuple[bytes, int, int]], Random]]
) -> None:
    table = Table(most_buckets=most_buckets)
    limits = EncodingLimits()
    model: dict[bytes, list[bytes]] = {key: [] for key in LIST_KEYS}
    for number in range(40):
        # Neighbours, and so many that buckets split.
        table.put(b"other:%d" % number, b"v" * number, 2)
    for changes, source in drawn:
        values = {key: opened_list(table, key) for key in LIST_KEYS}
        touched = set()
        for key, length, how in changes:
            value, content, item = values[key], model[key], bytes([97 + how]) * length
            touched.add(key)
            if how > 1 or not content:
                value.push([item], 0, how == 2, limits)
                content.insert(0 if how == 2 else len(content), item)
            elif how == 1:
                value.set(len(content) // 2, item)
                content[len(content) // 2] = item
            elif len(content) > 1:
                assert value.pop(length > 20) == content.pop(0 if length > 20 else -1)
        order = sorted(touched)
        source.shuffle(order)
        for key in order:
            values[key].put_back(table, key)
        check(table)
    for key, content in model.items():
        assert opened_list(table, key).rows() == content
    for number in range(40):
        assert table.find(b"other:%d" % number)
        assert table.value() == b"v" * number
