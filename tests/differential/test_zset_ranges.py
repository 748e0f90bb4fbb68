"""ZRANGE by index, score and member, with REV, LIMIT and WITHSCORES, and every way to get it wrong."""

from __future__ import annotations

import itertools

import pytest
from tests.differential.pair import Pair

INDEXES = (
    *("0", "1", "2", "5", "8", "9", "10", "-1", "-2", "-9", "-10", "-11", "100", "-100"),
    *("9223372036854775807", "-9223372036854775808", "-9223372036854775807"),
)
BAD_INDEXES = (
    "abc",
    "",
    "1.5",
    "9223372036854775808",
    "-9223372036854775809",
    "(1",
    "[a",
    "-",
    "+",
    "inf",
    " 1",
    "+1",
    "01",
)
SCORES = (
    *(
        "-inf",
        "+inf",
        "inf",
        "(-inf",
        "(+inf",
        "(inf",
        "0",
        "1",
        "(1",
        "1.5",
        "(1.5",
        "2",
        "(2",
        "3",
        "(3",
        "-1",
        "100",
    ),
    *("1e0", "0x1", "(-0", "-0", "5e-324", "1e400", "-1e400"),
)
BAD_SCORES = ("abc", "", "(", "((1", "[1", "nan", "(nan", "1(", "-", "+", " 1", "1 ", "( 1", "1,5")
LEXES = ("-", "+", "[a", "(a", "[b", "(b", "[c", "(c", "[", "(", "[aa", "(aa", "[\xff", "[d", "(d", "[z", "(0", "[bb")
BAD_LEXES = ("a", "", "--", "++", "-a", "+a", "1", "{a", "(", "-\0")


@pytest.fixture(params=["listpack", "skiplist"])
def board(request: pytest.FixtureRequest, pair: Pair) -> Pair:
    """Ten members under `z` with ties of score and infinite ones; seven of equal score under `lex`."""
    pair.do(
        "ZADD",
        "z",
        "1",
        "a",
        "1",
        "b",
        "1.5",
        "c",
        "2",
        "d",
        "2",
        "e",
        "2",
        "f",
        "3",
        "g",
        "-inf",
        "h",
        "inf",
        "i",
        "0",
        "j",
    )
    pair.do("ZADD", "lex", "0", "a", "0", "b", "0", "bb", "0", "c", "0", "d", "0", "", "0", "aa")
    if request.param == "skiplist":
        for key in ("z", "lex"):
            pair.do("ZADD", key, "0", "m" * 65)
            pair.do("ZREM", key, "m" * 65)
    return pair


def test_by_index(board: Pair) -> None:
    for start, stop in itertools.product(INDEXES, repeat=2):
        board.do("ZRANGE", "z", start, stop)
        board.do("ZRANGE", "z", start, stop, "REV", "WITHSCORES")
    for start, stop in itertools.product(BAD_INDEXES, ("0", "abc", *BAD_INDEXES)):
        board.do("ZRANGE", "z", start, stop)
        board.do("ZRANGE", "z", stop, start)
        board.do("ZRANGE", "missing", stop, start)


def test_by_score(board: Pair) -> None:
    for start, stop in itertools.product(SCORES, repeat=2):
        board.do("ZRANGE", "z", start, stop, "BYSCORE")
        board.do("ZRANGE", "z", start, stop, "BYSCORE", "REV", "WITHSCORES")
    for bad in BAD_SCORES:
        board.do("ZRANGE", "z", bad, "1", "BYSCORE")
        board.do("ZRANGE", "z", "1", bad, "BYSCORE", "REV")
        board.do("ZRANGE", "missing", bad, bad, "BYSCORE")


def test_by_member(board: Pair) -> None:
    for start, stop in itertools.product(LEXES, repeat=2):
        board.do("ZRANGE", "lex", start, stop, "BYLEX")
        board.do("ZRANGE", "lex", start, stop, "BYLEX", "REV")
    for bad in BAD_LEXES:
        board.do("ZRANGE", "lex", bad, "[a", "BYLEX")
        board.do("ZRANGE", "lex", "[a", bad, "BYLEX", "REV")
        board.do("ZRANGE", "missing", bad, bad, "BYLEX")


LIMITS = ("0", "1", "2", "3", "9", "10", "11", "-1", "-2", "100", "9223372036854775807", "-9223372036854775808")


def test_limits(board: Pair) -> None:
    for offset, count in itertools.product(LIMITS, repeat=2):
        limit = ("LIMIT", offset, count)
        board.do("ZRANGE", "z", "-inf", "+inf", "BYSCORE", *limit)
        board.do("ZRANGE", "z", "+inf", "(0", "BYSCORE", "REV", *limit, "WITHSCORES")
        board.do("ZRANGE", "lex", "-", "+", "BYLEX", *limit)
        board.do("ZRANGE", "lex", "[c", "-", "BYLEX", "REV", *limit)
        board.do("ZRANGE", "z", "0", "-1", *limit)
    for bad in ("abc", "", "1.5", "9223372036854775808", " 1"):
        board.do("ZRANGE", "z", "0", "1", "BYSCORE", "LIMIT", bad, "1")
        board.do("ZRANGE", "z", "0", "1", "BYSCORE", "LIMIT", "1", bad)
        board.do("ZRANGE", "missing", "abc", "1", "BYSCORE", "LIMIT", "1", bad)


