"""Hash slots of keys; the check value is the one that is published for this CRC."""

from __future__ import annotations

import pytest

from redpoll.keyspace.slots import key_slot


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
