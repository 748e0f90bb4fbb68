"""The token bucket: in a server that loads it, and in a store with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from examples.token_bucket import TokenBucket, main, take_token
from tests.process.running import Running

import redpoll
from examples import token_bucket
from redpoll.client.store import Store
from redpoll.env.clock import VirtualClock

SECOND_US = 1_000_000


@pytest.fixture(scope="module")
def limiting() -> Iterator[Running]:
    path = Path(token_bucket.__file__).resolve()
    started = Running("--port", "{port}", "--bind", "127.0.0.1", "--functions", str(path))
    try:
        yield started.ready()
    finally:
        started.close()


@pytest.fixture
def bucket_client(limiting: Running) -> Iterator[redis.Redis]:
    with limiting.client(decode_responses=True) as client:
        client.flushall()
        yield client


def test_a_burst_passes_and_then_the_rate_counts() -> None:
    clock = VirtualClock(1_700_000_000 * SECOND_US)
    store = Store(clock)
    store.register_function(take_token)

    def take(caller: str) -> object:
        return store.execute("FCALL", "take_token", 1, caller, 3, 2)

    assert [take("alice") for _ in range(4)] == [[1, 2, 0], [1, 1, 0], [1, 0, 0], [0, 0, 501]]
    assert take("bob") == [1, 2, 0]
    clock.advance_ms(501)
    assert take("alice") == [1, 0, 0]
    clock.advance_ms(60_000)
    assert store.execute("EXISTS", "alice", "bob") == 0
    assert take("alice") == [1, 2, 0]


def test_wrong_calls_are_refused() -> None:
    store = redpoll.open()
    store.register_function(take_token)
    for words, told in (
        ([0], "needs one key"), ([1, "k", 0, 1], "at least 1"), ([1, "k", 1, 0], "positive"),
        ([1, "k", "x", 1], "Error running function take_token: ValueError"),
    ):  # fmt: skip
        with pytest.raises(redpoll.CommandError, match=told):
            store.execute("FCALL", "take_token", *words)


def test_threads_together_never_pass_the_capacity(bucket_client: redis.Redis) -> None:
    bucket = TokenBucket(bucket_client, "api", 10, 0.001)
    with ThreadPoolExecutor(8) as pool:
        decisions = list(pool.map(bucket.ask, ["alice"] * 80))
    assert sum(decision.allowed for decision in decisions) == 10
    assert all(decision.retry_after > 0 for decision in decisions if not decision.allowed)


def test_the_demonstration(limiting: Running, bucket_client: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--url", f"redis://127.0.0.1:{limiting.port}", "--capacity", "5", "--rate", "0.1"])
    assert "of 10 calls 5 passed" in capsys.readouterr().out