def test_every_mixture_of_options(board: Pair) -> None:
    options = ("BYSCORE", "BYLEX", "REV", "WITHSCORES", "LIMIT 0 5", "LIMIT 1", "FOO", "limit 0 -1", "rev")
    for size in range(4):
        for chosen in itertools.permutations(options, size):
            for bounds in ("0 1", "(0 3", "[a [c", "- +", "x 1"):
                # Members of different scores have no order that BYLEX could go by: its answer is anything.
                key = "lex" if "BYLEX" in chosen else "z"
                board.play(f"ZRANGE {key} {bounds} {' '.join(chosen)}")


def test_errors(pair: Pair) -> None:
    pair.play("""
        ZRANGE z
        ZRANGE z 0
        ZRANGE z 0 1 FOO
        ZRANGE z 0 1 WITHSCORE
        ZRANGE z 0 1 LIMIT
        ZRANGE z 0 1 LIMIT 0
        ZRANGE z 0 1 LIMIT 0 1
        ZRANGE z 0 1 LIMIT 0 1 BYSCORE
        ZRANGE z 0 1 LIMIT 0 1 LIMIT 0 1
        ZRANGE z 0 1 BYSCORE BYLEX
        ZRANGE z 0 1 BYLEX BYSCORE
        ZRANGE z [a [b BYLEX WITHSCORES
        ZRANGE z 0 1 REV REV
        ZRANGE z 0 1 WITHSCORES WITHSCORES
        SET s v
        ZRANGE s 0 1
        ZRANGE s a b
        ZRANGE s 0 1 BYSCORE
        ZRANGE s x y BYSCORE
        ZRANGE s x y BYLEX
        ZRANGE s 0 1 LIMIT 0 1
        ZRANGE missing 0 1
        ZRANGE missing 0 1 WITHSCORES
        ZRANGE missing x y
    """)


