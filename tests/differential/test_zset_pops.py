"""ZPOPMIN, ZPOPMAX, ZMPOP, BZPOPMAX, BZMPOP and ZREMRANGEBY…: what is taken out at once, and who waits for it."""

from __future__ import annotations

import itertools

import pytest
from tests.differential.pair import Pair


def fill(pair: Pair, count: int, key: str = "z") -> None:
    pair.do("ZADD", key, *(word for n in range(count) for word in (n // 2, f"m{n:04}")))


def look(pair: Pair, key: str = "z") -> None:
    pair.do("ZRANGE", key, "0", "-1", "WITHSCORES")
    pair.do("OBJECT", "ENCODING", key)
    pair.do("DEBUG", "DIGEST-VALUE", key)


@pytest.mark.parametrize("name", ["ZPOPMIN", "ZPOPMAX"])
def test_pops(pair: Pair, name: str) -> None:
    for count in (1, 2, 10, 70, 200):
        for popped in ((), (0,), (1,), (2,), (count // 2,), (count - 1,), (count,), (count + 1,), (2**63 - 1,)):
            pair.do("DEL", "z")
            fill(pair, count)
            pair.do(name, "z", *popped)
            look(pair)
            pair.do("EXISTS", "z")
    pair.play(f"""
        {name}
        {name} missing
        {name} missing 1
        {name} missing 0
        {name} missing -1
        {name} missing abc
        {name} missing 1 2
        SET s v
        {name} s
        {name} s 0
        {name} s 1
        {name} s -1
        {name} s abc
        {name} s 9223372036854775808
        {name} s 1 2
    """)


def test_zmpop(pair: Pair) -> None:
    for count, popped, end in itertools.product((1, 5, 200), (1, 3, 150, 500), ("MIN", "max")):
        pair.do("DEL", "z")
        fill(pair, count)
        pair.do("ZMPOP", "3", "missing", "z", "y", end, "COUNT", popped)
        look(pair)
    pair.play("""
        DEL z
        ZMPOP
        ZMPOP 1 z
        ZMPOP 1 z MIN
        ZMPOP 0 z MIN
        ZMPOP -1 z MIN
        ZMPOP abc z MIN
        ZMPOP 2 z MIN
        ZMPOP 9223372036854775807 z MIN
        ZMPOP 1 z FOO
        ZMPOP 1 z MIN FOO
        ZMPOP 1 z MIN COUNT
        ZMPOP 1 z MIN COUNT 0
        ZMPOP 1 z MIN COUNT -1
        ZMPOP 1 z MIN COUNT abc
        ZMPOP 1 z MIN COUNT 1 COUNT 1
        ZMPOP 1 z MIN COUNT 1 FOO
        ZMPOP 1 z COUNT 1 MIN
        ZMPOP 1 z MIN MAX
        SET s v
        ZADD z 1 a 2 b
        ZMPOP 2 missing s MIN
        ZMPOP 2 s z MIN
        ZMPOP 2 z s MIN
        ZMPOP 2 z s FOO
        ZMPOP 1 z MAX
        ZMPOP 1 z MAX
        BZMPOP
        BZMPOP 0 1 z
        BZMPOP abc 1 z FOO
        BZMPOP abc 0 z MIN
        BZMPOP abc 1 z MIN
        BZMPOP -1 1 z MIN COUNT 0
        BZMPOP -1 1 z MIN
        BZMPOP 0 0 z MIN
        BZMPOP 0 2 z MIN
        BZMPOP 0 1 s MIN
        BZMPOP 0.01 1 z MIN
        BZPOPMAX z abc
        BZPOPMAX z -1
        BZPOPMAX s 0
        BZPOPMAX z 0.01
        ZADD z 1 a 2 b 3 c
        BZPOPMAX missing z 0
        BZMPOP 0 2 missing z MAX COUNT 5
        EXISTS z
    """)


REMOVALS = ("ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREMRANGEBYLEX")
ENDS = {
    "ZREMRANGEBYRANK": ("0", "1", "-1", "-3", "5", "100", "-100", "abc", "(1", ""),
    "ZREMRANGEBYSCORE": ("-inf", "+inf", "0", "1", "(1", "2", "(3", "abc", "", "nan"),
    "ZREMRANGEBYLEX": ("-", "+", "[m0001", "(m0001", "[m0003", "(m0005", "[z", "abc", ""),
}


@pytest.mark.parametrize("name", REMOVALS)
@pytest.mark.parametrize("count", [7, 200])
def test_removing_ranges(pair: Pair, name: str, count: int) -> None:
    for start, stop in itertools.product(ENDS[name], repeat=2):
        pair.do("DEL", "z")
        if name == "ZREMRANGEBYLEX":
            pair.do("ZADD", "z", *(word for n in range(count) for word in (5, f"m{n:04}")))
        else:
            fill(pair, count)
        pair.do(name, "z", start, stop)
        look(pair)
        pair.do(name, "missing", start, stop)


@pytest.mark.parametrize("count", [300, 3000])
def test_large_sets_lose_a_range_here_and_there(pair: Pair, count: int) -> None:
    fill(pair, count)
    for start, stop in ((10, 20), (0, 5), (-5, -1), (100, 150), (7, 7), (50, count - 80), (0, 100), (3, 3)):
        pair.do("ZREMRANGEBYRANK", "z", start, stop)
        pair.do("DEBUG", "DIGEST-VALUE", "z")
        pair.do("ZRANGE", "z", "0", "-1", "WITHSCORES")
        pair.do("ZADD", "z", "CH", 5, "m0001", 17, f"new {start}")
        pair.do("ZRANK", "z", "m0001")
    pair.do("ZREMRANGEBYRANK", "z", 0, -1)
    pair.do("EXISTS", "z")


# ---- Waiting


@pytest.mark.parametrize(
    "words", [("BZPOPMAX", "a", "z", "0"), ("BZMPOP", "0", "2", "a", "z", "MIN", "COUNT", "2"), ("BZPOPMIN", "z", "0")]
)
@pytest.mark.parametrize(
    "writer",
    [
        "ZADD z 1 x 2 y 3 q", "ZINCRBY z 1 x", "ZADD z INCR 1 x", "ZUNIONSTORE z 1 source", "ZINTERSTORE z 1 source",
        "ZDIFFSTORE z 1 source", "ZRANGESTORE z source 0 -1", "RENAME source z", "COPY source z",
        "GEOADD z 1 1 x", "GEOSEARCHSTORE z places FROMLONLAT 1 1 BYRADIUS 9 km",
    ],
)  # fmt: skip
def test_every_way_to_come_into_being_serves(pair: Pair, words: tuple[str, ...], writer: str) -> None:
    waiting = pair.second()
    pair.play("""
        ZADD source 1 a 2 b 3 c
        GEOADD places 1 1 x 1.001 1 y
    """)
    waiting.send(*words)
    waiting.silent(0.01)
    pair.play(writer)
    waiting.read()
    pair.do("ZRANGE", "z", "0", "-1", "WITHSCORES")
    pair.do("DEBUG", "DIGEST")


def test_those_who_wait_are_served_in_order_and_what_is_left_stays(pair: Pair) -> None:
    waiting = [pair.second() for _ in range(4)]
    waiting[0].send("BZMPOP", "0", "1", "z", "MAX", "COUNT", "2")
    waiting[0].silent(0.01)
    waiting[1].send("BZPOPMAX", "z", "0")
    waiting[1].silent(0.01)
    waiting[2].send("BZPOPMIN", "y", "z", "0")
    waiting[2].silent(0.01)
    waiting[3].send("BZMPOP", "0", "2", "y", "z", "MIN")
    waiting[3].silent(0.01)
    pair.do("ZADD", "z", 1, "a", 2, "b", 3, "c", 4, "d", 5, "e")
    for client in waiting[:3]:
        client.read()
    waiting[3].read()
    pair.do("ZRANGE", "z", "0", "-1")
    pair.do("EXISTS", "z")


def test_another_type_does_not_serve_but_the_right_one_afterwards_does(pair: Pair) -> None:
    waiting = pair.second()
    pair.do("ZADD", "source", 1, "a", 2, "b")
    for words in (("BZPOPMAX", "z", "0"), ("BZMPOP", "0", "1", "z", "MIN")):
        waiting.send(*words)
        waiting.silent(0.01)
        pair.do("SET", "z", "v")
        waiting.silent(0.01)
        # Replaced by a sorted set without having been deleted.
        pair.do("ZUNIONSTORE", "z", "1", "source")
        waiting.silent(0.03) if pair.do("ZCARD", "z").integer == 2 else waiting.read()
        pair.do("DEL", "z")
        pair.do("ZADD", "z", 1, "m", 2, "n")
        waiting.read()
        pair.do("ZRANGE", "z", "0", "-1")
        pair.do("DEL", "z")


@pytest.mark.parametrize("reason", [(), ("TIMEOUT",), ("ERROR",)])
def test_client_unblock(pair: Pair, reason: tuple[str, ...]) -> None:
    for words in (("BZPOPMAX", "z", "0"), ("BZMPOP", "0", "1", "z", "MIN")):
        waiting = pair.second()
        ids = [reply.integer for reply in waiting.both("CLIENT", "ID")]
        waiting.send(*words)
        waiting.silent(0.02)
        told = []
        for wire, id in zip((pair.theirs, pair.ours), ids, strict=True):
            wire.send(b"CLIENT UNBLOCK %d %b\r\n" % (id, " ".join(reason).encode()))
            told.append(wire.read().raw)
        assert told == [b":1\r\n", b":1\r\n"]
        waiting.read()
        pair.do("ZADD", "z", 1, "a")
        pair.do("DEL", "z")


def test_they_do_not_wait_in_a_transaction(pair: Pair) -> None:
    pair.play("""
        MULTI
        BZPOPMAX z 0
        BZMPOP 0 1 z MIN
        ZADD z 1 a 2 b 3 c
        BZPOPMAX z 0
        BZMPOP 0 1 z MIN COUNT 5
        BZPOPMAX z 0
        EXEC
    """)
