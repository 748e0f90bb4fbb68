"""What a key holds, on its way to another name: it takes the form that the other record gives it."""

from __future__ import annotations

import pytest
from tests.unit.structures.tables import store

from redpoll.keyspace.content import Content, outside_of, packed_of
from redpoll.structures.segment import KEY_LIMIT
from redpoll.structures.table import Table
from redpoll.structures.table_check import check
from redpoll.types.hash import Hash
from redpoll.types.kinds import (
    HASH_HASHTABLE,
    HASH_LISTPACK,
    HASH_VOLATILE,
    SET_LISTPACK,
    STRING_EMBSTR,
    STRING_INT,
    STRING_RAW,
    ZSET_LISTPACK,
)
from redpoll.types.set import Set
from redpoll.types.string import LongString
from redpoll.types.value import BESIDE
from redpoll.types.zset import ZSet

SHORT = b"k"
LONG = b"l" * (KEY_LIMIT + 1)


def put_in(table: Table, key: bytes, content: Content) -> None:
    """What `Database.put` does."""
    assert not table.find(key)
    content.fit_record(table, key)
    if content.outside is None:
        table.insert(key, content.packed, content.kind)
    else:
        table.insert_outside(key, content.outside, content.kind)


def hash_at(table: Table, key: bytes) -> Hash:
    assert table.find(key)
    value = Hash()
    if not table.is_outside():
        value.open(table)
        return value
    found = table.object()
    assert isinstance(found, Hash)
    return found


def table_with(key: bytes, fields: dict[bytes, bytes]) -> Table:
    table = Table()
    value = Hash()
    for field, text in fields.items():
        value.put(field, text)
    value.put_back(table, key)
    table.put(b"neighbour", b"stays", 0)
    assert table.find(key)
    return table


SIZES = {"inside": 10, "beside": 254, "large": 300}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("target", [SHORT, LONG], ids=["to a short key", "to a long key"])
@pytest.mark.parametrize("source", [SHORT, LONG], ids=["from a short key", "from a long key"])
def test_a_hash_goes_to_any_key(source: bytes, target: bytes, size: int) -> None:
    target += b"2"
    fields = {b"f": b"v" * size, b"g": b"w"}
    table = table_with(source, fields)
    table.set_deadline(77)
    content = Content(table)
    assert (content.kind, content.deadline) == (HASH_LISTPACK, 77)
    table.remove()
    put_in(table, target, content)
    check(table)
    assert not table.find(source)
    value = hash_at(table, target)
    assert {field: value.get(field) for field in fields} == fields
    # Walks over keys find it under its new name, and only under that.
    assert table.find(target)
    assert table.key() == target
    assert table.is_outside() == (size > 250 or len(target) > KEY_LIMIT)
    if table.is_outside():
        assert table.object().key == (target if len(target) > KEY_LIMIT else b"")


def test_an_object_does_not_keep_a_long_key_that_it_no_longer_has() -> None:
    for fields in ({b"f": b"v" * 254}, {b"f": b"v" * 300}):
        table = table_with(LONG, fields)
        content = Content(table)
        table.remove()
        put_in(table, SHORT, content)
        assert table.find(SHORT)
        assert table.is_outside()
        assert (table.object().key, table.key()) == (b"", SHORT)
        assert not table.find(LONG)
        check(table)


def test_a_string_does_not_keep_a_long_key_either() -> None:
    table = Table()
    store(table, LONG, b"v" * 300, STRING_RAW)
    assert table.find(LONG)
    content = Content(table)
    table.remove()
    put_in(table, SHORT, content)
    check(table)
    assert table.find(SHORT)
    assert table.key() == SHORT


def test_what_fits_a_record_comes_inside() -> None:
    for size, inside in ((255 - 2, True), (255 - 1, False)):
        table = Table()
        store(table, LONG, b"v" * size, STRING_RAW)
        assert table.find(LONG)
        content = Content(table)
        table.remove()
        put_in(table, SHORT, content)
        assert table.find(SHORT)
        assert table.is_outside() != inside
        check(table)


