"""The end of a server by SHUTDOWN or a signal: replicas get the rest of the stream, and the data is saved if asked."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.engine.durability import LOG_BEGINS, LOG_OFF
from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_BUSY
from redpoll.env.log import Log
from redpoll.net.loop import Reactor, Timer, now_ms
from redpoll.net.saving import IDLE_MS
from redpoll.net.timers import TICK_MS
from redpoll.persistence.append_control import AppendFile
from redpoll.persistence.saving import save
from redpoll.replication.departure import Departure


class Ending(Timer):
    """Ends the loop of a server, at once or when its replicas have all data.  The timer checks whether they have."""

    def __init__(
        self, engine: Engine, reactor: Reactor, log: Log, append_only: AppendFile, departure: Departure
    ) -> None:
        super().__init__()
        self.engine: Final = engine
        self.reactor: Final = reactor
        self.log: Final = log
        self.append_only: Final = append_only
        self.departure: Final = departure
        self.postponed: list[bytes] | None = None
        """The arguments of `stop`, while a signal waits for a busy script; else None."""

    def run(self) -> i64:
        if self.postponed is not None:
            self.end_after_script()
            return TICK_MS
        self.engine.start_unit()
        departure = self.departure
        if departure.is_over() and not self.end(departure.end()):
            departure.abort()
        return TICK_MS if departure.is_waiting() else IDLE_MS

    def signalled(self, name: str) -> None:
        """End after a signal."""
        if self.engine.durability.loading:
            self.log.warning("Received shutdown signal during loading, scheduling shutdown.")
            self.reactor.stop()
            return
        self.log.signal(f"Received {name} scheduling shutdown...")
        directive = b"shutdown-on-sigint" if name == "SIGINT" else b"shutdown-on-sigterm"
        self.postponed = [word.upper() for word in self.engine.config.words(directive)]
        self.end_after_script()

    def end_after_script(self) -> None:
        """End as a signal asked.  First kill a busy script if it has written nothing, or else wait for its end."""
        engine = self.engine
        scripts = engine.scripts
        if engine.gates & GATE_BUSY != 0 and scripts is not None:
            scripts.kill(scripts.runs_function())
            if self.due_ms - now_ms() > TICK_MS:
                self.reactor.postpone(self, TICK_MS)
            return
        words = self.postponed
        self.postponed = None
        if words is not None:
            self.stop("", words)

    def stop(self, who: str, words: list[bytes]) -> bool:
        """End the loop after this turn; `who` names the client for the log, `words` are the words of SHUTDOWN.

        First, replicas get the rest of the stream.  False if the server cannot end, and goes on.
        """
        departure = self.departure
        if self.reactor.stopping or (departure.is_waiting() and b"NOW" not in words):
            return True
        self.log.notice(f"User requested shutdown...{who}")
        if departure.must_wait(words):
            departure.wait(words)
            return True
        return self.end(words)

    def end(self, words: list[bytes]) -> bool:
        """Save the data if `words` or the configuration say so, and end the loop after this turn.  False on failure."""
        saving = b"SAVE" in words or (b"NOSAVE" not in words and bool(self.engine.config.words(b"save")))
        if self.append_only.state == LOG_BEGINS and b"FORCE" not in words:
            self.log.warning("Writing initial AOF. Can't exit.")
            return False  # before the rewrite is cancelled: the server goes on, and needs it
        running = self.engine.durability.running
        if running is not None:
            running.cancel("the server ends")
        self.end_append_only()
        if saving and not self.engine.durability.loading:
            self.log.notice("Saving the final RDB snapshot before exiting.")
            if not save(self.engine) and b"FORCE" not in words:
                self.log.warning("Error trying to save the DB, can't exit.")
                return False
        self.reactor.stop()
        return True

    def end_append_only(self) -> None:
        """Write and sync the append-only file before the end."""
        log = self.append_only
        if log.state == LOG_OFF:
            return
        if log.state == LOG_BEGINS:
            self.log.warning("Writing initial AOF. Exit anyway.")
            return
        self.log.notice("Calling fsync() on the AOF file.")
        if not log.flush():
            self.log.warning(f"Fail to fsync the AOF file: {log.trouble}.")
