"""The cached database: one query where many ask, old values while one loads, a limit on the memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from examples.cached_database import Cache, Load, Products, Ring, connect, evictions, main
from tests.examples.conftest import HandClock
from tests.process.running import Running, until

Make = Callable[[Load], Cache]


@pytest.fixture
def make(client: redis.Redis, clock: HandClock) -> Make:
    return lambda load: Cache({"one": client}, load, fresh=60, stale=600, clock=clock)


class Gate:
    """A database that answers only when the gate opens; it counts the questions."""

    def __init__(self, answer: int | None) -> None:
        self.answer = answer
        self.asked = 0
        self.open = threading.Event()

    def __call__(self, key: str) -> int | None:
        self.asked += 1
        answer = self.answer
        assert self.open.wait(20)
        return answer


def test_one_loads_while_the_others_wait(make: Make) -> None:
    gate = Gate(5)
    cache = make(gate)
    with ThreadPoolExecutor(20) as pool:
        found = [pool.submit(cache.get, "apple") for _ in range(20)]
        until(lambda: cache.seen.waits == 19, "19 readers to wait")
        gate.open.set()
        assert {each.result() for each in found} == {5}
    assert gate.asked == 1


def test_stale_values_are_served_while_one_loads(make: Make, clock: HandClock) -> None:
    gate = Gate(5)
    gate.open.set()
    cache = make(gate)
    assert cache.get("apple") == 5

    clock.now += 100
    gate.open.clear()
    gate.answer = 6
    with ThreadPoolExecutor(1) as pool:
        loaded = pool.submit(cache.get, "apple")
        until(lambda: gate.asked == 2, "the second load")
        assert [cache.get("apple") for _ in range(10)] == [5] * 10
        gate.open.set()
        assert loaded.result() == 6
    assert cache.get("apple") == 6
    assert gate.asked == 2


def test_a_loader_that_dies_is_replaced(make: Make, client: redis.Redis) -> None:
    client.set("loading:apple", "of somebody who died", px=50)
    assert make(lambda key: 5).get("apple") == 5


def test_an_old_value_is_not_stored_after_a_change(make: Make) -> None:
    gate = Gate(5)
    cache = make(gate)
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(cache.get, "apple")
        until(lambda: gate.asked == 1, "the load")
        gate.answer = 6
        cache.forget("apple")
        gate.open.set()
        assert loading.result() == 5
    assert cache.get("apple") == 6


def test_what_the_database_lacks_is_cached_too(make: Make) -> None:
    asked = []
    cache = make(lambda key: asked.append(key))
    assert [cache.get("nothing"), cache.get("nothing")] == [None, None]
    assert asked == ["nothing"]


def test_entries_of_one_moment_end_at_different_moments(make: Make, client: redis.Redis) -> None:
    cache = make(len)
    for number in range(50):
        cache.get(f"product {number}")
    times = [client.pttl(key) for key in client.scan_iter("cache:*")]
    assert len(times) == 50
    assert all(640_000 < ms <= 666_000 for ms in times)
    assert max(times) - min(times) > 2_000


def test_a_node_that_goes_moves_its_own_keys_only() -> None:
    names = [f"node {number}" for number in range(5)]
    keys = [f"key {number}" for number in range(5000)]
    before, after = Ring(names), Ring(names[:4])
    for key in keys:
        if before.node_of(key) != "node 4":
            assert after.node_of(key) == before.node_of(key)
    shares = [sum(before.node_of(key) == name for key in keys) for name in names]
    assert min(shares) > 500


def test_nodes_share_the_keys_and_keep_to_their_memory(nodes: list[redis.Redis]) -> None:
    prices = {f"product {number}": number for number in range(1000)}
    cache = Cache({f"node {number}": node for number, node in enumerate(nodes)}, prices.get)
    cache.limit_memory("25kb")
    for number in range(1000):
        assert cache.get(f"product {number}") == number
        assert cache.get("product 7") == 7
    assert evictions(cache) > 0
    assert all(0 < node.dbsize() < 300 for node in nodes)
    # The entry that was read all the time has stayed, but for rare mistakes: LRU goes by samples and by seconds.
    assert cache.seen.loads < 1020 and cache.seen.hits + cache.seen.loads == 2000


def test_the_database_is_a_file_of_sqlite(tmp_path: Path) -> None:
    products = Products(tmp_path / "products.db")
    products.put({"apple": 3, "pear": 4})
    products.put({"pear": 5})
    assert [products.price(name) for name in ("apple", "pear", "plum")] == [3, 5, None]
    assert products.queries == 3


def test_a_node_that_does_not_answer_is_passed_by(make: Make) -> None:
    gone = Running("--port", "{port}").ready()
    client = connect(f"redis://127.0.0.1:{gone.port}")
    gone.close()
    cache = Cache({"gone": client}, lambda key: 5)
    assert cache.get("apple") == 5
    assert cache.seen.unreachable == 1


def test_the_demonstration(url: str, client: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--urls", url, "--products", "1000", "--maxmemory", "60kb", "--timeout", "20"])
    told = capsys.readouterr().out
    assert "price {7}, 1 queries" in told
    assert "after a change: price 70, 2 queries" in told
    assert int(told.split(" made room")[0].split()[-1]) > 0
