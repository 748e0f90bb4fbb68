"""SADD to SMOVE, SPOP and SRANDMEMBER, and the encodings of sets; unions and their like are in test_set_algebra.py."""

from __future__ import annotations

import random
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.differential.pair import Pair
from tests.differential.wire import Reply, Word

LIMITS = ("set-max-intset-entries", "set-max-listpack-entries", "set-max-listpack-value")


def limited(pair: Pair, intset: int, entries: int, value: int) -> ExitStack:
    """The three limits of encodings set on both."""
    stack = ExitStack()
    for name, limit in zip(LIMITS, (intset, entries, value), strict=True):
        stack.enter_context(pair.config(name, limit))
    return stack


def look(pair: Pair, *keys: str) -> None:
    for key in keys:
        pair.do("OBJECT", "ENCODING", key)
        pair.do("SCARD", key)
        pair.unordered("SMEMBERS", key)


def test_adding_asking_removing(pair: Pair) -> None:
    pair.play(r"""
        SADD s a b c a
        SADD s a
        SADD s b d d
        SCARD s
        SMEMBERS s
        SISMEMBER s a
        SISMEMBER s zz
        SMISMEMBER s a zz d a
        SREM s zz
        SREM s a a zz b
        SMEMBERS s
        SADD s "" "\x00\r\n\xff" A
        SISMEMBER s ""
        SISMEMBER s "\x00\r\n\xff"
        SISMEMBER s a
        SISMEMBER s A
        SMEMBERS s
        SREM s "" c d "\x00\r\n\xff"
        SREM s A
        EXISTS s
        SCARD s
        SMEMBERS s
        SISMEMBER s a
        SMISMEMBER s a b
        SREM s a
        SADD "" ""
        SMEMBERS ""
    """)


def test_numbers_are_told_from_what_looks_like_one(pair: Pair) -> None:
    pair.play("""
        SADD n 3 1 2 -5 100000 -70000 9223372036854775807 -9223372036854775808
        SMEMBERS n
        OBJECT ENCODING n
        SISMEMBER n 3
        SISMEMBER n 03
        SISMEMBER n +3
        SISMEMBER n 3.0
        SISMEMBER n ""
        SISMEMBER n -0
        SISMEMBER n 9223372036854775808
        SMISMEMBER n 1 -9223372036854775808 x
        SREM n 03
        SREM n 3 1 9223372036854775807 9223372036854775807
        SMEMBERS n
        SADD n 4611686018427387904 -4611686018427387904
        SISMEMBER n -4611686018427387904
        SISMEMBER n 4611686018427387904
        SADD n 01
        OBJECT ENCODING n
        SMEMBERS n
        SISMEMBER n 2
        SADD n 1
        SMEMBERS n
    """)


def test_arguments(pair: Pair) -> None:
    pair.play("""
        SADD
        SADD s
        SREM s
        SISMEMBER s
        SISMEMBER s a b
        SMISMEMBER s
        SCARD
        SCARD s t
        SMEMBERS
        SMEMBERS s t
        SMOVE s t
        SMOVE s t a b
        SPOP
        SPOP s 1 2
        SPOP s abc
        SPOP s -1
        SPOP s ""
        SPOP s 1.5
        SPOP s 9223372036854775808
        SPOP s 9223372036854775807
        SRANDMEMBER
        SRANDMEMBER s 1 2
        SRANDMEMBER s abc
        SRANDMEMBER s ""
        SRANDMEMBER s -9223372036854775808
        SRANDMEMBER s -9223372036854775807
        SRANDMEMBER s 9223372036854775807
        SRANDMEMBER s 9223372036854775808
        EXISTS s
    """)


def test_wrong_type(pair: Pair) -> None:
    pair.do("SET", "str", "v")
    pair.do("ZADD", "z", "1", "a")
    pair.do("SADD", "s", "a")
    for key in ("str", "z"):
        for words in (
            *(("SADD", key, "a"), ("SREM", key, "a"), ("SISMEMBER", key, "a"), ("SMISMEMBER", key, "a")),
            *(("SCARD", key), ("SMEMBERS", key), ("SPOP", key), ("SPOP", key, "1"), ("SPOP", key, "0")),
            *(("SPOP", key, "abc"), ("SRANDMEMBER", key), ("SRANDMEMBER", key, "0"), ("SRANDMEMBER", key, "x")),
            *(("SMOVE", key, "s", "a"), ("SMOVE", "s", key, "a"), ("SMOVE", "s", key, "zz"), ("SMOVE", key, key, "a")),
            *(("SMOVE", "missing", key, "a"), ("SMOVE", key, "missing", "a")),
        ):
            pair.do(*words)
    pair.play("""
        GET s
        HGET s a
        ZSCORE s a
        TYPE s
        SMEMBERS s
    """)


