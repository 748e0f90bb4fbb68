"""`redpoll check-rdb`, `redpoll rdb stats` and `redpoll rdb export`: snapshot files, read without a server."""

from __future__ import annotations

import sys

from redpoll.config.schema import BY_NAME
from redpoll.config.settings import Config
from redpoll.engine.engine import Engine
from redpoll.env.clock import Clock
from redpoll.env.files import Appender, Files
from redpoll.env.random import Random
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.export import CommandExport, CsvExport, Exporter, JsonExport
from redpoll.persistence.snapshot_reader import Progress, shown
from redpoll.persistence.source import Source
from redpoll.persistence.survey import Sum, Survey

MB = 1024 * 1024
USAGE = "FILE: a snapshot (dump.rdb); --relaxed also reads what versions to come have written (Redis 7.4)"


class Bar(Progress):
    """Shows the progress on a terminal."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shows = sys.stderr.isatty()

    def moved(self, done: int, total: int) -> None:
        if self.shows:
            sys.stderr.write(f"\r{100 * done // max(1, total):3} %  {done / MB:,.0f} of {total / MB:,.0f} MB")
            sys.stderr.flush()

    def told(self, line: str) -> None:
        self.lines.append(line)

    def end(self) -> None:
        if self.shows:
            sys.stderr.write("\r" + " " * 40 + "\r")


def surveyed(command: str, words: list[str]) -> tuple[Survey | None, str, int]:
    """Read the file that `words` name; return the survey, the error, and the exit status."""
    names = [word for word in words if word != "--relaxed"]
    if len(names) != 1 or names[0].startswith("--"):
        print(f"redpoll {command} FILE [--relaxed]\n{USAGE}", file=sys.stderr)
        return None, "", 2
    engine = reading_engine("--relaxed" in words)
    bar = Bar()
    try:
        reader = engine.config.files.reader(names[0].encode("utf-8", "surrogateescape"))
    except OSError as refused:
        print(f"{names[0]}: {refused.strerror}", file=sys.stderr)
        return None, "", 1
    survey = Survey(engine, Source(b"", reader.size, reader, True), bar)
    complaint = ""
    try:
        survey.read()
    except DamagedError as damage:
        complaint = damage.told()
    except OSError as refused:
        complaint = refused.strerror or "cannot be read"
    bar.end()
    reader.close()
    for line in bar.lines:
        print(line)
    return survey, complaint, 1 if complaint else 0


def reading_engine(relaxed: bool) -> Engine:
    """An engine that reads any file, and keeps expired keys."""
    config = Config(Files())
    if relaxed:
        config.assign(BY_NAME[b"rdb-version-check"], [b"relaxed"])
    # The largest possible number of databases: the file does not name the number of the server.
    config.assign(BY_NAME[b"databases"], [b"10000"])
    engine = Engine(Clock(), Random(), config=config)
    engine.moment.deleting_expired = False
    return engine


def check(words: list[str]) -> int:
    """Check a file; return the exit status, 0 if it is complete."""
    survey, complaint, status = surveyed("check-rdb", words)
    if survey is None:
        return status
    print(f"{survey.keys} keys, {len(survey.libraries)} function libraries, {survey.source.offset()} bytes read")
    print(f"damaged {complaint}" if complaint else "the file is whole")
    return status


def stats(words: list[str]) -> int:
    """Show the contents of a file; return the exit status."""
    survey, complaint, status = surveyed("rdb stats", words)
    if survey is None:
        return status
    for title, sums in (("type", survey.types), ("prefix", survey.prefixes)):
        print(f"\n{title:24} {'keys':>12} {'deadlines':>12} {'MB':>10}")
        for name, found in sorted(sums.items(), key=by_bytes)[:20]:
            print(f"{shown(name) or '(none)':24} {found.keys:12,} {found.timed:12,} {found.bytes / MB:10.2f}")
    print("\nlargest keys")
    for size, db, key, name in survey.largest:
        print(f"{size / MB:10.2f} MB  {name.decode():8} db {db:<3} {shown(key)[:60]}")
    if complaint:
        print(f"\ndamaged {complaint}: the figures are those of what stands before")
    return status


def by_bytes(item: tuple[bytes, Sum]) -> int:
    return -int(item[1].bytes)


EXPORT_USAGE = """redpoll rdb export FILE --format json|commands|csv [--relaxed]
FILE: a snapshot (dump.rdb).  The result goes to standard output:

  json      one JSON object on each line; text that is not UTF-8 as {"base64": ...}
  commands  commands that create the data:  redpoll rdb export dump.rdb --format commands | redis-cli --pipe
  csv       one row for each element, with the columns db, key, type, field, value, expires_at_ms

--relaxed also reads what versions to come have written (Redis 7.4)"""


class Output(Appender):
    """Standard output."""

    def __init__(self) -> None:
        super().__init__(sys.stdout.fileno())


def export(words: list[str]) -> int:
    """Write a file as text to standard output; return the exit status."""
    names = [word for word in words if word != "--relaxed"]
    kind = ""
    if "--format" in names:
        at = names.index("--format")
        kind = names[at + 1] if at + 1 < len(names) else ""
        del names[at : at + 2]
    if len(names) != 1 or names[0].startswith("--") or kind not in ("json", "commands", "csv"):
        print(EXPORT_USAGE, file=sys.stderr)
        return 2
    engine = reading_engine("--relaxed" in words)
    bar = Bar()
    try:
        reader = engine.config.files.reader(names[0].encode("utf-8", "surrogateescape"))
    except OSError as refused:
        print(f"{names[0]}: {refused.strerror}", file=sys.stderr)
        return 1
    sys.stdout.flush()
    source = Source(b"", reader.size, reader, True)
    exporter = exporter_of(kind, engine, source, bar)
    complaint = ""
    try:
        exporter.run()
    except DamagedError as damage:
        complaint = f"damaged {damage.told()}: what stands before is written"
    except BrokenPipeError:
        complaint = "the reader of the output has ended"
    except OSError as refused:
        complaint = refused.strerror or "an error of the system"
    bar.end()
    reader.close()
    if complaint:
        print(f"{names[0]}: {complaint}", file=sys.stderr)
    return 1 if complaint else 0


def exporter_of(kind: str, engine: Engine, source: Source, bar: Bar) -> Exporter:
    if kind == "json":
        return JsonExport(engine, source, bar, Output())
    if kind == "csv":
        return CsvExport(engine, source, bar, Output())
    return CommandExport(engine, source, bar, Output())
