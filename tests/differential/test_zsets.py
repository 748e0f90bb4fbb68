"""Members of sorted sets, their scores and ranks, BZPOPMIN; test_zset_*.py have the rest."""

from __future__ import annotations

import itertools

import pytest
from tests.differential.pair import Pair

SCORES = (
    *(
        "0",
        "1",
        "-1",
        "1.5",
        "-0",
        "3.0",
        "1e3",
        "1e-7",
        "1e20",
        "1e21",
        "1e22",
        "1.7976931348623157e308",
        "1e309",
        "5e-324",
    ),
    *(
        "inf",
        "+inf",
        "-inf",
        "INF",
        "Infinity",
        "infinit",
        "nan",
        "-nan",
        "NaN",
        "abc",
        "",
        " 1",
        "1 ",
        "+1",
        "01",
        "0x10",
    ),
    *("0x1p3", "1.", ".5", ".", "1e", "1_000", "0.1", "0.30000000000000004", "123456789.123456789", "9007199254740993"),
    *(
        "9223372036854775807",
        "9223372036854775808",
        "17179869184.5",
        "3.0000000000000001",
        "1e-400",
        "4e-5",
        "1e15",
        "1e16",
        "1e17",
    ),
)


def look(pair: Pair, key: str = "z") -> None:
    pair.do("ZRANGE", key, "0", "-1", "WITHSCORES")


@pytest.mark.parametrize("score", SCORES)
def test_every_score(pair: Pair, score: str) -> None:
    pair.do("ZADD", "z", score, "a")
    pair.do("ZSCORE", "z", "a")
    pair.do("ZADD", "z", "INCR", score, "b")
    pair.do("ZADD", "z", "INCR", "1", "b")
    pair.do("ZRANK", "z", "b", "WITHSCORE")
    look(pair)
    # A bad score among good ones changes nothing.
    pair.do("ZADD", "y", "1", "a", score, "b", "2", "c")
    look(pair, "y")
    pair.do("ZADD", "y", "7", "a", score, "b", "abc", "c")
    look(pair, "y")


FLAGS = ("NX", "XX", "GT", "LT", "CH", "INCR")


def test_zadd_with_every_set_of_flags(pair: Pair) -> None:
    sets = [chosen for size in range(len(FLAGS) + 1) for chosen in itertools.combinations(FLAGS, size)]
    for flags in sets:
        for score in ("1", "5", "9", "-1"):
            pair.do("DEL", "z")
            pair.do("ZADD", "missing", *flags, score, "m")
            pair.do("DEL", "missing")
            pair.do("ZADD", "z", "5", "m", "6", "n")
            pair.do("ZADD", "z", *flags, score, "m")
            pair.do("ZADD", "z", *flags, score, "new")
            pair.do("ZADD", "z", *flags, score, "m", score, "new2", "6", "n")
            look(pair)


def test_zadd_counts_what_it_does(pair: Pair) -> None:
    pair.play("""
        ZADD z 1 a 2 b 3 c
        ZADD z 1 a 2 b 4 c
        ZADD z CH 1 a 3 b 5 c 6 d
        ZADD z 7 a 8 a 9 a
        ZSCORE z a
        ZADD z CH 7 a 8 a 8 a
        ZADD new 1 a 1 a 2 a
        ZADD new CH 1 a 2 a 2 a
        ZADD z NX 1 a 1 e
        ZADD z NX CH 1 a 2 e 3 f
        ZADD z XX 1 g
        ZADD z XX CH 1 a 1 g
        ZADD z GT CH 0 a 2 b 100 c 5 h
        ZADD z LT CH 0 a 2 b 100 c 5 i
        ZADD z GT XX CH 200 c 5 j
        ZRANGE z 0 -1 WITHSCORES
        zadd z ch nx 1 k
        ZADD z CH CH 3 k
        ZADD z XX XX 4 k
    """)


