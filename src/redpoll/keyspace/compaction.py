"""Compaction: one pass over all keys that moves objects closer together, so that whole memory regions become free.

The pass works in small steps.  Keys can change between two steps; the next pass finds the objects that this one misses.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.env.allocator import anonymous_areas
from redpoll.keyspace.database import Database
from redpoll.structures.mover import ALIGNMENT, SMALL, Mover
from redpoll.structures.regions import common_offset
from redpoll.structures.table_move import move_bucket

LISTING: Final = -1
COUNTING: Final = 0
FILLING: Final = 1
MOVING: Final = 2
RELEASING: Final = 3
DONE: Final = 4

FILLED_A_STEP: Final[i64] = 64
RELEASED_A_STEP: Final[i64] = 4
"""Freeing the last object of an arena takes a thousand times as long as others: it returns a megabyte."""


class Compaction:
    """Counts the objects of each region, fills the sparse regions, moves the objects, and frees the fillers."""

    def __init__(self, databases: list[Database], mover: Mover) -> None:
        self.databases: Final = databases
        self.mover: Final = mover
        self.phase = LISTING
        self.areas: Final = anonymous_areas()
        mover.regions.offset = common_offset(self.areas)
        self.database: i64 = 0
        self.slot: i64 = 0
        self.bucket: i64 = 0
        self.piece: i64 = 0
        self.size: i64 = SMALL

    def step(self) -> bool:
        """Work for a few microseconds; return whether there is more to do."""
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
                mover.start(self.known_bytes())
                self._start_walk(FILLING)
        elif phase == FILLING and mover.starved_size > 0:
            if not mover.fill(mover.starved_size, FILLED_A_STEP):
                mover.starved_size = 0
                self.phase = MOVING
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
                # The pass then shows the remaining objects again.
                self.phase = FILLING
        elif phase == RELEASING:
            if not mover.release(RELEASED_A_STEP):
                self.phase = DONE
        return self.phase != DONE

    def known_bytes(self) -> i64:
        """The memory of all tables."""
        total: i64 = 0
        for database in self.databases:
            for table in database.tables.existing():
                total += table.size_bytes()
        return total

    def move_others(self) -> None:
        """Show further objects to the mover at the end of a pass.  For subclasses."""

    def _start_walk(self, phase: int) -> None:
        self.phase = phase
        self.database = 0
        self.slot = 0
        self.bucket = 0

    def _walk(self) -> bool:
        """Show the next piece to the mover; return False if there is none."""
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
        tables = self.databases[self.database].tables
        slot = tables.following(self.slot)
        if slot != self.slot:
            self.slot = slot
            self.bucket = 0
        if slot < 0:
            self.database += 1
            self.slot = 0
        elif not move_bucket(tables.tables[slot], self.bucket, mover):
            self.slot += 1
            self.bucket = 0
        elif mover.starved:
            containers.clear()
        else:
            self.bucket += 1
        return True
