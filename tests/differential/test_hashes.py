"""HSET, HGET, HGETALL, HDEL, and the rest of the family as it comes."""

from __future__ import annotations

import pytest
from tests.differential.pair import Pair


def test_hset_and_hget(pair: Pair) -> None:
    pair.play(r"""
        HSET h a 1
        HSET h a 2
        HSET h a 3 b 4
        HSET h b 4 c 5 c 6
        HGET h a
        HGET h c
        HGET h missing
        HGET missing a
        ~~ HGETALL h
        HGETALL missing
        HSET h "" ""
        HGET h ""
        HSET "" "" x
        HGET "" ""
        HSET h "\x00\r\n\xff" "\xff\x00"
        HGET h "\x00\r\n\xff"
        hset h A other-case
        HGET h a
        HGET h A
        HSET h n 10 n 010
        HGET h n
        HSET h long 9223372036854775808
        HGET h long
        ~~ HGETALL h
    """)


def test_hset_wants_whole_pairs(pair: Pair) -> None:
    pair.play("""
        HSET h
        HSET h a
        HSET h a 1 b
        HSET h a 1 b 2 c
        EXISTS h
        SET s v
        HSET s a 1 b
        HSET s a 1
    """)


def test_hdel(pair: Pair) -> None:
    pair.play("""
        HDEL missing a
        HSET h a 1 b 2 c 3 d 4
        HDEL h missing
        HDEL h a a missing b
        ~~ HGETALL h
        HDEL h "" c
        HDEL h d d
        EXISTS h
        HDEL h d
        HSET h again 1
        HGETALL h
    """)


def test_wrong_type(pair: Pair) -> None:
    pair.play("""
        SET s v
        ZADD z 1 a
        HSET s f v
        HGET s f
        HGETALL s
        HDEL s f
        HSET z f v
        HGET z f
        HGETALL z
        HDEL z f
    """)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 100, 511, 512, 513, 600, 3000])
def test_many_fields(pair: Pair, count: int) -> None:
    for start in range(0, count, 7):
        words = [word for at in range(start, min(start + 7, count)) for word in (f"field:{at}", f"value {at * 37}")]
        pair.do("HSET", "h", *words)
    pair.unordered("HGETALL", "h", pairs=True)
    for at in range(0, count, 5):
        pair.do("HGET", "h", f"field:{at}")
        pair.do("HSET", "h", f"field:{at}", "x" * (at % 80))
    for at in range(0, count, 3):
        pair.do("HDEL", "h", f"field:{at}", f"field:{at + 1}")
    pair.unordered("HGETALL", "h", pairs=True)
    pair.do("HDEL", "h", *(f"field:{at}" for at in range(count)))
    pair.do("EXISTS", "h")


def test_fields_and_values_of_all_lengths(pair: Pair) -> None:
    for length in (*range(70), 127, 128, 254, 255, 256, 300, 4096, 65535, 65536, 70_000):
        pair.do("HSET", "small", b"f", b"v" * length, b"g", b"w")
        pair.do("HGET", "small", b"f")
        pair.do("HGET", "small", b"g")
        pair.do("HSET", "wide", b"f" * length, b"v" * (length // 2))
        pair.do("HGET", "wide", b"f" * length)
    pair.unordered("HGETALL", "wide", pairs=True)
    pair.do("HSET", "one", "f", b"x" * 64)
    pair.do("HSET", "one", "f", b"x" * 65)
    pair.do("HGETALL", "one")


def test_a_packed_hash_keeps_its_order(pair: Pair) -> None:
    # Up to the listpack limits the reference answers in the order of insertion.
    for at in range(20):
        pair.do("HSET", "h", f"f{at * 13 % 20}", at)
    pair.do("HGETALL", "h")
    pair.do("HSET", "h", "f5", "changed and longer")
    pair.do("HDEL", "h", "f3", "f10")
    pair.do("HGETALL", "h")
    pair.do("HSET", "h", "f3", "again")
    pair.do("HGETALL", "h")
