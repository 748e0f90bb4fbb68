"""Hot keys: they are found, and each cure has its effect."""

from __future__ import annotations

import pytest
import redis
from examples.hot_keys import LocalCopy, Nodes, SplitCounter, SplitValue, compare, hottest, main, trace
from tests.examples.conftest import HandClock
from tests.process.running import Running


def test_the_hot_key_is_found(client: redis.Redis) -> None:
    nodes = Nodes([client])
    client.set("page:0", "x" * 100)
    found = hottest(client, lambda: [nodes.get(key) for key in trace(500)], count=3)
    assert len(found) == 3
    assert next(iter(found)) == "page:0"


def test_the_cures_take_the_load_off_the_busiest_node(nodes: list[redis.Redis]) -> None:
    effects = compare(Nodes(nodes), 2000, clients=20)
    plain, split = effects["no cure"], effects["split in 8"]
    assert plain.requests == split.requests == 2000
    assert plain.share > 0.7
    assert split.share < 0.6
    # The trace takes two seconds, so each client asks for the hot key two or three times; the others are left.
    hot = trace(2000).count("page:0")
    assert effects["copy for 1 s"].requests <= 2000 - hot + 3 * 20
    assert effects["both"].busiest < effects["copy for 1 s"].busiest < plain.busiest / 2


def test_a_split_value_reads_alike_from_every_part(nodes: list[redis.Redis]) -> None:
    parts = iter(range(8))
    split = SplitValue(Nodes(nodes), "page:0", choose=lambda count: next(parts))
    split.set("hello")
    assert [split.get() for _ in range(8)] == ["hello"] * 8
    assert sum(node.dbsize() for node in nodes) == 8
    assert sum(node.dbsize() > 0 for node in nodes) >= 2


def test_a_split_counter_loses_nothing(nodes: list[redis.Redis]) -> None:
    counter = SplitCounter(Nodes(nodes), "likes", parts=4)
    for _ in range(100):
        counter.add()
    counter.add(-30)
    assert counter.total() == 70


def test_a_local_copy_is_at_most_a_second_old(client: redis.Redis, clock: HandClock) -> None:
    copies = LocalCopy(Nodes([client]).get, seconds=1.0, clock=clock)
    client.set("page:0", "old")
    assert copies.get("page:0") == "old"
    client.set("page:0", "new")
    clock.now += 0.5
    assert copies.get("page:0") == "old"
    clock.now += 0.5
    assert copies.get("page:0") == "new"


def test_local_copies_are_bounded(clock: HandClock) -> None:
    asked: list[str] = []

    def read(key: str) -> str:
        asked.append(key)
        return key

    copies = LocalCopy(read, most=2, clock=clock)
    for key in ("a", "b", "a", "c", "a", "b"):
        assert copies.get(key) == key
    assert asked == ["a", "b", "c", "b"]
    assert len(copies.kept) == 2


def test_the_demonstration(nodes: list[redis.Redis], three: list[Running], capsys: pytest.CaptureFixture[str]) -> None:
    main(["--reads", "1500", "--urls", *(f"redis://127.0.0.1:{each.port}" for each in three)])
    told = capsys.readouterr().out
    assert "the hottest keys of its node, by bytes: {'page:0': " in told
    assert "1000 likes counted in 8 keys: 1000;" in told
