"""One valkey and one redpoll for the whole run; for each test a `pair` of connections, in RESP2 and in RESP3."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.differential.pair import Pair
from tests.differential.servers import Server, both


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Server, Server]]:
    with both() as started:
        yield started


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def pair(request: pytest.FixtureRequest, servers: tuple[Server, Server]) -> Iterator[Pair]:
    made = Pair(*servers, request.param)
    try:
        made.fresh()
        yield made
    finally:
        made.close()
        deaths = [death for server in servers if (death := server.death())]
        assert not deaths, "\n".join(deaths)
