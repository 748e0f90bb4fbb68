"""The order of texts by a locale, as far as this system has any."""

from __future__ import annotations

import locale
from collections.abc import Iterator

import pytest

from redpoll.env.collation import Collation

TEXTS = [b"b", b"A", b"a", b"B", b"\xff", "é".encode(), b"z", b"", b"a\0b"]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = locale.setlocale(locale.LC_COLLATE)
    yield
    locale.setlocale(locale.LC_COLLATE, before)


@pytest.mark.parametrize("name", [b"C", b"POSIX"])
def test_the_portable_locales_order_by_bytes(name: bytes) -> None:
    collation = Collation()
    assert collation.choose(name)
    assert collation.by_bytes


@pytest.mark.parametrize("name", [b"nowhere", b"\xff\xfe", b"a\0b"])
def test_an_unknown_locale_is_refused_and_changes_nothing(name: bytes) -> None:
    collation = Collation()
    before = locale.setlocale(locale.LC_COLLATE)
    assert not collation.choose(name)
    assert collation.by_bytes
    assert locale.setlocale(locale.LC_COLLATE) == before


def test_keys_order_any_bytes_up_to_a_zero_byte() -> None:
    collation = Collation()
    assert collation.choose(b"C")
    assert sorted(TEXTS, key=collation.key)[:2] == [b"", b"A"]
    assert collation.key(b"a\0b") == collation.key(b"a\0c") == collation.key(b"a")


def test_a_locale_of_people_ignores_case_at_first() -> None:
    collation = Collation()
    if not collation.choose(b"en_US.UTF-8"):
        pytest.skip("this system has no locale en_US.UTF-8")
    assert not collation.by_bytes
    assert sorted([b"b", b"A", b"a", b"B"], key=collation.key) == [b"a", b"A", b"b", b"B"]
