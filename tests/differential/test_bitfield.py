"""BITFIELD and BITFIELD_RO: every width, overflow, and complaint."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from tests.differential.pair import Pair

TYPES = ("u1", "u7", "u8", "u13", "u32", "u62", "u63", "i1", "i2", "i7", "i8", "i13", "i33", "i63", "i64")
NO_TYPES = (
    "u0",
    "u64",
    "i0",
    "i65",
    "x8",
    "U8",
    "I8",
    "u08",
    "u+8",
    "u-8",
    "u",
    "",
    "8",
    "u8 ",
    "u99999999999999999999",
)
OFFSETS = ("0", "1", "7", "8", "13", "#0", "#1", "#3")
NO_OFFSETS = (
    "-1", "", "#", "#-1", "#a", "##1", "abc", "01", "4294967296", "#4294967296", "#9223372036854775807",
    "#-9223372036854775808", "99999999999999999999", "# 1",
)  # fmt: skip
NUMBERS = (
    "0", "1", "-1", "2", "-2", "127", "128", "-128", "-129", "255", "256", "300", "-300", "4611686018427387904",
    "9223372036854775807", "-9223372036854775808",
)  # fmt: skip
OVERFLOWS = ((), ("OVERFLOW", "WRAP"), ("OVERFLOW", "SAT"), ("OVERFLOW", "FAIL"))


@pytest.mark.parametrize("type_", TYPES)
def test_every_number_in_every_width(pair: Pair, type_: str) -> None:
    for overflow, number in itertools.product(OVERFLOWS, NUMBERS):
        pair.do("BITFIELD", "k", *overflow, "SET", type_, "5", number, "GET", type_, "5", "GET", "u63", "0")
        pair.do("BITFIELD", "k", *overflow, "INCRBY", type_, "5", number, "INCRBY", type_, "#2", number)
        pair.do("GET", "k")


@pytest.mark.parametrize("offset", OFFSETS)
def test_every_width_at_every_offset(pair: Pair, offset: str) -> None:
    for type_ in TYPES:
        pair.do("SET", "k", b"\xa5\x3c\x81")
        pair.do("BITFIELD", "k", "GET", type_, offset)
        pair.do("BITFIELD_RO", "k", "GET", type_, offset, "GET", "i64", "64")
        pair.do("BITFIELD", "k", "SET", type_, offset, "1", "INCRBY", type_, offset, "-3")
        pair.do("GET", "k")
        pair.do("BITFIELD", "new", "GET", type_, offset, "SET", type_, offset, "-1", "GET", "u16", "3")
        pair.do("GET", "new")
        pair.do("DEL", "new")


@pytest.mark.parametrize("key", ["missing", "string", "zset"])
def test_complaints(pair: Pair, key: str) -> None:
    pair.do("SET", "string", "12")
    pair.do("ZADD", "zset", "1", "a")
    for name in ("BITFIELD", "BITFIELD_RO"):
        for type_ in NO_TYPES:
            pair.do(name, key, "GET", type_, "0")
            pair.do(name, key, "SET", type_, "abc", "abc")
        for offset in NO_OFFSETS:
            pair.do(name, key, "GET", "u8", offset)
            pair.do(name, key, "GET", "i64", offset)
            pair.do(name, key, "INCRBY", "u8", offset, "abc")
        for number in ("", "abc", "1.0", "9223372036854775808", "01"):
            pair.do(name, key, "SET", "u8", "0", number)
            pair.do(name, key, "GET", "u8", "0", "INCRBY", "u8", "0", number)
        for line in (
            "", "GET", "GET u8", "GET u8 0", "SET u8 0", "SET u8 0 1 2", "INCRBY u8 0", "OVERFLOW", "OVERFLOW FOO",
            "OVERFLOW FAIL", "OVERFLOW fail get u8 0", "FOO", "FOO u8 0", "get u8 #0 set u8 #1 5 incrby u8 8 1",
            "GET u8 0 SET u8 0 1 FOO", "SET u8 0 1 OVERFLOW NONE", "GET u8 0 OVERFLOW", "OVERFLOW WRAP OVERFLOW SAT",
        ):  # fmt: skip
            pair.do(name, key, *line.split())
        pair.do(name, key, "GET", "i64", "#1152921504606846976")
        pair.do(name)
    pair.do("OBJECT", "ENCODING", key)
    pair.do("EXISTS", key)


def test_what_is_left_behind(pair: Pair) -> None:
    pair.play(r"""
        SET n 12 EX 1000
        BITFIELD n GET u8 0
        OBJECT ENCODING n
        BITFIELD n SET u8 0 49
        OBJECT ENCODING n
        GET n
        TTL n
        SET n 12
        BITFIELD n OVERFLOW FAIL INCRBY u8 0 300
        OBJECT ENCODING n
        BITFIELD made OVERFLOW FAIL INCRBY u8 8 300
        STRLEN made
        OBJECT ENCODING made
        BITFIELD made OVERFLOW FAIL SET u8 80 300 GET u8 80
        STRLEN made
        BITFIELD none GET u8 100
        EXISTS none
        BITFIELD long SET u8 #3000 1 INCRBY i5 24001 -1 GET u32 23990
        STRLEN long
        BITFIELD long SET i64 4 -2 GET i64 0
        OBJECT ENCODING long
    """)


def test_random_fields_of_one_string(pair: Pair) -> None:
    random = Random(5)
    for _ in range(300):
        words: list[str] = []
        for _ in range(random.randrange(1, 6)):
            type_ = random.choice("iu") + str(random.randrange(1, 64))
            offset = random.choice(("", "#")) + str(random.randrange(0, 40))
            number = str(random.choice((-1, 1)) * random.getrandbits(random.randrange(1, 64)))
            words += random.choice(OVERFLOWS)
            words += random.choice(
                (["GET", type_, offset], ["SET", type_, offset, number], ["INCRBY", type_, offset, number])
            )
        pair.do("BITFIELD", "k", *words)
    pair.do("GET", "k")
