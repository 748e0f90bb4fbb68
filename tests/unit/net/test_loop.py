"""The reactor: in what order a turn does what there is to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from time import monotonic

import pytest

from redpoll.build_info import is_compiled
from redpoll.net.loop import FLUSH_AFTER_US, LOOK_EVERY, SLICE_US, Handler, Reactor, Task, Timer, now_ms

pytestmark = pytest.mark.skipif(is_compiled(), reason="handlers that are not compiled cannot be made of compiled ones")


class Turn:
    """A reactor with readable descriptors, and what it did."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.sockets: list[socket.socket] = []
        self.told: list[str] = []

    def add(self, handler: Handler) -> None:
        near, far = socket.socketpair()
        self.sockets += [near, far]
        far.send(b"x")
        self.reactor.add(near.fileno(), handler)


@pytest.fixture
def turn() -> Iterator[Turn]:
    made = Turn()
    yield made
    for sock in made.sockets:
        sock.close()


class Note(Task):
    """Notes that it was done; takes the descriptors of `leaving` out."""

    def __init__(self, turn: Turn, leaving: list[int] | None = None) -> None:
        self.turn = turn
        self.leaving = leaving or []

    def run_task(self) -> None:
        self.turn.told.append("task")
        for fd in self.leaving:
            self.turn.reactor.remove(fd)


class Busy(Handler):
    """Takes its time, and has a task left to do when it was the first."""

    def __init__(self, turn: Turn, takes_us: int, task: Task) -> None:
        self.turn = turn
        self.takes_us = takes_us
        self.task = task

    def on_readable(self) -> None:
        until = monotonic() + self.takes_us / 1e6
        while monotonic() < until:
            pass
        if not self.turn.told:
            self.turn.reactor.soon.append(self.task)
        self.turn.told.append("handler")


TOGETHER = int(LOOK_EVERY) + 1
"""So many handlers are called before the reactor looks at the clock."""


def test_a_short_turn_does_at_its_end_what_was_put_off(turn: Turn) -> None:
    task = Note(turn)
    turn.add(Busy(turn, 0, task))
    turn.add(Busy(turn, 0, task))
    turn.reactor.run_once(0)
    assert turn.told == ["handler", "handler", "task"]


def test_a_long_turn_does_it_in_between(turn: Turn) -> None:
    task = Note(turn)
    for _ in range(TOGETHER + 1):
        turn.add(Busy(turn, int(FLUSH_AFTER_US) // TOGETHER + 1, task))
    turn.reactor.run_once(0)
    assert turn.told == ["handler"] * TOGETHER + ["task", "handler"]


def test_who_is_removed_in_between_is_not_called(turn: Turn) -> None:
    task = Note(turn)
    for _ in range(2 * TOGETHER):
        turn.add(Busy(turn, int(FLUSH_AFTER_US), task))
    task.leaving = list(turn.reactor.handlers)
    turn.reactor.run_once(0)
    assert turn.told == ["handler"] * TOGETHER + ["task"]


class Slow(Task):
    """Takes half a slice, and adds `following` behind all others."""

    def __init__(self, turn: Turn, following: Task | None = None) -> None:
        self.turn = turn
        self.following = following

    def run_task(self) -> None:
        until = monotonic() + int(SLICE_US) / 2e6
        while monotonic() < until:
            pass
        self.turn.told.append("slow")
        if self.following is not None:
            self.turn.reactor.unhurried.append(self.following)


def test_what_has_no_hurry_is_done_in_slices_behind_what_has(turn: Turn) -> None:
    reactor = turn.reactor
    reactor.unhurried += [Slow(turn) for _ in range(3 * TOGETHER)]
    for done in range(1, 4):
        reactor.soon.append(Note(turn))
        assert reactor.next_deadline_ms() >= 0
        # It does not wait while there is something to do.
        reactor.run_once(60_000)
        assert turn.told == (["task"] + ["slow"] * TOGETHER) * done
    assert (reactor.unhurried, reactor.next_deadline_ms()) == ([], -1)


def test_what_is_added_meanwhile_comes_last(turn: Turn) -> None:
    reactor = turn.reactor
    reactor.unhurried += [Slow(turn, Note(turn)), Slow(turn)]
    reactor.run_once(0)
    assert turn.told == ["slow", "slow", "task"]
    assert reactor.unhurried == []


class Alarm(Timer):
    """Notes that it has run, and rests for a minute."""

    def __init__(self, turn: Turn, name: str) -> None:
        super().__init__()
        self.turn = turn
        self.name = name

    def run(self) -> int:
        self.turn.told.append(self.name)
        return 60_000


def test_a_wait_ends_when_the_first_timer_is_due(turn: Turn) -> None:
    reactor = turn.reactor
    late, soon = Alarm(turn, "late"), Alarm(turn, "soon")
    reactor.add_timer(late, 60_000)
    reactor.add_timer(soon, 5)
    assert reactor.next_deadline_ms() == soon.due_ms
    while not turn.told:
        reactor.run_once()
    assert turn.told == ["soon"]
    # The one that has run is no longer the first.
    assert reactor.next_deadline_ms() == late.due_ms


def test_the_time_of_a_timer_can_change(turn: Turn) -> None:
    reactor = turn.reactor
    alarm = Alarm(turn, "alarm")
    reactor.add_timer(alarm, 0)
    assert reactor.postpone(alarm, 60_000) == alarm.due_ms == reactor.next_deadline_ms()
    reactor.run_once(0)
    assert turn.told == []
    reactor.postpone(alarm, 0)
    assert reactor.next_deadline_ms() <= now_ms()
    reactor.run_once()
    assert turn.told == ["alarm"]
