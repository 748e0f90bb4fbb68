"""Memory of what was deleted, expired or flushed goes back to the system."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest
import redis
from tests.process.conftest import Start
from tests.process.running import Running, until

from redpoll.build_info import is_compiled
from redpoll.env.allocator import glibc

pytestmark = [
    pytest.mark.skipif(glibc() is None, reason="another C library gives back what it likes"),
    pytest.mark.skipif(not is_compiled(), reason="what is given back is measured where it is served"),
]

MB = 1_000_000


def resident(server: Running) -> int:
    words = Path(f"/proc/{server.process.pid}/statm").read_text().split()
    return int(words[1]) * 4096


def filled(server: Running, count: int, size: int) -> redis.Redis:
    """A client of a server that holds `key:0`, `key:1` ... with values of so many bytes."""
    client = server.client()
    client.execute_command("DEBUG", "POPULATE", count, "key", size)
    assert client.dbsize() == count
    assert resident(server) > 80 * MB
    return client


def delete(client: redis.Redis, command: str, keys: list[str]) -> None:
    for at in range(0, len(keys), 500):
        client.execute_command(command, *keys[at : at + 500])


def becomes_small(server: Running, client: redis.Redis, keys: int) -> None:
    """Return once the process takes at most 1.3 times what is in use and 15 MB."""

    def is_small() -> bool:
        used = client.info("memory")["used_memory"]
        return bool(client.dbsize() == keys and resident(server) <= used * 13 // 10 + 15 * MB)

    until(is_small, "a small process")


@pytest.mark.parametrize("how", ["FLUSHALL SYNC", "FLUSHALL ASYNC", "DEL", "UNLINK", "expiry"])
def test_when_all_is_gone(start: Start, how: str) -> None:
    server = start("--port", "{port}", "--enable-debug-command", "yes").ready()
    client = filled(server, 40_000, 2000)
    keys = [f"key:{n}" for n in range(40_000)]
    if how == "expiry":
        pipe = client.pipeline(transaction=False)
        at = int(time.time() * 1000) + 500
        for key in keys:
            pipe.pexpireat(key, at)
        pipe.execute()
    elif how.startswith("FLUSHALL"):
        assert client.execute_command(how)
    else:
        delete(client, how, keys)
    becomes_small(server, client, 0)


@pytest.mark.parametrize(("count", "size"), [(40_000, 2000), (150_000, 400), (150_000, 300), (400_000, 100)])
def test_when_a_tenth_stays_everywhere(start: Start, count: int, size: int) -> None:
    """What stays lies in each page: it moves."""
    server = start("--port", "{port}", "--enable-debug-command", "yes").ready()
    client = filled(server, count, size)
    before = client.get("key:70")
    delete(client, "DEL", [f"key:{n}" for n in range(count) if n % 10 > 0])
    becomes_small(server, client, count // 10)
    assert client.get("key:70") == before
    assert all(client.strlen(f"key:{n}") == size for n in range(0, count, 1000))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["DEL", "UNLINK", "expiry"])
def test_when_a_random_tenth_of_a_million_stays(start: Start, how: str) -> None:
    server = start("--port", "{port}", "--enable-debug-command", "yes").ready()
    client = filled(server, 1_000_000, 100)
    keys = [f"key:{n}" for n in range(1_000_000)]
    Random(7).shuffle(keys)
    gone = keys[100_000:]
    at = int(time.time() * 1000) + 20_000
    for first in range(0, len(gone), 1000):
        pipe = client.pipeline(transaction=False)
        for key in gone[first : first + 1000]:
            if how == "expiry":
                pipe.pexpireat(key, at)
            else:
                pipe.execute_command(how, key)
        pipe.execute()
    if how == "expiry":
        until(lambda: client.dbsize() <= 100_000, "the expiry")
    becomes_small(server, client, 100_000)


def test_purge_gives_back_what_there_is(start: Start) -> None:
    server = start("--port", "{port}", "--enable-debug-command", "yes").ready()
    client = filled(server, 40_000, 2000)
    assert client.execute_command("FLUSHALL")
    assert client.execute_command("MEMORY PURGE")
    becomes_small(server, client, 0)
