"""The checks before a command: which one speaks when several gates are closed, and what queueing keeps."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Client, Machine

from redpoll.engine.command import CATALOGUE
from redpoll.engine.gates import GATE_BUSY, GATE_MONITOR, GATE_NO_TOUCH, GATE_PAUSE_WRITE
from redpoll.engine.role import Follower
from redpoll.errors import (
    DEBUG_NOT_ALLOWED,
    MODULE_NOT_ALLOWED,
    NO_KEYS_FOR_MONITORS,
    NO_KEYS_FOR_REPLICAS,
    NOAUTH,
    SHUTDOWN_IN_PROCESS,
)
from redpoll.protocol.reply import BLOCKED, OK, QUEUED, Error


@pytest.fixture
def machine() -> Machine:
    return Machine()


def refusal(client: Client, line: str) -> bytes:
    reply = client.do(line)
    assert isinstance(reply, Error), reply
    return reply.text


def test_without_a_password_given_nothing_but_greetings_is_answered(machine: Machine) -> None:
    machine.do("CONFIG", "SET", "requirepass", "secret")
    client = machine.client()
    for line in ("GET k", "GET", "NOSUCH", "CLIENT NOSUCH", "DEBUG SLEEP 0", "MULTI", "EXEC", "CONFIG GET x"):
        text = refusal(client, line)
        assert text == NOAUTH or text.endswith(NOAUTH), line
    assert client.do("QUIT") is OK
    assert client.do("AUTH secret") is OK
    assert client.do("GET k") is None
    # Those who are in stay in.
    machine.do("CONFIG", "SET", "requirepass", "another")
    assert client.do("GET k") is None
    # And nobody is asked any more when there is none.
    late = machine.client()
    machine.do("CONFIG", "SET", "requirepass", "")
    assert late.do("GET k") is None


def test_debug_and_modules_are_for_those_who_are_allowed(machine: Machine) -> None:
    client = machine.client()
    machine.engine.options.enable_debug_command = b"no"
    assert refusal(client, "DEBUG SLEEP 0") == DEBUG_NOT_ALLOWED
    assert refusal(client, "MODULE LOAD x") == MODULE_NOT_ALLOWED
    machine.engine.options.enable_module_command = b"yes"
    assert refusal(client, "DEBUG SLEEP 0") == DEBUG_NOT_ALLOWED
    assert refusal(client, "MODULE LOAD x") != MODULE_NOT_ALLOWED
    machine.engine.options.enable_debug_command = b"local"
    assert client.do("DEBUG SLEEP 0") is OK


def test_a_refusal_in_a_transaction_spoils_it(machine: Machine) -> None:
    for line in ("MULTI", "WATCH k", "GET", "NOSUCH", "CLIENT REPLY OFF"):
        client = machine.client()
        client.play("MULTI", "SET k v")
        refusal(client, line)
        assert client.session.transaction is not None
        assert (client.session.transaction.spoiled, client.session.transaction.queued) == (True, []), line
        # What cannot run any more is not kept.
        assert client.do("SET k v") is QUEUED
        assert client.session.transaction.queued == []
        assert refusal(client, "EXEC").startswith(b"EXECABORT")
        assert machine.engine.databases[0].table.size == 0


def test_a_broken_watch_keeps_nothing_either(machine: Machine) -> None:
    client = machine.client()
    client.play("WATCH k", "MULTI")
    machine.do("SET", "k", "v")
    assert client.do("GET k") is QUEUED
    assert client.session.transaction is not None
    assert client.session.transaction.queued == []


def test_queueing_keeps_arguments_and_gates(machine: Machine) -> None:
    client = machine.client()
    client.play("MULTI", "GET k")
    transaction = client.session.transaction
    assert transaction is not None
    assert transaction.gates == CATALOGUE[b"get"].gates
    assert client.do("set K v") is QUEUED
    assert transaction.queued == [[b"GET", b"k"], [b"set", b"K", b"v"]]
    assert transaction.gates & GATE_PAUSE_WRITE != 0
    assert (client.session.last_command, transaction.weighed) == (b"set", False)
    machine.engine.outliers.weighing = True
    client.do("GET k")
    assert transaction.weighed


@pytest.mark.parametrize("line", ["EXEC", "DISCARD", "QUIT", "RESET"])
def test_what_ends_a_transaction_is_not_queued(machine: Machine, line: str) -> None:
    client = machine.client()
    client.do("MULTI")
    assert client.do(line) is not QUEUED
    assert client.session.transaction is None or line == "QUIT"


def test_a_monitor_gets_no_keys(machine: Machine) -> None:
    client = machine.client()
    client.do("MONITOR")
    assert refusal(client, "GET k") == NO_KEYS_FOR_MONITORS
    assert refusal(client, "SET k v") == NO_KEYS_FOR_MONITORS
    assert client.do("PING") is not None


def test_the_first_closed_gate_speaks(machine: Machine) -> None:
    machine.do("CLIENT", "PAUSE", 100)
    client = machine.client()
    client.do("MULTI")
    # A pause holds up what a transaction would queue, but not what is refused before.
    paused = machine.client()
    assert paused.do("GET k") is BLOCKED
    machine.engine.pause.end()
    inside = machine.client()
    inside.do("MULTI")
    machine.do("CLIENT", "PAUSE", 100)
    assert refusal(inside, "MULTI").startswith(b"ERR")
    assert refusal(inside, "WATCH k").startswith(b"ERR")
    assert inside.do("GET k") is BLOCKED
    machine.engine.options.enable_debug_command = b"no"
    assert refusal(machine.client(), "DEBUG SLEEP 0") == DEBUG_NOT_ALLOWED


def test_a_session_that_touches_nothing_leaves_the_clock_alone_and_only_its_own(machine: Machine) -> None:
    machine.do("SET", "k", "v")
    table = machine.engine.databases[0].table
    before = machine.engine.moment.clock
    machine.clock.advance_ms(5000)
    client = machine.client()
    client.do("CLIENT NO-TOUCH ON")
    assert client.session.gates & GATE_NO_TOUCH != 0
    client.play("GET k", "MULTI", "GET k", "EXEC")
    assert table.find(b"k")
    assert table.access_clock() == before
    assert machine.engine.moment.touching
    client.do("TOUCH k")
    assert table.find(b"k")
    assert table.access_clock() == before + 5
    machine.clock.advance_ms(1000)
    machine.do("GET", "k")
    assert table.find(b"k")
    assert table.access_clock() == before + 6


class Attached(Follower):
    def is_attached(self) -> bool:
        return True


def test_a_replica_gets_no_keys(machine: Machine) -> None:
    client = machine.client()
    client.session.gates |= GATE_MONITOR
    client.session.follower = Attached()
    assert refusal(client, "GET k") == NO_KEYS_FOR_REPLICAS


def test_while_a_script_is_busy_only_an_emergency_runs(machine: Machine) -> None:
    client = machine.client()
    machine.engine.gates |= GATE_BUSY
    for line in ("GET k", "SHUTDOWN", "SHUTDOWN SAVE", "SHUTDOWN NOSAVE NOW"):
        assert refusal(client, line).startswith(b"BUSY"), line
    assert refusal(client, "SHUTDOWN nosave") == SHUTDOWN_IN_PROCESS
