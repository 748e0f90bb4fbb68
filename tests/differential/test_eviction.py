"""`maxmemory`: who is refused in which context, what the access clock says under each policy, which command touches a key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.differential.pair import Pair, words_of

POLICIES = [
    "noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random",
    "volatile-ttl",
]  # fmt: skip
VOLATILE = [policy for policy in POLICIES if policy.startswith("volatile")]


@contextmanager
def policy(pair: Pair, name: str) -> Iterator[None]:
    """The policy on both, no limit before and after, and time for every key that must go."""
    with (
        pair.config("maxmemory-policy", name),
        pair.config("maxmemory-eviction-tenacity", "100"),
        pair.config("maxmemory", "0"),
    ):
        yield


def full(pair: Pair) -> None:
    """Neither server has room any more."""
    pair.do("CONFIG", "SET", "maxmemory", "1")


ROOM_IS_ASKED_FOR = """
    SET a 1
    SET new 1
    SET new 1 EX 100
    SETNX new 1
    GETSET a 1
    MSET a 1 b 2
    APPEND a x
    INCR a
    SETRANGE a 0 x
    SETBIT a 1 1
    BITOP AND d a a
    BITFIELD a SET u8 0 1
    BITFIELD a GET u8 0
    GETEX a
    GETDEL a
    COPY a c
    RENAME n m
    SORT l STORE d
    SORT l
    LPUSH l x
    LPUSHX none x
    LINSERT l BEFORE a q
    LSET l 0 z
    LMOVE l l LEFT RIGHT
    LPOP l
    BLPOP none 0.01
    BLMOVE none l LEFT RIGHT 0.01
    HSET h f 1
    HINCRBY h f 1
    HDEL h none
    HEXPIRE h 100 FIELDS 1 f
    SADD s x
    SMOVE s s2 none
    SINTERSTORE d s
    SREM s none
    ZADD z 1 m
    ZINCRBY z 1 m
    ZRANGESTORE d z 0 -1
    ZREM z none
    GEOADD g 1 1 m
    GEOSEARCHSTORE d g FROMMEMBER m BYRADIUS 1 m
    GEORADIUS g 1 1 1 m
    XADD x * f v
    XGROUP CREATE x2 g $ MKSTREAM
    XDEL x 1-1
    XTRIM x MAXLEN 10
    PFADD p a
    PFCOUNT p
    PFMERGE d p
    EXPIRE a 100
    PERSIST a
    GET a
    PING
    ECHO x
    DBSIZE
    EXISTS a
    SELECT 0
    OBJECT ENCODING a
    CONFIG GET maxmemory
    CLIENT GETNAME
    SWAPDB 0 1
    SWAPDB 0 1
    MOVE none 1
    TOUCH a
    DEL a
    UNLINK l
