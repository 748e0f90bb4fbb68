"""DUMP and RESTORE beside the reference: payloads byte for byte, what they become, refusals in their order."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.differential.catalogue import golden
from tests.differential.pair import Pair, difference_rows
from tests.differential.servers import ROOT, Server
from tests.differential.test_random import LEFT_OUT, Drawer, in_groups
from tests.differential.wire import Reply, Wire, Word, encode

from redpoll.persistence.crc64 import crc64

GOLDEN = ROOT / "tests" / "golden" / "rdb"
DAMAGED = json.loads((GOLDEN / "payloads.json").read_text())
DIFFERING = {
    "zset-lp-score-text": "rdb-score-text",
    "hash2-truncated-ttl": "rdb-payload-end",
    "lp-entry-16383-long-backlen": "rdb-long-lengths",
}
WASTEFUL = ("list-lp-nonminimal-int", "list-lp-nonminimal-str12", "list-lp-int-as-string")
"""Payloads with elements in longer forms than they need, which are kept in the shortest here."""
FAR_MS = 4102444800000

SMALL = [
    ("SET string hello", "string"),
    ("SET string 0", "string"),
    ("SET string -128", "string"),
    ("SET string 32768", "string"),
    ("SET string -2147483648", "string"),
    ("SET string 2147483648", "string"),
    ("SET string 007", "string"),
    ('SET string ""', "string"),
    ("RPUSH list a b 1 -1 300 70000 9223372036854775807 007", "list"),
    ("RPUSH list a b\nLPUSH list c\nLINSERT list BEFORE b x\nLREM list 1 a", "list"),
    ("SADD set 1 2 3", "set"),
    ("SADD set 1 70000\nSREM set 70000", "set"),
    ("SADD set -9223372036854775808 9223372036854775807", "set"),
    ("SADD set a b 1 2\nSREM set b\nSADD set c", "set"),
    ("HSET hash f v g 1\nHSET hash f w\nHDEL hash g\nHSET hash i -5", "hash"),
    ("ZADD zset 1 a 2.5 b inf c -inf d 1e17 e 9e18 f -0.0 g", "zset"),
    ("ZADD zset 3 a 2 b\nZINCRBY zset 10 b\nZREM zset a\nZADD zset 0.1 c", "zset"),
    ("XADD stream 5-1 f a\nXADD stream 6-0 f b\nXADD stream 7-0 g c h d\nXADD stream 7-9 f 9999999999", "stream"),
    ("XGROUP CREATE stream g $ MKSTREAM", "stream"),
    ("XADD stream 1-1 f a\nXTRIM stream MAXLEN 0", "stream"),
    ("XADD stream 18446744073709551615-1 f a", "stream"),
    ("XADD stream 5-18446744073709551615 f a\nXADD stream 6-1 f b", "stream"),
]


@pytest.fixture(autouse=True)
def uncompressed(pair: Pair) -> Iterator[None]:
    """Compressed forms differ, as both may choose them freely."""
    with pair.config("rdbcompression", "no"):
        yield


@pytest.mark.parametrize(("session", "key"), SMALL)
def test_small_values_have_the_same_payload(pair: Pair, session: str, key: str) -> None:
    pair.play(session)
    pair.do("DUMP", key)


@pytest.mark.parametrize("size", ["-1", "-2", "3"])
def test_long_lists_have_the_same_nodes(pair: Pair, size: str) -> None:
    with pair.config("list-max-listpack-size", size):
        for n in range(0, 3000, 50):
            pair.do("RPUSH", "list", *[f"item:{k}" for k in range(n, n + 50)])
        pair.do("LPUSH", "list", "x" * 9000, "y")
        pair.do("LSET", "list", "100", "z" * 5000)
        dumped = pair.do("DUMP", "list")
        pair.do("RESTORE", "copy", "0", payload(dumped))
        pair.do("DUMP", "copy")
        pair.do("OBJECT", "ENCODING", "copy")


def test_long_streams_have_the_same_nodes(pair: Pair) -> None:
    for n in range(1, 500):
        pair.do("XADD", "stream", f"{n}-{n % 3}", "field", f"value:{n}", *(["other", str(n)] if n % 7 == 0 else []))
    dumped = pair.do("DUMP", "stream")
    pair.do("RESTORE", "copy", "0", payload(dumped))
    pair.do("DUMP", "copy")
    pair.do("XADD", "copy", "1000-0", "field", "more")
    pair.do("DUMP", "copy")


def payload(reply: Reply) -> bytes:
    assert reply.text is not None
    return reply.text


@pytest.mark.parametrize("case", DAMAGED, ids=lambda case: case["name"])
def test_damaged_payloads_are_refused(pair: Pair, case: dict[str, str]) -> None:
    if case["name"] in DIFFERING:
        pair.differs(DIFFERING[case["name"]], "RESTORE", "k", "0", bytes.fromhex(case["payload_hex"]))
        return
    pair.do("RESTORE", "k", "0", bytes.fromhex(case["payload_hex"]))
    kind = pair.do("TYPE", "k").text
    pair.do("OBJECT", "ENCODING", "k")
    # A sorted set whose members come in the wrong order stays so in the reference.
    if case["name"] != "zset-lp-unsorted":
        pair.do("DEBUG", "DIGEST")
        if kind in (b"string", b"list", b"zset") and case["name"] not in WASTEFUL:
            pair.do("DUMP", "k")


@pytest.mark.parametrize("origin", ["valkey-9.1.2", "valkey-dev-rdb11", "redis-7.0.15"])
def test_payloads_of_real_servers_become_the_same_values(pair: Pair, origin: str) -> None:
    for keys in json.loads((GOLDEN / origin / "dumps.json").read_text()).values():
        for key, hexadecimal in keys.items():
            pair.do("RESTORE", key, "0", bytes.fromhex(hexadecimal), "REPLACE")
            pair.do("OBJECT", "ENCODING", key)
    pair.do("DEBUG", "DIGEST")
    for wire, other in ((pair.theirs, pair.ours), (pair.ours, pair.theirs)):
        exchange(wire, other)
    pair.do("DEBUG", "DIGEST")


def exchange(wire: Wire, other: Wire) -> None:
    """Restore each key of one server at the other one, from its payload and with its deadline."""
    for key in say(wire, "KEYS", "*").items:
        assert key.text is not None
        text = say(wire, "DUMP", key.text).text
        deadline = say(wire, "PEXPIRETIME", key.text).integer
        assert text is not None
        words = ("RESTORE", key.text, max(0, deadline), text, "REPLACE", "ABSTTL")
        assert say(other, *words).raw == b"+OK\r\n", key.text


def test_encodings_follow_the_limits_of_the_loading_server(pair: Pair) -> None:
    pair.do("RPUSH", "list", *[str(n) for n in range(40)])
    pair.do("SADD", "ints", *[str(n) for n in range(40)])
    pair.do("SADD", "words", *[f"w{n}" for n in range(40)])
    pair.do("SADD", "long", "x" * 60, "y")
    pair.do("HSET", "hash", *[f"{n}" for n in range(40)])
    pair.do("HSET", "longhash", "f", "v" * 60)
    pair.do("ZADD", "zset", *[f"{n}" for n in range(40)])
    pair.do("ZADD", "longzset", "1", "m" * 60)
    names = ["list", "ints", "words", "long", "hash", "longhash", "zset", "longzset"]
    forms: list[dict[str, bytes]] = []
    for small in (False, True):
        if small:
            lower_limits(pair)
            # What is added takes the large encodings.
            pair.play("RPUSH list more\nSADD ints 99\nSADD words more\nHSET hash more v\nZADD zset 99 more")
        forms.append({name: payload(reply_of(pair, "DUMP", name)) for name in names})
    for dumps in forms:
        for name, dumped in dumps.items():
            pair.do("RESTORE", "k", "0", dumped, "REPLACE")
            pair.do("OBJECT", "ENCODING", "k")
            pair.do("DEBUG", "DIGEST-VALUE", "k", name)
    raise_limits(pair)
    for dumps in forms:
        for dumped in dumps.values():
            pair.do("RESTORE", "k", "0", dumped, "REPLACE")
            pair.do("OBJECT", "ENCODING", "k")


def reply_of(pair: Pair, *words: str) -> Reply:
    return pair.both(*words)[0]


LIMITS = {
    "list-max-listpack-size": ("5", "-2"),
    "set-max-intset-entries": ("5", "512"),
    "set-max-listpack-entries": ("5", "128"),
    "set-max-listpack-value": ("5", "64"),
    "hash-max-listpack-entries": ("5", "512"),
    "hash-max-listpack-value": ("5", "64"),
    "zset-max-listpack-entries": ("5", "128"),
    "zset-max-listpack-value": ("5", "64"),
}


def lower_limits(pair: Pair) -> None:
    for name, (low, _) in LIMITS.items():
        pair.do("CONFIG", "SET", name, low)


def raise_limits(pair: Pair) -> None:
    for name, (_, usual) in LIMITS.items():
        pair.do("CONFIG", "SET", name, usual)


@pytest.fixture(autouse=True)
def usual_limits(pair: Pair) -> Iterator[None]:
    yield
    raise_limits(pair)


@pytest.mark.parametrize("length", [1, 20, 44, 45, 63, 64, 100, 102, 103, 104, 110, 111, 112, 113, 114, 200])
@pytest.mark.parametrize("ttl", ["0", "1000000"])
@pytest.mark.parametrize("key", ["k", "k" * 40])
def test_strings_get_the_same_encoding(pair: Pair, length: int, ttl: str, key: str) -> None:
    pair.do("SET", "source", "v" * length)
    dumped = payload(pair.do("DUMP", "source"))
    pair.do("RESTORE", key, ttl, dumped)
    pair.do("OBJECT", "ENCODING", key)


def test_complaints_come_in_the_order_of_the_reference(pair: Pair) -> None:
    pair.do("SET", "k", "v")
    good = payload(pair.do("DUMP", "k"))
    for words in (
        (),
        ("k",),
        ("k", "0"),
        ("k", "0", "x"),
        ("k", "x", "x"),
        ("k", "x", "x", "REPLACE"),
        ("k", "-1", "x", "REPLACE"),
        ("k", "0", "x", "REPLACE"),
        ("k", "0", good, "WHAT"),
        ("k", "0", good, "IDLETIME"),
        ("k", "0", good, "IDLETIME", "x"),
        ("k", "0", good, "IDLETIME", "-1"),
        ("k", "0", good, "FREQ"),
        ("k", "0", good, "FREQ", "x"),
        ("k", "0", good, "FREQ", "-1"),
        ("k", "0", good, "FREQ", "256"),
        ("k", "0", good, "FREQ", "1", "IDLETIME", "1"),
        ("k", "0", good, "IDLETIME", "1", "FREQ", "1"),
        ("k", "0", good, "replace", "IDLETIME", "1", "idletime", "2"),
        ("k", "0", good, "REPLACE", "FREQ", "1", "FREQ", "2"),
        ("new", "0", good, "ABSTTL"),
    ):
        pair.do("RESTORE", *words)
        pair.do("RESTORE-ASKING", *words)
        pair.within(1, "OBJECT", "IDLETIME", "k")
    pair.do("DUMP")
    pair.do("DUMP", "a", "b")
    pair.do("DUMP", "missing")


def test_times(pair: Pair) -> None:
    pair.do("SET", "k", "v")
    good = payload(pair.do("DUMP", "k"))
    pair.do("RESTORE", "a", "100000", good)
    pair.within(100, "PTTL", "a")
    pair.do("RESTORE", "b", str(FAR_MS), good, "ABSTTL")
    pair.do("PEXPIRETIME", "b")
    pair.do("RESTORE", "c", "1", good, "ABSTTL")
    pair.do("EXISTS", "c")
    pair.do("RESTORE", "k", "1", good, "ABSTTL", "REPLACE")
    pair.do("EXISTS", "k")
    pair.do("RESTORE", "d", "9223372036854775807", good)
    pair.do("EXISTS", "d")
    pair.do("RESTORE", "a", "0", good, "REPLACE")
    pair.do("TTL", "a")
    pair.do("RESTORE", "e", "0", good, "IDLETIME", "1000")
    pair.within(1, "OBJECT", "IDLETIME", "e")
    pair.do("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    pair.do("RESTORE", "f", "0", good, "FREQ", "200")
    pair.do("OBJECT", "FREQ", "f")
    pair.do("RESTORE", "g", "0", good, "IDLETIME", "1000")
    pair.do("OBJECT", "FREQ", "g")


def test_old_values_of_any_type_are_replaced(pair: Pair) -> None:
    pair.do("RPUSH", "list", "a")
    pair.do("HSET", "hash", *[f"{n}" for n in range(2000)])
    pair.do("SET", "string", "v" * 300)
    dumps = {name: payload(pair.both("DUMP", name)[0]) for name in ("list", "hash", "string")}
    for target in dumps:
        for dumped in dumps.values():
            pair.do("RESTORE", target, "5000000", dumped, "REPLACE")
            pair.do("TYPE", target)
            pair.do("DEBUG", "DIGEST")


def test_it_serves_clients_that_wait(pair: Pair) -> None:
    sources = {
        "list": ("RPUSH list a b", ("BLPOP", "k", "0")),
        "zset": ("ZADD zset 1 a 2 b", ("BZPOPMIN", "k", "0")),
        "stream": ("XADD stream 5-1 f v", ("XREAD", "BLOCK", "0", "STREAMS", "k", "0")),
    }
    for name, (line, waiting) in sources.items():
        pair.play(line)
        dumped = payload(pair.do("DUMP", name))
        waiter = pair.second()
        waiter.send(*waiting)
        waiter.silent()
        pair.do("RESTORE", "k", "0", dumped)
        waiter.read()
        pair.do("DUMP", "k")
        pair.do("DEL", "k")


def test_watched_keys(pair: Pair) -> None:
    pair.do("SET", "source", "v")
    dumped = payload(pair.do("DUMP", "source"))
    other = pair.second()
    pair.do("WATCH", "k")
    other.do("RESTORE", "k", "0", dumped)
    pair.play("MULTI\nPING\nEXEC")


def test_fields_with_deadlines(pair: Pair) -> None:
    pair.do("HSET", "hash", "f", "v", "g", "w")
    pair.do("HPEXPIREAT", "hash", str(FAR_MS), "FIELDS", "1", "f")
    theirs, ours = pair.both("DUMP", "hash")
    for dumped in (payload(theirs), payload(ours)):
        pair.do("RESTORE", "k", "0", dumped, "REPLACE")
        pair.do("HPEXPIRETIME", "k", "FIELDS", "2", "f", "g")
        pair.unordered("HGETALL", "k")
        pair.do("OBJECT", "ENCODING", "k")
        pair.do("DEBUG", "DIGEST-VALUE", "k", "hash")
    pair.do("HPERSIST", "k", "FIELDS", "1", "f")
    pair.do("OBJECT", "ENCODING", "k")


def test_versions_to_come(pair: Pair) -> None:
    with pair.config("rdb-version-check", "relaxed"):
        for name in ("version-12", "version-65535", "version-0"):
            case = next(case for case in DAMAGED if case["name"] == name)
            pair.do("RESTORE", name, "0", bytes.fromhex(case["payload_hex"]))


def test_checksums_are_passed_over_when_debugging(pair: Pair) -> None:
    case = next(case for case in DAMAGED if case["name"] == "bad-crc")
    for switch, word in (("1", "a"), ("0", "b")):
        pair.do("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", switch)
        pair.do("RESTORE", word, "0", bytes.fromhex(case["payload_hex"]))


SPARED = {"flushall", "flushdb", "swapdb", "select", "move", "multi", "exec", "discard", "watch", "unwatch", "copy"}
"""Not drawn below: they leave the database, or the connection in another state."""


@settings(max_examples=max(10, settings().max_examples // 4))
@given(st.data())
def test_random_values_go_to_the_reference_and_back(servers: tuple[Server, Server], data: st.DataObject) -> None:
    names = sorted(
        name
        for name, tree in golden().items()
        if in_groups(name) and name not in LEFT_OUT and name not in SPARED and "write" in tree.get("flags", ())
    )
    sketch = data.draw(st.lists(st.tuples(st.sampled_from(names), st.integers(0, 1 << 20)), max_size=40))
    theirs, ours = Wire(servers[0].port), Wire(servers[1].port)
    try:
        for wire in (theirs, ours):
            say(wire, "FLUSHALL")
        for at, (name, seed) in enumerate(sketch):
            say(ours, *Drawer(seed, at).command(name)[1])
        before = say(ours, "DEBUG", "DIGEST").raw
        exchange(ours, theirs)
        assert say(theirs, "DEBUG", "DIGEST").raw == before
        say(ours, "FLUSHALL")
        exchange(theirs, ours)
        assert say(ours, "DEBUG", "DIGEST").raw == before
    finally:
        theirs.close()
        ours.close()


def say(wire: Wire, *words: Word) -> Reply:
    wire.send(encode(words))
    return wire.read()


def edited(reply: Reply, old: bytes, new: bytes) -> bytes:
    """A payload with the first `old` in it changed, under a right checksum."""
    body = payload(reply)[:-8]
    assert old in body
    body = body.replace(old, new, 1)
    return body + (int(crc64(0, body, 0, len(body))) & (2**64 - 1)).to_bytes(8, "little")


def test_what_is_not_in_order(pair: Pair) -> None:
    rows = difference_rows()
    assert {"rdb-sorted-set-order", "rdb-stream-last-id", "rdb-stream-order"} <= rows
    theirs, under_test = pair.theirs, pair.ours
    pair.do("ZADD", "zset", "1", "a", "2", "b")
    pair.do("RESTORE", "z", "0", edited(pair.do("DUMP", "zset"), b"\x81a\x02\x01\x01", b"\x81a\x02\x05\x01"))
    found = [[item.text for item in say(wire, "ZRANGE", "z", "0", "-1").items] for wire in (theirs, under_test)]
    assert found == [[b"a", b"b"], [b"b", b"a"]]
    pair.do("DEL", "z")

    pair.do("XADD", "stream", "5-1", "f", "v")
    pair.do(
        "RESTORE", "s", "0", edited(pair.do("DUMP", "stream"), b"\x01\x05\x01\x05\x01\x00", b"\x01\x03\x01\x05\x01\x00")
    )
    found = [[say(wire, "XADD", "s", "4-1", "f", "v").kind] for wire in (theirs, under_test)]
    assert found == [["$"], ["-"]]
    pair.do("DEL", "s")

    pair.do("XADD", "stream", "6-1", "f", "v")
    damaged = edited(pair.do("DUMP", "stream"), b"\x02\x01\x00\x01\x00\x01", b"\x02\x01\x07\x01\x00\x01")
    found = [[say(wire, "RESTORE", "s", "0", damaged).raw] for wire in (theirs, under_test)]
    assert found == [[b"+OK\r\n"], [b"-ERR Bad data format\r\n"]]
    for wire in (theirs, under_test):
        say(wire, "DEL", "s")
