"""SETBIT, GETBIT, BITCOUNT, BITPOS and BITOP, and what they leave behind."""

from __future__ import annotations

import itertools

import pytest
from tests.differential.pair import Pair

OFFSETS = ("0", "1", "7", "8", "9", "63", "64", "1000", "20000", "-1", "abc", "", "01", "1.0", "99999999999999999999")
RANGES = ("0", "1", "2", "5", "7", "8", "100", "-1", "-2", "-3", "-7", "-8", "-100", "9223372036854775807")
FAR = ("-9223372036854775808", "abc", "")
STRINGS = (
    b"",
    b"\x00",
    b"\xff",
    b"\x80",
    b"\x01",
    b"\x00\xff\xf0",
    b"\xff\xff\xff",
    b"\x00\x00\x00",
    b"foobar",
    b"12",
    b"\xff" * 40 + b"\x7f" + b"\x00" * 300,
    b"\x00" * 2000 + b"\x10",
)


def set_both(pair: Pair, key: str, data: bytes) -> None:
    """A string that was changed in place if it is long."""
    pair.do("SET", key, data[:1000])
    if data[1000:]:
        pair.do("APPEND", key, data[1000:])


@pytest.mark.parametrize("before", ["nothing", "integer", "short", "long", "zset"])
def test_setbit_and_getbit_at_every_kind_of_offset(pair: Pair, before: str) -> None:
    for offset, bit in itertools.product(OFFSETS, ("0", "1", "2", "-1", "abc", "", "01")):
        pair.do("DEL", "k")
        if before == "integer":
            pair.do("SET", "k", "12")
        elif before == "short":
            pair.do("SET", "k", "foobar", "EX", "1000")
        elif before == "long":
            pair.do("SET", "k", b"\xa5" * 1500)
        elif before == "zset":
            pair.do("ZADD", "k", "1", "a")
        pair.do("GETBIT", "k", offset)
        pair.do("SETBIT", "k", offset, bit)
        pair.do("GETBIT", "k", offset)
        pair.do("OBJECT", "ENCODING", "k")
        pair.do("GET", "k")
        pair.within(1, "TTL", "k")


def test_setbit_says_what_the_bit_was(pair: Pair) -> None:
    pair.play("""
        SETBIT k 7 1
        SETBIT k 7 1
        SETBIT k 7 0
        SETBIT k 7 0
        SETBIT k 100 0
        STRLEN k
        SETBIT k 100 1
        GET k
        SETBIT k 7
        SETBIT k
        SETBIT
        SETBIT k 1 1 1
        GETBIT k
        GETBIT
        GETBIT k 1 1
        GETBIT missing 4294967295
        GETBIT missing 4294967296
        SETBIT missing 4294967296 1
        EXISTS missing
    """)


def test_an_integer_or_short_string_is_raw_even_when_no_bit_changed(pair: Pair) -> None:
    pair.play("""
        SET n 12
        OBJECT ENCODING n
        SETBIT n 0 0
        OBJECT ENCODING n
        INCR n
        OBJECT ENCODING n
        SET s abc
        SETBIT s 0 0
        OBJECT ENCODING s
        SETBIT new 0 0
        OBJECT ENCODING new
        STRLEN new
    """)


def test_offsets_go_as_far_as_the_longest_string(pair: Pair) -> None:
    with pair.config("proto-max-bulk-len", "1048576"):
        pair.play("""
            SETBIT k 8388607 1
            STRLEN k
            SETBIT k 8388608 1
            GETBIT k 8388607
            GETBIT k 8388608
            BITFIELD k SET u8 8388607 1
            STRLEN k
            BITFIELD k SET u8 8388608 1
            BITFIELD k SET u8 0 1 SET u8 8388608 1
            BITFIELD k GET u8 #1048575 GET u8 #1048576
            BITFIELD k GET u8 #1048575
            BITFIELD_RO k GET u8 8388608
            BITCOUNT k
            BITPOS k 1
            BITPOS k 0 -1
            BITCOUNT k 1000000 -1 BIT
        """)


@pytest.mark.parametrize("data", STRINGS, ids=range(len(STRINGS)))
def test_bitcount_of_every_range(pair: Pair, data: bytes) -> None:
    set_both(pair, "k", data)
    for unit in ((), ("BYTE",), ("BIT",)):
        for start, end in itertools.product(RANGES, RANGES):
            pair.do("BITCOUNT", "k", start, end, *unit)
    for bound in (*RANGES, *FAR):
        pair.do("BITCOUNT", "k", bound)
        pair.do("BITCOUNT", "k", "0", bound)
        pair.do("BITCOUNT", "k", bound, "0", "bit")


@pytest.mark.parametrize("data", STRINGS, ids=range(len(STRINGS)))
def test_bitpos_in_every_range(pair: Pair, data: bytes) -> None:
    set_both(pair, "k", data)
    for bit in ("0", "1"):
        pair.do("BITPOS", "k", bit)
        for start in (*RANGES, *FAR):
            pair.do("BITPOS", "k", bit, start)
            pair.do("BITPOS", "k", bit, "0", start)
        for unit in ((), ("BYTE",), ("BIT",)):
            for start, end in itertools.product(RANGES, RANGES):
                pair.do("BITPOS", "k", bit, start, end, *unit)


