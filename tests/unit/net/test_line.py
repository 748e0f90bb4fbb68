"""A connection as its session sees it: a publisher gives way to those that its messages go to."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from tests.unit.net.bench import Bench, request

from redpoll.net.line import MOST_SPREAD

PATTERNS = 64
"""Subscriptions that each message fits."""


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_a_publisher_waits_until_many_messages_are_sent(bench: Bench) -> None:
    listener, publisher = bench.connect(), bench.connect()
    listener.send("PSUBSCRIBE", *("*" * n for n in range(1, PATTERNS + 1)))
    bench.until(lambda: bench.engine.pubsub.clients == 1)
    before = bench.engine.traffic.commands
    turn = MOST_SPREAD // PATTERNS
    count = 2 * turn + 10
    publisher.send_bytes(request("PUBLISH", "ch", "x") * count + request("PING"))
    done = [0]

    def run() -> bool:
        now = bench.engine.traffic.commands - before
        if now != done[-1]:
            done.append(now)
        return now == count + 1

    bench.until(run)
    assert done == [0, turn, 2 * turn, count + 1]
    publisher.reads(b":%d\r\n" % PATTERNS * count + b"+PONG\r\n")
    bench.until(lambda: listener.take() and listener.got.count(b"pmessage") == PATTERNS * count)


def test_packets_may_be_filled(bench: Bench) -> None:
    client, server = bench.pair()
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bench.clients.accepted(server)
    (connection,) = bench.clients.open.values()
    connection.line.fill_packets()
    assert server.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0
    client.close()
