"""The hash of keys and members: SipHash-1-3 with a secret of the process, so that nobody can make keys that collide.

Python's own hash is the same function.  Compiled code would get its 64 bits as an object for every other key, which
takes as many instructions as the hash itself.  Interpreted code uses Python's, which is faster there.
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from redpoll.scratch import COMPILED
from redpoll.structures.murmur import wrapped
from redpoll.structures.segment import HASH_MASK

WORD: Final[i64] = 8
END: Final[i64] = 255
"""Marks the end of the words, before the last rounds."""
FINAL_ROUNDS: Final[i64] = 3

# The bits that a rotation brings to the low end; an arithmetic shift fills the others with the sign.
LOW_13: Final[i64] = (1 << 13) - 1
LOW_16: Final[i64] = (1 << 16) - 1
LOW_17: Final[i64] = (1 << 17) - 1
LOW_21: Final[i64] = (1 << 21) - 1
LOW_32: Final[i64] = (1 << 32) - 1


class Start:
    """The state before the first word: SipHash's constants and a secret, made of the one that Python starts with."""

    def __init__(self) -> None:
        one = hash(b"redpoll's first secret")
        other = hash(b"redpoll's second secret")
        self.v0: i64 = wrapped(one ^ 0x736F6D6570736575)
        self.v1: i64 = wrapped(other ^ 0x646F72616E646F6D)
        self.v2: i64 = wrapped(one ^ 0x6C7967656E657261)
        self.v3: i64 = wrapped(other ^ 0x7465646279746573)


START: Final = Start()


def hash_of(key: bytes) -> i64:
    """26 bits of the hash of `key`, as the words of a table have them.  O(length)."""
    return siphash(key) if COMPILED else i64(hash(key) & HASH_MASK)


def siphash(key: bytes) -> i64:
    """`hash_of`, in words that wrap.

    The last word overlaps the one before; fewer bytes than a word has stand in one word.  Therefore the length is mixed
    in before the last rounds.
    """
    start = START
    v0 = start.v0
    v1 = start.v1
    v2 = start.v2
    v3 = start.v3
    size: i64 = len(key)
    last = size - WORD
    word: i64 = 0
    at: i64 = 0
    if last >= 0:
        word = read_i64_le(key, 0)
    else:
        while at < size:
            word = word << 8 | i64(key[at])
            at += 1
    while True:
        v3 ^= word
        v0 += v1
        v2 += v3
        v1 = (v1 << 13 | ((v1 >> 51) & LOW_13)) ^ v0
        v3 = (v3 << 16 | ((v3 >> 48) & LOW_16)) ^ v2
        v0 = v0 << 32 | ((v0 >> 32) & LOW_32)
        v2 += v1
        v0 += v3
        v1 = (v1 << 17 | ((v1 >> 47) & LOW_17)) ^ v2
        v3 = (v3 << 21 | ((v3 >> 43) & LOW_21)) ^ v0
        v2 = v2 << 32 | ((v2 >> 32) & LOW_32)
        v0 ^= word
        if at >= last:
            break
        at += WORD
        if at > last:
            at = last
        word = read_i64_le(key, at)
    v2 ^= size << 8 | END
    left = FINAL_ROUNDS
    while left > 0:
        left -= 1
        v0 += v1
        v2 += v3
        v1 = (v1 << 13 | ((v1 >> 51) & LOW_13)) ^ v0
        v3 = (v3 << 16 | ((v3 >> 48) & LOW_16)) ^ v2
        v0 = v0 << 32 | ((v0 >> 32) & LOW_32)
        v2 += v1
        v0 += v3
        v1 = (v1 << 17 | ((v1 >> 47) & LOW_17)) ^ v2
        v3 = (v3 << 21 | ((v3 >> 43) & LOW_21)) ^ v0
        v2 = v2 << 32 | ((v2 >> 32) & LOW_32)
    return (v0 ^ v1 ^ v2 ^ v3) & HASH_MASK
