"""Deadlines of hash fields: HEXPIRE, HTTL, HPERSIST and their kin, HGETEX, HSETEX, HGETDEL, and fields past their time.

Where time must pass, `past` waits until both servers say that it has.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.differential.pair import Pair, unordered, within
from tests.differential.wire import Word, encode, spell

FULL = os.environ.get("REDPOLL_PROFILE") == "full"
SETTERS = ("HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT")
GETTERS = ("HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME")
# An hour and a day from now, in what each command counts: far enough apart that the moment of sending does not matter.
SPANS = {
    "HEXPIRE": ("3600", "86400"),
    "HPEXPIRE": ("3600000", "86400000"),
    "HEXPIREAT": ("4102444800", "4102531200"),
    "HPEXPIREAT": ("4102444800000", "4102531200000"),
}
NUMBERS = (
    *("0", "-1", "1.5", "abc", "", " 1", "1 ", "+1", "01", "1e3", "99999999999999999999"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
    *("9223372036854775", "9223372036854776", "-9223372036854775", "-9223372036854776", "9223370000000000"),
)
FLAGS = ("NX", "XX", "GT", "LT")


@pytest.fixture(params=["packed", "large"])
def hash(request: pytest.FixtureRequest, pair: Pair) -> Iterator[str]:
    """A key for hashes, of both forms; active expiry rests."""
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    pair.do("CONFIG", "RESETSTAT")
    if request.param == "large":
        pair.do("HSET", "h", "long", "v" * 3000, "f" * 255, "v")
    yield "h"
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def until(pair: Pair, expected: bytes, *words: Word) -> None:
    """Wait until both answer so."""
    give_up = time.monotonic() + 10
    while any(reply.raw != expected for reply in pair.both(*words)):
        assert time.monotonic() < give_up, f"{spell(words)} never answers {expected!r}"
        time.sleep(0.002)


def past(pair: Pair, key: str, *fields: Word) -> None:
    """Give fields a deadline, and wait until it is past on both sides."""
    pair.do("HPEXPIRE", key, "1", "FIELDS", len(fields), *fields)
    for field in fields:
        until(pair, b":0\r\n", "HEXISTS", key, field)


def look(pair: Pair, key: str, *fields: Word) -> None:
    for name in GETTERS:
        pair.within(1100, name, key, "FIELDS", len(fields), *fields)


@pytest.mark.parametrize("name", SETTERS)
def test_setting_and_reading(pair: Pair, hash: str, name: str) -> None:
    look(pair, hash, "a", "b")
    pair.do(name, hash, SPANS[name][0], "FIELDS", "1", "a")
    pair.do("HSET", hash, "a", "1", "b", "2", "c", "3")
    look(pair, hash, "a", "b", "missing", "a")
    pair.do(name, hash, SPANS[name][0], "FIELDS", "3", "a", "missing", "b")
    look(pair, hash, "a", "b", "missing", "a")
    pair.do(name.lower(), hash, SPANS[name][1], "fields", "2", "a", "a")
    look(pair, hash, "a", "b", "c")
    pair.do("OBJECT", "ENCODING", hash)
    pair.do("HPERSIST", hash, "FIELDS", "4", "a", "a", "c", "missing")
    look(pair, hash, "a", "b", "c")
    pair.do("HPERSIST", hash, "FIELDS", "1", "b")
    pair.do("HPERSIST", "missing", "FIELDS", "2", "a", "b")
    pair.do("OBJECT", "ENCODING", hash)
    pair.do("DEBUG", "DIGEST")


@pytest.mark.parametrize("name", SETTERS)
def test_bad_times(pair: Pair, hash: str, name: str) -> None:
    for number in NUMBERS:
        pair.do("HSET", hash, "a", "1", "b", "2")
        pair.do(name, hash, number, "FIELDS", "2", "a", "missing")
        pair.do("EXISTS", hash)
        look(pair, hash, "a", "b")
        pair.do(name, "missing", number, "FIELDS", "1", "a")
        pair.do(name, hash, number, "NX", "XX", "FIELDS", "1", "a")
        pair.do(name, hash, number, "FIELDS", "2", "a")
        pair.do(name, hash, number, "FOO", "FIELDS", "1", "a")
    pair.do("SET", "s", "v")
    pair.do(name, "s", "10", "FIELDS", "1", "a")
    pair.do(name, "s", "abc", "FIELDS", "1", "a")
    pair.do(name, "s", "-1", "FIELDS", "1", "a")
    pair.do(name, "s", "10", "FIELDS", "2", "a")


@pytest.mark.parametrize("name", ["HPEXPIREAT", "HEXPIREAT"])
def test_conditions(pair: Pair, hash: str, name: str) -> None:
    near, far = SPANS[name]
    options = [(), *itertools.product(FLAGS), *itertools.product(FLAGS, repeat=2), ("LT", "XX", "FOO"), ("gt",)]
    for before, flags, span in itertools.product((None, near, far), options, ("0", near, far)):
        pair.do("HSET", hash, "a", "1", "b", "2")
        if before is not None:
            pair.do(name, hash, before, "FIELDS", "1", "a")
        pair.do(name, hash, span, *flags, "FIELDS", "3", "a", "b", "a")
        look(pair, hash, "a", "b")
        pair.unordered("HGETALL", hash, pairs=True)


WORDS: tuple[Word, ...] = (
    *("FIELDS", "fields", "FIELDS", "1", "2", "0", "-1", "x", "a", "b", "NX", "XX", "GT", "LT", "FNX", "FXX", "EX"),
    *("PX", "EXAT", "PXAT", "10", "KEEPTTL", "PERSIST", "4102444800000", "FOO", "", "4294967297"),
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("key", ["h", "s", "missing"])
def test_words_in_any_order(pair: Pair, hash: str, key: str) -> None:
    """Which complaint comes first, whatever stands where."""
    names = (*SETTERS, *GETTERS, "HPERSIST", "HGETEX", "HSETEX", "HGETDEL")
    random = Random(key + pair.ours.socket.family.name + hash)
    rounds = 5000 if FULL else 400
    for turn in range(rounds):
        if turn % 20 == 0:
            pair.do("DEL", "missing")
            pair.do("SET", "s", "v")
            pair.do("HSET", hash, "a", "1", "b", "2")
        name = random.choice(names)
        said: list[Word] = [random.choice(WORDS) for _ in range(random.randrange(7))]
        if random.random() < 0.6:
            count = random.randrange(1, 4)
            said += ["FIELDS", count, *(random.choice(("a", "b", "c")) for _ in range(count))]
        if name in SETTERS:
            said.insert(0, random.choice(("10", "0", "x", "-1", "4102444800000")))
        pair.within(20_000, name, key, *said)


@pytest.mark.parametrize("unit", ["EX", "PX", "EXAT", "PXAT"])
def test_hsetex_and_hgetex_with_times(pair: Pair, hash: str, unit: str) -> None:
    good = {"EX": "3600", "PX": "3600000", "EXAT": "4102444800", "PXAT": "4102444800000"}[unit]
    for number in (good, *NUMBERS):
        for key in (hash, "new"):
            pair.do("HSETEX", key, unit, number, "FIELDS", "2", "a", "1", "b", "2")
            look(pair, key, "a", "b")
            pair.do("EXISTS", key)
            pair.do("HSETEX", key, "FIELDS", "2", "a", "1", "b", "2")
            look(pair, key, "a", "b")
            pair.do("HGETEX", key, unit, number, "FIELDS", "3", "a", "missing", "a")
            look(pair, key, "a", "b")
            pair.do("HGETEX", key, unit.lower(), number, "FIELDS", "1", "b")
            pair.do("EXISTS", key)
            pair.do("DEL", "new")
    pair.do("SET", "s", "v")
    for number in (good, "abc", "-1"):
        pair.do("HSETEX", "s", unit, number, "FIELDS", "1", "a", "1")
        pair.do("HGETEX", "s", unit, number, "FIELDS", "1", "a")
        pair.do("HGETEX", "missing", unit, number, "FIELDS", "1", "a")
        pair.do("HSETEX", hash, "NX", unit, number, "FIELDS", "1", "a", "1")
        pair.do("HSETEX", hash, "FXX", unit, number, "FIELDS", "1", "nope", "1")


def test_hsetex_conditions(pair: Pair, hash: str) -> None:
    conditions = [(), ("NX",), ("XX",), ("FNX",), ("FXX",), ("NX", "FNX"), ("XX", "FXX"), ("FXX", "NX"), ("XX", "FNX")]
    times = [(), ("KEEPTTL",), ("EX", "3600"), ("PXAT", "1")]
    for key, condition, time_words in itertools.product((hash, "missing"), conditions, times):
        for fields in (("a", "1"), ("new", "1"), ("a", "1", "new", "2"), ("a", "1", "b", "2"), ("a", "1", "a", "2")):
            pair.do("HSET", hash, "a", "old", "b", "old")
            pair.do("HPEXPIREAT", hash, "4102444800000", "FIELDS", "1", "b")
            pair.do("HSETEX", key, *condition, *time_words, "FIELDS", len(fields) // 2, *fields)
            look(pair, key, "a", "b", "new")
            pair.do("HMGET", key, "a", "b", "new")
            pair.do("HDEL", hash, "new")
            pair.do("DEL", "missing")


def test_hgetex_without_and_with_persist(pair: Pair, hash: str) -> None:
    pair.do("HSETEX", hash, "EX", "3600", "FIELDS", "2", "a", "1", "b", "2")
    pair.play("""
        HGETEX h FIELDS 3 a b missing
        HGETEX h PERSIST FIELDS 2 a missing
        HGETEX h persist FIELDS 1 a
        HGETEX missing PERSIST FIELDS 2 a b
        HGETEX missing FIELDS 2 a b
    """)
    look(pair, hash, "a", "b")
    pair.do("OBJECT", "ENCODING", hash)


def test_hgetdel(pair: Pair, hash: str) -> None:
    pair.do("HSETEX", hash, "EX", "3600", "FIELDS", "3", "a", "1", "b", "2", "c", "3")
    pair.play("""
        SET s v
        HGETDEL h FIELDS 2 a missing
        HGETDEL h FIELDS 2 b b
        HGETDEL missing FIELDS 2 a b
        HGETDEL s FIELDS 1 a
        HLEN h
        HGETDEL h FIELDS 1 c
        EXISTS h
        ~~ HGETALL h
    """)


def test_what_writing_does_to_a_deadline(pair: Pair, hash: str) -> None:
    for words in (
        ("HSET", hash, "a", "9"),
        ("HMSET", hash, "a", "9", "z", "1"),
        ("HSETNX", hash, "a", "9"),
        ("HINCRBY", hash, "a", "9"),
        ("HINCRBYFLOAT", hash, "a", "9"),
        ("HSETEX", hash, "FIELDS", "1", "a", "9"),
        ("HSETEX", hash, "KEEPTTL", "FIELDS", "1", "a", "9"),
        ("HSETEX", hash, "KEEPTTL", "FIELDS", "1", "a", "x" * 300),
        ("HDEL", hash, "a"),
        ("EXPIRE", hash, "1000"),
        ("PERSIST", hash),
    ):
        pair.do("HSETEX", hash, "EX", "3600", "FIELDS", "2", "a", "1", "b", "2")
        pair.do(*words)
        look(pair, hash, "a", "b")
        pair.do("HGET", hash, "a")
        pair.do("HSET", hash, "a", "1")
        look(pair, hash, "a", "b")


def test_moving_keeps_deadlines(pair: Pair, hash: str) -> None:
    pair.do("HSETEX", hash, "PXAT", "4102444800000", "FIELDS", "2", "a", "1", "b", "2")
    pair.do("HSET", hash, "c", "3")
    pair.do("RENAME", hash, "g" * 220)
    look(pair, "g" * 220, "a", "b", "c")
    pair.do("COPY", "g" * 220, "k")
    look(pair, "k", "a", "b", "c")
    pair.do("HPERSIST", "k", "FIELDS", "1", "a")
    look(pair, "g" * 220, "a", "b", "c")
    pair.do("MOVE", "k", "1")
    pair.do("SWAPDB", "0", "1")
    look(pair, "k", "a", "b", "c")
    pair.do("SELECT", "1")
    look(pair, "g" * 220, "a", "b", "c")
    pair.do("SELECT", "0")
    volatile(pair)
    pair.do("DEBUG", "DIGEST")


def volatile(pair: Pair) -> None:
    """INFO's line of each database, without the mean of deadlines."""
    pair.apart_from(rb"avg_ttl=\d+", "INFO", "keyspace")


