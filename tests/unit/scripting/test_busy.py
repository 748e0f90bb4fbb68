"""Long scripts: when others are served, and which scripts can be ended."""

from __future__ import annotations

import redpoll.commands  # noqa: F401
from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_BUSY
from redpoll.engine.host import Host
from redpoll.engine.session import Peer
from redpoll.engine.unit import Journal
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random
from redpoll.script_errors import NOT_BUSY, UNKILLABLE
from redpoll.scripting.busy import SERVE_EVERY_US
from redpoll.scripting.scripts import Scripts, scripts_of


class Serving(Host):
    """Counts how often clients are served."""

    def __init__(self) -> None:
        self.served = 0
        self.goes_on = True

    def serve(self) -> bool:
        self.served += 1
        return self.goes_on


class Closing(Peer):
    """A client that remembers whether it was disconnected."""

    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def long_script() -> tuple[Scripts, Serving, VirtualClock]:
    """A script that has just become busy."""
    host = Serving()
    clock = VirtualClock()
    engine = Engine(clock, Random(1), host=host)
    engine.start_unit()
    scripts = scripts_of(engine)
    scripts.watch.begin(b"name", [], False)
    assert scripts.watch.tick() is None
    assert host.served == 0
    clock.advance_ms(engine.options.busy_reply_threshold)
    assert scripts.watch.tick() is None
    assert host.served == 1
    assert engine.gates & GATE_BUSY != 0
    return scripts, host, clock


def test_clients_are_served_at_intervals() -> None:
    scripts, host, clock = long_script()
    scripts.watch.tick()
    assert host.served == 1
    clock.at_us += SERVE_EVERY_US
    scripts.watch.tick()
    assert host.served == 2
    scripts.watch.end()
    assert scripts.engine.gates & GATE_BUSY == 0


def test_a_script_that_has_written_cannot_be_killed() -> None:
    scripts, _, _ = long_script()
    scripts.calls.wrote = True
    assert scripts.watch.kill(False) == UNKILLABLE
    assert scripts.watch.tick() is None
    scripts.calls.wrote = False
    assert scripts.watch.kill(True).startswith(b"BUSY ")
    assert scripts.watch.kill(False) == b""
    assert scripts.watch.tick() == b"ERR Script killed by user with SCRIPT KILL."
    scripts.watch.end()
    assert scripts.watch.kill(False) == NOT_BUSY


def test_the_end_of_the_program_ends_the_script() -> None:
    """Its effects reach no journal, and its client gets no reply."""
    scripts, host, clock = long_script()
    engine = scripts.engine
    engine.unit.attach(Journal())
    peer = Closing()
    scripts.calls.peer.caller = engine.open_session(peer)
    host.goes_on = False
    clock.at_us += SERVE_EVERY_US
    assert scripts.watch.tick() is not None
    assert engine.unit.journal is None
    assert peer.is_closed
