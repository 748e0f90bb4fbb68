"""The replication stream equals the reference's, effect by effect.

A follower of each server keeps the raw commands of the stream.  After each line of the script, a marker is published;
what comes before the marker are the effects of the line.  Times and generated IDs are masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.differential.links import Client, Follower, until
from tests.differential.pair import difference_rows, words_of
from tests.differential.servers import Server, both
from tests.differential.wire import Word

SCRIPT = r"""
SET k v
SET k v EX 100
SET k v PX 100000
SET k v EXAT 99999999999
SET k v PXAT 99999999999000
SET k v KEEPTTL
SET k v NX
SET k v XX
SET k v GET
SET nx v NX GET
SET k w IFEQ v
SET k w IFEQ zzz
SET k v PX 100000 NX
SET nx2 v EX 100 NX
SET nx2 v EX 100 XX GET
SET nx2 v PXAT 1
SET nx2 v EXAT 1
SETEX k 100 v
PSETEX k 100000 v
SETNX k v
SETNX sn v
GETSET k v
GETEX k
GETEX k EX 100
GETEX k PX 100000
GETEX k EXAT 99999999999
GETEX k PERSIST
GETEX k PERSIST
GETEX k PXAT 1
SET k v
GETDEL k
GETDEL k
SET k v
DELIFEQ k x
DELIFEQ k v
MSET a 1 b 2
MSETNX a 1 c 2
MSETNX c 1 d 2
MSETEX 2 me1 1 me2 2 EX 100
MSETEX 2 me1 1 me2 2 PX 100000 XX
MSETEX 2 me1 1 me2 2 KEEPTTL
MSETEX 2 me3 1 me4 2 NX PXAT 99999999999000
MSETEX 1 me5 1
INCR n
DECR n
INCRBY n 5
DECRBY n 3
INCRBYFLOAT f 1.5
INCRBYFLOAT f 1.5e3
APPEND ap x
APPEND ap ""
SETRANGE ap 3 zz
SETRANGE ap 0 ""
SETRANGE nope 0 ""
SETBIT bm 7 1
SETBIT bm 7 1
BITOP AND bd bm ap
BITOP NOT bd bm
BITOP AND bd nokey1 nokey2
BITFIELD bf SET u8 0 255 GET u8 0
BITFIELD bf GET u8 0
BITFIELD bf INCRBY u8 0 10 OVERFLOW FAIL INCRBY u8 0 200
BITFIELD_RO bf GET u8 0
LCS a b
PFADD p a b c
PFADD p a
PFCOUNT p
PFCOUNT p
PFADD p2 x
PFCOUNT p p2
PFMERGE p3 p p2
PFMERGE p3
PFDEBUG TODENSE p
DEL a b nokey
DEL nokey
UNLINK c d
UNLINK nokey
SET k v
EXPIRE k 100
EXPIRE k 100 NX
EXPIRE k 200 XX
EXPIRE k 300 GT
EXPIRE k 10 LT
EXPIRE k 100 GT
PEXPIRE k 100000
EXPIREAT k 99999999999
PEXPIREAT k 99999999999000
EXPIRE nokey 100
PERSIST k
PERSIST k
EXPIRE k -1
SET k v
PEXPIREAT k 1
SET k v
EXPIREAT k 0
SET k v
RENAME k k2
RENAMENX k2 k3
SET k4 x
RENAMENX k3 k4
COPY k3 k5
COPY k3 k5
COPY k3 k4 REPLACE
COPY k3 k6 DB 1
MOVE k5 1
MOVE k5 1
TOUCH k3
RANDOMKEY
SET sd 1 EX 100
COPY sd sd2
RENAME sd sd3
# lists
RPUSH l 1 2 3 4 5 6 7 8
LPUSH l 0
LPUSHX l -1
LPUSHX nolist -1
RPUSHX l 9
RPUSHX nolist 1
LPOP l
LPOP l 2
LPOP l 0
RPOP l
RPOP l 1
RPOP nolist
LSET l 0 zz
LINSERT l BEFORE zz yy
LINSERT l AFTER nothere yy
LREM l 0 zz
LREM l 0 zz
LTRIM l 0 3
LTRIM l 0 -1
LTRIM nolist 0 1
LTRIM l 5 1
RPUSH l 1 2 3 4 5 6
RPOPLPUSH l l2
LMOVE l l2 LEFT RIGHT
LMOVE nolist l2 LEFT RIGHT
BLMOVE l l2 LEFT RIGHT 0
BRPOPLPUSH l l2 0
BLPOP l 0
BRPOP l 0
RPUSH l 1 2 3 4 5 6
LMPOP 1 l LEFT
LMPOP 1 l LEFT COUNT 2
LMPOP 2 nolist l RIGHT COUNT 2
BLMPOP 0 1 l LEFT COUNT 1
BLMPOP 0 2 nolist l2 LEFT
LMPOP 1 l2 LEFT COUNT 100
LMPOP 1 nolist LEFT
BLPOP nolist 0.01
BLMPOP 0.01 1 nolist LEFT
# sets
SADD s 1 2 3 4 5 6 7 8
SADD s 1
SREM s 1 99
SREM s 99
SMOVE s s2 2
SMOVE s s2 99
SADD one x
SPOP one
SPOP one
SADD one x y
SPOP one 2
SADD one x
SPOP one 0
SPOP one 5
SADD single x
SPOP single 1
SRANDMEMBER s
SADD sa 1 2 3
SADD sb 2 3 4
SINTERSTORE sc sa sb
SUNIONSTORE sc sa sb
SDIFFSTORE sc sa sb
SDIFFSTORE sc nos nos2
SINTERSTORE sc nos nos2
SINTERSTORE noexist nos nos2
SINTERCARD 2 sa sb
# hashes
HSET h f v g w
HSET h f v
HMSET h f2 v
HSETNX h f v
HSETNX h fn v
HINCRBY h n 1
HINCRBYFLOAT h ff 1.5
HDEL h f nof
HDEL h nof
HGETDEL h FIELDS 1 g
HGETDEL h FIELDS 1 nof
HEXPIRE h 100 FIELDS 1 f2
HEXPIRE h 100 NX FIELDS 1 f2
HEXPIRE h 200 GT FIELDS 2 f2 n
HPEXPIRE h 100000 FIELDS 1 f2
HEXPIREAT h 99999999999 FIELDS 1 f2
HPEXPIREAT h 99999999999000 FIELDS 1 f2
HPERSIST h FIELDS 1 f2
HPERSIST h FIELDS 1 f2
HEXPIRE h 0 FIELDS 1 f2
HSET h f2 v
HPEXPIREAT h 1 FIELDS 1 f2
HEXPIRE noh 100 FIELDS 1 x
HSETEX h EX 100 FIELDS 1 a b
HSETEX h PX 100000 FIELDS 2 a b c d
HSETEX h FNX EX 100 FIELDS 1 zz b
HSETEX h FNX EX 100 FIELDS 1 zz b
HSETEX h FXX KEEPTTL FIELDS 1 zz c
HSETEX h FIELDS 1 zz c
HSETEX h PXAT 1 FIELDS 1 zz c
HSETEX h EXAT 99999999999 FIELDS 1 yy c
HSETEX h FNX PXAT 99999999999000 FIELDS 1 qq c
HSETEX h PXAT 99999999999000 FIELDS 1 qq c
SET k v PXAT 99999999999000 XX
SET pg v PXAT 99999999999000 GET
XTRIM x MINID ~ 1-1
HGETEX h FIELDS 1 a
HGETEX h EX 50 FIELDS 1 a
HGETEX h PX 50000 FIELDS 2 a nof
HGETEX h EXAT 99999999999 FIELDS 1 a
HGETEX h PERSIST FIELDS 1 a
HGETEX h PERSIST FIELDS 1 a
HGETEX h PXAT 1 FIELDS 1 a
HSET hx f v
HGETDEL hx FIELDS 1 f
HSET hx f v
HEXPIRE hx 0 FIELDS 1 f
HSET hx f v
HGETEX hx PXAT 1 FIELDS 1 f
HSET hx f v
HDEL hx f
# zsets
ZADD z 1 a 2 b 3 c 4 d 5 e 6 f
ZADD z 1 a
ZADD z XX CH 5 a
ZADD z NX 5 a 7 g
ZADD z GT 3 b
ZADD z LT 3 b
ZADD z INCR 5 a
ZADD z NX INCR 5 a
ZINCRBY z 1.5 a
ZINCRBY z 0 a
ZREM z a nope
ZREM z nope
ZREMRANGEBYRANK z 0 0
ZREMRANGEBYRANK z 90 91
ZREMRANGEBYSCORE z 0 3
ZREMRANGEBYLEX z [z [zz
ZPOPMIN z
ZPOPMAX z
ZPOPMIN z 1
ZPOPMIN z 0
ZPOPMIN noz
ZADD z 1 a 2 b 3 c 4 d 5 e 6 f
BZPOPMIN z 0
BZPOPMAX z 0
ZMPOP 1 z MIN
ZMPOP 1 z MAX COUNT 2
BZMPOP 0 1 z MIN
ZADD z 1 a 2 b
BZMPOP 0 2 noz z MAX COUNT 10
BZPOPMIN noz 0.01
ZADD z 1 a 2 b 3 c
ZADD z2 1 a 2 b
ZUNIONSTORE z3 2 z z2
ZINTERSTORE z3 2 z z2 WEIGHTS 1 2 AGGREGATE MAX
ZDIFFSTORE z3 2 z z2
ZRANGESTORE z4 z 0 -1
ZRANGESTORE z4 z 5 6
ZRANGESTORE z5 z 5 6
ZUNIONSTORE z3 2 noz noz2
ZUNIONSTORE noex 2 noz noz2
GEOADD ge 1 1 a 2 2 b
GEOADD ge 1 1 a
GEOADD ge XX CH 3 3 a
GEOADD ge NX 3 3 a
GEORADIUS ge 1 1 1000 km STORE g2
GEORADIUS ge 1 1 1000 km STOREDIST g2
GEORADIUSBYMEMBER ge a 1000 km STORE g2
GEORADIUS ge 80 80 1 m STORE g2
GEORADIUS ge 80 80 1 m STORE g3
GEOSEARCHSTORE g2 ge FROMLONLAT 1 1 BYRADIUS 1000 km
GEOSEARCHSTORE g2 ge FROMMEMBER b BYBOX 1 1 m STOREDIST
GEOSEARCHSTORE g3 ge FROMLONLAT 80 80 BYRADIUS 1 m
# streams
XADD x 1-1 a 1
XADD x * a 1
XADD x 1-* a 1
XADD x NOMKSTREAM * a 1
XADD nox NOMKSTREAM * a 1
XADD x MAXLEN 10 * a 1
XADD x MAXLEN ~ 100 * a 1
XADD x MAXLEN = 2 * a 1
XADD x MINID 1-1 * a 1
XADD x MAXLEN ~ 100 LIMIT 10 * a 1
DEL x
XADD x 1-1 a 1
XADD x 2-1 a 1
XADD x 3-1 a 1
XADD x 4-1 a 1
XADD x 4-* a 1
XTRIM x MAXLEN 4
XTRIM x MAXLEN 4
XTRIM x MAXLEN ~ 1
XTRIM x MINID 3
XTRIM x MINID ~ 3
XDEL x 3-1 9-9
XDEL x 9-9
XSETID x 10-1
XSETID x 11-1 ENTRIESADDED 20 MAXDELETEDID 5-0
XGROUP CREATE x g 0
XGROUP CREATE x g2 $
XGROUP CREATE xm g 0 MKSTREAM
XGROUP CREATE xm g5 0 ENTRIESREAD 3
XGROUP SETID x g2 0
XGROUP SETID x g2 0 ENTRIESREAD 1
XGROUP CREATECONSUMER x g c0
XGROUP CREATECONSUMER x g c0
XREADGROUP GROUP g c1 COUNT 1 STREAMS x >
XREADGROUP GROUP g c1 COUNT 10 STREAMS x >
XREADGROUP GROUP g c1 COUNT 10 STREAMS x >
XREADGROUP GROUP g c1 STREAMS x 0
XREADGROUP GROUP g cnew STREAMS x 0
XREADGROUP GROUP g cnew2 STREAMS x >
XREADGROUP GROUP g cnew3 NOACK STREAMS x >
XADD x * a 1
XREADGROUP GROUP g c1 NOACK COUNT 1 STREAMS x >
XREADGROUP GROUP g2 c1 STREAMS x >
XADD x * b 1
XADD x * c 1
XREADGROUP GROUP g c1 COUNT 5 BLOCK 100 STREAMS x >
XREADGROUP GROUP g c9 BLOCK 1 STREAMS x >
XPENDING x g
XCLAIM x g2 c5 0 4-1
XCLAIM x g2 c5 100000 4-1
XCLAIM x g2 c5 0 4-1 IDLE 10
XCLAIM x g2 c5 0 4-1 TIME 1700000000000
XCLAIM x g2 c5 0 4-1 RETRYCOUNT 9
XCLAIM x g2 c6 0 4-1 JUSTID
XCLAIM x g2 c6 0 4-1 FORCE LASTID 20-0
XCLAIM x g2 c7 0 99-1
XCLAIM x g2 c7 0 4-1 4-0
XAUTOCLAIM x g2 c8 0 0
XAUTOCLAIM x g2 c8 0 0 COUNT 1 JUSTID
XAUTOCLAIM x g2 c8 1000000 0
XDEL x 4-1
XAUTOCLAIM x g2 c8 0 0
XCLAIM x g2 c7 0 4-1
XREADGROUP GROUP g2 c8 STREAMS x 0
XACK x g 4-1
XACK x g 4-0 4-1
XGROUP DELCONSUMER x g c1
XGROUP DELCONSUMER x g nope
XGROUP DESTROY x g
XGROUP DESTROY x g
XDEL x 4-0
# keys and databases
RESTORE r 0 <dump:s>
RESTORE r 100000 <dump:s> REPLACE
RESTORE r 99999999999000 <dump:s> REPLACE ABSTTL
RESTORE r 1 <dump:s> REPLACE ABSTTL
RESTORE r2 1 <dump:s> ABSTTL
RESTORE r 0 <dump:s> REPLACE IDLETIME 100
RESTORE r 0 <dump:s> REPLACE FREQ 10
RESTORE-ASKING r 1000 <dump:s> REPLACE
SORT s STORE so
SORT s BY nosort STORE so
SORT nokey STORE so
SORT nokey STORE noso
SORT_RO s
SELECT 1
SET k v
SELECT 0
GET nokey
SET k v
SWAPDB 0 5
SET k v
FLUSHDB
FLUSHDB
FLUSHDB ASYNC
FLUSHALL
FLUSHALL SYNC
SET k v
FLUSHALL ASYNC
PUBLISH ch msg
SPUBLISH ch msg
# transactions
MULTI
SET a 1
GET a
INCR a
EXEC
MULTI
SET a 1
EXEC
MULTI
GET a
EXEC
MULTI
SET a 1
SELECT 3
SET b 1
SELECT 0
EXEC
MULTI
GETDEL a
SPOP nokey
PUBLISH ch x
EXEC
MULTI
PUBLISH ch x
EXEC
MULTI
SET a 1
INCR z
LPUSH a 1
EXEC
SET b 1
MULTI
SET q 1 EX 100
DEL q
EXEC
MULTI
SELECT 4
SET x 1
EXEC
SELECT 0
SET e 1 PX 30
# past
GET e
SET e 1 PX 30
# past
SET e 2 NX
SET e 1 PX 30
# past
INCR e
SET e 1 PX 30
# past
DEL e
SET e 1 PX 30
# past
EXISTS e
HSET he f 1 g 2
HPEXPIRE he 30 FIELDS 1 f
# past
HGETALL he
HSET he f 1
HPEXPIRE he 30 FIELDS 2 f g
# past
HGETALL he
CLIENT NO-TOUCH ON
CONFIG SET maxmemory 0
SCRIPT FLUSH
SCRIPT LOAD "return 1"
OBJECT ENCODING k
CLIENT SETNAME x
DEBUG REPLICATE hello world
set lower case
Set lower case EX 100
eXpire lower 100
"""
"""A line `# past` waits until the deadlines of 30 ms before it are past."""

MARK = b"the-end-of-the-line"


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    with both("--repl-diskless-sync-delay", "0") as started:
        yield started


def masked(command: list[bytes]) -> bytes:
    """The command as text, without times of these years and IDs that are made of them."""
    return b" ".join([re.sub(rb"^1[6-9]\d{11}(-\d+)?$", rb"<time>", word) for word in command])


class Recorder:
    """Runs lines on one server, and keeps what they add to its stream."""

    def __init__(self, server: Server) -> None:
        self.client = Client(server)
        self.marker = Client(server)
        self.client("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        self.client("FLUSHALL")
        self.follower = Follower(server)
        self.follower.synchronise()
        self.follower.come_online(self.marker)

    def close(self) -> None:
        for each in (self.client, self.marker, self.follower):
            each.close()

    def meant(self, word: Word) -> Word:
        """`<dump:KEY>` is the payload of a key."""
        if isinstance(word, str) and word.startswith("<dump:"):
            return self.client.text("DUMP", word[6:-1])
        return word

    def now_ms(self) -> int:
        seconds, micros = (int(item.text or b"") for item in self.marker("TIME").items)
        return seconds * 1000 + micros // 1000

    def effects(self, line: str) -> list[bytes]:
        """The effects of one line."""
        if line == "# past":
            begun = self.now_ms()
            until(lambda: self.now_ms() > begun + 31)
            return []
        self.client(*[self.meant(word) for word in words_of(line)])
        self.marker("PUBLISH", MARK, "")
        found = []
        while (command := self.follower.command())[1:2] != [MARK]:
            found.append(masked(command))
        return found


def in_lower_case(line: str) -> str:
    return re.sub(r"<dump:\w+>|[A-Z]{2,}", lambda found: found[0] if found[0][0] == "<" else found[0].lower(), line)


@pytest.mark.parametrize("spelling", ["upper", "lower"])
def test_every_effect(servers: tuple[Server, Server], spelling: str) -> None:
    recorders = [Recorder(server) for server in servers]
    try:
        differing = compared(recorders, spelling)
    finally:
        for recorder in recorders:
            recorder.close()
    assert not differing, "\n".join(differing)


def compared(recorders: list[Recorder], spelling: str) -> list[str]:
    """Run the script on both; the lines whose effects differ."""
    differing = []
    for text in SCRIPT.splitlines():
        line = text.strip()
        if not line or (line.startswith("#") and line != "# past"):
            continue
        if spelling == "lower":
            line = in_lower_case(line)
        theirs, ours = (recorder.effects(line) for recorder in recorders)
        if theirs != ours:
            differing.append(f"{line}\n   theirs: {theirs}\n   ours:   {ours}")
    return differing


def test_random_members(servers: tuple[Server, Server]) -> None:
    """SPOP names the members that it took."""
    for server in servers:
        recorder = Recorder(server)
        recorder.effects("SADD s 1 2 3 4 5 6")
        one = recorder.client
        popped = one("SPOP", "s")
        assert recorder.effects("EXISTS s") == [b"SREM s " + (popped.text or b"")]
        several = one("SPOP", "s", 3)
        taken = recorder.effects("EXISTS s")
        assert len(taken) == 1
        assert taken[0].split()[:2] == [b"SREM", b"s"]
        assert sorted(taken[0].split()[2:]) == sorted(item.text or b"" for item in several.items)
        recorder.close()


def test_eviction(servers: tuple[Server, Server]) -> None:
    """An evicted key is an effect of its own, before the command that needed room."""
    for server in servers:
        recorder = Recorder(server)
        recorder.effects("SET gone x")
        recorder.client("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "allkeys-lru")
        assert b"UNLINK gone" in recorder.effects("EXISTS gone")
        recorder.client("CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", "noeviction")
        recorder.close()


def test_trimming_by_id(servers: tuple[Server, Server]) -> None:
    """The rewritten MINID differs; the entries do not."""
    assert "replication-minid" in difference_rows()
    left = []
    for server in servers:
        recorder = Recorder(server)
        for line in ("XADD x 1-1 a 1", "XADD x 2-1 a 1", "XADD x MAXLEN = 1 3-1 a 1"):
            recorder.effects(line)
        effects = recorder.effects("XADD x MINID ~ 2-1 4-1 a 1")
        assert [effect.split()[:4] for effect in effects] == [[b"XADD", b"x", b"MINID", b"="]]
        left.append(recorder.client("XRANGE", "x", "-", "+").raw)
        recorder.close()
    assert left[0] == left[1]
