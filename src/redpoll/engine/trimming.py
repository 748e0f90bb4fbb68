"""Trimming: return freed memory to the system.  Only a server does this; a program owns its own memory.

Once a second, trimming compares the resident size of the process with the memory in use.  If the excess is large, it
returns free pages to the system.  If that is not enough, it moves objects closer together and tries again.  It holds
the free blocks of the C library meanwhile, so that no object moves into one of them.  Each turn takes SLICE_US.  If an
attempt could not return all memory, the next attempt waits until more memory is free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.env.allocator import FreePages, glibc
from redpoll.env.process import resident_bytes
from redpoll.keyspace.compaction import Compaction
from redpoll.structures.mover import Mover

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine

LOOK_MS: Final[i64] = 1000
"""Interval between two comparisons of the resident size."""
SLICE_US: Final[i64] = 500
REST_MS: Final[i64] = 1
"""Duration of a turn, and the pause before the next turn."""

LITTLE_BYTES: Final[i64] = 4 << 20
LITTLE_PART: Final[i64] = 16
"""Trimming starts above an excess of LITTLE_BYTES plus a sixteenth of the data."""
MORE_BYTES: Final[i64] = 4 << 20
MORE_PART: Final[i64] = 20
"""The next attempt starts if the remaining excess grows by MORE_BYTES plus a twentieth of the data ..."""
RETRY_US: Final[i64] = 30_000_000
"""... or after this time, if data has changed."""

FALL_BYTES: Final[i64] = 1 << 20
"""If memory in use falls by this much between two comparisons, deletion is still going on: wait."""

MOST_PASSES: Final = 6
WORTHWHILE_PART: Final[i64] = 50
"""Another pass follows if the last pass returned a fiftieth of the excess."""


class EngineCompaction(Compaction):
    """A compaction that also moves the entries of the logs."""

    def __init__(self, engine: Engine, mover: Mover) -> None:
        super().__init__(engine.databases, mover)
        self.engine: Final = engine

    def move_others(self) -> None:
        outliers = self.engine.outliers
        for log in (outliers.slow, outliers.large_requests, outliers.large_replies):
            log.move(self.mover)


class Trimming:
    """See the module's docstring."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self.pages: Final = FreePages(glibc())
        self.compaction: Compaction | None = None
        self.is_running = False
        self.holds = False
        """Whether all free blocks of the C library were returned in this pass, and are held."""
        self.again = False
        """Whether another pass follows."""
        self.asked = False
        self.passes = 0
        self.before: i64 = 0
        """The excess before this pass."""
        self.left: i64 = 0
        """The excess after the last attempt."""
        self.used: i64 = 0
        """Memory in use at the last comparison."""
        self.moved: i64 = 0
        """Number of moved objects so far."""
        self.took_us: i64 = 0
        self.ended_us: i64 = 0
        self.changes: i64 = 0
        """When the last attempt ended, and the changes of data until then."""

    def ask(self) -> None:
        """Start an attempt soon, for any excess (MEMORY PURGE)."""
        self.asked = True

    def run(self) -> i64:
        """Work for one slice, or check whether there is work; return the ms until the next call."""
        if not self.is_running:
            if self.engine.reclaimer.pending() > 0:
                return LOOK_MS
            self._look()
            if not self.is_running:
                return LOOK_MS
        clock = self.engine.clock
        began = clock.now_us()
        now = began
        while self.is_running and now - began < SLICE_US:
            self._step()
            now = clock.now_us()
        self.took_us += now - began
        return REST_MS if self.is_running else LOOK_MS

    def excess(self) -> i64:
        """Bytes by which the process is larger than the memory in use."""
        held: i64 = self.engine.used_memory()
        for session in self.engine.sessions.values():
            buffers = session.peer.buffers()
            held += buffers.request + buffers.reply + buffers.backlog
        return resident_bytes() - held

    def _look(self) -> None:
        used = self.engine.used_memory()
        fell = self.used - used
        self.used = used
        if fell > FALL_BYTES:
            # Deletion is still going on.
            self.left = 0
            return
        little = self._little()
        if not self.asked and resident_bytes() - used <= little:
            self.left = 0
            return
        excess = self.excess()
        if excess < self.left:
            self.left = excess
        if self.asked or (excess > little and (excess > self.left + self._more() or self._is_time())):
            self.asked = False
            self.is_running = True
            self.passes = 0
            self.before = excess

    def _little(self) -> i64:
        """The excess that is left alone."""
        return LITTLE_BYTES + self.engine.moment.used_bytes // LITTLE_PART

    def _more(self) -> i64:
        """The growth of the excess after which the next attempt does not wait."""
        return MORE_BYTES + self.engine.moment.used_bytes // MORE_PART

    def _is_time(self) -> bool:
        """Whether data has changed since the last attempt, a while ago."""
        engine = self.engine
        return engine.moment.changes != self.changes and engine.clock.now_us() - self.ended_us > RETRY_US

    def _step(self) -> None:
        compaction = self.compaction
        if compaction is not None:
            if not compaction.step():
                self.moved += compaction.mover.moved
                self.compaction = None
        elif not self.holds:
            if not self.pages.take():
                self.holds = True
                self._decide()
        elif not self.pages.free():
            self.holds = False
            self.is_running = self.again

    def _decide(self) -> None:
        """After free pages were returned: end the attempt, or move objects and start another pass."""
        excess = self.excess()
        little = self._little()
        gained = self.before - excess
        self.before = excess
        self.again = excess > little and self.passes < MOST_PASSES
        if self.again and self.passes > 0:
            self.again = gained > excess // WORTHWHILE_PART
        if self.again:
            self.passes += 1
            self.compaction = EngineCompaction(self.engine, Mover())
        else:
            self.left = excess
            self.ended_us = self.engine.clock.now_us()
            self.changes = self.engine.moment.changes
