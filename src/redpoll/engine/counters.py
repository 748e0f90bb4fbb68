"""The statistics of an engine: calls and durations of commands, rejections, failures, errors by code.

A call shorter than 64 µs, nearly every one, is counted in one place: the cell of its command and its duration.  Calls,
their sum of time and their distribution all follow from those cells.  Longer ones go to a `LongCalls` of the command.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

CELL_BITS: Final[i64] = 6
CELLS: Final[i64] = 64
"""Durations, in microseconds, that have a cell of their own for each command."""
CELL_MASK: Final[i64] = 63

NEVER_QUICK: Final[i64] = -(1 << 62)
"""No duration is lower: as `quick_us`, it makes every call pass through `Outliers.record`."""

STEP_BITS: Final[i64] = 5
"""Each doubling of a longer duration is split in 32: its count is right to 3 %."""
LONGEST_BITS: Final[i64] = 46

MOST_CODES: Final = 128
"""Error codes counted by themselves."""
OVERFLOW_CODE: Final = b"ERRORSTATS_OVERFLOW"


@mypyc_attr(acyclic=True)
class LongCalls:
    """The calls of one command that took 64 µs or more: counts by duration, in steps of a thirty-second."""

    def __init__(self) -> None:
        self.counts: vec[i64] = vec[i64]([0] * int((LONGEST_BITS - CELL_BITS) << STEP_BITS))
        self.calls: i64 = 0
        self.usec: i64 = 0

    def add(self, usec: i64) -> None:
        self.calls += 1
        self.usec += usec
        self.counts[step_of(usec)] += 1


def step_of(usec: i64) -> i64:
    """The index of a duration of at least 64 µs."""
    power: i64 = CELL_BITS
    while usec >> power > 1:
        power += 1
    if power >= LONGEST_BITS:
        return ((LONGEST_BITS - CELL_BITS) << STEP_BITS) - 1
    return ((power - CELL_BITS) << STEP_BITS) + ((usec >> (power - STEP_BITS)) & 31)


def end_of_step(step: i64) -> i64:
    """The longest duration that is counted at index `step`, in microseconds."""
    width = step >> STEP_BITS
    return ((32 + (step & 31) + 1) << (width + CELL_BITS - STEP_BITS)) - 1


class Calls:
    """The cells of all commands, and their long calls."""

    def __init__(self, commands: i64) -> None:
        self.cells: vec[i64] = vec[i64]([0] * int(commands << CELL_BITS))
        self.long: dict[int, LongCalls] = {}

    def count(self, index: i64, usec: i64) -> None:
        """Count a call of any length."""
        if usec < CELLS:
            self.cells[(index << CELL_BITS) | (usec & CELL_MASK)] += 1
            return
        found = self.long.get(index)
        if found is None:
            found = LongCalls()
            self.long[index] = found
        found.add(usec)

    def calls(self, index: i64) -> i64:
        """The number of calls of a command.  O(64)."""
        found = self.long.get(index)
        total: i64 = found.calls if found is not None else i64(0)
        at = index << CELL_BITS
        stop = at + CELLS
        while at < stop:
            total += self.cells[at]
            at += 1
        return total

    def usec(self, index: i64) -> i64:
        """The total time of a command.  O(64)."""
        found = self.long.get(index)
        total: i64 = found.usec if found is not None else i64(0)
        first = index << CELL_BITS
        took: i64 = 1
        while took < CELLS:
            total += self.cells[first + took] * took
            took += 1
        return total

    def reset(self) -> None:
        for at in range(len(self.cells)):
            self.cells[at] = 0
        self.long.clear()


class Counters:
    """Columns indexed by `Command.index`; times in microseconds.

    `Engine.run` compares a duration with `quick_us`.  Below it, it only counts the call in `cells`.
    """

    def __init__(self, commands: int) -> None:
        self.commands: i64 = commands
        self.quick_us: i64 = CELLS
        self.tracked: Final = Calls(commands)
        self.untracked: Final = Calls(commands)
        """Calls that took place while `latency-tracking` was off: they count, but in no distribution."""
        self.cells: vec[i64] = self.tracked.cells
        """Where quick calls are counted now: the very cells of `tracked` or of `untracked`."""
        self.tracking = True
        self.rejected: vec[i64] = vec[i64]([0] * commands)
        self.failed: vec[i64] = vec[i64]([0] * commands)
        self.errors: dict[bytes, int] = {}
        self.error_replies: i64 = 0
        self.internal_errors: i64 = 0
        self.propagation_errors: i64 = 0
        """Failed commands of the primary or of the append-only file."""

    def track(self, tracking: bool) -> None:
        """Start or stop to record the distribution of durations."""
        self.tracking = tracking
        self.cells = self.tracked.cells if tracking else self.untracked.cells

    def count(self, index: i64, usec: i64) -> None:
        """Count a call of any length."""
        if self.tracking:
            self.tracked.count(index, usec)
        else:
            self.untracked.count(index, usec)

    def calls(self, index: i64) -> i64:
        """The number of calls of a command.  O(64)."""
        return self.tracked.calls(index) + self.untracked.calls(index)

    def usec(self, index: i64) -> i64:
        """The total time of a command.  O(64)."""
        return self.tracked.usec(index) + self.untracked.usec(index)

    def processed(self) -> i64:
        """The number of calls of all commands.  O(commands)."""
        total: i64 = 0
        index: i64 = 0
        while index < self.commands:
            total += self.calls(index)
            index += 1
        return total

    def total_usec(self) -> i64:
        """The total time of all commands.  O(commands)."""
        total: i64 = 0
        index: i64 = 0
        while index < self.commands:
            total += self.usec(index)
            index += 1
        return total

    def error(self, text: bytes) -> None:
        """Count an error reply under its code: the first word, if it is at most 32 bytes long with the `-`."""
        self.error_replies += 1
        at = text.find(b" ", 0, 31)
        code = text[:at] if at >= 0 else b"ERR"
        for strange in (b"#", b":", b"\r", b"\n"):
            code = code.replace(strange, b"_")
        if code not in self.errors and len(self.errors) >= MOST_CODES:
            code = OVERFLOW_CODE
        self.errors[code] = self.errors.get(code, 0) + 1

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        self.tracked.reset()
        self.untracked.reset()
        for index in range(len(self.failed)):
            self.rejected[index] = 0
            self.failed[index] = 0
        self.errors.clear()
        self.error_replies = 0
        self.internal_errors = 0
        self.propagation_errors = 0


@mypyc_attr(acyclic=True)
class Traffic:
    """Statistics of sockets and of the event loop.  The owner of the sockets updates them."""

    def __init__(self) -> None:
        self.commands: i64 = 0
        """Commands that ran, including those of transactions; INFO's rate is computed from it."""
        self.received: i64 = 0
        self.sent: i64 = 0
        self.received_of_primary: i64 = 0
        self.sent_to_replicas: i64 = 0
        """Bytes of replication links."""
        self.slots_received: i64 = 0
        self.slots_sent: i64 = 0
        """Bytes of migrations of slots."""
        self.reads: i64 = 0
        self.writes: i64 = 0
        self.turns: i64 = 0
        self.active_us: i64 = 0
        self.longest_turn_us: i64 = 0
        self.connections: i64 = 0
        self.rejected_connections: i64 = 0
        self.refused_passwords: i64 = 0
        self.query_limit_closes: i64 = 0
        self.output_limit_closes: i64 = 0
        self.evicted_clients: i64 = 0
        self.attacked_us: i64 = 0
        """When the log last warned of HTTP requests."""

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        self.commands = 0
        self.received = 0
        self.sent = 0
        self.received_of_primary = 0
        self.sent_to_replicas = 0
        self.slots_received = 0
        self.slots_sent = 0
        self.reads = 0
        self.writes = 0
        self.turns = 0
        self.active_us = 0
        self.longest_turn_us = 0
        self.connections = 0
        self.rejected_connections = 0
        self.query_limit_closes = 0
        self.evicted_clients = 0
        self.output_limit_closes = 0
