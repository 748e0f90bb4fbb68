"""MULTI, EXEC, DISCARD, WATCH and UNWATCH: what queues, what spoils, what a watch sees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.differential.pair import Pair
from tests.differential.wire import encode


def test_a_transaction(pair: Pair) -> None:
    pair.play("""
        MULTI
        SET k 1
        INCR k
        GET k
        HSET h f v
        ~~ HGETALL h
        ZADD z 1 a
        ZSCORE z a
        GET missing
        EXEC
        GET k
        MULTI
        EXEC
        multi
        exec
    """)


def test_discard(pair: Pair) -> None:
    pair.play("""
        MULTI
        SET k 1
        DISCARD
        GET k
        EXEC
        DISCARD
    """)


def test_outside_of_multi(pair: Pair) -> None:
    pair.play("""
        EXEC
        DISCARD
        EXEC x
        DISCARD x
        MULTI x
        UNWATCH
        UNWATCH x
        WATCH
        PING
    """)


def test_errors_while_queueing_spoil_it(pair: Pair) -> None:
    for line in (
        "NOSUCH a b",
        "GET",
        "GET a b",
        "CONFIG NOSUCH",
        "CLIENT",
        "MULTI",
        "WATCH k",
        "EXEC x",
        "DISCARD x",
        "SET k",
    ):
        pair.play(f"""
            MULTI
            SET k 1
            {line}
            SET k 2
            EXEC
            GET k
            EXEC
            DISCARD
        """)
        pair.play(f"""
            MULTI
            {line}
            DISCARD
            EXEC
        """)


def test_errors_while_running_do_not_stop_the_others(pair: Pair) -> None:
    pair.play("""
        MULTI
        SET k v
        HSET k f v
        INCR k
        SET k w EX 0
        ZADD k NX XX 1 a
        SELECT 99
        OBJECT NOSUCH k
        SET l 1
        EXEC
        GET k
        GET l
    """)


def test_nested_multi(pair: Pair) -> None:
    pair.play("""
        MULTI
        MULTI
        PING
        EXEC
        MULTI
        SET k v
        MULTI
        DISCARD
        EXISTS k
    """)


def test_what_else_can_be_queued(pair: Pair) -> None:
    pair.play("""
        MULTI
        PING
        PING hello
        ECHO x
        SELECT 1
        SET in-one v
        DBSIZE
        SELECT 0
        DBSIZE
        UNWATCH
        CLIENT GETNAME
        CLIENT SETNAME me
        CLIENT GETNAME
        TYPE missing
        OBJECT ENCODING missing
        EXEC
        DBSIZE
        MULTI
        SELECT 1
        EXEC
        GET in-one
        MULTI
        FLUSHALL
        DBSIZE
        EXEC
    """)


def test_the_protocol_may_change_in_the_middle(pair: Pair) -> None:
    pair.play("""
        HSET h f v
        ZADD z 1.5 a
        MULTI
        HGETALL h
        ZSCORE z b
        HELLO 3
        HGETALL h
        ZSCORE z a
        HELLO 2
        HGETALL h
    """)
    theirs, ours = pair.both("EXEC")
    assert len(theirs.items) == 7
    # What HELLO answers differs in the modules; its form is that of the new protocol.
    for at, (their, our) in enumerate(zip(theirs.items, ours.items, strict=True)):
        assert their.kind == our.kind
        assert at in (2, 5) or their.raw == our.raw
    pair.do("HGETALL", "h")


def test_quit_and_protocol_errors_in_multi(pair: Pair) -> None:
    pair.do("MULTI")
    pair.do("SET", "k", "v")
    pair.do("QUIT")
    pair.closed()
    pair.second().do("EXISTS", "k")


def test_a_pipelined_transaction(pair: Pair) -> None:
    for words in (("MULTI",), ("SET", "k", "v"), ("GET", "k"), ("NOSUCH",), ("EXEC",), ("GET", "k")) * 3:
        pair.send(*words)
    for _ in range(18):
        pair.read()


# ---- WATCH

CHANGES = (
    *(
        "SET k w",
        "DEL k",
        "APPEND k x",
        "INCR n",
        "EXPIRE k 100",
        "PERSIST volatile",
        "EXPIRE k -1",
        "HSET h f v2",
        "HSET h g v",
    ),
    *(
        "HDEL h f",
        "ZADD z 2 a",
        "ZADD z 1 b",
        "ZREM z a",
        "FLUSHALL",
        "FLUSHDB",
        "SET missing v",
        "SET k v",
        "PEXPIREAT k 1",
    ),
    *(
        "SET k w EXAT 1",
        "ZADD z INCR 1 a",
        "BZPOPMIN z 0",
        "INCRBYFLOAT n 1",
        "DECR n",
        "FLUSHALL ASYNC",
        "SET n 6 IFEQ 5",
    ),
    *("EXPIRE volatile 2000", "SET k w GET", "HSET h f v", 'APPEND k ""', "INCRBY n 0"),
)
NO_CHANGES = (
    *(
        "GET k",
        "SET k w NX",
        "SET missing w XX",
        "EXPIRE missing 10",
        "PERSIST k",
        "DEL missing",
        "HDEL h nothing",
        "ZREM z nothing",
    ),
    *(
        "ZADD z XX 1 nothing",
        "ZADD z NX 2 a",
        "ZADD z 1 a",
        "ZADD z GT 0 a",
        "HGETALL h",
        "EXPIRE k 10 XX",
        "INCR h",
        "SET k w EX 0",
    ),
    *("OBJECT ENCODING k", "TTL volatile", "SET other v", "SET k w IFEQ nothing", "HSET k f v", "DEL other"),
)


@pytest.mark.parametrize("who", ["self", "other"])
@pytest.mark.parametrize("change", CHANGES + NO_CHANGES)
def test_what_a_watch_sees(pair: Pair, change: str, who: str) -> None:
    other = pair.second()
    pair.play("""
        SET k v
        SET n 5
        SET volatile v EX 1000
        HSET h f v
        ZADD z 1 a
        WATCH k n volatile h z missing
    """)
    (pair if who == "self" else other).play(change)
    pair.play("""
        MULTI
        PING
        EXEC
        MULTI
        PING
        EXEC
    """)


def test_watch_and_unwatch(pair: Pair) -> None:
    other = pair.second()
    pair.play("""
        WATCH a b
        WATCH b c
        UNWATCH
    """)
    other.do("SET", "b", "v")
    pair.play("MULTI\nGET b\nEXEC\nWATCH b\nMULTI\nDISCARD")
    other.do("SET", "b", "w")
    pair.play("MULTI\nGET b\nEXEC\nWATCH b\nMULTI\nNOSUCH\nEXEC")
    other.do("SET", "b", "x")
    pair.play("MULTI\nGET b\nEXEC\nWATCH b b b\nMULTI\nUNWATCH")
    other.do("SET", "b", "y")
    pair.play("EXEC\nMULTI\nGET b\nEXEC")


def test_a_spoilt_transaction_says_so_even_if_a_watched_key_changed(pair: Pair) -> None:
    other = pair.second()
    pair.do("WATCH", "k")
    other.do("SET", "k", "v")
    pair.play("MULTI\nNOSUCH\nEXEC\nMULTI\nEXEC")


def test_changes_after_multi_count_too(pair: Pair) -> None:
    other = pair.second()
    pair.play("WATCH k\nMULTI\nSET k mine")
    other.do("SET", "k", "theirs")
    pair.play("EXEC\nGET k")


def test_a_watched_key_that_expires_has_changed(pair: Pair) -> None:
    pair.do("SET", "k", "v", "PX", "10")
    pair.do("WATCH", "k")
    pair.silent(0.03)
    pair.play("MULTI\nEXISTS k\nEXEC")


@pytest.fixture
def still(pair: Pair) -> Iterator[Pair]:
    """A pair whose servers remove expired keys only when somebody comes by."""
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    yield pair
    for wire in (pair.theirs, pair.ours):
        wire.send(encode(("DEBUG", "SET-ACTIVE-EXPIRE", "1")))
        wire.read()


def test_a_key_expired_before_the_watch_does_not_count(still: Pair) -> None:
    still.do("SET", "k", "v", "PX", "1")
    still.silent(0.01)
    still.play("WATCH k\nMULTI\nPING\nEXEC")


def test_the_removal_of_a_key_expired_before_the_watch_is_no_change(still: Pair) -> None:
    still.do("SET", "k", "v", "PX", "1")
    still.silent(0.01)
    still.play("WATCH k\nEXISTS k\nMULTI\nPING\nEXEC")


def test_a_key_set_anew_after_it_expired_has_changed(still: Pair) -> None:
    still.do("SET", "k", "v", "PX", "1")
    still.silent(0.01)
    still.play("WATCH k\nSET k anew\nMULTI\nPING\nEXEC")


def test_a_watched_key_that_was_found_expired_has_changed(still: Pair) -> None:
    still.do("SET", "k", "v", "PX", "20")
    still.do("WATCH", "k")
    still.silent(0.04)
    still.play("GET k\nMULTI\nPING\nEXEC")


def test_a_watched_key_that_expired_unseen_has_changed(still: Pair) -> None:
    still.do("SET", "k", "v", "PX", "20")
    still.do("WATCH", "k")
    still.silent(0.04)
    still.play("MULTI\nPING\nEXEC")


@pytest.mark.parametrize("flush", ["FLUSHALL", "FLUSHDB", "FLUSHALL ASYNC"])
def test_watch_and_flushes(pair: Pair, flush: str) -> None:
    other = pair.second()
    pair.do("WATCH", "missing")
    other.play(flush)
    pair.play("MULTI\nPING\nEXEC\nSET k v\nWATCH missing k")
    other.play(flush)
    pair.play("MULTI\nPING\nEXEC\nSET k v\nWATCH k\nSELECT 1")
    other.do("SELECT", "1")
    other.play(flush)
    pair.play("MULTI\nPING\nEXEC\nSELECT 0\nEXISTS k")
    # A missing key stays missing, whatever else is flushed.
    pair.play("SET k v\nWATCH missing")
    other.play(f"SELECT 0\n{flush}")
    pair.play("MULTI\nPING\nEXEC")


def test_watch_is_of_a_database(pair: Pair) -> None:
    other = pair.second()
    pair.play("WATCH k\nSELECT 1")
    other.do("SELECT", "1")
    other.do("SET", "k", "v")
    pair.play("MULTI\nPING\nEXEC\nWATCH k\nSELECT 0")
    other.do("SET", "k", "w")
    pair.play("MULTI\nPING\nEXEC")


def test_watch_and_swapdb(pair: Pair) -> None:
    pair.needs("SWAPDB")
    other = pair.second()
    for fill in ("SELECT 0", "SET k v", "SELECT 1\nSET k v\nSELECT 0"):
        pair.do("FLUSHALL")
        pair.play(fill)
        pair.do("WATCH", "k")
        other.do("SWAPDB", "0", "1")
        pair.play("MULTI\nPING\nEXEC")


def test_watch_of_another_type_and_name(pair: Pair) -> None:
    pair.play("""
        ZADD z 1 a
        WATCH z "" "\\x00"
        SET "" v
        MULTI
        PING
        EXEC
    """)