"""


@pytest.mark.parametrize("name", ["noeviction", *VOLATILE])
def test_who_is_refused_without_room(pair: Pair, name: str) -> None:
    with policy(pair, name):
        pair.play("""
            SET a 1
            SET n 1
            RPUSH l 1 2
            HSET h f 1
            SADD s a b
            ZADD z 1 a
            GEOADD g 1 1 m
            XADD x 1-1 f v
            PFADD p a
        """)
        full(pair)
        pair.play(ROOM_IS_ASKED_FOR)
        pair.do("DBSIZE")


def test_the_program_itself_does_not_count(pair: Pair) -> None:
    """An empty reference takes a megabyte."""
    with policy(pair, "noeviction"):
        pair.do("CONFIG", "SET", "maxmemory", "500kb")
        assert pair.differs("maxmemory-counts-data", "SET", "a", "1").raw == b"+OK\r\n"


def test_a_transaction_without_room(pair: Pair) -> None:
    with policy(pair, "noeviction"):
        pair.do("SET", "a", "1")
        other = pair.second()
        # Refused when it is queued.
        full(pair)
        pair.play("""
            MULTI
            GET a
            PING
            SET a 2
            GET a
            EXEC
            MULTI
            SET a 2
            DISCARD
            MULTI
            GET a
            EXEC
            MULTI
            NOSUCH
            SET a
            SET a 2
            EXEC
            WATCH a
            UNWATCH
            EXEC
        """)
        # Refused when it runs: there was room when it was queued.
        other.do("CONFIG", "SET", "maxmemory", "0")
        pair.play("""
            MULTI
            GET a
            SET a 2
            INCR n
        """)
        full(other)
        pair.play("""
            EXEC
            GET a
            EXEC
        """)
        other.do("CONFIG", "SET", "maxmemory", "0")
        pair.play("""
            MULTI
            GET a
            DEL n
            EXPIRE a 1000
        """)
        full(other)
        pair.do("EXEC")
        # The limit may be lowered by the transaction itself: it runs to its end.
        other.do("CONFIG", "SET", "maxmemory", "0")
        pair.play("""
            MULTI
            CONFIG SET maxmemory 1
            SET b 1
            EXEC
            SET b 1
            EXISTS b
        """)


@pytest.mark.parametrize("name", POLICIES)
def test_everything_that_may_go_goes(pair: Pair, name: str) -> None:
    with policy(pair, name):
        for n in range(30):
            pair.do("SET", f"k{n}", "v")
            pair.do("SET", f"t{n}", "v", "EX", 1000 + n)
        pair.do("HSET", "h", "f", "v")
        full(pair)
        pair.play("""
            DBSIZE
            SET a 1
            DBSIZE
            ~ KEYS *
        """)


def test_a_watched_key_that_was_evicted_breaks_the_transaction(pair: Pair) -> None:
    with policy(pair, "allkeys-lru"):
        pair.play("""
            SET a 1
            WATCH a
            MULTI
            GET a
        """)
        full(pair.second())
        pair.do("EXEC")


@pytest.mark.parametrize("name", POLICIES)
def test_object_under_each_policy(pair: Pair, name: str) -> None:
    with policy(pair, name):
        pair.play("""
            SET k v
            OBJECT FREQ k
            OBJECT FREQ none
            OBJECT IDLETIME k
            OBJECT IDLETIME none
            OBJECT FREQ
            OBJECT IDLETIME k k
            OBJECT ENCODING k
        """)
        pair.apart_from(rb"0x[0-9a-f]+|lru:\d+|minutes:\d+", "DEBUG", "OBJECT", "k")


def test_counters_move_alike_where_chance_has_no_part(pair: Pair) -> None:
    with policy(pair, "allkeys-lfu"), pair.config("lfu-log-factor", "0"), pair.config("lfu-decay-time", "0"):
        pair.play("""
            SET k v
            OBJECT FREQ k
            GET k
            GET k
            OBJECT FREQ k
            SET k w
            OBJECT FREQ k
            COPY k c
            OBJECT FREQ c
            RENAME k m
            OBJECT FREQ m
            MOVE m 1
            SELECT 1
            OBJECT FREQ m
            FLUSHALL
            SELECT 0
            CLIENT NO-TOUCH ON
            SET k v
            GET k
            OBJECT FREQ k
            TOUCH k
            OBJECT FREQ k
            CLIENT NO-TOUCH OFF
            GET k
            OBJECT FREQ k
        """)


def test_the_directives(pair: Pair) -> None:
    for name, values in (
        ("maxmemory", ("1kb", "10%", "-1", "1mb", "x", "", "18446744073709551615", "0")),
        ("maxmemory-policy", ("allkeys-LRU", "lru", "", "noeviction")),
        ("maxmemory-samples", ("0", "1", "64", "65", "5")),
        ("maxmemory-eviction-tenacity", ("-1", "0", "100", "101", "10")),
        ("lfu-log-factor", ("-1", "0", "2147483647", "2147483648", "10")),
        ("lfu-decay-time", ("-1", "0", "2147483647", "2147483648", "1")),
        ("lazyfree-lazy-eviction", ("no", "maybe", "yes")),
        ("replica-ignore-maxmemory", ("no", "maybe", "yes")),
        ("maxmemory-clients", ("10mb", "50%", "101%", "-1", "x", "0")),
    ):
        for value in values:
            pair.do("CONFIG", "SET", name, value)
            pair.do("CONFIG", "GET", name)


SETUP = """
    SET s 10
    RPUSH l a b c
    SADD st a b
    HSET h f 1
    ZADD z 1 a 2 b
    XADD x 1-1 a b
    XGROUP CREATE x g 0
    SET w_1 5
    RPUSH sl 1 2
    PFADD hll a
    SET e v EX 1000
    GEOADD geo 1 1 m
