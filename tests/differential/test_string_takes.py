"""SETNX, SETEX, PSETEX, GETSET, GETDEL, GETEX, DELIFEQ."""

from __future__ import annotations

import itertools

import pytest
from tests.differential.pair import Pair


def test_setnx_setex_psetex(pair: Pair) -> None:
    pair.play("""
        SETNX k v
        SETNX k w
        GET k
        ZADD z 1 m
        SETNX z v
        TYPE z
        SETEX k 100 x
        TTL k
        SETNX k y
        TTL k
        PSETEX k 100000 y
        TTL k
        GET k
        SETEX z 100 v
        TYPE z
        PSETEX new 200000 v
        TTL new
        SETNX k
        SETEX k 10
        PSETEX k 10 v w
        OBJECT ENCODING k
        SETEX n 100 12
        OBJECT ENCODING n
        SET old v PX 1
        DEBUG SLEEP 0.01
        SETNX old new
        GET old
        TTL old
    """)


NUMBERS = (
    *("0", "-1", "abc", "", "1.5", " 1", "1 ", "+1", "01", "9223372036854775807", "9223372036854775808"),
    *("-9223372036854775808", "9223372036854775", "9223372036854776", "9223370000000000", "99999999999999999999"),
)


@pytest.mark.parametrize("name", ["SETEX", "PSETEX"])
def test_bad_times(pair: Pair, name: str) -> None:
    pair.do("SET", "k", "v")
    pair.do("ZADD", "z", "1", "m")
    for number in NUMBERS:
        pair.do(name, "k", number, "w")
        pair.do(name, "z", number, "w")
        pair.do("GET", "k")
        pair.do("TYPE", "z")


def test_getset(pair: Pair) -> None:
    pair.play("""
        GETSET k v
        GETSET k w
        GET k
        SET k v EX 100
        GETSET k ""
        TTL k
        GET k
        ZADD z 1 m
        GETSET z v
        TYPE z
        SET n 1
        GETSET n 2
        OBJECT ENCODING n
        INCR n
        GETSET k
        GETSET k a b
    """)


def test_getdel(pair: Pair) -> None:
    pair.play("""
        GETDEL k
        SET k v EX 100
        GETDEL k
        EXISTS k
        ZADD z 1 m
        GETDEL z
        EXISTS z
        SET n 12
        APPEND n 3
        GETDEL n
        GETDEL n
        GETDEL
        GETDEL a b
        DBSIZE
    """)
    pair.do("SET", "long", "x" * 5000)
    pair.do("APPEND", "long", "y")
    pair.do("GETDEL", "long")
    pair.do("EXISTS", "long")


def test_delifeq(pair: Pair) -> None:
    pair.play("""
        DELIFEQ k v
        SET k v
        DELIFEQ k w
        DELIFEQ k vv
        DELIFEQ k ""
        DELIFEQ k v
        EXISTS k
        SET k ""
        DELIFEQ k ""
        SET n 10
        DELIFEQ n 010
        DELIFEQ n 10
        ZADD z 1 m
        DELIFEQ z m
        DELIFEQ z
        DELIFEQ z m n
        SET k v EX 100
        DELIFEQ k v
        DBSIZE
    """)
    for length in (199, 255, 300, 5000):
        pair.do("SET", "long", "x" * length)
        pair.do("APPEND", "long", "y")
        pair.do("DELIFEQ", "long", "x" * length + "z")
        pair.do("DELIFEQ", "long", "x" * length + "y")


OPTIONS = ["EX 10", "PX 10000", "EXAT 4102444800", "PXAT 4102444800000", "PERSIST"]


@pytest.mark.parametrize("before", ["nothing", "string", "volatile", "zset"])
def test_getex(pair: Pair, before: str) -> None:
    for option in ["", *OPTIONS, "EXAT 1", "PXAT 1", "persist", "ex 10"]:
        pair.do("DEL", "k")
        if before == "string":
            pair.do("SET", "k", "v")
        elif before == "volatile":
            pair.do("SET", "k", "v", "EX", "1000")
        elif before == "zset":
            pair.do("ZADD", "k", "1", "m")
        pair.play(f"GETEX k {option}")
        pair.within(1, "TTL", "k")
        pair.do("EXISTS", "k")


def test_getex_refuses_contradicting_options(pair: Pair) -> None:
    for first, second in itertools.product([*OPTIONS, "KEEPTTL", "NX", "XX", "GET", "IFEQ v", "FOO", "10"], repeat=2):
        pair.play("SET k v")
        pair.play(f"GETEX k {first} {second}")
        pair.within(1, "TTL", "k")
    pair.play("""
        ZADD z 1 m
        GETEX z FOO
        GETEX z EX
        GETEX z EX 0
        GETEX z EX abc
        GETEX missing FOO
        GETEX missing EX
        GETEX missing EX 0
        GETEX missing PX abc FOO
        GETEX k EX 10 EX 20
        TTL k
        GETEX k PERSIST PERSIST
        TTL k
        GETEX
    """)


@pytest.mark.parametrize("option", ["EX", "PX", "EXAT", "PXAT"])
def test_getex_with_bad_times(pair: Pair, option: str) -> None:
    for number in NUMBERS:
        pair.do("SET", "k", "v")
        pair.do("GETEX", "k", option, number)
        pair.do("EXISTS", "k")
        pair.do("GETEX", "missing", option, number)


def test_getex_reads_a_buffer(pair: Pair) -> None:
    pair.do("SET", "k", "x" * 5000)
    pair.do("APPEND", "k", "y")
    pair.do("GETEX", "k", "EX", "100")
    pair.do("GETEX", "k", "PERSIST")
    pair.do("GETSET", "k", "z")
    pair.do("GET", "k")


def test_transactions_see_what_changes(pair: Pair) -> None:
    other = pair.second()
    for changing in (
        ("SETNX", "k", "v"),
        ("SETNX", "new", "v"),
        ("SETEX", "k", "100", "v"),
        ("GETSET", "k", "v"),
        ("GETDEL", "k"),
        ("GETDEL", "missing"),
        ("DELIFEQ", "k", "v"),
        ("DELIFEQ", "k", "other"),
        ("GETEX", "k"),
        ("GETEX", "k", "EX", "100"),
        ("GETEX", "k", "PERSIST"),
        ("GETEX", "k", "EXAT", "1"),
        ("SETRANGE", "k", "0", ""),
        ("SETRANGE", "k", "0", "v"),
    ):
        pair.do("FLUSHALL")
        pair.do("SET", "k", "v")
        pair.do("WATCH", "k", "new", "missing")
        other.do(*changing)
        pair.do("MULTI")
        pair.do("PING")
        pair.do("EXEC")
