"""The most used keys: a tracker that always samples a few commands, and sessions of HOTKEYS.

The tracker samples about one command in a hundred at random, and shows the keys of the last complete window.  Between
two samples, a command only decreases a counter.  A session measures every command, or one in `ratio`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import KeyRange, keys_of
from redpoll.engine.command import Command
from redpoll.engine.command_log import request_bytes
from redpoll.engine.outliers import Measuring, reply_bytes
from redpoll.engine.session import Session
from redpoll.engine.settings import Options
from redpoll.engine.top_keys import TopKeys
from redpoll.env.process import cpu_seconds

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine

COUNTERS_EACH: Final[i64] = 8
"""Number of counters for each key to show."""
LEAST_COUNTERS: Final[i64] = 64
LEAST_SAMPLES: Final = 5
"""Least number of samples of a hot key: fewer samples prove nothing."""
NEVER: Final[i64] = -1
"""Start value of `Engine.until_sample` if the tracker is off: it never reaches 0."""


class HotKey:
    """A key, the number of its database, and a lower estimate of its uses per second."""

    def __init__(self, db: int, key: bytes, per_second: int) -> None:
        self.db: Final = db
        self.key: Final = key
        self.per_second: Final = per_second


class HotKeys:
    """The tracker of one engine, and its session of HOTKEYS.  The session is kept until it is reset."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self.most: i64 = 0
        self.interval: i64 = 100
        """The tracker samples one command in this number."""
        self.window_us: i64 = 0
        self.began_us: i64 = 0
        self.top = TopKeys(LEAST_COUNTERS)
        self.shown: list[HotKey] = []
        self.measuring: Measurement | None = None

    def apply_options(self, options: Options) -> None:
        """Apply new settings, and drop the results so far."""
        self.most = options.hotkey_top_k
        self.interval = 100 // options.hotkey_sampling_ratio
        self.window_us = options.hotkey_window_seconds * 1_000_000
        counters = self.most * COUNTERS_EACH
        self.top = TopKeys(counters if counters > LEAST_COUNTERS else LEAST_COUNTERS)
        self.shown = []
        self.began_us = self.engine.moment.now_us
        self._wait()

    def _wait(self) -> None:
        """Choose the next command to sample at random: on average the `interval`-th."""
        if self.most == 0:
            self.engine.until_sample = NEVER
        else:
            self.engine.until_sample = 1 + self.engine.random.below(2 * self.interval - 1)

    def sample(self, session: Session, command: Command, args: list[bytes]) -> None:
        """Count the keys of a sampled command."""
        self._wait()
        self.end_window()
        specs = command.spec.keys
        if len(specs) == 0:
            return
        db: i64 = session.db.index
        if len(specs) == 1:
            spec = specs[0]
            if isinstance(spec, KeyRange) and spec.first == spec.last:
                if 0 < spec.first < len(args):
                    self.top.add(db, args[spec.first], 1)
                return
        for key in keys_of(specs, args) or []:
            self.top.add(db, args[key.at], 1)

    def end_window(self) -> None:
        """End a window: publish its keys and begin the next window."""
        now_us = self.engine.moment.now_us
        passed = now_us - self.began_us
        if 0 <= passed < self.window_us:
            return
        self.shown = []
        # Results that are older than two windows are dropped.
        if 0 < passed < 2 * self.window_us:
            for samples, db, key in self.top.heaviest(self.most):
                if samples >= LEAST_SAMPLES:
                    self.shown.append(HotKey(db, key, samples * int(self.interval) * 1_000_000 // int(passed)))
        self.top.clear()
        self.began_us = now_us

    def hottest(self) -> list[HotKey]:
        """The keys of the last complete window, the hottest first."""
        self.end_window()
        return self.shown

    def measured(self) -> Measurement | None:
        """The current or last session; None if there was none or it was reset."""
        measuring = self.measuring
        if measuring is not None:
            measuring.end_if_over(self.engine.moment.now_us)
            self.engine.outliers.measure(measuring if measuring.active else None)
        return measuring

    def start(self, measuring: Measurement) -> None:
        """Begin a session and drop the last one."""
        self.measuring = measuring
        self.engine.outliers.measure(measuring)

    def stop(self) -> None:
        """End the session and keep its results."""
        measuring = self.measured()
        if measuring is not None:
            measuring.end(self.engine.moment.now_us)
            self.engine.outliers.measure(None)

    def reset(self) -> None:
        """Drop the results of a session that has ended."""
        self.measuring = None


class Measurement(Measuring):
    """A session of HOTKEYS: processor time (`cpu`) and bytes on the wire (`net`) by key.

    The cost of a command is divided evenly among its keys.  The session measures one command in `ratio`; the sums are
    scaled to all commands.
    """

    def __init__(self, engine: Engine, cpu: bool, net: bool, count: i64, seconds: i64, ratio: i64) -> None:
        self.engine: Final = engine
        self.cpu: Final = cpu
        self.net: Final = net
        self.count: i64 = count
        self.ratio: i64 = ratio
        self.active = True
        self.began_us: i64 = engine.moment.now_us
        self.ends_us: i64 = self.began_us + seconds * 1_000_000 if seconds > 0 else i64(0)
        self.lasted_us: i64 = 0
        system, user, _, _ = cpu_seconds(False)
        self.system_seconds = system
        self.user_seconds = user
        self.all_us: i64 = 0
        self.all_bytes: i64 = 0
        counters = count * COUNTERS_EACH
        self.times: Final = TopKeys(counters if counters > LEAST_COUNTERS else LEAST_COUNTERS)
        self.sizes: Final = TopKeys(counters if counters > LEAST_COUNTERS else LEAST_COUNTERS)

    def add(self, session: Session, command: Command, args: list[bytes], reply: object, usec: i64) -> None:
        """Count a command that ran."""
        self.end_if_over(self.engine.moment.now_us)
        # The commands of EXEC are counted instead of EXEC.
        if not self.active:
            self.engine.outliers.measure(None)
            return
        if command.name == b"exec":
            return
        size = request_bytes(args) + reply_bytes(reply, session.resp)
        self.all_us += usec
        self.all_bytes += size
        if self.ratio > 1 and self.engine.random.below(self.ratio) != 0:
            return
        keys = keys_of(command.spec.keys, args)
        if keys is None or len(keys) == 0:
            return
        each: i64 = len(keys)
        db: i64 = session.db.index
        for key in keys:
            if self.cpu:
                self.times.add(db, args[key.at], usec // each)
            if self.net:
                self.sizes.add(db, args[key.at], size // each)

    def end_if_over(self, now_us: i64) -> None:
        """End the session if its time is over."""
        if self.ends_us != 0 and now_us >= self.ends_us:
            self.end(self.ends_us)

    def end(self, now_us: i64) -> None:
        """Stop measuring."""
        if self.active:
            self.active = False
            self.lasted_us = now_us - self.began_us
            system, user, _, _ = cpu_seconds(False)
            self.system_seconds = system - self.system_seconds
            self.user_seconds = user - self.user_seconds

    def duration_us(self) -> i64:
        """Duration of the session so far, or in all."""
        return self.engine.moment.now_us - self.began_us if self.active else self.lasted_us

    def processor_ms(self) -> tuple[int, int]:
        """Processor time of the process during the session, in user space and in the system."""
        if not self.active:
            return int(self.user_seconds * 1000.0), int(self.system_seconds * 1000.0)
        system, user, _, _ = cpu_seconds(False)
        return int((user - self.user_seconds) * 1000.0), int((system - self.system_seconds) * 1000.0)
