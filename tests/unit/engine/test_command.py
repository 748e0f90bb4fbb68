"""Declaring commands: their names, containers, and the gates that follow from their flags."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import FAMILIES

from redpoll.catalogue.spec import (
    ADMIN,
    ALLOW_BUSY,
    DENYOOM,
    LOADING,
    NO_AUTH,
    READONLY,
    SKIP_MONITOR,
    STALE,
    WRITE,
    Spec,
)
from redpoll.engine.command import CATALOGUE, FOR_SUBSCRIBERS, Command, command, gates_of
from redpoll.engine.gates import (
    GATE_BUSY,
    GATE_CLUSTER,
    GATE_DEBUG,
    GATE_FEW_REPLICAS,
    GATE_LOADING,
    GATE_MONITOR,
    GATE_MULTI,
    GATE_NO_TOUCH,
    GATE_NOAUTH,
    GATE_OOM,
    GATE_PAUSE_ALL,
    GATE_PAUSE_WRITE,
    GATE_READONLY,
    GATE_REDIRECT,
    GATE_RULES,
    GATE_SHOWN,
    GATE_STALE,
    GATE_SUBSCRIBED,
    GATE_WRITE_DISK,
)
from redpoll.engine.session import Session

assert FAMILIES
OF_WRITES = GATE_READONLY | GATE_FEW_REPLICAS
ALWAYS = GATE_MULTI | GATE_RULES | GATE_PAUSE_ALL | GATE_OOM | GATE_BUSY


def spec(name: bytes, flags: int) -> Spec:
    known = CATALOGUE[b"get"].spec
    return Spec(name, 2, flags, 0, [], known.since, known.complexity, known.summary, known.group, "", "", "", False)


@pytest.mark.parametrize(
    ("name", "flags", "gates"),
    [
        (b"any", 0, GATE_NOAUTH | GATE_SHOWN | GATE_NO_TOUCH | GATE_LOADING | GATE_STALE),
        (b"any", NO_AUTH | ADMIN | LOADING | STALE, GATE_NO_TOUCH),
        (b"any", NO_AUTH | SKIP_MONITOR | LOADING | STALE, GATE_NO_TOUCH),
        (
            b"any",
            NO_AUTH | ADMIN | LOADING | STALE | WRITE,
            GATE_NO_TOUCH | GATE_WRITE_DISK | OF_WRITES | GATE_REDIRECT | GATE_PAUSE_WRITE | GATE_MONITOR,
        ),
        (b"any", NO_AUTH | ADMIN | LOADING | STALE | READONLY, GATE_NO_TOUCH | GATE_REDIRECT | GATE_MONITOR),
        (b"any", NO_AUTH | ADMIN | LOADING | STALE | DENYOOM, GATE_NO_TOUCH),
        (
            b"exec",
            NO_AUTH | ADMIN | LOADING | STALE,
            GATE_PAUSE_WRITE | OF_WRITES | GATE_REDIRECT | GATE_STALE | GATE_CLUSTER,
        ),
        (b"ping", NO_AUTH | ADMIN | LOADING | STALE, GATE_NO_TOUCH | GATE_WRITE_DISK),
        (b"publish", NO_AUTH | ADMIN | LOADING | STALE, GATE_NO_TOUCH | GATE_PAUSE_WRITE | GATE_MONITOR),
        (b"touch", NO_AUTH | ADMIN | LOADING | STALE, 0),
        (b"debug", NO_AUTH | ADMIN | LOADING | STALE, GATE_NO_TOUCH | GATE_DEBUG),
        (b"module|load", NO_AUTH | ADMIN | LOADING | STALE, GATE_NO_TOUCH | GATE_DEBUG),
        (b"module|list", NO_AUTH | ADMIN | LOADING | STALE, GATE_NO_TOUCH),
    ],
)
def test_gates_follow_from_flags_and_from_some_names(name: bytes, flags: int, gates: int) -> None:
    subscribed = 0 if name in FOR_SUBSCRIBERS else GATE_SUBSCRIBED
    assert gates_of(spec(name, flags)) == ALWAYS | subscribed | gates


def handler(session: Session, args: list[bytes]) -> object:
    return None


def declare(name: str) -> Command:
    return command(name, arity=1, flags=0, since="9.1.0", complexity="O(1)", summary="Test.", group="server")(handler)


def test_a_name_is_declared_once() -> None:
    before = dict(CATALOGUE)
    with pytest.raises(ValueError, match="declared twice: get"):
        declare("get")
    assert before == CATALOGUE


def test_a_subcommand_belongs_to_its_container() -> None:
    client = CATALOGUE[b"client"]
    assert client.subcommands is not None
    assert client.subcommands[b"list"] is CATALOGUE[b"client|list"]
    assert CATALOGUE[b"client|list"].container is client
    assert (client.container, CATALOGUE[b"get"].subcommands) == (None, None)


def test_indexes_are_places_in_the_catalogue() -> None:
    assert sorted(found.index for found in CATALOGUE.values()) == list(range(len(CATALOGUE)))
    assert all(found.name == name for name, found in CATALOGUE.items())


def test_a_command_knows_its_flags() -> None:
    assert CATALOGUE[b"set"].flag(WRITE)
    assert not CATALOGUE[b"get"].flag(WRITE)
    assert CATALOGUE[b"get"].arity == 2


def test_commands_that_run_while_a_script_does_have_no_gate_for_that() -> None:
    assert gates_of(spec(b"any", ALLOW_BUSY)) & GATE_BUSY == 0
    # Only with NOSAVE, which engine/gate.py finds out.
    assert gates_of(spec(b"shutdown", ALLOW_BUSY)) & GATE_BUSY != 0


def test_commands_that_run_scripts_meet_the_gates_of_writes() -> None:
    for name in (b"eval", b"evalsha_ro", b"fcall"):
        assert gates_of(spec(name, STALE)) & (GATE_READONLY | GATE_WRITE_DISK | GATE_STALE) != 0
