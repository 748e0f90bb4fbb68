"""What single messages do to a node, and what it does about silent ones."""

from __future__ import annotations

from tests.unit.cluster.scene import Scene

from redpoll.cluster import heartbeats, outgoing
from redpoll.cluster.messages import MEET, PING, UPDATE, Message
from redpoll.cluster.node import Node
from redpoll.cluster.slot_sets import one

STRANGER = b"5" * 40


def message_of(kind: int, sender: Node, epoch: int) -> Message:
    """A message of a node with the slots that it owns here."""
    message = Message(kind)
    message.sender = sender.name
    message.flags = sender.flags
    message.config_epoch = epoch
    message.slots = sender.slots
    if sender.primary is not None:
        message.primary = sender.primary.name
    return message


def test_a_new_connection_of_a_node_replaces_the_one_before() -> None:
    scene = Scene()
    before = scene.primary.inbound
    assert before is not None
    now = scene.machine.accepted(b"10.0.0.9", b"10.0.0.1")
    scene.send(message_of(PING, scene.primary, 2), now)
    assert scene.primary.inbound is now
    assert before.is_closed()
    assert not now.is_closed()


def test_an_update_needs_a_newer_epoch() -> None:
    scene = Scene()
    view = scene.machine.view
    view.myself.config_epoch = 1
    for epoch, owner in ((2, view.myself), (3, scene.primary)):
        message = message_of(UPDATE, scene.replica, 2)
        message.about = scene.primary.name
        message.about_epoch = epoch
        message.about_slots = scene.primary.slots | one(0)
        scene.send(message)
        assert view.owner(0) is owner


def test_a_primary_with_an_old_claim_gets_an_update() -> None:
    scene = Scene()
    scene.machine.view.myself.config_epoch = 9
    # A node that comes from another address loses its link first.
    scene.primary.ip = b"10.0.0.9"
    message = message_of(PING, scene.primary, 2)
    message.slots |= one(0)
    assert UPDATE in scene.send(message, scene.primary.inbound)
    update = scene.outside.sent[-1]
    assert (update.about, update.about_epoch) == (scene.machine.view.myself.name, 9)


def test_a_stale_change_of_role_is_ignored() -> None:
    scene = Scene()
    scene.replica.shard = scene.primary.shard
    message = message_of(PING, scene.primary, 1)
    message.primary = scene.replica.name
    scene.send(message, scene.primary.inbound)
    assert scene.primary.is_primary()
    message.config_epoch = 3
    scene.send(message, scene.primary.inbound)
    assert scene.primary.is_replica()
    assert scene.machine.view.owner(16383) is scene.replica


def test_a_node_does_not_meet_itself() -> None:
    scene = Scene()
    view = scene.machine.view
    link = scene.machine.accepted(b"10.0.0.9", b"10.0.0.1")
    meeting = Message(MEET)
    meeting.sender = view.myself.name
    scene.send(meeting, link)
    assert len(view.nodes) == 3
    meeting.sender = STRANGER
    scene.send(meeting, link)
    assert len(view.nodes) == 4


def test_the_first_ping_of_a_new_link_keeps_the_time_of_the_unanswered_one() -> None:
    scene = Scene()
    link = scene.primary.link
    assert link is not None
    scene.primary.ping_sent = 5
    heartbeats.greet(scene.machine, link)
    assert scene.primary.ping_sent == 5
    scene.primary.ping_sent = 0
    heartbeats.greet(scene.machine, link)
    assert scene.primary.ping_sent == scene.machine.now


def test_messages_of_shard_channels_stay_in_the_shard() -> None:
    scene = Scene()
    scene.replica.shard = scene.machine.view.myself.shard
    outgoing.publish(scene.machine, b"news", b"hi", True)
    scene.machine.finish()
    assert len(scene.outside.sent) == 1
    outgoing.publish(scene.machine, b"news", b"hi", False)
    scene.machine.finish()
    assert len(scene.outside.sent) == 3


def test_nothing_points_to_a_deleted_node() -> None:
    scene = Scene()
    view = scene.machine.view
    scene.replica.reports[scene.primary.name] = 1
    scene.machine.delete_node(scene.primary)
    assert scene.primary not in view.numbered
    assert scene.replica.reports == {}
    assert scene.replica.primary is None
    view.check()


def test_a_link_without_answers_is_closed_after_half_a_timeout() -> None:
    scene = Scene()
    machine = scene.machine
    link = scene.primary.link
    assert link is not None
    half = machine.settings.timeout // 2
    scene.primary.ping_sent = machine.now
    machine.now += half
    scene.primary.data_received = machine.now - half
    heartbeats.look_at_answers(machine, scene.primary)
    assert not link.is_closed()
    machine.now += half + 1
    heartbeats.look_at_answers(machine, scene.primary)
    assert link.is_closed()
