"""`maxmemory-clients`: who is disconnected, and who is spared."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import pytest
from tests.differential.pair import Pair
from tests.differential.wire import Wire, encode

LIMIT = "512kb"
HALF_SENT = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$900000\r\n"


def evicted(wire: Wire) -> int:
    wire.send(encode(("INFO", "stats")))
    text = (wire.read().text or b"").decode()
    return int(text.partition("evicted_clients:")[2].split()[0])


def ended(wire: Wire) -> bool:
    """Whether the server has closed the connection; it says nothing before."""
    try:
        return wire.read_until_closed() == b""
    except ConnectionError:
        return True


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def watcher(pair: Pair) -> Pair:
    return pair.second()


def test_the_largest_client_goes_and_the_others_stay(pair: Pair, watcher: Pair) -> None:
    small = pair.second()
    large = pair.second()
    pair.do("CONFIG", "RESETSTAT")
    with pair.config("maxmemory-clients", LIMIT):
        small.do("PING")
        for wire in (large.theirs, large.ours):
            # It may be evicted before all of it is sent.
            with contextlib.suppress(ConnectionError):
                wire.send(HALF_SENT + b"x" * 899_000)
        for wire in (watcher.theirs, watcher.ours):
            until(lambda wire=wire: evicted(wire) == 1)  # type: ignore[misc]
        for wire in (large.theirs, large.ours):
            assert ended(wire)
        small.do("PING")
        watcher.do("PING")


def test_who_asked_for_it_is_spared(pair: Pair) -> None:
    spared = pair.second()
    spared.do("CLIENT", "NO-EVICT", "ON")
    pair.do("CONFIG", "RESETSTAT")
    with pair.config("maxmemory-clients", "8mb"):
        # Both take their buffers into account; only one of a few bytes is sure to be within both limits.
        spared.do("ECHO", "x" * 500_000)
        pair.do("PING")
    for wire in (pair.theirs, pair.ours):
        assert evicted(wire) == 0


def test_classes_of_clients(pair: Pair) -> None:
    pair.do("DEBUG", "CLIENT-EVICTION")
    with pair.config("maxmemory-clients", "50%"):
        pair.apart_from(rb"tot-mem: +\d+, clients: \d+", "DEBUG", "CLIENT-EVICTION")
        pair.differs("client-memory", "DEBUG", "CLIENT-EVICTION")
