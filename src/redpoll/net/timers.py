"""The timers of a server that need only its engine."""

from __future__ import annotations

import gc
from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import BEHIND_MS, Engine
from redpoll.engine.sampler import SAMPLE_MS
from redpoll.engine.trimming import LOOK_MS
from redpoll.net.loop import Timer
from redpoll.replication.replication import Replication

TICK_MS: Final[i64] = 10
REPLICATE_MS: Final[i64] = 100
COLLECT_MS: Final[i64] = 100


class Tick(Timer):
    """The timer of the engine's background work: waits, deadlines, memory."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine: Final = engine

    def run(self) -> i64:
        engine = self.engine
        engine.tick()
        if engine.reclaimer.pending() > 0 or engine.eviction.is_behind:
            return 1
        if engine.expiry.is_behind:
            return BEHIND_MS
        if engine.next_deadline_ms() > 0:
            return TICK_MS
        return 1000 // engine.options.hz


class Sample(Timer):
    """Rates and peaks for INFO."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine: Final = engine

    def run(self) -> i64:
        if not self.engine.cron_paused:
            self.engine.sampler.sample(self.engine.clock.now_us())
        return SAMPLE_MS


class Trim(Timer):
    """Keeps the process about as small as what it holds."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine: Final = engine

    def run(self) -> i64:
        if self.engine.cron_paused:
            return LOOK_MS
        return self.engine.trimming.run()


class Collect(Timer):
    """Runs a young garbage collection, for cycles of libraries.  Our own code makes none.

    It runs often, because it visits all objects since the last one: after a minute of filling a database it would take
    100 ms.
    """

    def run(self) -> i64:
        gc.collect(0)
        return COLLECT_MS


class Replicating(Timer):
    """The timer of replication."""

    def __init__(self, replication: Replication) -> None:
        super().__init__()
        self.replication: Final = replication

    def run(self) -> i64:
        if not self.replication.engine.cron_paused:
            self.replication.engine.start_unit()
            self.replication.tick()
        return REPLICATE_MS
