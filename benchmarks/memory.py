"""Memory an element by resident size, each contestant freshly started for each kind of value."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks import contestants, report
from benchmarks.contestants import Contestant, Server
from benchmarks.processes import resident_bytes
from benchmarks.rows import Fill
from benchmarks.wire import Command, Connection, encode, pattern

_SETTLE_SECONDS = 1.0


def _strings(value: str) -> Callable[[int], Iterator[bytes]]:
    command = pattern("SET", "key:%012d", value)
    return lambda count: (command % number for number in range(count))


def _deadlines(count: int) -> Iterator[bytes]:
    # A day and more away, all different.
    command = pattern("PEXPIRE", "key:%012d", "%09d")
    return (command % (number, 100_000_000 + number * 13) for number in range(count))


def _hashes(count: int) -> Iterator[bytes]:
    # Letters in the values: the reference servers pack a number in fewer bytes than it has digits.
    pairs = [word for field in range(5) for word in (f"field{field}", "v%06d")]
    command = pattern("HSET", "key:%012d", *pairs)
    return (command % (number, number, number, number, number, number) for number in range(count))


def _timed_hashes(count: int) -> Iterator[bytes]:
    pairs = [word for field in range(5) for word in (f"field{field}", "v%06d")]
    command = pattern("HSETEX", "key:%012d", "PX", "%09d", "FIELDS", "5", *pairs)
    return (command % (number, 100_000_000 + number * 13, *[number] * 5) for number in range(count))


def _long_hashes(count: int) -> Iterator[bytes]:
    pairs = [word for field in range(5) for word in (f"field{field}", "v" * 90 + "%010d")]
    command = pattern("HSET", "key:%012d", *pairs)
    return (command % (number, *[number] * 5) for number in range(count // 5))


def _one_hash(form: str) -> Callable[[int], Iterator[bytes]]:
    command = pattern("HSET", "hash", "fld:%08d", form)
    return lambda count: (command % (number, number) for number in range(count))


def _one_timed_hash(count: int) -> Iterator[bytes]:
    command = pattern("HSETEX", "hash", "PX", "%09d", "FIELDS", "1", "fld:%08d", "v%07d")
    return (command % (100_000_000 + number * 13, number, number) for number in range(count))


def _members(form: str) -> Callable[[int], Iterator[bytes]]:
    # 999,983 is a prime, so scores come in an order of their own and each once (unless it divides the count).
    command = pattern("ZADD", "board", "%09d", form)
    return lambda count: (command % (number * 999_983 % count, number) for number in range(count))


def _small_boards(count: int) -> Iterator[bytes]:
    # Whole scores of up to five digits.
    command = pattern("ZADD", "key:%012d", *(word for _ in range(10) for word in ("%05d", "m%07d")))
    for number in range(count // 10):
        entries = [number * 7919 % 99_991 + n for n in range(10)]
        yield command % (number, *(word for n in entries for word in (n, n)))


def _small_sets(form: str) -> Callable[[int], Iterator[bytes]]:
    command = pattern("SADD", "key:%012d", *[form] * 10)
    return lambda count: (command % (number, *range(number, number + 10)) for number in range(count // 10))


def _one_set(form: str) -> Callable[[int], Iterator[bytes]]:
    command = pattern("SADD", "set", form)
    return lambda count: (command % number for number in range(count))


def _small_lists(count: int) -> Iterator[bytes]:
    command = pattern("RPUSH", "key:%012d", *["e%07d"] * 10)
    return (command % (number, *range(number, number + 10)) for number in range(count // 10))


def _one_list(form: str) -> Callable[[int], Iterator[bytes]]:
    command = pattern("RPUSH", "list", form)
    return lambda count: (command % number for number in range(count))


def _entries(fields: int) -> Callable[[int], Iterator[bytes]]:
    words = [word for field in range(fields) for word in (f"field{field}", "v%07d")]
    command = pattern("XADD", "stream", "%013d-0", *words)
    return lambda count: (command % (1_700_000_000_000 + number, *[number] * fields) for number in range(count))


def _read_entries(count: int) -> Iterator[Command]:
    for command in _entries(2)(count):
        yield command, 2
    yield encode("XGROUP", "CREATE", "stream", "group", "0")


def _reads(count: int) -> Iterator[bytes]:
    command = encode("XREADGROUP", "GROUP", "group", "worker", "COUNT", "100", "STREAMS", "stream", ">")
    return (command for _ in range(count // 100))


def _counters(members: int, share: int) -> Callable[[int], Iterator[bytes]]:
    """HyperLogLogs of so many members, one for `share` of the elements counted."""
    command = pattern("PFADD", "key:%012d", *["m%09d"] * members)
    return lambda count: (
        command % (number, *range(number * members, (number + 1) * members)) for number in range(count // share)
    )


def _small_streams(count: int) -> Iterator[bytes]:
    # One stream for ten of the elements counted: a million would take the reference gigabytes.
    command = pattern("XADD", "key:%012d", "%013d-0", "name", "v%07d", "other", "w%07d")
    for number in range(count // 10):
        for entry in range(3):
            yield command % (number, 1_700_000_000_000 + entry, number, number)


@dataclass(frozen=True)
class Case:
    """A kind of element and its limit; `first` fills what its own commands then add to, which answer `lines` each."""

    name: str
    unit: str
    limit: int
    commands: Callable[[int], Iterator[bytes]]
    first: Fill | None = None
    lines: int = 1


CASES: tuple[Case, ...] = (
    Case("8-byte values", "key of 16 bytes", 50, _strings("eight-by")),
    Case("100-byte values", "key of 16 bytes", 165, _strings("v" * 100)),
    Case("TTL", "key, on top", 12, _deadlines, first=_strings("eight-by")),
    Case("hashes of 5 fields", "key of 16 bytes", 145, _hashes),
    Case("hashes of 5 timed fields", "key of 16 bytes", 145, _timed_hashes),
    Case("hashes of 5 long fields", "value of 100 bytes", 165, _long_hashes),
    Case("one hash, short", "field of 12, value of 8 bytes", 45, _one_hash("v%07d")),
    Case("one hash, long", "field of 12, value of 100 bytes", 145, _one_hash("v" * 90 + "%010d")),
    Case("one hash, timed", "field of 12, value of 8 bytes", 60, _one_timed_hash),
    Case("lists of 10 elements", "element of 8 bytes", 20, _small_lists),
    Case("one list, short", "element of 8 bytes", 10, _one_list("e%07d")),
    Case("one list, long", "element of 100 bytes", 104, _one_list("e" * 90 + "%010d")),
    Case("sets of 10 members", "member of 8 bytes", 20, _small_sets("m%07d")),
    Case("sets of 10 numbers", "number of 7 digits", 12, _small_sets("1%06d")),
    Case("one set, short", "member of 12 bytes", 40, _one_set("mem:%08d")),
    Case("one set, numbers", "number of 8 digits", 40, _one_set("1%07d")),
    Case("one set, long", "member of 100 bytes", 140, _one_set("m" * 90 + "%010d")),
    Case("sorted sets of 10 members", "member of 8 bytes", 22, _small_boards),
    Case("one sorted set", "member of 12 bytes", 95, _members("mem:%08d")),
    Case("one sorted set, long", "member of 100 bytes", 155, _members("m" * 90 + "%010d")),
    Case("stream of 2 fields", "entry", 30, _entries(2), lines=2),
    Case("stream of 10 fields", "entry", 105, _entries(10), lines=2),
    Case("streams of 3 entries", "tenth of a stream", 30, _small_streams, lines=2),
    Case("pending entries", "entry, on top", 40, _reads, first=_read_entries, lines=1205),
    Case("HyperLogLogs of 10 members", "tenth of one", 12, _counters(10, 10)),
    Case("HyperLogLogs of 1,000 members", "250th of one", 12, _counters(1000, 250)),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    parser.add_argument("--count", type=int, default=1_000_000, metavar="N", help="elements (default 1000000)")
    parser.add_argument("--cases", metavar="TEXT", help="only cases whose name holds this text")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    chosen, missing = contestants.choose(options.contestant, options.only)
    notes = []
    for contestant in chosen:
        with Server(contestant) as server:
            notes.append(report.describe(server))
    notes += missing
    report.print_heading(f"memory: bytes an element, {options.count:,} elements, by resident size", notes)
    found: dict[str, dict[str, float]] = {}
    lines = []
    for case in CASES:
        if options.cases and options.cases not in case.name:
            continue
        found[case.name] = {each.name: measure(each, case, options.count) for each in chosen}
        figures = [f"{found[case.name][each.name]:.1f}" for each in chosen]
        lines.append([case.name, case.unit, *figures, str(case.limit)])
        print(f"{case.name}: {', '.join(figures)}", flush=True)
    print()
    report.print_table(["case", "a", *(each.name for each in chosen), "limit"], lines)
    report.save(options.json, {"bench": "memory", "notes": notes, "count": options.count, "bytes": found})


def measure(contestant: Contestant, case: Case, count: int) -> float:
    """Bytes that each of `count` elements adds to the resident size of a fresh server."""
    with Server(contestant) as server:
        connection = server.connect()
        if case.first is not None:
            connection.fill(case.first(count))
        else:
            # Whatever the first commands make once (buffers, code pages) is not the elements'.
            connection.fill(case.commands(1000), lines=case.lines)
            connection.command("FLUSHALL")
        before = _settled(server, connection)
        connection.fill(case.commands(count), lines=case.lines)
        after = _settled(server, connection)
        connection.close()
    return (after - before) / count


def _settled(server: Server, connection: Connection) -> int:
    """Resident size once housekeeping (rehashing, freeing in the background) has had its time."""
    time.sleep(_SETTLE_SECONDS)
    connection.command("PING")
    return resident_bytes(server.pid)
