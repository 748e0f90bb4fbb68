"""Bits against their spelling as a text of zeros and ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.types.bits import (
    AND,
    CHUNK,
    NOT,
    OR,
    XOR,
    byte_at,
    combine,
    combine_all,
    combine_by_words,
    count_by_words,
    count_ones,
    first_bit,
    inverted,
    ones_between,
    put_byte,
)
from redpoll.types.string import LongString, String

PIECES = st.sampled_from(
    [b"", b"\x00", b"\xff", b"\x80", b"\x01", b"\x00" * 40, b"\xff" * 37, b"a run of text, 32 bytes and more"]
)
DATA = st.one_of(st.binary(max_size=100), st.lists(PIECES, max_size=6).map(b"".join))
OPERATIONS: list[tuple[int, Callable[[int, int], int]]] = [
    (AND, lambda one, other: one & other),
    (OR, lambda one, other: one | other),
    (XOR, lambda one, other: one ^ other),
]


def spelled(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


def packed(data: bytes) -> String:
    value = String()
    value.rewrite(data)
    return value


def beside(data: bytes) -> String:
    value = String()
    value.long = LongString(data)
    return value


def buffered(data: bytes) -> String:
    value = beside(data)
    assert value.long is not None
    value.long.to_buffer()
    return value


FORMS = [packed, beside, buffered]
forms = st.sampled_from(FORMS)


@given(DATA)
def test_ones_are_counted_by_words_and_otherwise(data: bytes) -> None:
    expected = spelled(data).count("1")
    assert expected == count_ones(data)
    assert expected == count_by_words(data)


def test_full_fields_do_not_spill_into_each_other() -> None:
    for size in (1, 7, 31, 32, 33, 64, 4096, CHUNK):
        assert size * 8 == count_by_words(b"\xff" * size)


@pytest.mark.parametrize(("operation", "model"), OPERATIONS)
@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=70))
def test_two_strings_are_combined(
    operation: int, model: Callable[[int, int], int], pairs: list[tuple[int, int]]
) -> None:
    one, other = bytes(pair[0] for pair in pairs), bytes(pair[1] for pair in pairs)
    expected = bytes(model(*pair) for pair in pairs)
    assert expected == combine(operation, one, other)
    assert expected == combine_by_words(operation, one, other)


@pytest.mark.parametrize(("operation", "model"), OPERATIONS)
@given(st.lists(st.one_of(st.none(), st.tuples(forms, DATA)), min_size=1, max_size=4))
def test_shorter_and_missing_sources_go_on_in_zeros(
    operation: int, model: Callable[[int, int], int], drawn: list[tuple[Callable[[bytes], String], bytes] | None]
) -> None:
    texts = [b"" if each is None else each[1] for each in drawn]
    size = max(map(len, texts))
    expected = texts[0].ljust(size, b"\0")
    for text in texts[1:]:
        expected = bytes(map(model, expected, text.ljust(size, b"\0")))
    assert expected == combine_all(operation, [None if each is None else each[0](each[1]) for each in drawn])


@pytest.mark.parametrize("form", FORMS)
def test_many_chunks_are_combined(form: Callable[[bytes], String]) -> None:
    one, other = b"\x0f" * (3 * CHUNK + 5), b"\xaa" * (2 * CHUNK - 1)
    result = combine_all(OR, [form(one), form(other), None])
    assert b"\xaf" * len(other) + b"\x0f" * (len(one) - len(other)) == result


@given(DATA)
def test_all_is_inverted(data: bytes) -> None:
    expected = bytes(255 - byte for byte in data)
    assert expected == inverted(data)
    for form in FORMS:
        assert expected == combine_all(NOT, [form(data)])
    assert combine_all(NOT, [None]) == b""


@given(forms, DATA, st.integers(0, 800), st.integers(0, 800))
def test_bits_of_a_range(form: Callable[[bytes], String], data: bytes, start: int, stop: int) -> None:
    text = spelled(data)
    start, stop = min(start, len(text)), min(stop, len(text))
    value = form(data)
    assert text[start:stop].count("1") == ones_between(value, start, stop)
    for bit in (0, 1):
        assert text.find(str(bit), start, stop) == first_bit(value, bit, start, stop)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bit", [0, 1])
@pytest.mark.parametrize("at", [0, 5, 8 * CHUNK - 1, 8 * CHUNK, 8 * CHUNK + 9, 24 * CHUNK + 7])
def test_a_bit_alone_is_found_in_any_chunk(form: Callable[[bytes], String], bit: int, at: int) -> None:
    data = bytearray(b"\xff" * (3 * CHUNK + 3) if bit == 0 else bytes(3 * CHUNK + 3))
    data[at >> 3] ^= 128 >> (at & 7)
    value = form(bytes(data))
    size = len(data) * 8
    assert at == first_bit(value, bit, 0, size)
    assert at == first_bit(value, bit, at, at + 1)
    assert first_bit(value, bit, at + 1, size) == -1
    assert first_bit(value, bit, 0, at) == -1
    assert (1 if bit == 1 else size - 1) == ones_between(value, 0, size)
    assert bit == ones_between(value, at, at + 1)


@given(forms, DATA, st.integers(0, 120), st.integers(0, 255))
def test_a_byte_is_written_where_it_belongs(form: Callable[[bytes], String], data: bytes, at: int, byte: int) -> None:
    value = form(data)
    assert (data[at] if at < len(data) else 0) == byte_at(value, at)
    put_byte(value, at, byte)
    expected = bytearray(data.ljust(at + 1, b"\0"))
    expected[at] = byte
    assert bytes(expected) == value.text()


def test_a_byte_of_a_large_string_is_written_without_copying_it() -> None:
    value = buffered(bytes(5_000_000))
    assert value.long is not None
    before = value.long.buffer
    for at in range(0, 5_000_000, 50_000):
        put_byte(value, at, 1)
    assert value.long.buffer is before
    assert ones_between(value, 0, 40_000_000) == 100
