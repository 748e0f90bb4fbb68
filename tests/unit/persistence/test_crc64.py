"""The checksum: known values, and in parts as in one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.persistence.crc64 import crc64

MASK = (1 << 64) - 1


@pytest.mark.parametrize(
    ("data", "expected"), [(b"", 0), (b"\0", 0), (b"a", 0x5FB354025B277B14), (b"123456789", 0xE9C6D914C4B8D9CA)]
)
def test_known_values(data: bytes, expected: int) -> None:
    assert crc64(0, data, 0, len(data)) & MASK == expected


@given(st.binary(max_size=200), st.integers(0, 200))
def test_parts_make_the_whole(data: bytes, at: int) -> None:
    at = min(at, len(data))
    assert crc64(crc64(0, data, 0, at), data, at, len(data)) == crc64(0, data, 0, len(data)) == slowly(data)


def slowly(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95AC9329AC4BC9B5 if crc & 1 else 0)
    return crc - (1 << 64) if crc >> 63 else crc