"""

COMMANDS = """
    GET s
    MGET s s
    STRLEN s
    EXISTS s
    EXISTS s s
    TYPE s
    TTL s
    PTTL s
    EXPIRETIME e
    TTL e
    TOUCH s
    TOUCH s s
    OBJECT ENCODING s
    OBJECT IDLETIME s
    OBJECT REFCOUNT s
    OBJECT FREQ s
    MEMORY USAGE s
    DUMP s
    KEYS *
    SCAN 0
    SCAN 0 TYPE string
    RANDOMKEY
    SET s 1
    SET s 1 KEEPTTL
    SET s 1 GET
    GETSET s 1
    GETDEL s
    GETEX s
    GETEX s PERSIST
    APPEND s x
    INCR s
    SETRANGE s 0 x
    GETRANGE s 0 1
    SETNX s 1
    SET s 1 NX
    SET s 1 XX
    MSETNX s 1 t 2
    SETBIT s 1 1
    GETBIT s 1
    BITCOUNT s
    BITPOS s 1
    BITFIELD s GET u8 0
    BITOP AND t s s
    LCS s w_1
    EXPIRE s 100
    EXPIRE e 100
    PERSIST e
    PERSIST s
    RENAME s t
    RENAMENX s w_1
    COPY s t
    COPY s w_1
    MOVE s 0
    DEL nokey
    UNLINK nokey
    LLEN l
    LRANGE l 0 -1
    LINDEX l 0
    LPUSH l x
    LPUSHX l x
    LPOP l
    LREM l 0 q
    LSET l 0 z
    LTRIM l 0 -1
    LINSERT l BEFORE b q
    LMOVE l l LEFT RIGHT
    LPOS l a
    LMPOP 1 l LEFT
    BLPOP l 1
    SADD st a
    SISMEMBER st a
    SMISMEMBER st a
    SCARD st
    SMEMBERS st
    SRANDMEMBER st
    SINTER st st
    SUNIONSTORE d st
    SINTERCARD 1 st
    SSCAN st 0
    SMOVE st st a
    SREM st q
    HGET h f
    HGETALL h
    HSET h f 2
    HSETNX h f 1
    HINCRBY h f 1
    HEXISTS h f
    HLEN h
    HKEYS h
    HSCAN h 0
    HDEL h q
    HTTL h FIELDS 1 f
    HEXPIRE h 100 FIELDS 1 f
    HRANDFIELD h
    ZADD z 1 a
    ZSCORE z a
    ZRANK z a
    ZRANGE z 0 -1
    ZCARD z
    ZCOUNT z 0 1
    ZINCRBY z 1 a
    ZSCAN z 0
    ZRANGESTORE d z 0 -1
    ZUNIONSTORE d 1 z
    ZINTER 2 z z
    ZPOPMIN z
    ZMPOP 1 z MIN
    ZREM z q
    XADD x * a b
    XLEN x
    XRANGE x - +
    XREAD STREAMS x 0
    XREADGROUP GROUP g c STREAMS x >
    XREADGROUP GROUP g c STREAMS x 0
    XINFO STREAM x
    XINFO GROUPS x
    XPENDING x g
    XACK x g 1-1
    XTRIM x MAXLEN 10
    XDEL x 9-9
    XGROUP CREATECONSUMER x g c2
    XSETID x 9-9
    SORT sl
    SORT sl BY w_*
    SORT sl GET w_*
    SORT sl STORE d
    PFCOUNT hll
    PFADD hll a
    PFMERGE d hll
    GEOPOS geo m
    GEOSEARCH geo FROMLONLAT 1 1 BYRADIUS 1 km
    GEODIST geo m m
    WATCH s
    DELIFEQ s zzz
    MSETEX 1 s v EX 100
    MSETEX 1 s v XX EX 100
"""


def test_which_command_touches_which_key(pair: Pair) -> None:
    """With a factor of 0 and no decay a counter says how often its key was looked up."""
    with policy(pair, "allkeys-lfu"), pair.config("lfu-log-factor", "0"), pair.config("lfu-decay-time", "0"):
        keys = ("s", "l", "st", "h", "z", "x", "w_1", "sl", "hll", "e", "geo", "d", "t")
        differing = []
        for line in COMMANDS.split("\n"):
            if not line.strip() or words_of(line)[0] in ("DUMP", "RESTORE"):
                continue
            pair.fresh()
            pair.play(SETUP)
            pair.both(*words_of(line))
            counts = []
            for key in keys:
                theirs, ours = pair.both("OBJECT", "FREQ", key)
                if theirs.raw != ours.raw:
                    counts.append(f"{key}: {theirs.raw!r} and {ours.raw!r}")
            if counts:
                differing.append(f"{line.strip()}: {', '.join(counts)}")
        assert not differing, "\n".join(differing)
