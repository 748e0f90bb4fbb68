"""A snapshot as text: JSON lines, CSV, or the commands that create its data.

Keys are written one after another, so memory depends on the largest value only.  Expired keys are written too: whoever
reads the text decides about them.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from typing import Any, Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.env.files import Appender
from redpoll.keyspace.database import Database
from redpoll.persistence.append_encode import write_command
from redpoll.persistence.command_writer import CommandWriter
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_reader import Progress, SnapshotReader
from redpoll.persistence.source import Source
from redpoll.protocol.numbers import int_text, parse_double
from redpoll.types.hash import Hash
from redpoll.types.kinds import STRING_RAW, TYPE_NAME
from redpoll.types.stream import Stream, id_text
from redpoll.types.stream_group import UNKNOWN
from redpoll.types.value import Value
from redpoll.types.zset import ZSet

PIECE: Final[i64] = 1 << 18
COLUMNS: Final = ["db", "key", "type", "field", "value", "expires_at_ms"]


class Exporter(SnapshotReader):
    """Reads a snapshot, and writes each key to `out`.  Subclasses are the formats."""

    def __init__(self, engine: Engine, source: Source, progress: Progress, out: Appender) -> None:
        super().__init__(engine, source, progress)
        self.out: Final = out
        self.libraries_written = 0

    def run(self) -> None:
        """Write all.  Raises DamagedError, after what stands before the damage is written, and OSError."""
        try:
            self.begin()
            self.read()
            self._write_libraries()
        finally:
            self.flush()

    def keep(self, db: Database, key: bytes, value: Value | None, text: bytes, deadline: i64, clock: i64) -> bool:
        self._write_libraries()
        self.key(db.index, key, value, text, deadline)
        return True

    def _write_libraries(self) -> None:
        sources = list(self.libraries.values())
        for source in sources[self.libraries_written :]:
            self.library(source)
        self.libraries_written = len(sources)

    def begin(self) -> None:
        """Write the head."""

    def library(self, source: bytes) -> None:
        """Write a function library."""

    def key(self, db: i64, key: bytes, value: Value | None, text: bytes, deadline: i64) -> None:
        """Write a key with its value, or with `text` if it is a string; `deadline` in ms, 0 for none."""
        raise NotImplementedError

    def flush(self) -> None:
        """Write what is still in memory."""


class CommandExport(Exporter):
    """Commands as a server reads them; `redis-cli --pipe` sends them."""

    def __init__(self, engine: Engine, source: Source, progress: Progress, out: Appender) -> None:
        super().__init__(engine, source, progress, out)
        sink = Sink(False, out)
        sink.summing = False
        self.sink: Final = sink
        self.writer: Final = CommandWriter(sink)
        self.database: i64 = 0

    def library(self, source: bytes) -> None:
        self.writer.libraries([source])

    def key(self, db: i64, key: bytes, value: Value | None, text: bytes, deadline: i64) -> None:
        writer = self.writer
        if db != self.database:
            writer.select(db)
            self.database = db
        writer.key = key
        if value is None:
            write_command(writer.out, [b"SET", key, text])
        else:
            writer.value(value.kind, b"", value)
        if deadline != 0:
            write_command(writer.out, [b"PEXPIREAT", key, int_text(deadline)])
        self.sink.drain_piece()

    def flush(self) -> None:
        self.sink.flush()


class TextExport(Exporter):
    """Lines of text, collected to pieces."""

    def __init__(self, engine: Engine, source: Source, progress: Progress, out: Appender) -> None:
        super().__init__(engine, source, progress, out)
        self.parts: list[bytes] = []
        self.size: i64 = 0

    def write(self, text: str) -> None:
        data = text.encode("utf-8")
        self.parts.append(data)
        self.size += len(data)
        if self.size >= PIECE:
            self.flush()

    def flush(self) -> None:
        data = b"".join(self.parts)
        self.parts = []
        self.size = 0
        if data:
            self.out.write(data)


class JsonExport(TextExport):
    """One JSON object on each line."""

    def library(self, source: bytes) -> None:
        self._line({"library": json_text(source)})

    def key(self, db: i64, key: bytes, value: Value | None, text: bytes, deadline: i64) -> None:
        kind = STRING_RAW if value is None else value.kind
        found: dict[str, Any] = {"db": int(db), "key": json_text(key), "type": TYPE_NAME[kind].decode()}
        if deadline != 0:
            found["expires_at_ms"] = int(deadline)
        found["value"] = json_text(text) if value is None else json_value(value)
        self._line(found)

    def _line(self, found: dict[str, Any]) -> None:
        self.write(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n")


class CsvExport(TextExport):
    """One row for each element of a value."""

    def begin(self) -> None:
        self._rows([COLUMNS])

    def key(self, db: i64, key: bytes, value: Value | None, text: bytes, deadline: i64) -> None:
        head = [str(int(db)), csv_text(key), TYPE_NAME[STRING_RAW if value is None else value.kind].decode()]
        until = str(int(deadline)) if deadline != 0 else ""
        rows: list[list[str]] = []
        if value is None:
            rows.append([*head, "", csv_text(text), until])
        elif isinstance(value, Stream):
            entries = value.all_entries()
            for k in range(entries.count()):
                items = [csv_text(item) for item in entries.items(k) or []]
                place = id_text(entries.ms[k], entries.seq[k]).decode()
                rows.append([*head, place, json.dumps(items, ensure_ascii=False), until])
        elif value.row_width() == 2:
            found = value.rows()
            for n in range(0, len(found), 2):
                rows.append([*head, csv_text(found[n]), csv_text(found[n + 1]), until])
        else:
            listed = value.rows()
            numbered = TYPE_NAME[value.kind] == b"list"
            for n in range(len(listed)):
                rows.append([*head, str(n) if numbered else "", csv_text(listed[n]), until])
        self._rows(rows)

    def _rows(self, rows: list[list[str]]) -> None:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        self.write(out.getvalue())


def json_text(text: bytes) -> object:
    """Bytes as a JSON string if they are UTF-8; otherwise an object with their base64 form."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(text).decode()}


