"""A program that answers the engine nothing: what is asked of it then has no effect."""

from __future__ import annotations

from tests.unit.engine.machine import Machine

from redpoll.engine.host import Host
from redpoll.errors import SHUTDOWN_IN_PROCESS


def test_a_host_that_does_nothing_can_neither_end_nor_restart() -> None:
    session = Machine().session
    host = Host()
    host.log("a warning")
    host.note("a notice")
    assert host.shut_down(session, b"somebody", []) == SHUTDOWN_IN_PROCESS
    assert not host.end_by_fault(6, "last words")
    assert not host.restart(session, b"somebody", 0, True)
    assert (host.facts(), host.listeners()) == ({}, [])
