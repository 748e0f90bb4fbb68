"""SORT and SORT_RO over lists, sets and sorted sets."""

from __future__ import annotations

import locale
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.differential.pair import Pair
from tests.differential.wire import Word

FILL = """
    RPUSH l 3 1 2 10 -1
    SADD st 3 1 20 2
    SADD words pear apple fig
    ZADD z 3 a 1 b 2 c
    RPUSH texts pear apple Fig "" apple zoo _
    MSET w_3 30 w_1 50 w_2 5 w_10 7 w_a 2 w_b 3 w_c 1 t_3 x t_1 a t_2 m
    HSET h_3 f 1 g x
    HSET h_1 f 2 "" nameless
    HSET h_2 f->g 5
    SADD w_-1 wrong type
    SET s v
"""

LINES = """
    SORT l
    SORT l ASC
    SORT l DESC
    SORT l ALPHA
    SORT l ALPHA DESC
    sort l desc alpha
    SORT l ASC DESC ASC
    SORT texts
    SORT texts ALPHA
    SORT texts ALPHA DESC
    SORT texts ALPHA LIMIT 1 3
    SORT st
    SORT st DESC
    SORT st ALPHA
    SORT words
    SORT words ALPHA
    SORT z
    SORT z ALPHA
    SORT z ALPHA DESC
    SORT missing
    SORT missing ALPHA LIMIT 0 1 GET #
    SORT s
    SORT s BY nosort
    SORT h_3
    SORT l BY w_*
    SORT l BY w_* DESC
    SORT l BY w_* GET w_*
    SORT l BY w_* GET # GET w_* GET nothing GET h_*->f
    SORT l BY t_* ALPHA
    SORT l BY t_* ALPHA DESC
    SORT l BY t_*
    SORT l BY h_*->f
    SORT l BY h_*->f DESC GET h_*->g
    SORT l BY h_*->f->g GET h_*->f->g
    SORT l BY h_*-> GET h_*->
    SORT l GET h_*->missing
    SORT l GET w_*->f
    SORT l GET h_*
    SORT l GET *
    SORT l GET #*
    SORT l GET "" GET nothing
    SORT l BY *
    SORT l BY #
    SORT l BY #*
    SORT l BY "" GET #
    SORT l BY **
    SORT z BY w_* GET # GET w_*
    SORT st BY w_* DESC
    SORT l BY nosort
    SORT l BY nosort DESC
    SORT l BY nosort BY w_*
    SORT l BY w_* BY nosort
    SORT l BY w_* BY h_*->f
    SORT l BY nosort ALPHA
    SORT z BY nosort
    SORT z BY nosort DESC
    SORT st BY nosort
    SORT st BY nosort DESC
    SORT words BY nosort
    SORT l LIMIT 1
    SORT l LIMIT
    SORT l LIMIT a 1
    SORT l LIMIT 1 a
    SORT s LIMIT a b
    SORT missing LIMIT a b
    SORT l BY
    SORT l GET
    SORT l STORE
    SORT l NONSENSE
    SORT l GET NONSENSE NONSENSE
    SORT
    SORT l STORE d
    LRANGE d 0 -1
    SORT l DESC STORE d
    LRANGE d 0 -1
    SORT l GET w_* GET # STORE d
    LRANGE d 0 -1
    SORT l BY t_* ALPHA STORE d
    LRANGE d 0 -1
    SORT st BY nosort STORE d
    LRANGE d 0 -1
    SORT st BY nosort DESC STORE d
    LRANGE d 0 -1
    SORT st BY w_* BY nosort STORE d
    LRANGE d 0 -1
    SORT z BY nosort STORE d
    LRANGE d 0 -1
    SORT l STORE d STORE e
    LRANGE e 0 -1
    SORT words STORE d
    LRANGE d 0 -1
    SORT texts ALPHA STORE d
    LRANGE d 0 -1
    SORT l LIMIT 0 0 STORE d
    EXISTS d
    SORT l STORE l
    LRANGE l 0 -1
    SORT missing STORE l
    EXISTS l
    SORT missing STORE l
    SORT texts ALPHA STORE s
    TYPE s
    SORT_RO st
    SORT_RO st ALPHA LIMIT 0 1 GET #
    SORT_RO st BY w_* GET w_*
    SORT_RO st STORE d
    SORT_RO s
    SORT_RO z
    SORT_RO
"""


def test_every_option(pair: Pair) -> None:
    pair.play(FILL)
    pair.play(LINES)


LIMITS = ("0", "1", "2", "4", "5", "6", "100", "-1", "-5", "9223372036854775807", "-9223372036854775808")


