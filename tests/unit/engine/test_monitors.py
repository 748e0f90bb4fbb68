"""MONITOR: who sees which line, and how arguments are spelled in it."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Client, Machine

from redpoll.engine.gates import GATE_MONITOR, GATE_SHOWN
from redpoll.engine.monitors import quoted
from redpoll.protocol.reply import Status


@pytest.fixture
def machine() -> Machine:
    made = Machine()
    made.clock.at_us = 1_700_000_000_000_042
    return made


def lines(client: Client) -> list[str]:
    """What was shown, without the times."""
    told = []
    for reply in client.heard():
        assert isinstance(reply, Status)
        time, _, rest = reply.text.partition(b" ")
        assert time == b"1700000000.000042"
        told.append(rest.decode())
    return told


def test_every_monitor_sees_every_command_with_database_and_source(machine: Machine) -> None:
    first, second = machine.client(), machine.client()
    first.do("MONITOR")
    second.do("MONITOR")
    assert lines(first) == []
    machine.do("SET", "k", "v")
    machine.do("SELECT", 3)
    machine.do("get", "k")
    expected = ['[0 ?:0] "SET" "k" "v"', '[3 ?:0] "SELECT" "3"', '[3 ?:0] "get" "k"']
    assert (lines(first), lines(second)) == (expected, expected)


def test_a_transaction_is_shown_as_it_runs(machine: Machine) -> None:
    monitor = machine.client()
    monitor.do("MONITOR")
    machine.client().play("MULTI", "SET k v", "DISCARD")
    machine.client().play("MULTI", "SET k v", "EXEC")
    assert [line.partition("] ")[2] for line in lines(monitor)] == [
        '"MULTI"', '"DISCARD"', '"MULTI"', '"SET" "k" "v"', '"EXEC"',
    ]  # fmt: skip


def test_secrets_and_administration_are_not_shown(machine: Machine) -> None:
    monitor = machine.client()
    monitor.do("MONITOR")
    machine.do("AUTH", "default", "secret")
    machine.do("CONFIG", "GET", "port")
    assert [line.partition("] ")[2] for line in lines(monitor)] in (['"AUTH" "(redacted)" "(redacted)"'], [])


def test_the_gate_is_closed_while_somebody_monitors(machine: Machine) -> None:
    engine = machine.engine
    first, second = machine.client(), machine.client()
    engine.monitors.remove(first.session)
    first.do("MONITOR")
    second.do("MONITOR")
    assert (first.session.monitors, first.session.gates) == (True, GATE_MONITOR)
    assert engine.monitors.sessions == [first.session, second.session]
    first.do("RESET")
    assert (first.session.monitors, first.session.gates) == (False, 0)
    assert engine.gates & GATE_SHOWN != 0
    engine.close_session(second.session)
    assert (engine.gates & GATE_SHOWN, engine.monitors.sessions) == (0, [])
    second.heard()
    machine.do("SET", "k", "v")
    assert (first.heard(), second.heard()) == ([], [])


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        (b"", b'""'), (b"plain ~!", b'"plain ~!"'), (b'a"b', b'"a\\"b"'), (b"a\\b", b'"a\\\\b"'),
        (b"\n\r\t\a\b", b'"\\n\\r\\t\\a\\b"'), (b"\0\x1f\x7f\xff", b'"\\x00\\x1f\\x7f\\xff"'), (b" ", b'" "'),
    ],
)  # fmt: skip
def test_what_cannot_be_printed_is_escaped(word: bytes, shown: bytes) -> None:
    assert quoted(word) == shown
