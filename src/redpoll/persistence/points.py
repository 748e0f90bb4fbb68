"""Save points: when a snapshot begins automatically, and when a failed one blocks writes."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.config.settings import Config, Effects
from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_WRITE_DISK

RETRY_S: Final[i64] = 5
"""Least seconds between a failed snapshot and the next one."""


def points_of(config: Config) -> list[int]:
    """Seconds and numbers of changes in turn."""
    return [int(word) for word in config.words(b"save")]


def due_point(engine: Engine) -> str:
    """The log line if a save point requires a snapshot now; otherwise empty."""
    durability = engine.durability
    now_s = engine.moment.now_us // 1000000
    if not durability.last_save_worked and now_s - durability.tried_s <= RETRY_S:
        return ""
    changes = engine.unsaved_changes()
    points = points_of(engine.config)
    for n in range(0, len(points), 2):
        if changes >= points[n + 1] and now_s - durability.saved_s > points[n]:
            return f"{points[n + 1]} changes in {points[n]} seconds. Saving..."
    return ""


def review_gate(engine: Engine) -> None:
    """Block writes if there are save points, the last snapshot failed, and the setting says so.

    Also while the append-only file cannot be written.
    """
    config = engine.config
    held = (
        not engine.durability.last_save_worked
        and bool(config.words(b"save"))
        and config.flag(b"stop-writes-on-bgsave-error")
    )
    log = engine.durability.append_only
    if held or (log is not None and log.trouble != ""):
        engine.gates |= GATE_WRITE_DISK
    else:
        engine.gates &= ~GATE_WRITE_DISK


class SaveSettings(Effects):
    """Applies the settings that decide whether a failed save blocks writes."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine

    def connect(self) -> None:
        for name in (b"save", b"stop-writes-on-bgsave-error"):
            self.engine.config.listen(name, self)

    def apply(self, name: bytes, config: Config) -> bytes:
        review_gate(self.engine)
        return b""
