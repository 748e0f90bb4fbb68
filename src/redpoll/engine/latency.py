"""Latency spikes by event, for LATENCY.

An event that took at least the threshold is kept with its second.  Within one second only the longest is kept.  Source:
spec/server.md, "LATENCY".

A blocked command counts as `command` or `fast-command` when it is served, as in the reference (where
`command-unblocking` is for modules).  An `expire-del` is the deletion of a string of many megabytes, which is freed at
once; containers are freed in small steps.  An `aof-write-active-child` is a write while a snapshot or a rewrite is
under way: there is no child process here.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

SAMPLES: Final[i64] = 160
"""Samples kept of each event."""

COMMAND: Final = b"command"
FAST_COMMAND: Final = b"fast-command"
EXPIRE_CYCLE: Final = b"expire-cycle"
EXPIRE_DEL: Final = b"expire-del"
EVICTION_CYCLE: Final = b"eviction-cycle"
EVICTION_DEL: Final = b"eviction-del"
AOF_WRITE: Final = b"aof-write"
"""Each write to the append-only file; it is also one of the following three."""
AOF_WRITE_PENDING_FSYNC: Final = b"aof-write-pending-fsync"
AOF_WRITE_ACTIVE_CHILD: Final = b"aof-write-active-child"
AOF_WRITE_ALONE: Final = b"aof-write-alone"
AOF_FSYNC_ALWAYS: Final = b"aof-fsync-always"
AOF_FSTAT: Final = b"aof-fstat"
AOF_RENAME: Final = b"aof-rename"
RDB_UNLINK_TEMP_FILE: Final = b"rdb-unlink-temp-file"


@mypyc_attr(acyclic=True)
class Series:
    """The samples of one event as a ring of columns; `next` is where the next goes."""

    def __init__(self) -> None:
        self.at_s: vec[i64] = vec[i64]()
        self.ms: vec[i64] = vec[i64]()
        self.next: i64 = 0
        self.greatest_ms: i64 = 0
        self.sum_ms: i64 = 0
        self.count: i64 = 0

    def add(self, at_s: i64, ms: i64) -> None:
        """Keep a sample."""
        self.sum_ms += ms
        self.count += 1
        if ms > self.greatest_ms:
            self.greatest_ms = ms
        length: i64 = len(self.ms)
        if length > 0:
            last = (self.next - 1 + length) % length
            if self.at_s[last] == at_s:
                if ms > self.ms[last]:
                    self.ms[last] = ms
                return
        if length < SAMPLES:
            self.at_s = append(self.at_s, at_s)
            self.ms = append(self.ms, ms)
            self.next = (length + 1) % SAMPLES
            return
        self.at_s[self.next] = at_s
        self.ms[self.next] = ms
        self.next = (self.next + 1) % SAMPLES

    def samples(self) -> list[tuple[int, int]]:
        """Seconds and milliseconds, the oldest first."""
        length = len(self.ms)
        first = int(self.next) if length == SAMPLES else 0
        found: list[tuple[int, int]] = []
        for n in range(length):
            at = (first + n) % length
            found.append((int(self.at_s[at]), int(self.ms[at])))
        return found


class LatencyMonitor:
    """The series by event.  `threshold_ms` 0 keeps nothing."""

    def __init__(self) -> None:
        self.threshold_ms: i64 = 0
        self.series: Final[dict[bytes, Series]] = {}

    def note(self, event: bytes, usec: i64, now_us: i64) -> None:
        """Add an event that took `usec` microseconds, if that reaches the threshold."""
        ms = usec // 1000
        if self.threshold_ms == 0 or ms < self.threshold_ms:
            return
        found = self.series.get(event)
        if found is None:
            found = Series()
            self.series[event] = found
        found.add(now_us // 1000000, ms)

    def reset(self, events: list[bytes]) -> int:
        """Delete some events, or all; return how many there were."""
        if len(events) == 0:
            events = list(self.series)
        dropped = 0
        for event in events:
            if self.series.pop(event, None) is not None:
                dropped += 1
        return dropped
