"""Data for reports: sums over an engine, settings, and readable sizes."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.env.process import resident_bytes, system_memory_bytes
from redpoll.keyspace.scan import visible_keys


def human(size: int) -> str:
    """A size as `33.00K`."""
    if size < 1024:
        return f"{size}B"
    power = min((size.bit_length() - 1) // 10, 4)
    return f"{size / float(1 << 10 * power):.2f}{'KMGT'[power - 1]}"


def ratio(part: int, whole: int) -> float:
    """`part` / `whole`, 1 if `whole` is 0."""
    return part / whole if whole > 0 else 1.0


class Memory:
    """Memory usage in bytes, by the engine's own accounting.  O(databases)."""

    def __init__(self, engine: Engine) -> None:
        self.used: Final[int] = engine.sampler.note_memory(engine.moment.now_us)
        self.peak: Final[int] = engine.sampler.peak_bytes
        self.startup: Final[int] = engine.startup_bytes
        self.resident: Final[int] = resident_bytes()
        self.system: Final[int] = system_memory_bytes()
        keys = 0
        content = 0
        for db in engine.databases:
            keys += visible_keys(db)
            content += db.tables.content_bytes()
        self.keys: Final = keys
        self.dataset: Final = content
        self.overhead: Final = self.used - content
        self.fragmentation: Final = ratio(self.resident, self.used)
        self.clients: Final[int] = client_bytes(engine, False)
        self.replicas: Final[int] = client_bytes(engine, True)
        self.slot_imports: Final[int] = link_bytes(engine, False)
        self.slot_exports: Final[int] = link_bytes(engine, True)

    def dataset_share(self) -> float:
        """The share of the data in the memory that was added since the start, in per cent."""
        grown = self.used - self.startup
        return min(100.0 * self.dataset / grown, 100.0) if grown > 0 else 0.0


def link_bytes(engine: Engine, of_exports: bool) -> i64:
    """The bytes in the buffers of the links by which slots leave, or of those by which slots arrive.  O(clients)."""
    total: i64 = 0
    for session in engine.sessions.values():
        if session.exports if of_exports else session.taker is not None:
            total += session.held_bytes()
    return total


def client_bytes(engine: Engine, of_replicas: bool) -> i64:
    """The bytes in the buffers of all replicas, or of all other clients.  O(clients)."""
    total: i64 = 0
    for session in engine.sessions.values():
        if session.is_replica() != of_replicas or session.taker is not None or session.exports:
            continue
        held = session.peer.buffers()
        total += held.request + held.reply + held.backlog
    return total


def aof_buffer(engine: Engine) -> int:
    """Bytes of effects in memory."""
    log = engine.durability.append_only
    return 0 if log is None else int(log.pending_bytes())