def statistics(pair: Pair) -> None:
    both = []
    for reply in pair.both("INFO", "stats"):
        lines = (reply.text or b"").split(b"\r\n")
        both.append([line for line in lines if line.startswith((b"expired_fields:", b"expired_keys:"))])
    assert both[0] == both[1]


def test_info_counts_hashes_with_deadlines(pair: Pair, hash: str) -> None:
    volatile(pair)
    pair.do("HSET", hash, "a", "1", "b", "2")
    volatile(pair)
    for words in (
        ("HEXPIRE", hash, "100", "FIELDS", "2", "a", "b"),
        ("HPERSIST", hash, "FIELDS", "1", "a"),
        ("HSET", hash, "b", "3"),
        ("HSETEX", hash, "EX", "100", "FIELDS", "1", "a", "1"),
        ("HSETEX", "another", "EX", "100", "FIELDS", "1", "a", "1"),
        ("COPY", hash, "third"),
        ("RENAME", "third", "fourth"),
        ("HDEL", hash, "a"),
        ("HGETEX", "another", "PERSIST", "FIELDS", "1", "a"),
        ("HGETEX", "another", "EX", "100", "FIELDS", "1", "a"),
        ("HGETEX", "another", "PXAT", "1", "FIELDS", "1", "a"),
        ("SET", "fourth", "v"),
        ("HSETEX", "fifth", "EX", "100", "FIELDS", "1", "a", "1"),
        ("MOVE", "fifth", "3"),
        ("SWAPDB", "0", "3"),
        ("FLUSHDB",),
    ):
        pair.do(*words)
        volatile(pair)
    pair.do("SWAPDB", "0", "3")


