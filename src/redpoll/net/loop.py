"""The reactor: descriptors, timers and things to do soon, in one thread.

`run_forever` is the server's life; a program that embeds one calls `run_once`, or attaches `fileno()` to its own loop
and calls `run_once(0)` when it is readable or `next_deadline_ms` has come.
"""

from __future__ import annotations

from time import monotonic
from typing import Final

from mypy_extensions import i64

from redpoll.engine.counters import Traffic
from redpoll.net.poller import READABLE, WRITABLE, Poller, is_readable, is_writable, new_poller

FLUSH_AFTER_US: Final[i64] = 500
"""A turn that has taken this long runs the tasks for its end, so that clients get replies while others are read."""
SLICE_US: Final[i64] = 2000
"""How long a turn works on what has no hurry; longer only if what came before it in the turn took longer."""
MONOTONIC: Final = monotonic
"""A constant: compiled code looks up an imported name at each use, which takes half the time of the call."""
LOOK_EVERY: Final[i64] = 3
"""The time is checked when the number of handlers called in the turn has none of these bits."""


NESTED_ROUNDS: Final = 4
"""Rounds of `run_nested`: enough for a client to be accepted, read and answered."""


class Handler:
    """Called when a descriptor is ready."""

    def on_readable(self) -> None:
        raise NotImplementedError

    def on_writable(self) -> None:
        """Only called while `want_writable` is on."""

    def on_failure(self, failure: Exception) -> None:
        """One of the above has raised.  A handler that can close itself does; any other ends the loop."""
        raise failure


class Timer:
    """A repeated task.  `run` returns the ms until the next run."""

    def __init__(self) -> None:
        self.due_ms: i64 = 0

    def run(self) -> i64:
        raise NotImplementedError


class Task:
    """A task for the end of this turn of the loop, or of a part of it."""

    def run_task(self) -> None:
        raise NotImplementedError


