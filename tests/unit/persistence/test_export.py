"""Snapshots as text: everything that a file holds is in the JSON lines, the rows and the commands."""

from __future__ import annotations

import base64
import csv
import io
import json
from typing import Any

import pytest
from tests.unit.persistence.contents import GOLDEN, Telltale, opened, text_of

from redpoll.engine.engine import Engine
from redpoll.engine.session import Peer
from redpoll.env.files import MemoryAppender, MemoryFile
from redpoll.observe.digest import data_digest
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.export import COLUMNS, CommandExport, CsvExport, JsonExport
from redpoll.persistence.loading import load
from redpoll.persistence.source import Source
from redpoll.protocol.requests import Limits, RequestParser

FILES = [
    ("valkey-9.1.2", "dump.rdb", "expected.json"),
    ("redis-7.0.15", "dump.rdb", "expected.json"),
    ("valkey-dev-rdb11", "dump.rdb", "expected.json"),
    ("redis-dev-rdb12", "dump.rdb", "expected.json"),
    ("legacy", "types-0-21.rdb", "types-0-21.expected.json"),
]


def exported(kind: type[JsonExport] | type[CsvExport] | type[CommandExport], data: bytes) -> bytes:
    engine = opened(rdb_version_check="relaxed")
    engine.moment.deleting_expired = False
    file = MemoryFile()
    kind(engine, Source(data, len(data)), Telltale(), MemoryAppender(file)).run()
    return file.data


def bytes_of(found: object) -> bytes:
    """The text of a JSON value."""
    if isinstance(found, dict):
        return base64.b64decode(found["base64"])
    assert isinstance(found, str)
    return found.encode()


def as_expected(name: str, value: Any) -> Any:
    """A value of the JSON lines in the form of expected.json."""
    if name == "string":
        return text_of(bytes_of(value))
    if name == "list":
        return [text_of(bytes_of(item)) for item in value]
    if name == "set":
        return sorted(text_of(bytes_of(item)) for item in value)
    if name == "hash":
        return sorted([text_of(bytes_of(pair[0])), text_of(bytes_of(pair[1]))] for pair in value)
    if name == "zset":
        return [[text_of(bytes_of(member)), float(score)] for member, score in value]
    return [[place, [text_of(bytes_of(item)) for item in items]] for place, items in value["entries"]]


@pytest.mark.parametrize(("origin", "name", "expected"), FILES)
def test_json_has_what_the_file_has(origin: str, name: str, expected: str) -> None:
    data = exported(JsonExport, (GOLDEN / origin / name).read_bytes())
    found: dict[tuple[int, bytes], Any] = {}
    libraries = []
    for line in data.decode().splitlines():
        row = json.loads(line)
        if "library" in row:
            libraries.append(row["library"])
        else:
            found[row["db"], bytes_of(row["key"])] = row
    wanted = json.loads((GOLDEN / origin / expected).read_text())
    if "functions" in wanted:
        assert sorted(libraries) == sorted(wanted["functions"])
    count = 0
    for db, entries in wanted["dbs"].items():
        for entry in entries:
            count += 1
            row = found[int(db), base64.b64decode(entry["key"])]
            assert (row["type"], row.get("expires_at_ms")) == (entry["type"], entry["expire_at_ms"])
            value = entry["value"]
            if row["type"] == "zset":
                value = [[member, float(score)] for member, score in value]
            elif row["type"] == "stream":
                assert row["value"]["entries_added"] == value["entries_added"]
                assert row["value"]["last_id"] == value["last_id"]
                names = sorted(text_of(bytes_of(group["name"])) for group in row["value"]["groups"])
                assert names == sorted(group["name"] for group in value["groups"])
                value = value["entries"]
            assert as_expected(row["type"], row["value"]) == value
            if row["type"] == "hash":
                times = {text_of(bytes_of(pair[0])): pair[2] for pair in row["value"] if len(pair) == 3}
                assert times == entry.get("field_expire_at_ms", {})
    assert count == len(found)


def replayed(commands: bytes) -> Engine:
    """An engine that has run these commands."""
    engine = opened()
    session = engine.open_session(Peer())
    parser = RequestParser(Limits(), True)
    parser.feed(commands)
    parsed: list[list[bytes]] = []
    while True:
        assert parser.parse(parsed, 1000) is None
        if not parsed:
            return engine
        for args in parsed:
            engine.start_unit()
            engine.execute(session, args)
        parsed.clear()


@pytest.mark.parametrize(("origin", "name"), [(origin, name) for origin, name, _ in FILES])
def test_commands_make_the_same_data(origin: str, name: str) -> None:
    data = (GOLDEN / origin / name).read_bytes()
    loaded = opened(rdb_version_check="relaxed")
    loaded.config.files.append(b"dump.rdb").write(data)
    assert load(loaded, loaded.config.files.reader(b"dump.rdb"), Telltale()) == ""
    assert data_digest(replayed(exported(CommandExport, data))) == data_digest(loaded)


def test_rows() -> None:
    data = (GOLDEN / "valkey-9.1.2" / "dump.rdb").read_bytes()
    rows = list(csv.reader(io.StringIO(exported(CsvExport, data).decode(), newline="")))
    assert rows[0] == COLUMNS
    assert all(len(row) == len(COLUMNS) for row in rows)
    lines = [json.loads(line) for line in exported(JsonExport, data).decode().splitlines()]
    for name in ("string", "list", "set", "hash", "zset"):
        wanted = sum(1 if name == "string" else len(row["value"]) for row in lines if row.get("type") == name)
        assert sum(row[2] == name for row in rows) == wanted
    assert sum(row[2] == "stream" for row in rows) == sum(
        len(row["value"]["entries"]) for row in lines if row.get("type") == "stream"
    )


def test_what_stands_before_a_damage_is_written() -> None:
    data = (GOLDEN / "valkey-9.1.2" / "dump.rdb").read_bytes()
    engine = opened()
    file = MemoryFile()
    with pytest.raises(DamagedError):
        JsonExport(engine, Source(data[:3000], 3000), Telltale(), MemoryAppender(file)).run()
    assert file.data.endswith(b"}\n")
    assert exported(JsonExport, data).startswith(file.data)
