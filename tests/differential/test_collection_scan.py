"""SSCAN, HSCAN and ZSCAN: options, errors, whole scans, and what is there throughout while the collection changes."""

from __future__ import annotations

import random

import pytest
from tests.differential.pair import Pair
from tests.differential.test_sets import limited
from tests.differential.wire import Wire, Word, encode


def test_packed_collections_come_in_one_reply(pair: Pair) -> None:
    pair.play("""
        SADD s a b c
        SADD n 3 1 2
        HSET h f v g 1 "" ""
        ZADD z 1 a 2.5 b -inf c 1e30 d 0.1 e
        SSCAN s 0
        SSCAN s 0 COUNT 1
        SSCAN s 5
        SSCAN s 18446744073709551615
        SSCAN s +7 COUNT 9223372036854775807
        SSCAN n 0
        SSCAN n 0 MATCH [12]
        SSCAN s 0 MATCH *
        SSCAN s 0 MATCH a
        SSCAN s 0 MATCH A
        SSCAN s 0 MATCH a MATCH b
        SSCAN s 0 match ? count 2
        HSCAN h 0
        HSCAN h 12 COUNT 1
        HSCAN h 0 MATCH f
        HSCAN h 0 MATCH v
        HSCAN h 0 MATCH ""
        HSCAN h 0 NOVALUES
        HSCAN h 0 novalues COUNT 1 MATCH g
        HSCAN h 0 NOVALUES NOVALUES
        ZSCAN z 0
        ZSCAN z 9 COUNT 1
        ZSCAN z 0 MATCH b
        ZSCAN z 0 MATCH 2.5
        ZSCAN z 0 NOSCORES
        ZSCAN z 0 NOSCORES MATCH ?
        SSCAN missing 0
        HSCAN missing 5
        ZSCAN missing 0 COUNT 1
    """)


OPTIONS: tuple[tuple[Word, ...], ...] = (
    ("COUNT", "0"),
    ("COUNT", "-1"),
    ("COUNT", "abc"),
    ("COUNT", "1.5"),
    ("COUNT", "9223372036854775808"),
    ("COUNT",),
    ("MATCH",),
    ("MATCH", "a", "COUNT"),
    ("TYPE", "set"),
    ("TYPE", "foo"),
    ("TYPE",),
    ("FOO",),
    ("FOO", "1"),
    ("NOVALUES",),
    ("NOSCORES",),
    ("NOVALUES", "NOSCORES"),
    ("NOSCORES", "FOO"),
    ("COUNT", "abc", "NOVALUES"),
    ("COUNT", "1", "NOVALUES", "COUNT", "0"),
    ("MATCH", "NOVALUES"),
    ("MATCH", "NOSCORES", "NOSCORES"),
)
CURSORS = ("0", "1", "abc", "", "-1", "+1", " 1", "1 ", "01", "1.0", "18446744073709551615", "18446744073709551616")


def test_options_and_cursors(pair: Pair) -> None:
    pair.do("SADD", "s", "a", "b")
    pair.do("HSET", "h", "f", "v")
    pair.do("ZADD", "z", "1", "a")
    pair.do("SET", "str", "v")
    for name in ("SSCAN", "HSCAN", "ZSCAN"):
        pair.do(name)
        pair.do(name, "s")
        for key in ("s", "h", "z", "str", "missing"):
            for cursor in CURSORS:
                pair.do(name, key, cursor)
            for options in OPTIONS:
                # The cursor is read before the key is looked up, the options after it.
                pair.do(name, key, "0", *options)
                pair.do(name, key, "abc", *options)
    for options in OPTIONS:
        pair.shape("SCAN", "0", *options)


# ---- whole scans of what is too large for one reply

FILL: dict[str, tuple[Word, ...]] = {
    "SSCAN": ("SADD", "k", *(f"m{at}" for at in range(3000))),
    "HSCAN": ("HSET", "k", *(word for at in range(3000) for word in (f"m{at}", f"value {at}"))),
    "ZSCAN": ("ZADD", "k", *(word for at in range(3000) for word in (f"{at}.5", f"m{at}"))),
}
REPEATS = ("MATCH", "m*7", "COUNT", "50")


def ask(wire: Wire, *words: Word) -> tuple[bytes, list[bytes]]:
    """The cursor and the items."""
    wire.send(encode(words))
    reply = wire.read()
    cursor, items = reply.items
    return cursor.text or b"", [item.text or b"" for item in items.items]


def whole_scan(wire: Wire, name: str, *options: Word) -> tuple[int, list[bytes]]:
    """How many calls it took, and all that came."""
    cursor, found = ask(wire, name, "k", "0", *options)
    calls = 1
    while cursor != b"0":
        cursor, more = ask(wire, name, "k", cursor, *options)
        found += more
        calls += 1
        assert calls < 10_000
    return calls, found


def in_groups(items: list[bytes], width: int) -> list[tuple[bytes, ...]]:
    return sorted({tuple(items[at : at + width]) for at in range(0, len(items), width)})


