"""Pub/Sub by real client libraries: redis-py and valkey-py, in both protocols, with threads and asyncio."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import redis.asyncio
import valkey.asyncio
from tests.clients.test_redis_py import LIBRARIES, client

__all__ = ["client"]


def message(listener: Any) -> Any:
    """The next one, waited for."""
    found = listener.get_message(timeout=5)
    assert found is not None
    return found


def test_messages(client: Any) -> None:
    with client.pubsub() as listener:
        listener.subscribe("news", "other")
        listener.psubscribe("n?ws")
        assert [message(listener)["data"] for _ in range(3)] == [1, 2, 3]
        assert client.publish("news", "hello") == 2
        told = [message(listener) for _ in range(2)]
        assert [(one["type"], one["pattern"], one["channel"], one["data"]) for one in told] == [
            ("message", None, "news", "hello"), ("pmessage", "n?ws", "news", "hello"),
        ]  # fmt: skip
        assert client.pubsub_numsub("news", "none") == [("news", 1), ("none", 0)]
        assert set(client.pubsub_channels("*")) == {"news", "other"}
        assert client.pubsub_numpat() == 1
        if client.get_connection_kwargs()["protocol"] == 2:
            # In RESP3 both libraries take the answer, which is no push, apart as if it were one.
            listener.ping("are you there")
            pong = message(listener)
            assert (pong["type"], pong["data"]) == ("pong", "are you there")
        listener.unsubscribe()
        listener.punsubscribe()
        assert sorted(message(listener)["type"] for _ in range(3)) == ["punsubscribe", "unsubscribe", "unsubscribe"]
        assert not listener.subscribed


def test_shard_channels(client: Any) -> None:
    with client.pubsub() as listener:
        listener.ssubscribe("orders")
        assert message(listener)["type"] == "ssubscribe"
        assert client.execute_command("SPUBLISH", "orders", "one") == 1
        told = (
            listener.get_sharded_message(timeout=5) if hasattr(listener, "get_sharded_message") else message(listener)
        )
        assert (told["type"], told["data"]) == ("smessage", "one")
        listener.sunsubscribe()
        assert message(listener)["type"] == "sunsubscribe"


def test_a_listening_thread_with_handlers(client: Any) -> None:
    heard: list[Any] = []
    done = threading.Event()

    def handle(told: Any) -> None:
        heard.append(told["data"])
        if told["data"] == "last":
            done.set()

    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(news=handle)
    thread = listener.run_in_thread(sleep_time=0.01)
    while client.publish("news", "first") == 0:
        pass
    client.publish("news", "last")
    assert done.wait(5)
    thread.stop()
    thread.join(5)
    assert heard[-2:] == ["first", "last"]


def test_keyspace_events(client: Any) -> None:
    client.config_set("notify-keyspace-events", "KEA")
    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.psubscribe("__keyevent@0__:*")
        while client.pubsub_numpat() == 0:
            pass
        client.set("k", "v", px=10)
        heard: list[Any] = []
        while len(heard) < 3:
            told = listener.get_message(timeout=1)
            if told is not None:
                heard.append(told["channel"].rpartition(":")[2])
        assert heard == ["set", "expire", "expired"]
    client.config_set("notify-keyspace-events", "")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("protocol", [2, 3])
def test_asyncio(port: int, protocol: int, library: str) -> None:
    async def run() -> None:
        made: Any = redis.asyncio.Redis if library == "redis-py" else valkey.asyncio.Valkey
        client = made(port=port, protocol=protocol, decode_responses=True)
        try:
            async with client.pubsub() as listener:
                await listener.subscribe("news")
                heard = []
                async for told in listener.listen():
                    if told["type"] == "subscribe":
                        await asyncio.gather(*(client.publish("news", n) for n in range(20)))
                        continue
                    heard.append(told["data"])
                    if len(heard) == 20:
                        break
                assert sorted(map(int, heard)) == list(range(20))
        finally:
            await client.aclose()

    asyncio.run(run())
