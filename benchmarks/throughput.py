"""Throughput, server CPU a request, and latency, each contestant in turn on filled keys.

All servers run throughout, but only one has work at a time: for every row and depth each gets its share, several
rounds over, and the median counts.  A slow minute of the machine so hits all of them alike.  What a row reads or
updates exists: a GET of missing keys would measure nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from benchmarks import contestants, load, report
from benchmarks.contestants import Server
from benchmarks.load import RANDOM_INT, Load
from benchmarks.processes import cpu_seconds
from benchmarks.wire import ServerError, encode, pattern

GATE_DEPTHS = (1, 16, 64)
GATE_MEANS = {"redis": 1.0, "valkey": 1.05}
GATE_LOWEST = 0.85

_VALUE = "eight-by"


def _strings(keys: int) -> Iterator[bytes]:
    command = pattern("SET", "key:%012d", _VALUE)
    return (command % number for number in range(keys))


def _counters(keys: int) -> Iterator[bytes]:
    # Numbers without leading zeros, which INCR would refuse.
    return (encode("SET", f"ctr:{number:012}", str(number)) for number in range(keys))


def _hashes(keys: int) -> Iterator[bytes]:
    pairs = [word for field in range(5) for word in (f"field{field}", f"{field:012}")]
    command = pattern("HSET", "hsh:%012d", *pairs)
    return (command % number for number in range(keys))


def _counts(keys: int) -> Iterator[bytes]:
    pairs = [word for field in range(5) for word in (f"field{field}", str(field))]
    command = pattern("HSET", "cnt:%012d", *pairs)
    return (command % number for number in range(keys))


def _large_hash(keys: int) -> Iterator[bytes]:
    # Numbers without leading zeros, which HINCRBY would refuse.
    return (encode("HSET", "table", f"fld:{number:012}", str(number)) for number in range(keys))


def _thousand(keys: int) -> Iterator[bytes]:
    return (encode("HSET", "thousand", f"fld:{number:012}", _VALUE) for number in range(1000))


def _board(keys: int) -> Iterator[bytes]:
    # Scores in an order that is not the members': 7 shares no factor with a round number of keys.
    command = pattern("ZADD", "board", "%012d", "mem:%012d")
    return (command % (number * 7 % keys, number) for number in range(keys))


def _boards(keys: int) -> Iterator[bytes]:
    # Whole scores of up to four digits, as in the boards of a game that is young.
    command = pattern("ZADD", "brd:%012d", *(word for n in range(10) for word in (str(n * 997 % 9000), f"member{n}")))
    return (command % number for number in range(keys))


def _queue(keys: int) -> Iterator[bytes]:
    # One list, of 100,000 elements at least whatever the number of keys.
    return _elements("queue", max(keys, 100_000))


def _elements(key: str, count: int) -> Iterator[bytes]:
    """Commands that push at least so many elements, a thousand each."""
    command = encode("RPUSH", key, *[_VALUE] * 1000)
    return (command for _ in range(count // 1000 + 1))


def _lists(keys: int) -> Iterator[bytes]:
    command = pattern("RPUSH", "lst:%012d", *[_VALUE] * 10)
    return (command % number for number in range(keys))


def _stream(keys: int) -> Iterator[bytes]:
    # IDs 1-0, 2-0 …, at least 100,000 of them.
    command = pattern("XADD", "stream", "%012d-0", "name", "v%07d", "other", "w%07d")
    return (command % (number, number, number) for number in range(1, max(keys, 100_000) + 1))


def _bitmaps(keys: int) -> Iterator[bytes]:
    command = pattern("SET", "bmp:%012d", "eight-by" * 16)
    return (command % number for number in range(keys))


def _nothing(keys: int) -> Iterator[bytes]:
    return iter(())


@dataclass(frozen=True)
class Row:
    """One kind of request.  `lines` line ends in a reply; `weight` plain commands' worth of work; `gate` if it counts
    in the mean that the gate speaks of.  `refill` puts back before each measurement what so many requests take away.
    """

    name: str
    command: tuple[str, ...]
    fill: Callable[[int], Iterator[bytes]]
    lines: int = 1
    weight: int = 1
    gate: bool = True
    refill: Callable[[int], Iterator[bytes]] = _nothing
    fill_lines: int = 1
    """Line ends in the reply to each command of `fill`."""


_KEY = f"key:{RANDOM_INT}"
_HASH = f"hsh:{RANDOM_INT}"
_BITMAP = f"bmp:{RANDOM_INT}"
_LIST = f"lst:{RANDOM_INT}"
_SMALL_BOARD = f"brd:{RANDOM_INT}"


def _more(requests: int) -> Iterator[bytes]:
    return _elements("queue", requests)


def _more_members(requests: int) -> Iterator[bytes]:
    """Commands that add so many members at the low end, a thousand each."""
    for start in range(0, requests + 999, 1000):
        yield encode(
            "ZADD", "board", *(word for n in range(start, start + 1000) for word in (str(n % 5000), f"pop:{n}"))
        )


def _range(stop: int) -> Row:
    """LRANGE of so many elements from the first on."""
    command = ("LRANGE", "queue", "0", str(stop - 1))
    return Row(f"LRANGE_{stop}", command, _queue, lines=2 * stop + 1, weight=stop // 10, gate=False)


# Rows that share a fill stand together, so that it is done once.
ROWS: tuple[Row, ...] = (
    Row("PING", ("PING",), _nothing),
    Row("SET", ("SET", _KEY, _VALUE), _strings),
    Row("GET", ("GET", _KEY), _strings, lines=2),
    Row("MSET(10)", ("MSET", *(word for _ in range(10) for word in (_KEY, _VALUE))), _strings, weight=8, gate=False),
    Row("MGET(100)", ("MGET", *(_KEY for _ in range(100))), _strings, lines=201, weight=40, gate=False),
    Row("INCR", ("INCR", f"ctr:{RANDOM_INT}"), _counters),
    Row("HSET", ("HSET", _HASH, "field2", RANDOM_INT), _hashes),
    Row("HGET", ("HGET", _HASH, "field2"), _hashes, lines=2),
    Row("HGETALL", ("HGETALL", _HASH), _hashes, lines=21, weight=2, gate=False),
    Row("HINCRBY", ("HINCRBY", f"cnt:{RANDOM_INT}", "field2", "1"), _counts, gate=False),
    Row("HGET_LARGE", ("HGET", "table", f"fld:{RANDOM_INT}"), _large_hash, lines=2, gate=False),
    Row("HINCRBY_LARGE", ("HINCRBY", "table", f"fld:{RANDOM_INT}", "1"), _large_hash, gate=False),
    Row("HSET_LARGE", ("HSET", "table", f"fld:{RANDOM_INT}", _VALUE), _large_hash, gate=False),
    Row("HGETALL_1000", ("HGETALL", "thousand"), _thousand, lines=4001, weight=200, gate=False),
    Row("SETBIT", ("SETBIT", _BITMAP, "517", "1"), _bitmaps, gate=False),
    Row("GETBIT", ("GETBIT", _BITMAP, "517"), _bitmaps, gate=False),
    Row("BITCOUNT", ("BITCOUNT", _BITMAP), _bitmaps, gate=False),
    Row("BITFIELD", ("BITFIELD", _BITMAP, "INCRBY", "u16", "#7", "1"), _bitmaps, lines=2, weight=2, gate=False),
    Row("LINDEX", ("LINDEX", "queue", "33333"), _queue, lines=2, gate=False),
    _range(100),
    _range(300),
    _range(600),
    Row("LPUSH", ("LPUSH", "queue", _VALUE), _queue, gate=False),
    Row("RPUSH", ("RPUSH", "queue", _VALUE), _queue, gate=False),
    Row("LPOP", ("LPOP", "queue"), _queue, lines=2, refill=_more, gate=False),
    Row("RPOP", ("RPOP", "queue"), _queue, lines=2, refill=_more, gate=False),
    Row("LINDEX_SMALL", ("LINDEX", _LIST, "5"), _lists, lines=2, gate=False),
    Row("LRANGE_SMALL", ("LRANGE", _LIST, "0", "-1"), _lists, lines=21, weight=2, gate=False),
    Row("LPUSH_SMALL", ("LPUSH", _LIST, _VALUE), _lists, gate=False),
    Row("RPUSH_SMALL", ("RPUSH", _LIST, _VALUE), _lists, gate=False),
    Row(
        "XADD",
        ("XADD", "stream", "*", "name", "v0000001", "other", "w0000001"),
        _stream,
        lines=2,
        gate=False,
        fill_lines=2,
    ),
    Row(
        "XADD(10)",
        ("XADD", "stream", "*", *(word for n in range(10) for word in (f"field{n}", f"value{n:03}"))),
        *(_stream, 2),
        weight=2,
        gate=False,
        fill_lines=2,
    ),
    Row(
        "XADD_TRIM",
        ("XADD", "stream", "MAXLEN", "~", "100000", "*", "name", "v0000001", "other", "w0000001"),
        *(_stream, 2),
        gate=False,
        fill_lines=2,
    ),
    Row(
        "XRANGE(100)",
        ("XRANGE", "stream", "50000", "+", "COUNT", "100"),
        *(_stream, 1201),
        weight=20,
        gate=False,
        fill_lines=2,
    ),
    Row(
        "XREAD",
        ("XREAD", "COUNT", "10", "STREAMS", "stream", "99990-0"),
        _stream,
        125,
        weight=4,
        gate=False,
        fill_lines=2,
    ),
    Row("ZADD", ("ZADD", "board", RANDOM_INT, f"mem:{RANDOM_INT}"), _board, weight=2),
    Row("ZINCRBY", ("ZINCRBY", "board", "3", f"mem:{RANDOM_INT}"), _board, lines=2, weight=2, gate=False),
    Row("ZSCORE", ("ZSCORE", "board", f"mem:{RANDOM_INT}"), _board, lines=2, gate=False),
    Row("ZRANK", ("ZRANK", "board", f"mem:{RANDOM_INT}"), _board, gate=False),
    Row("ZRANGE", ("ZRANGE", "board", "0", "9"), _board, lines=21, weight=2, gate=False),
    Row(
        "ZRANGEBYSCORE",
        ("ZRANGEBYSCORE", "board", "(5000", "+inf", "LIMIT", "0", "10"),
        _board,
        lines=21,
        weight=2,
        gate=False,
    ),
    Row("ZPOPMIN", ("ZPOPMIN", "board"), _board, lines=5, weight=2, refill=_more_members, gate=False),
    Row("ZADD_SMALL", ("ZADD", _SMALL_BOARD, RANDOM_INT, "member5"), _boards, gate=False),
    Row("ZINCRBY_SMALL", ("ZINCRBY", _SMALL_BOARD, "3", "member5"), _boards, lines=2, gate=False),
    Row("ZSCORE_SMALL", ("ZSCORE", _SMALL_BOARD, "member5"), _boards, lines=2, gate=False),
    Row("ZRANK_SMALL", ("ZRANK", _SMALL_BOARD, "member5"), _boards, gate=False),
    Row("ZRANGE_SMALL", ("ZRANGE", _SMALL_BOARD, "0", "-1"), _boards, lines=21, weight=2, gate=False),
    Row(
        "ZRANGEBYSCORE_SMALL",
        ("ZRANGEBYSCORE", _SMALL_BOARD, "-inf", "+inf"),
        _boards,
        lines=21,
        weight=2,
        gate=False,
    ),
)


@dataclass(frozen=True)
class Figures:
    """Medians of one contestant on one row at one depth."""

    requests_per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float

    def ratios_to(self, other: Figures) -> list[float]:
        """Throughput, CPU, p50 and p99 against the other's; above 1 we are the better."""
        return [
            self.requests_per_second / other.requests_per_second,
            other.cpu_us / self.cpu_us,
            other.p50_ms / self.p50_ms,
            other.p99_ms / self.p99_ms,
        ]


