"""Every place where a command reads a number meets the ends of every width, and what only looks like a number."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.differential.pair import Comparison, NoAnswerError, Pair, exact, words_of
from tests.differential.wire import Reply, Word

ENDS = [
    end
    for power in (8, 16, 31, 32, 53, 62, 63, 64)
    for near in ((1 << power) - 1, 1 << power, (1 << power) + 1)
    for end in (str(near), str(-near))
]
ODD = (
    "", "0", "1", "-1", "2", "3", "16", "-0", "+1", "01", " 1", "1 ", "1.0", "1e3", "0x10", "x", "1\0", "\0", "-1\0x",
    "9" * 30, "inf", "nan",
)  # fmt: skip
NUMBERS = [*ENDS, *ODD]

SETUP = """
    FLUSHDB
    SET s 12345678
    SET n 5
    HSET h f 1 g 2
    ZADD z 1 a 2 b 3 c
"""

PLACES = """
    EXPIRE s #
    EXPIRE s # NX
    PEXPIRE s #
    EXPIREAT s #
    PEXPIREAT s #
    EXPIRE s # GT
    SET s v EX #
    SET s v PX #
    SET s v EXAT #
    SET s v PXAT #
    GETEX s EX #
    GETEX s PX #
    GETEX s EXAT #
    GETEX s PXAT #
    SETEX s # v
    PSETEX s # v
    MSETEX # s v
    MSETEX 1 s v EX #
    MSETEX 1 s v PX #
    MSETEX 1 s v EXAT #
    MSETEX 1 s v PXAT #
    INCRBY n #
    DECRBY n #
    INCRBYFLOAT n #
    INCRBY nosuch #
    DECRBY nosuch #
    INCRBYFLOAT nosuch #
    GETRANGE s # 3
    GETRANGE s 1 #
    SUBSTR s # -1
    SUBSTR s 0 #
    SETRANGE s # x
    SETRANGE nosuch # ""
    LCS s n LEN MINMATCHLEN #
    LCS s n IDX MINMATCHLEN #
    SETBIT s # 1
    SETBIT s 1 #
    GETBIT s #
    BITCOUNT s # -1
    BITCOUNT s 0 #
    BITCOUNT s # -1 BIT
    BITCOUNT s 0 # BIT
    BITCOUNT s #
    BITPOS s #
    BITPOS s 1 #
    BITPOS s 0 0 #
    BITPOS s 1 # -1 BIT
    BITPOS s 1 0 # BIT
    BITFIELD s GET u8 #
    BITFIELD s GET u8 ##
    BITFIELD s SET u8 0 #
    BITFIELD s SET i64 0 #
    BITFIELD s INCRBY u8 0 #
    BITFIELD s OVERFLOW SAT INCRBY i64 0 #
    BITFIELD s OVERFLOW FAIL INCRBY i64 0 #
    BITFIELD s SET u8 # 1
    BITFIELD s GET u# 0
    BITFIELD s GET i# 0
    BITFIELD_RO s GET u8 #
    ZADD z # x
    ZADD z INCR # a
    ZRANGE z # -1
    ZRANGE z 0 #
    ZRANGE z # 1 REV
    ZRANGE z # inf BYSCORE
    ZRANGE z -inf # BYSCORE
    ZRANGE z -inf inf BYSCORE LIMIT # 2
    ZRANGE z -inf inf BYSCORE LIMIT 0 #
    ZRANGE z - + BYLEX LIMIT 0 #
    ZRANGE z - + BYLEX LIMIT # -1
    BZPOPMIN z #
    SCAN #
    SCAN 0 COUNT #
    SELECT # // SELECT 0
    SWAPDB # 0 // SWAPDB 0 0
    SWAPDB 0 #
    MOVE s #
    COPY s t DB #
    COPY s s DB #
    MEMORY USAGE s SAMPLES #
    HELLO #
    WAIT # 1
    WAIT 0 #
    WAITAOF # 0 1
    WAITAOF 0 # 1
    WAITAOF 0 0 #
    FAILOVER TO h #
    FAILOVER TIMEOUT #
    SLOWLOG GET #
    COMMANDLOG GET # SLOW
    COMMANDLOG GET # LARGE-REPLY
    CLIENT UNBLOCK #
    CLIENT LIST ID #
    CLIENT LIST ID 1 #
    CLIENT LIST NOT-ID #
    CLIENT LIST DB #
    CLIENT LIST NOT-DB #
    CLIENT LIST MAXAGE #
    CLIENT LIST IDLE #
    CLIENT LIST NOT-MAXAGE #
    CLIENT LIST NOT-IDLE #
    CLIENT KILL ID #
    CLIENT KILL ID 1 #
    CLIENT KILL DB # SKIPME yes
    CLIENT KILL NOT-DB # SKIPME yes
    CLIENT KILL MAXAGE # SKIPME yes
    CLIENT KILL IDLE # SKIPME yes
    CLIENT KILL NOT-ID # SKIPME yes
    DEBUG HTSTATS #
    DEBUG PROTECT-CLIENT #
    DEBUG SET-ACTIVE-EXPIRE # // DEBUG SET-ACTIVE-EXPIRE 1
    LATENCY HISTORY #
    CLUSTERSCAN # COUNT 5
    CLUSTERSCAN 0 SLOT #
    CLUSTERSCAN 0 COUNT #
    MULTI // CLIENT PAUSE # // CLIENT UNPAUSE // EXEC
    MULTI // CLIENT PAUSE # WRITE // CLIENT UNPAUSE // EXEC
"""
"""`#` stands for the number.  Behind `//` come further commands of the same connection."""

AS_SHAPES = ("SCAN", "HELLO", "MEMORY", "SLOWLOG", "COMMANDLOG")
"""Their replies tell of the server or of the time: errors are compared exactly, and else the types."""


def comparison(name: str) -> Comparison:
    if name.endswith(("MAXAGE", "IDLE")) or name.startswith(("DEBUG HTSTATS", *AS_SHAPES)):
        return same_type
    return same_number_of_lines if name.startswith("CLIENT LIST") else exact


def same_type(theirs: Reply, ours: Reply) -> bool:
    return theirs.raw == ours.raw if theirs.is_error else theirs.kind == ours.kind


def same_number_of_lines(theirs: Reply, ours: Reply) -> bool:
    """The clients that a filter leaves; they have names and ages of their own."""
    return same_type(theirs, ours) and theirs.raw.count(b"\n") == ours.raw.count(b"\n")


def filled(line: str, number: str) -> Iterator[tuple[Word, ...]]:
    for command in line.split(" // "):
        yield tuple(word.replace("#", number) if isinstance(word, str) else word for word in words_of(command))


@pytest.mark.parametrize("line", [line.strip() for line in PLACES.splitlines() if line.strip()])
def test_every_number(pair: Pair, line: str) -> None:
    alike = comparison(" ".join(line.split()[:3]))
    failures = []
    with pair.config("proto-max-bulk-len", "1048576"), pair.config("slowlog-log-slower-than", "-1"):
        for number in NUMBERS:
            pair.play(SETUP)
            for words in filled(line, number):
                try:
                    pair.compare(alike, *words)
                except NoAnswerError:
                    raise
                except AssertionError as failure:
                    failures.append(str(failure))
    assert not failures, "\n".join(failures)
