"""Subscriptions against a model of sets, and what each session is sent."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.profiles import scaled
from tests.unit.engine.machine import Client, Machine

from redpoll.engine.gates import GATE_SUBSCRIBED
from redpoll.engine.session import Session
from redpoll.engine.settings import NORMAL, PUBSUB
from redpoll.keyspace.glob import Glob
from redpoll.protocol.encode import wire_of
from redpoll.protocol.reply import Error, Push, Sequence


def items(reply: object) -> list[object]:
    """The pushes of a reply."""
    assert isinstance(reply, Sequence)
    return [push.items for push in reply.replies if isinstance(push, Push)]


def messages(client: Client) -> list[list[object]]:
    return [message.items for message in client.told.taken()]


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_message_goes_to_channels_then_patterns_and_counts_each(machine: Machine) -> None:
    both, other = machine.client(), machine.client()
    both.play("PSUBSCRIBE ch*", "SUBSCRIBE ch")
    other.play("SUBSCRIBE other")
    assert machine.do("PUBLISH", "ch", "x") == 2
    assert messages(both) == [[b"message", b"ch", b"x"], [b"pmessage", b"ch*", b"ch", b"x"]]
    assert messages(other) == []


def test_all_subscribers_share_one_message_and_its_bytes(machine: Machine) -> None:
    first, second = machine.client(), machine.client()
    first.do("SUBSCRIBE ch")
    second.do("SUBSCRIBE ch")
    machine.do("PUBLISH", "ch", "x")
    (one,), (two,) = first.told.taken(), second.told.taken()
    assert one is two
    assert wire_of(one, 2) == b"*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$1\r\nx\r\n"
    assert wire_of(one, 2) is wire_of(one, 2)
    assert wire_of(one, 3) == b">" + wire_of(one, 2)[1:]
    assert wire_of(one, 3) is wire_of(one, 3)


def test_shard_channels_are_a_name_space_of_their_own(machine: Machine) -> None:
    client = machine.client()
    assert items(client.play("SUBSCRIBE a", "PSUBSCRIBE *", "SSUBSCRIBE a b")) == [
        [b"ssubscribe", b"a", 1], [b"ssubscribe", b"b", 2],
    ]  # fmt: skip
    assert machine.do("SPUBLISH", "a", "x") == 1
    assert messages(client) == [[b"smessage", b"a", b"x"]]


def test_subscribed_mode_is_for_resp2_and_ends_with_the_last_subscription(machine: Machine) -> None:
    client = machine.client()
    client.do("SUBSCRIBE a")
    assert isinstance(client.do("GET k"), Error)
    assert client.do("PING") == [b"pong", b""]
    assert client.do("PING x") == [b"pong", b"x"]
    assert (client.session.output_class(), client.session.may_be_idle()) == (PUBSUB, False)
    assert client.session.flags() == b"P"
    client.do("UNSUBSCRIBE")
    assert client.do("GET k") is None
    assert (client.session.output_class(), client.session.may_be_idle()) == (NORMAL, True)
    client.play("HELLO 3", "SUBSCRIBE a")
    assert client.do("GET k") is None
    client.do("HELLO 2")
    assert client.session.gates & GATE_SUBSCRIBED != 0


def test_reset_and_the_end_of_a_session_leave_everything(machine: Machine) -> None:
    pubsub = machine.engine.pubsub
    for leave in ("RESET", ""):
        client = machine.client()
        client.play("SUBSCRIBE a b", "PSUBSCRIBE c", "SSUBSCRIBE d")
        held = pubsub.size_bytes()
        assert held > 0
        if leave:
            client.do(leave)
        else:
            machine.engine.close_session(client.session)
        pubsub.check()
        assert (pubsub.clients, pubsub.size_bytes()) == (0, 0)


def test_used_memory_counts_subscriptions(machine: Machine) -> None:
    before = machine.engine.used_memory()
    for word in ("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"):
        before = machine.engine.used_memory()
        machine.client().do(f"{word} " + "n" * 1000)
        assert machine.engine.used_memory() - before > 1000, word


def test_callers_without_a_connection_may_not_subscribe(machine: Machine) -> None:
    machine.session.may_block = False
    for name in ("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"):
        reply = machine.do(name, "a")
        assert isinstance(reply, Error)
        assert reply.text == f"ERR {name} isn't allowed for a DENY BLOCKING client".encode()


def test_publishers_say_how_much_they_spread(machine: Machine) -> None:
    publisher, listener = machine.client(), machine.client()
    listener.play("SUBSCRIBE a", "SSUBSCRIBE a")
    publisher.do("PUBLISH a x")
    publisher.do("PUBLISH nobody x")
    publisher.do("SPUBLISH a " + "x" * 40960)
    assert publisher.told.spreads == [1, 11]


NAMES = [b"a", b"ab", b"b", b"", b"*"]
PATTERNS = [b"a*", b"*", b"?", b"", b"[ab]"]
SUBSCRIBE = ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"]
UNSUBSCRIBE = ["UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"]
kinds = st.integers(0, 2)
clients = st.integers(0, 3)
names = st.sampled_from(NAMES + PATTERNS)


class Subscribers(RuleBasedStateMachine):
    """Four clients that come and go, against three sets for each."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine()
        self.pubsub = self.machine.engine.pubsub
        self.clients = [self.machine.client() for _ in range(4)]
        self.model: list[list[set[bytes]]] = [[set(), set(), set()] for _ in range(4)]

    def run(self, client: int, *words: bytes) -> list[object]:
        session: Session = self.clients[client].session
        return items(self.machine.engine.execute(session, list(words)))

    def count(self, client: int, kind: int) -> int:
        held = self.model[client]
        return len(held[2]) if kind == 2 else len(held[0]) + len(held[1])

    @rule(client=clients, kind=kinds, wanted=st.lists(names, min_size=1, max_size=3))
    def subscribe(self, client: int, kind: int, wanted: list[bytes]) -> None:
        confirmations = self.run(client, SUBSCRIBE[kind].encode(), *wanted)
        expected = []
        for name in wanted:
            self.model[client][kind].add(name)
            expected.append([SUBSCRIBE[kind].lower().encode(), name, self.count(client, kind)])
        assert confirmations == expected

    @rule(client=clients, kind=kinds, wanted=st.lists(names, max_size=3))
    def unsubscribe(self, client: int, kind: int, wanted: list[bytes]) -> None:
        confirmations = self.run(client, UNSUBSCRIBE[kind].encode(), *wanted)
        held = self.model[client][kind]
        word = UNSUBSCRIBE[kind].lower().encode()
        if not wanted:
            assert {items[1] for items in confirmations} == (held or {None})  # type: ignore[index]
            held.clear()
            assert confirmations[-1][2] == self.count(client, kind)  # type: ignore[index]
            return
        expected = []
        for name in wanted:
            held.discard(name)
            expected.append([word, name, self.count(client, kind)])
        assert confirmations == expected

    @rule(client=clients)
    def leave(self, client: int) -> None:
        self.machine.engine.close_session(self.clients[client].session)
        self.clients[client] = self.machine.client()
        self.model[client] = [set(), set(), set()]

    @rule(channel=names)
    def publish(self, channel: bytes) -> None:
        reached = 0
        expected = []
        for held in self.model:
            found: Counter[bytes] = Counter()
            if channel in held[0]:
                found[b"message"] += 1
            for pattern in held[1]:
                if (channel and Glob(pattern).matches(channel)) or (not channel and not pattern):
                    found[b"pmessage"] += 1
            reached += sum(found.values())
            expected.append(found)
        assert self.machine.do("PUBLISH", channel, "payload") == reached
        assert [Counter(taken.items[0] for taken in client.told.taken()) for client in self.clients] == expected

    @rule(channel=names)
    def publish_in_shard(self, channel: bytes) -> None:
        listeners = sum(channel in held[2] for held in self.model)
        assert self.machine.do("SPUBLISH", channel, "payload") == listeners
        assert sum(len(client.told.taken()) for client in self.clients) == listeners

    @invariant()
    def agrees(self) -> None:
        self.pubsub.check()
        for kind, topics in enumerate(self.pubsub.topics):
            counts = Counter(name for held in self.model for name in held[kind])
            assert set(topics.names(None)) == set(counts)
            for name, count in counts.items():
                assert topics.count(name) == count
        assert self.pubsub.clients == sum(any(held) for held in self.model)


TestSubscribers = Subscribers.TestCase
TestSubscribers.settings = scaled()
