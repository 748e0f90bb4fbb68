"""DEL, EXISTS, TYPE, SCAN, DBSIZE, FLUSHALL and FLUSHDB, OBJECT ENCODING."""

from __future__ import annotations

import pytest
from tests.differential.pair import Pair
from tests.differential.wire import Word, encode

FILL = """
    SET s 1
    HSET h f v
    ZADD z 1 a
    SET volatile v EX 1000
"""


def test_del_exists_type(pair: Pair) -> None:
    pair.play(
        FILL
        + """
        EXISTS s
        EXISTS s s s missing h
        TYPE s
        TYPE h
        TYPE z
        TYPE missing
        TYPE volatile
        DBSIZE
        DEL missing
        DEL s s
        DEL h z missing volatile
        DBSIZE
        EXISTS s h z
        DEL ""
        SET "" v
        EXISTS "" ""
        DEL "" ""
    """
    )


def test_a_value_that_became_empty_is_gone(pair: Pair) -> None:
    pair.play("""
        HSET h f v
        HDEL h f
        EXISTS h
        TYPE h
        ZADD z 1 a
        ZREM z a
        EXISTS z
        DBSIZE
        SET h now-a-string
        SET z now-a-string
    """)


def collect(pair: Pair, *options: Word) -> tuple[list[bytes], list[bytes]]:
    """All keys that a whole SCAN finds on either side, sorted."""
    found = []
    for wire in (pair.theirs, pair.ours):
        cursor: Word = "0"
        keys: set[bytes] = set()
        for _ in range(100_000):
            wire.send(encode(("SCAN", cursor, *options)))
            reply = wire.read()
            assert [item.kind for item in reply.items] == ["$", "*"], reply
            cursor = reply.items[0].text or b""
            keys.update(item.text or b"" for item in reply.items[1].items)
            if cursor == b"0":
                break
        else:
            raise AssertionError("SCAN does not end")
        found.append(sorted(keys))
    return found[0], found[1]


SCANS: tuple[tuple[Word, ...], ...] = (
    (),
    ("COUNT", "1"),
    ("COUNT", "1000"),
    ("MATCH", "*"),
    ("MATCH", "key:1*"),
    ("MATCH", "key:[0-3]?"),
    ("MATCH", "nothing*"),
    ("MATCH", "key:7"),
    ("TYPE", "string"),
    ("TYPE", "zset"),
    ("TYPE", "hash", "MATCH", "h*"),
    ("TYPE", "ZSET"),
    ("COUNT", "3", "TYPE", "string", "MATCH", "*5*"),
    ("count", "9223372036854775807"),
    ("MATCH", "*", "MATCH", "key:2*"),
)


def test_scan_finds_the_same_keys(pair: Pair) -> None:
    for number in range(300):
        pair.do("SET", f"key:{number}", number)
    pair.play(FILL)
    for options in SCANS:
        theirs, ours = collect(pair, *options)
        assert theirs == ours, options


def test_scan_of_nothing_and_its_errors(pair: Pair) -> None:
    pair.play("""
        SCAN 0
        SCAN 0 MATCH
        SCAN 0 COUNT
        SCAN 0 TYPE
        SCAN 0 FOO
        SCAN 0 COUNT 0
        SCAN 0 COUNT -1
        SCAN 0 COUNT abc
        SCAN 0 COUNT 1.5
        SCAN 0 COUNT ""
        SCAN 0 COUNT 9223372036854775808
        SCAN 0 NOVALUES
        SCAN 0 NOSCORES
        SCAN 0 TYPE nosuchtype
        SCAN 0 TYPE nosuchtype COUNT 0
        SCAN 0 COUNT 0 TYPE
        SCAN abc
        SCAN -1
        SCAN ""
        SCAN 1.5
        SCAN "0 "
        SCAN " 0"
        SCAN +0
        SCAN 18446744073709551616
        SCAN abc COUNT 0
        SCAN abc FOO
        SCAN 0 MATCH x MATCH y
    """)
    pair.shape("SCAN", "00")
    pair.shape("SCAN", "18446744073709551615")
    pair.play(FILL)
    pair.play("""
        SCAN 0 TYPE nosuchtype
        SCAN 0 COUNT 1000 MATCH [
        SCAN 0 COUNT 1000 MATCH "[^s]"
        SCAN 0 COUNT 1000 MATCH "\\\\s"
        SCAN 0 COUNT 1000 MATCH ""
    """)


