"""Keyspace events: which are sent for which letters, and that nothing is told while none are wanted."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Client, Machine

from redpoll.keyspace.moment import NOTIFIED


@pytest.fixture
def machine() -> Machine:
    return Machine()


def listener(machine: Machine, pattern: str = "__key*") -> Client:
    client = machine.client()
    client.do(f"PSUBSCRIBE {pattern}")
    return client


def heard(client: Client) -> list[str]:
    """Channel and payload of each message."""
    found = []
    for message in client.told.taken():
        channel, payload = message.items[2:]
        assert isinstance(channel, bytes) and isinstance(payload, bytes)
        found.append(f"{channel.decode()} {payload.decode()}")
    return found


def test_an_event_goes_to_the_keys_channel_and_then_to_its_own(machine: Machine) -> None:
    client = listener(machine)
    machine.do("CONFIG", "SET", "notify-keyspace-events", "KEA")
    machine.do("SELECT", 3)
    machine.do("SET", "k", "v", "EX", "100")
    assert heard(client) == [
        "__keyspace@3__:k set", "__keyevent@3__:set k", "__keyspace@3__:k expire", "__keyevent@3__:expire k",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("K$", ["__keyspace@0__:k set"]),
        ("E$", ["__keyevent@0__:set k"]),
        ("Kg", ["__keyspace@0__:k del"]),
        ("Km", ["__keyspace@0__:k keymiss"]),
        ("Kn", ["__keyspace@0__:k new"]),
        ("KA", ["__keyspace@0__:k set", "__keyspace@0__:k del"]),
        ("A", []),
        ("KE", []),
        ("Kh", []),
    ],
)
def test_the_letters_choose(machine: Machine, letters: str, expected: list[str]) -> None:
    client = listener(machine)
    machine.do("CONFIG", "SET", "notify-keyspace-events", letters)
    for line in ("GET k", "SET k v", "DEL k"):
        machine.do(*line.split())
    assert heard(client) == expected


def test_the_bit_is_on_only_while_events_can_be_sent(machine: Machine) -> None:
    for letters, on in (("KEA", True), ("KE", False), ("Km", True), ("A", False), ("", False)):
        machine.do("CONFIG", "SET", "notify-keyspace-events", letters)
        assert (machine.engine.moment.interest & NOTIFIED != 0) == on, letters


def test_a_missed_or_new_key_breaks_no_transaction(machine: Machine) -> None:
    machine.do("CONFIG", "SET", "notify-keyspace-events", "KEAmn")
    client = machine.client()
    client.do("WATCH k")
    machine.do("GET", "k")
    assert client.play("MULTI", "PING", "EXEC") is not None
    assert not client.session.watch_broken


def test_expired_keys_are_told_by_the_tick(machine: Machine) -> None:
    client = listener(machine)
    machine.do("CONFIG", "SET", "notify-keyspace-events", "Ex")
    machine.do("SET", "k", "v", "PX", "50")
    machine.clock.advance_ms(49)
    machine.engine.tick()
    assert heard(client) == []
    machine.clock.advance_ms(1)
    machine.engine.tick()
    assert heard(client) == ["__keyevent@0__:expired k"]