class Reactor:
    """See the module's docstring.  Times are monotonic, in ms."""

    def __init__(self) -> None:
        self.poller: Final[Poller] = new_poller()
        self.handlers: Final[dict[int, Handler]] = {}
        self.timers: Final[list[Timer]] = []
        self.first_due_ms: i64 = -1
        """When the first timer is due; -1 without timers."""
        self.soon: list[Task] = []
        self.unhurried: list[Task] = []
        self.unhurried_at: i64 = 0
        """The tasks of `unhurried` before this one are done."""
        self.before_wait: Task | None = None
        """A task before each wait."""
        self.flush_after_us: i64 = FLUSH_AFTER_US
        self.stopping = False
        self.forever = False
        self.woke_us: i64 = 0
        self.traffic = Traffic()

    def fileno(self) -> int:
        return self.poller.fileno()

    def add(self, fd: int, handler: Handler) -> None:
        """Call `handler` whenever `fd` is readable."""
        self.handlers[fd] = handler
        self.poller.watch(fd, READABLE, False)

    def want_writable(self, fd: int, wanted: bool) -> None:
        """Start or stop calling it when `fd` is writable."""
        self.poller.watch(fd, READABLE | WRITABLE if wanted else READABLE, True)

    def remove(self, fd: int) -> None:
        """Stop watching; to be called before `fd` is closed."""
        if self.handlers.pop(fd, None) is not None:
            self.poller.forget(fd)

    def add_timer(self, timer: Timer, delay_ms: i64) -> None:
        self.timers.append(timer)
        self.postpone(timer, delay_ms)

    def postpone(self, timer: Timer, delay_ms: i64) -> i64:
        """Change when a timer runs: `delay_ms` from now.  Return that time in ms."""
        timer.due_ms = now_ms() + delay_ms
        self._find_first_due()
        return timer.due_ms

    def _find_first_due(self) -> None:
        first: i64 = -1
        for timer in self.timers:
            if first < 0 or timer.due_ms < first:
                first = timer.due_ms
        self.first_due_ms = first

    def next_deadline_ms(self) -> i64:
        """When there is something to do: the next timer is due, or there is work at hand; -1 if never."""
        if len(self.unhurried) > 0:
            return now_ms()
        return self.first_due_ms

    def run_once(self, timeout_ms: i64 = -1) -> None:
        """Wait at most this long (negative: until something happens), and handle everything that is ready."""
        before_wait = self.before_wait
        if before_wait is not None:
            before_wait.run_task()
        now_us = monotonic_us()
        traffic = self.traffic
        traffic.turns += 1
        if self.forever:
            # The previous turn ends here: the rest up to the wait is not measured.
            took = now_us - self.woke_us
            traffic.active_us += took
            if took > traffic.longest_turn_us:
                traffic.longest_turn_us = took
        first = self.first_due_ms
        if first >= 0:
            left = first - now_us // 1000
            if left < 0:
                left = 0
            if timeout_ms < 0 or left < timeout_ms:
                timeout_ms = left
        if len(self.soon) > 0 or len(self.unhurried) > 0:
            timeout_ms = 0
        handlers = self.handlers
        ready = self.poller.wait(timeout_ms)
        self.woke_us = monotonic_us()
        flush_us = self.woke_us + self.flush_after_us
        handled: i64 = 0
        for fd, mask in ready:
            handler = handlers.get(fd)
            if handler is None:
                continue
            try:
                if is_writable(mask):
                    handler.on_writable()
                if is_readable(mask) and handlers.get(fd) is handler:
                    handler.on_readable()
            except Exception as failure:
                handler.on_failure(failure)
            handled += 1
            if handled & LOOK_EVERY == 0 and monotonic_us() > flush_us:
                self.run_soon()
                flush_us = monotonic_us() + self.flush_after_us
        self.run_soon()
        if len(self.unhurried) > 0:
            self.run_slice()
        if first >= 0:
            now = self.woke_us // 1000
            if first <= now:
                for timer in self.timers:
                    if timer.due_ms <= now:
                        timer.due_ms = now + timer.run()
                self._find_first_due()

    def run_nested(self) -> None:
        """Handle what is ready inside a handler that takes long; timers and what has no hurry wait.

        A new client is accepted and answered in one call.  A handler that is running must not be called again: that is
        its own duty.
        """
        handlers = self.handlers
        for _ in range(NESTED_ROUNDS):
            ready = self.poller.wait(0)
            for fd, mask in ready:
                handler = handlers.get(fd)
                if handler is None:
                    continue
                try:
                    if is_writable(mask):
                        handler.on_writable()
                    if is_readable(mask) and handlers.get(fd) is handler:
                        handler.on_readable()
                except Exception as failure:
                    handler.on_failure(failure)
            self.run_soon()
            if len(ready) == 0 or self.stopping:
                break

    def run_soon(self) -> None:
        """Run the tasks for the end of the turn."""
        while len(self.soon) > 0:
            tasks = self.soon
            self.soon = []
            for task in tasks:
                task.run_task()

    def run_slice(self) -> None:
        """Do a slice of what has no hurry: the rest waits until others had their turn."""
        tasks = self.unhurried
        at = self.unhurried_at
        began_us = monotonic_us()
        # At least half of a busy server's time: those who make such work shall not outrun it.
        took_us = began_us - self.woke_us
        until_us = began_us + (took_us if took_us > SLICE_US else SLICE_US)
        while at < len(tasks):
            task = tasks[at]
            at += 1
            task.run_task()
            if at & LOOK_EVERY == 0 and monotonic_us() > until_us:
                break
        if at >= len(tasks):
            self.unhurried = []
            at = 0
        elif at > len(tasks) >> 1:
            del tasks[:at]
            at = 0
        self.unhurried_at = at

    def run_forever(self) -> None:
        """Run turns until `stop`."""
        self.woke_us = monotonic_us()
        self.forever = True
        while not self.stopping:
            self.run_once()
        self.forever = False

    def stop(self) -> None:
        self.stopping = True


def now_ms() -> i64:
    return monotonic_us() // 1000


def monotonic_us() -> i64:
    return i64(MONOTONIC() * 1000000.0)
