"""DEBUG: the subcommands that test suites use."""

from __future__ import annotations

import pytest
from tests.differential.pair import Pair

TYPES = (
    "string", "integer", "double", "bignum", "null", "array", "set", "map", "attrib", "push", "verbatim", "true",
    "false", "nosuch", "MAP",
)  # fmt: skip


def test_errors(pair: Pair) -> None:
    pair.play("""
        DEBUG
        DEBUG NOSUCH
        DEBUG nosuch with words
        DEBUG JMAP
        DEBUG STRINGMATCH-LEN 10 *
        DEBUG SLEEP
        DEBUG SLEEP 0 0
        DEBUG SLEEP x
        DEBUG SLEEP -1
        DEBUG SLEEP 0
        DEBUG SET-ACTIVE-EXPIRE
        DEBUG SET-ACTIVE-EXPIRE 1 1
        DEBUG SET-ACTIVE-EXPIRE x
        DEBUG SET-ACTIVE-EXPIRE 1
        DEBUG PAUSE-CRON 1
        DEBUG PAUSE-CRON 0
        DEBUG PAUSE-CRON
        DEBUG OBJECT
        DEBUG OBJECT nokey
        DEBUG OBJECT nokey fast
        DEBUG OBJECT nokey fast more
        DEBUG LISTPACK
        DEBUG LISTPACK nokey
        DEBUG SDSLEN nokey
        DEBUG HTSTATS
        DEBUG HTSTATS x
        DEBUG HTSTATS -1
        DEBUG HTSTATS 16
        DEBUG HTSTATS-KEY nokey
        DEBUG LOG
        DEBUG LOG "a message"
        DEBUG LOG a message
        DEBUG ERROR
        DEBUG ERROR "LOADING not really"
        DEBUG ERROR ""
        DEBUG ERROR "two\\r\\nlines"
        DEBUG ERROR a b
        DEBUG DIGEST x
        DEBUG DIGEST-VALUE
        DEBUG CHANGE-REPL-ID
        DEBUG CHANGE-REPL-ID x
        DEBUG HELP x
    """)
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


@pytest.mark.parametrize("type", TYPES)
def test_protocol(pair: Pair, type: str) -> None:
    if type == "push" and pair.protocol == 3:
        pair.raw(b"*3\r\n$5\r\nDEBUG\r\n$8\r\nPROTOCOL\r\n$4\r\npush\r\n")
    else:
        pair.do("DEBUG", "PROTOCOL", type)
    pair.do("PING")


def test_populate(pair: Pair) -> None:
    pair.do("SET", "key:1", "kept")
    pair.play("""
        DEBUG POPULATE
        DEBUG POPULATE x
        DEBUG POPULATE -1
        DEBUG POPULATE 01
        DEBUG POPULATE 5 p -1
        DEBUG POPULATE 5 p x
        DEBUG POPULATE 5 p 1 x
        DEBUG POPULATE 0
        DEBUG POPULATE 3
        GET key:0
        GET key:1
        GET key:2
        EXISTS key:3
        DEBUG POPULATE 2 short 3
        GET short:1
        DEBUG POPULATE 2 long 300
        GET long:1
        DEBUG POPULATE 2 plain 0
        GET plain:0
        DEBUG POPULATE 1 "" 5
        GET :0
        DBSIZE
        DEBUG DIGEST
    """)


