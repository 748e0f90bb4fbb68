"""Bulk strings that are written from the bytes where they lie."""

from __future__ import annotations

import pytest

from redpoll.protocol.output import IN_WORDS, Output, write_columns, write_part


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
