"""Hash slots: which of 16384 parts of a cluster a key belongs to.

CRC-16/XMODEM (polynomial 0x1021, start 0) of the key or of its hash tag: the bytes between the first `{` and the next
`}`, if there are any.  Source: spec/cluster.md.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

SLOTS: Final[i64] = 16384


def crc16_table() -> list[int]:
    """The table of CRC-16: the effect of each value of the upper byte."""
    table: list[int] = []
    for byte in range(256):
        rest = byte << 8
        for _ in range(8):
            rest = (rest << 1) ^ 0x1021 if rest & 0x8000 else rest << 1
        table.append(rest & 0xFFFF)
    return table


TABLE: Final = crc16_table()


def key_slot(key: bytes) -> i64:
    """The slot of a key, from 0 on.  O(length)."""
    start = key.find(b"{")
    if start >= 0:
        stop = key.find(b"}", start + 1)
        if stop > start + 1:
            key = key[start + 1 : stop]
    rest: i64 = 0
    for byte in key:
        rest = ((rest << 8) & 0xFFFF) ^ TABLE[(rest >> 8) ^ byte]
    return rest & (SLOTS - 1)