def test_digests_are_those_of_the_reference(pair: Pair) -> None:
    pair.do("DEBUG", "DIGEST")
    pair.do("SET", "s", "value")
    pair.do("SET", "n", "12345")
    pair.do("SET", "empty", "")
    pair.do("SET", "long", "x" * 5000)
    pair.do("SET", "timed", "v", "EX", "1000")
    pair.do("HSET", "h", "f", "v", "g", "w", "n", "17")
    pair.do("ZADD", "z", "1", "a", "1.5", "b", "-inf", "c", "3e300", "d", "0.1", "e")
    for n in range(300):
        pair.do("HSET", "large-hash", f"field {n}", "v" * (n % 80))
        pair.do("ZADD", "large-zset", n / 7, f"member {n}")  # type: ignore[arg-type]
    pair.do("EXPIRE", "large-hash", "1000")
    keys = ("s", "n", "empty", "long", "timed", "h", "z", "large-hash", "large-zset")
    pair.do("DEBUG", "DIGEST-VALUE", *keys, "nokey")
    pair.do("DEBUG", "DIGEST")
    pair.do("SELECT", "3")
    pair.do("SET", "s", "value")
    pair.do("DEBUG", "DIGEST")
    pair.do("DEBUG", "DIGEST-VALUE", "s", "h")
    pair.do("FLUSHALL")
    pair.do("DEBUG", "DIGEST")


def test_object(pair: Pair) -> None:
    own = rb"Value at:0x[0-9a-f]+|lru:\d+"
    pair.do("SET", "i", "12")
    pair.do("SET", "i2", "1234567")
    pair.do("SET", "i3", "12345678901234")
    pair.do("SET", "s", "short")
    pair.do("HSET", "h", "f", "v")
    pair.do("HSET", "h2", "f", "-5000", "g", "70000", "longer", "9223372036854775807", "x", "123", "y", "-1")
    pair.do("ZADD", "z", "1", "a")
    pair.do("ZADD", "z2", "1.5", "a", "300", "b", "-20000", "c")
    for key in ("i", "i2", "i3", "s", "h", "h2", "z", "z2"):
        pair.apart_from(own, "DEBUG", "OBJECT", key)
        pair.apart_from(own, "DEBUG", "OBJECT", key, "fast")
        pair.apart_from(own, "DEBUG", "OBJECT", key, "other")
    pair.do("DEBUG", "LISTPACK", "h")
    pair.do("DEBUG", "LISTPACK", "z")
    pair.do("DEBUG", "LISTPACK", "s")
    pair.do("DEBUG", "SDSLEN", "i")
    pair.do("DEBUG", "SDSLEN", "h")


def test_object_of_what_files_compress(pair: Pair) -> None:
    pair.do("SET", "s", "a" * 100)
    ours = pair.differs("debug-object-compression", "DEBUG", "OBJECT", "s")
    assert b" serializedlength:102 " in (ours.text or b"")


def test_object_of_a_key_past_its_time(pair: Pair) -> None:
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    pair.do("SET", "a", "abc", "PX", "1")
    pair.do("DEBUG", "SLEEP", "0.005")
    pair.apart_from(rb"Value at:0x[0-9a-f]+|lru:\d+", "DEBUG", "OBJECT", "a")
    pair.do("DBSIZE")
    pair.do("GET", "a")
    pair.do("DEBUG", "OBJECT", "a")
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def test_tables_tell_their_entries(pair: Pair) -> None:
    for n in range(600):
        pair.do("HSET", "h", n, "v")
    pair.do("SET", "a", "1", "EX", "1000")
    pair.do("DEBUG", "HTSTATS-KEY", "a")
    for words in (("HTSTATS", "0"), ("HTSTATS", "0", "full"), ("HTSTATS-KEY", "h"), ("HTSTATS-KEY", "h", "full")):
        for reply in pair.both("DEBUG", *words):
            wanted = b" number of entries: " + (b"2" if words[0] == "HTSTATS" else b"600")
            assert wanted in (reply.text or b"")
            assert (b"chain length distribution" in (reply.text or b"")) == (len(words) == 3)


def test_out_of_memory_does_not_end_the_server(pair: Pair) -> None:
    pair.ours.send(b"*2\r\n$5\r\nDEBUG\r\n$3\r\nOOM\r\n")
    assert pair.ours.read().raw == b"-OOM out of memory while running 'debug'\r\n"
    pair.do("PING")


def test_populating_is_a_change_for_who_watches_alone(pair: Pair) -> None:
    pair.do("WATCH", "key:1")
    pair.second().do("DEBUG", "POPULATE", "2")
    pair.do("MULTI")
    pair.do("GET", "key:1")
    pair.do("EXEC")
