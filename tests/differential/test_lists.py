"""Lists: pushing, popping, moving, reading and changing anywhere; and the nodes that OBJECT ENCODING goes by."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.differential.pair import Pair
from tests.differential.wire import Word

SIZE = "list-max-listpack-size"
VARYING = rb"at:0x[0-9a-f]+|lru:\d+|idle:\d+|serializedlength:\d+"
"""The serialized length of the reference counts compressed nodes."""


def look(pair: Pair, *keys: str) -> None:
    for key in keys:
        pair.do("LRANGE", key, 0, -1)
        pair.do("OBJECT", "ENCODING", key)


def nodes(pair: Pair, key: str) -> None:
    """Number, mean length and bytes of the nodes."""
    pair.apart_from(VARYING, "DEBUG", "OBJECT", key)


def test_pushing(pair: Pair) -> None:
    pair.play(r"""
        LPUSH l a
        LPUSH l b c d
        RPUSH l e
        RPUSH l f g
        LRANGE l 0 -1
        LLEN l
        LPUSHX missing a
        RPUSHX missing a b
        EXISTS missing
        LPUSHX l x y
        RPUSHX l z
        LRANGE l 0 -1
        RPUSH l "" "\x00\r\n\xff" 10 010 -0 9223372036854775808
        LRANGE l 0 -1
        RPUSH "" ""
        LRANGE "" 0 -1
        LLEN missing
        LPUSH l
        LPUSH
        RPUSHX l
        LLEN
        LLEN l x
        lpush l lower
        LRANGE l 0 0
    """)


def test_popping(pair: Pair) -> None:
    pair.play("""
        RPUSH l a b c d e f g h i j
        LPOP l
        RPOP l
        LPOP l 2
        RPOP l 2
        LPOP l 0
        RPOP l 0
        LPOP l 1
        RPOP l 1
        LLEN l
        LPOP l 100
        EXISTS l
        LPOP l
        RPOP l
        LPOP l 0
        RPOP l 1
        LPOP missing 5
        RPUSH l a b c
        RPOP l 3
        EXISTS l
        LPOP l -1
        LPOP l abc
        RPUSH l a b c
        LPOP l -1
        RPOP l 1.5
        RPOP l ""
        RPOP l 99999999999999999999
        LPOP l 1 2
        RPOP l 1 2
        LPOP
        LPOP l 9223372036854775807
        EXISTS l
    """)


def test_moving(pair: Pair) -> None:
    pair.play("""
        RPUSH s a b c d e f
        LMOVE s d LEFT LEFT
        LMOVE s d LEFT RIGHT
        LMOVE s d RIGHT LEFT
        LMOVE s d right right
        RPOPLPUSH s d
        LRANGE s 0 -1
        LRANGE d 0 -1
        LMOVE s d LEFT LEFT
        EXISTS s
        LMOVE s d LEFT LEFT
        RPOPLPUSH s d
        LRANGE d 0 -1
        LMOVE d d LEFT RIGHT
        LMOVE d d LEFT LEFT
        LMOVE d d RIGHT LEFT
        RPOPLPUSH d d
        LRANGE d 0 -1
        RPUSH one x
        LMOVE one one LEFT RIGHT
        RPOPLPUSH one one
        LRANGE one 0 -1
        LMOVE one two LEFT RIGHT
        EXISTS one two
        LMOVE d e LEFT
        LMOVE d e LEFT RIGHT x
        LMOVE d e UP RIGHT
        LMOVE d e LEFT DOWN
        LMOVE missing e UP RIGHT
        RPOPLPUSH d
    """)


def test_several_keys_to_pop_from(pair: Pair) -> None:
    pair.play("""
        RPUSH a 1 2 3
        RPUSH b 4 5 6
        LMPOP 2 missing a LEFT
        LMPOP 2 a b RIGHT COUNT 1
        LMPOP 2 a b right count 10
        EXISTS a
        LMPOP 3 a missing b LEFT COUNT 2
        LMPOP 1 b LEFT COUNT 9223372036854775807
        LMPOP 1 b LEFT
        LMPOP 1 b LEFT COUNT 5
        LMPOP 0 a LEFT
        LMPOP -1 a LEFT
        LMPOP x a LEFT
        LMPOP 2 a LEFT
        LMPOP 3 a LEFT
        LMPOP 1 a b
        LMPOP 1 a LEFT COUNT
        LMPOP 1 a LEFT COUNT 0
        LMPOP 1 a LEFT COUNT -1
        LMPOP 1 a LEFT COUNT abc
        LMPOP 1 a LEFT COUNT 1 COUNT 2
        LMPOP 1 a LEFT COUNT 1 x
        LMPOP 1 a LEFT COUNT abc x
        LMPOP 1 a LEFT x 1
        LMPOP 1 a LEFT x
        LMPOP 9223372036854775807 a LEFT
        LMPOP 1 a
        LMPOP
    """)


INDEXES = ("0", "1", "-1", "3", "-3", "6", "5", "-6", "-7", "100", "-100", "2147483647", "-2147483648", "2147483648")
FAR = ("4294967295", "4294967296", "-4294967296", "4294967297", "9223372036854775807", "-9223372036854775808")
NO_INDEXES = ("9223372036854775808", "abc", "", "1.5", "+1", "01", " 1")


@pytest.mark.parametrize("size", ["-2", "2", "1"])
def test_every_index(pair: Pair, size: str) -> None:
    with pair.config(SIZE, size):
        for index in (*INDEXES, *FAR, *NO_INDEXES):
            pair.do("DEL", "l")
            pair.do("RPUSH", "l", *"abcdef")
            pair.do("LINDEX", "l", index)
            pair.do("LINDEX", "missing", index)
            pair.do("LRANGE", "l", index, "-1")
            pair.do("LRANGE", "l", "0", index)
            pair.do("LRANGE", "missing", index, index)
            pair.do("LREM", "l", index, "a")
            pair.do("LSET", "l", index, "X")
            pair.do("LSET", "missing", index, "X")
            look(pair, "l")
            pair.do("LTRIM", "l", index, "-1")
            look(pair, "l")
            pair.do("LTRIM", "l", "0", index)
            look(pair, "l")
            pair.do("LTRIM", "missing", index, "0")
            pair.do("LPOP", "l", index)


def test_ranges(pair: Pair) -> None:
    pair.do("RPUSH", "l", *"abcdef")
    for start in range(-8, 9):
        for stop in range(-8, 9):
            pair.do("LRANGE", "l", start, stop)
            pair.do("COPY", "l", "t", "REPLACE")
            pair.do("LTRIM", "t", start, stop)
            pair.do("LRANGE", "t", 0, -1)
    pair.play("""
        LRANGE l 0
        LRANGE l 0 1 2
        LTRIM l 0
        LTRIM l x 1
        LTRIM l 1 x
        LRANGE l x 1
        LRANGE l 1 x
        LINDEX l
    """)


def test_inserting(pair: Pair) -> None:
    pair.play("""
        RPUSH l a b c b
        LINSERT l BEFORE b x
        LINSERT l AFTER b y
        LINSERT l before a first
        LINSERT l After b z
        LINSERT l AFTER missing x
        LINSERT missing AFTER a x
        LRANGE l 0 -1
        LINSERT l UNDER a x
        LINSERT missing UNDER a x
        LINSERT l AFTER a
        LINSERT l AFTER a b c
        RPUSH n 1 01 10
        LINSERT n BEFORE 01 5
        LINSERT n AFTER 10 9
        LINSERT n AFTER "" 9
        LRANGE n 0 -1
    """)


def test_removing(pair: Pair) -> None:
    pair.play("""
        RPUSH l a b a c a b a
        LREM l 1 a
        LREM l -1 a
        LRANGE l 0 -1
        LREM l 0 zz
        LREM l 0 b
        LRANGE l 0 -1
        LREM l 100 a
        LREM l -100 c
        EXISTS l
        LREM l 0 a
        RPUSH l a a a
        LREM l 0 a
        EXISTS l
        RPUSH l a b
        LREM l x a
        LREM missing x a
        LREM l 9223372036854775807 a
        LREM l -9223372036854775807 b
        LREM l -9223372036854775808 b
        LREM l 1
        RPUSH n 1 01 1
        LREM n 4294967297 1
        LRANGE n 0 -1
    """)


def test_searching(pair: Pair) -> None:
    pair.do("RPUSH", "l", *"abcabcaba")
    for rank in ("1", "2", "-1", "-2", "3", "4", "5", "-5", "100", "9223372036854775807", "-9223372036854775807"):
        for most in ("0", "1", "2", "4", "100", "9223372036854775807"):
            pair.do("LPOS", "l", "a", "RANK", rank, "MAXLEN", most)
            for count in ("0", "1", "2", "9223372036854775807"):
                pair.do("LPOS", "l", "a", "RANK", rank, "COUNT", count, "MAXLEN", most)
    pair.play("""
        LPOS l z
        LPOS l z COUNT 0
        LPOS missing a
        LPOS missing a COUNT 2
        LPOS missing a RANK 0
        LPOS l a RANK 0
        LPOS l a RANK x
        LPOS l a RANK -9223372036854775808
        LPOS l a COUNT -1
        LPOS l a COUNT x
        LPOS l a MAXLEN -1
        LPOS l a MAXLEN x
        LPOS l a RANK
        LPOS l a COUNT 1 RANK
        LPOS l a NONSENSE 1
        LPOS l a rank 1 rank 2 count 1 count 0
        LPOS l
    """)


COMMANDS = (
    *("LPUSH k a", "RPUSH k a", "LPUSHX k a", "RPUSHX k a", "LPOP k", "RPOP k 2", "LPOP k 0", "LLEN k", "LINDEX k 0"),
    *("LINDEX k x", "LRANGE k 0 -1", "LSET k 0 a", "LSET k x a", "LINSERT k BEFORE a b", "LREM k 0 a", "LTRIM k 0 0"),
    *("LPOS k a", "LMOVE k l LEFT LEFT", "LMOVE l k LEFT LEFT", "LMOVE missing k LEFT LEFT", "LMOVE k k LEFT LEFT"),
    *("RPOPLPUSH k l", "RPOPLPUSH l k", "RPOPLPUSH missing k", "LMPOP 2 missing k LEFT", "LMPOP 2 l k LEFT"),
)


@pytest.mark.parametrize("other", ["SET k v", "HSET k f v", "ZADD k 1 a", "SADD k a"])
def test_wrong_type(pair: Pair, other: str) -> None:
    for line in COMMANDS:
        pair.play(f"""
            FLUSHALL
            RPUSH l a b c
            {other}
            {line}
            LRANGE l 0 -1
            TYPE k
        """)
    pair.play("""
        FLUSHALL
        RPUSH k a
        GET k
        HGET k a
        ZADD k 1 a
        APPEND k x
        SET k v GET
        SET k v
        GET k
    """)


def test_an_element_of_any_length(pair: Pair) -> None:
    lengths = (*range(70), 126, 127, 128, 129, 253, 254, 255, 1000, 1023, 1024, 2047, 2048, 4096, 8185, 8186, 20_000)
    for front in ("LPUSH", "RPUSH"):
        for length in lengths:
            pair.do(front, "all", b"x" * length)
            pair.do("DEL", "one")
            pair.do(front, "one", b"y" * length, b"z" * length)
            look(pair, "one")
        look(pair, "all")
        for index in range(0, len(lengths), 3):
            pair.do("LINDEX", "all", index)
            pair.do("LSET", "all", index, b"n" * lengths[-index])
            pair.do("LINSERT", "all", "AFTER", b"n" * lengths[-index], b"i" * lengths[index])
        look(pair, "all")
        nodes(pair, "all")
        for _ in range(len(lengths)):
            pair.do("RPOPLPUSH", "all", "other")
        look(pair, "all", "other")


@pytest.mark.parametrize("front", ["LPUSH", "RPUSH"])
@pytest.mark.parametrize("count", [1, 10, 100, 1000, 3000])
def test_many_elements(pair: Pair, front: str, count: int) -> None:
    for start in range(0, count, 7):
        pair.do(front, "l", *(f"element:{at * at}" for at in range(start, min(start + 7, count))))
    look(pair, "l")
    nodes(pair, "l") if count > 1000 else None
    for at in range(0, count, max(1, count // 40)):
        pair.do("LINDEX", "l", at)
        pair.do("LINDEX", "l", -at)
        pair.do("LRANGE", "l", at, at + 10)
        pair.do("LSET", "l", at, "changed" * (at % 30))
        pair.do("LPOS", "l", f"element:{at * at}", "COUNT", 0)
        pair.do("LINSERT", "l", "BEFORE", f"element:{(at + 1) * (at + 1)}", f"new:{at}")
        pair.do("LREM", "l", 1, f"element:{(at + 2) * (at + 2)}")
    look(pair, "l")
    pair.do("DEBUG", "DIGEST")
    for _ in range(0, count, 3):
        pair.do("LPOP", "l")
        pair.do("RPOP", "l", 2)
    pair.do("EXISTS", "l")


def test_replies_of_many_elements(pair: Pair) -> None:
    pair.do("RPUSH", "l", *(str(at) * (at % 30) for at in range(5000)))
    for line in ("LRANGE l 0 -1", "LRANGE l 1234 -777", "LPOP l 1500", "RPOP l 1500", "LRANGE l 0 -1", "RPOP l 5000"):
        pair.do(*line.split())
    pair.play("""
        RPUSH l a b c
        MULTI
        LRANGE l 0 -1
        LPOP l 2
        LRANGE l 0 -1
        RPUSH l d
        RPOP l 2
        LMPOP 1 l LEFT
        EXEC
    """)


# ---- encodings

CONVERSIONS = (
    *("RPUSH k @8*1023", "RPUSH k @8*1024", "RPUSH k @8185*1", "RPUSH k @8186*1"),
    *("RPUSH k @8*2000; LTRIM k 0 499", "RPUSH k @8*2000; LTRIM k 900 1199", "RPUSH k @8*2000; LTRIM k 0 99"),
    *("RPUSH k @8*2000; LPOP k 1633", "RPUSH k @8*2000; LPOP k 1634", "RPUSH k @8*2000; RPOP k 1591"),
    *("RPUSH k @8*2000; RPOP k 1592", "RPUSH k a b @9000*1; RPOP k", "RPUSH k a @9000*1 b; LREM k 0 @9000*1"),
    *("RPUSH k @9000*1; LSET k 0 a", "RPUSH k a b; LSET k 0 @9000*1", "RPUSH k a b; LSET k 5 @9000*1"),
    *("RPUSH k @8*2000; COPY k d; RENAME d k", "RPUSH k @8*900; LINSERT k BEFORE nobody @2000*1"),
    *("RPUSH k @8*800; LINSERT k BEFORE nobody @2000*1", "RPUSH k a; LINSERT k AFTER nobody @9000*1"),
    *("RPUSH k a; LINSERT k AFTER a @9000*1", "RPUSH k @8*800; LPUSHX k @9000*1; LPOP k", "LPUSHX k @9000*1"),
    *("RPUSH k @8*2000; LTRIM k 0 -1", "RPUSH k @8*2000; LREM k 1500 @8*1", "RPUSH k a @9000*1 b; LREM k 0 zz"),
    *("RPUSH k a @9000*1; RPOPLPUSH k d", "RPUSH k a @9000*1; LMOVE k k RIGHT LEFT; LMOVE k d LEFT LEFT"),
    *("RPUSH k a @9000*1; LMPOP 1 k RIGHT", "RPUSH k @9000*1; RPUSH d b; RPOPLPUSH k d; RENAME d k"),
)


def spelled(line: str) -> list[Word]:
    """The words of a line, `@8*3` three times a word of eight letters."""
    found: list[Word] = []
    for word in line.split():
        several = re.fullmatch(r"@(\d+)\*(\d+)", word)
        found += ["x" * int(several[1])] * int(several[2]) if several else [word]
    return found


@pytest.mark.parametrize("lines", CONVERSIONS)
def test_conversions(pair: Pair, lines: str) -> None:
    for line in lines.split(";"):
        pair.do(*spelled(line))
        pair.do("OBJECT", "ENCODING", "k")
        pair.do("OBJECT", "ENCODING", "d")
    nodes(pair, "k")
    nodes(pair, "d")
    look(pair, "k", "d")


@pytest.mark.parametrize("size", ["-1", "-2", "-3", "-4", "-5", "-6", "0", "1", "2", "5", "100", "5000", "2147483647"])
def test_every_size_of_nodes(pair: Pair, size: str) -> None:
    with pair.config(SIZE, size):
        for length in (1, 8, 60, 2000):
            pair.do("DEL", "k")
            for at in range(120):
                pair.do("RPUSH" if at % 3 else "LPUSH", "k", *[str(at).zfill(length)] * (1 + at % 7))
                if at % 10 == 0:
                    nodes(pair, "k")
            for _ in range(40):
                pair.do("LPOP", "k", 7)
                pair.do("RPOP", "k", 4)
                pair.do("OBJECT", "ENCODING", "k")


def test_a_list_keeps_the_size_of_its_nodes(pair: Pair) -> None:
    with pair.config(SIZE, 4):
        pair.do("RPUSH", "k", *"abcdefghij")
        pair.do("RPUSH", "p", *"abc")
        with pair.config(SIZE, 100), pair.config("list-compress-depth", 1):
            pair.do("RPUSH", "k", *"klmnop")
            pair.do("RPUSH", "p", *"klmnop")
            pair.do("RPUSH", "big", *"z" * 300)
            pair.do("COPY", "k", "copy")
            for key in ("k", "p", "big", "copy"):
                nodes(pair, key)
            pair.do("LTRIM", "p", 0, -1)
            pair.do("LTRIM", "k", 0, -1)
            pair.do("LTRIM", "k", 4, 7)
            look(pair, "k", "p")
        with pair.config(SIZE, -2):
            pair.do("LTRIM", "copy", 0, -1)
            pair.do("LTRIM", "copy", 4, 7)
            look(pair, "copy")
        for key in ("k", "p", "big", "copy"):
            nodes(pair, key)


def test_debug_views(pair: Pair) -> None:
    pair.play("""
        RPUSH p a
        RPUSH q a b c
        DEBUG LISTPACK p
        DEBUG QUICKLIST p
        DEBUG QUICKLIST missing
        DEBUG LISTPACK missing
    """)
    pair.apart_from(rb"at:0x[0-9a-f]+|lru:\d+|idle:\d+", "DEBUG", "OBJECT", "p")
    with pair.config(SIZE, 1):
        pair.play("""
            RPUSH q d
            DEBUG LISTPACK q
            DEBUG QUICKLIST q
            DEBUG QUICKLIST q 1
            DEBUG QUICKLIST q nonsense
            DEBUG QUICKLIST q 1 2
        """)
        pair.apart_from(rb"at:0x[0-9a-f]+|lru:\d+|idle:\d+", "DEBUG", "OBJECT", "q")
        pair.apart_from(rb"at:0x[0-9a-f]+|lru:\d+|idle:\d+", "DEBUG", "OBJECT", "q", "fast")
    words = ("1", "100b", "1k", "4095mb", "4293918720", "4293918721", "4gb", "abc", "", "-1", "1.5k", "0")
    for word in words:
        pair.do("DEBUG", "QUICKLIST-PACKED-THRESHOLD", word)
    pair.do("DEBUG", "QUICKLIST-PACKED-THRESHOLD")
    pair.do("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "1", "2")


def test_plain_nodes_from_a_threshold_on(pair: Pair) -> None:
    with pair.config(SIZE, 3):
        pair.do("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "10b")
        try:
            drive(pair, random.Random(7), 300, (b"a", b"bb", b"nine-byte", b"ten--bytes", b"x" * 40))
        finally:
            pair.do("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "0")


# ---- random sequences

SMALL = (b"a", b"b", b"c", b"1", b"200", b"-5", b"70000", b"99999999999", b"", b"x" * 70)
WIDE = (*(b"w" * size for size in (100, 2000, 4080, 4090, 4100, 8000, 8170, 8185, 8186, 8193, 9000)), b"a", b"12345")


def drive(pair: Pair, source: random.Random, steps: int, pool: tuple[bytes, ...]) -> None:
    """Random commands on two lists, with all that can be seen of their nodes after each."""
    for _ in range(steps):
        key, other = source.sample(("k", "d"), 2)
        index = source.choice((0, 1, 2, -1, -2, source.randint(-40, 40)))
        item, pivot = source.choice(pool), source.choice(pool)
        some = source.choices(pool, k=source.choice((1, 1, 2, 5, 12)))
        lines: list[tuple[Word, ...]] = [
            ("LPUSH", key, *some),
            ("RPUSH", key, *some),
            (source.choice(("LPUSHX", "RPUSHX")), key, *some[:2]),
            (source.choice(("LPOP", "RPOP")), key),
            (source.choice(("LPOP", "RPOP")), key, source.choice((0, 1, 2, 5))),
            ("LINSERT", key, source.choice(("BEFORE", "AFTER")), pivot, item),
            ("LINSERT", key, source.choice(("BEFORE", "AFTER")), pivot, item),
            ("LSET", key, index, item),
            ("LSET", key, index, item),
            ("LREM", key, source.choice((-2, -1, 0, 1, 2)), item),
            ("LTRIM", key, source.choice((0, 0, 1, 3)), source.choice((-1, -1, -2, -4))),
            ("LTRIM", key, min(index, 3), 20),
            ("LMOVE", key, source.choice((key, other)), *source.choices(("LEFT", "RIGHT"), k=2)),
            ("LMPOP", 2, key, other, source.choice(("LEFT", "RIGHT")), "COUNT", source.choice((1, 3))),
            ("LPOS", key, item, "RANK", source.choice((1, -1, 2, -2)), "COUNT", source.choice((0, 1, 2))),
            ("LRANGE", key, index, index + 5),
            ("LINDEX", key, index),
            ("COPY", key, other, "REPLACE"),
        ]
        pair.do(*source.choice(lines))
        for each in (key, other):
            pair.do("OBJECT", "ENCODING", each)
            nodes(pair, each)
    look(pair, "k", "d")
    pair.do("DEBUG", "DIGEST")


@pytest.mark.parametrize("size", [-1, -2, 0, 1, 2, 3, 4, 8, 32])
@pytest.mark.parametrize("pool", [SMALL, WIDE], ids=["small", "wide"])
def test_random_commands(pair: Pair, size: int, pool: tuple[bytes, ...]) -> None:
    with pair.config(SIZE, size):
        drive(pair, random.Random(size * 10 + pair.protocol), 250, pool)


def test_drawn_commands(pair: Pair) -> None:
    """The same, with sequences that hypothesis draws and makes short when they fail."""

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.integers(0, 2**32), st.integers(1, 40), st.sampled_from([-2, -1, 1, 2, 3, 5]), st.sampled_from([SMALL, WIDE])
    )
    def run(seed: int, steps: int, size: int, pool: tuple[bytes, ...]) -> None:
        pair.fresh()
        with pair.config(SIZE, size):
            drive(pair, random.Random(seed), steps, pool)

    run()
