"""Hash slots: which of 16384 parts of a cluster a key belongs to.

CRC-16/XMODEM (polynomial 0x1021, start 0) of the key or of its hash tag: the bytes between the first `{` and the next
`}`, if there are any.  Eight bytes at a time, because every command of a cluster needs the slot of its key.
Source: spec/cluster.md.
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_i64_be
from librt.vecs import append, vec
from mypy_extensions import i32, i64

SLOTS: Final[i64] = 16384
SLOT_BITS: Final = 14
WILD: Final = b"*?[\\"
OPEN: Final = 123
CLOSE: Final = 125
"""The braces around a hash tag."""


def _next(parts: vec[i32], crc: i64, byte: i64) -> i64:
    """The CRC after one more byte."""
    return ((crc << 8) & 0xFFFF) ^ i64(parts[(crc >> 8) ^ byte])


def _parts() -> vec[i32]:
    """For each byte the remainder it leaves at the end of a word, and with 1 to 7 bytes after it."""
    parts = vec[i32](capacity=2048)
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ POLYNOMIAL if crc & 0x8000 else crc << 1
            crc &= 0xFFFF
        parts = append(parts, i32(crc))
    for n in range(256, 2048):
        parts = append(parts, i32(_next(parts, i64(parts[n - 256]), 0)))
    return parts


POLYNOMIAL: Final = 0x1021
PARTS: Final = _parts()


ALPHABET: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def slot_tag(slot: i64) -> bytes:
    """Three letters or digits whose slot is `slot`.  Tries some 16,000 of them."""
    for first in ALPHABET:
        for second in ALPHABET:
            head = _next(PARTS, _next(PARTS, 0, first), second)
            for third in ALPHABET:
                if _next(PARTS, head, third) & (SLOTS - 1) == slot:
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
    while at + 8 <= size:
        both: i64 = read_i64_be(key, at)
        high: i64 = (both >> 32) & 0xFFFFFFFF
        low: i64 = both & 0xFFFFFFFF
        # Not 0 if one of the eight bytes is an opening brace, or follows one.
        a: i64 = high ^ 0x7B7B7B7B
        b: i64 = low ^ 0x7B7B7B7B
        if (((a - 0x01010101) & ~a) | ((b - 0x01010101) & ~b)) & 0x80808080 != 0:
            return _tagged_slot(key)
        high ^= crc << 16
        crc = i64(
            parts[(high >> 24) + 1792]
            ^ parts[((high >> 16) & 255) + 1536]
            ^ parts[((high >> 8) & 255) + 1280]
            ^ parts[(high & 255) + 1024]
            ^ parts[(low >> 24) + 768]
            ^ parts[((low >> 16) & 255) + 512]
            ^ parts[((low >> 8) & 255) + 256]
            ^ parts[low & 255]
        )
        at += 8
    while at < size:
        byte: i64 = key[at]
        if byte == OPEN:
            return _tagged_slot(key)
        crc = _next(parts, crc, byte)
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
        crc = _next(parts, crc, byte)
        start += 1
    return crc & (SLOTS - 1)