@pytest.mark.parametrize("key", ["missing", "string", "zset"])
def test_complaints_of_bitcount_and_bitpos(pair: Pair, key: str) -> None:
    pair.do("SET", "string", "foobar")
    pair.do("ZADD", "zset", "1", "a")
    numbers = ("0", "-1", "abc", "")
    units = ("BYTE", "bit", "FOO", "")
    for words in ((), *itertools.product(numbers), *itertools.product(numbers, numbers)):
        pair.do("BITCOUNT", key, *words)
        for bit in ("0", "1", "2", "-1", "abc", ""):
            pair.do("BITPOS", key, bit, *words)
        for unit in units:
            pair.do("BITCOUNT", key, *words, unit)
            pair.do("BITPOS", key, "0", *words, unit)
            pair.do("BITPOS", key, "2", *words, unit)
            pair.do("BITCOUNT", key, *words, unit, "more")
            pair.do("BITPOS", key, "1", *words, unit, "more")
    pair.do("BITCOUNT")
    pair.do("BITPOS", key)


@pytest.mark.parametrize("word", ["AND", "OR", "XOR", "NOT", "and", "Not", "DIFF", "DIFF1", "ANDOR", "ONE", "", "NAND"])
def test_bitop(pair: Pair, word: str) -> None:
    for name, data in (("a", b"\xf0\x0f\xaa"), ("b", b"\x3c\x3c"), ("empty", b""), ("long", b"\xa5\x81" * 1500)):
        set_both(pair, name, data)
    pair.do("SET", "n", "12", "EX", "1000")
    pair.do("ZADD", "zset", "1", "m")
    sources = ("a", "b", "empty", "long", "n", "missing", "zset")
    for count in (1, 2, 3):
        for names in itertools.product(sources, repeat=count):
            if count < 3 or len(set(names)) > 1:
                pair.do("BITOP", word, "target", *names)
                pair.do("GET", "target")
    pair.do("OBJECT", "ENCODING", "target")
    pair.do("BITOP", word, "target")
    pair.do("BITOP", word)
    pair.do("BITOP")


def test_bitop_replaces_its_destination(pair: Pair) -> None:
    pair.play(r"""
        SET s foobar
        ZADD z 1 m
        BITOP NOT z s
        TYPE z
        GET z
        SET t old EX 1000
        BITOP OR t s
        TTL t
        SET s "\xff" EX 1000
        BITOP AND s s s
        TTL s
        GET s
        OBJECT ENCODING s
        BITOP XOR s s s
        GET s
        BITOP NOT s s
        GET s
        BITOP AND s missing
        EXISTS s
        BITOP AND s missing
        ZADD z2 1 m
        BITOP AND z2 missing
        EXISTS z2
        SET one 1
        BITOP OR digit one
        OBJECT ENCODING digit
        INCR digit
    """)


def test_long_strings_over_many_chunks(pair: Pair) -> None:
    for name, offset in (("a", "400000"), ("b", "262143"), ("c", "131072")):
        pair.do("SETBIT", name, offset, "1")
        pair.do("SETBIT", name, "5", "1")
    pair.play("""
        BITCOUNT a
        BITCOUNT a 1 -1
        BITCOUNT a 6 399999 BIT
        BITCOUNT a 6 400000 BIT
        BITPOS a 1
        BITPOS a 1 1
        BITPOS a 1 6 -1 BIT
        BITPOS a 1 6 399999 BIT
        BITPOS a 1 400000 -1 BIT
        BITPOS a 1 400001 -1 BIT
        BITOP NOT not a
        BITPOS not 0
        BITPOS not 0 1
        BITPOS not 0 6 -1 BIT
        BITPOS not 0 400001 -1 BIT
        BITPOS not 0 50001
        BITCOUNT not
        BITOP OR or a b c
        BITCOUNT or
        BITOP AND and a b c
        BITCOUNT and
        BITOP XOR xor a b c not
        BITCOUNT xor
        BITPOS xor 1 16384 -1
        BITPOS xor 1 16385 -1
        GET xor
    """)
    assert pair.do("STRLEN", "or").integer == 50001


def test_bits_in_a_transaction_that_is_watched(pair: Pair) -> None:
    other = pair.second()
    pair.do("SET", "k", "abc")
    for change in (("SETBIT", "k", "0", "0"), ("SETBIT", "k", "0", "1"), ("BITFIELD", "k", "GET", "u8", "0"),
                   ("BITFIELD", "k", "SET", "u8", "0", "225"), ("BITFIELD", "k", "SET", "u8", "0", "9"),
                   ("BITFIELD", "k", "OVERFLOW", "FAIL", "SET", "u8", "0", "999"),
                   ("BITFIELD", "k", "OVERFLOW", "FAIL", "SET", "u8", "100", "999"),
                   ("BITOP", "AND", "k", "missing"), ("BITOP", "AND", "k", "missing")):  # fmt: skip
        pair.do("WATCH", "k")
        other.do(*change)
        pair.do("MULTI")
        pair.do("GETBIT", "k", "0")
        pair.do("BITCOUNT", "k")
        pair.do("EXEC")
