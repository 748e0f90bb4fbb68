"""One pass over all keys that puts what is in use closer together, so that free memory comes in whole pieces.

It is made in small steps, between which anything may happen to the keys: what it misses then, the next pass finds.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.env.allocator import anonymous_areas
from redpoll.keyspace.database import Database
from redpoll.structures.mover import ALIGNMENT, SMALL, Mover
from redpoll.structures.table_move import move_bucket

LISTING: Final = -1
COUNTING: Final = 0
FILLING: Final = 1
MOVING: Final = 2
RELEASING: Final = 3
DONE: Final = 4

FILLED_A_STEP: Final[i64] = 64
RELEASED_A_STEP: Final[i64] = 4
"""The last object of an arena takes a thousand times as long to free as any other: it gives a megabyte back."""


class Compaction:
    """Counts what is in use where, fills up what lies badly, moves everything, and frees what it filled up with."""

    def __init__(self, databases: list[Database], mover: Mover) -> None:
        self.databases: Final = databases
        self.mover: Final = mover
        self.phase = LISTING
        self.areas: Final = anonymous_areas()
        self.database: i64 = 0
        self.bucket: i64 = 0
        self.piece: i64 = 0
        self.size: i64 = SMALL

    def step(self) -> bool:
        """A few microseconds of work; whether there is more to do."""
        phase = self.phase
        mover = self.mover
        if phase == LISTING:
            # The allocator's regions of which nothing is counted are sparse too: some data does not tell its address.
            if len(self.areas) > 0:
                start, stop = self.areas.pop()
                mover.regions.add_area(start, stop)
            else:
                self.phase = COUNTING
        elif phase == COUNTING:
            if not self._walk():
                mover.start()
                self._start_walk(FILLING)
        elif phase == FILLING:
            # From the largest to the smallest: a block of any size may get a whole empty pool, and larger ones use it
            # up with fewer of them.
            if not mover.fill(self.size, FILLED_A_STEP):
                self.size -= ALIGNMENT
                if self.size == 0:
                    self.size = SMALL
                    self.phase = MOVING
        elif phase == MOVING:
            if not self._walk():
                mover.replace_spare_lists()
                self.move_others()
                self.phase = RELEASING
            if mover.starved:
                # What it could not move is shown to it again then.
                self.phase = FILLING
        elif phase == RELEASING:
            if not mover.release(RELEASED_A_STEP):
                self.phase = DONE
        return self.phase != DONE

    def move_others(self) -> None:
        """Show to the mover what else there is, at the end: few objects, for a subclass that knows of them."""

    def _start_walk(self, phase: int) -> None:
        self.phase = phase
        self.database = 0
        self.bucket = 0

    def _walk(self) -> bool:
        """Show the next piece to the mover; False if there is none."""
        mover = self.mover
        containers = mover.containers
        if len(containers) > 0:
            following = containers[-1].move_piece(mover, self.piece)
            if not mover.starved:
                self.piece = following
                if following < 0:
                    containers.pop()
                    self.piece = 0
            return True
        if self.database >= len(self.databases):
            return False
        if not move_bucket(self.databases[self.database].table, self.bucket, mover):
            self.database += 1
            self.bucket = 0
        elif mover.starved:
            containers.clear()
        else:
            self.bucket += 1
        return True
