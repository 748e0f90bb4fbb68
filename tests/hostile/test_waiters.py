"""Clients that are killed while they wait, thousands that wait at once, and a pipeline of a million commands."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from tests.differential.servers import ROOT, Server
from tests.differential.wire import Wire, encode
from tests.hostile.conftest import Witness
from tests.hostile.test_clients import clients
from tests.process.running import until

WAITING = """
import socket, sys, time
from tests.differential.wire import encode
sockets = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
for n, each in enumerate(sockets):
    each.sendall(encode(("BLMOVE", "jobs", "done", "LEFT", "RIGHT", 0) if n % 3 else ("BLPOP", "nothing", "jobs", 0)))
print("they wait", flush=True)
time.sleep(600)
"""


def count_of(witness: Witness, field: bytes) -> int:
    info = witness.ask(b"INFO", b"clients").text or b""
    return int(info.partition(field + b":")[2].split()[0])


def waiting_process(server: Server, count: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, str(server.port), str(count)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"they wait\n"
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """As `kill -9` does."""
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def test_nothing_goes_to_who_was_killed_while_it_waited(server: Server, witness: Witness) -> None:
    before = count_of(witness, b"connected_clients")
    processes = [waiting_process(server, 60) for _ in range(3)]
    try:
        until(lambda: count_of(witness, b"blocked_clients") == 180, "all wait")
        for process in processes[:2]:
            end(process)
        until(lambda: count_of(witness, b"blocked_clients") == 60, "the dead are forgotten")
        # Of each three of those who live, in their order, the first pops and the others move.
        witness.ask(b"RPUSH", b"jobs", *(b"%d" % n for n in range(30)))
        until(lambda: count_of(witness, b"blocked_clients") == 30, "some are served")
        assert witness.ask(b"LLEN", b"jobs").integer == 0
        done = [item.text for item in witness.ask(b"LRANGE", b"done", b"0", b"-1").items]
        assert done == [b"%d" % n for n in range(30) if n % 3]
    finally:
        for process in processes:
            end(process)
    until(lambda: count_of(witness, b"connected_clients") == before, "all are forgotten")
    witness.ask(b"DEL", b"jobs", b"done")
    witness.is_served()


@pytest.mark.slow
def test_eight_thousand_clients_of_which_half_wait(server: Server, witness: Witness) -> None:
    with clients(server, 8000) as wires:
        for n, wire in enumerate(wires):
            wire.send(encode(("BLPOP", f"queue:{n % 10}", 0)) if n % 2 else encode(("ECHO", n)))
        for n, wire in enumerate(wires):
            if n % 2 == 0:
                assert wire.read().text == b"%d" % n
        until(lambda: count_of(witness, b"blocked_clients") == 4000, "half of them wait")
        for n in range(10):
            witness.ask(b"RPUSH", b"queue:%d" % n, *(b"%d" % item for item in range(800)))
        for n, wire in enumerate(wires):
            if n % 2:
                assert [item.text for item in wire.read().items] == [b"queue:%d" % (n % 10), b"%d" % (n // 10)]
        assert witness.ask(b"LLEN", b"queue:1").integer == 0
        assert witness.ask(b"LLEN", b"queue:2").integer == 800
    until(lambda: count_of(witness, b"blocked_clients") == 0, "they have gone")
    witness.ask(b"DEL", *(b"queue:%d" % n for n in range(10)))
    witness.is_served()


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_pipeline_as_long_as_one_likes(server: Server, witness: Witness, count: int) -> None:
    """All of it is sent by one who reads meanwhile, and others are served in between."""
    witness.ask(b"DEL", b"counter")
    wire = Wire(server.port, timeout=60)
    sender = threading.Thread(target=wire.send, args=(encode(("INCR", "counter")) * count,))
    sender.start()
    try:
        got = 0
        turn = 0
        while got < count:
            got += wire.socket.recv(1 << 20).count(b"\n")
            turn += 1
            if turn % 20 == 0:
                witness.is_served()
    finally:
        sender.join()
        wire.close()
    assert witness.ask(b"GET", b"counter").text == b"%d" % count
    witness.ask(b"DEL", b"counter")
