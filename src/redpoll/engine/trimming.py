"""Keeping the process about as small as what it holds: for a server, whose process is its own.

A second after much has been deleted, free pages go back to the system; if what is in use lies so scattered that few
pages are free, it is put together first.  All in steps of SLICE_US.  What an attempt could not give back is not tried
again until there is more.
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
"""How often the resident size is looked at."""
SLICE_US: Final[i64] = 500
REST_MS: Final[i64] = 1
"""How long a turn works, and the time to the next one."""

LITTLE_BYTES: Final[i64] = 8 << 20
LITTLE_PART: Final[i64] = 5
"""An excess of the resident size of so many bytes and a fifth of what is in use is left alone."""
MORE_BYTES: Final[i64] = 4 << 20
MORE_PART: Final[i64] = 20
"""What was left over before is tried again when it is so many bytes and a twentieth more."""

FALL_BYTES: Final[i64] = 1 << 20
"""While so much has been deleted since the last look, an attempt would be made too early."""

MOST_PASSES: Final = 6
WORTHWHILE_PART: Final[i64] = 50
"""Another pass is made if the one before has given back a fiftieth of the excess."""


class EngineCompaction(Compaction):
    """Moves the entries of the logs too."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.databases, Mover())
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
        self.asked = False
        self.passes = 0
        self.before: i64 = 0
        """The excess before this pass."""
        self.left: i64 = 0
        """The excess that the last attempt has left."""
        self.used: i64 = 0
        """What was in use at the last look."""
        self.moved: i64 = 0
        """How many objects were moved so far."""
        self.took_us: i64 = 0

    def ask(self) -> None:
        """Give back what can be given back, soon, be it ever so little."""
        self.asked = True

    def run(self) -> i64:
        """A slice of work, or a look at whether there is some; the time to the next call in ms."""
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
        """How much larger the process is than what it holds, in bytes."""
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
            # More will become free soon.
            self.left = 0
            return
        little = LITTLE_BYTES + used // LITTLE_PART
        if not self.asked and resident_bytes() - used <= little:
            self.left = 0
            return
        excess = self.excess()
        if excess < self.left:
            self.left = excess
        if self.asked or (excess > little and excess > self.left + MORE_BYTES + used // MORE_PART):
            self.asked = False
            self.is_running = True
            self.passes = 0
            self.before = excess

    def _step(self) -> None:
        compaction = self.compaction
        if compaction is not None:
            if not compaction.step():
                self.moved += compaction.mover.moved
                self.compaction = None
        elif not self.pages.step():
            self._end_pass()

    def _end_pass(self) -> None:
        """Free pages are given back: whether that is enough, or another pass shall put together what is in use."""
        excess = self.excess()
        little = LITTLE_BYTES + self.engine.used_memory() // LITTLE_PART
        gained = self.before - excess
        self.before = excess
        if excess > little and self.passes < MOST_PASSES and (self.passes == 0 or gained > excess // WORTHWHILE_PART):
            self.passes += 1
            self.compaction = EngineCompaction(self.engine)
        else:
            self.is_running = False
            self.left = excess
