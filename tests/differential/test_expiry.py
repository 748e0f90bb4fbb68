"""TTL, PTTL, EXPIRETIME, PEXPIRETIME, EXPIRE and its kin with NX, XX, GT and LT, PERSIST."""

from __future__ import annotations

import itertools

import pytest
from tests.differential.pair import Pair
from tests.differential.wire import encode

SETTERS = ("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT")
NUMBERS = (
    *("0", "-1", "1.5", "abc", "", " 1", "1 ", "+1", "01", "1e3", "99999999999999999999"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
    *("9223372036854775", "9223372036854776", "-9223372036854775", "-9223372036854776", "9223370000000000"),
)
FLAGS = ("NX", "XX", "GT", "LT")
# An hour and a day from now, in what each command counts: far enough apart that the moment of sending does not matter.
SPANS = {
    "EXPIRE": ("3600", "86400"),
    "PEXPIRE": ("3600000", "86400000"),
    "EXPIREAT": ("4102444800", "4102531200"),
    "PEXPIREAT": ("4102444800000", "4102531200000"),
}


def look(pair: Pair, key: str = "k") -> None:
    pair.within(1, "TTL", key)
    pair.within(200, "PTTL", key)
    pair.within(1, "EXPIRETIME", key)
    pair.within(200, "PEXPIRETIME", key)


@pytest.mark.parametrize("name", SETTERS)
def test_setting_and_reading(pair: Pair, name: str) -> None:
    look(pair)
    pair.do(name, "k", SPANS[name][0])
    pair.do("SET", "k", "v")
    look(pair)
    pair.do(name, "k", SPANS[name][0])
    look(pair)
    pair.do(name.lower(), "k", SPANS[name][1])
    look(pair)
    pair.do("PERSIST", "k")
    pair.do("PERSIST", "k")
    pair.do("PERSIST", "missing")
    look(pair)


@pytest.mark.parametrize("name", SETTERS)
def test_bad_times(pair: Pair, name: str) -> None:
    for number in NUMBERS:
        pair.do("SET", "k", "v")
        pair.do(name, "k", number)
        pair.do("EXISTS", "k")
        look(pair)
        pair.do(name, "missing", number)
        pair.do(name, "k", number, "NX", "XX")
        pair.do(name, "k", number, "FOO")


@pytest.mark.parametrize("name", SETTERS)
def test_conditions(pair: Pair, name: str) -> None:
    sooner, later = SPANS[name]
    for flags in (
        *((flag,) for flag in FLAGS),
        ("XX", "GT"),
        ("LT", "XX"),
        ("xx", "lt"),
        ("GT", "GT"),
        ("XX", "XX", "GT"),
    ):
        for before in (None, sooner, later):
            for number in (sooner, later, "1" if name.endswith("AT") else "-1"):
                pair.do("SET", "k", "v")
                if before is not None and before != number:
                    pair.do(name, "k", before)
                pair.do(name, "k", number, *flags)
                look(pair)
        pair.do(name, "missing", sooner, *flags)


@pytest.mark.parametrize("name", SETTERS)
def test_every_pair_of_conditions(pair: Pair, name: str) -> None:
    sooner, later = SPANS[name]
    for flags in itertools.product((*FLAGS, "FOO", ""), repeat=2):
        pair.do("SET", "k", "v")
        pair.do(name, "k", later)
        pair.do(name, "k", sooner, *flags)
        look(pair)
        pair.do(name, "missing", sooner, *flags)
        pair.do(name, "missing", "abc", *flags)
    pair.do(name, "k", sooner, "NX", "GT", "LT")
    pair.do(name, "k", sooner, "GT", "LT", "XX", "NX")


@pytest.mark.parametrize("name", ["EXPIREAT", "PEXPIREAT"])
def test_an_equal_deadline_is_neither_greater_nor_less(pair: Pair, name: str) -> None:
    number = SPANS[name][0]
    pair.do("SET", "k", "v")
    pair.do(name, "k", number)
    for flag in FLAGS:
        pair.do(name, "k", number, flag)


@pytest.mark.parametrize("fill", ["SET k v", "HSET k f v", "ZADD k 1 a"])
def test_past_deadlines_delete(pair: Pair, fill: str) -> None:
    for line in (
        "EXPIRE k 0",
        "EXPIRE k -1",
        "PEXPIRE k -1",
        "EXPIREAT k 1",
        "PEXPIREAT k 1",
        "EXPIREAT k 0",
        "EXPIREAT k -5",
    ):
        pair.play(f"{fill}\n{line}\nEXISTS k\nTYPE k\nDBSIZE\nTTL k\n{line}")


def test_an_expired_key_is_missing_to_every_command(pair: Pair) -> None:
    reads = ("GET k", "EXISTS k", "TYPE k", "TTL k", "PTTL k", "EXPIRETIME k", "PEXPIRETIME k", "OBJECT ENCODING k")
    for line in (
        *reads,
        *("DEL k", "PERSIST k", "EXPIRE k 100", "INCR k", "APPEND k x", "SET k w XX", "SET k w NX", "SET k w GET"),
        *(
            "SET k w KEEPTTL",
            "SET k w IFEQ 1",
            "HSET k f v",
            "ZADD k 1 a",
            "ZADD k XX 1 a",
            "HGETALL k",
            "ZRANGE k 0 -1",
        ),
    ):
        pair.do("SET", "k", "1", "PX", "1")
        pair.silent(0.003)
        pair.play(line)
        pair.do("TYPE", "k")
        pair.do("TTL", "k")
        pair.do("DEL", "k")


def test_active_expiry_removes_unread_keys(pair: Pair) -> None:
    for number in range(200):
        pair.do("SET", f"k{number}", "v", "PX", "5")
    pair.do("SET", "stays", "v", "PX", "1000000")
    for wait in range(100):
        pair.silent(0.03)
        theirs, ours = pair.both("DBSIZE")
        if theirs.raw == ours.raw == b":1\r\n":
            break
        assert wait < 99, (theirs, ours)
    pair.do("EXISTS", "stays")


def test_debug_set_active_expire(pair: Pair) -> None:
    pair.needs("DEBUG")
    pair.play("""
        DEBUG SET-ACTIVE-EXPIRE
        DEBUG SET-ACTIVE-EXPIRE 0 0
        DEBUG NOSUCH
        DEBUG
    """)
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    try:
        pair.do("SET", "k", "v", "PX", "1")
        pair.do("SET", "l", "v", "PX", "1")
        pair.silent(0.2)
        pair.do("DBSIZE")
        pair.do("GET", "k")
        pair.do("DBSIZE")
    finally:
        pair.do("debug", "set-active-expire", "1")


def test_changes_that_keep_the_time_to_live(pair: Pair) -> None:
    pair.play("""
        HSET h f v
        EXPIRE h 1000
        HSET h g v
        HDEL h f
        TTL h
        ZADD z 1 a
        EXPIRE z 1000
        ZADD z 2 b
        ZREM z a
        TTL z
        HDEL h g
        HSET h f v
        TTL h
        ZREM z b
        ZADD z 1 a
        TTL z
    """)
    # The turn to the larger encoding keeps it too.
    pair.do("EXPIRE", "h", "1000")
    pair.do("HSET", "h", "f", "v" * 100)
    look(pair, "h")
    pair.do("EXPIRE", "z", "1000")
    pair.do("ZADD", "z", "1", "m" * 100)
    look(pair, "z")


@pytest.mark.parametrize("at_ms", [4102444800000, 4102444800499, 4102444800500, 4102444800999])
def test_seconds_are_rounded_half_up(pair: Pair, at_ms: int) -> None:
    pair.do("SET", "k", "v", "PXAT", at_ms)
    pair.do("EXPIRETIME", "k")
    pair.do("PEXPIRETIME", "k")


@pytest.mark.parametrize("filters", ["", "MATCH e1*", "MATCH *", "TYPE hash", "TYPE string", "TYPE string MATCH e2*"])
def test_scan_deletes_of_what_has_ended_only_what_it_looks_for(pair: Pair, filters: str) -> None:
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    try:
        for n in range(30):
            pair.do("SET", f"e{n}", "v", "PX", "1")
        for n in range(3):
            pair.do("HSET", f"h{n}", "f", "v")
        # The last one set is the last one to end.
        for wire in (pair.theirs, pair.ours):
            while True:
                wire.send(encode(("EXISTS", "e29")))
                if wire.read().integer == 0:
                    break
        theirs, ours = pair.both("SCAN", "0", "COUNT", "1000", *filters.split())
        assert sorted(item.raw for item in ours.items[1].items) == sorted(item.raw for item in theirs.items[1].items)
        pair.do("DBSIZE")
    finally:
        pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")
