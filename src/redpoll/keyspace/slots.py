"""Hash slots: which of 16384 parts of a cluster a key belongs to.

CRC-16/XMODEM (polynomial 0x1021, start 0) of the key or of its hash tag: the bytes between the first `{` and the next
`}`, if there are any.  Source: spec/cluster.md.
"""

from __future__ import annotations

from binascii import crc_hqx
from typing import Final

from mypy_extensions import i64

SLOTS: Final[i64] = 16384


def key_slot(key: bytes) -> i64:
    """The slot of a key, from 0 on.  O(length)."""
    start = key.find(b"{")
    if start >= 0:
        stop = key.find(b"}", start + 1)
        if stop > start + 1:
            key = key[start + 1 : stop]
    # The C library's CRC-16 takes a tenth of the time of a loop over boxed bytes.
    rest: i64 = crc_hqx(key, 0)
    return rest & (SLOTS - 1)
