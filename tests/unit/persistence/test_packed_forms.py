"""Packed containers: what the writer makes is read, damaged ones never get past."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import append, vec
from mypy_extensions import i64

from redpoll.persistence.damage import DamagedError
from redpoll.persistence.packed_forms import intset_numbers, listpack_items, ziplist_items, zipmap_items
from redpoll.persistence.packed_writer import ListpackWriter, intset_of

INT64 = st.integers(-(2**63), 2**63 - 1)
edges = st.sampled_from([2**k + d for k in (7, 12, 13, 15, 16, 23, 24, 31, 32, 62) for d in (-1, 0, 1)])
items = st.lists(
    st.one_of(st.binary(max_size=80), st.integers(60, 70).map(bytes), INT64.map(lambda n: b"%d" % n),
              edges.map(lambda n: b"%d" % n), edges.map(lambda n: b"-%d" % n)),
    max_size=30,
)  # fmt: skip


def listpack(texts: list[bytes], long_lengths: bool = False) -> bytes:
    writer = ListpackWriter(long_lengths)
    for text in texts:
        writer.text(text)
    return writer.finish()


def read(blob: bytes) -> list[bytes]:
    found: list[bytes] = []
    listpack_items(blob, found)
    return found


@given(items)
def test_listpacks_are_read_as_they_were_written(texts: list[bytes]) -> None:
    assert read(listpack(texts)) == texts


@pytest.mark.parametrize("size", [63, 64, 125, 126, 4095, 4096, 16378, 16379, 2097146, 2097147])
@pytest.mark.parametrize("long_lengths", [False, True])
def test_lengths_at_the_edges(size: int, long_lengths: bool) -> None:
    for texts in ([b"x" * size], [b"x" * size, b"y"], [b"1", b"x" * size, b"z" * size]):
        assert read(listpack(texts, long_lengths)) == texts


def test_more_than_can_be_counted() -> None:
    texts = [b"%d" % n for n in range(70000)]
    blob = listpack(texts)
    assert blob[4:6] == b"\xff\xff"
    assert read(blob) == texts


@given(items, st.data())
def test_changed_listpacks_are_read_or_damaged(texts: list[bytes], data: st.DataObject) -> None:
    blob = bytearray(listpack(texts))
    for _ in range(data.draw(st.integers(1, 3))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    for reader in (listpack_items, ziplist_items, zipmap_items):
        try:
            reader(bytes(blob), [])
        except DamagedError as damage:
            assert damage.reason


@given(st.sets(INT64, min_size=1, max_size=40), st.data())
def test_intsets(numbers: set[int], data: st.DataObject) -> None:
    ascending = vec[i64]()
    for number in sorted(numbers):
        ascending = append(ascending, number)
    blob = intset_of(ascending)
    assert list(intset_numbers(blob)) == sorted(numbers)
    changed = bytearray(blob)
    changed[data.draw(st.integers(0, len(blob) - 1))] ^= data.draw(st.integers(1, 255))
    for given_blob in (bytes(changed), blob[:-1], blob + b"\0"):
        try:
            intset_numbers(given_blob)
        except DamagedError as damage:
            assert damage.reason


@given(st.binary(max_size=60))
def test_anything_at_all_is_read_or_damaged(blob: bytes) -> None:
    for reader in (listpack_items, ziplist_items, zipmap_items):
        try:
            reader(blob, [])
        except DamagedError:
            pass
    sized = (len(blob) + 4).to_bytes(4, "little") + blob
    for reader in (listpack_items, ziplist_items):
        try:
            reader(sized, [])
        except DamagedError:
            pass