def test_zadd_errors(pair: Pair) -> None:
    pair.play("""
        ZADD z
        ZADD z 1
        ZADD z 1 a 2
        ZADD z NX
        ZADD z NX 1
        ZADD z NX XX 1 a
        ZADD z GT LT 1 a
        ZADD z NX GT 1 a
        ZADD z NX LT 1 a
        ZADD z NX GT LT 1 a
        ZADD z NX XX GT 1 a
        ZADD z NX XX abc a
        ZADD z INCR 1 a 2 b
        ZADD z INCR NX XX 1 a 2 b
        ZADD z INCR
        ZADD z INCR 1
        ZADD z FOO 1 a
        ZADD z 1 a NX
        ZADD z 1 a NX 2
        ZADD z abc a
        ZADD z 1 a abc b
        ZADD z NX abc a b
        EXISTS z
        SET s v
        ZADD s 1 a
        ZADD s NX XX 1 a
        ZADD s abc a
        ZADD s XX 1 a
        ZADD s XX INCR 1 a
        ZADD missing XX 1 a
        ZADD missing XX INCR 1 a
        EXISTS missing
    """)


def test_zadd_incr(pair: Pair) -> None:
    pair.play("""
        ZADD z INCR 5 a
        ZADD z INCR 1.5 a
        ZADD z INCR -10 a
        ZADD z NX INCR 1 a
        ZADD z XX INCR 1 a
        ZADD z GT INCR -1 a
        ZADD z GT INCR 1 a
        ZADD z LT INCR 1 a
        ZADD z LT INCR -1 a
        ZADD z GT INCR 0 a
        ZADD z CH INCR 0 a
        ZADD z inf a
        ZADD z INCR -inf a
        ZADD z INCR +inf a
        ZADD z INCR 1 a
        ZADD z -inf b
        ZADD z INCR inf b
        ZADD z GT INCR nan b
        ZADD z 0.1 c
        ZADD z INCR 0.2 c
        ZADD z 1e308 d
        ZADD z INCR 1e308 d
        ZADD z INCR 1e308 d
        ZRANGE z 0 -1 WITHSCORES
    """)


def test_zscore_zrank_zrem(pair: Pair) -> None:
    pair.play("""
        ZSCORE missing a
        ZRANK missing a
        ZRANK missing a WITHSCORE
        ZREM missing a
        ZADD z 1 a 2 b 2 bb 2.5 c -inf d inf e
        ZSCORE z a
        ZSCORE z c
        ZSCORE z d
        ZSCORE z e
        ZSCORE z nothing
        ZRANK z a
        ZRANK z bb
        ZRANK z d
        ZRANK z e WITHSCORE
        ZRANK z c withscore
        ZRANK z nothing
        ZRANK z nothing WITHSCORE
        ZRANK z a FOO
        ZRANK z a WITHSCORES
        ZRANK z a WITHSCORE WITHSCORE
        ZRANK z nothing FOO
        ZRANK missing nothing FOO
        ZREM z nothing
        ZREM z a a nothing b
        ZREM z ""
        ZRANGE z 0 -1
        ZREM z bb c d e
        EXISTS z
        SET s v
        ZSCORE s a
        ZRANK s a
        ZRANK s a WITHSCORE
        ZRANK s a FOO
        ZREM s a
    """)


@pytest.mark.parametrize("count", [3, 10, 127, 128, 129, 300, 2000])
def test_many_members(pair: Pair, count: int) -> None:
    for at in range(count):
        pair.do("ZADD", "z", at * 7919 % 101, f"m{at * 31 % count}")
    look(pair)
    for at in range(0, count, 7):
        pair.do("ZRANK", "z", f"m{at}")
        pair.do("ZADD", "z", "CH", at % 13, f"m{at}")
        pair.do("ZSCORE", "z", f"m{at}")
    look(pair)
    for at in range(0, count, 2):
        pair.do("ZREM", "z", f"m{at}", f"m{at + 1000}")
    look(pair)
    pair.do("ZREM", "z", *(f"m{at}" for at in range(count)))
    pair.do("EXISTS", "z")


