"""The hash of keys: the words that go into SipHash-1-3, and how they come out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.scratch import COMPILED
from redpoll.structures import hashing
from redpoll.structures.hashing import START, hash_of, siphash
from redpoll.structures.segment import HASH_MASK

WORD = (1 << 64) - 1


def rotated(word: int, by: int) -> int:
    return (word << by | word >> (64 - by)) & WORD


def round_of(v: list[int]) -> None:
    """One round as SipHash's authors draw it: two halves, each of two additions."""
    for first, second, turned in ((13, 16, 0), (17, 21, 2)):
        v[0], v[2] = (v[0] + v[1], v[2] + v[3]) if turned == 0 else (v[0] + v[3], v[2] + v[1])
        v[0], v[2] = v[0] & WORD, v[2] & WORD
        one, other = (0, 2) if turned == 0 else (2, 0)
        v[1] = rotated(v[1], first) ^ v[one]
        v[3] = rotated(v[3], second) ^ v[other]
        v[turned] = rotated(v[turned], 32)


def words_of(key: bytes) -> list[int]:
    if len(key) < 8:
        return [int.from_bytes(key, "big")]
    places = [*range(0, len(key) - 8, 8), len(key) - 8]
    return [int.from_bytes(key[at : at + 8], "little") for at in places]


def model(key: bytes) -> int:
    v = [n & WORD for n in (START.v0, START.v1, START.v2, START.v3)]
    for word in words_of(key):
        v[3] ^= word
        round_of(v)
        v[0] ^= word
    v[2] ^= len(key) << 8 | 255
    for _ in range(3):
        round_of(v)
    return (v[0] ^ v[1] ^ v[2] ^ v[3]) & int(HASH_MASK)


@pytest.mark.skipif(not COMPILED, reason="interpreted words do not wrap")
@given(st.binary(max_size=40))
def test_the_words_go_through_siphash(key: bytes) -> None:
    assert siphash(key) == model(key)
    assert hash_of(key) == siphash(key)


@given(st.binary(max_size=40))
def test_a_hash_has_26_bits(key: bytes) -> None:
    assert 0 <= hash_of(key) <= HASH_MASK
    assert hash_of(key) == hash_of(bytes(bytearray(key)))


@given(st.lists(st.binary(max_size=24), max_size=300, unique=True))
def test_no_two_keys_have_the_same_words_and_length(keys: list[bytes]) -> None:
    assert len({(len(key), *words_of(key)) for key in keys}) == len(keys)


def test_hashes_of_similar_keys_are_spread_evenly() -> None:
    cells = [0] * 64
    for n in range(64 * 200):
        cells[hash_of(b"key:%012d" % n) & 63] += 1
    # Chi-square with 63 degrees of freedom: above 120 once in 50,000 secrets.
    assert sum((count - 200) ** 2 for count in cells) / 200 < 120


def test_the_secret_is_that_of_the_process() -> None:
    assert hashing.Start().v0 == START.v0
    assert START.v0 ^ START.v2 == hashing.wrapped(0x736F6D6570736575 ^ 0x6C7967656E657261)
