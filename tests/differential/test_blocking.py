"""Clients that wait for a key: what serves them, and what only looks as if it did.

The waiting client runs its command again when its key is ready, so what happened to the key in between decides.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.differential.pair import Pair


@pytest.fixture(autouse=True)
def unpaused(pair: Pair) -> Iterator[None]:
    """No pause outlives its test: the next one would hang."""
    yield
    other = pair.second()
    other.do("CLIENT", "UNPAUSE")


THEN_GONE = [
    "SET z x",
    "DEL z|HSET z f v",
    "SET s x|RENAME s z",
    "FLUSHALL|APPEND z x",
    "FLUSHDB|SET z 1",
    "DEL z",
    "PEXPIREAT z 1",
    "SWAPDB 0 1",
    "MOVE z 1",
    "ZREM z a",
    "RENAME z elsewhere",
]
"""What a transaction does after ZADD z 1 a: the waiting client goes on waiting."""


def waits(pair: Pair, *words: str) -> Pair:
    """A second client that is blocked by this command on both servers."""
    waiting = pair.second()
    waiting.send(*words)
    while any(b"blocked_clients:1" not in (reply.text or b"") for reply in pair.both("INFO", "clients")):
        pass
    return waiting


def transaction(pair: Pair, lines: str) -> None:
    pair.do("MULTI")
    for line in lines.split("|"):
        pair.do(*line.split())
    pair.do("EXEC")


@pytest.mark.parametrize("then", THEN_GONE)
def test_a_key_that_is_something_else_in_the_end_serves_nobody(pair: Pair, then: str) -> None:
    pair.do("SELECT", 1)
    pair.do("SET", "z", "elsewhere") if then.startswith("SWAPDB") else pair.do("DEL", "z")
    pair.do("SELECT", 0)
    waiting = waits(pair, "BZPOPMIN", "z", "0")
    transaction(pair, "ZADD z 1 a|" + then)
    waiting.silent()
    pair.do("DEL", "z")
    pair.do("ZADD", "z", 2, "b")
    waiting.read()
    pair.do("EXISTS", "z")


def test_a_key_that_comes_back_in_the_same_transaction_serves(pair: Pair) -> None:
    waiting = waits(pair, "BZPOPMIN", "z", "0")
    transaction(pair, "ZADD z 1 a|SET z x|DEL z|ZADD z 2 b")
    waiting.read()


def test_a_swapped_in_database_serves(pair: Pair) -> None:
    waiting = waits(pair, "BZPOPMIN", "z", "0")
    pair.do("SELECT", 1)
    pair.do("ZADD", "z", 1, "a")
    pair.do("SWAPDB", 0, 1)
    waiting.read()
    pair.do("SELECT", 0)


def test_a_pause_of_writes_holds_a_served_client_too(pair: Pair) -> None:
    waiting = waits(pair, "BZPOPMIN", "z", "0")
    transaction(pair, "ZADD z 1 a|CLIENT PAUSE 60000 WRITE")
    waiting.silent()
    pair.do("EXISTS", "z")
    pair.do("CLIENT", "UNPAUSE")
    waiting.read()
    pair.do("EXISTS", "z")


def test_a_served_client_goes_on_with_what_it_had_sent(pair: Pair) -> None:
    waiting = waits(pair, "BZPOPMIN", "z", "0")
    waiting.send("PING", "one")
    transaction(pair, "ZADD z 1 a|CLIENT PAUSE 60000 WRITE")
    waiting.silent()
    pair.do("CLIENT", "UNPAUSE")
    waiting.read()
    waiting.read()


def test_a_time_out_starts_anew_after_a_pause(pair: Pair) -> None:
    waiting = waits(pair, "BZPOPMIN", "z", "0.1")
    transaction(pair, "ZADD z 1 a|CLIENT PAUSE 60000 WRITE")
    waiting.silent(0.15)
    pair.do("CLIENT", "UNPAUSE")
    waiting.read()


def test_monitors_see_a_blocked_command_once(pair: Pair) -> None:
    monitor = pair.second()
    monitor.do("MONITOR")
    waiting = waits(pair, "BZPOPMIN", "z", "0")
    pair.do("ZADD", "z", 1, "a")
    waiting.read()
    pair.do("ECHO", "the end")
    for wire in (monitor.theirs, monitor.ours):
        lines = []
        while b"the end" not in (text := wire.read().text or b""):
            lines.append(text)
        assert sum(b"BZPOPMIN" in line for line in lines) == 1, lines


@pytest.mark.parametrize(
    "lost",
    [
        "MULTI|SET k v|GET",
        "MULTI|GET|SET k v",
        "MULTI|SET k v|NOSUCH",
        "MULTI|NOSUCH|SET k v",
        "MULTI|SET k v|MULTI",
        "MULTI|SET k v|WATCH k",
        "MULTI|WATCH k|SET k v",
    ],
)
def test_exec_of_a_lost_transaction_is_not_held_by_a_pause(pair: Pair, lost: str) -> None:
    other = pair.second()
    for line in lost.split("|"):
        other.do(*line.split())
    pair.do("CLIENT", "PAUSE", 60000, "WRITE")
    other.do("EXEC")


@pytest.mark.parametrize("queued", ["SET k 2", "GET k"])
def test_exec_of_a_watch_that_breaks_after_queueing_and_a_pause(pair: Pair, queued: str) -> None:
    other = pair.second()
    other.do("WATCH", "k")
    other.do("MULTI")
    other.do(*queued.split())
    pair.do("SET", "k", 1)
    pair.do("CLIENT", "PAUSE", 60000, "WRITE")
    other.do("EXEC")


def test_many_waiters_are_served_in_the_order_in_which_they_came(pair: Pair) -> None:
    clients = []
    for n in range(20):
        waiting = pair.second()
        waiting.send("BZPOPMIN", "z", "0")
        wanted = b"blocked_clients:%d\r\n" % (n + 1)
        while any(wanted not in (reply.text or b"") for reply in pair.both("INFO", "clients")):
            pass
        clients.append(waiting)
    pair.do("ZADD", "z", *[word for n in range(15) for word in (n, f"m{n}")])
    for waiting in clients[:15]:
        waiting.read()
    clients[15].silent()
    pair.do("ZADD", "z", 1, "x", 2, "y")
    clients[15].read()
    clients[16].read()
    clients[17].silent()
