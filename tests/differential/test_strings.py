"""GET, SET with every option, the INCR family, APPEND."""

from __future__ import annotations

import itertools

import pytest
from tests.differential.pair import Pair

CONDITIONS = ((), ("NX",), ("XX",), ("IFEQ", "old"), ("IFEQ", "other"))
TIMES = ((), ("EX", "100"), ("PX", "100000"), ("EXAT", "4102444800"), ("PXAT", "4102444800000"), ("KEEPTTL",))
GETS = ((), ("GET",))


@pytest.mark.parametrize("before", ["nothing", "string", "volatile", "zset"])
def test_set_with_every_combination_of_options(pair: Pair, before: str) -> None:
    for condition, time, get in itertools.product(CONDITIONS, TIMES, GETS):
        pair.do("DEL", "k")
        if before == "string":
            pair.do("SET", "k", "old")
        elif before == "volatile":
            pair.do("SET", "k", "old", "EX", "1000")
        elif before == "zset":
            pair.do("ZADD", "k", "1", "a")
        for options in (condition + time + get, get + time + condition):
            pair.do("SET", "k", "new", *options)
            pair.do("TYPE", "k")
            pair.within(1, "TTL", "k")
        if before != "zset":
            pair.do("GET", "k")


def test_set_and_get(pair: Pair) -> None:
    pair.play(r"""
        GET k
        SET k v
        GET k
        SET k ""
        GET k
        SET "" empty
        GET ""
        set K lower
        gEt K
        GET k
        SET "\x00\r\n\xff" "\x00\r\n\xff"
        GET "\x00\r\n\xff"
        SET k v nx
        SET n v nx ex 100 get
        SET n w xx px 100000 get
        SET n w keepttl get
        SET n x xx get keepttl
        SET missing v XX GET
        SET missing v NX GET
        SET missing v2 NX GET
        GET missing
    """)


def test_set_clears_the_time_to_live(pair: Pair) -> None:
    pair.play("""
        SET k v EX 100
        TTL k
        SET k v
        TTL k
        SET k v EX 100
        SET k v KEEPTTL
        TTL k
        SET k v EX 100
        SET k v NX
        TTL k
        SET k w XX GET
        TTL k
        SET k w EX 100
        SET k x IFEQ w
        TTL k
        SET k w EX 100
        SET k x IFEQ w KEEPTTL
        TTL k
    """)


def test_set_over_another_type(pair: Pair) -> None:
    pair.play("""
        ZADD z 1 a
        SET z v NX
        SET z v GET
        SET z v IFEQ a
        SET z v NX GET
        SET z v XX GET
        SET z v KEEPTTL GET
        TYPE z
        SET z v XX
        TYPE z
        ZADD z2 1 a
        GET z2
        SET z2 v
        GET z2
        HSET h f v
        SET h v EX 10
        TYPE h
    """)


def test_set_refuses_contradicting_options(pair: Pair) -> None:
    options = ["NX", "XX", "IFEQ v", "GET", "EX 10", "PX 10000", "EXAT 4102444800", "PXAT 4102444800000", "KEEPTTL"]
    for first, second in itertools.product(options, repeat=2):
        pair.play("SET k v")
        pair.play(f"SET k v {first} {second}")
        pair.play("GET k")
        pair.within(1, "TTL", "k")
    for three in ("NX XX GET", "EX 10 PX 10 KEEPTTL", "IFEQ v NX GET", "GET GET GET"):
        pair.play(f"SET k v {three}")


def test_set_refuses_bad_options(pair: Pair) -> None:
    pair.play("""
        SET k v FOO
        SET k v EX
        SET k v PX
        SET k v EXAT
        SET k v PXAT
        SET k v IFEQ
        SET k v NX IFEQ
        SET k v ""
        SET k v EX 10 FOO
        SET k v FOO EX 0
        SET k v EX 0 FOO
        SET k v EX 0 NX XX
        SET k v KEEPTTL 10
        SET k v GET 10
        SET k v 10
        SET k v PERSIST
        SET k v IFNE x
        SET k v IFDEQ x
        GET k
    """)


