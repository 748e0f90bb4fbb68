"""The checksum of snapshot files and DUMP payloads: a CRC of 64 bits, computed eight bytes at a time.

Polynomial ad93d23594c935a9, bits reversed in and out, initial value 0, no final xor.  Row k of the table has the
effect of a byte that is followed by k further bytes.  The words are machine words, so the highest bit is their sign.
Source: spec/rdb.md, section 6.
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64

POLYNOMIAL: Final[i64] = -7661587058870466123
"""95ac9329ac4bc9b5, the polynomial with its bits reversed, as a signed word."""

SHIFTED: Final[i64] = 0x00FFFFFFFFFFFFFF
HALVED: Final[i64] = 0x7FFFFFFFFFFFFFFF


def made_table() -> vec[i64]:
    """Eight rows of 256 words."""
    table = vec[i64](capacity=2048)
    byte: i64 = 0
    while byte < 256:
        word = byte
        for _ in range(8):
            odd = word & 1
            word = (word >> 1) & HALVED
            if odd != 0:
                word ^= POLYNOMIAL
        table = append(table, word)
        byte += 1
    at: i64 = 256
    while at < 2048:
        before = table[at - 256]
        table = append(table, ((before >> 8) & SHIFTED) ^ table[before & 255])
        at += 1
    return table


TABLE: Final = made_table()


def crc64(crc: i64, data: bytes, start: i64, stop: i64) -> i64:
    """Continue the checksum `crc` with `data` from `start` to before `stop`."""
    table = TABLE
    at = start
    fast = stop - 7
    while at < fast:
        crc ^= read_i64_le(data, at)
        crc = (
            table[1792 + (crc & 255)]
            ^ table[1536 + ((crc >> 8) & 255)]
            ^ table[1280 + ((crc >> 16) & 255)]
            ^ table[1024 + ((crc >> 24) & 255)]
            ^ table[768 + ((crc >> 32) & 255)]
            ^ table[512 + ((crc >> 40) & 255)]
            ^ table[256 + ((crc >> 48) & 255)]
            ^ table[(crc >> 56) & 255]
        )
        at += 8
    while at < stop:
        crc = ((crc >> 8) & SHIFTED) ^ table[(crc ^ data[at]) & 255]
        at += 1
    return crc
