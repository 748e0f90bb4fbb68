"""Pub/Sub inside a program: messages as redis-py gives them, none of them waited for."""

from __future__ import annotations

import pytest

import redpoll


def test_messages_are_redis_pys() -> None:
    store = redpoll.open()
    with store.pubsub() as listener:
        assert not listener.subscribed
        listener.subscribe("news", b"other")
        listener.psubscribe("n*")
        assert listener.subscribed
        assert store.publish("news", "hello") == 2
        assert list(listener.listen()) == [
            {"type": "subscribe", "pattern": None, "channel": b"news", "data": 1},
            {"type": "subscribe", "pattern": None, "channel": b"other", "data": 2},
            {"type": "psubscribe", "pattern": None, "channel": b"n*", "data": 3},
            {"type": "message", "pattern": None, "channel": b"news", "data": b"hello"},
            {"type": "pmessage", "pattern": b"n*", "channel": b"news", "data": b"hello"},
        ]
        assert listener.get_message() is None
        listener.unsubscribe("news")
        listener.unsubscribe()
        listener.punsubscribe()
        assert not listener.subscribed
        assert [(told["type"], told["channel"], told["data"]) for told in listener.listen()] == [
            ("unsubscribe", b"news", 2), ("unsubscribe", b"other", 1), ("punsubscribe", b"n*", 0),
        ]  # fmt: skip
    assert store.publish("news", "hello") == 0


def test_confirmations_may_be_left_out() -> None:
    store = redpoll.open()
    listener = store.pubsub()
    listener.subscribe("a")
    assert listener.get_message(ignore_subscribe_messages=True) is None
    store.publish("a", 5)
    message = listener.get_message(ignore_subscribe_messages=True)
    assert message is not None
    assert message["data"] == b"5"


def test_keyspace_events_come_inside_a_program_too() -> None:
    store = redpoll.open()
    store.execute("CONFIG", "SET", "notify-keyspace-events", "KEA")
    with store.pubsub() as listener:
        listener.psubscribe("__keyevent@0__:*")
        listener.get_message()
        store.set("k", "v")
        store.delete("k")
        assert [(told["channel"], told["data"]) for told in listener.listen()] == [
            (b"__keyevent@0__:set", b"k"), (b"__keyevent@0__:del", b"k"),
        ]  # fmt: skip


def test_what_nobody_reads_is_bounded() -> None:
    store = redpoll.open()
    listener = store.pubsub()
    listener.subscribe("a", "b")
    store.engine.options.output_limits[2] = type(store.engine.options.output_limits[2])(5000, 0, 0)
    for _ in range(100):
        store.publish("a", "x" * 100)
    with pytest.raises(redpoll.CommandError, match="all subscriptions have ended"):
        listener.get_message()
    assert not listener.subscribed
    assert listener.get_message() is None
    assert store.publish("a", "x") == 0
    listener.subscribe("a")
    assert store.publish("a", "x") == 1
    assert [told["type"] for told in listener.listen()] == ["subscribe", "message"]


def test_commands_that_need_a_connection_say_so() -> None:
    store = redpoll.open()
    with pytest.raises(redpoll.CommandError, match="SUBSCRIBE isn't allowed for a DENY BLOCKING client"):
        store.execute("SUBSCRIBE", "a")
    with pytest.raises(TypeError):
        store.pubsub().subscribe()
