"""No sequence of bytes stops the server, or shows one client what belongs to another."""

from __future__ import annotations

import random
import socket
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.differential.servers import Server
from tests.differential.wire import ConnectionClosedError, Wire, encode
from tests.hostile.conftest import Witness, resident_bytes

# The server and the witness serve all examples: what one leaves behind is part of the next.
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)

REQUESTS = [
    encode(tuple(line.split()))
    for line in (
        "PING", "ECHO hello", "SET k value", "GET k", "SET n 41", "INCR n", "APPEND k more", "SETRANGE k 3000 x",
        "SETBIT bits 70000 1", "BITCOUNT bits", "BITFIELD bits SET u8 #9 7 INCRBY i64 3 -1", "HSET h f v g w", "HGETALL h",
        "ZADD z 1 a 2 b", "ZRANGE z 0 -1 WITHSCORES", "MULTI", "EXEC", "DISCARD", "WATCH k n", "UNWATCH", "DEL k h z",
        "HELLO 3", "HELLO 2", "CLIENT ID", "CLIENT LIST", "COMMAND INFO get set", "CONFIG GET maxmem*", "SCAN 0", "INFO",
        "TYPE k", "EXPIRE k 100", "PEXPIRE n 1", "TTL k", "SELECT 3", "LCS k n", "MSET a 1 b 2", "MGET a b c", "RESET",
        "NOSUCH command", "GET", "BZPOPMIN none 0.01",
    )
] + [b"PING\r\n", b'SET k "quoted \\x00 word"\r\n', b"\r\n", b"*0\r\n", b"*-1\r\n"]  # fmt: skip

NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"3",
    b"10",
    b"999999",
    b"2147483647",
    b"536870912",
    b"9223372036854775808",
    b"",
    b"x",
    b"01",
)
SIGNS = (
    b"*",
    b"$",
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b"*3\r\n",
    b"$3\r\n",
    b'"',
    b"'",
    b"\\",
    b" ",
    b"\xff\xfe",
    b"A" * 70000,
)


def mutated(request: bytes, draw: random.Random) -> bytes:
    """The bytes with something cut, doubled, put in or made another number."""
    at = draw.randrange(len(request) + 1)
    to = min(len(request), at + draw.choice((0, 1, 2, 4, 30)))
    how = draw.randrange(6)
    if how == 0:
        return request[:at] + request[to:]
    if how == 1:
        return request[:to] + request[at:]
    if how == 2:
        return request[:at] + draw.choice(SIGNS) + request[to:]
    if how == 3:
        return request[:at] + draw.randbytes(to - at) + request[to:]
    if how == 4:
        return request[:at]
    number = next((n for n in range(at, len(request)) if request[n : n + 1].isdigit()), None)
    return request if number is None else request[:number] + draw.choice(NUMBERS) + request[number + 1 :]


def pieces(data: bytes, draw: random.Random) -> list[bytes]:
    """The bytes cut at a few places."""
    cuts = sorted({draw.randrange(len(data) + 1) for _ in range(draw.choice((0, 1, 3, 8)))} | {0, len(data)})
    return [data[start:stop] for start, stop in pairwise(cuts)]


def answers(wire: Wire) -> bytes:
    """All that the server answers to a client that says no more; whole replies, unless the server was the first to go."""
    try:
        wire.socket.shutdown(socket.SHUT_WR)
    except OSError:
        # The server has closed, and the system noticed: some of the answers may be lost.
        return bytes(wire.buffer)
    got = b""
    try:
        while True:
            got += wire.read().raw
    except ConnectionClosedError as end:
        assert end.rest == b"", f"a reply breaks off: {end.rest[-200:]!r}"
    except ConnectionResetError:
        pass
    return got


def attack(server: Server, parts: list[bytes]) -> bytes:
    """Send the parts on a connection of their own; all that was answered."""
    wire = Wire(server.port)
    try:
        for part in parts:
            wire.send(part)
    except (BrokenPipeError, ConnectionResetError):
        pass
    try:
        got = answers(wire)
    finally:
        wire.close()
    assert b"internal error" not in got
    return got


@shared
@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5))
def test_any_bytes(server: Server, witness: Witness, parts: list[bytes]) -> None:
    assert witness.secret not in attack(server, parts)
    witness.is_served()