def test_smove(pair: Pair) -> None:
    pair.play("""
        SADD s a b c 1
        SMOVE s t a
        SMOVE s t a
        ~ SMEMBERS s
        SMEMBERS t
        SADD t b
        SMOVE s t b
        ~ SMEMBERS t
        SMOVE s s c
        SMOVE s s zz
        SMOVE missing missing a
        SMOVE missing t a
        SMOVE s n 1
        OBJECT ENCODING n
        SMOVE s n c
        OBJECT ENCODING n
        EXISTS s
        SMEMBERS n
        SMOVE n new c
        OBJECT ENCODING new
        SADD long xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        SMOVE long new xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        OBJECT ENCODING new
        EXISTS long
    """)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 127, 128, 129, 511, 512, 513, 600, 3000])
@pytest.mark.parametrize("member", ["{}", "m{}", "{}:a member of some length that is not so short", "{:0300}"])
def test_many_members(pair: Pair, count: int, member: str) -> None:
    words = [member.format(at * 7919 % 10007) for at in range(count)]
    for start in range(0, count, 7):
        pair.do("SADD", "s", *words[start : start + 7])
    look(pair, "s")
    for at in range(0, count, 5):
        pair.do("SISMEMBER", "s", words[at])
        pair.do("SADD", "s", words[at])
    pair.do("SMISMEMBER", "s", *words[::3], "absent")
    for at in range(0, count, 3):
        pair.do("SREM", "s", *words[at : at + 2])
    look(pair, "s")
    pair.do("DEBUG", "DIGEST")
    pair.do("SADD", "all", *words)
    look(pair, "all")
    pair.do("COPY", "all", "copy")
    pair.do("RENAME", "all", "r" * 210)
    look(pair, "copy", "r" * 210)
    pair.do("SREM", "s", *words)
    pair.do("EXISTS", "s")


