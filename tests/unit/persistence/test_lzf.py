"""Compression: what goes in comes out, what real servers wrote comes out, and what is damaged does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.persistence.damage import DamagedError
from redpoll.persistence.lzf import Compressor, decompressed

texts = st.one_of(
    st.binary(max_size=400),
    st.builds(
        lambda parts: b"".join(parts), st.lists(st.sampled_from([b"a", b"bc", b"def", b"\0" * 40]), max_size=300)
    ),
)


@given(st.lists(texts, min_size=1, max_size=5))
def test_what_goes_in_comes_out(data: list[bytes]) -> None:
    compressor = Compressor()
    for text in data:
        packed = compressor.compressed(text)
        if packed is not None:
            assert len(packed) <= len(text) - 4
            assert decompressed(packed, 0, len(packed), len(text)) == text


@pytest.mark.parametrize(
    ("packed", "text"),
    [("016161e0ff00e01700016161", b"a" * 300), ("0361626361e0ff02e11507016263", b"abc" * 100)],
)
def test_what_real_servers_wrote(packed: str, text: bytes) -> None:
    data = bytes.fromhex(packed)
    assert decompressed(b"x" + data + b"y", 1, 1 + len(data), len(text)) == text
    for wrong in (len(text) - 1, len(text) + 1, 1 << 60):
        with pytest.raises(DamagedError):
            decompressed(data, 0, len(data), wrong)
    for end in range(len(data)):
        with pytest.raises(DamagedError):
            decompressed(data, 0, end, len(text))


@given(st.binary(max_size=60), st.integers(0, 500))
def test_anything_at_all_is_text_of_that_size_or_damaged(data: bytes, size: int) -> None:
    try:
        assert len(decompressed(data, 0, len(data), size)) == size
    except DamagedError:
        pass


def test_long_matches_and_far_ones() -> None:
    compressor = Compressor()
    for text in (b"x" * 100000, bytes(range(256)) * 31 + b"end", bytes(range(256)) * 33, b"0123456789" * 2):
        packed = compressor.compressed(text)
        assert packed is None or decompressed(packed, 0, len(packed), len(text)) == text


@given(texts, st.integers(1, 100), st.lists(texts, max_size=2))
def test_in_parts_it_is_the_same(text: bytes, part: int, before: list[bytes]) -> None:
    whole, parts = Compressor(), Compressor()
    for each in before:
        assert whole.compressed(each) == parts.compressed(each)
    parts.begin(text)
    while parts.advance(part):
        pass
    assert parts.result() == whole.compressed(text)
