"""Reading forward: numbers and strings in every form, from pieces as from one, never beyond the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.env.files import MemoryReader
from redpoll.persistence.crc64 import crc64
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.sink import Sink
from redpoll.persistence.source import Source


class Dribble(MemoryReader):
    """Gives a few bytes at a time, as a slow disk may."""

    def read(self, most: int) -> bytes:
        return super().read(min(most, 7))


texts = st.one_of(
    st.binary(max_size=300),
    st.integers(-(2**40), 2**40).map(lambda n: b"%d" % n),
    st.sampled_from(
        [b"", b"-0", b"+1", b"01", b"-128", b"127", b"128", b"32767", b"-32769", b"2147483648", b"ab" * 50]
    ),
)
numbers = st.one_of(
    st.integers(0, 2**63 - 1), st.sampled_from([0, 63, 64, 16383, 16384, 2**32 - 1, 2**32, -1, -(2**63)])
)


@given(st.lists(st.tuples(texts, numbers), max_size=8), st.booleans())
def test_what_is_written_is_read(pairs: list[tuple[bytes, int]], compress: bool) -> None:
    sink = Sink(compress)
    for text, number in pairs:
        sink.text(text)
        sink.number(number)
        sink.word(number)
        sink.word_be(number)
        sink.double(1.5)
    data = sink.out.getvalue()
    for source in (Source(data, len(data)), Source(b"", len(data), Dribble(data), True)):
        for text, number in pairs:
            assert source.text() == text
            assert source.number() == number
            assert source.word() == number
            assert source.word_be() == number
            assert source.double() == 1.5
        assert source.left() == 0
        assert source.offset() == len(data)
        with pytest.raises(DamagedError, match="too early"):
            source.byte()
        if source.summing:
            assert source.checksum() == crc64(0, data, 0, len(data))


def test_nothing_is_made_that_is_longer_than_what_is_left() -> None:
    for data in (
        b"\x81\x7f" + b"\xff" * 7,
        b"\x80\xff\xff\xff\xff",
        b"\xc3\x03\x80\xff\xff\xff\xff\x00a\x00",
        b"\x0a123",
    ):
        with pytest.raises(DamagedError):
            Source(data, len(data)).text()
    for data in (b"\x81" + b"\xff" * 8, b"\x05", b"\xc0\x01", b"\xbf", b"\x82"):
        with pytest.raises(DamagedError):
            Source(data, len(data)).count()


def test_what_lies_behind_the_size_is_not_read() -> None:
    source = Source(b"\x03abcdef", 3)
    with pytest.raises(DamagedError):
        source.text()
    source = Source(b"\x03abcdef", 4)
    assert source.text() == b"abc"
    with pytest.raises(DamagedError):
        source.byte()


def test_damage_is_told_with_its_place() -> None:
    source = Source(b"\x01a\xc4xxxx", 7)
    assert source.text() == b"a"
    with pytest.raises(DamagedError) as caught:
        source.text()
    assert caught.value.told() == "at offset 2: unknown string encoding 4"
    inner = DamagedError("inside")
    source.place(inner)
    assert inner.told() == "at offset 2: inside"


def test_a_file_that_has_become_shorter() -> None:
    source = Source(b"", 100, MemoryReader(b"\x05ab"))
    with pytest.raises(DamagedError, match="too early"):
        source.text()