def test_members_of_all_bytes_and_lengths_are_ordered_alike(pair: Pair) -> None:
    for at in range(256):
        pair.do("ZADD", "small" if at % 3 else "other", "0", bytes([at]))
        pair.do("ZADD", "large", "0", bytes([at]) * (1 + at % 70))
    for key in ("small", "other", "large"):
        look(pair, key)
    pair.do("ZADD", "prefix", "0", "", "0", "a", "0", "aa", "0", "a\0", "0", "aaa", "0", "\0")
    look(pair, "prefix")


# ---- BZPOPMIN


def test_bzpopmin_of_what_is_there(pair: Pair) -> None:
    pair.play("""
        ZADD z 2 b 1 a 3 c
        ZADD y 1 x
        BZPOPMIN z 0
        BZPOPMIN missing z y 0
        BZPOPMIN y z 1
        BZPOPMIN y z 0.5
        EXISTS z y
        ZADD z 1.5 a
        bzpopmin z 0
        EXISTS z
    """)


def test_bzpopmin_errors(pair: Pair) -> None:
    pair.play("""
        BZPOPMIN
        BZPOPMIN z
        BZPOPMIN z abc
        BZPOPMIN z -1
        BZPOPMIN z -0.002
        BZPOPMIN z ""
        BZPOPMIN z nan
        BZPOPMIN z inf
        BZPOPMIN z -inf
        BZPOPMIN z 1e300
        BZPOPMIN z 9223372036854775807
        BZPOPMIN z 9223372036854776
        BZPOPMIN z "1 "
        BZPOPMIN z 0.001 0x
        SET s v
        BZPOPMIN s 0
        BZPOPMIN s abc
        BZPOPMIN s missing 0
        ZADD z 1 a
        BZPOPMIN z s 0
        BZPOPMIN missing s 0
        BZPOPMIN z 0.01
        BZPOPMIN z z 0.01
        BZPOPMIN missing 1e-9
        BZPOPMIN missing 0.0001
        BZPOPMIN missing 0x1p-8
    """)


def test_bzpopmin_waits_for_a_member(pair: Pair) -> None:
    writer = pair.second()
    pair.send("BZPOPMIN", "z", "0")
    pair.silent()
    writer.do("ZADD", "z", "1", "a", "2", "b")
    pair.read()
    pair.do("ZRANGE", "z", "0", "-1")
    pair.do("BZPOPMIN", "z", "0")
    pair.send("BZPOPMIN", "z", "other", "5")
    pair.silent()
    writer.do("ZADD", "other", "INCR", "7.25", "m")
    pair.read()
    pair.do("EXISTS", "z", "other")


@pytest.mark.parametrize("timeout", ["0", "0.0", "-0", "-0.0001", "-0.001", "1e9", "0x10"])
def test_bzpopmin_timeouts_that_are_long(pair: Pair, timeout: str) -> None:
    writer = pair.second()
    pair.send("BZPOPMIN", "z", timeout)
    pair.silent()
    writer.do("ZADD", "z", "1", "a")
    pair.read()


def test_bzpopmin_gives_up(pair: Pair) -> None:
    pair.do("BZPOPMIN", "z", "0.05")
    pair.do("BZPOPMIN", "z", "y", "z", "0.001")
    pair.do("PING")


def test_bzpopmin_serves_in_the_order_of_arrival(pair: Pair) -> None:
    waiting = [pair.second() for _ in range(4)]
    for client in waiting:
        client.send("BZPOPMIN", "a", "b", "0")
        client.silent(0.005)
    pair.do("ZADD", "b", "1", "first")
    waiting[0].read()
    pair.do("ZADD", "a", "5", "z", "4", "y")
    waiting[1].read()
    waiting[2].read()
    waiting[3].silent()
    pair.do("ZADD", "b", "3", "left", "2", "last")
    waiting[3].read()
    pair.do("ZRANGE", "b", "0", "-1")


