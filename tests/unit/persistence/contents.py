"""What an engine holds, in the form in which the golden files record what the real servers hold."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redpoll import commands
from redpoll.config.schema import BY_NAME
from redpoll.config.settings import Config
from redpoll.engine.engine import Engine
from redpoll.engine.host import Host
from redpoll.env.clock import VirtualClock
from redpoll.env.files import Files, MemoryFiles
from redpoll.env.random import Random
from redpoll.keyspace.database import Database
from redpoll.persistence.loading import load
from redpoll.persistence.snapshot_reader import Progress
from redpoll.persistence.snapshot_writer import SLICES
from redpoll.protocol.numbers import parse_double
from redpoll.types.hash import Hash
from redpoll.types.kinds import ENCODING_NAME, HASH_VOLATILE, STRING_RAW, TYPE_NAME
from redpoll.types.stream import Stream, id_text
from redpoll.types.stream_group import UNKNOWN
from redpoll.types.value import Value

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "rdb"
FAMILIES = commands.FAMILIES


SMALL_SLICES = {
    "value_bytes": 400, "bucket_bytes": 1000, "text_bytes": 64, "raw_bytes": 2500, "entries": 8, "side_bytes": 3000,
}  # fmt: skip


@contextmanager
def small_slices() -> Iterator[None]:
    """Slices of a few items, and a side that soon needs its file."""
    before = {name: getattr(SLICES, name) for name in SMALL_SLICES}
    for name, number in SMALL_SLICES.items():
        setattr(SLICES, name, number)
    yield
    for name, number in before.items():
        setattr(SLICES, name, number)


class Telling(Host):
    """A host that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str) -> None:
        self.lines.append(message)

    def note(self, message: str) -> None:
        self.lines.append(message)


