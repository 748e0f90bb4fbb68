"""Keyspace events beside the reference's, in their order: scripts of every family, classes, expiry, blocked clients.

Random sequences compare events too: test_random.py.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.differential.ears import Ears
from tests.differential.pair import Pair, exact
from tests.differential.wire import Reply

SCRIPTS = {
    "strings": """
        SET k v
        SET k w EX 1000
        SET k x NX
        SET k x XX GET
        SET k x KEEPTTL
        SET absent x GET
        SET gone x PXAT 1
        SET k x PXAT 1
        GETSET g v
        GETDEL g
        GETDEL g
        SETNX n 1
        SETNX n 1
        SETEX s 1000 v
        PSETEX s 100000 v
        GETEX s PERSIST
        GETEX s PERSIST
        GETEX s EX 1000
        GETEX s
        GETEX s PXAT 1
        MSET a 1 b 2 a 3
        MSETNX a 1 z 2
        MSETNX y 1 z 2
        MSETEX 2 a 1 b 2 EX 1000
        MSETEX 2 a 1 c 2 NX
        MGET a none b none2
        DELIFEQ a nope
        DELIFEQ a 1
        APPEND k ""
        APPEND k x
        APPEND new ""
        SETRANGE k 0 x
        SETRANGE k 0 ""
        INCR i
        INCRBY i 0
        DECR i
        INCRBYFLOAT i 0
        INCRBYFLOAT i 1.5
        LCS k nokey
        STRLEN none
        GETRANGE none 0 1
        """,
    "bits": """
        SETBIT b 7 1
        SETBIT b 7 1
        SETBIT b 99 0
        BITFIELD b SET u8 0 1 SET u8 8 0 INCRBY u8 16 3
        BITFIELD b GET u8 0
        BITFIELD none GET u8 0
        BITFIELD none2 SET u8 0 0
        BITOP AND d b none
        BITOP NOT d none
        BITOP OR d none
        BITCOUNT none
        BITPOS none 1
        PFADD h a b
        PFADD h a
        PFADD h2
        PFADD h2
        PFCOUNT h
        PFCOUNT h nohll
        PFMERGE h2 h
        PFMERGE h2 h nohll
        """,
    "generic": """
        SET a 1
        SET b 2
        DEL a none b
        SET a 1
        EXPIRE a 1000
        EXPIRE a 1000 NX
        EXPIRE none 10
        PERSIST a
        PERSIST a
        PEXPIREAT a 1
        SET a 1
        RENAME a b
        SET c 1
        RENAME b c
        RENAME c c
        RENAMENX c d
        SET e 1
        RENAMENX d e
        MOVE d 3
        SET d 1
        MOVE d 3
        COPY d x
        COPY d x
        COPY d x REPLACE
        COPY d x DB 4
        COPY none x
        UNLINK d e none
        TOUCH x none
        EXISTS x none none
        TYPE none
        TTL none
        EXPIRETIME none
        OBJECT ENCODING none
        RPUSH l 3 1 2
        SORT l
        SORT l STORE s
        SORT l BY w_* GET v_* STORE s
        SORT none STORE s
        SORT none STORE s
        SORT none
        FLUSHDB
        SWAPDB 0 3
        FLUSHALL
        DEBUG POPULATE 2
        """,
    "lists": """
        RPUSH l a b c
        LPUSH l x y
        LPUSHX none a
        RPUSHX l z
        LPOP l
        RPOP l 2
        RPOP l 0
        LPOP none
        LMPOP 2 none l LEFT COUNT 2
        LMPOP 1 l LEFT COUNT 99
        RPUSH l a b c
        LINSERT l BEFORE b z
        LINSERT l BEFORE nope z
        LSET l 0 a
        LREM l 0 z
        LREM l 0 nope
        LTRIM l 0 -1
        LTRIM l 1 1
        LTRIM l 5 6
        LTRIM l 5 6
        RPUSH l a b
        LMOVE l m LEFT RIGHT
        RPOPLPUSH l m
        LMOVE m m LEFT RIGHT
        LMOVE none m LEFT RIGHT
        RPUSH one a
        RPOPLPUSH one one
        LRANGE none 0 1
        LLEN none
        LINDEX none 0
        LPOS none a
        BLPOP m none 0
        BRPOP m 0
        RPUSH m a b
        BLMOVE m n LEFT RIGHT 0
        BRPOPLPUSH m n 0
        BLMPOP 0 1 n LEFT COUNT 5
        """,
    "sets": """
        SADD s a b c
        SADD s a
        SREM s none
        SREM s a
        SPOP s
        SPOP s 5
        SPOP s
        SADD s a b
        SPOP s 0
        SADD t b c
        SMOVE s t a
        SMOVE s t b
        SMOVE t t b
        SMOVE t s none
        SADD s b
        SINTERSTORE d s t
        SINTERSTORE d s none
        SINTERSTORE d s none
        SUNIONSTORE d s t none
        SDIFFSTORE d t s
        SDIFFSTORE d none s
        SINTER s none none2
        SMEMBERS none
        SINTERCARD 2 s none
        SCARD none
        SREM t a b c
        """,
    "hashes": """
        HSET h a 1 b 2
        HSET h a 1
        HMSET h a 1
        HSETNX h a 2
        HSETNX h c 2
        HINCRBY h a 0
        HINCRBYFLOAT h a 1
        HDEL h none
        HDEL h a none
        HGETDEL h FIELDS 1 b
        HDEL h c
        HSET h a 1 b 2 c 3
        HEXPIRE h 1000 FIELDS 2 a none
        HEXPIRE h 1000 NX FIELDS 1 a
        HPERSIST h FIELDS 1 a
        HPERSIST h FIELDS 1 a
        HEXPIRE h 0 FIELDS 1 a
        HSETEX h EX 1000 FIELDS 1 d 4
        HSETEX h FNX EX 1000 FIELDS 1 d 4
        HSETEX h PXAT 1 FIELDS 1 b 4
        HSETEX fresh PXAT 1 FIELDS 1 b 4
        HSETEX h FIELDS 1 e 4
        HGETEX h EX 100 FIELDS 1 e
        HGETEX h PERSIST FIELDS 1 e
        HGETEX h PERSIST FIELDS 1 e
        HGETEX h PXAT 1 FIELDS 1 e
        HGETEX h PXAT 1 FIELDS 2 c d
        HGET none f
        HTTL none FIELDS 1 f
        HGETALL none
        """,
    "sorted sets": """
        ZADD z 1 a 2 b 3 c
        ZADD z 1 a
        ZADD z NX 5 a
        ZADD z INCR 0 a
        ZADD z INCR 1 a
        ZINCRBY z 0 a
        ZINCRBY z 1 n
        ZREM z none
        ZREM z n
        ZREMRANGEBYSCORE z 100 200
        ZREMRANGEBYSCORE z 3 3
        ZREMRANGEBYRANK z 0 0
        ZREMRANGEBYRANK z 0 -1
        ZADD z 0 a 0 b
        ZREMRANGEBYLEX z [a [a
        ZREMRANGEBYLEX z [b [b
        ZADD z 1 a 2 b 3 c 4 d 5 e
        ZPOPMIN z
        ZPOPMAX z 2
        ZPOPMIN z 0
        ZMPOP 2 none z MIN COUNT 1
        BZPOPMIN z 0
        ZADD z 1 a 2 b 3 c
        ZADD y 1 a
        ZUNIONSTORE d 2 z none
        ZINTERSTORE d 2 z y
        ZINTERSTORE d 2 z none
        ZDIFFSTORE d 2 z y
        ZDIFFSTORE d 2 y z
        ZRANGESTORE d z 0 1
        ZRANGESTORE d none 0 1
        ZRANGESTORE d none 0 1
        ZSCORE none a
        ZRANGE none 0 1
        BZMPOP 0 1 z MIN COUNT 9
        GEOADD g 1 1 a 2 2 b
        GEOADD g 1 1 a
        GEOSEARCHSTORE d g FROMLONLAT 1 1 BYRADIUS 500 km
        GEOSEARCHSTORE d g FROMLONLAT 50 50 BYRADIUS 1 km
        GEORADIUS g 1 1 500 km STORE d
        GEORADIUSBYMEMBER none a 500 km STORE d
        GEOPOS none a
        """,
    "streams": """
        XADD s 1-1 f v
        XADD s MAXLEN 1 2-1 f v
        XADD none NOMKSTREAM 1-1 f v
        XTRIM s MAXLEN 5
        XADD s 3-1 f v
        XTRIM s MAXLEN 1
        XDEL s 3-1
        XDEL s 3-1
        XSETID s 9-1
        XGROUP CREATE s g 0
        XGROUP CREATE made g 0 MKSTREAM
        XGROUP SETID s g 0
        XGROUP CREATECONSUMER s g c
        XGROUP CREATECONSUMER s g c
        XGROUP DELCONSUMER s g c
        XGROUP DELCONSUMER s g c
        XADD s 10-1 f v
        XREADGROUP GROUP g alice STREAMS s >
        XREADGROUP GROUP g alice STREAMS s 0
        XREADGROUP GROUP g bob STREAMS s >
        XACK s g 10-1
        XADD s 11-1 f v
        XREADGROUP GROUP g alice STREAMS s >
        XCLAIM s g carol 0 11-1
        XAUTOCLAIM s g dora 0 0
        XPENDING s g
        XREAD STREAMS none 0
        XRANGE none - +
        XACK none g 1-1
        XGROUP DESTROY s g
        XGROUP DESTROY s g
        XLEN none
        """,
    "transactions": """
        MULTI
        SET a 1
        LPUSH a x
        DEL a
        SELECT 2
        RPUSH l x
        LPOP l
        EXEC
        WATCH w
        GET w
        MULTI
        SET w 1
        EXEC
        """,
}


@pytest.fixture
def ears(pair: Pair) -> Iterator[Ears]:
    with Ears(pair) as made:
        yield made


@pytest.mark.parametrize("family", SCRIPTS)
def test_every_line_has_the_events_of_the_reference(pair: Pair, ears: Ears, family: str) -> None:
    failures = []
    some = 0
    for line in SCRIPTS[family].strip().splitlines():
        words = line.replace('""', " \0 ").split()
        pair.both(*("" if word == "\0" else word for word in words))
        theirs, ours = ears.heard()
        some += len(theirs)
        if theirs != ours:
            failures.append(f"{line.strip()}\n  there: {theirs}\n  here:  {ours}")
    assert not failures, "\n".join(failures)
    assert some > 5


@pytest.mark.parametrize(
    "letters", ["KEA", "Kg", "E$", "Kl", "Es", "Kh", "Ez", "Kt", "KEm", "KEn", "Kx", "KE", "A", "Kd", "KEAmn"]
)
def test_the_classes_choose_what_is_sent(pair: Pair, letters: str) -> None:
    with Ears(pair, letters) as ears:
        for line in (
            "GET k", "SET k v", "EXPIRE k 100", "DEL k", "RPUSH l a", "LPOP l", "SADD s a", "HSET h a b", "ZADD z 1 a",
            "XADD x 1-1 a b", "SET t v PXAT 1", "SET t v", "PEXPIREAT t 1", "PFADD p a", "RENAME s r",
        ):  # fmt: skip
            pair.both(*line.split())
        assert (len(ears.same()) > 0) == (letters not in ("KE", "A", "Kd"))


@pytest.mark.parametrize(
    "letters", ["", "K", "KEA", "AKE", "Kg$lshzxetd", "KEAnm", "nm", "g$KE", "q", "KEq", "a", "KKEEAA"]
)
def test_config_shows_the_classes_as_the_reference(pair: Pair, letters: str) -> None:
    pair.do("CONFIG", "SET", "notify-keyspace-events", letters)
    pair.do("CONFIG", "GET", "notify-keyspace-events")
    pair.do("CONFIG", "SET", "notify-keyspace-events", "")


@pytest.mark.parametrize(
    "line", ["GET k", "TTL k", "EXISTS k", "SET k v", "INCR k", "RENAME k j", "DEL k", "HGET k f", "MGET k k"]
)
def test_a_key_past_its_time_is_told_by_who_finds_it(pair: Pair, ears: Ears, line: str) -> None:
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    try:
        pair.do("SET", "k", "1", "PX", "1")
        pair.wait_ms(1)
        pair.both(*line.split())
        assert any(event.startswith(b"0 expired") for event in ears.same()) or line == "DEL k"
    finally:
        pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def test_a_field_past_its_time_is_told_by_who_writes_over_it(pair: Pair, ears: Ears) -> None:
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    try:
        pair.do("HSET", "h", "f", "v", "g", "v", "i", "1")
        pair.do("HPEXPIRE", "h", "1", "FIELDS", "3", "f", "g", "i")
        pair.wait_ms(1)
        ears.same()
        for line in ("HGET h f", "HSET h f w", "HSETNX h g w", "HINCRBY h i 1", "HDEL h f g i"):
            pair.both(*line.split())
            ears.same()
    finally:
        pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def test_expired_keys_and_fields_are_told_without_being_looked_for(pair: Pair, ears: Ears) -> None:
    pair.do("SET", "k", "1", "PX", "20")
    pair.do("HSETEX", "h", "PX", "20", "FIELDS", "1", "f", "v")
    pair.do("HSET", "j", "f", "v", "g", "v")
    pair.do("HPEXPIRE", "j", "20", "FIELDS", "1", "f")
    found: tuple[list[bytes], list[bytes]] = ([], [])
    deadline = time.monotonic() + 10
    last = {b"0 expired k", b"0 del h", b"0 hexpired j"}
    while not all(last <= set(side) for side in found) and time.monotonic() < deadline:
        for side, more in zip(found, ears.heard(), strict=True):
            side.extend(more)
    assert sorted(found[0]) == sorted(found[1])
    assert last <= set(found[0])


BLOCKED = [
    (["BLPOP k 0"], "RPUSH k a"),
    (["BLMPOP 0 2 a b LEFT COUNT 3"], "RPUSH b x y"),
    (["BLMOVE a b LEFT LEFT 0", "BLPOP b 0"], "RPUSH a x"),
    (["BLMOVE a a LEFT RIGHT 0"], "RPUSH a x"),
    (["BLPOP k 0"], "RENAME o k"),
    (["BLPOP k 0"], "SORT o STORE k"),
    (["BLPOP k 0"], "MULTI|RPUSH k a|SET z 1|EXEC"),
    (["BZPOPMIN k 0"], "ZADD k 1 a"),
    (["BLPOP k 0", "BLPOP k 0"], "RPUSH k a b c"),
    (["XREADGROUP GROUP g c BLOCK 0 STREAMS s >"], "XADD s 5-1 f v"),
    (["XREADGROUP GROUP g c BLOCK 0 STREAMS s >"], "DEL s"),
    (["XREAD BLOCK 0 STREAMS s $"], "XADD s 5-1 f v"),
]


@pytest.mark.parametrize(("waiting", "served"), BLOCKED, ids=lambda case: str(case))
def test_served_clients_come_after_who_served_them(pair: Pair, ears: Ears, waiting: list[str], served: str) -> None:
    pair.do("RPUSH", "o", "1")
    pair.do("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
    blocked = []
    for line in waiting:
        other = pair.second()
        other.send(*line.split())
        other.silent()
        blocked.append(other)
    ears.same()
    for line in served.split("|"):
        pair.do(*line.split())
    for other in blocked:
        other.read(exact)
    assert ears.same()


def frames(pair: Pair, count: int) -> list[Reply]:
    """The next frames of both, compared."""
    found = []
    for _ in range(count):
        theirs, ours = pair.theirs.next_frame(), pair.ours.next_frame()
        assert theirs.raw == ours.raw
        found.append(theirs)
    return found


def test_a_served_client_that_listens_gets_events_and_reply_in_the_reference_order(pair: Pair, ears: Ears) -> None:
    listening = pair.second(3)
    listening.send("PSUBSCRIBE", "__keyevent@0__:*")
    frames(listening, 1)
    listening.send("BLPOP", "k", "0")
    listening.silent()
    pair.do("RPUSH", "k", "a")
    # new, rpush, lpop, del, and the reply.
    frames(listening, 5)
    listening.silent()