@settings(shared, max_examples=settings.default.max_examples * 4)
@given(st.integers(0, 1 << 32))
def test_requests_that_are_nearly_right(server: Server, witness: Witness, seed: int) -> None:
    draw = random.Random(seed)
    stream = [draw.choice(REQUESTS) for _ in range(draw.randrange(1, 12))]
    for _ in range(draw.randrange(1, 4)):
        at = draw.randrange(len(stream))
        stream[at] = mutated(stream[at], draw)
    got = attack(server, pieces(b"".join(stream), draw))
    assert witness.secret not in got
    witness.is_served()


@shared
@given(st.integers(0, 1 << 32))
def test_pipelines_that_break_off(server: Server, witness: Witness, seed: int) -> None:
    """All that came whole is answered, in order, and nothing of what did not."""
    draw = random.Random(seed)
    count = draw.randrange(1, 40)
    whole = b"".join(encode((b"ECHO", b"answer %d" % n)) for n in range(count))
    broken = encode((b"SET", b"broken", b"x" * draw.choice((1, 100, 100_000))))
    parts = pieces(whole + broken[: draw.randrange(len(broken))], draw)
    expected = b"".join(encode((b"answer %d" % n,))[4:] for n in range(count))
    assert expected == attack(server, parts)
    assert witness.ask(b"EXISTS", b"broken").integer == 0


@pytest.mark.parametrize("waits", [b"BZPOPMIN none 0.02\r\n", b"BZPOPMIN none 0.02\r\nPING\r\n"])
def test_an_error_behind_a_command_that_waits(server: Server, witness: Witness, waits: bytes) -> None:
    wire = Wire(server.port)
    try:
        wire.send(waits + b"*x\r\n")
        witness.is_served()
        pong = b"+PONG\r\n" * waits.count(b"PING")
        assert b"*-1\r\n" + pong + b"-ERR Protocol error: invalid multibulk length\r\n" == wire.read_until_closed()
    finally:
        wire.close()


@shared
@given(st.integers(0, 1 << 32))
def test_clients_by_turns(server: Server, witness: Witness, seed: int) -> None:
    """Each gets the answers to its own requests, however the pieces of all of them fall between each other."""
    draw = random.Random(seed)
    wires = [Wire(server.port) for _ in range(draw.randrange(2, 7))]
    expected: list[list[bytes]] = []
    waiting: list[list[bytes]] = []
    for me in range(len(wires)):
        asked, told = script(me, draw)
        expected.append(told)
        waiting.append(pieces(asked, draw))
    try:
        while any(waiting):
            me = draw.randrange(len(wires))
            if waiting[me]:
                wires[me].send(waiting[me].pop(0))
        if draw.random() < 0.3:
            wires.pop(0).close()
            expected.pop(0)
        for wire, told in zip(wires, expected, strict=True):
            assert told == [wire.read().text for _ in told]
            assert not wire.buffer
    finally:
        for wire in wires:
            wire.close()
    witness.is_served()


def script(me: int, draw: random.Random) -> tuple[bytes, list[bytes]]:
    """What client number `me` sends, and the texts it is to get."""
    key = b"own:%d" % me
    held = b"at first"
    asked = [encode((b"SET", key, b"at first"))]
    told: list[bytes] = [b"OK"]
    for n in range(draw.randrange(1, 20)):
        marker = b"%d says %d" % (me, n)
        how = draw.randrange(4)
        if how == 0:
            held = marker * draw.choice((1, 10, 3000))
            asked.append(encode((b"SET", key, held)))
            told.append(b"OK")
        elif how == 1:
            asked.append(encode((b"GET", key)))
            told.append(held)
        elif how == 2:
            asked.append(encode((b"ECHO", marker)))
            told.append(marker)
        else:
            asked += [encode((b"MULTI",)), encode((b"ECHO", marker)), encode((b"DISCARD",))]
            told += [b"OK", b"QUEUED", b"OK"]
    return b"".join(asked), told


@pytest.mark.parametrize(
    "announced",
    [b"*2147483647\r\n", b"*2\r\n$3\r\nGET\r\n$536870912\r\n", b"*1000000\r\n$536870912\r\nabc", b"*2147483647\r\n$1\r\na\r\n"],
)  # fmt: skip
def test_what_is_announced_takes_no_memory_before_it_comes(server: Server, witness: Witness, announced: bytes) -> None:
    before = resident_bytes(server)
    wires = [Wire(server.port) for _ in range(100)]
    try:
        for wire in wires:
            wire.send(announced)
        witness.is_served()
        assert resident_bytes(server) - before < 50_000_000
    finally:
        for wire in wires:
            wire.close()