def test_fields_past_their_deadline_are_not_seen(pair: Pair, hash: str) -> None:
    pair.do("HSET", hash, "a", "1", "b", "22", "c", "333", "x" * 255, "4")
    past(pair, hash, "a", "b", "x" * 255)
    pair.play("""
        HLEN h
        EXISTS h
        TYPE h
        HGET h a
        HMGET h a b c
        HEXISTS h a
        HSTRLEN h b
        HTTL h FIELDS 2 a c
        HPEXPIRETIME h FIELDS 2 a c
        ~~ HGETALL h
        ~ HKEYS h
        ~ HVALS h
        HDEL h a
        HGETDEL h FIELDS 1 a
        HPERSIST h FIELDS 1 a
        HEXPIRE h 100 FIELDS 1 a
        HEXPIRE h 0 FIELDS 1 a
        HGETEX h EX 100 FIELDS 1 a
        HGETEX h PXAT 1 FIELDS 1 a
        HSETEX h FXX FIELDS 1 a 1
        HLEN h
        DEBUG DIGEST
        DEBUG DIGEST-VALUE h
        OBJECT ENCODING h
    """)
    pair.unordered("HRANDFIELD", hash, "10")
    pair.unordered("HRANDFIELD", hash, "10", "WITHVALUES", pairs=pair.protocol == 2)
    # Cursors are each server's own, but a small hash comes at once.
    both = [sorted(item.raw for item in scan(pair, side, hash)) for side in (0, 1)]
    assert both[0] == both[1]
    statistics(pair)
    volatile(pair)


