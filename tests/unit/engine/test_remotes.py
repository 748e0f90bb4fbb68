"""Kept connections to other servers: one for each, for ten seconds, 64 at most."""

from __future__ import annotations

from redpoll.engine.engine import Engine
from redpoll.engine.remotes import MOST, Remote, Remotes
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random


class Closing(Remote):
    def __init__(self) -> None:
        super().__init__()
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_a_connection_is_closed_when_it_was_unused_for_ten_seconds() -> None:
    clock = VirtualClock()
    engine = Engine(clock, Random(1), 1)
    remote = Closing()
    remote.used_us = clock.now_us()
    engine.remotes.add(b"h", b"1", remote)
    assert engine.remotes.get(b"h", b"1") is remote
    assert engine.remotes.get(b"h", b"2") is None
    clock.advance_ms(10_000)
    engine.tick()
    assert remote.closed == 0
    clock.advance_ms(1)
    engine.tick()
    assert remote.closed == 1
    assert engine.remotes.get(b"h", b"1") is None
    engine.remotes.drop(b"h", b"1")


def test_the_longest_unused_one_makes_room() -> None:
    remotes = Remotes()
    made = [Closing() for _ in range(MOST + 1)]
    for n, remote in enumerate(made):
        remote.used_us = 1000 - n if n < MOST else 2000
        remotes.add(b"h", b"%d" % n, remote)
    assert [n for n, remote in enumerate(made) if remote.closed] == [MOST - 1]
    assert len(remotes.open) == MOST
