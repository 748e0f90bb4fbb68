"""SHUTDOWN's wait for replicas."""

from __future__ import annotations

from tests.unit.replication.world import Server, World

from redpoll.engine.gates import GATE_PAUSE_WRITE


def test_without_replicas_nothing_waits() -> None:
    departure = Server(World(), 1).replication.departure
    assert not departure.must_wait([])
    assert not departure.is_waiting()
    assert not departure.is_over()


def test_it_waits_until_all_have_everything() -> None:
    world = World()
    one, _ = world.pair()
    one.do("SET", "a", 1)
    departure = one.replication.departure
    assert departure.must_wait([])
    assert not departure.must_wait([b"NOW"])
    departure.wait([b"NOSAVE"])
    assert departure.is_waiting()
    assert not departure.is_over()
    assert one.engine.gates & GATE_PAUSE_WRITE
    world.pass_time(1.5)
    assert departure.is_over()
    assert departure.end() == [b"NOSAVE"]


def test_it_waits_no_longer_than_it_may() -> None:
    world = World()
    one, _ = world.pair()
    one.do("SET", "a", 1)
    departure = one.replication.departure
    departure.wait([])
    assert departure.left_ms() == 10_000
    world.clock.advance_ms(10_001)
    one.engine.start_unit()
    assert departure.is_over()
    departure.abort()
    assert not departure.is_waiting()
    assert one.engine.gates & GATE_PAUSE_WRITE == 0


def test_its_limit_is_a_setting() -> None:
    """`shutdown-timeout`: the seconds of the wait; 0 for no wait."""
    world = World()
    one, _ = world.pair()
    one.do("SET", "a", 1)
    departure = one.replication.departure
    one.play("CONFIG SET shutdown-timeout 3")
    departure.wait([])
    assert departure.left_ms() == 3_000
    departure.abort()
    one.play("CONFIG SET shutdown-timeout 0")
    assert not departure.must_wait([])


def test_an_abort_answers_the_clients_that_sent_shutdown() -> None:
    world = World()
    one, _ = world.pair()
    one.do("SET", "a", 1)
    departure = one.replication.departure
    before = one.replication.offset
    departure.wait([])
    assert one.replication.offset > before, "the replicas are asked for acknowledgements"
    one.do("BLPOP", "l", 0)
    departure.sessions.append(one.client.session)
    departure.abort()
    assert b"".join(one.client.out.take()).startswith(b"-ERR Errors trying to SHUTDOWN")
