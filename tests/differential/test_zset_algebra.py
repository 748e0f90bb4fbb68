"""ZUNION, ZINTER, ZDIFF, told, counted and stored: weights, aggregates, infinities, sets as inputs, encodings."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.differential.pair import Pair

NAMES = ("ZUNION", "ZINTER", "ZDIFF")
LONG = "l" * 65


def look(pair: Pair, key: str) -> None:
    pair.do("ZRANGE", key, "0", "-1", "WITHSCORES")
    pair.do("OBJECT", "ENCODING", key)
    pair.do("DEBUG", "DIGEST-VALUE", key)


@pytest.mark.parametrize("name", NAMES)
def test_errors(pair: Pair, name: str) -> None:
    pair.play("""
        SET s v
        ZADD z 1 a 2 b
    """)
    bodies = (
        "", "1", "0 z", "-1 z", "abc z", "2 z", "9223372036854775807 z", "9223372036854775808 z", "1 s", "1 s FOO",
        "2 z s WEIGHTS abc 1", "2 missing s", "2 s missing", "1 z WEIGHTS", "1 z WEIGHTS abc", "1 z WEIGHTS nan",
        "1 z WEIGHTS 1 2", "1 z WEIGHTS 2 WEIGHTS 3", "1 z AGGREGATE", "1 z AGGREGATE foo", "1 z AGGREGATE sum",
        "1 z AGGREGATE MIN AGGREGATE MAX", "1 z WITHSCORES", "1 z WITHSCORES WITHSCORES", "1 z LIMIT 1",
        "1 z weights 1 aggregate max withscores", "1 z WITHSCORES WEIGHTS -1", "1 missing", "1 missing WITHSCORES",
        "2 z z WITHSCORES", "1 z FOO",
    )  # fmt: skip
    for body in bodies:
        pair.play(f"""
            {name} {body}
            {name}STORE d {body}
            {name}STORE s2 {body}
        """)
        look(pair, "d")
    pair.do(f"{name}STORE")
    pair.do(f"{name}STORE", "d")


def test_zintercard(pair: Pair) -> None:
    pair.play("""
        SET s v
        ZADD z 1 a 2 b 3 c 4 d
        ZADD y 1 b 2 c 3 d 4 e
        SADD set c d e
    """)
    bodies = (
        "", "1", "0 z", "-1 z", "abc z", "99999999999999999999 z", "2 z", "1 z LIMIT", "1 z LIMIT abc", "1 z LIMIT -1",
        "1 z LIMIT 0", "1 z LIMIT 2", "1 z LIMIT 9", "1 z LIMIT 1 LIMIT 2", "1 z WEIGHTS 1", "1 z AGGREGATE SUM",
        "1 z WITHSCORES", "2 missing s", "2 z s FOO", "1 z FOO", "2 z y", "2 z y LIMIT 2", "3 z y set", "3 set y z limit 1",
        "2 z missing", "2 z z", "1 set", "1 missing",
    )  # fmt: skip
    for body in bodies:
        pair.play(f"ZINTERCARD {body}")


SOURCES = {
    "few": "ZADD few 1 a 2 b 3 c",
    "other": "ZADD other 10 b 20 c 30 d 0.5 a",
    "inf": "ZADD inf inf a -inf b 1 c inf d",
    "zero": f"ZADD zero 0 a -0 b 0 c 5 {LONG}",
    "set": "SADD set a c x",
    "numbers": "SADD numbers 1 2 3",
    "missing": "PING",
}


@pytest.mark.parametrize("entries", [128, 3])
def test_every_two_sources(pair: Pair, entries: int) -> None:
    with pair.config("zset-max-listpack-entries", entries):
        for line in SOURCES.values():
            pair.play(line)
        weights = (
            (),
            ("WEIGHTS", "1", "1"),
            ("WEIGHTS", "0", "-1"),
            ("WEIGHTS", "inf", "-inf"),
            ("WEIGHTS", "0.5", "-0"),
        )
        aggregates = ((), ("AGGREGATE", "MIN"), ("AGGREGATE", "MAX"))
        for name, one, other in itertools.product(NAMES, SOURCES, SOURCES):
            if name == "ZDIFF":
                pair.do(name, "2", one, other, "WITHSCORES")
                pair.do(f"{name}STORE", "d", "2", one, other)
                look(pair, "d")
                continue
            for weight, aggregate in itertools.product(weights, aggregates):
                pair.do(name, "2", one, other, *weight, *aggregate, "WITHSCORES")
                pair.do(f"{name}STORE", "d", "2", one, other, *aggregate, *weight)
                look(pair, "d")


def test_fractions_are_summed_in_the_order_of_sizes(pair: Pair) -> None:
    for n, score in enumerate(("0.1", "0.2", "0.3", "0.7", "1e16", "-1e16", "1.1", "3.3")):
        pair.do("ZADD", f"k{n}", score, "m")
    for keys in itertools.permutations(range(6), 4):
        for name in ("ZUNION", "ZINTER"):
            pair.do(name, 4, *(f"k{n}" for n in keys), "WITHSCORES")
    for n in (0, 2, 4):
        pair.do("ZADD", f"k{n}", *(word for extra in range(n + 1) for word in (1, f"x{n}{extra}")))
    dice = random.Random(4)
    for _ in range(60):
        keys = dice.sample(range(8), 8)
        for name in ("ZUNION", "ZINTER"):
            pair.do(name, 8, *(f"k{n}" for n in keys), "WITHSCORES")


def test_the_target_may_hold_anything_and_be_a_source(pair: Pair) -> None:
    for name in NAMES:
        pair.play(f"""
            ZADD a 1 x 2 y 3 z
            SADD b y q
            SET d string
            EXPIRE d 100
            {name}STORE d 2 a b
            TTL d
            TYPE d
            EXPIRE a 100
            {name}STORE a 2 a b
            ZRANGE a 0 -1 WITHSCORES
            TTL a
            {name}STORE b 1 b
            ZRANGE b 0 -1 WITHSCORES
            {name}STORE a 1 missing
            EXISTS a
            {name}STORE missing 1 missing
            FLUSHALL
        """)


@pytest.mark.parametrize("count", [127, 128, 129, 2000])
def test_large_results(pair: Pair, count: int) -> None:
    dice = random.Random(count)
    for key in ("a", "b", "c"):
        members = dice.sample(range(count * 2), count)
        pair.do("ZADD", key, *(word for n in members for word in (dice.randrange(50), f"m{n}")))
    pair.do("SADD", "s", *(f"m{n}" for n in range(count)))
    for name in NAMES:
        for keys in (("a",), ("a", "b"), ("a", "b", "c"), ("s", "a"), ("a", "s"), ("a", "a"), ("c", "s", "b", "a")):
            pair.do(name, len(keys), *keys, "WITHSCORES")
            pair.do(f"{name}STORE", "d", len(keys), *keys)
            look(pair, "d")
            if name == "ZINTER":
                pair.do("ZINTERCARD", len(keys), *keys)
                pair.do("ZINTERCARD", len(keys), *keys, "LIMIT", 10)
    pair.do("DEBUG", "DIGEST")


scores = st.sampled_from(["0", "-0", "1", "-1", "0.1", "0.2", "1e300", "inf", "-inf"])
contents = st.lists(st.tuples(scores, st.sampled_from(["a", "b", "c", "d", "e", LONG])), min_size=1, max_size=6)
weights = st.sampled_from(["1", "0", "-0", "-1", "0.1", "1e300", "inf", "-inf"])


@pytest.mark.parametrize("entries", [128, 2])
def test_random_aggregations(pair: Pair, entries: int) -> None:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(
        st.lists(contents, min_size=1, max_size=4),
        st.sampled_from(["ZUNION", "ZINTER"]),
        st.sampled_from(["SUM", "MIN", "MAX"]),
        st.lists(weights, min_size=4, max_size=4),
    )
    def run(sources: list[list[tuple[str, str]]], name: str, how: str, chosen: list[str]) -> None:
        pair.fresh()
        for n, content in enumerate(sources):
            pair.do("ZADD", n, *(word for entry in content for word in entry))
        keys = [str(n) for n in range(len(sources))]
        options = ("WEIGHTS", *chosen[: len(keys)], "AGGREGATE", how)
        pair.do(name, len(keys), *keys, *options, "WITHSCORES")
        pair.do(f"{name}STORE", "d", len(keys), *keys, *options)
        look(pair, "d")
        pair.do("ZDIFF", len(keys), *keys, "WITHSCORES")

    with pair.config("zset-max-listpack-entries", entries):
        run()
