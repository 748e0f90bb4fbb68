"""Encodings of sorted sets, the sign of zero, digests, and random sequences of commands that change them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.differential.pair import Pair

LONG = "l" * 65


def test_the_sign_of_zero(pair: Pair) -> None:
    with pair.config("zset-max-listpack-entries", 3):
        pair.play(f"""
            ZADD one -0 a
            ZSCORE one a
            ZADD one INCR -0 b
            ZSCORE one b
            ZINCRBY one -0 c
            ZMSCORE one a b c
            ZADD one -0 d
            ZRANGE one 0 -1 WITHSCORES
            ZADD one -0 a
            ZADD one 1 a
            ZADD one -0 a
            ZINCRBY one 0 a
            ZADD one INCR 0 d
            ZADD one CH INCR -0 d
            ZADD one GT CH 0 d
            ZADD one LT CH -0 a
            ZRANGE one 0 -1 WITHSCORES
            ZADD large -0 a -0 b -0 c -0 d
            ZRANGE large 0 -1 WITHSCORES
            ZADD long -0 {LONG}
            ZINCRBY long 0 {LONG}
            ZINCRBY long -0 {LONG}
            ZRANGE long 0 -1 WITHSCORES
            ZADD mixed -0 a 1 {LONG}
            ZRANGE mixed 0 -1 WITHSCORES
            ZADD grown -0 a -0 b
            ZADD grown -0 c -0 d -0 e
            ZRANGE grown 0 -1 WITHSCORES
            ZADD kept -0 a
            ZADD kept XX 1 {LONG}
            ZADD kept -0 b
            ZRANGE kept 0 -1 WITHSCORES
            ZCOUNT kept -0 0
            ZCOUNT kept (-0 0
            ZSCORE kept b
            ZADD moved 1 a
            ZADD moved -0 a
            ZADD moved -1 a
            ZINCRBY moved 1 a
            ZRANGE moved 0 -1 WITHSCORES
            ZPOPMIN kept
            ZPOPMAX kept
            ZADD last -0 a -0 b -0 c -0 d
            DEBUG DIGEST
        """)


ENCODED = (
    "ZADD k 1 a", "ZADD k 1 a 2 b 3 c", "ZADD k 1 a 2 b 3 c 4 d", "ZADD k 1 a 2 a 3 a 4 a", f"ZADD k 1 {LONG[:64]}",
    f"ZADD k 1 {LONG}", f"ZADD k XX 1 {LONG}", f"ZADD k NX 5 a 6 {LONG}", "ZADD k XX 1 w 2 x 3 y 4 z", "ZADD k 9 a",
    f"ZADD k GT 0 {LONG}", "ZINCRBY k 1 a", f"ZINCRBY k 1 {LONG}", "ZADD k INCR 1 d", f"ZADD k XX INCR 1 {LONG}",
    "ZREM k a b c d", "ZADD k CH 1 a", f"ZADD k XX CH 1 {LONG}", "GEOADD k 1 1 a 2 2 b", f"GEOADD k XX 1 1 {LONG}",
    "GEOADD k XX 1 1 a 2 2 b 3 3 c 4 4 d",
)  # fmt: skip


@pytest.mark.parametrize("entries", [0, 3, 128])
def test_encodings(pair: Pair, entries: int) -> None:
    with pair.config("zset-max-listpack-entries", entries):
        for first, second in itertools.product(ENCODED, repeat=2):
            pair.do("DEL", "k")
            for line in (first, second):
                pair.play(line)
                pair.do("OBJECT", "ENCODING", "k")


def test_limits_lowered_later_convert_only_what_grows(pair: Pair) -> None:
    pair.do("ZADD", "z", 1, "a", 2, "b", 3, "c", 4, "d", 5, LONG[:60])
    with pair.config("zset-max-listpack-entries", 2), pair.config("zset-max-listpack-value", 10):
        for line in (
            "ZADD z 9 a",
            "ZINCRBY z 1 b",
            "ZADD z XX 1 new",
            "ZREM z d",
            "ZADD z 1 a",
            f"ZADD z 1 {LONG[:60]}",
        ):
            pair.play(line)
            pair.do("OBJECT", "ENCODING", "z")
        pair.do("ZADD", "y", 1, "a", 2, "b")
        pair.do("ZINCRBY", "y", 1, "new")
        pair.do("OBJECT", "ENCODING", "y")


WHOLE = (
    "1e15",
    "1234567890123456789",
    "100",
    "123456789",
    "1e8",
    "4611686018427387904",
    "-1e15",
    "1e21",
    "0",
    "-0",
    "inf",
)


@pytest.mark.parametrize("member", ["m", LONG])
@pytest.mark.parametrize("score", [*WHOLE, "0.1", "1.5e300", "-2.5"])
def test_digests_of_scores(pair: Pair, score: str, member: str) -> None:
    pair.do("ZADD", "z", score, member)
    pair.do("DEBUG", "DIGEST-VALUE", "z")
    pair.do("DEBUG", "DIGEST")


# ---- Random sequences

names = st.sampled_from(["a", "b", "c", "d", "e", "f", "g", LONG])
scores = st.sampled_from(["0", "-0", "1", "2", "2.5", "-1", "inf", "-inf", "1e15", "100000"])
flags = st.sampled_from([(), (), ("NX",), ("XX",), ("GT",), ("LT", "CH"), ("CH",), ("XX", "GT", "CH")])
keys = st.sampled_from(["x", "y"])
ranks = st.integers(-4, 4).map(str)
bounds = st.sampled_from(["-inf", "+inf", "0", "(0", "1", "(2", "2.5"])
steps = st.one_of(
    st.builds(
        lambda key, flag, pairs: ["ZADD", key, *flag, *(word for pair in pairs for word in pair)],
        keys, flags, st.lists(st.tuples(scores, names), min_size=1, max_size=5),
    ),
    st.builds(lambda key, flag, score, name: ["ZADD", key, *flag, "INCR", score, name], keys, flags, scores, names),
    st.builds(lambda key, score, name: ["ZINCRBY", key, score, name], keys, scores, names),
    st.builds(lambda key, some: ["ZREM", key, *some], keys, st.lists(names, min_size=1, max_size=3)),
    st.builds(lambda name, key, count: [name, key, *count], st.sampled_from(["ZPOPMIN", "ZPOPMAX"]), keys,
              st.sampled_from([(), ("0",), ("1",), ("2",), ("9",)])),
    st.builds(lambda last, count: ["ZMPOP", "2", "x", "y", last, "COUNT", count], st.sampled_from(["MIN", "MAX"]),
              st.sampled_from(["1", "3", "9"])),
    st.builds(lambda key, a, b: ["ZREMRANGEBYRANK", key, a, b], keys, ranks, ranks),
    st.builds(lambda key, a, b: ["ZREMRANGEBYSCORE", key, a, b], keys, bounds, bounds),
    st.builds(lambda to, key, a, b: ["ZRANGESTORE", to, key, a, b], keys, keys, ranks, ranks),
    st.builds(lambda to, key, a, b: ["ZRANGESTORE", to, key, a, b, "BYSCORE"], keys, keys, bounds, bounds),
    st.builds(lambda name, to: [name, to, "2", "x", "y"],
              st.sampled_from(["ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"]), keys),
    st.builds(lambda to, how: ["ZUNIONSTORE", to, "2", "x", "y", "WEIGHTS", "-1", "0", "AGGREGATE", how], keys,
              st.sampled_from(["SUM", "MIN", "MAX"])),
)  # fmt: skip


@pytest.mark.parametrize(("entries", "longest"), [(128, 64), (3, 64), (0, 64), (128, 1)])
def test_random_sequences(pair: Pair, entries: int, longest: int) -> None:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(st.lists(steps, max_size=25))
    def run(sequence: list[list[str]]) -> None:
        pair.fresh()
        for words in sequence:
            pair.do(*words)
            for key in ("x", "y"):
                pair.do("ZRANGE", key, "0", "-1", "WITHSCORES")
                pair.do("OBJECT", "ENCODING", key)
        pair.do("DEBUG", "DIGEST")

    with pair.config("zset-max-listpack-entries", entries), pair.config("zset-max-listpack-value", longest):
        run()
