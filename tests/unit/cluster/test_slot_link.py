"""The order of what a source sends to its target: keys of the snapshot, changes of that time, messages."""

from __future__ import annotations

from tests.unit.cluster.migration_world import NAMES, World

from redpoll.cluster.migration_job import SNAPSHOTTING
from redpoll.cluster.migrations import ACK, syncslots
from redpoll.cluster.slot_link import MOST_AT_ONCE, PIECE, SlotLink
from redpoll.cluster.slot_snapshot import MOST_UNSENT
from redpoll.protocol.requests import Limits, RequestParser

EOF = syncslots(b"SNAPSHOT-EOF")
SELECT = [b"SELECT", b"0"]


def snapshotting() -> tuple[World, SlotLink]:
    """A migration of six keys with the value `v`, of which none is sent yet."""
    world = World()
    for name in NAMES:
        world.do(b"SET", name, b"v")
    world.connect()
    world.carry()
    world.tick()
    assert world.job.state == SNAPSHOTTING
    world.wires.run()
    world.wires.wire.sent.clear()
    link = world.wires.receiver
    assert isinstance(link, SlotLink)
    return world, link


def end_snapshot(world: World) -> None:
    while world.source.engine.durability.running is not None:
        world.step()
        world.wires.run()


def sent(world: World) -> list[list[bytes]]:
    """The commands that the target was sent since this was last asked."""
    found: list[list[bytes]] = []
    parser = RequestParser(Limits(1 << 30))
    parser.feed(b"".join(world.wires.wire.sent))
    world.wires.wire.sent.clear()
    assert parser.parse(found, 1 << 30) is None
    assert parser.pending_bytes() == 0
    return found


def test_changes_wait_for_the_end_of_the_snapshot() -> None:
    world, link = snapshotting()
    world.do(b"SET", NAMES[0], b"w")
    world.wires.run()
    assert sent(world) == []
    world.do(b"SET", NAMES[1], b"x" * int(PIECE))
    world.do(b"SET", NAMES[2], b"y")
    link.send(syncslots(ACK))
    end_snapshot(world)
    found = sent(world)
    at = found.index(EOF)
    assert found[at + 1 :] == [
        SELECT,
        [b"SET", NAMES[0], b"w"],
        [b"SET", NAMES[1], b"x" * int(PIECE)],
        [b"SET", NAMES[2], b"y"],
    ]
    assert syncslots(ACK) in found[:at]
    assert {words[1] for words in found[:at] if words[0] == b"SET"} == set(NAMES)
    assert link.unsent() == 0


def test_messages_and_changes_keep_their_order_after_the_snapshot() -> None:
    world, link = snapshotting()
    end_snapshot(world)
    sent(world)
    world.do(b"SET", NAMES[0], b"1")
    link.send(syncslots(ACK))
    world.do(b"SET", NAMES[0], b"2")
    assert link.unsent() > 0
    world.wires.run()
    assert sent(world) == [SELECT, [b"SET", NAMES[0], b"1"], syncslots(ACK), [b"SET", NAMES[0], b"2"]]


def test_a_transaction_is_sent_as_its_commands() -> None:
    world, _ = snapshotting()
    end_snapshot(world)
    sent(world)
    for line in (b"MULTI", b"SET {bar}0 1", b"SET {bar}1 2", b"EXEC"):
        world.do(*line.split())
    world.wires.run()
    assert sent(world) == [SELECT, [b"SET", NAMES[0], b"1"], [b"SET", NAMES[1], b"2"]]


def test_a_change_that_a_script_makes_for_replicas_alone_is_sent() -> None:
    world, _ = snapshotting()
    end_snapshot(world)
    sent(world)
    world.do(b"EVAL", b"redis.set_repl(redis.REPL_REPLICA) redis.call('set', KEYS[1], 'w')", b"1", NAMES[0])
    world.wires.run()
    assert sent(world) == [SELECT, [b"set", NAMES[0], b"w"]]


def test_the_snapshot_waits_for_a_slow_target() -> None:
    world, link = snapshotting()
    world.wires.wire.waiting = 1
    link.piece(b"PING\r\n" * int(MOST_UNSENT // 6 + 1))
    before = link.unsent()
    for _ in range(20):
        world.step()
    assert world.job.state == SNAPSHOTTING
    assert link.unsent() == before
    world.wires.wire.waiting = 0
    while link.bytes > 0:
        link.drained()
    end_snapshot(world)
    assert EOF in sent(world)


def test_a_link_gets_only_what_its_connection_takes() -> None:
    world, link = snapshotting()
    end_snapshot(world)
    sent(world)
    wire = world.wires.wire
    wire.waiting = 1
    for n in range(3):
        world.do(b"SET", NAMES[0], b"%d" % n * int(MOST_AT_ONCE))
    world.wires.run()
    assert sent(world) == []
    wire.waiting = 0
    link.drained()
    assert len(sent(world)) == 2  # SELECT and the first SET
    assert wire.asked == 1
    link.drained()
    link.drained()
    assert len(sent(world)) == 2
    assert link.unsent() == 0


def test_a_cancelled_migration_ends_its_snapshot() -> None:
    world, link = snapshotting()
    assert world.source.engine.durability.running is not None
    world.source.machine.migrations.cancel()
    assert world.source.engine.durability.running is None
    world.wires.run()
    assert world.source.engine.unit.journal is None
    assert link.unsent() == 0