def test_the_size_in_a_file(pair: Pair) -> None:
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    pair.do("HSET", "h", "a", "1", "b", "22", "c", "333333", "d", "text")
    for fields in (("a",), ("a", "b"), ("c",)):
        past(pair, "h", *fields)
        pair.apart_from(rb"at:0x[0-9a-f]+|lru:\d+|idle:\d+", "DEBUG", "OBJECT", "h")
        pair.apart_from(rb"at:0x[0-9a-f]+|lru:\d+|idle:\d+", "DEBUG", "OBJECT", "h", "fast")
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def scan(pair: Pair, side: int, key: str) -> list[object]:
    found: list[object] = []
    cursor: Word = "0"
    wire = (pair.theirs, pair.ours)[side]
    while True:
        wire.send(encode(("HSCAN", key, cursor, "NOVALUES")))
        reply = wire.read()
        found += reply.items[1].items
        cursor = reply.items[0].text or b"0"
        if cursor == b"0":
            return found


OVER: tuple[tuple[Word, ...], ...] = (
    ("HSET", "h", "a", "9"),
    ("HSET", "h", "a", "9", "b", "8", "a", "7", "new", "6"),
    ("HMSET", "h", "a", "9"),
    ("HSETNX", "h", "a", "9"),
    ("HINCRBY", "h", "a", "9"),
    ("HINCRBYFLOAT", "h", "a", "9.5"),
    ("HSETEX", "h", "FIELDS", "1", "a", "9"),
    ("HSETEX", "h", "KEEPTTL", "FIELDS", "2", "a", "9", "b", "8"),
    ("HSETEX", "h", "EX", "100", "FIELDS", "1", "a", "9"),
    ("HSETEX", "h", "FNX", "EX", "100", "FIELDS", "1", "a", "9"),
    ("HSETEX", "h", "FNX", "EX", "100", "FIELDS", "2", "a", "9", "c", "8"),
    ("HSETEX", "h", "PXAT", "1", "FIELDS", "2", "a", "9", "new", "9"),
    ("HSETEX", "h", "NX", "FIELDS", "1", "a", "9"),
    ("HSET", "h", "a", "v" * 300),
    ("HINCRBY", "h", "a", "x"),
)