@pytest.mark.parametrize("count", [100, 129, 1000])
def test_long_ranges(pair: Pair, count: int) -> None:
    for at in range(count):
        pair.do("ZADD", "z", at // 3, f"member {at * 7919 % count:04}")
        pair.do("ZADD", "lex", "0", f"{at * 7919 % count:04}")
    for start in range(-count, count, count // 7):
        for stop in range(-count, count, count // 5):
            pair.do("ZRANGE", "z", start, stop)
            pair.do("ZRANGE", "z", start, stop, "REV", "WITHSCORES")
            pair.do("ZRANGE", "z", start // 3, f"({stop // 3}", "BYSCORE", "LIMIT", "2", "20")
            pair.do("ZRANGE", "z", f"({start // 3}", stop // 3, "BYSCORE", "REV", "WITHSCORES")
            pair.do("ZRANGE", "lex", f"[{abs(start):04}", f"({abs(stop):04}", "BYLEX")
            pair.do("ZRANGE", "lex", f"({abs(start):04}", f"[{abs(stop):04}", "BYLEX", "REV", "LIMIT", "1", "7")


# ---- The commands that say by their name what their range is of


def test_named_ranges(board: Pair) -> None:
    for start, stop in itertools.product(INDEXES, repeat=2):
        board.do("ZREVRANGE", "z", start, stop)
        board.do("ZREVRANGE", "z", start, stop, "WITHSCORES")
    for start, stop in itertools.product(SCORES, repeat=2):
        board.do("ZRANGEBYSCORE", "z", start, stop)
        board.do("ZREVRANGEBYSCORE", "z", start, stop, "WITHSCORES", "LIMIT", "1", "3")
        board.do("ZCOUNT", "z", start, stop)
    for start, stop in itertools.product(LEXES, repeat=2):
        board.do("ZRANGEBYLEX", "lex", start, stop)
        board.do("ZREVRANGEBYLEX", "lex", start, stop, "LIMIT", "1", "-1")
        board.do("ZLEXCOUNT", "lex", start, stop)
    for bad in (*BAD_INDEXES, *BAD_SCORES, *BAD_LEXES):
        for key in ("z", "missing"):
            for name in ("ZREVRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZCOUNT"):
                board.do(name, key, bad, "1")
                board.do(name, key, "1", bad)
            for name in ("ZRANGEBYLEX", "ZREVRANGEBYLEX", "ZLEXCOUNT"):
                board.do(name, "lex" if key == "z" else key, bad, "[a")
                board.do(name, "lex" if key == "z" else key, "[a", bad)


NAMED = ("ZREVRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZRANGEBYLEX", "ZREVRANGEBYLEX")


def test_named_ranges_with_every_mixture_of_options(board: Pair) -> None:
    options = ("BYSCORE", "BYLEX", "REV", "WITHSCORES", "LIMIT 0 5", "LIMIT 5 -1", "LIMIT 1", "FOO", "limit 0 -1")
    for name in NAMED:
        lex = "LEX" in name
        for size in range(3):
            for chosen in itertools.permutations(options, size):
                for bounds in ("[a [c", "- +", "x 1") if lex else ("0 1", "(0 3", "3 0", "x 1"):
                    board.play(f"{name} {'lex' if lex else 'z'} {bounds} {' '.join(chosen)}")


def test_named_ranges_of_what_is_no_sorted_set(pair: Pair) -> None:
    pair.do("SET", "s", "v")
    for name in (*NAMED, "ZCOUNT", "ZLEXCOUNT", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREMRANGEBYLEX"):
        for key in ("s", "missing"):
            pair.do(name)
            pair.do(name, key)
            pair.do(name, key, "0")
            pair.do(name, key, "0", "1")
            pair.do(name, key, "-", "+")
            pair.do(name, key, "x", "y")
            pair.do(name, key, "0", "1", "FOO")


# ---- Stored


def test_zrangestore(board: Pair) -> None:
    options = ("BYSCORE", "BYLEX", "REV", "WITHSCORES", "LIMIT 1 5", "LIMIT 1", "FOO", "LIMIT 0 -1")
    for size in range(4):
        for chosen in itertools.permutations(options, size):
            key = "lex" if "BYLEX" in chosen else "z"
            for bounds in ("0 1", "3 (0", "- +", "x 1", "5 90"):
                board.play(f"""
                    SET d string
                    ZRANGESTORE d {key} {bounds} {" ".join(chosen)}
                    TYPE d
                """)
                if board.do("EXISTS", "d").integer and board.do("TYPE", "d").text == b"zset":
                    board.do("ZRANGE", "d", "0", "-1", "WITHSCORES")
                    board.do("OBJECT", "ENCODING", "d")
                    board.do("DEBUG", "DIGEST-VALUE", "d")


def test_zrangestore_and_its_keys(pair: Pair) -> None:
    pair.play("""
        ZRANGESTORE
        ZRANGESTORE d
        ZRANGESTORE d z 0
        ZADD z 1 a 2 b 3 c
        SET s v
        ZRANGESTORE d s 0 -1
        ZRANGESTORE d s a b
        ZRANGESTORE s z 0 0
        TYPE s
        ZRANGESTORE s missing 0 -1
        EXISTS s
        EXPIRE z 100
        ZRANGESTORE z z 1 2
        ZRANGE z 0 -1 WITHSCORES
        TTL z
        ZRANGESTORE z z 5 6
        EXISTS z
        ZRANGESTORE missing missing 0 -1
    """)


@pytest.mark.parametrize("by", ["", "BYSCORE"])
@pytest.mark.parametrize("reverse", ["", "REV"])
def test_zrangestore_and_the_sign_of_zero(pair: Pair, by: str, reverse: str) -> None:
    long = "l" * 65
    bounds = ("+inf -inf" if reverse else "-inf +inf") if by else "0 -1"
    with pair.config("zset-max-listpack-entries", 3):
        for members in (
            "-0 a",
            "-0 a -0 b -0 c",
            "-0 a -0 b -0 c -0 d",
            f"-0 a -0 {long} -0 z",
            f"-0 a -1 {long} -0 z",
        ):
            pair.do("DEL", "z")
            pair.play(f"""
                ZADD z -0 {long}x -0 x1 -0 x2 -0 x3
                ZREM z {long}x x1 x2 x3
                ZADD z 5 {long}x
                ZADD z {members}
                ZREM z {long}x
                ZRANGE z 0 -1 WITHSCORES
                ZRANGESTORE d z {bounds} {by} {reverse}
                ZRANGE d 0 -1 WITHSCORES
                OBJECT ENCODING d
                DEBUG DIGEST-VALUE d
            """)


@pytest.mark.parametrize("count", [127, 128, 129, 1000])
def test_large_results(pair: Pair, count: int) -> None:
    for at in range(count + 20):
        pair.do("ZADD", "z", at // 3, f"member {at:04}")
    for words in (
        (0, count - 1),
        (0, count - 1, "REV"),
        (0, count // 3, "BYSCORE"),
        (0, 900, "BYSCORE", "LIMIT", 0, count),
    ):
        pair.do("ZRANGESTORE", "d", "z", *words)
        pair.do("OBJECT", "ENCODING", "d")
        pair.do("DEBUG", "DIGEST-VALUE", "d")
        pair.do("ZRANGE", "d", 0, -1, "WITHSCORES")
    # What was told stays what it is.
    pair.send("MULTI")
    pair.read()
    for words in (("ZRANGE", "z", 0, -1, "WITHSCORES"), ("ZREMRANGEBYRANK", "z", 5, count), ("ZREVRANGE", "z", 0, -1)):
        pair.do(*words)
    pair.do("EXEC")
