"""STRLEN, GETRANGE, SUBSTR, SETRANGE, LCS."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from tests.differential.pair import Pair

NUMBERS = (
    *("0", "1", "2", "5", "6", "100", "-1", "-2", "-5", "-6", "-100", "abc", "", "1.5", "01"),
    *("9223372036854775807", "-9223372036854775808", "9223372036854775808"),
)


@pytest.mark.parametrize("name", ["GETRANGE", "SUBSTR"])
def test_parts(pair: Pair, name: str) -> None:
    pair.do("SET", "k", "Hello")
    pair.do("SET", "empty", "")
    pair.do("SET", "n", "12345")
    pair.do("ZADD", "z", "1", "m")
    for start, end in itertools.product(NUMBERS, repeat=2):
        for key in ("k", "empty", "n", "missing"):
            pair.do(name, key, start, end)
    pair.do(name, "z", "0", "1")
    pair.do(name, "z", "a", "1")
    pair.do(name, "k", "0")
    pair.do(name, "k", "0", "1", "2")


def test_parts_of_strings_of_all_lengths(pair: Pair) -> None:
    for length in (150, 199, 200, 255, 300, 1023, 1024, 5000, 100_000):
        value = bytes(at * 7 % 251 for at in range(length))
        for change in (False, True):
            pair.do("SET", "k", value)
            if change:
                pair.do("APPEND", "k", "end")
            pair.do("STRLEN", "k")
            for start, end in ((0, 0), (0, -1), (1, 10), (-10, -1), (100, length - 5), (length - 1, length + 10)):
                pair.do("GETRANGE", "k", start, end)


def test_strlen(pair: Pair) -> None:
    pair.play("""
        STRLEN missing
        SET k ""
        STRLEN k
        SET k 12345
        STRLEN k
        INCR k
        STRLEN k
        ZADD z 1 m
        STRLEN z
        STRLEN
        STRLEN k k
    """)


def test_setrange(pair: Pair) -> None:
    pair.play(r"""
        SET k "Hello World"
        SETRANGE k 6 Redis
        GET k
        SETRANGE k 6 "longer than before"
        GET k
        SETRANGE k 30 end
        GET k
        SETRANGE new 5 x
        GET new
        OBJECT ENCODING new
        SETRANGE k 9223372036854775807 x
        SETRANGE k 9223372036854775806 xyz
        SETRANGE k 3 ""
        SETRANGE missing 3 ""
        EXISTS missing
        SET n 123
        SETRANGE n 0 ""
        OBJECT ENCODING n
        SETRANGE n 1 9
        OBJECT ENCODING n
        INCR n
        SET t v EX 100
        SETRANGE t 1 w
        TTL t
        ZADD z 1 m
        SETRANGE z 0 x
        SETRANGE z 0 ""
        SETRANGE z 536870912 x
        SETRANGE z -1 x
        SETRANGE z abc x
        SETRANGE k -1 x
        SETRANGE k -9223372036854775808 x
        SETRANGE k abc x
        SETRANGE k 536870912 x
        SETRANGE k 536870911 xx
        SETRANGE k 9223372036854775807 x
        SETRANGE k 9223372036854775807 ""
        SETRANGE k 9223372036854775808 x
        SETRANGE missing 9223372036854775807 x
        EXISTS missing
        SETRANGE k 0
        GET k
    """)


def test_setrange_on_strings_of_all_lengths(pair: Pair) -> None:
    lengths = (0, 1, 100, 199, 255, 1000, 1023, 1024, 2000, 70_000)
    for length, at, written in itertools.product(lengths, lengths, (1, 30, 2000)):
        pair.do("SET", "k", b"a" * length)
        pair.do("SETRANGE", "k", at, b"b" * written)
        pair.do("SETRANGE", "k", at // 2, b"c" * written)
        pair.do("GET", "k")
        pair.do("APPEND", "k", "end")
        pair.do("STRLEN", "k")
        pair.do("OBJECT", "ENCODING", "k")
        pair.do("DEL", "k")


def test_limit_of_a_string(pair: Pair) -> None:
    with pair.config("proto-max-bulk-len", "1mb"):
        pair.do("SETRANGE", "k", "1048576", "x")
        pair.do("SETRANGE", "k", "1048575", "x")
        pair.do("SETRANGE", "k", "1048575", "yz")
        pair.do("APPEND", "k", "x")
        pair.do("STRLEN", "k")
        pair.do("GETRANGE", "k", "1048570", "-1")


def test_lcs(pair: Pair) -> None:
    pair.play("""
        MSET a ohmytext b mynewtext
        LCS a b
        LCS a b LEN
        LCS a b IDX
        LCS a b IDX MINMATCHLEN 4
        LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN
        LCS a b IDX WITHMATCHLEN
        LCS a b IDX MINMATCHLEN 0
        LCS a b IDX MINMATCHLEN -5
        LCS a b IDX MINMATCHLEN 100
        LCS a b MINMATCHLEN 4
        LCS a b WITHMATCHLEN
        LCS a b LEN WITHMATCHLEN MINMATCHLEN 4
        LCS a a IDX
        LCS a missing
        LCS a missing IDX
        LCS missing missing LEN
        LCS missing a IDX WITHMATCHLEN
        lcs a b len
        MSET a abcabba b cbabac
        LCS a b
        LCS b a
        LCS a b IDX
        LCS b a IDX
    """)


def test_lcs_refuses(pair: Pair) -> None:
    pair.play("""
        MSET a ohmytext b mynewtext
        ZADD z 1 m
        LCS a b LEN IDX
        LCS a b IDX LEN
        LCS a b MINMATCHLEN
        LCS a b MINMATCHLEN abc
        LCS a b MINMATCHLEN 9223372036854775808
        LCS a b IDX MINMATCHLEN 9223372036854775807
        LCS a b FOO
        LCS a z
        LCS z a FOO
        LCS missing z
        LCS z z LEN IDX
        LCS a
        LCS a b LEN LEN IDX MINMATCHLEN abc
        LCS a b IDX LEN FOO
    """)


def test_lcs_of_random_strings(pair: Pair) -> None:
    random = Random(7)
    for number in range(300):
        letters = b"abcdefgh"[: random.choice((1, 2, 3, 8))]
        words = [bytes(random.choices(letters, k=random.choice((0, 1, 2, 7, 8, 9, 40, 100)))) for _ in range(2)]
        pair.do("MSET", "a", words[0], "b", words[1])
        pair.do("LCS", "a", "b")
        pair.do("LCS", "a", "b", "LEN")
        pair.do("LCS", "a", "b", "IDX", "WITHMATCHLEN", "MINMATCHLEN", number % 3)


def test_lcs_of_long_strings(pair: Pair) -> None:
    random = Random(8)
    for sizes in ((2000, 1500), (1500, 2000), (20_000, 10), (10, 20_000)):
        words = [bytes(random.choices(range(256), k=size)) for size in sizes]
        pair.do("MSET", "a", words[0], "b", words[1])
        pair.do("APPEND", "a", "changed in place")
        pair.do("LCS", "a", "b")
        pair.do("LCS", "a", "b", "IDX", "WITHMATCHLEN")


def test_lcs_where_its_table_would_be_too_large(pair: Pair) -> None:
    with pair.config("proto-max-bulk-len", "1mb"):
        for first, second in ((511, 511), (512, 511), (511, 512), (262_143, 0), (262_144, 0), (0, 262_144)):
            pair.do("MSET", "a", "x" * first, "b", "x" * second)
            pair.do("LCS", "a", "b", "LEN")
            pair.do("LCS", "a", "b", "IDX", "LEN")