@pytest.mark.parametrize("words", OVER, ids=lambda words: spell(words)[:60])
def test_writing_over_a_field_past_its_deadline(pair: Pair, hash: str, words: tuple[Word, ...]) -> None:
    pair.do("HSET", hash, "a", "1", "b", "2", "c", "3", "d", "4")
    past(pair, hash, "a", "b", "d")
    pair.do(*words)
    pair.do("HLEN", hash)
    look(pair, hash, "a", "b", "c")
    pair.unordered("HGETALL", hash, pairs=True)
    statistics(pair)
    volatile(pair)
    pair.do("DEBUG", "DIGEST")


def test_a_hash_of_nothing_but_past_fields(pair: Pair) -> None:
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    pair.do("CONFIG", "RESETSTAT")
    pair.do("HSET", "h", "a", "1", "b", "2")
    past(pair, "h", "a", "b")
    pair.play("""
        EXISTS h
        HLEN h
        HGETALL h
        HKEYS h
        HRANDFIELD h
        HRANDFIELD h 3
        HRANDFIELD h -3
        HRANDFIELD h -3 WITHVALUES
        HSCAN h 0
        OBJECT ENCODING h
        DBSIZE
        SCAN 0
        RENAME h g
        EXISTS g
        HLEN g
        DEBUG DIGEST
        HSET g a 1
        HLEN g
        HDEL g a
        EXISTS g
    """)
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")
    until(pair, b":0\r\n", "EXISTS", "g")
    statistics(pair)


def test_a_copy_leaves_past_fields_behind(pair: Pair, hash: str) -> None:
    pair.do("HSET", hash, "a", "1", "b", "2", "c", "3", "d", "4")
    past(pair, hash, "a", "b")
    pair.do("COPY", hash, "without")
    pair.do("HLEN", "without")
    pair.do("HLEN", hash)
    pair.do("OBJECT", "ENCODING", "without")
    volatile(pair)
    pair.do("HPEXPIREAT", hash, "4102444800000", "FIELDS", "1", "c")
    pair.do("COPY", hash, "with")
    pair.do("HLEN", "with")
    look(pair, "with", "a", "c", "d")
    volatile(pair)
    pair.unordered("HGETALL", "with", pairs=True)


def test_a_copy_of_past_fields_alone(pair: Pair) -> None:
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    pair.do("HSET", "h", "a", "1")
    past(pair, "h", "a")
    pair.do("COPY", "h", "g")
    pair.do("EXISTS", "g")
    pair.do("HGETALL", "g")
    pair.differs("copy-of-past-fields", "HLEN", "g")
    pair.do("HSET", "g", "b", "1")
    pair.do("HGETALL", "g")
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")
    until(pair, b":1\r\n", "HLEN", "g")


@pytest.mark.parametrize("fields", [1, 5, 30, 300, 3000])
def test_active_expiry(pair: Pair, fields: int) -> None:
    """Nobody asks for the fields, and they go; a hash that is empty goes with them."""
    pair.do("CONFIG", "RESETSTAT")
    names = [f"field:{n}" for n in range(fields)]
    for key in ("all", "some", "key"):
        pair.do("HSET", key, *(word for name in names for word in (name, "v")))
    pair.do("HSET", "some", "stays", "v")
    pair.do("PEXPIRE", "key", "1000000")
    for key in ("all", "some", "key"):
        pair.do("HPEXPIRE", key, "50", "FIELDS", fields, *names)
    until(pair, b":0\r\n", "EXISTS", "all")
    until(pair, b":1\r\n", "HLEN", "some")
    until(pair, b":0\r\n", "EXISTS", "key")
    pair.do("HGETALL", "some")
    statistics(pair)
    volatile(pair)


