"""Bulk strings from where their bytes lie, doubles, errors, and the buffer that is given back."""

from __future__ import annotations

import pytest

from redpoll.protocol.output import (
    BIG,
    IN_WORDS,
    KEPT,
    Output,
    write_bulk,
    write_columns,
    write_double,
    write_error,
    write_part,
)


def written(out: Output) -> bytes:
    return b"".join(out.pieces) + out.buffer.getvalue()


def bulk(data: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(data), data)


HOLDER = bytes(range(256)) * 2


@pytest.mark.parametrize("size", range(IN_WORDS + 4))
def test_a_part_of_any_size_is_a_bulk_string(size: int) -> None:
    out = Output()
    write_part(out, HOLDER, 3, 3 + size)
    assert written(out) == bulk(HOLDER[3 : 3 + size])


@pytest.mark.parametrize("width", range(1, IN_WORDS + 4))
def test_columns_of_any_width_are_bulk_strings_one_behind_another(width: int) -> None:
    out = Output()
    write_columns(out, HOLDER, 5, width, 7)
    assert written(out) == b"".join(bulk(HOLDER[5 + n * width : 5 + (n + 1) * width]) for n in range(7))


def test_the_last_part_ends_where_its_holder_does() -> None:
    out = Output()
    write_columns(out, b"abcabcdefdef", 6, 3, 2)
    write_part(out, b"abcdefghi", 4, 9)
    assert written(out) == b"$3\r\ndef\r\n$3\r\ndef\r\n$5\r\nefghi\r\n"


def test_a_large_bulk_string_ends_in_the_buffer_that_follows_a_large_one() -> None:
    out = Output()
    small = b"x" * (BIG - 1)
    while len(out.buffer) <= KEPT:
        write_bulk(out, small)
    count = len(out.buffer) // len(bulk(small))
    write_bulk(out, b"y" * BIG)
    assert b"".join(out.take()) == bulk(small) * count + bulk(b"y" * BIG)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, b"0"),
        (-0.0, b"-0"),
        (-3.0, b"-3"),
        (1.5, b"1.5"),
        (1e15 - 1, b"999999999999999"),
        (float("-inf"), b"-inf"),
    ],
)
def test_doubles(value: float, text: bytes) -> None:
    for resp, expected in ((2, bulk(text)), (3, b",%b\r\n" % text)):
        out = Output()
        write_double(out, value, resp)
        assert written(out) == expected


@pytest.mark.parametrize("text", [b"ERR a\rb", b"ERR a\nb", b"ERR a\r\nb"])
def test_an_error_is_one_line(text: bytes) -> None:
    out = Output()
    write_error(out.buffer, text)
    assert written(out) == b"-" + text.replace(b"\r", b" ").replace(b"\n", b" ") + b"\r\n"


def test_a_buffer_of_which_less_than_half_was_used_is_given_back() -> None:
    out = Output()
    out.write(b"x" * 1000)
    out.take()
    assert (out.room, out.peak) == (1000, 1000)
    for used, room in ((1000, 1000), (500, 1000), (499, 0)):
        out.peak = 0
        out.write(b"x" * used)
        out.take()
        out.shrink()
        assert out.room == room
    # One that grew beyond KEPT is given back at once.
    while out.size() <= KEPT:
        out.write(b"x" * 1000)
    out.take()
    assert (out.room, out.peak > KEPT) == (0, True)


def test_a_buffer_in_use_is_kept() -> None:
    out = Output()
    out.write(b"x" * 1000)
    out.take()
    out.peak = 0
    out.write(b"y")
    out.shrink()
    assert (out.room, out.take_bytes()) == (1000, b"y")


def test_all_is_taken_in_one_piece() -> None:
    out = Output()
    out.write(b"short")
    assert out.take_all() == b"short"
    large = b"l" * BIG
    for data in (b"before", large, b"behind"):
        out.write(data)
    assert out.take_all() == b"before" + large + b"behind"
    assert (out.size(), out.take_all()) == (0, b"")
