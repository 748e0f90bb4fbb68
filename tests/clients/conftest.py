"""A server for real clients: redpoll, or a valkey with REDPOLL_DIFF_SELF=1."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from tests.differential.servers import Server, ours


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    made = ours()
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def port(server: Server) -> int:
    """The port of a server whose databases are empty."""
    death = server.death()
    assert death is None, death
    with redis.Redis(port=server.port) as client:
        client.flushall()
    return server.port
