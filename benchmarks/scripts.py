"""Scripts: server CPU a request of EVALSHA and FCALL, beside what docs/scripting.md allows.

Each contestant in turn runs the same scripts, several rounds over, and the median counts.  The documents of the cjson
rows are part of the scripts: 1,024 bytes of JSON, an order with its items, as a string (decode) or as a table that the
script makes (encode).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import contestants, load, report
from benchmarks.contestants import Contestant, Server
from benchmarks.load import Load
from benchmarks.processes import cpu_seconds
from benchmarks.wire import ServerError

FUNCTIONS = Path(__file__).with_name("script_functions.py")
LIBRARY = """#!lua name=bench
redis.register_function('lua_incr', function(keys, args) return redis.call('INCR', keys[1]) end)"""

_ITEMS = [("Tea, green", 4.5), ("Milk", 1.25), ("Bread", 3.1), ("Cheese", 7.95), ("Jam", 2.75), ("Honey", 8.2)]
DOCUMENT = {
    "id": 81723,
    "customer": {"name": "Ada Lovelace", "email": "ada@example.com", "vip": True, "since": "2019-04-11"},
    "items": [
        {"sku": f"SKU-{number:05}", "name": name, "quantity": number % 4 + 1, "price": price, "tags": ["new", "sale"]}
        for number, (name, price) in enumerate([*_ITEMS, ("Salt", 1.1)])
    ],
    "shipping": {
        "street": "12 St James's Square", "city": "London", "zip": "SW1Y 4JH", "country": "UK", "notes": None
    },
    "total": 48.95,
    "paid": True,
    "created": 1717171717,
    "note": 'Leave the parcel at the "back" door, please',
    "history": [{"at": 1717171717, "state": "created"}, {"at": 1717175317, "state": "paid"}],
}  # fmt: skip
SIZE = 1024


def document() -> str:
    """`DOCUMENT` as JSON, made up to `SIZE` bytes."""
    text = json.dumps(DOCUMENT, separators=(",", ":"))
    return f'{text[:-1]},"more":"{"x" * (SIZE - len(text) - 10)}"}}'


def table(value: object) -> str:
    """A value as a Lua expression."""
    if isinstance(value, dict):
        return "{" + ",".join(f"[{json.dumps(key)}]={table(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(table(item) for item in value) + "}"
    return "cjson.null" if value is None else json.dumps(value)


@dataclass(frozen=True)
class Row:
    """A script, how often a request of depth 1 is sent, and what is allowed: so many times the CPU of Redis."""

    name: str
    script: str
    keys: tuple[str, ...] = ()
    weight: int = 1
    allowed: float = 0.0
    function: str = ""
    """The function of this name is called instead of a script; `allowed` is then against the row FCALL_LUA."""

    def command(self) -> tuple[str, ...]:
        if self.function:
            return ("FCALL", self.function, "1", "counter")
        return ("EVALSHA", hashlib.sha1(self.script.encode()).hexdigest(), str(len(self.keys)), *self.keys)


ROWS = (
    Row("INCR", "return redis.call('INCR', KEYS[1])", ("counter",), allowed=1.5),
    Row("GET(10)", "for _ = 1, 10 do redis.call('GET', KEYS[1]) end return 1", ("counter",), allowed=2.0),
    Row("LOOP", "local x = 0 for i = 1, 10000 do x = x + i end return x", weight=4, allowed=1.2),
    Row("DECODE", f"local d = [[{document()}]] cjson.decode(d) return 1", weight=2, allowed=2.0),
    Row("ENCODE", f"local d = {table(json.loads(document()))} return #cjson.encode(d)", weight=2, allowed=2.0),
    Row("BOTH", f"local d = [[{document()}]] return #cjson.encode(cjson.decode(d))", weight=2, allowed=2.0),
    Row("FCALL_LUA", "", function="lua_incr"),
    Row("FCALL_PYTHON", "", function="python_incr", allowed=1.0),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    parser.add_argument("--rows", metavar="NAMES", help=f"some of {','.join(row.name for row in ROWS)}")
    parser.add_argument("--depths", default="1,16", metavar="N,N", help="commands sent at a time (default 1,16)")
    parser.add_argument("--requests", type=int, default=20_000, metavar="N", help="requests a measurement (20000)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns each gets; the median counts (5)")
    parser.add_argument("--quick", action="store_true", help="a quarter of the requests, 3 rounds: a first look")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    names = options.rows.upper().split(",") if options.rows else [row.name for row in ROWS]
    rows = [row for row in ROWS if row.name in names]
    if len(rows) < len(names):
        raise ValueError(f"there are these rows: {', '.join(row.name for row in ROWS)}")
    requests = options.requests // 4 if options.quick else options.requests
    rounds = 3 if options.quick else options.rounds
    chosen, missing = contestants.choose(options.contestant, options.only)
    found: dict[tuple[str, int], dict[str, float]] = {}
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(with_functions(contestant))) for contestant in chosen]
        generator = load.generators()[0]
        notes = [report.describe(server) for server in servers] + missing
        notes.append(f"generator: {load.generator_version(generator)}, 50 connections, {rounds} rounds")
        report.print_heading("scripts", notes)
        for depth in (int(word) for word in options.depths.split(",")):
            for row in rows:
                able = [server for server in servers if prepare(server, row)]
                what = Load(row.command(), 1, max(50 * depth, requests // row.weight), depth)
                samples: dict[str, list[float]] = {server.name: [] for server in able}
                for number in range(rounds if able else 0):
                    turn = number % len(able)
                    for server in able[turn:] + able[:turn]:
                        before = cpu_seconds(server.pid)
                        load.run(generator, server.port, what)
                        samples[server.name].append((cpu_seconds(server.pid) - before) * 1e6 / what.requests)
                found[row.name, depth] = {name: report.median(each) for name, each in samples.items()}
        print_results(rows, [server.name for server in servers], found)
    report.save(
        options.json,
        {
            "bench": "scripts",
            "notes": notes,
            "rows": [{"row": name, "depth": depth, "cpu_us": each} for (name, depth), each in found.items()],
        },
    )


def with_functions(contestant: Contestant) -> Contestant:
    """redpoll is started with the function in Python."""
    if not contestant.name.startswith("redpoll"):
        return contestant
    return replace(contestant, command=(*contestant.command, "--functions", str(FUNCTIONS)))


def prepare(server: Server, row: Row) -> bool:
    """Load the row's script or function and run it once; whether the server has it.

    Raises ServerError if it fails, so that no error is measured.
    """
    connection = server.connect()
    try:
        connection.command("SET", "counter", "1")
        if row.function:
            connection.command("FUNCTION", "LOAD", "REPLACE", LIBRARY)
        else:
            connection.command("SCRIPT", "LOAD", row.script)
        connection.command(*row.command())
    except ServerError as error:
        if row.function and "Function not found" in str(error):
            return False
        raise
    finally:
        connection.close()
    return True


def print_results(rows: list[Row], names: list[str], found: dict[tuple[str, int], dict[str, float]]) -> None:
    """A line for each row and depth: µs of server CPU a request, ratios to the others, what is allowed of Redis's."""
    subject, *others = names
    by_name = {row.name: row for row in rows}
    lines = []
    for (name, depth), cpu in found.items():
        line = [name, str(depth), *(f"{cpu[each]:.2f}" if each in cpu else "-" for each in names)]
        line += [f"{cpu[subject] / cpu[each]:.2f}" if each in cpu and subject in cpu else "-" for each in others]
        row = by_name[name]
        if row.function and row.allowed and subject in cpu and ("FCALL_LUA", depth) in found:
            line.append(f"{cpu[subject] / found['FCALL_LUA', depth][subject]:.2f} of FCALL_LUA, {row.allowed} allowed")
        else:
            line.append(f"{row.allowed} of Redis" if row.allowed and depth == 1 else "")
        lines.append(line)
    heads = ["row", "depth", *(f"{name} us" for name in names), *(f"{subject}/{other}" for other in others), "allowed"]
    print("microseconds of server CPU (user and system) a request; ratios below 1: the first needs less\n")
    report.print_table(heads, lines)
