"""Hash slots: which of 16384 parts of a cluster a key belongs to.

CRC-16/XMODEM (polynomial 0x1021, start 0) of the key or of its hash tag: the bytes between the first `{` and the next
`}`, if there are any.  Four bytes at a time, because every command of a cluster needs the slot of its key.
Source: spec/cluster.md.
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_i32_be
from librt.vecs import append, vec
from mypy_extensions import i64

SLOTS: Final[i64] = 16384
SLOT_BITS: Final = 14
WILD: Final = b"*?[\\"
OPEN: Final = 123
CLOSE: Final = 125
"""The braces around a hash tag."""


def _parts() -> vec[i64]:
    """For each byte the remainder it leaves at the end of a word, and with 1, 2 and 3 bytes after it."""
    parts = vec[i64](capacity=1024)
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ POLYNOMIAL if crc & 0x8000 else crc << 1
            crc &= 0xFFFF
        parts = append(parts, crc)
    for n in range(256, 1024):
        before = parts[n - 256]
        parts = append(parts, ((before << 8) & 0xFFFF) ^ parts[before >> 8])
    return parts


POLYNOMIAL: Final = 0x1021
PARTS: Final = _parts()


ALPHABET: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def slot_tag(slot: i64) -> bytes:
    """Three letters or digits whose slot is `slot`.  Tries some 16,000 of them."""
    for first in ALPHABET:
        for second in ALPHABET:
            head: i64 = PARTS[first]
            head = ((head << 8) & 0xFFFF) ^ PARTS[(head >> 8) ^ second]
            for third in ALPHABET:
                crc = ((head << 8) & 0xFFFF) ^ PARTS[(head >> 8) ^ third]
                if crc & (SLOTS - 1) == slot:
                    return bytes((first, second, third))
    raise ValueError(f"slot {slot} has no tag of three letters")


def pattern_slot(pattern: bytes) -> i64:
    """The slot of all keys that match a glob pattern, -1 if they may be in several slots.  O(length)."""
    opened: i64 = -1
    for at in range(len(pattern)):
        byte = pattern[at]
        if byte in WILD:
            return -1
        if opened < 0 and byte == OPEN:
            opened = at
        elif opened >= 0 and byte == CLOSE:
            if at > opened + 1:
                return key_slot(pattern[opened + 1 : at])
            # Without a byte in between there is no tag at all.
            opened = len(pattern)
    return key_slot(pattern)


def key_slot(key: bytes) -> i64:
    """The slot of a key, from 0 on.  O(length)."""
    parts = PARTS
    size: i64 = len(key)
    crc: i64 = 0
    at: i64 = 0
    while at + 4 <= size:
        word: i64 = i64(read_i32_be(key, at)) & 0xFFFFFFFF
        # Not 0 if one of the four bytes is an opening brace, or follows one.
        braces: i64 = word ^ 0x7B7B7B7B
        if (braces - 0x01010101) & ~braces & 0x80808080 != 0:
            return _tagged_slot(key)
        word ^= crc << 16
        crc = (
            parts[(word >> 24) + 768]
            ^ parts[((word >> 16) & 255) + 512]
            ^ parts[((word >> 8) & 255) + 256]
            ^ parts[word & 255]
        )
        at += 4
    while at < size:
        byte: i64 = key[at]
        if byte == OPEN:
            return _tagged_slot(key)
        crc = ((crc << 8) & 0xFFFF) ^ parts[(crc >> 8) ^ byte]
        at += 1
    return crc & (SLOTS - 1)


def _tagged_slot(key: bytes) -> i64:
    """`key_slot` of a key that may have a tag."""
    size: i64 = len(key)
    start: i64 = 0
    while start < size and key[start] != OPEN:
        start += 1
    stop = start + 1
    while stop < size and key[stop] != CLOSE:
        stop += 1
    start += 1
    if stop >= size or stop == start:
        # No tag: the whole key counts.
        start = 0
        stop = size
    parts = PARTS
    crc: i64 = 0
    while start < stop:
        byte: i64 = key[start]
        crc = ((crc << 8) & 0xFFFF) ^ parts[(crc >> 8) ^ byte]
        start += 1
    return crc & (SLOTS - 1)
