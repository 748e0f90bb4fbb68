"""What the gates cost while nothing needs them: nothing, as no command of an ordinary session meets one."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Machine

from redpoll import commands
from redpoll.catalogue.spec import READONLY, WRITE
from redpoll.engine.command import CATALOGUE, Command
from redpoll.engine.gates import GATE_DEBUG

assert commands.FAMILIES, "importing them is what fills the catalogue"

DATA = [found for found in CATALOGUE.values() if found.flag(WRITE | READONLY)]
RARE = {b"debug", b"module|load", b"module|loadex", b"module|unload"}


def test_there_are_ordinary_commands_of_data() -> None:
    assert {b"get", b"set", b"incr", b"hset", b"hget", b"zadd", b"bzpopmin", b"del"} <= {found.name for found in DATA}


@pytest.mark.parametrize("found", [*DATA, CATALOGUE[b"ping"], CATALOGUE[b"exec"]], ids=lambda found: found.name)
def test_an_ordinary_command_meets_no_gate(found: Command) -> None:
    machine = Machine()
    assert found.gates & (machine.engine.gates | machine.session.gates) == 0


def test_only_what_is_rare_meets_the_gate_that_is_always_on() -> None:
    machine = Machine()
    assert machine.engine.gates == GATE_DEBUG
    assert machine.session.gates == 0
    assert {found.name for found in CATALOGUE.values() if found.gates & GATE_DEBUG} == RARE


LEAVES_NO_GATE = [
    ("MULTI", "DISCARD"),
    ("MULTI", "EXEC"),
    ("CLIENT NO-TOUCH ON", "CLIENT NO-TOUCH OFF"),
    ("CLIENT PAUSE 1000 WRITE", "CLIENT UNPAUSE"),
    ("CONFIG SET requirepass secret", "CONFIG SET requirepass ''"),
    ("MONITOR", "RESET"),
]


@pytest.mark.parametrize(("on", "off"), LEAVES_NO_GATE, ids=[" and ".join(case) for case in LEAVES_NO_GATE])
def test_what_was_on_and_is_off_again_leaves_no_gate(on: str, off: str) -> None:
    machine = Machine()
    for line in (on, off):
        machine.do(*[word.strip("'") for word in line.split()])
    assert machine.engine.gates == GATE_DEBUG
    assert machine.session.gates == 0


def test_a_pause_that_is_over_leaves_no_gate() -> None:
    machine = Machine()
    machine.do("CLIENT", "PAUSE", "1000")
    machine.clock.advance_ms(1000)
    machine.engine.tick()
    assert machine.engine.gates == GATE_DEBUG
