"""One `redpoll server` for all examples of a test process, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from tests.process.running import Running


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    started = Running("--port", "{port}", "--bind", "127.0.0.1")
    try:
        yield started.ready()
    finally:
        started.close()


@pytest.fixture
def url(server: Running) -> str:
    return f"redis://127.0.0.1:{server.port}"


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    """A client of an empty server, which decodes what it reads."""
    with redis.Redis.from_url(url, decode_responses=True, socket_timeout=20) as made:
        made.flushall()
        yield made


@pytest.fixture(scope="session")
def three() -> Iterator[list[Running]]:
    """Three servers more, for the examples that spread their keys."""
    started = [Running("--port", "{port}", "--bind", "127.0.0.1") for _ in range(3)]
    try:
        yield [each.ready() for each in started]
    finally:
        for each in started:
            each.close()


@pytest.fixture
def nodes(three: list[Running]) -> Iterator[list[redis.Redis]]:
    """Clients of the three, which are empty and have no limit."""
    clients = [each.client(decode_responses=True) for each in three]
    for client in clients:
        client.flushall()
        client.config_set("maxmemory", "0")
        client.config_resetstat()
    yield clients
    for client in clients:
        client.close()


class HandClock:
    """A clock that stands until a test moves it."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()