def test_bzpopmin_is_not_served_by_another_type(pair: Pair) -> None:
    waiting = pair.second()
    waiting.send("BZPOPMIN", "z", "0")
    waiting.silent()
    pair.do("SET", "z", "v")
    waiting.silent()
    pair.do("DEL", "z")
    pair.do("HSET", "z", "f", "v")
    waiting.silent()
    pair.do("DEL", "z")
    pair.do("ZADD", "z", "1", "a")
    waiting.read()


def test_bzpopmin_in_another_database_is_not_served(pair: Pair) -> None:
    waiting = pair.second()
    waiting.do("SELECT", "1")
    waiting.send("BZPOPMIN", "z", "0")
    waiting.silent()
    pair.do("ZADD", "z", "1", "a")
    waiting.silent()
    pair.do("SELECT", "1")
    pair.do("ZADD", "z", "1", "b")
    waiting.read()


def test_bzpopmin_and_transactions(pair: Pair) -> None:
    waiting = pair.second()
    pair.play("""
        MULTI
        BZPOPMIN z 0
        ZADD z 1 a
        BZPOPMIN z 0
        BZPOPMIN z 0
        EXEC
        EXISTS z
    """)
    waiting.send("BZPOPMIN", "z", "0")
    waiting.silent(0.01)
    # The member comes and goes within one unit: nobody may be served.
    pair.play("""
        MULTI
        ZADD z 1 a
        ZREM z a
        EXEC
    """)
    waiting.silent()
    pair.play("""
        MULTI
        ZADD z 2 b
        ZADD z 1 a
        ZRANGE z 0 -1
        EXEC
        ZRANGE z 0 -1
    """)
    waiting.read()


def test_commands_behind_a_blocking_one_wait(pair: Pair) -> None:
    writer = pair.second()
    pair.send("BZPOPMIN", "z", "0")
    pair.silent()
    pair.send("ZADD", "z", "9", "own")
    pair.send("ZRANGE", "z", "0", "-1")
    pair.silent()
    writer.do("ZRANGE", "z", "0", "-1")
    writer.do("ZADD", "z", "1", "a")
    for _ in range(3):
        pair.read()


def test_a_blocked_client_that_leaves_takes_nothing(pair: Pair) -> None:
    leaving = pair.second()
    leaving.send("BZPOPMIN", "z", "0")
    leaving.silent(0.01)
    leaving.close()
    pair.silent(0.02)
    pair.do("ZADD", "z", "1", "a")
    pair.do("ZRANGE", "z", "0", "-1")


# ---- ZINCRBY, ZMSCORE, ZCARD, ZREVRANK


def test_zincrby_zmscore_zcard_zrevrank(pair: Pair) -> None:
    pair.play("""
        ZINCRBY z 1 a
        ZINCRBY z 1.5 a
        ZINCRBY z -10 a
        ZINCRBY z abc a
        ZINCRBY z nan a
        ZINCRBY z "" a
        ZINCRBY z inf a
        ZINCRBY z -inf a
        ZINCRBY z 1
        ZINCRBY z 1 a b
        ZINCRBY z 0 new
        ZINCRBY z 0 new
        ZINCRBY z 0.1 b
        ZINCRBY z 0.2 b
        ZCARD
        ZCARD z
        ZCARD z z
        ZCARD missing
        ZMSCORE z
        ZMSCORE z a nothing b a
        ZMSCORE missing a b
        ZREVRANK z
        ZREVRANK z a
        ZREVRANK z a WITHSCORE
        ZREVRANK z a withscore
        ZREVRANK z nothing
        ZREVRANK z nothing WITHSCORE
        ZREVRANK missing a WITHSCORE
        ZREVRANK z a FOO
        ZREVRANK z a WITHSCORE WITHSCORE
        SET s v
        ZINCRBY s 1 a
        ZINCRBY s abc a
        ZMSCORE s a
        ZCARD s
        ZREVRANK s a
        ZREVRANK s a FOO
        ZREVRANK s a WITHSCORE
        OBJECT ENCODING z
        DEBUG DIGEST-VALUE z
    """)
