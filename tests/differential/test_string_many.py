"""MGET, MSET, MSETNX, MSETEX."""

from __future__ import annotations

import itertools
from time import sleep

import pytest
from tests.differential.pair import Pair


def test_mset_and_mget(pair: Pair) -> None:
    pair.play(r"""
        MSET a 1 b two c ""
        MGET a b c missing
        MGET missing
        MGET a a a
        MSET a first a second
        GET a
        MSET "" empty "\x00" "\r\n"
        MGET "" "\x00" ""
        mset A lower
        mget A a
        ZADD z 1 m
        HSET h f v
        MGET a z missing h b
        MSET z string h "over a hash"
        MGET z h
        TYPE z
        DBSIZE
    """)


def test_mget_of_more_keys_than_are_looked_up_together(pair: Pair) -> None:
    """Of all types and sizes, some missing, named twice or past their deadline, whose deleting moves the others."""
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    for n in range(120):
        pair.do("SET", f"k{n}", "v" * (n * 7 % 90), *(("PX", "1") if n % 5 == 0 else ()))
    for n in range(8):
        pair.do("SET", "long" * 60 + str(n), "x" * n)
        pair.do("SET", f"big{n}", "x" * (180 + n * 40))
        pair.do("ZADD", f"z{n}", "1", "m")
        pair.do("SET", f"n{n}", n * 1000)
    sleep(0.002)
    keys = [f"{kind}{n}" for n in range(120) for kind in ("k", "long" * 60, "big", "z", "n") if kind == "k" or n < 9]
    keys += keys[::3]
    pair.do("CONFIG", "RESETSTAT")
    pair.do("MGET", *keys)
    pair.do("DBSIZE")
    pair.do("MULTI")
    pair.do("MGET", *keys)
    pair.do("SET", "k1", "another")
    pair.do("DEL", "k2")
    pair.do("MGET", "k1", "k2", "k3")
    pair.do("EXEC")
    theirs, ours = (
        [line for line in (reply.text or b"").split(b"\r\n") if line.startswith((b"keyspace_", b"expired_keys"))]
        for reply in pair.both("INFO", "stats")
    )
    assert theirs == ours
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def test_wrong_numbers_of_arguments(pair: Pair) -> None:
    pair.play("""
        MSET
        MSET a
        MSET a 1 b
        MSETNX
        MSETNX a
        MSETNX a 1 b
        MGET
        MSETEX
        MSETEX 1
        MSETEX 1 a
        MSETEX 1 a 1 b
        MSETEX 2 a 1 b
        EXISTS a b
    """)


def test_mset_clears_the_time_to_live(pair: Pair) -> None:
    pair.play("""
        SET a 1 EX 100
        SET b 1 EX 100
        MSET a 2 c 3
        TTL a
        TTL b
        TTL c
        OBJECT ENCODING a
        MSETNX d 1 b 2
        TTL b
    """)


def test_msetnx_sets_all_or_none(pair: Pair) -> None:
    pair.play("""
        MSETNX a 1 b 2
        MGET a b
        MSETNX c 1 a 2
        EXISTS c
        MSETNX d 1 d 2
        GET d
        ZADD z 1 m
        MSETNX e 1 z 2
        EXISTS e
        SET x 1 PX 1
        DEBUG SLEEP 0.01
        MSETNX x 2
        GET x
    """)


def test_many_keys_of_all_lengths(pair: Pair) -> None:
    words: list[bytes] = []
    for length in (*range(0, 300, 7), 199, 200, 201, 254, 255, 1000, 5000):
        words += [b"k" * (length % 240) + b"%d" % length, bytes(at * 7 % 251 for at in range(length))]
    pair.do("MSET", *words)
    pair.do("MGET", *words[::2], *words[1::2])
    pair.do("MSETNX", *words)
    numbers = [b"%d" % number for number in range(3000)]
    pair.do("MSET", *(word for number in numbers for word in (b"n" + number, number)))
    pair.do("MGET", *(b"n" + number for number in numbers), "missing", "a")
    pair.do("DBSIZE")


CONDITIONS = ((), ("NX",), ("XX",))
TIMES = ((), ("EX", "100"), ("PX", "100000"), ("EXAT", "4102444800"), ("PXAT", "4102444800000"), ("KEEPTTL",))