def test_every_limit(pair: Pair) -> None:
    pair.play(FILL)
    for offset in LIMITS:
        for count in LIMITS:
            for line in ("l", "l DESC", "l BY nosort", "l BY nosort DESC", "z BY nosort", "z BY nosort DESC"):
                pair.do("SORT", *line.split(), "LIMIT", offset, count)
            pair.do("SORT", "st", "BY", "nosort", "LIMIT", offset, count)
            pair.do("SORT", "texts", "ALPHA", "LIMIT", offset, count, "DESC")
            pair.do("SORT", "l", "LIMIT", offset, count, "GET", "w_*", "GET", "#")
    pair.play("""
        SORT l LIMIT 99999999999999999999 1
        SORT l LIMIT 1.5 1
        SORT l LIMIT 1 2 LIMIT 0 1
    """)


NUMBERS = (
    *("", "1e400", "1e-400", "-1e400", "inf", "-INF", "infinity", "+inf", "nan", "0x10", " 1", "1 ", "+1", "01", "1."),
    *(".5", ".", "1e", "1_000", "1\0x", "\0", "abc", "1e5", "5e-324", "1e-330", "-0", "--1", "9223372036854775808"),
)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_spelling_of_a_number(pair: Pair, number: str) -> None:
    pair.do("RPUSH", "k", number, "0.75", "0", "-0", "00", "0.0", "1")
    pair.do("SORT", "k")
    pair.do("SORT", "k", "DESC")
    pair.do("SORT", "k", "STORE", "d")
    pair.do("LRANGE", "d", 0, -1)
    pair.do("SET", "by_1", number)
    pair.do("RPUSH", "one", "1", "2")
    pair.do("SORT", "one", "BY", "by_*")
    pair.do("HSET", "by_2", "f", number)
    pair.do("SORT", "one", "BY", "by_*->f", "DESC")


