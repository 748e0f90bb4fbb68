"""MurmurHash64A, the hash that every HyperLogLog on the wire and on disk is made with.

Source: spec/values.md, section 1.  Words of 64 bits wrap when compiled.  Interpreted code wraps them explicitly.
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from redpoll.scratch import COMPILED

LOW_17_BITS: Final[i64] = (1 << 17) - 1


class Numbers:
    """Constants beyond 62 bits: as attributes they are machine words, as literals they would be objects."""

    def __init__(self) -> None:
        self.factor: i64 = wrapped(0xC6A4A7935BD1E995)
        self.seed: i64 = 0xADC83B19


def wrapped(n: int) -> i64:
    """An integer of any size as a signed word of 64 bits."""
    n &= 0xFFFFFFFFFFFFFFFF
    return n - (1 << 64) if n >> 63 != 0 else n


NUMBERS: Final = Numbers()


def times(a: i64, b: i64) -> i64:
    """The low 64 bits of a product."""
    product: i64 = a * b
    return product if COMPILED else wrapped(product)


def murmur64(data: bytes) -> i64:
    """The hash of `data` as a signed word.  O(bytes)."""
    factor = NUMBERS.factor
    size: i64 = len(data)
    h = NUMBERS.seed ^ times(size, factor)
    at: i64 = 0
    while at + 8 <= size:
        k = times(read_i64_le(data, at), factor)
        k ^= (k >> 47) & LOW_17_BITS
        h ^= times(k, factor)
        h = times(h, factor)
        at += 8
    if at < size:
        shift: i64 = 0
        rest: i64 = 0
        while at < size:
            byte: i64 = data[at]
            rest |= byte << shift
            shift += 8
            at += 1
        h = times(h ^ rest, factor)
    h ^= (h >> 47) & LOW_17_BITS
    h = times(h, factor)
    return h ^ ((h >> 47) & LOW_17_BITS)
