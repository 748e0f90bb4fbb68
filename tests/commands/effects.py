"""How tests of a family's effects run a command, and compare what it tells with the reference's events and effects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pytest

from redpoll import commands
from redpoll.build_info import is_compiled
from redpoll.engine.engine import Engine
from redpoll.engine.interest import Interest
from redpoll.engine.session import Peer, Session
from redpoll.engine.unit import Journal
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random
from redpoll.keyspace.events import Event
from redpoll.keyspace.moment import NOTIFIED

assert commands.FAMILIES, "importing them is what fills the catalogue"

NOW_MS: Final = 1_700_000_000_000
"""The time at which `prepare` runs what comes before the command."""
PASSED_MS: Final = 10
"""How much later the command itself runs."""
SOON: Final = NOW_MS + PASSED_MS + 10_000
"""Ten seconds after the command runs."""


class Case(NamedTuple):
    """A command, and what it tells."""

    before: str
    """The commands that prepare the keyspace, with `;` between them."""
    line: str
    events: str
    """`database event key`, with a comma between events."""
    changes: int
    effects: list[str] | None
    """What the journal gets; None: the command as it came."""


interpreted = pytest.mark.skipif(is_compiled(), reason="events are heard by a patch, and a compiled method has none")


def each(cases: list[tuple[str, str, str, int, list[str] | None]]) -> Callable[[Callable[..., None]], Any]:
    """Run the test once with each of the cases as its argument `case`."""
    return pytest.mark.parametrize("case", [Case(*case) for case in cases], ids=[f"{c[0]}; {c[1]}" for c in cases])


def opened(journal: Journal, databases: int = 2) -> Session:
    """A session of an engine that stands at `NOW_MS` and writes into the journal."""
    engine = Engine(VirtualClock(NOW_MS * 1000), Random(1), databases)
    # Effects are kept only while somebody wants them.
    engine.unit.attach(journal)
    engine.start_unit()
    return engine.open_session(Peer())


def run(session: Session, lines: str) -> object:
    """Run commands with `;` between them inside the unit that is open; the last one's reply."""
    reply: object = None
    for line in lines.split(";"):
        if words := [word.encode() for word in line.split()]:
            command = session.engine.commands.get(words[0])
            assert command is not None
            if command.subcommands is not None:
                command = command.subcommands[words[1].lower()]
            reply = session.engine.run(session, command, words)
    return reply


def prepare(session: Session, before: str) -> None:
    """Run what comes before, and let ten milliseconds pass."""
    run(session, before)
    clock = session.engine.clock
    assert isinstance(clock, VirtualClock)
    clock.advance_ms(PASSED_MS)
    session.engine.start_unit()
    session.engine.unit.effects.clear()


def listen(session: Session, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All events from now on, as they come."""
    told: list[str] = []

    def note(self: Interest, db: int, key: bytes, event: Event) -> None:
        told.append(f"{db} {event.name.decode()} {key.decode()}")

    monkeypatch.setattr(Interest, "changed", note)
    session.engine.moment.interest |= NOTIFIED
    return told


def assert_effects(session: Session, case: Case) -> None:
    """The command counts its changes and writes its effects."""
    prepare(session, case.before)
    counted = session.engine.moment.changes
    run(session, case.line)
    assert session.engine.moment.changes - counted == case.changes
    written = [b" ".join(effect).decode() for effect in session.engine.unit.effects]
    assert written == ([case.line] if case.effects is None else case.effects)


def assert_events(session: Session, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    """The command tells its events, in their order."""
    prepare(session, case.before)
    told = listen(session, monkeypatch)
    run(session, case.line)
    assert ", ".join(told) == case.events


class Paper(Journal):
    """A journal that keeps units as they come: their effects, with a comma between them."""

    def __init__(self) -> None:
        self.units: list[str] = []

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        self.units.append(", ".join(b" ".join(effect).decode() for effect in effects))
