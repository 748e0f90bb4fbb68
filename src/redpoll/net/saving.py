"""Snapshots in the event loop: a timer starts a snapshot when a save point is reached, and writes it in slices."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.env.log import Log
from redpoll.net.loop import Timer
from redpoll.persistence import background
from redpoll.persistence.points import due_point

IDLE_MS: Final[i64] = 100
"""The period of the timer while no snapshot is written."""
SLICE_US: Final[i64] = 1500
"""The length of a slice, except for large values."""


class Snapshots(Timer):
    """Starts and continues snapshots.  They get at most `snapshot-cpu-percent` of the time."""

    def __init__(self, engine: Engine, log: Log) -> None:
        super().__init__()
        self.engine: Final = engine
        self.log: Final = log
        engine.saves_itself = False

    def run(self) -> i64:
        engine = self.engine
        running = engine.durability.running
        if engine.durability.loading:
            return IDLE_MS
        if running is None:
            if engine.cron_paused or engine.frozen != 0:
                return IDLE_MS
            engine.start_unit()
            reason = due_point(engine)
            if not reason and not engine.durability.scheduled:
                return IDLE_MS
            if reason:
                self.log.notice(reason)
            background.start(engine)
            return 1
        engine.start_unit()
        began = engine.clock.now_us()
        if not running.step(SLICE_US):
            return IDLE_MS
        took: i64 = engine.clock.now_us() - began
        share: i64 = engine.config.integer(b"snapshot-cpu-percent")
        rest: i64 = took * (100 - share) // share // 1000
        return rest if rest > 1 else i64(1)