def test_scan_leaves_out_what_has_expired(pair: Pair) -> None:
    pair.do("SET", "stays", "v")
    pair.do("SET", "goes", "v", "PX", "1")
    pair.silent(0.02)
    theirs, ours = collect(pair)
    assert theirs == ours == [b"stays"]


GLOBS = (
    "*",
    "?",
    "a*c",
    "a?c",
    "[abc]*",
    "[^a]*",
    "[a-c]?",
    "[c-a]?",
    "\\*",
    "a\\?c",
    "[",
    "[]",
    "[^]",
    "a[b",
    "**",
    "a**c",
    "*?*",
)


def test_glob_patterns(pair: Pair) -> None:
    for key in (
        "a",
        "b",
        "c",
        "abc",
        "aXc",
        "a*c",
        "a?c",
        "*",
        "?",
        "[",
        "]",
        "^",
        "-",
        "ab",
        "bc",
        "",
        "a[b",
        "\\",
        "a]",
        "A",
    ):
        pair.do("SET", key, "v")
    for pattern in (
        *GLOBS,
        "[\\]]",
        "[^\\]]",
        "[a-",
        "[a-]",
        "[\\",
        "\\",
        "a\\",
        "[!a]",
        "[[]",
        "[]-a]",
        "*]",
        "a*b*c*",
        "\\a\\b",
    ):
        theirs, ours = collect(pair, "MATCH", pattern)
        assert theirs == ours, pattern


def test_glob_ranges_of_bytes_from_128_on(pair: Pair) -> None:
    for byte in (0x00, 0x41, 0x61, 0x7F, 0x80, 0xC3, 0xFF):
        pair.do("SET", bytes((byte,)), "v")
    for pattern in (
        b"[\x80-\xff]",
        b"[\xff-\x80]",
        b"[\x00-\x7f]",
        b"[^\x80-\xfe]",
        b"[a-\x7f]",
        b"[\xff]",
        b"?",
        b"\xc3",
    ):
        pair.unordered("KEYS", pattern)
    assert len(pair.differs("glob-bytes-from-128", "KEYS", b"[\x00-\xff]").items) == 7
    assert len(pair.differs("glob-bytes-from-128", "KEYS", b"[\xff-A]").items) == 6


@pytest.mark.parametrize("name", ["FLUSHALL", "FLUSHDB"])
def test_flushes(pair: Pair, name: str) -> None:
    for option in ((), ("SYNC",), ("ASYNC",), ("async",), ("FOO",), ("SYNC", "ASYNC"), ("",), ("SYNC", "SYNC")):
        pair.play(FILL)
        pair.do("SELECT", "3")
        pair.do("SET", "elsewhere", "v")
        pair.do(name, *option)
        pair.do("DBSIZE")
        pair.do("SELECT", "0")
        pair.do("DBSIZE")
        pair.do("GET", "volatile")
    pair.do("FLUSHALL")
    pair.do("DBSIZE")


# ---- encodings


def encoding(pair: Pair, key: Word = "k") -> None:
    pair.do("OBJECT", "ENCODING", key)


def test_object_encoding_of_strings(pair: Pair) -> None:
    for value in ("1", "-1", "0", "01", "-0", "", "1.5", "abc", "9223372036854775807", "9223372036854775808", "1 "):
        pair.do("SET", "k", value)
        encoding(pair)
    for key_length in (1, 2, 20, 30, 31, 32, 33, 50, 90):
        key = "k" * key_length
        for length in range(105 - key_length, 118 - key_length):
            if length > 0:
                pair.do("SET", key, "v" * length)
                encoding(pair, key)
                pair.do("SET", key, "w" * length, "EX", "1000")
                encoding(pair, key)
                pair.do("SET", key, "w" * length, "KEEPTTL")
                encoding(pair, key)
                pair.do("SET", key, "w" * length)
                encoding(pair, key)
                pair.do("DEL", key)


