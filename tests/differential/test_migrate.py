"""MIGRATE: complaints in the reference's order, and keys that go from each server to the other."""

from __future__ import annotations

from tests.differential.pair import Pair
from tests.differential.servers import both, free_port
from tests.differential.wire import Wire, encode


def test_complaints(pair: Pair) -> None:
    pair.play("""
        SET k v
        MIGRATE
        MIGRATE 127.0.0.1 1 k 0
        MIGRATE 127.0.0.1 1 k x 100
        MIGRATE 127.0.0.1 1 k 0 x
        MIGRATE 127.0.0.1 1 k x x
        MIGRATE 127.0.0.1 1 k 0 100 FOO
        MIGRATE 127.0.0.1 1 k 0 100 AUTH
        MIGRATE 127.0.0.1 1 k 0 100 AUTH2 a
        MIGRATE 127.0.0.1 1 k 0 100 KEYS k
        MIGRATE 127.0.0.1 1 "" 0 100 KEYS
        MIGRATE 127.0.0.1 1 "" 0 100 KEYS missing gone
        MIGRATE 127.0.0.1 1 missing 0 100
        MIGRATE 127.0.0.1 1 missing 0 100 COPY REPLACE
        COMMAND GETKEYS MIGRATE h 1 k 0 100
        COMMAND GETKEYS MIGRATE h 1 "" 0 100 KEYS a b
        GET k
    """)


def test_nobody_listens(pair: Pair) -> None:
    pair.do("SET", "k", "v")
    pair.do("MIGRATE", "127.0.0.1", free_port(), "k", 0, 500)
    pair.do("GET", "k")


def ask(wire: Wire, *words: str | int) -> bytes:
    wire.send(encode(words))
    return wire.read().raw


def test_keys_go_to_the_other_server() -> None:
    # Servers of their own: Valkey keeps its connection to the target for ten seconds.
    with both() as servers:
        pair = Pair(*servers, 2)
        try:
            exchange(pair)
        finally:
            pair.close()


def exchange(pair: Pair) -> None:
    theirs, ours = (server.port for server in pair.servers)
    for wire, target in ((pair.ours, theirs), (pair.theirs, ours)):
        pair.fresh()
        other = pair.theirs if wire is pair.ours else pair.ours
        ask(wire, "SET", "a", "1")
        ask(wire, "RPUSH", "b", 1, 2, 3)
        ask(other, "SET", "b", "in the way")
        answer = ask(wire, "MIGRATE", "127.0.0.1", target, "", 0, 1000, "COPY", "KEYS", "a", "b")
        assert answer == b"-ERR Target instance replied with error: BUSYKEY Target key name already exists.\r\n"
        assert ask(wire, "DBSIZE") == b":2\r\n"
        assert ask(wire, "MIGRATE", "127.0.0.1", target, "", 0, 1000, "REPLACE", "KEYS", "a", "b") == b"+OK\r\n"
        assert ask(wire, "DBSIZE") == b":0\r\n"
        assert ask(other, "GET", "a") == b"$1\r\n1\r\n"
        assert ask(other, "LLEN", "b") == b":3\r\n"
