"""What a node believes of heartbeats: entries about others, and extensions about their sender."""

from __future__ import annotations

import pytest
from tests.unit.cluster.seats import Seated

from redpoll.cluster import gossip
from redpoll.cluster.flags import FAIL, MASTER, NOADDR
from redpoll.cluster.messages import HUMAN_NAME, PING, Entry, Message, forgotten_extension, text_extension

SECOND = b"b" * 40
THIRD = b"c" * 40


def told(*entries: Entry) -> Message:
    message = Message(PING)
    message.entries = list(entries)
    return message


def entry(name: bytes, pong_received: int = 0, flags: int = MASTER) -> Entry:
    return Entry(name, 0, pong_received, b"10.0.0.3", 7003, 17003, flags, 0)


def test_nodes_of_gossip_join_unless_one_name_is_impossible() -> None:
    node = Seated()
    sender = node.neighbour()
    view = node.machine.view
    link = node.machine.new_link(True)
    gossip.read_gossip(node.machine, link, sender, told(entry(SECOND), entry(b"!" * 40)))
    assert SECOND not in view.nodes
    gossip.read_gossip(node.machine, link, sender, told(entry(SECOND), entry(THIRD, flags=NOADDR)))
    assert SECOND in view.nodes
    assert THIRD not in view.nodes
    assert view.nodes[SECOND].shown() == f"{SECOND.decode()} (10.0.0.3:7003)"


@pytest.mark.parametrize(("ahead_s", "is_believed"), [(-1, True), (0, True), (2, False)])
def test_answers_that_others_got_count_unless_their_clock_is_ahead(ahead_s: int, is_believed: bool) -> None:
    node = Seated()
    sender = node.neighbour()
    other = node.neighbour(name=SECOND)
    machine = node.machine
    machine.now += 5000
    heard_s = machine.seconds(machine.now) + ahead_s
    gossip.read_gossip(machine, machine.new_link(True), sender, told(entry(SECOND, heard_s)))
    assert (other.pong_received > 0) == is_believed


def test_a_failing_node_moves_to_the_address_that_others_know() -> None:
    node = Seated()
    sender = node.neighbour()
    other = node.neighbour(name=SECOND)
    link = node.machine.new_link(True)
    gossip.read_gossip(node.machine, link, sender, told(entry(SECOND)))
    assert other.port == 7002
    other.flags |= FAIL | NOADDR
    gossip.read_gossip(node.machine, link, sender, told(entry(SECOND)))
    assert (other.ip, other.port, other.bus_port) == (b"10.0.0.3", 7003, 17003)
    assert other.flags & NOADDR == 0


def test_forgotten_nodes_are_forgotten_but_not_our_primary() -> None:
    node = Seated()
    sender = node.neighbour()
    node.neighbour(name=SECOND)
    third = node.neighbour(name=THIRD)
    view = node.machine.view
    view.set_replica(view.myself, third)
    message = Message(PING)
    message.extensions = [forgotten_extension(name, 60) for name in (SECOND, THIRD, sender.name, view.myself.name)]
    gossip.read_extensions(node.machine, sender, message)
    assert list(view.nodes) == [view.myself.name, sender.name, THIRD]
    assert node.machine.blacklisted(SECOND)
    assert not node.machine.blacklisted(THIRD)


@pytest.mark.parametrize("text", [b"a b", b"a,b", b"a=b", b'a"b', b"a'b", b"a\\b", b"a\nb", b"a\x7fb"])
def test_names_that_would_break_the_file_are_dropped(text: bytes) -> None:
    node = Seated()
    sender = node.neighbour()
    message = Message(PING)
    for said, kept in ((b"good", b"good"), (text, b"")):
        message.extensions = [text_extension(HUMAN_NAME, said)]
        gossip.read_extensions(node.machine, sender, message)
        assert sender.human_name == kept