def test_members_of_all_lengths(pair: Pair) -> None:
    for length in (*range(70), 127, 128, 199, 200, 201, 254, 255, 256, 300, 4096, 65535, 65536, 70_000):
        pair.do("SADD", "wide", b"m" * length, b"n" * (length // 2))
        pair.do("SISMEMBER", "wide", b"m" * length)
        pair.do("SADD", "one", b"x" * length)
        pair.do("OBJECT", "ENCODING", "one")
        pair.do("SMEMBERS", "one")
        pair.do("SREM", "one", b"x" * length)
    look(pair, "wide")


def test_packed_sets_are_in_order(pair: Pair) -> None:
    # Numbers ascend, other packed members stay as they came.
    pair.play("""
        SADD s q w e r t y
        SMEMBERS s
        SREM s e q
        SADD s q a
        SMEMBERS s
        SRANDMEMBER s 20
        SADD n 5 3 40 -1
        SMEMBERS n
        SRANDMEMBER n 4
        SADD n 100000 4
        SADD n x 1
        SMEMBERS n
        SRANDMEMBER n 8
    """)


@pytest.mark.parametrize(
    "limits",
    [(3, 128, 64), (512, 3, 64), (512, 128, 3), (0, 0, 0), (0, 128, 64), (512, 0, 64), (512, 128, 0), (2, 5, 4)],
)
def test_encodings(pair: Pair, limits: tuple[int, int, int]) -> None:
    with limited(pair, *limits):
        for number, lines in enumerate(
            (
                ("1", "2 2 2 2"),
                ("1", "1 1 1 1"),
                ("1 2 3", "4"),
                ("1 2 3", "a"),
                ("1 2", "3 4 a"),
                ("1 2 3", "4 a"),
                ("1 2 3", "a 4"),
                ("1 2 3 4", "a"),
                ("a 1 2 3 4", "5 6"),
                ("a b c", "a", "a a a a", "d"),
                ("1 2 3 4 5 a",),
                ("1234", "a"),
                ("-123", "a"),
                ("a", "1234"),
                ("abc", "abcd", "x"),
                ("1 2 3 4", "abcd"),
                ("a a a a a a a",),
                ("1 1 1 1 1 1 1",),
                ("1 a 1 a", "1 1"),
            )
        ):
            for line in lines:
                pair.do("SADD", f"s{number}", *line.split())
                pair.do("OBJECT", "ENCODING", f"s{number}")
                pair.do("DEBUG", "DIGEST-VALUE", f"s{number}")
            look(pair, f"s{number}")
        for source, member in (("s0", "1"), ("s7", "a"), ("s11", "1234"), ("s15", "abcd")):
            for target in ("new", "s1", "s9"):
                pair.do("SMOVE", source, target, member)
                look(pair, source, target)
                pair.do("SADD", source, member)


def test_limits_lowered_later_convert_only_what_grows(pair: Pair) -> None:
    pair.do("SADD", "n", *range(20))
    pair.do("SADD", "l", *(f"m{at}" for at in range(20)))
    pair.do("SADD", "long", "abcdefgh", "a")
    with limited(pair, 5, 5, 3):
        for key in ("n", "l", "long"):
            pair.do("OBJECT", "ENCODING", key)
            pair.do("SADD", key, "1" if key == "n" else "m1" if key == "l" else "a")
            pair.do("OBJECT", "ENCODING", key)
            pair.do("SREM", key, "2", "m2")
            pair.do("OBJECT", "ENCODING", key)
            pair.do("SADD", key, "77")
            look(pair, key)


def test_object_and_debug_know_sets(pair: Pair) -> None:
    pair.do("SADD", "n", "1", "2", "70000")
    pair.do("SADD", "l", "a", "b", "12")
    pair.do("SADD", "h", *(f"m{at}" for at in range(200)))
    for key in ("n", "l", "h"):
        pair.do("TYPE", key)
        pair.do("OBJECT", "REFCOUNT", key)
        pair.do("DEBUG", "LISTPACK", key)
        pair.do("DEBUG", "DIGEST-VALUE", key)
        pair.shape("DEBUG", "HTSTATS-KEY", key)
        # What the compressed form of a hash table takes is each server's own.
        if key != "h":
            pair.apart_from(rb"at:0x[0-9a-f]+|lru:\d+|idle:\d+", "DEBUG", "OBJECT", key)
        pair.shape("MEMORY", "USAGE", key)
    pair.unordered("KEYS", "*")
    pair.do("SCAN", "0", "TYPE", "zset")


# ---- by chance


def members_of(reply: Reply) -> list[bytes]:
    return [item.text or b"" for item in reply.items]


def both_members(pair: Pair, *words: Word) -> tuple[list[bytes], list[bytes]]:
    """What both answer, alike in kind and number."""
    theirs, ours = pair.both(*words)
    assert theirs.kind == ours.kind
    assert len(theirs.items) == len(ours.items), (words, theirs, ours)
    return members_of(theirs), members_of(ours)


CONTENTS = {
    "numbers": [str(at) for at in range(100)],
    "packed": [f"m{at}" for at in range(100)],
    "hashed": [f"member:{at}" for at in range(1000)],
    "few": ["a", "b", "c"],
    "wide": ["x" * at for at in range(190, 320)],
    "hashed numbers": [str(at) for at in range(600)],
}


@pytest.mark.parametrize("content", CONTENTS)
def test_srandmember_tells_members(pair: Pair, content: str) -> None:
    words = CONTENTS[content]
    known = {word.encode() for word in words}
    pair.do("SADD", "s", *words)
    for reply in pair.both("SRANDMEMBER", "s"):
        assert reply.text in known
    for count in (0, 1, 2, len(words) // 3, len(words) // 2, len(words) - 1, len(words), len(words) + 1, 100_000):
        for found in both_members(pair, "SRANDMEMBER", "s", count):
            assert set(found) <= known and len(set(found)) == len(found)
    for count in (1, 2, 10, len(words), 5000):
        for found in both_members(pair, "SRANDMEMBER", "s", -count):
            assert set(found) <= known
    pair.do("SCARD", "s")
    pair.play("""
        SRANDMEMBER missing
        SRANDMEMBER missing 0
        SRANDMEMBER missing 2
        SRANDMEMBER missing -2
    """)


@pytest.mark.parametrize("content", CONTENTS)
def test_spop_takes_members(pair: Pair, content: str) -> None:
    words = CONTENTS[content]
    for count in (0, 1, 2, len(words) // 2, len(words) * 5 // 6, len(words) * 5 // 6 + 1, len(words) - 1, len(words)):
        pair.do("SADD", "s", *words)
        left = [{word.encode() for word in words} for _ in range(2)]
        for rest, found in zip(left, both_members(pair, "SPOP", "s", count), strict=True):
            assert set(found) <= rest and len(set(found)) == len(found)
            rest.difference_update(found)
        pair.do("OBJECT", "ENCODING", "s")
        pair.do("SCARD", "s")
        for rest, reply in zip(left, pair.both("SMEMBERS", "s"), strict=True):
            assert rest == set(members_of(reply))
        for rest, reply in zip(left, pair.both("SPOP", "s"), strict=True):
            assert (reply.text in rest) if rest else reply.text is None
        pair.do("SCARD", "s")
        pair.do("DEL", "s")
    pair.play("""
        SPOP missing
        SPOP missing 0
        SPOP missing 5
        SADD one a
        SPOP one
        EXISTS one
        SPOP one 1
        SADD one a b c
        EXPIRE one 100
        SPOP one 5
        EXISTS one
        TTL one
    """)


@pytest.mark.parametrize(("count", "popped"), [(100, 83), (100, 84), (100, 95), (130, 108), (130, 109), (1000, 834)])
@pytest.mark.parametrize("member", ["{}", "m{}"])
def test_spop_of_most_makes_the_set_anew(pair: Pair, count: int, popped: int, member: str) -> None:
    words = [member.format(at) for at in range(count)]
    for limits in ((512, 128, 64), (5, 10, 64), (512, 128, 0)):
        pair.do("SADD", "s", *words)
        pair.do("EXPIRE", "s", "1000")
        with limited(pair, *limits):
            both_members(pair, "SPOP", "s", popped)
            pair.do("OBJECT", "ENCODING", "s")
            pair.do("SCARD", "s")
            pair.within(5, "TTL", "s")
        pair.do("DEL", "s")


# ---- random sequences

KEYS = ("a", "b", "c")
MEMBERS = (
    *(str(at) for at in range(-3, 9)),
    *("", "m", "n", "01", "-0", "70000", "5000000000", "abcd", "x" * 70, "y" * 255, "z" * 300),
)
keys = st.sampled_from(KEYS)
words = st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=6).map(tuple)
steps = st.one_of(
    st.tuples(st.sampled_from(["SADD", "SADD", "SADD", "SREM", "SMISMEMBER"]), keys, words),
    st.tuples(st.just("SMOVE"), keys, st.tuples(keys, st.sampled_from(MEMBERS))),
    st.tuples(st.just("SADD"), keys, st.integers(1, 30).map(lambda n: tuple(str(at * 31) for at in range(n)))),
    st.tuples(st.just("SADD"), keys, st.integers(1, 30).map(lambda n: tuple(f"many:{at}" for at in range(n)))),
    st.tuples(st.sampled_from(["SCARD", "SMEMBERS", "DEL", "TYPE"]), keys, st.just(())),
    st.tuples(st.sampled_from(["RENAME", "COPY"]), keys, st.tuples(keys)),
    st.tuples(st.sampled_from(["SPOP all", "SRANDMEMBER all"]), keys, st.just(("1000",))),
)


@pytest.mark.parametrize("limits", [(512, 128, 64), (4, 8, 6), (8, 4, 64), (0, 6, 3)])
def test_random_sequences(pair: Pair, limits: tuple[int, int, int]) -> None:
    @settings(parent=settings(), database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(steps, max_size=30))
    def run(sequence: list[tuple[str, str, tuple[str, ...]]]) -> None:
        pair.fresh()
        for name, key, rest in sequence:
            pair.unordered(name.split()[0], key, *rest)
            pair.do("OBJECT", "ENCODING", key)
        pair.do("DEBUG", "DIGEST")

    with limited(pair, *limits):
        run()


def test_a_large_set_in_random_order(pair: Pair) -> None:
    dice = random.Random(11)
    known = [f"member:{at}" for at in range(2000)]
    for _ in range(60):
        some = [dice.choice(known) for _ in range(dice.randrange(1, 200))]
        pair.do(dice.choice(["SADD", "SADD", "SREM"]), "s", *some)
        pair.do("SMISMEMBER", "s", *(dice.choice(known) for _ in range(20)))
    look(pair, "s")
    pair.do("DEBUG", "DIGEST")
