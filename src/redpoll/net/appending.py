"""The append-only file in the event loop: when it is written, and its timer."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.config.settings import Config, Effects
from redpoll.engine.engine import Engine
from redpoll.net.loop import FLUSH_AFTER_US, Reactor, Task, Timer
from redpoll.persistence.append_control import AppendFile

BUSY_MS: Final[i64] = 10
IDLE_MS: Final[i64] = 100
"""How often the file is looked after: while a sync runs or a client waits for one, and otherwise."""
SYNCED_TURN_US: Final[i64] = 20000
"""Under `appendfsync always`, a turn that has taken this long sends replies in between."""


class Commit(Task):
    """Writes the effects of a turn of the loop to the append-only file, if no reply has had them written."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine

    def run_task(self) -> None:
        if self.engine.unwritten:
            self.engine.commit()


class Appending(Timer):
    """The timer of the append-only file: syncs, failed writes, rewrites."""

    def __init__(self, log: AppendFile) -> None:
        super().__init__()
        self.log: Final = log

    def run(self) -> i64:
        log = self.log
        if not log.engine.cron_paused:
            log.tick()
        return BUSY_MS if log.syncing is not None or len(log.waits) > 0 else IDLE_MS


class Turns(Effects):
    """Decides whether replies are sent in the middle of a long turn of the loop.

    Not while each sending waits for a sync: then one sync at the end of the turn serves all its commands.
    """

    def __init__(self, reactor: Reactor) -> None:
        self.reactor: Final = reactor

    def connect(self, config: Config) -> None:
        """Apply the current values, and listen to changes."""
        for name in (b"appendonly", b"appendfsync"):
            config.listen(name, self)
        self.apply(b"appendonly", config)

    def apply(self, name: bytes, config: Config) -> bytes:
        synced = config.flag(b"appendonly") and config.text(b"appendfsync") == b"always"
        self.reactor.flush_after_us = SYNCED_TURN_US if synced else FLUSH_AFTER_US
        return b""
