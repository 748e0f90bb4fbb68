"""RENAME, RENAMENX, MOVE, COPY and SWAPDB: what moves, what stays, who is told and who is woken."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from tests.differential.pair import Pair
from tests.differential.wire import encode

LONG_KEY = "k" * 300
FILLS = {
    "a number": ("SET s 12",),
    "a short string": ("SET s hello",),
    "a string of 200": (f"SET s {'x' * 200}",),
    "a long string": (f"SET s {'x' * 3000}",),
    "a string in a buffer": (f"SET s {'x' * 3000}", "APPEND s tail"),
    "a short raw string": ("SET s 1", "APPEND s 2"),
    "a small hash": ("HSET s f v g w",),
    "a hash of 300 bytes": (f"HSET s f {'v' * 60} g {'w' * 60} h {'x' * 60} i {'y' * 60} j {'z' * 60}",),
    "a large hash": ("HSET s " + " ".join(f"f{n} {'v' * 20}" for n in range(150)), f"HSET s long {'v' * 400}"),
    "a small sorted set": ("ZADD s 1 a 2 b",),
    "a sorted set of 300 bytes": ("ZADD s " + " ".join(f"{n} member{n:010}" for n in range(12)),),
    "a large sorted set": ("ZADD s " + " ".join(f"{n % 7} member{n}" for n in range(200)), f"ZADD s 9 {'m' * 400}"),
}


def look(pair: Pair, *keys: str) -> None:
    for key in keys:
        pair.do("OBJECT", "ENCODING", key)
        kind = pair.do("TYPE", key).text
        if kind == b"string":
            pair.do("GET", key)
        elif kind == b"hash":
            pair.unordered("HGETALL", key, pairs=True)
        elif kind == b"zset":
            pair.do("ZRANGE", key, "0", "-1", "WITHSCORES")
        pair.within(1000, "PTTL", key)


@pytest.mark.parametrize("to", ["t", LONG_KEY, ""])
@pytest.mark.parametrize("fill", FILLS)
def test_values_of_every_form(pair: Pair, fill: str, to: str) -> None:
    for line in FILLS[fill]:
        pair.play(line)
    pair.do("EXPIRE", "s", "1000")
    pair.do("COPY", "s", to)
    look(pair, "s", to)
    pair.do("RENAME", to, "u")
    look(pair, to, "u")
    pair.do("RENAME", "u", to)
    pair.do("MOVE", to, "1")
    look(pair, to)
    pair.do("SELECT", "1")
    look(pair, to)
    pair.do("MOVE", to, "0")
    pair.do("SELECT", "0")
    pair.do("COPY", to, "s", "DB", "2")
    pair.do("SWAPDB", "0", "2")
    look(pair, "s", to)
    pair.do("SWAPDB", "2", "0")
    look(pair, "s", to)
    pair.do("DBSIZE")


CHANGES = {
    b"string": ("APPEND {} more", "SETRANGE {} 1 ABC", "SET {} other"),
    b"hash": ("HSET {} f new extra 1", "HDEL {} g", "DEL {}"),
    b"zset": ("ZADD {} 77 a 5 extra", "ZREM {} b member3", "ZADD {} INCR 2 member1", "DEL {}"),
}


@pytest.mark.parametrize("which", ["s", "t"])
@pytest.mark.parametrize("fill", FILLS)
def test_neither_sees_the_changes_of_the_other(pair: Pair, fill: str, which: str) -> None:
    for line in FILLS[fill]:
        pair.play(line)
    pair.do("COPY", "s", "t")
    for change in CHANGES[pair.do("TYPE", "s").text or b""]:
        pair.play(change.format(which))
        look(pair, "s", "t")


@pytest.mark.parametrize("size", [1, 20, 79, 80, 81, 100, 110, 111, 112, 113])
def test_the_encoding_of_strings_under_other_keys(pair: Pair, size: int) -> None:
    keys = ["k" * length for length in (1, 31, 32, 60, 100)]
    for source, target in itertools.permutations(keys, 2):
        for time in ((), ("EX", "1000")):
            pair.do("SET", source, "v" * size, *time)
            pair.do("COPY", source, target)
            pair.do("OBJECT", "ENCODING", target)
            pair.do("RENAME", source, target)
            pair.do("OBJECT", "ENCODING", target)
            pair.do("DEL", target)


def test_over_another_key(pair: Pair) -> None:
    pair.play("""
        SET a 1
        SET b 2 EX 1000
        RENAMENX a b
        COPY a b
        RENAME a b
        ± PTTL b
        GET b
        SET a 1 EX 500
        HSET h f v
        COPY a h
        COPY a h REPLACE
        GET h
        ± PTTL h
        RENAME h b
        EXISTS a h b
        SELECT 1
        SET a other
        SELECT 0
        MOVE a 1
        COPY a a DB 1
        COPY a a REPLACE DB 1
        SELECT 1
        GET a
        ± PTTL a
        SELECT 0
        MOVE a 1
        RENAMENX a free
        RENAMENX free free
        RENAME free free
        GET free
    """)


def test_what_is_refused(pair: Pair) -> None:
    pair.play("""
        SET k v
        RENAME missing x
        RENAME missing missing
        RENAME missing k
        RENAMENX missing x
        RENAMENX missing missing
        MOVE k 0
        MOVE missing 0
        MOVE missing 1
        MOVE k 16
        MOVE k -1
        MOVE k abc
        MOVE k 1.5
        MOVE k 99999999999
        MOVE k 99999999999999999999
        COPY k k
        COPY missing missing
        COPY missing k
        COPY missing k REPLACE
        GET k
        COPY k k DB 0
        COPY k k DB 16
        COPY k k DB abc
        COPY k k DB 99999999999
        COPY k k DB
        COPY k x FOO
        COPY k x DB 1 DB 99
        COPY k x REPLACE FOO
        COPY k x replace REPLACE db 1 DB 0
        COPY
        COPY k
        RENAME k
        RENAME a b c
        RENAMENX k
        MOVE k
        MOVE k 1 2
        SWAPDB
        SWAPDB 0
        SWAPDB 0 1 2
        SWAPDB 0 16
        SWAPDB 16 0
        SWAPDB -1 0
        SWAPDB abc 0
        SWAPDB 0 abc
        SWAPDB 16 abc
        SWAPDB 99999999999 0
        SWAPDB 0 99999999999
        SWAPDB 01 0
        SWAPDB 0 0
        GET k
    """)


def test_what_it_counts_as(pair: Pair) -> None:
    """Changes since the last save, hits and misses, as INFO tells them."""
    for line in (
        "RENAME a c", "RENAME a b", "RENAME a a", "RENAMENX a b", "MOVE a 3", "MOVE zz 3", "COPY a c", "COPY a b",
        "COPY a b REPLACE", "COPY zz b", "SWAPDB 0 1", "SWAPDB 0 0", "TOUCH a zz", "UNLINK a zz", "DEL zz", "KEYS *",
        "OBJECT ENCODING a", "OBJECT ENCODING zz", "OBJECT IDLETIME zz", "OBJECT FREQ zz", "OBJECT REFCOUNT a",
        "EXPIRE a 0", "EXPIRE a 100", "EXPIRE zz 100", "PERSIST a", "TTL a", "TTL zz", "TYPE zz", "EXISTS a a zz",
        "FLUSHDB", "FLUSHALL", "RANDOMKEY",
    ):  # fmt: skip
        pair.fresh()
        pair.play("SELECT 3\nFLUSHDB\nSELECT 0\nSET a 1\nSET b 2")
        before = counts(pair)
        pair.both(*line.split())
        after = counts(pair)
        deltas = [{name: after[n][name] - before[n][name] for name in after[n]} for n in (0, 1)]
        assert deltas[0] == deltas[1], line


def counts(pair: Pair) -> list[dict[str, int]]:
    names = ("rdb_changes_since_last_save", "keyspace_hits", "keyspace_misses", "expired_keys")
    found = []
    for reply in pair.both("INFO", "everything"):
        lines = (reply.text or b"").decode().split("\r\n")
        pairs = dict(line.split(":", 1) for line in lines if ":" in line)
        found.append({name: int(pairs[name]) for name in names if name in pairs})
    return [{name: counted[name] for name in found[1]} for counted in found]


@pytest.mark.parametrize(
    "change",
    [
        *("RENAME other k", "RENAME k away", "RENAME k k", "RENAMENX other k", "RENAMENX other missing"),
        *("RENAME other missing", "MOVE k 1", "MOVE k 2", "COPY other k", "COPY other k REPLACE", "COPY k new"),
        *("COPY other missing", "COPY other k DB 1", "COPY other k DB 1 REPLACE", "COPY other missing DB 1"),
        *("SWAPDB 0 1", "SWAPDB 1 0", "SWAPDB 0 2", "SWAPDB 2 1", "SWAPDB 0 0", "UNLINK k", "UNLINK missing"),
        *("TOUCH k", "KEYS nothing", "FLUSHALL", "FLUSHDB"),
    ],
)
def test_what_a_watch_sees_of_it(pair: Pair, change: str) -> None:
    other = pair.second()
    for watched in ("k", "missing", "k1 1", "m1 1"):
        pair.fresh()
        pair.play("SET k v\nSET other w\nSELECT 1\nSET k elsewhere\nSELECT 0")
        key = {"k": "k", "missing": "missing", "k1 1": "k", "m1 1": "missing"}[watched]
        pair.play(f"SELECT {1 if watched.endswith('1') else 0}\nWATCH {key}\nSELECT 0")
        other.play(change)
        pair.play("MULTI\nPING\nEXEC")


@pytest.fixture
def still(pair: Pair) -> Iterator[Pair]:
    """A pair whose servers remove expired keys only when somebody comes by."""
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    yield pair
    for wire in (pair.theirs, pair.ours):
        wire.send(encode(("DEBUG", "SET-ACTIVE-EXPIRE", "1")))
        wire.read()


@pytest.mark.parametrize(
    "then", ["SET k v", "EXISTS k", "SWAPDB 0 1", "FLUSHDB", "SELECT 1\nSET k v", "SELECT 1\nDEL k"]
)
@pytest.mark.parametrize("fill", ["0", "1", "01", "0 1v", "1 0v"])
def test_watch_swapdb_and_keys_past_their_deadline(still: Pair, fill: str, then: str) -> None:
    """`fill` names the databases where the key is past its deadline, and with v those where it is not."""
    other = still.second()
    for word in fill.split():
        for db in word.rstrip("v"):
            still.play(f"SELECT {db}\nSET k v" + ("" if word.endswith("v") else " PX 1"))
    still.silent(0.01)
    still.play("SELECT 0\nWATCH k")
    other.do("SWAPDB", "0", "1")
    still.play("MULTI\nPING\nEXEC\nWATCH k")
    other.do("SWAPDB", "0", "1")
    other.play(then)
    still.play("MULTI\nPING\nEXEC")
    still.do("SELECT", "0")


def test_keys_past_their_deadline_are_no_keys(still: Pair) -> None:
    for line in (
        *("RENAME dead x", "RENAMENX dead x", "RENAMENX live dead", "RENAME live dead", "MOVE dead 1", "COPY dead x"),
        *(
            "COPY live dead",
            "COPY dead live REPLACE",
            "MOVE live 1",
            "TOUCH dead",
            "UNLINK dead",
            "KEYS *",
        ),
        *("RENAME dead dead", "PERSIST dead", "EXPIRE dead 100", "OBJECT ENCODING dead", "EXPIRETIME dead"),
    ):
        still.fresh()
        still.play("SELECT 1\nSET live old PX 1\nSELECT 0\nSET dead v PX 1\nSET live v")
        still.silent(0.01)
        still.do("DBSIZE")
        still.play(line)
        still.play("DBSIZE\nSELECT 1\nDBSIZE\nSELECT 0\nGET dead\nGET live")


@pytest.mark.parametrize(
    ("before", "waker"),
    [
        ("ZADD src 1 a 2 b", "RENAME src z"),
        ("ZADD src 1 a 2 b", "RENAMENX src z"),
        ("ZADD src 1 a 2 b", "COPY src z"),
        ("ZADD src 1 a 2 b", "COPY src z DB 0"),
        ("SELECT 1\nZADD z 1 a 2 b", "MOVE z 0"),
        ("SELECT 1\nZADD z 1 a 2 b", "COPY z z DB 0"),
        ("SELECT 1\nZADD z 1 a 2 b", "SWAPDB 0 1"),
        ("SELECT 1\nZADD z 1 a 2 b", "SWAPDB 1 0"),
        ("SELECT 1\nZADD z 1 a 2 b", "MULTI\nSWAPDB 0 1\nSELECT 0\nEXEC"),
        ("ZADD src 1 a 2 b", "MULTI\nRENAME src z\nZADD z 0 first\nEXEC"),
    ],
)
def test_who_waits_for_a_key_is_woken(pair: Pair, before: str, waker: str) -> None:
    waiting = pair.second()
    other = pair.second()
    waiting.send("BZPOPMIN", "z", "0")
    waiting.silent()
    other.play(before)
    waiting.silent()
    other.play(waker)
    waiting.read()
    pair.play("ZRANGE z 0 -1\nZRANGE src 0 -1\nSELECT 1\nZRANGE z 0 -1\nSELECT 0")


@pytest.mark.parametrize(
    "waker", ["SET z v", "RENAME s z", "COPY s z", "MULTI\nRENAME src z\nDEL z\nEXEC", "SWAPDB 0 0", "SWAPDB 2 3"]
)
def test_who_waits_is_not_woken_by_what_it_cannot_pop(pair: Pair, waker: str) -> None:
    waiting = pair.second()
    pair.play("SET s v\nZADD src 1 a\nZADD src2 1 b")
    waiting.send("BZPOPMIN", "z", "0")
    waiting.silent()
    pair.play(waker)
    waiting.silent()
    pair.play("RENAME src2 z")
    waiting.read()


def test_who_waits_in_a_database_goes_on_waiting_there(pair: Pair) -> None:
    """SWAPDB exchanges keys: sessions and their waits stay with the number."""
    waiting = pair.second()
    pair.play("SELECT 1\nSET here 1\nSELECT 0\nSET here 0")
    waiting.send("BZPOPMIN", "z", "0")
    waiting.silent()
    pair.play("SWAPDB 0 1\nGET here\nSELECT 1\nGET here\nZADD z 1 a")
    waiting.silent()
    pair.play("SELECT 0\nZADD z 2 b")
    waiting.read()
    waiting.play("GET here")


def test_a_swap_in_a_transaction(pair: Pair) -> None:
    pair.play("""
        SET k 0
        SELECT 1
        SET k 1
        MULTI
        GET k
        SWAPDB 0 1
        GET k
        SELECT 0
        GET k
        SWAPDB 1 0
        GET k
        EXEC
        GET k
    """)


def test_unlink_and_touch(pair: Pair) -> None:
    pair.play("""
        SET a 1
        HSET h f v
        TOUCH a h missing a
        TOUCH
        UNLINK
        UNLINK missing
        UNLINK a h missing a
        EXISTS a h
        TOUCH a
    """)


@pytest.mark.parametrize("pattern", ["*", "a*", "?", "[ab]*", "", "\\*", "*1", "**", "nothing", "h\\ello", "[^a]*"])
def test_keys(pair: Pair, pattern: str) -> None:
    for key in ("a", "b", "a1", "b1", "*", "", "hello", "x" * 300, "é", "\\", "[ab]"):
        pair.do("SET", key, "v")
    for n in range(200):
        pair.do("SET", f"k{n}", "v")
    pair.unordered("KEYS", pattern)


def test_keys_and_randomkey_refuse(pair: Pair) -> None:
    pair.play("KEYS\nKEYS a b\nRANDOMKEY x\nRANDOMKEY\nKEYS *\nSET only v\nRANDOMKEY\nKEYS *")


def test_randomkey_of_keys_past_their_deadline(still: Pair) -> None:
    for n in range(30):
        still.do("SET", f"dead{n}", "v", "PX", "1")
    still.do("SET", "live", "v")
    still.silent(0.01)
    still.do("RANDOMKEY")
    still.do("DEL", "live")
    still.do("RANDOMKEY")
    still.do("DBSIZE")


def test_idle_time_of_moved_and_touched_keys(pair: Pair) -> None:
    """Whatever moved was used now; so was whatever a refused move looked at."""
    names = ("source", "copied", "renamed", "moved", "refused", "touched", "read", "looked")
    for name in names:
        pair.do("SET", name, "v")
    pair.do("HSET", "hash", "f", "v")
    pair.silent(2.2)
    for line in (
        *("COPY copied copy", "RENAME renamed target", "MOVE moved 1", "RENAMENX refused source", "TOUCH touched"),
        *("GET read", "TYPE looked", "OBJECT ENCODING looked", "EXISTS looked", "TTL looked", "SET hash w IFEQ v"),
    ):
        pair.play(line)
    for name in (*names, "copy", "target", "hash"):
        theirs, ours = pair.both("OBJECT", "IDLETIME", name)
        told = [reply.text is not None and reply.integer > 1 for reply in (theirs, ours)]
        assert told[0] == told[1], name


def test_no_touch_leaves_all_to_touch(pair: Pair) -> None:
    names = ("read", "renamed", "expired", "scanned", "set", "touched", "transacted")
    for name in names:
        pair.do("SET", name, "v")
    pair.silent(2.2)
    pair.play("""
        CLIENT NO-TOUCH ON
        GET read
        STRLEN read
        RENAME renamed target
        EXPIRE expired 100
        SET set w
        TOUCH touched
        MULTI
        GET read
        TOUCH transacted
        EXEC
        CLIENT NO-TOUCH OFF
    """)
    for name in (*names, "target"):
        theirs, ours = pair.both("OBJECT", "IDLETIME", name)
        told = [reply.text is not None and reply.integer > 1 for reply in (theirs, ours)]
        assert told[0] == told[1], name
