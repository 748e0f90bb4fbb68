"""The typed methods: each is documented, names a command that exists, and answers plain Python values."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import redpoll
from redpoll.client.store import Store
from redpoll.env.clock import VirtualClock

METHODS = sorted(name for name in dir(Store) if not name.startswith("_") and callable(getattr(Store, name)))


@pytest.mark.parametrize("name", METHODS)
def test_a_method_shows_its_signature_and_what_it_does(name: str) -> None:
    method = getattr(Store, name)
    documented = inspect.getdoc(method) or ""
    assert documented.strip(), f"{name} has no docstring"
    assert documented.rstrip().endswith((".", ")", '"'))
    assert str(inspect.signature(method)).startswith("(")


def test_the_class_is_documented() -> None:
    assert "An open engine" in (inspect.getdoc(Store) or "")
    assert redpoll.Store is Store


CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], Any]] = [
    ("set", ("s", "text"), {}, None),
    ("set", ("t", "text"), {"ex": 100}, None),
    ("ttl", ("t",), {}, 100),
    ("get", ("s",), {}, b"text"),
    ("append", ("s", 1), {}, 5),
    ("getrange", ("s", 0, 1), {}, b"te"),
    ("mset", ({"a": 1, "b": 2.5},), {}, None),
    ("mget", ("a", "b", "none"), {}, [b"1", b"2.5", None]),
    ("decr", ("a",), {}, 0),
    ("incrbyfloat", ("b", 0.5), {}, 3.0),
    ("setnx", ("a", "x"), {}, False),
    ("getex", ("a",), {"px": 5000}, b"0"),
    ("pttl", ("a",), {}, 5000),
    ("persist", ("a",), {}, True),
    ("setbit", ("bits", 7, 1), {}, 0),
    ("bitfield", ("bits", "SET", "u8", 0, 255, "GET", "u4", 0), {}, [1, 15]),
    ("bitop", ("NOT", "inverse", "bits"), {}, 1),
    ("hset", ("h", "f", "1"), {}, 1),
    ("hmset", ("h", {"g": 2}), {}, None),
    ("hgetall", ("h",), {}, {b"f": b"1", b"g": b"2"}),
    ("hincrby", ("h", "f", 4), {}, 5),
    ("hmget", ("h", "f", "none"), {}, [b"5", None]),
    ("hexpire", ("h", 100, "f"), {}, [1]),
    ("httl", ("h", "f", "g"), {}, [100, -1]),
    ("hexists", ("h", "none"), {}, False),
    ("rpush", ("l", "a", "b", "c"), {}, 3),
    ("lrange", ("l", 0, -1), {}, [b"a", b"b", b"c"]),
    ("lpop", ("l",), {}, b"a"),
    ("lpop", ("l",), {"count": 5}, [b"b", b"c"]),
    ("lpop", ("l",), {}, None),
    ("lpush", ("l", 3, 1, 2), {}, 3),
    ("sort", ("l",), {"desc": True}, [b"3", b"2", b"1"]),
    ("sort", ("l",), {"start": 0, "num": 2}, [b"1", b"2"]),
    ("lpos", ("l", 1), {}, 1),
    ("lmpop", ("none", "l"), {"first": False}, [b"l", [b"3"]]),
    ("sadd", ("m", "x", "y"), {}, 2),
    ("smembers", ("m",), {}, {b"x", b"y"}),
    ("sismember", ("m", "x"), {}, True),
    ("sintercard", ("m", "m"), {}, 2),
    ("zadd", ("z", "ada", 2), {}, 1),
    ("zadd", ("z", "bob", 1), {}, 1),
    ("zrank", ("z", "ada"), {}, 1),
    ("geoadd", ("g", 13.361389, 38.115556, "Palermo"), {}, 1),
    ("geosearch", ("g", 13, 38, 100, "km"), {"withdist": True}, [[b"Palermo", b"34.1601"]]),
    ("pfadd", ("hll", "a", "b"), {}, True),
    ("pfcount", ("hll",), {}, 2),
    ("exists", ("s", "s", "none"), {}, 2),
    ("type", ("z",), {}, b"zset"),
    ("copy", ("s", "s2"), {}, True),
    ("delete", ("s", "s2", "none"), {}, 2),
    ("rename", ("m", "n"), {}, None),
]


def test_calls_answer_plain_values() -> None:
    store = Store(VirtualClock(1_700_000_000_000_000))
    for name, words, options, expected in CALLS:
        found = getattr(store, name)(*words, **options)
        assert found == expected, (name, words, options)
        assert type(found) is type(expected), (name, words, options)


def test_calls_run_at_once_while_a_transaction_is_collected() -> None:
    store = redpoll.open()
    store.execute("MULTI")
    store.execute("SET", "k", "later")
    assert store.lpush("l", 1) == 1
    assert store.get("k") is None
    assert store.execute("EXEC") == [b"OK"]
    assert store.get("k") == b"later"


def test_calls_pass_the_gates_of_every_command() -> None:
    store = redpoll.open()
    store.set("k", "v")
    store.execute("CLIENT", "NO-TOUCH", "ON")
    assert store.get("k") == b"v"
    assert store.execute("INFO", "commandstats").count(b"cmdstat_get:calls=1") == 1


def test_a_closed_store_complains() -> None:
    store = redpoll.open()
    store.set("k", 1)
    store.close()
    store.close()
    for call in (
        lambda: store.get("k"),
        lambda: store.set("k", 2),
        lambda: store.set("k", 2, ex=5),
        lambda: store.incr("k"),
        lambda: store.hset("h", "f", 1),
        lambda: store.hget("h", "f"),
        lambda: store.zadd("z", "m", 1),
        lambda: store.zrank("z", "m"),
        lambda: store.delete("k"),
        lambda: store.execute("PING"),
        store.tick,
        store.__enter__,
    ):
        with pytest.raises(ValueError, match="the store is closed"):
            call()


def test_open_takes_a_number_of_databases() -> None:
    for wrong in ("file.db", None, True, 2.0):
        with pytest.raises(TypeError, match="cannot open a file yet"):
            redpoll.open(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one database"):
        redpoll.open(0)


def test_a_store_closes_with_its_block() -> None:
    with redpoll.open() as store:
        store.set("k", "v")
        assert store.dbsize() == 1
    with pytest.raises(ValueError, match="the store is closed"):
        store.dbsize()
