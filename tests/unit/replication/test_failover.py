"""FAILOVER with servers in memory: it succeeds, is aborted, runs out of time, and is forced."""

from __future__ import annotations

from tests.unit.replication.world import Server, World

from redpoll.engine.gates import GATE_PAUSE_WRITE
from redpoll.protocol.reply import Error


def text(reply: object) -> bytes:
    assert isinstance(reply, Error)
    return reply.text


def test_the_replica_takes_over() -> None:
    world = World()
    one, other = world.pair()
    one.do("SET", "a", 1)
    one.do("FAILOVER")
    assert one.engine.gates & GATE_PAUSE_WRITE
    assert one.engine.pause.reason() == b"failover_in_progress"
    world.pass_time(3)
    assert one.replication.is_replica
    assert not other.replication.is_replica
    assert one.engine.gates & GATE_PAUSE_WRITE == 0
    assert not one.replication.failing_over()
    other.do("SET", "b", 1)
    world.settle_down()
    assert one.digest() == other.digest()
    assert other.replication.primary.full_syncs == 0


def test_complaints() -> None:
    world = World()
    alone = Server(world, 9)
    assert text(alone.do("FAILOVER")) == b"ERR FAILOVER requires connected replicas."
    assert text(alone.do("FAILOVER", "ABORT")) == b"ERR No failover in progress."
    one, other = world.pair()
    assert text(other.do("FAILOVER")) == b"ERR FAILOVER is not valid when server is a replica."
    assert b"not a replica" in text(one.do("FAILOVER", "TO", "10.0.0.1", 5))
    assert b"requires both" in text(one.do("FAILOVER", "TO", "127.0.0.1", 2, "FORCE"))
    one.do("FAILOVER")
    assert text(one.do("FAILOVER")) == b"ERR FAILOVER already in progress."
    assert text(one.do("REPLICAOF", "h", 5)) == b"ERR REPLICAOF not allowed while failing over."


def lagging() -> tuple[World, Server, Server]:
    """A replica whose acknowledgements do not arrive."""
    world = World()
    one, other = world.pair()
    one.do("SET", "a", 1)
    for wire in world.wires:
        wire.far.take = lambda data: None  # type: ignore[method-assign]
    return world, one, other


def test_abort_and_timeout() -> None:
    world, one, _ = lagging()
    one.do("FAILOVER")
    world.pass_time(1)
    assert one.replication.failing_over()
    one.do("FAILOVER", "ABORT")
    assert not one.replication.failing_over()
    assert one.engine.gates & GATE_PAUSE_WRITE == 0
    one.do("FAILOVER", "TIMEOUT", 500)
    world.pass_time(1)
    assert not one.replication.failing_over()
    assert not one.replication.is_replica


def test_force() -> None:
    world, one, other = lagging()
    one.do("FAILOVER", "TO", "127.0.0.1", 2, "FORCE", "TIMEOUT", 500)
    world.pass_time(1)
    assert one.replication.is_replica
    assert not other.replication.is_replica
    world.settle_down()
    assert one.digest() == other.digest()


def test_a_target_that_refuses() -> None:
    """The old primary stays one."""
    world, one, other = lagging()
    one.do("FAILOVER", "TO", "127.0.0.1", 2, "FORCE", "TIMEOUT", 500)
    world.cut_off.add((1, 2))
    world.pass_time(2)
    assert not one.replication.is_replica
    assert not one.replication.failing_over()
    assert one.engine.gates & GATE_PAUSE_WRITE == 0
    assert other.replication.offset <= one.replication.offset


def test_without_replicas_it_is_given_up() -> None:
    world, one, _ = lagging()
    one.do("FAILOVER")
    world.cut_off.add((2, 1))
    world.wires[0].cut()
    world.pass_time(0.3)
    assert not one.replication.failing_over()
    assert any("no replicas any more" in line for line in one.host.lines)
