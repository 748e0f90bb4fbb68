"""Bytes of an entry, against a table of widths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.types.nodes import entry_size

from redpoll.types.listpack import entry_bytes

EDGES = (0, 127, 128, 4095, 4096, 2**15 - 1, 2**15, 2**23 - 1, 2**23, 2**31 - 1, 2**31, 2**62, 2**63 - 1, 2**63)
LENGTHS = (0, 1, 62, 63, 64, 122, 123, 124, 125, 126, 4092, 4093, 4095, 4096, 16378, 16379, 16381, 2097145, 2097146)


@pytest.mark.parametrize("edge", EDGES)
def test_integers_take_what_their_width_takes(edge: int) -> None:
    for number in (edge, -edge, -edge - 1, edge + 1, edge - 1):
        assert entry_bytes(b"%d" % number) == entry_size(b"%d" % number), number


@pytest.mark.parametrize("length", LENGTHS)
def test_strings_take_their_lengths_before_and_behind(length: int) -> None:
    assert entry_bytes(b"x" * length) == entry_size(b"x" * length)


@given(st.binary(max_size=22) | st.from_regex(rb"[-+ ]?[0-9]{1,20}", fullmatch=True))
def test_what_looks_like_an_integer(item: bytes) -> None:
    assert entry_bytes(item) == entry_size(item)
