"""MIGRATE from and to real servers: replies, errors, what moves, what is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from tests.differential.pair import Pair
from tests.differential.servers import Server, Valkey, free_port, ours
from tests.differential.test_persistence import digest, do
from tests.differential.wire import Wire, encode

from redpoll.env.process import is_alive


@pytest.fixture(scope="module")
def targets() -> Iterator[list[Server]]:
    """A real server and a redpoll, each with a password, to migrate to."""
    started = [Valkey("target"), ours()]
    try:
        for server in started:
            server.options = (*server.options, "--requirepass", "pw")
            server.start()
        yield started
    finally:
        for server in started:
            server.close()


@pytest.fixture(autouse=True, scope="module")
def end_kept_connections(servers: tuple[Server, Server]) -> Iterator[None]:
    """Each server keeps its connection to the other for ten seconds.  Later tests count the clients."""
    yield
    for server in servers:
        for line in (do(server, "CLIENT", "LIST").text or b"").splitlines():
            if b" cmd=restore " in line:
                do(server, "CLIENT", "KILL", "ID", line.split()[0].removeprefix(b"id=").decode())


def at(server: Server, *words: str) -> bytes:
    """A reply of a target."""
    wire = Wire(server.port)
    wire.send(encode(("AUTH", "pw")) + encode(words))
    assert wire.read().raw == b"+OK\r\n"
    reply = wire.read().raw
    wire.close()
    return reply


def test_what_is_refused_before_a_connection_is_made(pair: Pair) -> None:
    pair.do("SET", "k", "v")
    port = free_port()
    for words in (
        "k 0", "k x 500", "k 0 y", "k x y", "k x y AUTH", "k x y AUTH2 a", "k x y FOO", "k 99999999999999999999 10",
        "k 0 500 KEYS b", "k 0 500 COPY x", "nokey 0 500", "nokey 0 500 copy Replace auth x", "nokey -5 -5",
        "k 0 500 AUTH2 a b KEYS x",
    ):  # fmt: skip
        pair.do("MIGRATE", "127.0.0.1", str(port), *words.split())
    for more in ((), ("KEYS",), ("KEYS", "no", "such"), ("COPY", "keys", "no")):
        pair.do("MIGRATE", "127.0.0.1", str(port), "", "0", "500", *more)
    pair.play("COMMAND GETKEYS MIGRATE h 1 k 0 1\nCOMMAND GETKEYS MIGRATE h 1 k 0 1 KEYS a")
    for more in ((), ("AUTH", "keys", "KEYS", "a", "b"), ("AUTH2", "keys", "keys", "KEYS", "c"), ("COPY",)):
        pair.do("COMMAND", "GETKEYS", "MIGRATE", "h", "1", "", "0", "1", *more)
        pair.do("COMMAND", "GETKEYSANDFLAGS", "MIGRATE", "h", "1", "", "0", "1", *more)


def test_targets_that_cannot_be_reached(pair: Pair) -> None:
    pair.do("SET", "k", "v")
    for host, port in (
        ("127.0.0.1", str(free_port())), ("127.0.0.1", "abc"), ("127.0.0.1", "0"), ("127.0.0.1", "-1"),
        ("no.such.host.invalid", "1"), ("", "1"),
    ):  # fmt: skip
        pair.do("MIGRATE", host, port, "k", "0", "500")
    pair.do("GET", "k")


def test_a_target_that_does_not_answer(pair: Pair) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        pair.do("SET", "k", "v")
        pair.do("MIGRATE", "127.0.0.1", str(silent.getsockname()[1]), "k", "0", "100")
        pair.do("GET", "k")


@pytest.mark.parametrize("number", [0, 1])
def test_keys_move(pair: Pair, targets: list[Server], number: int) -> None:
    target = targets[number]
    port = str(target.port)
    pair.do("FLUSHALL")
    for server in pair.servers:
        at(target, "FLUSHALL")
        do(server, "CONFIG", "RESETSTAT")
        replies = []

        def run(*words: str, server: Server = server, replies: list[bytes] = replies) -> None:
            replies.append(do(server, *words).raw)

        run("MSET", "a", "1", "b", "2", "c", "3", "e", "5")
        run("SET", "timed", "v", "PX", "100000")
        run("MIGRATE", "127.0.0.1", port, "a", "0", "500")
        run("MIGRATE", "127.0.0.1", port, "a", "0", "500", "AUTH", "wrong")
        run("MIGRATE", "127.0.0.1", port, "a", "99", "500", "AUTH", "pw")
        run("MIGRATE", "127.0.0.1", port, "a", "-1", "500", "AUTH", "pw")
        run("EXISTS", "a")
        run("MIGRATE", "127.0.0.1", port, "a", "0", "500", "COPY", "AUTH", "pw")
        run("EXISTS", "a")
        run("MIGRATE", "127.0.0.1", port, "a", "0", "500", "AUTH2", "default", "pw")
        run("SET", "a", "new")
        run("MIGRATE", "127.0.0.1", port, "", "0", "500", "AUTH", "pw", "KEYS", "b", "a", "nosuch", "c")
        run("EXISTS", "a", "b", "c")
        run("MIGRATE", "127.0.0.1", port, "", "0", "500", "REPLACE", "AUTH", "pw", "KEYS", "a")
        run("MIGRATE", "127.0.0.1", port, "timed", "3", "500", "AUTH", "pw")
        run("KEYS", "*")
        run("MIGRATE", "127.0.0.1", port, "e", "0", "500")
        run("INFO", "stats")
        replies[-1] = replies[-1].partition(b"migrate_cached_sockets:")[2][:1]
        replies += [at(target, "MGET", "a", "b", "c", "e")]
        left = at(target, "MULTI"), at(target, "DBSIZE")
        replies += left
        wire = Wire(target.port)
        wire.send(encode(("AUTH", "pw")) + encode(("SELECT", "3")) + encode(("PTTL", "timed")))
        lines = [wire.read().raw for _ in range(3)]
        assert 50000 < int(lines[2][1:]) <= 100000
        wire.close()
        at(target, "FLUSHALL")
        if server is pair.servers[0]:
            expected = replies
        else:
            assert replies == expected


def test_all_types_move_in_both_directions(pair: Pair) -> None:
    """From the real server to redpoll and back: the digest stays the same."""
    theirs, mine = pair.servers
    pair.do("FLUSHALL")
    for n in range(300):
        do(theirs, "SADD", "set", f"member {n}")
        do(theirs, "HSET", "hash", f"field {n}", str(n))
        do(theirs, "ZADD", "zset", str(n / 3), f"member {n}")
        do(theirs, "RPUSH", "list", f"element {n}" * 9)
        do(theirs, "XADD", "stream", f"{n + 1}-1", "f", "v")
    for words in (
        "SADD ints 1 2 3", "SADD listpack a b 1", "HSET small f v g w", "HSET timed f v g w", "ZADD few 1 a 2 b",
        "HPEXPIREAT timed 4102444800000 FIELDS 1 f", "SET int 12", "SET text hello", "PFADD hll a b c", "RPUSH l 1 a",
        "XGROUP CREATE stream g 0", "XREADGROUP GROUP g c COUNT 3 STREAMS stream >", "SETBIT bits 100 1",
    ):  # fmt: skip
        assert do(theirs, *words.split()).kind != "-"
    do(theirs, "SET", "large", "x" * 300_000)
    do(theirs, "SET", "later", "v", "PXAT", "4102444800000")
    before = digest(theirs)
    names = sorted(item.text or b"" for item in do(theirs, "KEYS", "*").items)
    keys = [name.decode() for name in names]
    for source, target in ((theirs, mine), (mine, theirs)):
        reply = do(source, "MIGRATE", "127.0.0.1", str(target.port), "", "0", "5000", "KEYS", *keys)
        assert reply.raw == b"+OK\r\n"
        assert do(source, "DBSIZE").raw == b":0\r\n"
        if target is theirs:
            # The deadline is sent as the time that is left, so it may be a millisecond later now.
            do(theirs, "SET", "later", "v", "PXAT", "4102444800000")
            assert digest(theirs) == before
        else:
            do(mine, "SET", "later", "v", "PXAT", "4102444800000")
            assert digest(mine) == before


def test_events(pair: Pair, targets: list[Server]) -> None:
    found = []
    for server in pair.servers:
        at(targets[0], "FLUSHALL")
        do(server, "CONFIG", "SET", "notify-keyspace-events", "KEA")
        listener = Wire(server.port)
        listener.send(encode(("PSUBSCRIBE", "__keyevent*")))
        listener.read()
        do(server, "MSET", "a", "1", "b", "2")
        port = str(targets[0].port)
        do(server, "MIGRATE", "127.0.0.1", port, "", "0", "500", "COPY", "AUTH", "pw", "KEYS", "a", "b")
        do(server, "MIGRATE", "127.0.0.1", port, "", "0", "500", "REPLACE", "AUTH", "pw", "KEYS", "a", "b")
        do(server, "CONFIG", "SET", "notify-keyspace-events", "")
        found.append([listener.read().raw for _ in range(4)])
        listener.close()
    assert found[0] == found[1]


def test_a_kept_connection_that_the_target_has_closed(pair: Pair) -> None:
    """It is replaced without an error."""
    target = Valkey("target")
    try:
        target.start()
        for server in pair.servers:
            do(server, "MSET", "a", "1", "b", "2")
            assert do(server, "MIGRATE", "127.0.0.1", str(target.port), "a", "0", "500").raw == b"+OK\r\n"
            do(target, "CLIENT", "KILL", "TYPE", "normal")
            assert do(server, "MIGRATE", "127.0.0.1", str(target.port), "b", "0", "500").raw == b"+OK\r\n"
            assert do(target, "MGET", "a", "b").raw == b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n"
            do(target, "FLUSHALL")
        assert target.process is not None
        assert is_alive(target.process.pid)
    finally:
        target.close()
