"""Packed scores: every double comes back, in the bytes that it is said to take."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.structures.scores import is_negative, packed, score_at, size_at, to_whole

whole = st.integers(-(2**54), 2**54).map(float)
small = st.integers(-300, 9000).map(float)
doubles = st.floats(allow_nan=False) | whole | small


def bits(score: float) -> bytes:
    return struct.pack("<d", score)


@given(doubles)
def test_every_double_comes_back_from_the_middle_of_other_bytes(score: float) -> None:
    data = packed(score)
    blob = b"\xff\xff" + data + b"\xff" * 9
    assert size_at(blob, 2) == len(data) <= 9
    assert bits(score_at(blob, 2)) == bits(score)


@pytest.mark.parametrize("power", range(64))
def test_whole_numbers_around_powers_of_two_come_back(power: int) -> None:
    for near in (-1, 0, 1):
        for sign in (1, -1):
            score = float(sign * (2**power + near))
            assert bits(score_at(packed(score), 0)) == bits(score)


@pytest.mark.parametrize(
    ("score", "size"),
    [
        (0.0, 1), (31.0, 1), (32.0, 2), (8191.0, 2), (8192.0, 3), (2097151.0, 3), (2097152.0, 4), (536870911.0, 4),
        (1700000000.0, 5), (137438953471.0, 5), (1700000000000.0, 6), (2.0**53 - 1, 7), (2.0**53, 9), (1e300, 9),
        (-1.0, 2), (-256.0, 2), (-257.0, 3), (-65536.0, 3), (-(2.0**48), 7), (-(2.0**48) - 1, 9),
        (-0.0, 9), (0.5, 9), (5e-324, 9), (float("inf"), 9), (float("-inf"), 9),
    ],
)  # fmt: skip
def test_small_whole_numbers_take_few_bytes(score: float, size: int) -> None:
    assert len(packed(score)) == size


def test_the_bytes_are_those_of_the_format() -> None:
    assert packed(31.0) == b"\x1f"
    assert packed(0x1234) == b"\x32\x34"
    assert packed(0x123456) == b"\x52\x34\x56"
    assert packed(0x12345678) == b"\x72\x34\x56\x78"
    assert packed(0x0123456789AB) == b"\xa1\x23\x45\x67\x89\xab"
    assert packed(-1.0) == b"\xe1\x00"
    assert packed(-258.0) == b"\xe2\x01\x01"
    assert packed(1.5) == b"\xe0" + bits(1.5)


@given(doubles)
def test_whole_numbers_are_told_from_others(score: float) -> None:
    expected = int(score) if 0 <= score < 2**53 and score == int(score) else -1
    assert to_whole(score) == expected


def test_the_sign_of_zero_is_seen() -> None:
    assert [is_negative(score) for score in (0.0, -0.0, 1.0, -1.0, float("-inf"))] == [False, True, False, True, True]
