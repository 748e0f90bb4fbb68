"""The reports of MEMORY: the size of a key, the figures of all parts, and a diagnosis.

Sizes are the engine's own accounting.  The diagnosis compares them with the resident memory of the process.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.engine.scripts import ScriptHost
from redpoll.keyspace.database import Database
from redpoll.observe.facts import Memory, aof_buffer, ratio
from redpoll.protocol.reply import Double, Map
from redpoll.replication.replication import replication_of
from redpoll.structures.segment import LENGTH_MASK
from redpoll.structures.table import Table

WORD_BYTES: Final = 8
DEADLINE_BYTES: Final = 8
LITTLE_BYTES: Final = 5 << 20
BIG_CLIENT_BYTES: Final = 200 << 10

EMPTY: Final = (
    b"This redpoll instance is empty or uses very little memory, so there is nothing to diagnose. Fill it with data "
    b"and ask again.\n"
)
HEALTHY: Final = b"No memory issue was found in this redpoll instance.\n"
ILL: Final = "Memory issues were found in this redpoll instance:\n\n"


def usage(db: Database, key: bytes) -> i64:
    """The bytes of a key, its value and their overhead; -1 if there is no key.  O(1).

    An expired key is neither hidden nor deleted.
    """
    if not db.find(key):
        return -1
    table = db.table
    total: i64 = (table.word & LENGTH_MASK) + WORD_BYTES
    if table.is_outside():
        total += table.object().size_bytes()
    if table.deadline() != 0:
        total += DEADLINE_BYTES
    return total + bucket_bytes(table) // table.size


def bucket_bytes(table: Table) -> i64:
    """The overhead of a table: directory, buckets, columns."""
    return table.size_bytes() - table.record_bytes - table.outside_bytes - table.size * WORD_BYTES


def figures(engine: Engine) -> list[object]:
    """Alternating names and values of MEMORY STATS."""
    held = Memory(engine)
    scripts = engine.scripts if engine.scripts is not None else ScriptHost()
    items: list[object] = [
        b"peak.allocated", held.peak,
        b"total.allocated", held.used,
        b"startup.allocated", held.startup,
        b"replication.backlog", replication_of(engine).primary.ring_bytes(),
        b"replicas.repl.buffer", 0,
        b"clients.slaves", held.replicas,
        b"clients.normal", held.clients,
        b"cluster.links", 0,
        b"cluster.slot_import", held.slot_imports,
        b"cluster.slot_export", held.slot_exports,
        b"aof.buffer", aof_buffer(engine),
        b"lua.caches", int(scripts.texts_bytes() + scripts.eval_bytes()),
        b"functions.caches", int(scripts.libraries_bytes() + scripts.functions_bytes()),
    ]  # fmt: skip
    buckets = 0
    for db in engine.databases:
        if db.named:
            timed = int(db.tables.volatile()) * DEADLINE_BYTES
            main = sum(int(bucket_bytes(table)) for table in db.tables.existing()) - timed
            buckets += main + timed
            items.append(b"db.%d" % db.index)
            items.append(Map([b"overhead.hashtable.main", main, b"overhead.hashtable.expires", timed]))
    items.extend([
        b"overhead.db.hashtable.lut", buckets,
        b"overhead.db.hashtable.rehashing", 0,
        b"overhead.total", held.overhead,
        b"db.dict.rehashing.count", 0,
        b"keys.count", held.keys,
        b"keys.bytes-per-key", (held.used - held.startup) // held.keys if held.keys > 0 else 0,
        b"dataset.bytes", held.dataset,
        b"dataset.percentage", Double(held.dataset_share()),
        b"peak.percentage", Double(100.0 * ratio(held.used, held.peak)),
        b"allocator.allocated", held.used,
        b"allocator.active", held.resident,
        b"allocator.resident", held.resident,
        b"allocator.muzzy", 0,
        b"allocator-fragmentation.ratio", Double(held.fragmentation),
        b"allocator-fragmentation.bytes", held.resident - held.used,
        b"allocator-rss.ratio", Double(1.0),
        b"allocator-rss.bytes", 0,
        b"rss-overhead.ratio", Double(1.0),
        b"rss-overhead.bytes", 0,
        b"fragmentation", Double(held.fragmentation),
        b"fragmentation.bytes", held.resident - held.used,
    ])  # fmt: skip
    return items


def diagnosis(engine: Engine) -> bytes:
    """The text of MEMORY DOCTOR."""
    held = Memory(engine)
    if held.used - held.startup < LITTLE_BYTES:
        return EMPTY
    found: list[str] = []
    if held.peak > held.used * 3 // 2:
        found.append(
            "Peak memory: more than one and a half times of what is in use now was in use before. The server gives "
            "that memory back by itself, in some seconds; if it still looks larger than its data after that, MEMORY "
            "PURGE tries once more."
        )
    if held.fragmentation > 1.4:
        found.append(
            f"High total RSS: the process takes {held.fragmentation:.2f} times the memory of its data. That is "
            "memory that was freed and not yet given back, or pieces of it between what is in use. The server moves "
            "its data together by itself; active_defrag_running in INFO is 1 while it does."
        )
    clients = len(engine.sessions)
    if clients > 0 and held.clients // clients > BIG_CLIENT_BYTES:
        found.append(
            "Big client buffers: clients hold more than 200 KB each. CLIENT LIST shows who sends large requests "
            "(qbuf) or does not read its replies (omem)."
        )
    if len(found) == 0:
        return HEALTHY
    return (ILL + "".join([f" * {what}\n\n" for what in found])).encode()