@pytest.mark.parametrize("name", FILL)
def test_a_whole_scan_tells_all(pair: Pair, name: str) -> None:
    pair.do(*FILL[name])
    bare = {"SSCAN": (), "HSCAN": ("NOVALUES",), "ZSCAN": ("NOSCORES",)}[name]
    for options in ((), ("COUNT", "1"), ("COUNT", "100"), ("COUNT", "100000"), REPEATS, bare):
        width = 1 if name == "SSCAN" or options == bare else 2
        _, theirs = whole_scan(pair.theirs, name, *options)
        calls, ours = whole_scan(pair.ours, name, *options)
        assert in_groups(ours, width) == in_groups(theirs, width)
        assert len(ours) == len(in_groups(ours, width)) * width, "nothing changed, so nothing comes twice"
        if options == ("COUNT", "100"):
            assert 15 < calls < 40
        elif options == ("COUNT", "100000"):
            assert calls == 1


SCORES = (
    *("1", "-0", "0", "0.1", "1e21", "1e16", "1e17", "1e-4", "1e-5", "inf", "-inf", "3.0", "1e-7", "17179869184.5"),
    *("123456789012345680", "0.30000000000000004", "5e-324", "1.7976931348623157e308", "-2.5e-10", "9007199254740993"),
)


@pytest.mark.parametrize("filling", [0, 300])
def test_scores_and_values_are_told_as_ever(pair: Pair, filling: int) -> None:
    with pair.config("zset-max-listpack-entries", "0"), pair.config("hash-max-listpack-entries", "0"):
        for at, score in enumerate(SCORES):
            pair.do("ZADD", "z", score, f"m{at}")
        for at in range(filling):
            pair.do("ZADD", "z", at, f"n{at}")
        pair.do("HSET", "h", "f", "v" * 300, "g" * 300, "", "", "empty", "n", "12")
        for words in (("ZSCAN", "z", "0", "COUNT", "1000"), ("HSCAN", "h", "0", "COUNT", "1000")):
            theirs, ours = pair.both(*words)
            assert theirs.items[0].raw == ours.items[0].raw == b"$1\r\n0\r\n"
            rows = [in_groups([item.raw for item in reply.items[1].items], 2) for reply in (theirs, ours)]
            assert rows[0] == rows[1]


@pytest.mark.parametrize("name", FILL)
def test_what_is_there_throughout_is_told_while_the_collection_changes(pair: Pair, name: str) -> None:
    dice = random.Random(3)
    put = {"SSCAN": ("SADD", "k"), "HSCAN": ("HSET", "k"), "ZSCAN": ("ZADD", "k")}[name]
    take = {"SSCAN": "SREM", "HSCAN": "HDEL", "ZSCAN": "ZREM"}[name]

    def item(word: str) -> tuple[Word, ...]:
        return {"SSCAN": (word,), "HSCAN": (word, "v"), "ZSCAN": ("1", word)}[name]

    width = 1 if name == "SSCAN" else 2
    for growing in (True, False):
        pair.fresh()
        always = [f"always:{at}" for at in range(300)]
        others = [f"other:{at}" for at in range(2000)]
        for start in range(0, 2000, 100):
            pair.do(*put, *(word for each in others[start : start + 100] for word in item(each)))
        pair.do(*put, *(word for each in always for word in item(each)))
        cursors, found = [b"0", b"0"], [set[bytes](), set[bytes]()]
        wires = (pair.theirs, pair.ours)
        for call in range(3000):
            for at, wire in enumerate(wires):
                if call == 0 or cursors[at] != b"0":
                    cursors[at], items = ask(wire, name, "k", cursors[at], "COUNT", "5")
                    found[at].update(items[::width])
            if cursors == [b"0", b"0"]:
                break
            some = dice.sample(others, 15)
            if growing:
                pair.do(*put, *(word for at, _ in enumerate(some) for word in item(f"new:{call}:{at}")))
            else:
                pair.do(take, "k", *some)
        assert cursors == [b"0", b"0"]
        for told in found:
            assert told >= {word.encode() for word in always}


def test_a_set_that_is_packed_in_the_middle_of_a_scan(pair: Pair) -> None:
    pair.do("SADD", "k", *(f"m{at}" for at in range(3000)))
    for wire in (pair.theirs, pair.ours):
        cursor, _ = ask(wire, "SSCAN", "k", "0")
        assert cursor != b"0"
        wire.send(encode(("SPOP", "k", "2950")))
        wire.read()
        wire.send(encode(("SMEMBERS", "k")))
        left = {item.text for item in wire.read().items}
        following, found = ask(wire, "SSCAN", "k", cursor)
        assert following == b"0" and set(found) == left
    pair.do("OBJECT", "ENCODING", "k")


def test_small_sets_that_count_as_hash_tables(pair: Pair) -> None:
    with limited(pair, 0, 0, 0):
        pair.do("SADD", "k", "a", "b", "1")
    for words in (("SSCAN", "k", "0"), ("SSCAN", "k", "0", "MATCH", "[ab]")):
        theirs, ours = pair.both(*words)
        assert theirs.items[0].raw == ours.items[0].raw
        assert sorted(item.raw for item in theirs.items[1].items) == sorted(item.raw for item in ours.items[1].items)