@dataclass(frozen=True)
class Plan:
    """How a run is made; from the command line."""

    rows: tuple[Row, ...]
    depths: tuple[int, ...]
    requests: int
    rounds: int
    keys: int
    connections: int
    generator: str
    pinned: bool

    def load_of(self, row: Row, depth: int) -> Load:
        # Eight times as many when pipelined: they go through about that much faster, and a second is long enough.
        requests = max(1, self.requests * min(depth, 8) // row.weight)
        return Load(row.command, row.lines, max(requests, self.connections * depth), depth, self.connections, self.keys)


SECONDS_A_TURN = 2
"""How long one measurement of one server takes, roughly."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    names = ",".join(row.name for row in ROWS)
    parser.add_argument("--rows", metavar="NAMES", help=f"commas between; of {names}")
    parser.add_argument("--depths", default="1,16,64", metavar="N,N", help="commands sent at a time (default 1,16,64)")
    parser.add_argument(
        "--requests",
        type=int,
        default=60_000,
        metavar="N",
        help="requests a measurement at depth 1; up to 8 times as many when pipelined (default 60000)",
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns each gets; the median counts (5)")
    parser.add_argument("--keys", type=int, default=100_000, metavar="N", help="keys, all of them filled (100000)")
    parser.add_argument("--connections", type=int, default=50, metavar="N", help="(50)")
    parser.add_argument("--generator", choices=load.generators(), default=load.generators()[0])
    parser.add_argument("--pin", action="store_true", help="servers on the first processor, the generator on the last")
    parser.add_argument("--quick", action="store_true", help="a third of the requests, 3 rounds: a first look")


def rows_named(names: str) -> tuple[Row, ...]:
    """The rows of these names, commas between, in the order of `ROWS`; MGET means MGET(100).  Raises ValueError."""
    by_name = {row.name.partition("(")[0].lower(): row for row in ROWS} | {row.name.lower(): row for row in ROWS}
    wanted = []
    for name in names.lower().split(","):
        if name not in by_name:
            raise ValueError(f"there is no row {name!r}; there are: {', '.join(row.name for row in ROWS)}")
        wanted.append(by_name[name])
    return tuple(row for row in ROWS if row in wanted)


def make_plan(options: argparse.Namespace) -> Plan:
    """Raises ValueError for a row that does not exist."""
    rows = rows_named(options.rows) if options.rows else ROWS
    return Plan(
        rows,
        tuple(int(depth) for depth in options.depths.split(",")),
        options.requests // 3 if options.quick else options.requests,
        3 if options.quick else options.rounds,
        options.keys,
        options.connections,
        options.generator,
        options.pin,
    )


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    plan = make_plan(options)
    chosen, missing = contestants.choose(options.contestant, options.only)
    server_cpu, generator_cpu = (0, report.cores() - 1) if plan.pinned else (None, None)
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(contestant, server_cpu)) for contestant in chosen]
        notes = [report.describe(server) for server in servers] + missing
        notes.append(
            f"generator: {load.generator_version(plan.generator)}, {plan.connections} connections, "
            f"{plan.keys:,} keys, {plan.rounds} rounds, {'pinned' if plan.pinned else 'not pinned'}"
        )
        turns = len(plan.rows) * len(plan.depths) * plan.rounds * len(servers)
        notes.append(
            f"about {max(1, turns * SECONDS_A_TURN // 60)} minutes; sooner with --quick, --rows GET,SET or --depths 16"
        )
        report.print_heading("throughput", notes)
        _print_figures_heading(servers)
        found: dict[tuple[str, int], dict[str, Figures]] = {}
        filled: Callable[[int], Iterator[bytes]] | None = None
        for row in plan.rows:
            if row.fill is not filled:
                for server in servers:
                    fill(server, row, plan.keys)
                filled = row.fill
            refusals = [f"{each.name}: {said}" for each in servers if (said := refusal(each, row)) is not None]
            if refusals:
                print(f"{row.name:10} left out; {refusals[0][:90]}", flush=True)
                continue
            for server in servers:
                check(server, row, plan.keys)
            for depth in plan.depths:
                measured = measure(servers, row, depth, plan, generator_cpu)
                found[row.name, depth] = measured
                _print_figures(row, depth, servers, measured)
        print()
    names = [server.name for server in servers]
    _print_ratios(names, found)
    _print_means(names, found)
    report.save(
        options.json,
        {
            "bench": "throughput",
            "notes": notes,
            "rows": [
                {"row": name, "depth": depth, "contestants": {who: asdict(each) for who, each in measured.items()}}
                for (name, depth), measured in found.items()
            ],
        },
    )


def fill(server: Server, row: Row, keys: int) -> None:
    """Leave in the server what the row needs, and nothing else."""
    connection = server.connect()
    connection.command("FLUSHALL")
    connection.fill(row.fill(keys), lines=row.fill_lines)
    connection.close()


def refill(server: Server, row: Row, requests: int) -> None:
    """Put back what so many of the row's requests take away."""
    commands = row.refill(requests)
    connection = server.connect()
    connection.fill(commands)
    connection.close()


def refusal(server: Server, row: Row) -> str | None:
    """What the server says if it does not do the row's command at all."""
    connection = server.connect(timeout_seconds=30)
    try:
        connection.command(*(word.replace(RANDOM_INT, "0" * 12) for word in row.command))
    except ServerError as error:
        return str(error)
    finally:
        connection.close()
    return None


def check(server: Server, row: Row, keys: int) -> None:
    """Send the row's command some hundred times and see that each is answered as it should be.

    Raises RuntimeError: a generator that only counts replies would measure how quickly errors are made.
    """
    connection = server.connect(timeout_seconds=30)
    for request in load.prepare(Load(row.command, row.lines, 200, 1, keys=keys)):
        replies = connection.round_trip(request, row.lines)
        if replies.startswith((b"-", b"$-1")) or b"\n$-1" in replies:
            raise RuntimeError(f"{server.name} answers {row.name} with {replies[:200]!r}")
    connection.close()


def measure(servers: list[Server], row: Row, depth: int, plan: Plan, generator_cpu: int | None) -> dict[str, Figures]:
    """Each server's medians on the row at one depth."""
    what = plan.load_of(row, depth)
    samples: dict[str, list[Figures]] = {server.name: [] for server in servers}
    for number in range(plan.rounds):
        # Each starts a round in its turn, so that none is always the first after the pause.
        turn = number % len(servers)
        for server in servers[turn:] + servers[:turn]:
            refill(server, row, what.requests)
            before = cpu_seconds(server.pid)
            outcome = load.run(plan.generator, server.port, what, generator_cpu)
            cpu_us = (cpu_seconds(server.pid) - before) * 1e6 / what.requests
            samples[server.name].append(Figures(outcome.requests_per_second, cpu_us, outcome.p50_ms, outcome.p99_ms))
    return {name: _medians(list_of) for name, list_of in samples.items()}


def _medians(samples: list[Figures]) -> Figures:
    return Figures(
        report.median([sample.requests_per_second for sample in samples]),
        report.median([sample.cpu_us for sample in samples]),
        report.median([sample.p50_ms for sample in samples]),
        report.median([sample.p99_ms for sample in samples]),
    )


def _print_figures_heading(servers: list[Server]) -> None:
    print("thousands of requests a second, microseconds of server CPU a request, milliseconds at p50 and p99\n")
    print(f"{'':10}{'':>5}" + "".join(f" | {server.name:^27}" for server in servers))
    print(f"{'row':10}{'depth':>5}" + f" | {'k/s':>6}{'us':>7}{'p50':>7}{'p99':>7}" * len(servers), flush=True)


def _print_figures(row: Row, depth: int, servers: list[Server], measured: dict[str, Figures]) -> None:
    line = f"{row.name:10}{depth:>5}"
    for server in servers:
        each = measured[server.name]
        line += f" | {each.requests_per_second / 1000:6.1f}{each.cpu_us:7.2f}{each.p50_ms:7.2f}{each.p99_ms:7.2f}"
    print(line, flush=True)


def _print_ratios(names: list[str], found: dict[tuple[str, int], dict[str, Figures]]) -> None:
    """One line a row: the first contestant against each other one."""
    subject, *others = names
    if not others:
        print("no other server was measured, so there are no ratios; the notes above say what to install")
        return
    print(f"{subject} against the others: above 1, {subject} is the better; ! marks throughput below {GATE_LOWEST}\n")
    head = ["row", "depth"]
    for other in others:
        head += [f"{other}: k/s", "CPU", "p50", "p99"]
    lines = []
    for (name, depth), measured in found.items():
        line = [name, str(depth)]
        for other in others:
            ratios = measured[subject].ratios_to(measured[other])
            mark = "! " if ratios[0] < GATE_LOWEST else ""
            line += [f"{mark}{ratios[0]:.2f}", *(f"{ratio:.2f}" for ratio in ratios[1:])]
        lines.append(line)
    report.print_table(head, lines)


def _print_means(names: list[str], found: dict[tuple[str, int], dict[str, Figures]]) -> None:
    """The geometric means over the gate's rows, all depths and each, beside what the gate asks."""
    subject, *others = names
    gate_rows = {row.name for row in ROWS if row.gate}
    counted = [(name, depth) for name, depth in found if name in gate_rows and depth in GATE_DEPTHS]
    if not others or not counted:
        return
    whole = len(counted) == len(gate_rows) * len(GATE_DEPTHS)
    print(f"geometric means over {len(counted)} rows{'' if whole else ' (not all of the gate)'}\n")
    lines = []
    for other in others:
        ratios = {cell: found[cell][subject].ratios_to(found[cell][other]) for cell in counted}
        line = [
            f"{subject}/{other}",
            f"{report.geometric_mean([each[0] for each in ratios.values()]):.3f}",
            f"{report.geometric_mean([each[1] for each in ratios.values()]):.3f}",
        ]
        for depth in GATE_DEPTHS:
            of_depth = [each[0] for cell, each in ratios.items() if cell[1] == depth]
            line.append(f"{report.geometric_mean(of_depth):.3f}" if of_depth else "-")
        lowest = min(ratios, key=lambda cell: ratios[cell][0])
        below = sum(1 for each in ratios.values() if each[0] < GATE_LOWEST)
        line += [f"{ratios[lowest][0]:.2f} {lowest[0]} at {lowest[1]}", str(below)]
        line.append(f">= {GATE_MEANS[other]:.2f}" if subject == "redpoll" and other in GATE_MEANS else "-")
        lines.append(line)
    depths = [f"k/s at {depth}" for depth in GATE_DEPTHS]
    report.print_table(["", "k/s", "CPU", *depths, "lowest row", f"rows < {GATE_LOWEST}", "gate: k/s"], lines)
