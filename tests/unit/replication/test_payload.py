"""Cutting a snapshot out of the bytes of a connection, in both forms and in any pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.replication.network import Network, Wire
from redpoll.replication.payload import Payload, PayloadReader

MARK = b"0123456789" * 4


def fed(payload: Payload, data: bytes, cuts: list[int]) -> bytes:
    """Feed in pieces; what follows the snapshot."""
    rest = b""
    start = 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        rest += payload.feed(data[start:cut])
        start = cut
    return rest


@given(st.binary(max_size=300), st.binary(max_size=50), st.lists(st.integers(0, 400), max_size=6))
def test_a_length(data: bytes, after: bytes, cuts: list[int]) -> None:
    payload = Payload(b"%d" % len(data))
    assert fed(payload, data + after, cuts) == after
    assert payload.done
    assert b"".join(payload.pieces) == data


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=6))
def test_a_marker(data: bytes, cuts: list[int]) -> None:
    payload = Payload(b"EOF:" + MARK)
    assert fed(payload, data + MARK, cuts) == b""
    assert payload.done
    assert b"".join(payload.pieces) == data
    assert payload.received == len(data)


@pytest.mark.parametrize("header", [b"", b"x", b"-1", b"EOF:short", b"9" * 40, b"1 2"])
def test_bad_headers(header: bytes) -> None:
    with pytest.raises(ValueError, match="not"):
        Payload(header)


def test_a_reader_pumps_until_there_is_data() -> None:
    payload = Payload(b"EOF:" + MARK)

    class Pump(Network):
        def __init__(self) -> None:
            self.left = [b"ab", b"cd", MARK]

        def pump(self, wait: bool) -> bool:
            payload.feed(self.left.pop(0))
            return True

    reader = PayloadReader(payload, Wire(), Pump())
    payload.feed(b"x" * 41)
    found = b""
    while piece := reader.read(3):
        found += piece
    assert found == b"x" * 41 + b"abcd"
    assert payload.done


def test_a_broken_connection_ends_the_data() -> None:
    payload = Payload(b"10")
    reader = PayloadReader(payload, Wire(), Network())
    payload.feed(b"ab")
    reader.broken = True
    assert reader.read(5) == b"ab"
    assert reader.read(5) == b""
