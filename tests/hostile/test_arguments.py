"""Whatever stands behind the name of a command, it answers, and the server goes on.

Numbers at the ends of what 32 and 64 bits hold are where compiled code differs from Python, so they are drawn most.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.differential.catalogue import entries
from tests.differential.servers import Server
from tests.differential.wire import Wire, encode
from tests.hostile.conftest import Witness
from tests.hostile.test_bytes import attack

# What does to the server or to others what it is there for, or answers not at all.
LEFT_OUT = {
    "shutdown", "debug", "quit", "client|kill", "client|pause", "client|reply", "client|unblock", "config|set", "config|rewrite", "monitor",
    "failover", "replicaof", "slaveof", "psync", "sync", "flushall", "flushdb", "swapdb",
}  # fmt: skip

EDGES = [
    edge + near
    for edge in (0, 2**31, 2**32, 2**62, 2**63, 2**64, -(2**31), -(2**62), -(2**63), 2**29, 512 * 2**20 * 8)
    for near in (-1, 0, 1)
]
# Behind these a string would become large, and every example slow; larger ones are refused, smaller ones are cheap.
WORDS = [b"%d" % edge for edge in EDGES if not 2**24 < edge < 2**33] + [
    b"", b"k", b"n", b"h", b"z", b"bits", b"a", b"*", b"-", b"+", b"(1", b"[a", b"1.5", b"inf", b"-inf", b"nan", b"1e308", b"-1e-320",
    b"\x00", b"\xff\r\n", b"x" * 300, b"u8", b"i64", b"u63", b"#1", b"EX", b"PX", b"PXAT", b"EXAT", b"NX", b"XX", b"GT", b"LT", b"CH",
    b"INCR", b"GET", b"SET", b"INCRBY", b"OVERFLOW", b"SAT", b"FAIL", b"BYTE", b"BIT", b"AND", b"NOT", b"LIMIT", b"BYSCORE",
    b"BYLEX", b"REV", b"WITHSCORES", b"COUNT", b"MATCH", b"TYPE", b"IDX", b"LEN", b"MINMATCHLEN", b"KEEPTTL", b"IFEQ", b"FREQ",
]  # fmt: skip

PREPARED = b"".join(
    encode(tuple(line.split()))
    for line in ("SELECT 1", "FLUSHDB", "SET k value", "SET n 9223372036854775806", "SET bits abcdefgh", "HSET h f 1 g 2", "ZADD z 1 a 2 b")
)  # fmt: skip


@pytest.fixture(scope="module")
def names(server: Server) -> list[bytes]:
    """The commands and subcommands that the server has, but for those left out."""
    wire = Wire(server.port)
    try:
        return [entry.name.encode() for entry in entries(wire) if entry.name not in LEFT_OUT and not entry.subcommands]
    finally:
        wire.close()


@settings(
    max_examples=settings.default.max_examples * 4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.integers(0, 1 << 32))
def test_any_arguments(server: Server, witness: Witness, names: list[bytes], seed: int) -> None:
    draw = random.Random(seed)
    asked = []
    for _ in range(10):
        name = draw.choice(names).split(b"|")
        asked.append(encode((*name, *(draw.choice(WORDS) for _ in range(draw.choice((1, 2, 3, 3, 4, 5, 7)))))))
    got = attack(server, [PREPARED, *asked])
    assert got.startswith(b"+OK\r\n")
    witness.is_served()
