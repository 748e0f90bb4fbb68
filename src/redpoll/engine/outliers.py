"""Commands that stand out: slow ones and large ones, for SLOWLOG, COMMANDLOG and LATENCY.

`Engine.run` compares a command's duration with one number, `counters.quick_us`, the least of all thresholds; only
what reaches it comes here.  While requests are weighed, that number is below every duration.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.spec import FAST, SKIP_COMMANDLOG
from redpoll.engine.command import Command
from redpoll.engine.command_log import CommandLog, request_bytes
from redpoll.engine.counters import CELLS, NEVER_QUICK, Counters
from redpoll.engine.latency import COMMAND, FAST_COMMAND, LatencyMonitor
from redpoll.engine.session import Session
from redpoll.engine.settings import Options
from redpoll.protocol.encode import Output, encode
from redpoll.protocol.reply import BLOCKED, NO_REPLY, QUEUED, Error, Status

NO_SIZE: Final[i64] = 1 << 62
FLUSH_BYTES: Final[i64] = 65536
"""Output leaves a connection at the latest when so much has come together."""
SHORT_BYTES: Final[i64] = 64
UNKNOWN: Final[i64] = -1


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
        """Whether a request among those at hand may be a large one."""
        self.refused = Error(b"")
        """The reply to the last command that did not run."""
        self.weigh_from = NO_SIZE
        """A connection that holds so many bytes of requests has them weighed."""
        self.large_from = NO_SIZE
        """Output of so many bytes may end with a large reply."""
        self.brim: i64 = FLUSH_BYTES
        """At so much output a connection stops to think."""
        self.sees_all_replies = False
        """Whether a connection does so at every reply."""
        self.update_thresholds()

    def apply_options(self, options: Options) -> None:
        """Use these settings from now on."""
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
        """Find the least duration that needs more than a count."""
        # The latency monitor's milliseconds are never below it.
        least = CELLS
        if 0 <= self.slow.threshold < least:
            least = self.slow.threshold
        self.counters.quick_us = NEVER_QUICK if self.weighing or least == 0 else least
        self.weigh_from = NO_SIZE
        if self.large_requests.threshold >= 0:
            # A connection counts the arguments that it holds, not what the wire adds to each.
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
        """Start or stop to look at the size of every request."""
        self.weighing = weighing
        self.update_thresholds()

    def record(self, session: Session, command: Command, args: list[bytes], usec: i64, ended_us: i64) -> None:
        """Count a command that took `usec`, and add it to each log whose threshold it reaches."""
        self.counters.count(command.index, usec)
        self.latency.note(FAST_COMMAND if command.flag(FAST) else COMMAND, usec, ended_us)
        if command.flag(SKIP_COMMANDLOG):
            return
        if self.slow.takes(usec):
            self.slow.note(session, command, args, usec, ended_us // 1000000)
        if self.weighing:
            size = request_bytes(args)
            if self.large_requests.takes(size):
                self.large_requests.note(session, command, args, size, ended_us // 1000000)

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
        if self.large_replies.takes(size):
            command = session.engine.meant(args)
            # EXEC is not kept: its commands are.
            if command is not None and not command.flag(SKIP_COMMANDLOG):
                self.large_replies.note(session, command, args, size, now_us // 1000000)


def bulk_bytes(size: i64) -> i64:
    """What a bulk string of `size` bytes takes on the wire."""
    return size + len(str(size)) + 5


def reply_bytes(reply: object, resp: i64) -> i64:
    """The bytes of a reply on the wire.  O(items); the rare kinds of reply are encoded to find out."""
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