@pytest.mark.parametrize("before", ["nothing", "one", "both", "volatile", "zset"])
def test_msetex_with_every_combination_of_options(pair: Pair, before: str) -> None:
    for condition, time in itertools.product(CONDITIONS, TIMES):
        for options in (condition + time, time + condition):
            pair.do("DEL", "a", "b")
            if before == "one":
                pair.do("SET", "a", "old")
            elif before == "both":
                pair.do("MSET", "a", "old", "b", "old")
            elif before == "volatile":
                pair.do("MSETEX", "2", "a", "old", "b", "old", "EX", "1000")
            elif before == "zset":
                pair.do("ZADD", "a", "1", "m")
            pair.do("MSETEX", "2", "a", "new", "b", "newer", *options)
            for key in ("a", "b"):
                pair.do("TYPE", key)
                pair.within(1, "TTL", key)
            if before != "zset":
                pair.do("MGET", "a", "b")


def test_msetex_counts_its_keys(pair: Pair) -> None:
    for count in ("0", "-1", "1", "2", "3", "abc", "", "1.5", "01", "2147483647", "2147483648", "1073741824"):
        pair.do("MSETEX", count, "a", "1")
        pair.do("MSETEX", count, "a", "1", "b", "2")
        pair.do("MSETEX", count, "a", "1", "b", "2", "NX")
        pair.do("MSETEX", count, "a", "1", "b", "2", "EX", "100")
        pair.do("MSETEX", count, "NX", "EX", "10", "100")
        pair.do("FLUSHALL")
    for count in ("9223372036854775807", "9223372036854775808", "-9223372036854775808", "4611686018427387904"):
        pair.do("MSETEX", count, "a", "1")


def test_msetex_refuses_contradicting_options(pair: Pair) -> None:
    options = ["NX", "XX", "EX 10", "PX 10000", "EXAT 4102444800", "PXAT 4102444800000", "KEEPTTL", "GET", "PERSIST"]
    for first, second in itertools.product([*options, "IFEQ 1", "FOO", "EX"], repeat=2):
        pair.play(f"MSETEX 1 k v {first} {second}")
        pair.play("GET k")
        pair.within(1, "TTL", "k")
        pair.do("DEL", "k")
    pair.play("""
        MSETEX 1 k v nx ex 10
        MSETEX 1 k v EX 10 XX EX 20
        TTL k
        MSETEX 1 k v EX 0 FOO
        MSETEX 1 k v EX 0 NX
    """)


NUMBERS = (
    *("0", "-1", "abc", "", "1.5", " 1", "01", "9223372036854775807", "9223372036854775808"),
    *("-9223372036854775808", "9223372036854775", "9223372036854776", "9223370000000000"),
)


@pytest.mark.parametrize("option", ["EX", "PX", "EXAT", "PXAT"])
def test_msetex_with_bad_times(pair: Pair, option: str) -> None:
    pair.do("SET", "k", "v")
    for number in NUMBERS:
        pair.do("MSETEX", "2", "k", "w", "l", "w", option, number)
        pair.do("MSETEX", "2", "k", "w", "l", "w", "NX", option, number)
        pair.do("MSETEX", "1", "l", "w", option, number, "XX")
        pair.do("MGET", "k", "l")
        pair.do("EXISTS", "k", "l")


def test_msetex_in_the_past(pair: Pair) -> None:
    pair.play("""
        SET a old
        MSETEX 2 a 1 b 2 EXAT 1
        EXISTS a b
        MSETEX 2 a 1 b 2 PXAT 1 NX
        MSETEX 2 a 1 b 2 NX
        MSETEX 2 a 1 b 2 XX PXAT 1
        MGET a b
        DBSIZE
    """)


def test_a_transaction_is_broken_by_any_of_the_keys(pair: Pair) -> None:
    other = pair.second()
    for changing in (
        ("MSET", "a", "1", "b", "2"),
        ("MSETEX", "2", "a", "1", "b", "2"),
        ("MSETNX", "a", "1", "b", "2"),
        ("MSETEX", "2", "a", "1", "b", "2", "XX"),
        ("MGET", "a", "b"),
    ):
        pair.do("FLUSHALL")
        pair.do("WATCH", "b")
        other.do(*changing)
        pair.do("MULTI")
        pair.do("PING")
        pair.do("EXEC")


def test_encodings(pair: Pair) -> None:
    for value in ("1", "01", "short", "x" * 112, "x" * 113, "x" * 114, "9223372036854775808"):
        pair.do("MSET", "k", value)
        pair.do("OBJECT", "ENCODING", "k")
        pair.do("MSETEX", "1", "k", value, "EX", "100")
        pair.do("OBJECT", "ENCODING", "k")
        pair.do("MSETEX", "1", "k", value, "KEEPTTL")
        pair.do("OBJECT", "ENCODING", "k")
        pair.do("DEL", "k")
        pair.do("MSETNX", "k", value)
        pair.do("OBJECT", "ENCODING", "k")