FIELDS: tuple[Word, ...] = ("a", "b", "c", "", "f" * 255, "d", "e")
VALUES: tuple[Word, ...] = ("1", "", "v" * 70, "v" * 255, "w" * 2000, "-7", "3.5")


class Sequence:
    """Commands on one hash drawn from a seed, fields past their deadline among them.

    `at` is the command's place: later spans are the longer ones, so that GT and LT do not depend on the millisecond.
    """

    def __init__(self, seed: int, at: int) -> None:
        self.random = Random(seed * 100 + at)
        self.span = str(1000 + at * 100)

    def fields(self) -> list[Word]:
        return [self.random.choice(FIELDS) for _ in range(self.random.choice((1, 1, 2, 3)))]

    def command(self) -> tuple[Word, ...]:
        choice = self.random.choice
        fields = self.fields()
        pairs = [word for field in fields for word in (field, choice(VALUES))]
        counted = ("FIELDS", len(fields), *fields)
        span = choice((self.span, self.span, "0"))
        return choice(
            (
                ("HSET", "h", *pairs),
                ("HMSET", "h", *pairs),
                ("HSETNX", "h", fields[0], choice(VALUES)),
                ("HDEL", "h", *fields),
                ("HGETDEL", "h", *counted),
                ("HINCRBY", "h", fields[0], "2"),
                ("HINCRBYFLOAT", "h", fields[0], "0.5"),
                ("HEXPIRE", "h", span, *choice(((), ("NX",), ("XX",), ("GT",), ("LT",))), *counted),
                ("HPERSIST", "h", *counted),
                ("HGETEX", "h", *choice(((), ("PERSIST",), ("EX", self.span), ("PXAT", "1"))), *counted),
                (
                    *("HSETEX", "h", *choice(((), ("NX",), ("XX",), ("FNX",), ("FXX",)))),
                    *choice(((), ("KEEPTTL",), ("EX", self.span), ("PXAT", "1"))),
                    *("FIELDS", len(fields), *pairs),
                ),
                ("HTTL", "h", *counted),
                ("HMGET", "h", *fields),
                ("HLEN", "h"),
                ("HGETALL", "h"),
                ("OBJECT", "ENCODING", "h"),
                ("COPY", "h", "g", "REPLACE"),
                ("RENAME", "g", "h"),
                ("HSET", "h", *(word for n in range(40) for word in (f"many:{n}", "v"))),
                ("HDEL", "h", *(f"many:{n}" for n in range(40))),
                ("DEL", "h"),
                ("PAST", "h", *fields),
                ("PAST", "h", *fields),
            )
        )


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("limits", [(512, 64), (4, 8), (0, 0)])
def test_random_sequences(pair: Pair, limits: tuple[int, int]) -> None:
    @settings(
        max_examples=400 if FULL else 30,
        derandomize=not FULL,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 1 << 30), st.integers(10, 60))
    def run(seed: int, length: int) -> None:
        play(pair, [Sequence(seed, n).command() for n in range(length)])

    entries, value = limits
    with pair.config("hash-max-listpack-entries", entries), pair.config("hash-max-listpack-value", value):
        pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        try:
            run()
        finally:
            pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def play(pair: Pair, commands: list[tuple[Word, ...]]) -> None:
    pair.fresh()
    pair.do("CONFIG", "RESETSTAT")
    try:
        for words in commands:
            if words[0] == "PAST":
                # The reference copies a hash of past fields alone as an empty one.
                pair.do("HSET", "h", "live", "1")
                past(pair, *(str(word) for word in words[1:]))
            elif words[0] == "HTTL":
                pair.within(2, *words)
            elif words[0] == "HGETALL":
                pair.compare(lambda theirs, ours: unordered(theirs, ours, True), *words)
            else:
                pair.compare(lambda theirs, ours: within(0, theirs, ours), *words)
        pair.do("DEBUG", "DIGEST")
        statistics(pair)
        volatile(pair)
    except AssertionError as failure:
        lines = "\n".join(spell(words) for words in commands)
        raise AssertionError(f"{failure}\nafter\n{lines}") from None


def test_what_is_set_and_past_at_once_breaks_a_watch(pair: Pair) -> None:
    pair.do("WATCH", "h")
    pair.do("HSETEX", "h", "EX", 0, "FIELDS", 1, "f", "v")
    pair.do("MULTI")
    pair.do("PING")
    pair.differs("hsetex-past-watch", "EXEC")
    pair.do("EXISTS", "h")