def test_object_encoding_of_strings_changed_in_place(pair: Pair) -> None:
    pair.play("""
        SET k 123
        APPEND k 4
        OBJECT ENCODING k
        INCR k
        OBJECT ENCODING k
        INCRBYFLOAT k 0
        OBJECT ENCODING k
        INCRBY k 1
        OBJECT ENCODING k
        APPEND k ""
        OBJECT ENCODING k
        APPEND new 5
        OBJECT ENCODING new
        APPEND new 6
        OBJECT ENCODING new
        APPEND empty ""
        OBJECT ENCODING empty
        SET empty2 ""
        APPEND empty2 5
        OBJECT ENCODING empty2
        SET k 5 GET
        OBJECT ENCODING k
        EXPIRE k 100
        OBJECT ENCODING k
        PERSIST k
        OBJECT ENCODING k
        SET e abc
        EXPIRE e 100
        OBJECT ENCODING e
    """)


def test_object_encoding_of_hashes(pair: Pair) -> None:
    for length in (63, 64, 65):
        pair.do("HSET", f"field{length}", "f" * length, "v")
        encoding(pair, f"field{length}")
        pair.do("HSET", f"value{length}", "f", "v" * length)
        encoding(pair, f"value{length}")
    pair.play("""
        HSET value65 f short
        OBJECT ENCODING value65
        HDEL value65 nothing
        OBJECT ENCODING value65
    """)
    for count in (511, 512, 513):
        words = [word for at in range(count) for word in (f"f{at}", "v")]
        pair.do("HSET", f"at-once{count}", *words)
        encoding(pair, f"at-once{count}")
        for at in range(count):
            pair.do("HSET", f"singly{count}", f"f{at}", "v")
        encoding(pair, f"singly{count}")
        same = [word for _ in range(count) for word in ("f", "v")]
        pair.do("HSET", f"same{count}", *same)
        encoding(pair, f"same{count}")
    for at in range(1, 513):
        pair.do("HDEL", "at-once513", f"f{at}")
    encoding(pair, "at-once513")
    pair.unordered("HGETALL", "at-once513", pairs=True)


def test_object_encoding_of_sorted_sets(pair: Pair) -> None:
    for length in (63, 64, 65):
        pair.do("ZADD", f"member{length}", "1", "m" * length)
        encoding(pair, f"member{length}")
    pair.do("ZADD", "kept-out", "1", "a")
    pair.do("ZADD", "kept-out", "XX", "1", "m" * 65)
    encoding(pair, "kept-out")
    pair.do("ZADD", "missing", "XX", "1", "m" * 65)
    encoding(pair, "missing")
    for count in (127, 128, 129):
        words = [word for at in range(count) for word in (at, f"m{at}")]
        pair.do("ZADD", f"at-once{count}", *words)
        encoding(pair, f"at-once{count}")
        for at in range(count):
            pair.do("ZADD", f"singly{count}", at, f"m{at}")
        encoding(pair, f"singly{count}")
        same = [word for at in range(count) for word in (at, "m")]
        pair.do("ZADD", f"same{count}", *same)
        encoding(pair, f"same{count}")
    for at in range(1, 129):
        pair.do("ZREM", "at-once129", f"m{at}")
    encoding(pair, "at-once129")
    pair.do("ZRANGE", "at-once129", "0", "-1", "WITHSCORES")


def test_object(pair: Pair) -> None:
    pair.play("""
        OBJECT ENCODING missing
        OBJECT
        OBJECT ENCODING
        OBJECT ENCODING a b
        OBJECT NOSUCH a
        OBJECT NOSUCH
        OBJECT "" a
        OBJECT encoding missing
        ObJeCt eNcOdInG missing
    """)


@pytest.mark.parametrize("directive", ["hash-max-listpack-entries", "hash-max-listpack-value"])
def test_limits_of_hashes_can_be_set(pair: Pair, directive: str) -> None:
    pair.do("HSET", "before", "f", "12345678")
    with pair.config(directive, 4):
        encoding(pair, "before")
        for at in range(6):
            pair.do("HSET", "k", f"f{at}", "v")
            encoding(pair)
        pair.do("HSET", "before", "g", "v")
        encoding(pair, "before")
        pair.do("HSET", "before", "g", "12345")
        encoding(pair, "before")
    encoding(pair)


@pytest.mark.parametrize("directive", ["zset-max-listpack-entries", "zset-max-listpack-value"])
def test_limits_of_sorted_sets_can_be_set(pair: Pair, directive: str) -> None:
    pair.do("ZADD", "before", "1", "12345678")
    with pair.config(directive, 4):
        encoding(pair, "before")
        for at in range(6):
            pair.do("ZADD", "k", at, f"m{at}")
            encoding(pair)
        pair.do("ZADD", "before", "1", "12345")
        encoding(pair, "before")
    encoding(pair)