@pytest.mark.parametrize("count", [5, 100, 2000])
def test_many_elements(pair: Pair, count: int) -> None:
    source = random.Random(count)
    numbers = [source.choice((str(source.randrange(count)), f"{source.random():.3f}", "7")) for _ in range(count)]
    pair.do("RPUSH", "l", *numbers)
    pair.do("SADD", "s", *numbers)
    pair.do("ZADD", "z", *[word for number in numbers for word in (number, f"member:{number}")])
    for number in set(numbers):
        if source.random() < 0.7:
            pair.do("SET", f"w_{number}", source.randrange(count * 1000))
    for key in ("l", "s"):
        for order in ("ASC", "DESC"):
            for limit in ((), ("LIMIT", 0, 3), ("LIMIT", 2, 10), ("LIMIT", count // 2, 50), ("LIMIT", -1, count)):
                pair.do("SORT", key, order, *limit)
                pair.do("SORT", key, order, "ALPHA", *limit)
                pair.do("SORT", key, order, "BY", "w_*", "GET", "#", "GET", "w_*", *limit)
    pair.do("SORT", "z", "ALPHA")
    pair.do("SORT", "z", "BY", "nosort", "DESC", "LIMIT", 1, 20)
    pair.do("SORT", "l", "ALPHA", "STORE", "d")
    pair.do("OBJECT", "ENCODING", "d")
    pair.do("SORT", "s", "STORE", "e")
    pair.do("OBJECT", "ENCODING", "e")
    pair.do("DEBUG", "DIGEST")


@pytest.mark.parametrize("size", ["-1", "-2", "1", "4", "100"])
@pytest.mark.parametrize("count", [1, 3, 5, 99, 101, 500, 1500])
def test_the_encoding_of_what_is_stored(pair: Pair, size: str, count: int) -> None:
    with pair.config("list-max-listpack-size", size):
        pair.do("RPUSH", "l", *(str(n * 37) for n in range(count)))
        pair.do("SORT", "l", "DESC", "STORE", "d")
        pair.do("OBJECT", "ENCODING", "d")
        pair.apart_from(rb"at:0x[0-9a-f]+|lru:\d+|idle:\d+|serializedlength:\d+", "DEBUG", "OBJECT", "d")
        pair.do("RPUSH", "d", "x")
        pair.do("OBJECT", "ENCODING", "d")
    pair.do("RPUSH", "big", "x" * 9000)
    pair.do("SORT", "big", "ALPHA", "STORE", "d")
    pair.do("OBJECT", "ENCODING", "d")


def test_what_is_stored_has_no_deadline(pair: Pair) -> None:
    pair.play("""
        RPUSH l 2 1
        SET d v EX 1000
        SORT l STORE d
        TTL d
        EXPIRE d 1000
        SORT d STORE d
        TTL d
    """)


def test_where_the_keys_are(pair: Pair) -> None:
    pair.play("""
        COMMAND GETKEYS SORT k
        COMMAND GETKEYS SORT k STORE d
        COMMAND GETKEYS SORT k BY w_* GET STORE STORE d LIMIT 0 STORE ALPHA
        COMMAND GETKEYS SORT k STORE d STORE e
        COMMAND GETKEYS SORT k BY STORE
        COMMAND GETKEYS SORT k LIMIT STORE d
        COMMAND GETKEYS SORT_RO k BY w_* STORE d
        COMMAND GETKEYSANDFLAGS SORT k STORE d
        COMMAND GETKEYSANDFLAGS SORT_RO k
    """)


def test_uses_of_keys_are_counted(pair: Pair) -> None:
    pair.play(FILL)
    pair.do("CONFIG", "RESETSTAT")
    for line in ("l BY w_* GET h_*->f", "missing BY w_*", "l BY nosort GET nothing GET w_*", "texts BY t_* LIMIT 0 1"):
        pair.do("SORT", *line.split())
        hits = [
            [text for text in (reply.text or b"").split(b"\r\n") if text.startswith(b"keyspace_")]
            for reply in pair.both("INFO", "stats")
        ]
        assert hits[0] == hits[1], line


@pytest.mark.parametrize("name", ["", "C", "POSIX", "C.UTF-8", "nowhere", "en_US.UTF-8", "de_DE.utf8"])
def test_the_order_of_a_locale(pair: Pair, name: str) -> None:
    pair.do("CONFIG", "SET", "locale-collate", name)
    try:
        pair.do("CONFIG", "GET", "locale-collate")
        # Two spellings of one text in a locale have no order that could be compared.
        pair.do("RPUSH", "l", "b", "A", "a", "B", "é", "z", "_", "Z", "ab", "Ab", "aB")
        for options in ("ALPHA", "ALPHA DESC", "ALPHA LIMIT 1 4", "ALPHA BY w_* GET #"):
            pair.do("SORT", "l", *options.split())
        pair.do("SORT", "l", "ALPHA", "STORE", "d")
        pair.do("LRANGE", "d", 0, -1)
    finally:
        pair.do("CONFIG", "SET", "locale-collate", "")
        assert locale.setlocale(locale.LC_COLLATE) == "C"


KEYS = ("l", "s", "z", "missing")
PATTERNS = ("w_*", "h_*->f", "nosort", "#", "*", "x*y", "h_*->")
items = st.sampled_from(["1", "2", "10", "-3", "0", "2.5", "01", "1e2", "inf", "a"])
options = st.one_of(
    st.sampled_from([["ASC"], ["DESC"], ["ALPHA"], ["STORE", "d"]]),
    st.sampled_from(PATTERNS).map(lambda pattern: ["BY", pattern]),
    st.sampled_from(PATTERNS).map(lambda pattern: ["GET", pattern]),
    st.tuples(st.integers(-2, 8), st.integers(-2, 8)).map(lambda limit: ["LIMIT", *map(str, limit)]),
)


def test_drawn_options(pair: Pair) -> None:
    # Up to six elements the reference sorts by insertion, so that equal ones stay as they stand.
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(items, min_size=1, max_size=6),
        st.dictionaries(items, items),
        st.lists(st.tuples(st.sampled_from(KEYS), st.lists(options, max_size=4)), min_size=1, max_size=8),
    )
    def run(elements: list[str], others: dict[str, str], lines: list[tuple[str, list[list[str]]]]) -> None:
        pair.fresh()
        pair.do("RPUSH", "l", *elements)
        pair.do("SADD", "s", *elements)
        pair.do("ZADD", "z", *[word for element in set(elements) - {"a"} for word in (element, element)] or (1, "a"))
        for name, value in others.items():
            pair.do("SET", f"w_{name}", value)
            pair.do("HSET", f"h_{name}", "f", value)
        for key, drawn in lines:
            words: list[Word] = [word for option in drawn for word in option]
            pair.do("SORT", key, *words)
            pair.do("LRANGE", "d", 0, -1)
            pair.do("SORT_RO", key, *words)
        pair.do("DEBUG", "DIGEST")

    run()


@pytest.mark.parametrize("words", ["ALPHA", "", "BY nosort", "ALPHA LIMIT 5 5", "x", "BY nosort STORE other"])
@pytest.mark.parametrize("command", ["SORT", "SORT_RO"])
def test_a_sorted_set_that_was_sorted_has_the_large_encoding(pair: Pair, command: str, words: str) -> None:
    pair.do("ZADD", "z", 1, "a", -0.0, "b")
    pair.do("OBJECT", "ENCODING", "z")
    pair.do(command, "z", *words.split())
    pair.do("OBJECT", "ENCODING", "z")
    pair.do("ZADD", "z", "-0", "c", 1, "d")
    pair.do("ZRANGE", "z", 0, -1, "WITHSCORES")
    pair.do("ZREM", "z", "a", "b", "c")
    pair.do("OBJECT", "ENCODING", "z")
    pair.do("DEBUG", "DIGEST")


def test_numbers_that_are_equal_go_by_their_bytes(pair: Pair) -> None:
    pair.do(
        "RPUSH",
        "l",
        *["3", "03", "3.0", "+3", "1e1", "10", "-0", "0", "0x0", "inf", "-inf", "1e400", "10.0", "3", "-1", "-01"],
    )
    for words in ("", "DESC", "LIMIT 2 5", "DESC LIMIT 2 5", "LIMIT 0 1", "STORE s"):
        pair.do("SORT", "l", *words.split())
    pair.do("LRANGE", "s", 0, -1)