NUMBERS = (
    *("0", "-1", "abc", "", "1.5", " 1", "1 ", "+1", "01", "1e3", "-0", "0x10", "nan"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
    *("9223372036854775", "9223372036854776", "9223370000000000", "99999999999999999999"),
)


@pytest.mark.parametrize("option", ["EX", "PX", "EXAT", "PXAT", "ex"])
def test_set_with_bad_times(pair: Pair, option: str) -> None:
    pair.do("SET", "k", "v")
    for number in NUMBERS:
        pair.do("SET", "k", "w", option, number)
        pair.do("SET", "k", "w", "NX", option, number)
        pair.do("SET", "missing", "w", "XX", "GET", option, number)
        pair.do("GET", "k")
    pair.do("EXISTS", "k", "missing")


def test_set_with_the_largest_times(pair: Pair) -> None:
    pair.play("""
        SET k v PXAT 9223372036854775807
        PEXPIRETIME k
        SET k v EXAT 9223372036854775
        EXPIRETIME k
        SET k v EX 9223370000000000
        EXISTS k
        SET k v PX 9223370000000000000
        EXISTS k
    """)


def test_set_in_the_past_deletes(pair: Pair) -> None:
    pair.play("""
        SET k v
        SET k w EXAT 1
        GET k
        EXISTS k
        DBSIZE
        SET k v
        SET k w PXAT 1 GET
        EXISTS k
        SET n w PXAT 1 NX
        EXISTS n
        SET n w EXAT 1
        DBSIZE
        TTL n
        SET k v
        SET k w XX EXAT 1
        DBSIZE
        SET k v
        SET k w IFEQ v EXAT 1
        DBSIZE
    """)


@pytest.mark.parametrize("protocol_word", ["v", "", "x" * 100])
def test_ifeq(pair: Pair, protocol_word: str) -> None:
    pair.do("SET", "k", "w", "IFEQ", protocol_word)
    pair.do("SET", "k", "w", "IFEQ", protocol_word, "GET")
    pair.do("EXISTS", "k")
    pair.do("SET", "k", protocol_word)
    pair.do("SET", "k", "w", "IFEQ", protocol_word + "x")
    pair.do("SET", "k", "w", "IFEQ", protocol_word + "x", "GET")
    pair.do("GET", "k")
    pair.do("SET", "k", "w", "IFEQ", protocol_word, "GET")
    pair.do("GET", "k")


def test_ifeq_compares_numbers_as_text(pair: Pair) -> None:
    pair.play("""
        SET k 10
        SET k 11 IFEQ 010
        SET k 11 IFEQ 10
        SET k 12 ifeq 11 get
        INCR k
        SET k x IFEQ 13
        GET k
    """)


STARTS = (
    *("0", "1", "-1", "10", "007", "+1", " 1", "1 ", "", "abc", "1.0", "1e2", "-0", "0x1", "1\n"),
    *("9223372036854775806", "9223372036854775807", "9223372036854775808"),
    *("-9223372036854775807", "-9223372036854775808", "-9223372036854775809", "1" * 40),
)


@pytest.mark.parametrize("start", STARTS)
def test_increments_of_every_start(pair: Pair, start: str) -> None:
    for name in ("INCR", "DECR"):
        pair.do("SET", "k", start)
        pair.do(name, "k")
        pair.do("GET", "k")
        pair.do("OBJECT", "ENCODING", "k")
    for step in STARTS:
        for name in ("INCRBY", "DECRBY"):
            pair.do("SET", "k", start)
            pair.do(name, "k", step)
            pair.do("GET", "k")
            pair.do("DEL", "k")
            pair.do(name, "k", step)
            pair.do("GET", "k")


def test_increments_keep_the_time_to_live_and_refuse_other_types(pair: Pair) -> None:
    pair.play("""
        SET k 1 EX 100
        INCR k
        TTL k
        INCRBY k 5
        DECR k
        DECRBY k 3
        INCRBYFLOAT k 0.5
        APPEND k 1
        TTL k
        GET k
        HSET h f 1
        INCR h
        DECR h
        INCRBY h 1
        DECRBY h 1
        INCRBYFLOAT h 1
        APPEND h 1
        INCRBY h abc
        DECRBY h abc
        INCRBYFLOAT h abc
        DECRBY k -9223372036854775808
        DECRBY new -9223372036854775808
        DECRBY h -9223372036854775808
        EXISTS new
    """)


FLOATS = (
    *("0", "1", "-1", "0.1", "-0.1", "3.0", "1.5", "1e3", "1e-5", "5e-20", "1e17", "1e18", "1e300", "1e308", "-1e308"),
    *("1.7976931348623157e308", "1e309", "1e4000", "1e4932", "1e5000", "inf", "-inf", "+inf", "nan", "infinity"),
    *("abc", "", " 1", "1 ", "0x10", "0x1p3", "1.", ".5", "-.5", ".", "+1", "1e", "1_000", "1,5", "-0", "-0.0"),
    *("9223372036854775807", "9223372036854775808", "18446744073709551616", "123456789012345678901234567890"),
    *("0.1234567890123456789012345", "3.14159265358979323846", "1" * 60, "1" * 300),
)


@pytest.mark.parametrize("start", FLOATS)
def test_incrbyfloat(pair: Pair, start: str) -> None:
    for step in FLOATS:
        pair.do("SET", "k", start)
        pair.do("INCRBYFLOAT", "k", step)
        pair.do("GET", "k")
    pair.do("DEL", "k")
    pair.do("INCRBYFLOAT", "k", start)
    pair.do("GET", "k")
    pair.do("OBJECT", "ENCODING", "k")


@pytest.mark.parametrize("digits", [120, 154, 200, 253])
def test_incrbyfloat_of_sums_that_just_do_not_fit_a_record(pair: Pair, digits: int) -> None:
    key = "k" * (254 - digits)
    for step in (f"1e{digits}", "1", f"-9e{digits - 1}", f"9e{digits - 1}", f"-99e{digits - 2}"):
        pair.do("INCRBYFLOAT", key, step)
        pair.do("GET", key)
        pair.do("STRLEN", key)


def test_incrbyfloat_in_steps(pair: Pair) -> None:
    for _ in range(30):
        pair.do("INCRBYFLOAT", "tenths", "0.1")
        pair.do("INCRBYFLOAT", "thirds", "0.3333333333333333333")
        pair.do("INCRBYFLOAT", "tenfold", "1e15")
    pair.play("""
        SET k 10.50
        INCRBYFLOAT k 0.1
        INCRBYFLOAT k -5
        SET k 5.0e3
        INCRBYFLOAT k 2.0e2
        SET k 3
        INCRBYFLOAT k 1.000
        INCR k
        INCRBYFLOAT k -4
        INCRBYFLOAT k -5
        GET k
    """)


def test_append(pair: Pair) -> None:
    pair.play(r"""
        APPEND k ""
        EXISTS k
        GET k
        APPEND k abc
        APPEND k "\x00\xff"
        APPEND k ""
        GET k
        SET n 12
        APPEND n 3
        GET n
        INCR n
        OBJECT ENCODING n
        APPEND n x
        INCR n
        ZADD z 1 a
        APPEND z ""
        APPEND z x
    """)
    for length in (1, 40, 100, 1000, 70_000, 1_000_000):
        pair.do("APPEND", "big", b"z" * length)
    pair.do("GET", "big")


def test_values_of_all_lengths(pair: Pair) -> None:
    for length in (*range(130), 200, 254, 255, 256, 257, 300, 4095, 16384, 65535, 65536, 65537, 1 << 20):
        value = bytes(at * 7 % 251 for at in range(length))
        pair.do("SET", "k", value)
        pair.do("GET", "k")
        pair.do("SET", value, "v")
        pair.do("GET", value)
        pair.do("OBJECT", "ENCODING", value)
    pair.do("DBSIZE")


def test_what_asks_of_a_large_string_whether_it_is_something(pair: Pair) -> None:
    large = "x" * 20000
    for change in ((), ("APPEND", "k", "y"), ("SETRANGE", "k", "5", "z")):
        text = large
        pair.do("SET", "k", large)
        if change:
            pair.do(*change)
            text = large + "y" if change[0] == "APPEND" else "xxxxxz" + large[6:]
        pair.do("INCRBYFLOAT", "k", "1")
        pair.do("INCR", "k")
        pair.do("DELIFEQ", "k", text[:-1])
        for expected in (text[:-1], text[:-1] + "?", text + "x", "", text):
            pair.do("SET", "k", "new", "IFEQ", expected)
            pair.do("GETRANGE", "k", 0, 9)
        pair.do("SET", "k", text)
        pair.do("DELIFEQ", "k", text)
    for digits in (5118, 5119, 5120, 6000):
        pair.do("SET", "k", "0" * (digits - 1) + "1")
        pair.do("INCRBYFLOAT", "k", "1")
    pair.do("ZADD", "z", "1", "m")
    pair.do("SET", "z", "v", "IFEQ", "m")
