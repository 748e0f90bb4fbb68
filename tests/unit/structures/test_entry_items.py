"""How fields and values are packed: all reads back, and takes the reference's bytes in its nodes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from redpoll.protocol.numbers import is_int
from redpoll.structures.entry_items import (
    NO_NUMBER,
    NUMBER,
    item_at,
    item_end,
    number_in,
    varint_at,
    varint_end,
    varint_size,
    write_item,
    write_varint,
)

numbers = st.integers(-(2**63), 2**63 - 1).map(lambda n: str(n).encode())
texts = (
    st.binary(max_size=8)
    | numbers
    | st.integers(-200, 5000).map(lambda n: str(n).encode())
    | st.sampled_from([b"-", b"-0", b"+1", b"01", b"0", b"9223372036854775808", b"-9223372036854775808"])
    | st.builds(
        lambda head, size: head + b"x" * size, st.binary(max_size=3), st.sampled_from([60, 235, 240, 4093, 20000])
    )
)


@given(st.lists(texts, max_size=20))
def test_items_read_back(items: list[bytes]) -> None:
    out = BytesWriter()
    for item in items:
        write_item(out, item)
    blob = out.getvalue()
    at = 0
    for item in items:
        assert item_at(blob, at) == item
        at = item_end(blob, at)
    assert at == len(blob)


@given(texts | st.integers(0, 20).flatmap(lambda n: st.integers(-(10**n), 10**n)).map(lambda n: b"%d" % n))
def test_what_is_a_number_is_what_the_wire_takes_for_one(text: bytes) -> None:
    out = BytesWriter()
    node_bytes = write_item(out, text)
    if is_int(text):
        n = int(text)
        bits = next(
            (
                b
                for b, low, high in (
                    (1, 0, 127),
                    (2, -4096, 4095),
                    (3, -(2**15), 2**15 - 1),
                    (4, -(2**23), 2**23 - 1),
                    (5, -(2**31), 2**31 - 1),
                )
                if low <= n <= high
            ),
            9,
        )
        assert node_bytes == bits + 1
        assert len(out) <= max(len(text), 2) + 1
    else:
        assert len(out) == len(text) + (1 if len(text) < NUMBER else 5)


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
