"""Loading an append-only file: at the start, and for DEBUG LOADAOF.  Source: spec/aof.md, section 4.

The handlers of the commands are called directly: there are no gates, replies, counters or effects.  No key expires
meanwhile (`Moment.repeating`), because the file has the deletion of an expired key as a command of its own.
"""

from __future__ import annotations

import os
from typing import Final

from mypy_extensions import i64

from redpoll.engine.command import Command
from redpoll.engine.engine import Engine
from redpoll.engine.propagation import propagation_failed
from redpoll.engine.session import Peer
from redpoll.env.files import Reader
from redpoll.errors import CommandError, unknown_command, unknown_subcommand, wrong_arity
from redpoll.persistence.append_folder import AppendFolder
from redpoll.persistence.append_reader import DAMAGED, ENDED, READING, TORN, CommandReader
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.manifest import BASE, Entry
from redpoll.persistence.snapshot_reader import Progress, SnapshotReader, shown
from redpoll.persistence.source import Source
from redpoll.protocol.requests import Names

BATCH: Final[i64] = 256
"""Commands that are read before they run, so that the keys of the next ones can be brought into cache."""
STEP: Final[i64] = 1 << 21
"""Bytes between two reports of progress."""


class LoadError(Exception):
    """The file cannot be loaded.  `reason` is for an operator."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: str = reason


class Replay:
    """Runs the commands of append-only files in an engine.  Call `begin` before, `end` after."""

    def __init__(self, engine: Engine, progress: Progress) -> None:
        self.engine: Final = engine
        self.progress: Final = progress
        self.names: Final = Names()
        self.names.expect(list(engine.commands))
        self.session: Final = engine.open_session(Peer())
        self.session.may_block = False
        self.session.is_primary = True
        self.queued: list[list[bytes]] | None = None
        """The commands since MULTI."""
        self.interest: i64 = 0
        self.deleting = True
        self.done: i64 = 0

    # The state of the engine while commands are repeated.

    def begin(self) -> None:
        """Stop expiry and events."""
        engine = self.engine
        moment = engine.moment
        moment.set_time(engine.clock.now_us())
        moment.repeating = True
        self.deleting = moment.deleting_expired
        moment.deleting_expired = False
        self.interest = moment.interest
        moment.interest = 0

    def end(self) -> None:
        """Let expiry and events go on."""
        moment = self.engine.moment
        moment.interest |= self.interest
        moment.deleting_expired = self.deleting
        moment.repeating = False

    def close(self) -> None:
        self.engine.close_session(self.session)

    def moved(self, done: i64, total: i64) -> None:
        """Report progress: clients are served meanwhile."""
        self.engine.reclaimer.finish()
        self.end()
        try:
            self.progress.moved(done, total)
        finally:
            self.begin()

    # Files.

    def file(self, reader: Reader, name: bytes, is_base: bool) -> CommandReader:
        """Repeat a whole file, up to its end or to the first fault.  Raises LoadError, OSError, DamagedError."""
        head = reader.read(6)
        session = self.session
        session.db = self.engine.databases[0]
        self.queued = None
        if head[:5] == b"REDIS" or head == b"VALKEY":
            self.progress.told(
                "Reading RDB base file on AOF loading..." if is_base else "Reading RDB preamble from AOF file..."
            )
            rest, before = self._preamble(reader, head, name)
            commands = CommandReader(reader, rest, before, self.names)
        else:
            commands = CommandReader(reader, head, 0, self.names)
        self._repeat(commands, reader.size)
        return commands

    def _preamble(self, reader: Reader, head: bytes, name: bytes) -> tuple[bytes, i64]:
        """Load a snapshot at the beginning; return what follows it in memory, and its offset in the file."""
        engine = self.engine
        summing = engine.durability.checking_sums and engine.config.flag(b"rdbchecksum")
        source = Source(b"", reader.size, HeadedReader(reader, head), summing)
        snapshot = SnapshotReader(engine, source, Through(self))
        try:
            snapshot.read()
        except DamagedError as damage:
            raise LoadError(
                f"Error reading the RDB preamble of the AOF file {shown(name)}, AOF loading aborted: {damage.told()}"
            ) from None
        finally:
            for db in engine.databases:
                db.end_loading()
        durability = engine.durability
        durability.keys_loaded = snapshot.keys
        durability.keys_expired = snapshot.expired
        durability.replace_libraries(list(snapshot.libraries.values()))
        self.progress.told(snapshot.summary())
        return source.data[source.at :], source.offset()

    def _repeat(self, commands: CommandReader, size: i64) -> None:
        session = self.session
        batch: list[list[bytes]] = []
        reported = commands.offset()
        while commands.state == READING:
            commands.batch(batch, BATCH)
            at: i64 = 0
            count: i64 = len(batch)
            while at < count:
                if at & 31 == 0:
                    session.db.warm_first(batch, at)
                self.run(batch[at])
                at += 1
            self.done += count
            batch.clear()
            if commands.offset() - reported >= STEP:
                reported = commands.offset()
                self.moved(reported, size)

    # Commands.

    def run(self, args: list[bytes]) -> None:
        """Repeat one command.  Raises LoadError."""
        name = args[0]
        engine = self.engine
        command = engine.commands.get(name)
        if command is None or command.subcommands is not None:
            command = self._resolve(args)
        count: i64 = len(args)
        arity = command.arity
        if count != arity and (arity >= 0 or count < -arity):
            raise LoadError(f"error: {refusal(wrong_arity(command.name))}")
        if count == 1 and self._bracket(command.name):
            return
        queued = self.queued
        if queued is not None:
            queued.append(args)
            return
        self._call(command, args)

    def _call(self, command: Command, args: list[bytes]) -> None:
        try:
            command.handler.run(self.session, args)
        except CommandError as refused:
            # A command that failed when it ran was not written.
            if propagation_failed(self.engine, False, command.name, refused.text):
                raise LoadError(f"error: {refusal(refused.text)}") from None

    def _bracket(self, name: bytes) -> bool:
        """Handle MULTI, EXEC and DISCARD."""
        if name == b"multi":
            self.queued = []
            return True
        if name == b"exec":
            queued = self.queued
            self.queued = None
            if queued is not None:
                for args in queued:
                    self.run(args)
            return True
        if name == b"discard":
            self.queued = None
            return True
        return False

    def _resolve(self, args: list[bytes]) -> Command:
        """Find a command by its name in any case, or a subcommand.  Raises LoadError."""
        name = args[0].lower()
        command = self.engine.commands.get(name)
        if command is None:
            raise LoadError(f"error: {refusal(unknown_command(args))}")
        if command.subcommands is not None and len(args) > 1:
            found = command.subcommands.get(args[1].lower())
            if found is None:
                raise LoadError(f"error: {refusal(unknown_subcommand(args[1], name))}")
            return found
        return command


class HeadedReader(Reader):
    """A reader of which the first bytes were read already."""

    def __init__(self, reader: Reader, head: bytes) -> None:
        super().__init__(-1, reader.size)
        self.reader: Final = reader
        self.head = head

    def read(self, most: int) -> bytes:
        head = self.head
        if head:
            self.head = head[most:]
            return head[:most]
        return self.reader.read(most)

    def close(self) -> None:
        """Nothing: the other reader is closed by its owner."""


class Through(Progress):
    """Passes the progress of a snapshot on."""

    def __init__(self, replay: Replay) -> None:
        self.replay: Final = replay

    def moved(self, done: i64, total: i64) -> None:
        self.replay.moved(done, total)

    def told(self, line: str) -> None:
        self.replay.progress.told(line)


def refusal(text: bytes) -> str:
    """An error reply without `ERR`, for the log."""
    return text.removeprefix(b"ERR ").decode("utf-8", "backslashreplace")


def load_all(engine: Engine, folder: AppendFolder, progress: Progress) -> str:
    """Load all files of the manifest; return the reason if that failed.  Then no data may be served."""
    parts = folder.manifest.parts()
    for entry in parts:
        path = folder.path(entry.name)
        if not folder.files.exists(path):
            return f"Unable to obtain the AOF file {shown(entry.name)} length. stat: No such file or directory"
    replay = Replay(engine, progress)
    replay.begin()
    began_us = engine.clock.now_us()
    try:
        for entry in parts:
            load_part(engine, folder, replay, entry, entry is parts[-1])
    except LoadError as refused:
        return refused.reason
    except DamagedError as damage:
        return damage.reason
    except OSError as failed:
        return f"Unrecoverable error reading the append only file: {failed.strerror}"
    finally:
        replay.end()
        replay.close()
    if parts:
        seconds = float(engine.clock.now_us() - began_us) / 1e6
        progress.told(f"DB loaded from append only file: {seconds:.3f} seconds")
    return ""


def load_part(engine: Engine, folder: AppendFolder, replay: Replay, entry: Entry, last: bool) -> None:
    """Load one file.  Raises LoadError, OSError, DamagedError."""
    reader = folder.files.reader(folder.path(entry.name))
    began_us = engine.clock.now_us()
    name = entry.name
    try:
        commands = replay.file(reader, name, entry.kind == BASE)
    except LoadError as refused:
        if refused.reason.startswith("error: "):
            raise LoadError(f"Error reading the append only file {shown(name)}, {refused.reason}") from None
        raise
    finally:
        reader.close()
    state = commands.state
    if state == DAMAGED:
        raise LoadError(
            f"Bad file format reading the append only file {shown(name)}: make a backup of your AOF file, then use "
            f"redpoll check-aof --fix {os.fsdecode(folder.name)}.manifest (at offset {commands.offset()})"
        )
    if state == TORN or (state == ENDED and commands.multi_at >= 0):
        mend(engine, folder, replay, entry, commands, last)
    seconds = float(engine.clock.now_us() - began_us) / 1e6
    kind = "base" if entry.kind == BASE else "incr"
    replay.progress.told(f"DB loaded from {kind} file {shown(name)}: {seconds:.3f} seconds")


def mend(
    engine: Engine, folder: AppendFolder, replay: Replay, entry: Entry, commands: CommandReader, last: bool
) -> None:
    """Cut a file that ends inside a command or a transaction.  Raises LoadError if the settings forbid that."""
    name = shown(entry.name)
    progress = replay.progress
    offset = commands.offset()
    if commands.multi_at >= 0:
        offset = commands.multi_at
        progress.told(f"Revert incomplete MULTI/EXEC transaction in AOF file {name}")
    if not engine.config.flag(b"aof-load-truncated"):
        raise LoadError(
            f"Unexpected end of file reading the append only file {name}. You can: 1) Make a backup of your AOF file, "
            f"then use redpoll check-aof --fix {os.fsdecode(folder.name)}.manifest. 2) Alternatively you can set the "
            f"'aof-load-truncated' configuration option to yes and restart the server. (at offset {offset})"
        )
    progress.told(f"!!! Warning: short read while loading the AOF file {name}!!!")
    progress.told(f"!!! Truncating the AOF {name} at offset {offset} !!!")
    folder.files.truncate(folder.path(entry.name), int(offset))
    progress.told(f"AOF {name} loaded anyway because aof-load-truncated is enabled")
    if not last:
        raise LoadError(f"Fatal error: the truncated file {name} is not the last file")