class Telltale(Progress):
    """Keeps what a load tells."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.moves: list[tuple[int, int]] = []

    def told(self, line: str) -> None:
        self.lines.append(line)

    def moved(self, done: int, total: int) -> None:
        self.moves.append((done, total))


def opened(files: Files | None = None, **settings: str) -> Engine:
    """An engine on virtual time, with files in memory if none are given; settings with `_` for `-`."""
    config = Config(files or MemoryFiles())
    settings.setdefault("save", "")
    for name, value in settings.items():
        directive = BY_NAME[name.replace("_", "-").encode()]
        config.assign(directive, directive.kind.words_of_string(value.encode()))
    return Engine(VirtualClock(), Random(1), config=config, host=Telling())


def put_file(engine: Engine, name: bytes, data: bytes) -> None:
    file = engine.config.files.append(name)
    file.write(data)
    file.close()


def load_bytes(engine: Engine, data: bytes, notes: Telltale | None = None, merging: bool = False) -> str:
    """Load a snapshot of these bytes; the complaint."""
    name = b"given.rdb"
    put_file(engine, name, data)
    reader = engine.config.files.reader(name)
    engine.config.files.remove(name)
    return load(engine, reader, notes or Telltale(), merging)


def text_of(value: bytes) -> str:
    if len(value) > 1024:
        return f"sha256:{len(value)}:{hashlib.sha256(value).hexdigest()}"
    return base64.b64encode(value).decode()


def value_of(db: Database, key: bytes) -> Any:
    """What a key holds, as `expected.json` says it."""
    assert db.look(key)
    if db.table.kind() <= STRING_RAW:
        return text_of(db.text())
    value = db.container()
    name = TYPE_NAME[value.kind]
    if isinstance(value, Stream):
        return stream_of(value)
    rows = value.rows()
    if name == b"list":
        return [text_of(item) for item in rows]
    if name == b"set":
        return sorted(text_of(item) for item in rows)
    if name == b"hash":
        return sorted([text_of(rows[n]), text_of(rows[n + 1])] for n in range(0, len(rows), 2))
    return [[text_of(rows[n]), parse_double(rows[n + 1])] for n in range(0, len(rows), 2)]


def stream_of(stream: Stream) -> dict[str, Any]:
    entries = stream.all_entries()
    first = stream.first_id()
    return {
        "entries": [
            [id_text(entries.ms[k], entries.seq[k]).decode(), [text_of(item) for item in entries.items(k) or []]]
            for k in range(entries.count())
        ],
        "entries_added": stream.added,
        "first_id": id_text(first.ms, first.seq).decode() if first is not None else "0-0",
        "last_id": id_text(stream.last_ms, stream.last_seq).decode(),
        "length": stream.length(),
        "max_deleted_id": id_text(stream.gone_ms, stream.gone_seq).decode(),
        "groups": [group_of(stream, name) for name in stream.sorted_groups()],
    }


def group_of(stream: Stream, name: bytes) -> dict[str, Any]:
    group = stream.group(name)
    assert group is not None
    pending = []
    there = group.pending.to_first()
    while there:
        at = group.pending
        owner = text_of(group.owner().name)
        pending.append([id_text(at.ms(), at.seq()).decode(), owner, at.delivered_ms(), at.deliveries()])
        there = group.pending.step()
    return {
        "name": text_of(name),
        "last_id": id_text(group.last_ms, group.last_seq).decode(),
        "entries_read": None if group.read == UNKNOWN else group.read,
        "pel": pending,
        "consumers": [
            {
                "name": text_of(consumer.name),
                "seen_ms": consumer.seen_ms,
                "active_ms": consumer.active_ms,
                "pel": [row[0] for row in pending if row[1] == text_of(consumer.name)],
            }
            for consumer in group.sorted_consumers()
        ],
    }


def field_deadlines(value: Value) -> dict[str, int]:
    found = {}
    if isinstance(value, Hash) and value.kind == HASH_VOLATILE:
        for field in value.rows()[::2]:
            assert value.locate(field)
            if value.located_deadline() != 0:
                found[text_of(field)] = value.located_deadline()
    return found


def check_entry(db: Database, entry: dict[str, Any], encodings: bool, times: bool = True) -> None:
    """Assert that a key holds what `entry` of expected.json says."""
    key = base64.b64decode(entry["key"])
    assert db.look(key), key
    kind = db.table.kind()
    assert TYPE_NAME[kind].decode() == entry["type"]
    assert (db.table.deadline() or None) == entry["expire_at_ms"]
    # Strings and hashes may have another encoding before they come from a file: one appended to, one with deadlines.
    if encodings and "encoding" in entry and entry["type"] != "string" and key != b"hash:ttl-persisted":
        assert ENCODING_NAME[kind].decode() == entry["encoding"], key
    if kind > STRING_RAW:
        assert field_deadlines(db.container()) == entry.get("field_expire_at_ms", {})
    expected = entry["value"]
    if entry["type"] == "zset":
        expected = [[member, float(score)] for member, score in expected]
    elif entry["type"] == "stream":
        if not times:
            assert without_times(value_of(db, key)) == without_times(expected)
            return
        expected = stream_expected(expected)
    assert value_of(db, key) == expected, key


def without_times(stream: dict[str, Any]) -> dict[str, Any]:
    """A stream without the times of its consumers, which commands do not set."""
    found = {name: value for name, value in stream.items() if name != "nodes"}
    for group in found["groups"]:
        group["consumers"] = sorted([(each["name"], each["pel"]) for each in group["consumers"]])
    found["groups"].sort(key=lambda group: group["name"])
    return found


def stream_expected(expected: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in expected.items() if name != "nodes"}
    groups = []
    for group in sorted(found["groups"], key=lambda group: base64.b64decode(group["name"])):
        consumers = [
            # What is unknown to a server without active times is what it has as the time seen.
            {**consumer, "active_ms": consumer["seen_ms"] if consumer["active_ms"] is None else consumer["active_ms"]}
            for consumer in sorted(group["consumers"], key=lambda one: base64.b64decode(one["name"]))
        ]
        groups.append({**group, "consumers": consumers})
    return {**found, "groups": groups}


def check_contents(engine: Engine, expected: Path, encodings: bool = False, times: bool = True) -> None:
    """Assert that the engine holds exactly what a file of expected contents says; `times` includes consumers'."""
    wanted = json.loads(expected.read_text())
    for index, entries in wanted["dbs"].items():
        db = engine.databases[int(index)]
        assert db.table.size == len(entries)
        for entry in entries:
            check_entry(db, entry, encodings, times)
    assert sum(db.table.size for db in engine.databases) == sum(len(each) for each in wanted["dbs"].values())
    if "functions" in wanted:
        assert sorted(source.decode() for source in engine.durability.libraries) == sorted(wanted["functions"])
