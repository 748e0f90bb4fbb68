"""Items and varints: what is written is read again, and ends where it says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from redpoll.structures.entry_items import (
    NO_NUMBER,
    item_at,
    item_end,
    number_in,
    varint_at,
    varint_end,
    varint_size,
    write_item,
    write_varint,
)

texts = (
    st.binary(max_size=12)
    | st.integers(-(1 << 63), (1 << 63) - 1).map(lambda n: str(n).encode())
    | st.sampled_from([b"", b"0", b"-0", b"-1", b"+1", b"007", b"9223372036854775808", b"x" * 239, b"x" * 240])
)


@given(st.lists(texts, min_size=1, max_size=8))
def test_items_are_read_as_they_were_written(items: list[bytes]) -> None:
    out = BytesWriter()
    for item in items:
        write_item(out, item)
    blob = out.getvalue()
    at = 0
    for item in items:
        assert item_at(blob, at) == item
        at = int(item_end(blob, at))
    assert at == len(blob)


@given(st.lists(st.integers(0, (1 << 62) - 1), min_size=1, max_size=8))
def test_varints_are_read_as_they_were_written(numbers: list[int]) -> None:
    out = BytesWriter()
    for number in numbers:
        write_varint(out, number)
    blob = out.getvalue()
    at = 0
    for number in numbers:
        assert varint_at(blob, at) == number
        assert varint_end(blob, at) - at == varint_size(number)
        at = int(varint_end(blob, at))
    assert at == len(blob)


def test_only_canonical_spelling_is_a_number() -> None:
    assert [int(number_in(text)) for text in (b"0", b"-7", b"123456789012")] == [0, -7, 123456789012]
    for text in (b"", b"-", b"-0", b"+1", b"01", b"1 ", b"x"):
        assert number_in(text) == NO_NUMBER