@pytest.mark.parametrize(
    ("kind", "size", "target", "expected"),
    [
        (STRING_INT, 3, LONG, STRING_INT),
        (STRING_EMBSTR, 60, SHORT, STRING_EMBSTR),
        (STRING_EMBSTR, 112, SHORT, STRING_EMBSTR),
        (STRING_EMBSTR, 112, b"k" * 31, STRING_RAW),
        (STRING_EMBSTR, 80, b"k" * 31, STRING_EMBSTR),
        (STRING_EMBSTR, 80, b"k" * 32, STRING_RAW),
        (STRING_EMBSTR, 10, LONG, STRING_RAW),
        (STRING_RAW, 10, SHORT, STRING_RAW),
    ],
)
def test_the_encoding_of_a_string_beside_another_key(kind: int, size: int, target: bytes, expected: int) -> None:
    for source in (b"s", b"s" * (KEY_LIMIT + 1)):
        table = Table()
        store(table, source, b"v" * size, kind)
        assert table.find(source)
        content = Content(table)
        table.remove()
        put_in(table, target, content)
        assert table.find(target)
        assert table.kind() == expected


def test_the_kind_goes_with_the_object() -> None:
    table = table_with(SHORT, {b"f": b"v"})
    table.set_kind(HASH_HASHTABLE)
    content = Content(table)
    content.detach(0)
    put_in(table, LONG, content)
    value = hash_at(table, LONG)
    assert (value.kind, value.home, table.kind()) == (HASH_HASHTABLE, BESIDE, HASH_HASHTABLE)


def test_a_copy_is_an_object_of_its_own() -> None:
    for fields in ({b"f": b"v" * 254}, {b"f": b"v" * 300}):
        table = table_with(SHORT, fields)
        content = Content(table)
        ours = content.outside
        content.detach(0)
        assert content.outside is not ours
        put_in(table, b"copy", content)
        check(table)
        hash_at(table, b"copy").put(b"f", b"other")
        assert hash_at(table, SHORT).get(b"f") == fields[b"f"]
    table = table_with(SHORT, {b"f": b"v"})
    content = Content(table)
    content.detach(0)
    assert content.outside is None


def test_what_an_object_could_be_inside_a_record() -> None:
    assert packed_of(LongString(b"v" * 255)) == b"v" * 255
    assert packed_of(LongString(b"v" * 256)) is None
    small, large = Hash(), Hash()
    small.put(b"f", b"v")
    large.put(b"f", b"v" * 300)
    assert packed_of(small) == b"\1f\1v"
    assert packed_of(large) is None


def test_an_object_of_the_class_of_its_kind_for_what_was_packed() -> None:
    text = outside_of(STRING_RAW, b"text")
    assert isinstance(text, LongString)
    assert text.data == b"text"
    for kind, made in ((HASH_LISTPACK, Hash), (SET_LISTPACK, Set), (ZSET_LISTPACK, ZSet)):
        found = outside_of(kind, b"")
        assert type(found) is made
        assert (found.kind, found.home) == (kind, BESIDE)


@pytest.mark.parametrize("size", [1, 2000])
def test_a_copy_of_a_hash_leaves_fields_past_their_deadline_behind(size: int) -> None:
    table = Table()
    value = Hash()
    for n in range(4):
        value.put(b"f%d" % n, b"v" * size)
        assert value.locate(b"f%d" % n)
        value.set_located_deadline(100 + n)
    value.put_back(table, b"key")
    assert table.find(b"key")
    content = Content(table)
    assert content.kind == HASH_VOLATILE
    assert content.items_earliest() == 100
    assert (content.outside is None) == (size == 1)
    before = content.outside
    content.detach(101)
    assert content.outside is not before
    assert 100 <= content.items_earliest() <= 102
    put_in(table, b"copy", content)
    copy = hash_at(table, b"copy")
    copy.set_time(101)
    assert sorted(copy.rows()[::2]) == [b"f2", b"f3"]
    # Nothing but fields that are past: the hash goes along as it is.
    assert table.find(b"key")
    content = Content(table)
    content.detach(1000)
    assert content.items_earliest() == 100
    check(table)
