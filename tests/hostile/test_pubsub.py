"""Subscribers that do not read, that hang up, that are ten thousand; publishers that do not stop."""

from __future__ import annotations

import resource
import select
import time

from tests.differential.servers import Server
from tests.differential.wire import ConnectionClosedError, Wire, encode
from tests.hostile.conftest import Witness, resident_bytes
from tests.hostile.test_clients import FULL, MIB, clients, connected

CROWD = 10_000 if FULL else 1_000
LIMIT = b"client-output-buffer-limit"


def crowd() -> int:
    """How many clients this process may have at once."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return min(CROWD, most - 200)


def subscribe(wires: list[Wire], *names: bytes) -> None:
    for wire in wires:
        wire.send(encode((b"SUBSCRIBE", *names)))
    for wire in wires:
        for _ in names:
            wire.read()


def test_a_message_to_a_crowd_reaches_everybody_while_others_are_served(server: Server, witness: Witness) -> None:
    count = crowd()
    if count > 9_000:
        # More than the default allows.
        assert witness.ask(b"CONFIG", b"SET", b"maxclients", b"%d" % (count + 100)).text == b"OK"
    with clients(server, count) as wires, clients(server, 1) as (publisher,):
        subscribe(wires, b"news")
        for size in (10, 100_000):
            publisher.send(encode((b"PUBLISH", b"news", b"x" * size)))
            assert publisher.read().integer == count
            witness.is_served()
            for wire in wires:
                assert wire.read().items[2].text == b"x" * size
        # Half of them go; the others stay subscribed, and nobody gets a byte too many.
        for wire in wires[: count // 2]:
            wire.close()
        deadline = time.monotonic() + 20
        while witness.ask(b"PUBSUB", b"NUMSUB", b"news").items[1].integer > count - count // 2:
            assert time.monotonic() < deadline
        publisher.send(encode((b"PUBLISH", b"news", b"last")))
        assert publisher.read().integer == count - count // 2
        for wire in wires[count // 2 :]:
            assert wire.read().items[2].text == b"last"
            assert not wire.buffer


def test_a_publisher_that_does_not_wait_keeps_nobody_up(server: Server, witness: Witness) -> None:
    """Its own replies and all messages come, in order."""
    with clients(server, 300) as wires, clients(server, 1) as (publisher,):
        subscribe(wires, b"flood")
        publisher.send(b"".join(encode((b"PUBLISH", b"flood", b"%d" % n)) for n in range(500)))
        witness.is_served()
        assert [publisher.read().integer for _ in range(500)] == [300] * 500
        for wire in wires:
            assert [wire.read().items[2].text for _ in range(500)] == [b"%d" % n for n in range(500)]


def test_a_publisher_that_hangs_up_has_published(server: Server, witness: Witness) -> None:
    with clients(server, 50) as wires:
        subscribe(wires, b"last words")
        with clients(server, 1) as (publisher,):
            publisher.send(b"".join(encode((b"PUBLISH", b"last words", b"%d" % n)) for n in range(200)))
        assert wires[0].read().items[2].text == b"0"
        witness.is_served()


def test_who_does_not_read_is_closed_and_the_others_get_everything(server: Server, witness: Witness) -> None:
    witness.ask(b"CONFIG", b"SET", LIMIT, b"pubsub 4mb 0 0")
    try:
        with clients(server, 4) as wires, clients(server, 1) as (publisher,):
            subscribe(wires, b"much")
            before = resident_bytes(server)
            payload = b"y" * 100_000
            rounds = 0
            receivers = 4
            while receivers == 4 and rounds < 1000:
                publisher.send(encode((b"PUBLISH", b"much", payload)))
                receivers = publisher.read().integer
                rounds += 1
                for wire in wires[1:]:
                    assert wire.read().items[2].text == payload
            assert receivers == 3
            witness.is_served()
            assert resident_bytes(server) - before < 40 * MIB
            # What it could have read of it ends in the middle of a message.
            try:
                while True:
                    wires[0].read()
            except (ConnectionClosedError, ConnectionResetError):
                pass
    finally:
        witness.ask(b"CONFIG", b"SET", LIMIT, b"pubsub 32mb 8mb 60")


def test_a_client_of_many_subscriptions_leaves_nothing(server: Server, witness: Witness) -> None:
    before = connected(witness)
    names = [b"channel:%d" % n for n in range(20_000)]
    for how in (b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE"):
        with clients(server, 1) as (wire,):
            wire.send(encode((how, *names)))
            for _ in names:
                wire.read()
        deadline = time.monotonic() + 20
        while connected(witness) > before:
            assert time.monotonic() < deadline
    assert witness.ask(b"PUBSUB", b"CHANNELS").items == ()
    assert witness.ask(b"PUBSUB", b"NUMPAT").integer == 0
    assert witness.ask(b"PUBSUB", b"SHARDCHANNELS").items == ()


def test_patterns_that_would_run_away_do_not(server: Server, witness: Witness) -> None:
    with clients(server, 1) as (wire,):
        wire.send(encode((b"PSUBSCRIBE", b"*a" * 200 + b"b")))
        wire.read()
        assert witness.ask(b"PUBLISH", b"a" * 5000, b"x").integer == 0
        assert select.select([wire.socket], [], [], 0)[0] == []