def csv_text(text: bytes) -> str:
    """Bytes as UTF-8; bytes that are not, ends of lines and backslashes are escaped."""
    escaped = text.replace(b"\\", b"\\\\").replace(b"\r", b"\\r").replace(b"\n", b"\\n").replace(b"\0", b"\\0")
    return escaped.decode("utf-8", "backslashreplace")


def json_value(value: Value) -> object:
    """A list, hash, set, sorted set or stream.  Pairs are lists of two; a field that expires has its time as third."""
    if isinstance(value, Stream):
        return json_stream(value)
    rows = value.rows()
    if isinstance(value, Hash):
        pairs: list[object] = []
        for n in range(0, len(rows), 2):
            pair = [json_text(rows[n]), json_text(rows[n + 1])]
            if value.locate(rows[n]) and value.located_deadline() != 0:
                pair.append(int(value.located_deadline()))
            pairs.append(pair)
        return pairs
    if isinstance(value, ZSet):
        return [[json_text(rows[n]), json_score(rows[n + 1])] for n in range(0, len(rows), 2)]
    return [json_text(item) for item in rows]


def json_score(text: bytes) -> object:
    """A score as a number; infinite ones as text, because JSON has no such numbers."""
    score = parse_double(text)
    return score if score - score == 0 else text.decode()


def json_stream(stream: Stream) -> dict[str, object]:
    entries = stream.all_entries()
    listed: list[object] = []
    for k in range(entries.count()):
        listed.append(
            [
                id_text(entries.ms[k], entries.seq[k]).decode(),
                [json_text(item) for item in entries.items(k) or []],
            ]
        )
    return {
        "entries": listed,
        "last_id": id_text(stream.last_ms, stream.last_seq).decode(),
        "max_deleted_id": id_text(stream.gone_ms, stream.gone_seq).decode(),
        "entries_added": int(stream.added),
        "groups": [json_group(stream, name) for name in stream.sorted_groups()],
    }


def json_group(stream: Stream, name: bytes) -> dict[str, object]:
    group = stream.group(name)
    assert group is not None
    pending: list[object] = []
    there = group.pending.to_first()
    while there:
        at = group.pending
        place = id_text(at.ms(), at.seq()).decode()
        pending.append([place, json_text(group.owner().name), int(at.delivered_ms()), int(at.deliveries())])
        there = group.pending.step()
    return {
        "name": json_text(name),
        "last_id": id_text(group.last_ms, group.last_seq).decode(),
        "entries_read": None if group.read == UNKNOWN else int(group.read),
        "consumers": [
            [json_text(consumer.name), int(consumer.seen_ms), int(consumer.active_ms)]
            for consumer in group.sorted_consumers()
        ],
        "pending": pending,
    }
