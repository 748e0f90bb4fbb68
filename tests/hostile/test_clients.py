"""Clients that are slow, that stop half-way, that never read, and many of them at once."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Iterator

import pytest
from tests.differential.servers import Server
from tests.differential.wire import Wire, encode
from tests.hostile.conftest import Witness, resident_bytes

FULL = os.environ.get("REDPOLL_PROFILE") == "full"
MIB = 1 << 20


@contextlib.contextmanager
def clients(server: Server, count: int) -> Iterator[list[Wire]]:
    wires: list[Wire] = []
    try:
        for _ in range(count):
            wires.append(Wire(server.port, timeout=20))
        yield wires
    finally:
        for wire in wires:
            wire.close()


def test_requests_that_come_byte_by_byte(server: Server, witness: Witness) -> None:
    """Of several clients in turn, so that each is in the middle of a request while another is served."""
    requests = [
        encode((b"SET", b"slow:%d" % me, b"value \r\n of %d" % me))
        + encode((b"GET", b"slow:%d" % me))
        + b"ECHO 'me %d'\r\n" % me
        for me in range(3)
    ]
    with clients(server, 3) as wires:
        for at in range(max(map(len, requests))):
            for wire, request in zip(wires, requests, strict=True):
                wire.send(request[at : at + 1])
            if at % 16 == 0:
                witness.is_served()
        for me, wire in enumerate(wires):
            assert [b"OK", b"value \r\n of %d" % me, b"me %d" % me] == [wire.read().text for _ in range(3)]


def test_a_client_that_says_no_more_gets_its_answers(server: Server, witness: Witness) -> None:
    with clients(server, 1) as (wire,):
        wire.send(b"".join(encode((b"ECHO", b"%d" % n)) for n in range(2000)) + b"*2\r\n$4\r\nECHO\r\n$100\r\nbut")
        wire.socket.shutdown(socket.SHUT_WR)
        got = wire.read_until_closed()
    assert b"".join(encode((b"%d" % n,))[4:] for n in range(2000)) == got


def test_clients_that_hang_up_in_the_middle(server: Server, witness: Witness) -> None:
    """In a transaction, while they wait, in a bulk, before their answers."""
    asked = (
        encode((b"MULTI",)) + encode((b"SET", b"half", b"done")),
        encode((b"WATCH", b"half")) + encode((b"MULTI",)),
        encode((b"BZPOPMIN", b"never", b"0")) + encode((b"SET", b"half", b"done")),
        b"*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$100000\r\n" + b"x" * 50_000,
        b"*2\r\n$4\r\nECHO\r\n$",
        b"",
    )
    before = connected(witness)
    known = accepted(witness)
    for request in asked * 5:
        with clients(server, 1) as (wire,):
            wire.send(request)
    deadline = time.monotonic() + 20
    # Some have hung up before the server has taken them in: it may do so later.
    while (accepted(witness) < known + 30 or connected(witness) > before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert before == connected(witness)
    assert witness.ask(b"EXISTS", b"half").integer == 0
    assert witness.ask(b"ZADD", b"never", b"1", b"a").integer == 1
    # Whoever waited for it has gone, so nobody took it.
    assert witness.ask(b"EXISTS", b"never").integer == 1


def accepted(witness: Witness) -> int:
    stats = witness.ask(b"INFO", b"stats").text or b""
    return int(stats.partition(b"total_connections_received:")[2].partition(b"\r")[0])


def connected(witness: Witness) -> int:
    return (witness.ask(b"CLIENT", b"LIST").text or b"").count(b"\n")


def test_who_does_not_read_holds_up_nobody(server: Server, witness: Witness) -> None:
    """Ten clients leave the answers to a hundred GETs of 100 KB each, and take them in the end, whole."""
    value = bytes(range(256)) * 400
    witness.ask(b"SET", b"large", value)
    with clients(server, 10) as wires:
        for wire in wires:
            wire.send(encode((b"GET", b"large")) * 100 + encode((b"ECHO", b"the end")))
        for _ in range(20):
            witness.is_served()
        for wire in wires:
            for _ in range(100):
                assert value == wire.read().text
            assert wire.read().text == b"the end"


def test_who_never_reads_is_ended_at_the_limit(server: Server, witness: Witness) -> None:
    limit = b"client-output-buffer-limit"
    assert witness.ask(b"CONFIG", b"SET", limit, b"normal 8mb 0 0").text == b"OK"
    value = b"x" * MIB
    witness.ask(b"SET", b"large", value)
    before = resident_bytes(server)
    assert witness.ask(b"CONFIG", b"RESETSTAT").text == b"OK"
    with clients(server, 5) as wires:
        for wire in wires:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                wire.send(encode((b"GET", b"large")) * 1000)
        # Whoever reads before it is ended gets more.
        while witness.ask(b"INFO", b"stats").text.count(b"client_output_buffer_limit_disconnections:5") == 0:
            witness.is_served()
        assert resident_bytes(server) - before < 100 * MIB
        for wire in wires:
            assert len(wire.read_until_closed()) < 100 * MIB
    assert witness.ask(b"CONFIG", b"SET", limit, b"normal 0 0 0").text == b"OK"


@pytest.mark.parametrize(
    ("idle", "busy", "rounds"),
    [(1000, 50, 10), pytest.param(4000, 200, 50, marks=pytest.mark.slow)],
)  # fmt: skip
def test_many_idle_and_some_busy_clients(server: Server, witness: Witness, idle: int, busy: int, rounds: int) -> None:
    """Every answer goes to who asked; those who said nothing hear nothing, and are there when they speak."""
    with clients(server, idle) as sleepers, clients(server, busy) as workers:
        for number in range(rounds):
            for me, wire in enumerate(workers):
                key = b"busy:%d" % me
                wire.send(
                    encode((b"SET", key, b"%d of %d" % (number, me)))
                    + encode((b"GET", key))
                    + encode((b"ECHO", b"%d/%d" % (me, number)))
                )
            for me, wire in enumerate(workers):
                expected = [b"OK", b"%d of %d" % (number, me), b"%d/%d" % (me, number)]
                assert expected == [wire.read().text for _ in range(3)]
        # Not select.select: it knows no descriptor beyond 1023.
        heard = select.poll()
        for wire in sleepers:
            heard.register(wire.socket, select.POLLIN)
        assert heard.poll(0) == []
        for me, wire in enumerate(sleepers):
            wire.send(encode((b"ECHO", b"sleeper %d" % me)))
        for me, wire in enumerate(sleepers):
            assert b"sleeper %d" % me == wire.read().text
    witness.is_served()


def test_clients_that_come_and_go(server: Server, witness: Witness) -> None:
    for number in range(1000 if FULL else 200):
        with clients(server, 1) as (wire,):
            if number % 3:
                wire.send(encode((b"ECHO", b"%d" % number)))
            if number % 3 == 1:
                assert b"%d" % number == wire.read().text
    witness.is_served()
