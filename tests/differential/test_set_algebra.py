"""SINTER, SUNION, SDIFF, their STORE forms and SINTERCARD."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.differential.pair import Pair
from tests.differential.test_sets import limited, look

COMMANDS = ("SINTER", "SUNION", "SDIFF")


def test_of_missing_keys_and_one_key(pair: Pair) -> None:
    pair.do("SADD", "s", "a", "b", "c")
    pair.do("SADD", "n", "3", "1", "2")
    for name in COMMANDS:
        for sources in (("s",), ("n",), ("missing",), ("s", "missing"), ("missing", "s"), ("s", "s"), ("s", "n", "s")):
            pair.unordered(name, *sources)
            pair.do(f"{name}STORE", "d", *sources)
            look(pair, "d")
        pair.do(name)
        pair.do(f"{name}STORE")
        pair.do(f"{name}STORE", "d")
    for sources in (("s",), ("missing",), ("s", "missing"), ("s", "s"), ("s", "n")):
        pair.do("SINTERCARD", len(sources), *sources)


def test_numbers_are_in_order(pair: Pair) -> None:
    pair.play("""
        SADD a 5 3 9 1
        SADD b 3 4 1 2 9
        SADD c 70000 3
        SINTER a b
        SINTER b a c
        SUNION a b
        SUNION a b c
        SDIFF a b
        SDIFF b c
    """)


def test_wrong_type_at_any_place(pair: Pair) -> None:
    pair.do("SADD", "s", "a")
    pair.do("SET", "str", "v")
    for sources in (
        ("str",),
        ("s", "str"),
        ("str", "s"),
        ("missing", "str"),
        ("str", "missing"),
        ("s", "missing", "str"),
    ):
        for name in COMMANDS:
            pair.do(name, *sources)
            pair.do(f"{name}STORE", "d", *sources)
        pair.do("SINTERCARD", len(sources), *sources)
    pair.do("EXISTS", "d")


def test_the_target_may_hold_anything(pair: Pair) -> None:
    for name in COMMANDS:
        for make in (
            ("SET", "d", "v"),
            ("HSET", "d", "f", "v"),
            ("SADD", "d", "z"),
            ("SET", "d", "v" * 300),
            ("SADD", "d", *range(700)),
        ):
            pair.do("DEL", "d")
            pair.do("SADD", "s", "a", "b")
            pair.do(*make)
            pair.do("EXPIRE", "d", "100")
            pair.do(f"{name}STORE", "d", "s")
            look(pair, "d")
            pair.do("TTL", "d")
            pair.do("DEL", "d")
            pair.do(*make)
            pair.do(f"{name}STORE", "d", "missing", "s")
            pair.do("EXISTS", "d")
    pair.play("""
        DEL s
        SADD s 1 2 3
        SADD t 2 3 4
        EXPIRE s 100
        SINTERSTORE s s t
        ~ SMEMBERS s
        TTL s
        SUNIONSTORE s s t
        ~ SMEMBERS s
        SDIFFSTORE s t s
        EXISTS s
        SDIFFSTORE t t t
        EXISTS t
    """)


def test_sintercard(pair: Pair) -> None:
    pair.do("SADD", "a", *range(50))
    pair.do("SADD", "b", *range(25, 90))
    pair.do("SADD", "c", *(f"m{at}" for at in range(40)), "30", "31")
    pair.play("""
        SINTERCARD 2 a b
        SINTERCARD 3 a b c
        SINTERCARD 1 c
        SINTERCARD 2 a b LIMIT 10
        SINTERCARD 2 a b limit 1
        SINTERCARD 2 a b LIMIT 0
        SINTERCARD 2 a b LIMIT 1000
        SINTERCARD 2 a b LIMIT 9223372036854775807
        SINTERCARD 2 a b LIMIT 9223372036854775808
        SINTERCARD 2 a b LIMIT -1
        SINTERCARD 2 a b LIMIT abc
        SINTERCARD 2 a b LIMIT ""
        SINTERCARD 2 a b LIMIT
        SINTERCARD 2 a b LIMIT 1 2
        SINTERCARD 2 a b LIMIT 1 LIMIT 3
        SINTERCARD 2 a b LIMIT 0 LIMIT abc
        SINTERCARD 2 a b FOO
        SINTERCARD 2 a b FOO 1
        SINTERCARD 1 a b
        SINTERCARD 3 a b
        SINTERCARD 3 a b LIMIT 1
        SINTERCARD 0 a
        SINTERCARD -1 a
        SINTERCARD 01 a
        SINTERCARD abc a
        SINTERCARD "" a
        SINTERCARD 9223372036854775807 a
        SINTERCARD 9223372036854775808 a
        SINTERCARD
        SINTERCARD 1
        SINTERCARD 2 missing a LIMIT -1
        SINTERCARD 2 missing a
    """)


def numbers(start: int, stop: int) -> list[str]:
    return [str(at) for at in range(start, stop)]


def words(start: int, stop: int) -> list[str]:
    return [f"m{at}" for at in range(start, stop)]


SETS: dict[str, list[list[str]]] = {
    "numbers": [numbers(0, 300), numbers(200, 512), numbers(5, 210)],
    "numbers over the limit": [numbers(0, 600), numbers(1, 513), numbers(0, 700)],
    "numbers at the limit": [numbers(0, 512), numbers(0, 512)],
    "numbers with one word": [[*numbers(0, 600), "a"], [*numbers(0, 512), "b"]],
    "numbers with one word in common": [[*numbers(0, 600), "a"], [*numbers(0, 127), "a"]],
    "numbers with one word in common over the limit": [[*numbers(0, 600), "a"], [*numbers(0, 128), "a"]],
    "words": [words(0, 600), words(0, 128)],
    "words over the limit": [words(0, 600), words(0, 129)],
    "words and long ones": [[*words(0, 10), "x" * 65], [*words(5, 15), "x" * 65, "y" * 300], [*words(0, 3), "x" * 65]],
    "very long ones": [["x" * at for at in range(180, 320)], ["x" * at for at in range(250, 400)]],
    "packed": [["1", "2", "a"], ["1", "2", "b"], ["2", "b", "a"]],
    "a few": [["1", "2", "3", "4", "a"], ["1", "2"], ["3", "4"], ["x"]],
    "one large against many small": [numbers(0, 600), *[[str(at)] for at in range(9)]],
    "one large against itself": [numbers(0, 600), numbers(0, 600)],
    "large ones": [words(0, 5000), words(2500, 9000), words(100, 4000)],
    "large and disjoint": [words(0, 2000), words(3000, 5000)],
    "many": [[*numbers(at, at + 20), f"w{at % 3}"] for at in range(12)],
}


@pytest.mark.parametrize(
    "limits", [(512, 128, 64), (3, 128, 64), (512, 3, 64), (512, 128, 3), (2, 1000, 64), (0, 0, 0)]
)
def test_results_and_their_encodings(pair: Pair, limits: tuple[int, int, int]) -> None:
    for contents in SETS.values():
        for lowered_before in (True, False):
            pair.fresh()
            keys = [f"k{at}" for at in range(len(contents))]
            with limited(pair, *(limits if lowered_before else (512, 128, 64))):
                for key, content in zip(keys, contents, strict=True):
                    pair.do("SADD", key, *content)
            with limited(pair, *limits):
                for sources in (keys, keys[::-1], keys[:1], keys[1:]):
                    pair.do("SINTERCARD", len(sources), *sources)
                    for name in COMMANDS:
                        pair.unordered(name, *sources)
                        pair.do(f"{name}STORE", "d", *sources)
                        pair.do("OBJECT", "ENCODING", "d")
                        pair.do("DEBUG", "DIGEST-VALUE", "d")
    pair.do("DEBUG", "DIGEST")


def test_results_stay_what_they_are_when_their_sources_change(pair: Pair) -> None:
    pair.do("SADD", "a", *words(0, 3000))
    pair.do("SADD", "b", *words(1000, 4000))
    pair.do("SUNIONSTORE", "u", "a", "b")
    pair.do("SDIFFSTORE", "whole", "a", "missing")
    pair.do("MULTI")
    pair.do("SMEMBERS", "a")
    pair.do("SINTER", "a", "b")
    pair.do(
        "SREM",
        "a",
        *words(
            0,
            3000,
        )[::2],
    )
    pair.do("SADD", "a", *words(9000, 9500))
    pair.do("SUNION", "a", "b")
    pair.do("DEL", "b")
    theirs, ours = pair.both("EXEC")
    assert [len(item.items) for item in theirs.items] == [len(item.items) for item in ours.items]
    for one, other in zip(theirs.items, ours.items, strict=True):
        assert sorted(item.raw for item in one.items) == sorted(item.raw for item in other.items)
    look(pair, "a", "u", "whole")
    pair.do("DEBUG", "DIGEST")


keys = st.sampled_from(["a", "b", "c", "d", "e"])
members = st.one_of(
    st.integers(-2, 12).map(str), st.sampled_from(["", "m", "n", "o", "01", "abcd", "70000", "x" * 70, "y" * 260])
)
steps = st.one_of(
    st.tuples(st.just("SADD"), st.lists(keys, min_size=1, max_size=1), st.lists(members, min_size=1, max_size=12)),
    st.tuples(st.just("SREM"), st.lists(keys, min_size=1, max_size=1), st.lists(members, min_size=1, max_size=5)),
    st.tuples(st.sampled_from(COMMANDS), st.lists(keys, min_size=1, max_size=6), st.just([])),
    st.tuples(
        st.sampled_from([f"{name}STORE" for name in COMMANDS]), st.lists(keys, min_size=2, max_size=6), st.just([])
    ),
)


@pytest.mark.parametrize("limits", [(512, 128, 64), (4, 8, 6), (8, 4, 64), (2, 5, 3)])
def test_random_sequences(pair: Pair, limits: tuple[int, int, int]) -> None:
    @settings(parent=settings(), database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(steps, max_size=25))
    def run(sequence: list[tuple[str, list[str], list[str]]]) -> None:
        pair.fresh()
        for name, chosen, rest in sequence:
            pair.unordered(name, *chosen, *rest)
            pair.do("OBJECT", "ENCODING", chosen[0])
        pair.do("DEBUG", "DIGEST")

    with limited(pair, *limits):
        run()
