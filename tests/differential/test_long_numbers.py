"""Numbers of thousands of digits, which Python refuses to read at once, wherever a number may stand."""

from __future__ import annotations

import pytest
from tests.differential.pair import Pair

NINES = "9" * 5000
ZEROS = "0" * 5000

COMMANDS = """
    CONFIG SET timeout N
    CONFIG SET timeout -N
    CONFIG SET proto-max-bulk-len N
    CONFIG SET proto-max-bulk-len Z5
    CONFIG SET replica-announce-port N
    CONFIG SET latency-tracking-info-percentiles N
    CONFIG SET latency-tracking-info-percentiles 1e400
    CONFIG SET oom-score-adj-values "N 1 1"
    CONFIG SET client-output-buffer-limit "normal N 0 0"
    CONFIG SET client-output-buffer-limit "normal 0 0 N"
    CONFIG SET client-output-buffer-limit "normal 0 0 Z"
    CONFIG SET save "N 1"
    CONFIG SET save "-N 1"
    CONFIG SET save ""
    DEBUG QUICKLIST-PACKED-THRESHOLD N
    DEBUG POPULATE N
    DEBUG REPLYBUFFER PEAK-RESET-TIME N
    CLIENT KILL MAXAGE N
    CLIENT LIST ID N
    CLIENT PAUSE N
    CLIENT UNBLOCK N
    SELECT N
    HELLO N
    SETRANGE k N x
    GETRANGE k N N
    SETBIT k N 1
    BITPOS k N
    BITFIELD k GET uN 0
    BITFIELD k GET u8 #N
    INCRBYFLOAT k N
    INCRBYFLOAT k -N
    INCRBYFLOAT k 1e-N
    INCRBY k N
    EXPIRE k N
    SETEX k N v
    HINCRBYFLOAT h f N
    HEXPIRE h N FIELDS 1 f
    HEXPIRE h 1 FIELDS N f
    ZADD z N a
    ZADD z 0xN a
    ZADD z 1e-N a
    ZRANGE z N N
    ZRANGEBYSCORE z (N +inf
    ZINTERCARD N z
    XADD s N-1 a b
    XADD s 1-N a b
    LPOS l a RANK N
    LMPOP N l LEFT
    BLPOP l N
    SORT l LIMIT N N
    COMMAND GETKEYS LMPOP N a LEFT
    SCAN N
    SCAN 0 COUNT N
    HSCAN h N
    MEMORY USAGE k SAMPLES N
    SLOWLOG GET N
    GEOADD g N N a
    GEOSEARCH g FROMLONLAT 1 1 BYRADIUS N m
    SWAPDB N N
    COPY k k2 DB N
"""


def test_numbers_without_end(pair: Pair) -> None:
    with pair.config("timeout", "0"), pair.config("proto-max-bulk-len", "512mb"):
        pair.play(filled())


def filled() -> str:
    """COMMANDS with the long numbers for the letters that stand for them."""
    lines = []
    for line in COMMANDS.splitlines():
        words = line.split(" ")
        lines.append(
            " ".join(word if word.isupper() and len(word.strip('"-(')) > 2 else spelled(word) for word in words)
        )
    return "\n".join(lines)


def spelled(word: str) -> str:
    return word.replace("N", NINES).replace("Z", ZEROS)


@pytest.mark.parametrize("digits", [126, 127, 128])
def test_a_memory_value_has_up_to_127_digits(pair: Pair, digits: int) -> None:
    with pair.config("proto-max-bulk-len", "512mb"):
        pair.do("CONFIG", "SET", "proto-max-bulk-len", "1048576".rjust(digits, "0"))
        pair.do("CONFIG", "GET", "proto-max-bulk-len")
