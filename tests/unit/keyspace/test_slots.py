"""Hash slots of keys; the check value is the one that is published for this CRC."""

from __future__ import annotations

from binascii import crc_hqx

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.keyspace.slots import SLOTS, key_slot, pattern_slot, slot_tag


def test_the_published_check_value() -> None:
    assert key_slot(b"123456789") == 0x31C3


@pytest.mark.parametrize(
    ("key", "same_as"),
    [(b"{a}b", b"a"), (b"x{a}b", b"a"), (b"}{a}{b}", b"a"), (b"{{a}}", b"{a")],
)
def test_a_tag_stands_for_the_key(key: bytes, same_as: bytes) -> None:
    assert key_slot(key) == key_slot(same_as)


def test_an_empty_or_open_tag_is_none() -> None:
    assert key_slot(b"{}b") != key_slot(b"")
    assert key_slot(b"{b") != key_slot(b"b")
    assert key_slot(b"") == 0


def plain_slot(key: bytes) -> int:
    """The slot by the C library's CRC and the words of the specification."""
    start = key.find(b"{")
    if start >= 0:
        stop = key.find(b"}", start + 1)
        if stop > start + 1:
            key = key[start + 1 : stop]
    return crc_hqx(key, 0) % int(SLOTS)


@given(st.one_of(st.binary(max_size=40), st.lists(st.sampled_from(b"{}ab|z\xfb"), max_size=20).map(bytes)))
def test_every_key_has_the_slot_of_the_specification(key: bytes) -> None:
    assert key_slot(key) == plain_slot(key)


@pytest.mark.parametrize(
    ("pattern", "slot_of"),
    [
        (b"foo", b"foo"), (b"{foo}*", b"foo"), (b"a{foo}[bc]?", b"foo"), (b"{}foo", b"{}foo"), (b"{foo", b"{foo"), (b"", b""),
        (b"foo*", None), (b"*{foo}", None), (b"{f?o}", None), (b"\\{foo}", None), (b"{}{foo}*", None), (b"{[ab]}c", None),
    ],
)  # fmt: skip
def test_a_pattern_names_a_slot_if_nothing_wild_comes_before_the_end_of_its_tag(
    pattern: bytes, slot_of: bytes | None
) -> None:
    assert pattern_slot(pattern) == (key_slot(slot_of) if slot_of is not None else -1)


@pytest.mark.parametrize("slot", [0, 1, 866, 5061, 12182, 16383])
def test_a_tag_has_its_slot(slot: int) -> None:
    tag = slot_tag(slot)
    assert tag.isalnum()
    assert key_slot(tag) == key_slot(b"x{%b}y" % tag) == slot
