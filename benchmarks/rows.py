"""The rows of `throughput`: what each sends, and what its keys hold.  benchmarks/README.md has a table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.load import BATCH, BATCHES, RANDOM_INT, SAME_INT
from benchmarks.wire import Command, encode, pattern

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


def _work(keys: int) -> Iterator[Command]:
    # A stream with more groups than batches are under way, and one group in which every entry is pending.
    entries = max(keys, 100_000) + 100
    command = pattern("XADD", "work", "%012d-0", "name", "v%07d", "other", "w%07d")
    for number in range(1, entries + 1):
        yield command % (number, number, number), 2
    for number in range(BATCHES):
        yield encode("XGROUP", "CREATE", "work", f"grp:{number:012}", "0")
    yield encode("XGROUP", "CREATE", "work", "lost", "0")
    for _ in range(entries // 100):
        yield encode("XREADGROUP", "GROUP", "lost", "first", "COUNT", "100", "STREAMS", "work", ">"), _read_lines(100)


def _read_lines(entries: int) -> int:
    """Line ends in a reply with one stream, and so many entries of two fields."""
    return 5 + 12 * entries


def _sets(keys: int) -> Iterator[bytes]:
    command = pattern("SADD", "set:%012d", *(f"member{number}" for number in range(10)))
    return (command % number for number in range(keys))


def _tags(keys: int) -> Iterator[bytes]:
    # Half of all possible members, so half of the members that a row adds are new.
    command = pattern("SADD", "tags", "mem:%012d")
    return (command % number for number in range(0, keys, 2))


def _more_tags(requests: int) -> Iterator[bytes]:
    """Commands that add so many members, a thousand each."""
    for start in range(0, requests + 999, 1000):
        yield encode("SADD", "tags", *(f"pop:{number:012}" for number in range(start, start + 1000)))


def _thousands(keys: int) -> Iterator[bytes]:
    # Two sets that have half of their members in common.
    for name, first in (("thousand", 0), ("other", 500)):
        yield encode("SADD", name, *(f"mem:{number:012}" for number in range(first, first + 1000)))


def _map(keys: int) -> Iterator[bytes]:
    # Places all over the map, in an order that is not their own.
    for number in range(keys):
        longitude = number * 7919 % 360_000 / 1000 - 180
        latitude = number * 104_729 % 170_000 / 1000 - 85
        yield encode("GEOADD", "map", f"{longitude}", f"{latitude}", f"mem:{number:012}")


def _atlas(keys: int) -> Iterator[bytes]:
    # Always 100,000, so that a search finds as many.
    return _map(100_000)


def _crowds(keys: int) -> Iterator[bytes]:
    # Twenty of the same hundred elements in each, so that their union stays a short one too.
    command = pattern("PFADD", "hll:%012d", *["m%07d"] * 20)
    return (command % (number, *((number + step * 7) % 100 for step in range(20))) for number in range(keys))


def _visitors(keys: int) -> Iterator[bytes]:
    # Two dense counts, so that PFCOUNT of both has registers to join.
    for name, first in (("visitors", 0), ("others", 5000)):
        yield encode("PFADD", name, *(f"mem:{number:012}" for number in range(first, first + 10_000)))


def _bitmaps(keys: int) -> Iterator[bytes]:
    command = pattern("SET", "bmp:%012d", "eight-by" * 16)
    return (command % number for number in range(keys))


def _nothing(keys: int) -> Iterator[bytes]:
    return iter(())


Fill = Callable[[int], Iterator[bytes]] | Callable[[int], Iterator[Command]]
"""What commands leave in a server so many keys."""


@dataclass(frozen=True)
class Row:
    """One kind of request.  `lines` line ends in a reply; `weight` plain commands' worth of work; `gate` if it counts
    in the mean that the gate speaks of.  `refill` puts back before each measurement what so many requests take away.
    """

    name: str
    command: tuple[str, ...]
    fill: Fill
    lines: int = 1
    weight: int = 1
    gate: bool = True
    refill: Callable[[int], Iterator[bytes]] = _nothing
    fill_lines: int = 1
    """Line ends in the reply to each command of `fill`."""
    then: tuple[tuple[str, ...], ...] = ()
    """Commands that follow each, and are counted as one request with it."""


_KEY = f"key:{RANDOM_INT}"
_HASH = f"hsh:{RANDOM_INT}"
_BITMAP = f"bmp:{RANDOM_INT}"
_LIST = f"lst:{RANDOM_INT}"
_SMALL_BOARD = f"brd:{RANDOM_INT}"
_SET = f"set:{RANDOM_INT}"
_MEMBER = f"mem:{RANDOM_INT}"
_CROWD = f"hll:{RANDOM_INT}"


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
    Row("SISMEMBER", ("SISMEMBER", _SET, "member7"), _sets, gate=False),
    Row("SMEMBERS", ("SMEMBERS", _SET), _sets, lines=21, weight=2, gate=False),
    Row("SINTER", ("SINTER", _SET, _SET), _sets, lines=21, weight=4, gate=False),
    Row("SADD", ("SADD", _SET, _MEMBER), _sets, gate=False),
    Row("SISMEMBER_LARGE", ("SISMEMBER", "tags", _MEMBER), _tags, gate=False),
    Row("SADD_LARGE", ("SADD", "tags", _MEMBER), _tags, gate=False),
    Row("SPOP_LARGE", ("SPOP", "tags"), _tags, lines=2, refill=_more_tags, gate=False),
    Row("SMEMBERS_1000", ("SMEMBERS", "thousand"), _thousands, lines=2001, weight=100, gate=False),
    Row("SINTER_1000", ("SINTER", "thousand", "other"), _thousands, lines=1001, weight=200, gate=False),
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
    # What reads comes before what adds.
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
        "READ_AND_ACK",
        ("XGROUP", "SETID", "work", f"grp:{BATCH}", f"{RANDOM_INT}-0"),
        _work,
        _read_lines(10) + 2,
        weight=20,
        gate=False,
        then=(
            ("XREADGROUP", "GROUP", f"grp:{BATCH}", "worker", "COUNT", "10", "STREAMS", "work", ">"),
            ("XACK", "work", f"grp:{BATCH}", *(f"{SAME_INT}+{n}-0" for n in range(1, 11))),
        ),
    ),
    Row(
        "XAUTOCLAIM",
        ("XAUTOCLAIM", "work", "lost", "second", "0", f"{RANDOM_INT}-0", "COUNT", "10"),
        _work,
        _read_lines(10),
        weight=20,
        gate=False,
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
    Row("GEODIST", ("GEODIST", "map", _MEMBER, _MEMBER, "km"), _map, lines=2, weight=2, gate=False),
    Row(
        "GEOSEARCH",
        ("GEOSEARCH", "map", "FROMLONLAT", "15", "37", "BYRADIUS", "500", "km", "ASC", "COUNT", "10"),
        _map,
        lines=21,
        weight=20,
        gate=False,
    ),
    # Longitudes from 0 to 99.999: the only random numbers there are have 12 digits, so an exponent moves the point.
    Row("GEOADD", ("GEOADD", "map", f"{RANDOM_INT}e-3", "38.115556", _MEMBER), _map, weight=2, gate=False),
    Row(
        "GEOSEARCH_RADIUS",
        ("GEOSEARCH", "map", "FROMLONLAT", "15", "37", "BYRADIUS", "440", "km", "ASC", "WITHDIST"),
        _atlas,
        lines=506,
        weight=40,
        gate=False,
    ),
    Row(
        "GEOSEARCH_BOX",
        ("GEOSEARCH", "map", "FROMLONLAT", "15", "37", "BYBOX", "782", "782", "km", "ASC"),
        _atlas,
        lines=203,
        weight=40,
        gate=False,
    ),
    Row("PFADD", ("PFADD", "visitors", _MEMBER), _visitors, gate=False),
    Row("PFCOUNT", ("PFCOUNT", "visitors"), _visitors, gate=False),
    Row("PFCOUNT(2)", ("PFCOUNT", "visitors", "others"), _visitors, weight=20, gate=False),
    Row("PFMERGE", ("PFMERGE", "union", "visitors", "others"), _visitors, weight=20, gate=False),
    Row("PFMERGE_SPARSE", ("PFMERGE", "union", _CROWD, _CROWD), _crowds, weight=10, gate=False),
    Row("PFADD_SPARSE", ("PFADD", _CROWD, "m0000007"), _crowds, gate=False),
)

DEFAULT = tuple(row for row in ROWS if row.gate or row.name in ("MSET(10)", "MGET(100)"))
"""The rows that the gate asks for."""


def rows_named(names: str) -> tuple[Row, ...]:
    """The rows of these names, commas between, in the order of `ROWS`; MGET means MGET(100), `all` all of them.

    Raises ValueError.
    """
    if names.lower() == "all":
        return ROWS
    by_name = {row.name.partition("(")[0].lower(): row for row in ROWS} | {row.name.lower(): row for row in ROWS}
    wanted = []
    for name in names.lower().split(","):
        if name not in by_name:
            raise ValueError(f"there is no row {name!r}; there are: {', '.join(row.name for row in ROWS)}")
        wanted.append(by_name[name])
    return tuple(row for row in ROWS if row in wanted)
