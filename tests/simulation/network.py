"""An in-memory network: connections with delays, losses and partitions.

A connection keeps the order of its bytes.  While a direction is cut, its bytes wait, as TCP would send them again; a
connection that breaks loses what is on its way.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, Protocol

CHUNK: Final = 4096
"""The most bytes of one delivery."""


class Schedule(Protocol):
    """What a network needs of its world."""

    now: int

    def at(self, when: int, action: Callable[[], None]) -> None: ...


class Place:
    """Where the ends of connections are: a node or a client.  `life` counts its starts."""

    def __init__(self, index: int, name: str) -> None:
        self.index: Final = index
        self.name: Final = name
        self.life = 0

    def is_there(self) -> bool:
        """Whether its machine answers at all."""
        return True

    def run(self, life: int, action: Callable[[], None]) -> None:
        """Let something happen here, if this is still that life."""
        action()


class End:
    """One end of a connection."""

    def __init__(self, place: Place) -> None:
        self.place: Final = place
        self.life: Final = place.life
        self.pipe: Pipe | None = None
        self.side = 0
        self.is_shut = False

    def connected(self) -> None:
        """The connection is open."""

    def received(self, data: bytes) -> None:
        """Bytes have come."""

    def lost(self, reason: str) -> None:
        """The connection is gone."""

    def open(self) -> None:
        if not self.is_shut:
            self.connected()

    def take(self, data: bytes) -> None:
        """Bytes reach this end.  They may have waited while its node was frozen."""
        if not self.is_shut:
            self.received(data)

    def lose(self, reason: str) -> None:
        if not self.is_shut:
            self.lost(reason)

    def send(self, data: bytes) -> None:
        if self.pipe is not None:
            self.pipe.send(self.side, data)

    def shut(self) -> None:
        """Close the connection: this end learns nothing more of it."""
        self.is_shut = True
        if self.pipe is not None:
            self.pipe.close(self.side)


class Pipe:
    """A connection of two ends."""

    def __init__(self, network: Net, near: End, far: Place) -> None:
        self.network: Final = network
        self.ends: Final[list[End | None]] = [near, None]
        self.places: Final = (near.place, far)
        self.receives = [True, True]
        """Whether an end still gets anything."""
        self.last = [0, 0]
        """When the last bytes to an end arrive."""
        self.held: Final[list[list[bytes]]] = [[], []]
        """What waits for the end of a partition; empty bytes: the end of the connection."""
        near.pipe = self

    def send(self, side: int, data: bytes) -> None:
        other = 1 - side
        if not self.receives[other] or not data:
            return
        for start in range(0, len(data), CHUNK):
            self.post(other, data[start : start + CHUNK])

    def post(self, to: int, data: bytes) -> None:
        network = self.network
        when = max(network.schedule.now + network.delay(), self.last[to])
        self.last[to] = when
        network.schedule.at(when, lambda: self.arrive(to, data))

    def arrive(self, to: int, data: bytes) -> None:
        if not self.receives[to]:
            return
        if self.held[to] or self.network.is_cut(self.places[1 - to], self.places[to]):
            self.held[to].append(data)
            self.network.holding[self] = None
            return
        self.give(to, data)

    def give(self, to: int, data: bytes) -> None:
        end = self.ends[to]
        if end is None:
            return
        if not data:
            self.tell_lost(to, "closed by the other end")
        elif end.place.is_there():
            end.place.run(end.life, lambda: end.take(data))

    def tell_lost(self, to: int, reason: str) -> None:
        end = self.ends[to]
        self.receives[to] = False
        self.network.pipes.pop(self, None)
        if end is not None and end.place.is_there():
            end.place.run(end.life, lambda: end.lose(reason))

    def close(self, side: int) -> None:
        """This end closes: what it has sent still arrives, and then the end."""
        if self.receives[side]:
            self.receives[side] = False
            self.network.pipes.pop(self, None)
            if self.receives[1 - side]:
                self.post(1 - side, b"")

    def snap(self, silence_ms: int = 0, dead: int = -1) -> None:
        """Break: all that is on its way is lost.  The ends (but the `dead` one) learn of it after a silence."""
        network = self.network
        network.pipes.pop(self, None)
        for side in (0, 1):
            if self.receives[side] and side != dead:
                wait = network.delay() + silence_ms
                network.schedule.at(network.schedule.now + wait, self.teller(side))
            self.receives[side] = False

    def teller(self, side: int) -> Callable[[], None]:
        return lambda: self.tell_lost(side, "the connection has broken")

    def release(self) -> None:
        """A partition has ended."""
        for to in (0, 1):
            if not self.network.is_cut(self.places[1 - to], self.places[to]):
                held, self.held[to][:] = list(self.held[to]), []
                for data in held:
                    if self.receives[to]:
                        self.give(to, data)


class Net:
    """See the module's docstring."""

    def __init__(self, schedule: Schedule, chance: random.Random) -> None:
        self.schedule: Final = schedule
        self.chance: Final = chance
        self.cut: set[tuple[int, int]] = set()
        self.pipes: dict[Pipe, None] = {}
        self.holding: dict[Pipe, None] = {}
        self.slow = False
        """Whether delays are long now."""

    def delay(self) -> int:
        delay = self.chance.choice((0, 0, 1, 1, 2, 5, 20))
        return delay * 20 if self.slow else delay

    def is_cut(self, one: Place, other: Place) -> bool:
        """Whether nothing gets from one to the other."""
        return (one.index, other.index) in self.cut

    def dial(self, near: End, far: Place, listens: Callable[[], bool], accept: Callable[[], End]) -> None:
        """Connect to a place.  `listens`: whether a program there accepts connections now."""
        pipe = Pipe(self, near, far)
        schedule = self.schedule

        def knock() -> None:
            if self.is_cut(near.place, far) or self.is_cut(far, near.place) or not far.is_there():
                schedule.at(schedule.now + self.chance.randrange(500, 10000), refuse)
            elif not listens():
                refuse()
            else:
                far.run(far.life, answer)

        def refuse() -> None:
            if pipe.receives[0]:
                pipe.tell_lost(0, "cannot connect")

        def answer() -> None:
            if not pipe.receives[0]:
                return
            end = accept()
            end.pipe = pipe
            end.side = 1
            pipe.ends[1] = end
            self.pipes[pipe] = None
            when = max(schedule.now + self.delay(), pipe.last[0])
            pipe.last[0] = when
            schedule.at(when, opened)

        def opened() -> None:
            if pipe.receives[0] and near.place.is_there():
                near.place.run(near.life, near.open)

        schedule.at(schedule.now + self.delay(), knock)

    def partition(self, inside: set[int], all_of: list[Place], way: int) -> None:
        """Cut some places off from the rest; `way` 0: they hear nothing, 1: they are not heard, 2: both."""
        for one in all_of:
            for other in all_of:
                if one.index in inside and other.index not in inside:
                    if way != 0:
                        self.cut.add((one.index, other.index))
                    if way != 1:
                        self.cut.add((other.index, one.index))

    def uncut(self) -> None:
        """End all partitions; what was held is delivered."""
        self.cut.clear()
        holding, self.holding = self.holding, {}
        for pipe in holding:
            pipe.release()

    def of(self, place: Place) -> list[Pipe]:
        return [pipe for pipe in self.pipes if place in pipe.places]
