"""Loading the snapshot file: at the start, and for DEBUG RELOAD."""

from __future__ import annotations

import errno

from redpoll.engine.durability import RunningLoad
from redpoll.engine.engine import Engine
from redpoll.env.files import Reader
from redpoll.keyspace.tables import Tables
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.snapshot_reader import Progress, SnapshotReader
from redpoll.persistence.source import Source


def open_snapshot(engine: Engine, path: bytes) -> Reader | None:
    """Open the file; None if it does not exist.  Raises OSError if it cannot be read."""
    try:
        return engine.config.files.reader(path)
    except OSError as refused:
        if refused.errno == errno.ENOENT:
            return None
        raise


def load(engine: Engine, reader: Reader, progress: Progress, merging: bool = False) -> str:
    """Add the data of a snapshot file to the databases; return the reason if that failed.  Then no data may be served.

    The function libraries of the file replace the kept ones.
    """
    running = RunningLoad(engine.clock.now_us(), reader.size)
    engine.durability.load = running
    summing = engine.durability.checking_sums and engine.config.flag(b"rdbchecksum")
    snapshot = SnapshotReader(engine, Source(b"", reader.size, reader, summing), progress, merging)
    try:
        snapshot.read()
    except DamagedError as damage:
        return damage.told()
    except OSError as refused:
        return f"{refused.strerror}"
    finally:
        engine.durability.load = None
        for db in engine.databases:
            db.end_loading()
    snapshot.report()
    durability = engine.durability
    durability.place = snapshot.place
    durability.replace_libraries(list(snapshot.libraries.values()))
    progress.told(snapshot.summary())
    return ""


def reload(engine: Engine, path: bytes, progress: Progress, flushing: bool, merging: bool) -> str:
    """Replace all data by the file, or add the file if `flushing` is off; return the reason if that failed.

    After a failure, the old data is unchanged; without `flushing`, the keys loaded so far stay beside it.  Sessions
    that watch a key are notified.
    """
    try:
        reader = open_snapshot(engine, path)
    except OSError as refused:
        return f"{refused.strerror}"
    if reader is None:
        return "there is no such file"
    kept: list[Tables] = []
    if flushing:
        for db in engine.databases:
            kept.append(db.set_aside())
    complaint = load(engine, reader, progress, merging)
    reader.close()
    if flushing:
        for n in range(len(kept)):
            engine.databases[n].end_aside(kept[n], bool(complaint))
    return complaint
