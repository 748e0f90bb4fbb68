"""MEMORY: errors, shapes and names; figures are each server's own."""

from __future__ import annotations

from tests.differential.pair import Pair
from tests.differential.wire import Reply


def names(reply: Reply) -> list[bytes | None]:
    return [reply.items[at].text for at in range(0, len(reply.items), 2)]


def test_errors(pair: Pair) -> None:
    pair.play("""
        MEMORY
        MEMORY NOSUCH
        MEMORY USAGE
        MEMORY USAGE nokey
        MEMORY USAGE nokey SAMPLES 0
        MEMORY USAGE nokey SAMPLES -1
        MEMORY USAGE nokey SAMPLES x
        MEMORY USAGE nokey SAMPLES
        MEMORY USAGE nokey FOO
        MEMORY USAGE nokey FOO 1
        MEMORY USAGE nokey samples 5 SAMPLES 6
        MEMORY USAGE nokey samples 5 x
        MEMORY STATS x
        MEMORY DOCTOR x
        MEMORY MALLOC-STATS
        MEMORY PURGE
        MEMORY PURGE x
        MEMORY HELP x
    """)


def test_the_doctor_speaks_in_words_of_its_own(pair: Pair) -> None:
    pair.differs("doctor-words", "MEMORY", "DOCTOR")
    pair.shape("MEMORY", "DOCTOR")


def test_stats_has_the_names_of_the_reference(pair: Pair) -> None:
    pair.do("SET", "a", "1")
    pair.do("SELECT", "2")
    pair.do("SET", "a", "1")
    theirs, ours = pair.both("MEMORY", "STATS")
    assert (ours.kind, names(ours)) == (theirs.kind, names(theirs))
    for name in (b"db.0", b"db.2"):
        at = names(ours).index(name) * 2 + 1
        assert names(ours.items[at]) == [b"overhead.hashtable.main", b"overhead.hashtable.expires"]
    for name, value in zip(names(ours), ours.items[1::2], strict=True):
        assert value.kind == theirs.items[names(theirs).index(name) * 2 + 1].kind, name


def test_usage_is_a_number_of_bytes(pair: Pair) -> None:
    pair.do("SET", "s", "x" * 10000)
    pair.do("HSET", "h", "f", "v")
    pair.do("ZADD", "z", "1", "m")
    for key in ("s", "h", "z"):
        for reply in pair.both("MEMORY", "USAGE", key, "SAMPLES", "0"):
            assert reply.integer > 0
    theirs, ours = pair.both("MEMORY", "USAGE", "s")
    assert 10000 < ours.integer < theirs.integer + 2000


def test_a_key_past_its_time_is_still_weighed(pair: Pair) -> None:
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    pair.do("SET", "a", "1", "PX", "1")
    pair.do("DEBUG", "SLEEP", "0.005")
    for reply in pair.both("MEMORY", "USAGE", "a"):
        assert reply.integer > 0
    pair.do("GET", "a")
    pair.do("MEMORY", "USAGE", "a")
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def test_stats_shows_databases_that_were_named_once(pair: Pair) -> None:
    pair.do("SET", "k", "v")
    for words in ("SELECT 7", "SELECT 0", "SWAPDB 8 9", "SWAPDB 10 10", "SWAPDB 10 99", "COPY k k DB 3", "MOVE no 5"):
        pair.do(*words.split())
        theirs, ours = pair.both("MEMORY", "STATS")
        assert names(ours) == names(theirs), words
    pair.do("FLUSHALL")
    theirs, ours = pair.both("MEMORY", "STATS")
    assert names(ours) == names(theirs)
