"""Slow and large commands, for SLOWLOG, COMMANDLOG and LATENCY.

`Engine.run` compares a command's duration with one number, `counters.quick_us`, the lowest threshold.  Only commands
that reach it come here.  While the sizes of requests are checked, this number is below every duration.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.catalogue.spec import FAST, SKIP_COMMANDLOG
from redpoll.engine.command import Command
from redpoll.engine.command_log import CommandLog, request_bytes
from redpoll.engine.counters import CELLS, NEVER_QUICK, Counters
from redpoll.engine.latency import COMMAND, FAST_COMMAND, LatencyMonitor
from redpoll.engine.session import Session
from redpoll.engine.settings import Options
from redpoll.protocol.encode import encode
from redpoll.protocol.output import Output
from redpoll.protocol.reply import BLOCKED, NO_REPLY, QUEUED, Error, Status

NO_SIZE: Final[i64] = 1 << 62
FLUSH_BYTES: Final[i64] = 65536
"""Output leaves a connection at the latest when so much has come together."""
SHORT_BYTES: Final[i64] = 64
UNKNOWN: Final[i64] = -1


@mypyc_attr(allow_interpreted_subclasses=True)
class Measuring:
    """Who wants to know of every command; `hot_keys.py` subclasses it."""

    def add(self, session: Session, command: Command, args: list[bytes], reply: object, usec: i64) -> None:
        """A command ran."""
        raise NotImplementedError


class Both(Measuring):
    """Calls two others after every command."""

    def __init__(self, first: Measuring, second: Measuring) -> None:
        self.first: Final = first
        self.second: Final = second

    def add(self, session: Session, command: Command, args: list[bytes], reply: object, usec: i64) -> None:
        self.first.add(session, command, args, reply, usec)
        self.second.add(session, command, args, reply, usec)


class Outliers:
    """The logs and the monitor of one engine."""

    def __init__(self, counters: Counters) -> None:
        self.counters: Final = counters
        self.slow: Final = CommandLog()
        self.large_requests: Final = CommandLog()
        self.large_replies: Final = CommandLog()
        self.latency: Final = LatencyMonitor()
        self.percentiles: list[float] = []
        self.weighing = False
        """Whether one of the current requests may be large."""
        self.refused = Error(b"")
        """The reply to the last command that did not run."""
        self.weigh_from = NO_SIZE
        """If a connection holds this many bytes of requests, their sizes are checked."""
        self.large_from = NO_SIZE
        """Output of so many bytes may end with a large reply."""
        self.brim: i64 = FLUSH_BYTES
        """At so much output a connection stops to think."""
        self.sees_all_replies = False
        """Whether a connection does so at every reply."""
        self.measuring: Measuring | None = None
        """Called after every command: `keys_measured`, `slots_measured`, or both."""
        self.keys_measured: Measuring | None = None
        self.slots_measured: Measuring | None = None
        self.update_thresholds()

    def measure(self, measuring: Measuring | None) -> None:
        """Call `measuring`, a session of HOTKEYS, after every command from now on; None ends that."""
        if measuring is not self.keys_measured:
            self.keys_measured = measuring
            self._choose_measuring()

    def measure_slots(self, measuring: Measuring | None) -> None:
        """Call `measuring`, the statistics of slots, after every command from now on; None ends that."""
        self.slots_measured = measuring
        self._choose_measuring()

    def _choose_measuring(self) -> None:
        keys = self.keys_measured
        slots = self.slots_measured
        if keys is not None and slots is not None:
            self.measuring = Both(keys, slots)
        else:
            self.measuring = keys if keys is not None else slots
        self.update_thresholds()

    def apply_options(self, options: Options) -> None:
        """Apply the settings."""
        self.slow.threshold = options.commandlog_execution_slower_than
        self.slow.max_len = options.commandlog_slow_execution_max_len
        self.large_requests.threshold = options.commandlog_request_larger_than
        self.large_requests.max_len = options.commandlog_large_request_max_len
        self.large_replies.threshold = options.commandlog_reply_larger_than
        self.large_replies.max_len = options.commandlog_large_reply_max_len
        self.latency.threshold_ms = options.latency_monitor_threshold
        self.counters.track(options.latency_tracking)
        self.percentiles = [float(word) for word in options.latency_tracking_info_percentiles.split()]
        self.update_thresholds()

    def update_thresholds(self) -> None:
        """Update `quick_us`, the shortest duration that needs more than counting."""
        # The threshold of the latency monitor, in ms, is never below this.
        least = CELLS
        if 0 <= self.slow.threshold < least:
            least = self.slow.threshold
        self.counters.quick_us = NEVER_QUICK if self.weighing or least == 0 or self.measuring is not None else least
        self.weigh_from = NO_SIZE
        if self.large_requests.threshold >= 0:
            # A connection counts the bytes of arguments, without the protocol's overhead.
            self.weigh_from = self.large_requests.threshold >> 3
        self.large_from = NO_SIZE
        if self.large_replies.threshold >= 0:
            self.large_from = self.large_replies.threshold
        self.brim = FLUSH_BYTES
        if self.large_from < FLUSH_BYTES:
            self.brim = self.large_from
        if self.sees_all_replies:
            self.brim = 0

    def weigh_requests(self, weighing: bool) -> None:
        """Start or stop checking the size of every request."""
        self.weighing = weighing
        self.update_thresholds()

    def record(self, session: Session, command: Command, args: list[bytes], usec: i64, ended_us: i64) -> None:
        """Count a command that took `usec`, and add it to each log whose threshold it reaches."""
        self.counters.count(command.index, usec)
        self.latency.note(FAST_COMMAND if command.flag(FAST) else COMMAND, usec, ended_us)
        if command.flag(SKIP_COMMANDLOG):
            return
        if self.slow.accepts(usec):
            self.slow.add(session, command, args, usec, ended_us // 1000000)
        if self.weighing:
            size = request_bytes(args)
            if self.large_requests.accepts(size):
                self.large_requests.add(session, command, args, size, ended_us // 1000000)

    def record_reply(
        self, session: Session, args: list[bytes], reply: object, now_us: i64, size: i64 = UNKNOWN
    ) -> None:
        """Log a command whose reply is large; `size` is in bytes.  O(reply) if that is UNKNOWN."""
        if reply is self.refused or reply is QUEUED:
            return
        if self.large_from > SHORT_BYTES and (reply is None or isinstance(reply, Status) or isinstance(reply, int)):
            return
        if size == UNKNOWN:
            size = reply_bytes(reply, session.resp)
        if self.large_replies.accepts(size):
            command = session.engine.meant(args)
            # EXEC itself is not logged, but its commands are.
            if command is not None and not command.flag(SKIP_COMMANDLOG):
                self.large_replies.add(session, command, args, size, now_us // 1000000)


def bulk_bytes(size: i64) -> i64:
    """The bytes of a bulk string of `size` bytes on the wire."""
    return size + len(str(size)) + 5


def reply_bytes(reply: object, resp: i64) -> i64:
    """The bytes of a reply on the wire.  O(items).  Rare kinds of reply are encoded to measure them."""
    if isinstance(reply, bytes):
        return bulk_bytes(len(reply))
    if isinstance(reply, list):
        total: i64 = len(str(len(reply))) + 3
        for item in reply:
            total += reply_bytes(item, resp)
        return total
    if isinstance(reply, Status):
        return len(reply.wire)
    if reply is BLOCKED or reply is NO_REPLY:
        return 0
    scratch = Output()
    encode(scratch, reply, resp)
    return scratch.size()
