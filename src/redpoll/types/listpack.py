"""The size of the reference's packed form of small values, which decides encodings and DEBUG OBJECT.

Source: spec/rdb.md, section 8.1.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.protocol.numbers import is_int, to_int

FRAME_BYTES: Final[i64] = 7
"""Of a listpack without entries: its length, its count and its end."""


def entry_bytes(item: bytes) -> i64:
    """The bytes of an entry with this content, including the length after it."""
    size: i64 = len(item)
    if size <= 20 and size > 0 and item[0] < 58 and is_int(item):
        return 1 + _integer_bytes(item, size)
    if size < 64:
        return size + 2
    size += 2 if size < 4096 else 5
    if size <= 127:
        return size + 1
    if size <= 16383:
        return size + 2
    if size <= 2097151:
        return size + 3
    return size + 4 if size <= 268435455 else size + 5


def _integer_bytes(item: bytes, size: i64) -> i64:
    """The bytes of an integer with this many characters, without the length after it."""
    if size > 18:
        return 9
    number = to_int(item)
    if 0 <= number <= 127:
        return 1
    if number < 0:
        number = -1 - number
    if number < 1 << 12:
        return 2
    if number < 1 << 15:
        return 3
    if number < 1 << 23:
        return 4
    return 5 if number < 1 << 31 else 9
