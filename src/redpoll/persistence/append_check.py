"""Examining an append-only file without repeating its commands.  It accepts what the loader accepts."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.env.files import Reader
from redpoll.persistence.append_loading import HeadedReader
from redpoll.persistence.append_reader import DAMAGED, READING, TORN, CommandReader
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.snapshot_reader import Progress
from redpoll.persistence.source import Source
from redpoll.persistence.survey import Survey
from redpoll.protocol.requests import Names

BATCH: Final[i64] = 1000
STEP: Final[i64] = 1 << 22
"""Bytes between two reports of progress."""


class Examined:
    """What an append-only file contains.  Offsets and sizes are in bytes."""

    def __init__(self, size: int) -> None:
        self.size: Final = size
        self.good: int = 0
        """The file is good up to this offset."""
        self.reason: str = ""
        """What is wrong there; empty if the file is good."""
        self.can_be_cut = True
        """Whether cutting it there makes it good: not if the snapshot at its beginning is damaged."""
        self.commands: int = 0
        self.keys: int = -1
        """Keys of the snapshot at the beginning; -1 without one."""
        self.time_s: int = 0
        """The last annotation with a time; 0 if there is none."""
        self.later = False
        """Whether commands after the wanted time follow at `good`."""


def examine(engine: Engine, reader: Reader, progress: Progress, stop_after_s: i64) -> Examined:
    """Examine a file; with a time, only up to the first annotation that is later.  Raises OSError.  O(bytes)."""
    found = Examined(reader.size)
    head = reader.read(6)
    rest = head
    before: i64 = 0
    if head[:5] == b"REDIS" or head == b"VALKEY":
        source = Source(b"", reader.size, HeadedReader(reader, head), True)
        survey = Survey(engine, source, progress)
        try:
            survey.read()
        except DamagedError as damage:
            found.reason = f"the snapshot at the beginning is damaged {damage.told()}"
            found.can_be_cut = False
            return found
        found.keys = int(survey.keys)
        rest = source.data[source.at :]
        before = source.offset()
    commands = CommandReader(reader, rest, before, Names())
    commands.stop_after_s = stop_after_s
    batch: list[list[bytes]] = []
    reported = before
    while commands.state == READING:
        commands.batch(batch, BATCH)
        found.commands += len(batch)
        batch.clear()
        if commands.offset() - reported >= STEP:
            reported = commands.offset()
            progress.moved(reported, reader.size)
    found.time_s = int(commands.time_s)
    found.good = int(commands.offset())
    if commands.state == DAMAGED:
        found.reason = "here is no command"
    elif commands.state == TORN:
        found.reason = "the file ends inside a command"
    else:
        found.later = commands.is_before_time
    if commands.multi_at >= 0:
        found.good = int(commands.multi_at)
        found.reason = "a transaction begins here and does not end: MULTI without EXEC"
    return found
