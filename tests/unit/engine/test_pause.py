"""CLIENT PAUSE: who is held up, in which order they go on, and what it hides meanwhile."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Client, Machine

from redpoll.engine.gates import GATE_PAUSE_ALL, GATE_PAUSE_WRITE, GATE_PAUSED
from redpoll.protocol.reply import BLOCKED, Error


@pytest.fixture
def machine() -> Machine:
    return Machine()


def paused(machine: Machine, mode: str = "WRITE", ms: int = 100) -> Machine:
    machine.do("CLIENT", "PAUSE", ms, mode)
    return machine


def is_held(client: Client, line: str) -> bool:
    if client.do(line) is not BLOCKED:
        return False
    assert client.session.is_postponed()
    return True


def test_writes_are_held_and_reads_are_not(machine: Machine) -> None:
    paused(machine)
    reader, writer = machine.client(), machine.client()
    for line in ("GET k", "PING", "TTL k", "MULTI", "GET k", "EXEC"):
        assert not is_held(reader, line)
    assert is_held(writer, "SET k v")
    assert machine.engine.pause.actions() == b"write"
    assert writer.session.last_command == b"set"
    assert machine.engine.databases[0].table.size == 0


def test_everything_is_held_by_the_stricter_kind(machine: Machine) -> None:
    paused(machine, "ALL")
    for line in ("GET k", "PING", "CLIENT UNPAUSE"):
        assert is_held(machine.client(), line)
    assert machine.engine.pause.actions() == b"all"


def test_a_transaction_is_held_if_it_writes_and_would_run(machine: Machine) -> None:
    writer, reader, lost, broken, other = (machine.client() for _ in range(5))
    writer.play("MULTI", "SET k v")
    reader.play("MULTI", "GET k")
    lost.play("MULTI", "SET k v", "SET k")
    broken.play("WATCH w", "MULTI", "SET k v")
    other.do("SET w 1")
    paused(machine)
    assert is_held(writer, "EXEC")
    assert not is_held(reader, "EXEC")
    assert isinstance(lost.do("EXEC"), Error)
    assert broken.do("EXEC") is not BLOCKED
    # EXEC without MULTI is an error at once.
    assert isinstance(machine.client().do("EXEC"), Error)


def test_what_is_queued_is_not_held(machine: Machine) -> None:
    paused(machine)
    client = machine.client()
    client.do("MULTI")
    # As the reference: the pause comes before the queue.
    assert is_held(client, "SET k v")


def test_a_program_around_us_is_never_held(machine: Machine) -> None:
    paused(machine, "ALL")
    client = machine.client()
    client.session.may_block = False
    assert not is_held(client, "SET k v")
    assert machine.engine.databases[0].table.size == 1


def test_they_go_on_in_the_order_in_which_they_were_stopped(machine: Machine) -> None:
    paused(machine)
    order: list[int] = []
    clients = [machine.client() for _ in range(4)]
    for client in clients:
        assert is_held(client, "SET k v")
    for client in clients:
        client.told.order = order
    # One of them leaves.
    machine.engine.close_session(clients[1].session)
    machine.engine.pause.end()
    assert order == [clients[n].session.id for n in (0, 2, 3)]
    assert [client.session.waits() for client in clients] == [False] * 4
    assert machine.engine.pause.waiting == []


def test_a_pause_ends_by_itself(machine: Machine) -> None:
    paused(machine)
    client = machine.client()
    assert is_held(client, "SET k v")
    assert machine.engine.next_deadline_ms() == machine.engine.pause.until_ms
    machine.clock.advance_ms(99)
    machine.engine.tick()
    assert client.session.waits()
    machine.clock.advance_ms(1)
    machine.engine.tick()
    assert not client.session.waits()
    assert client.session.active_us == machine.engine.moment.now_us
    assert (machine.engine.pause.until_ms, machine.engine.gates & GATE_PAUSED, machine.engine.pause.actions()) == (
        0,
        0,
        b"none",
    )
    machine.engine.pause.tick()
    assert client.told.resumed == 1


def test_of_two_pauses_the_later_end_and_the_stricter_kind_hold(machine: Machine) -> None:
    pause = machine.engine.pause
    pause.begin(1000, True)
    assert machine.engine.gates & GATE_PAUSED == GATE_PAUSE_WRITE
    pause.begin(500, False)
    assert (pause.until_ms, machine.engine.gates & GATE_PAUSED) == (1000, GATE_PAUSE_WRITE | GATE_PAUSE_ALL)
    pause.begin(2000, True)
    assert (pause.until_ms, machine.engine.gates & GATE_PAUSED) == (2000, GATE_PAUSE_WRITE | GATE_PAUSE_ALL)
    pause.end()
    pause.begin(700, True)
    assert (pause.until_ms, machine.engine.gates & GATE_PAUSED) == (700, GATE_PAUSE_WRITE)


def test_keys_past_their_deadline_are_only_hidden_meanwhile(machine: Machine) -> None:
    machine.do("SET", "k", "v", "PX", 10)
    paused(machine)
    machine.clock.advance_ms(10)
    machine.engine.tick()
    assert (machine.do("GET", "k"), machine.engine.databases[0].table.size) == (None, 1)
    machine.do("CLIENT", "UNPAUSE")
    assert (machine.do("GET", "k"), machine.engine.databases[0].table.size) == (None, 0)


def test_writes_wait_for_a_reason_without_an_end(machine: Machine) -> None:
    """Each reason counts once; the latest one is shown, and the pause ends with the last one."""
    pause = machine.engine.pause
    pause.hold_writes(b"failover_in_progress")
    pause.hold_writes(b"failover_in_progress")
    pause.hold_writes(b"shutdown_in_progress")
    assert pause.reason() == b"shutdown_in_progress"
    assert pause.left_ms() > 1 << 62
    writer = machine.client()
    assert is_held(writer, "SET k v")
    assert (pause.actions(), pause.is_on()) == (b"write", True)
    pause.release_writes(b"shutdown_in_progress")
    assert pause.reason() == b"failover_in_progress"
    pause.release_writes(b"failover_in_progress")
    assert (pause.reason(), pause.left_ms(), pause.is_on()) == (b"none", 0, False)
    assert writer.told.resumed == 1
    assert not writer.session.is_postponed()
