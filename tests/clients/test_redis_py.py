"""redis-py and valkey-py, sync and asyncio, in both protocols: what people's programs do on their first day."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
import valkey
import valkey.asyncio

LIBRARIES = {"redis-py": redis, "valkey-py": valkey}


@pytest.fixture(
    params=[(name, protocol) for name in LIBRARIES for protocol in (2, 3)],
    ids=lambda param: f"{param[0]}-RESP{param[1]}",
)
def client(request: pytest.FixtureRequest, port: int) -> Iterator[Any]:
    """Untyped: the two libraries share an interface and no class."""
    name, protocol = request.param
    library: Any = LIBRARIES[name]
    made = (library.Redis if name == "redis-py" else library.Valkey)(
        port=port, protocol=protocol, decode_responses=True
    )
    yield made
    made.close()


def test_strings(client: Any) -> None:
    assert client.ping() is True
    assert client.echo("hello") == "hello"
    assert client.get("k") is None
    assert client.set("k", "v") is True
    assert client.get("k") == "v"
    assert client.set("k", "w", nx=True) is None
    assert client.set("k", "w", xx=True, get=True) == "v"
    assert client.set("k", "x", ex=100, keepttl=False) is True
    assert client.ttl("k") == 100
    assert client.incr("n") == 1
    assert client.incrby("n", 41) == 42
    assert client.decr("n") == 41
    assert client.incrbyfloat("f", 1.5) == 1.5
    assert client.append("k", "yz") == 3
    assert client.delete("k", "n", "nothing") == 2
    assert client.exists("f", "k") == 1
    assert client.type("f") == "string"
    assert client.dbsize() == 1


@pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")
def test_strings_read_and_changed_in_one(client: Any) -> None:
    assert client.setnx("k", "v") is True
    assert client.setnx("k", "w") is False
    assert client.getset("k", "w") == "v"
    assert client.getex("k", ex=100) == "w"
    assert client.ttl("k") == 100
    assert client.getex("k", persist=True) == "w"
    assert client.ttl("k") == -1
    assert client.setex("k", 100, "x") is True
    assert client.psetex("k", 100_000, "x") is True
    assert client.ttl("k") == 100
    assert client.getdel("k") == "x"
    assert client.getdel("k") is None
    client.set("lock", "token")
    assert client.execute_command("DELIFEQ", "lock", "another") == 0
    assert client.execute_command("DELIFEQ", "lock", "token") == 1


def test_several_strings(client: Any) -> None:
    assert client.mset({"a": 1, "b": 2}) is True
    assert client.mget("a", "missing", "b") == ["1", None, "2"]
    assert client.mget(["a"]) == ["1"]
    assert client.msetnx({"b": 3, "c": 3}) is False
    assert client.msetnx({"c": 3, "d": 4}) is True
    if hasattr(client, "msetex"):
        assert client.msetex({"a": 5, "e": 5}, ex=100) == 1
        assert client.ttl("e") == 100
    assert client.exists("a", "b", "c", "d") == 4


def test_parts_of_strings(client: Any) -> None:
    client.set("k", "Hello World")
    assert client.strlen("k") == 11
    assert client.getrange("k", -5, -1) == "World"
    assert client.substr("k", 0, 4) == "Hello"
    assert client.setrange("k", 6, "Redis") == 11
    assert client.setrange("k", 13, "!") == 14
    assert client.get("k") == "Hello Redis\0\0!"
    client.mset({"a": "ohmytext", "b": "mynewtext"})
    assert client.lcs("a", "b") == "mytext"
    assert client.lcs("a", "b", len=True) == 6
    found = client.lcs("a", "b", idx=True, minmatchlen=4, withmatchlen=True)
    if isinstance(found, list):
        found = dict(zip(found[::2], found[1::2], strict=True))
    assert found == {"matches": [[[4, 7], [5, 8], 4]], "len": 6}


def test_bytes_of_every_value(port: int) -> None:
    every = bytes(range(256)) * 500
    with redis.Redis(port=port) as plain:
        assert plain.set(every, every)
        assert plain.get(every) == every
        assert plain.hset("h", every, every) == 1
        assert plain.hgetall("h") == {every: every}


def test_hashes(client: Any) -> None:
    assert client.hset("h", mapping={"a": 1, "b": "two"}) == 2
    assert client.hset("h", "a", "one") == 0
    assert client.hget("h", "a") == "one"
    assert client.hgetall("h") == {"a": "one", "b": "two"}
    assert client.hdel("h", "a", "c") == 1
    assert client.hgetall("missing") == {}


def test_sorted_sets(client: Any) -> None:
    assert client.zadd("z", {"a": 1, "b": 2.5, "c": 3}) == 3
    assert client.zadd("z", {"a": 5}, gt=True, ch=True) == 1
    assert client.zscore("z", "b") == 2.5
    assert client.zscore("z", "nothing") is None
    assert client.zrank("z", "a") == 2
    assert client.zrange("z", 0, -1) == ["b", "c", "a"]
    pairs = client.zrange("z", 0, 1, withscores=True)
    assert [tuple(pair) for pair in pairs] == [("b", 2.5), ("c", 3.0)]
    assert client.zrange("z", "(2.5", "+inf", byscore=True, offset=1, num=5) == ["a"]
    assert client.zadd("z", {"a": 2}, incr=True) == 7.0
    assert client.zrem("z", "a", "nothing") == 1
    assert tuple(client.bzpopmin("z", timeout=1)) == ("z", "b", 2.5)
    assert client.bzpopmin("missing", timeout=0.02) is None


def test_bzpopmin_wakes_up(client: Any) -> None:
    timer = threading.Timer(0.05, client.zadd, ("z", {"m": 7}))
    timer.start()
    try:
        assert tuple(client.bzpopmin("z", timeout=5)) == ("z", "m", 7.0)
    finally:
        timer.join()


def test_expiry(client: Any) -> None:
    client.set("k", "v")
    assert client.ttl("k") == -1
    assert client.expire("k", 100) is True
    assert 99_000 < client.pttl("k") <= 100_000
    assert client.expire("k", 50, gt=True) is False
    assert client.persist("k") is True
    assert client.expire("missing", 1) is False
    client.set("gone", "v", px=1)
    for _ in range(1000):
        if client.get("gone") is None:
            break
    else:
        pytest.fail("did not expire")


def test_pipelines_and_transactions(client: Any) -> None:
    with client.pipeline(transaction=False) as pipe:
        for number in range(1000):
            pipe.set(f"k{number}", number)
        assert pipe.execute() == [True] * 1000
    with client.pipeline() as pipe:
        pipe.incr("n").incr("n").get("n")
        assert pipe.execute() == [1, 2, "2"]
    with client.pipeline() as pipe:
        pipe.watch("n")
        client.set("n", "changed")
        pipe.multi()
        pipe.get("n")
        with pytest.raises((redis.WatchError, valkey.WatchError)):
            pipe.execute()
    assert client.transaction(lambda pipe: pipe.multi() or pipe.incr("m"), "m") == [1]


def test_scan(client: Any) -> None:
    names = {f"key:{number}" for number in range(500)}
    for name in names:
        client.set(name, "v")
    client.hset("h", "f", "v")
    assert set(client.scan_iter()) == names | {"h"}
    assert set(client.scan_iter(match="key:1*", count=7)) == {name for name in names if name.startswith("key:1")}
    assert set(client.scan_iter(_type="hash")) == {"h"}


def test_errors(client: Any) -> None:
    client.set("k", "v")
    responses = (redis.ResponseError, valkey.ResponseError)
    with pytest.raises(responses, match="WRONGTYPE Operation against a key"):
        client.hget("k", "f")
    with pytest.raises(responses, match="value is not an integer or out of range"):
        client.incr("k")
    with pytest.raises(responses, match="unknown command 'NOSUCH', with args beginning with: 'a' "):
        client.execute_command("NOSUCH", "a")
    assert client.ping()


def test_about_the_connection(client: Any) -> None:
    assert client.client_id() > 0
    assert client.client_setname("me") is True
    assert client.client_getname() == "me"
    assert [line["name"] for line in client.client_list() if line["id"] == str(client.client_id())] == ["me"]
    assert client.info("server")["redis_version"]
    assert "get" in client.command()
    assert client.command_count() >= 40
    assert client.config_get("hash-max-listpack-*")["hash-max-listpack-value"] == "64"
    assert client.config_set("hash-max-listpack-value", 64) is True
    assert client.object("encoding", "missing") is None


def test_databases(port: int) -> None:
    with redis.Redis(port=port, db=3) as third, redis.Redis(port=port) as zeroth:
        third.set("k", "v")
        assert zeroth.get("k") is None
        assert third.dbsize() == 1
        third.flushdb()
        assert third.dbsize() == 0


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("protocol", [2, 3])
def test_asyncio(port: int, protocol: int, library: str) -> None:
    async def run() -> None:
        # Both type their asyncio methods as answering either at once or later.
        made: Any = redis.asyncio.Redis if library == "redis-py" else valkey.asyncio.Valkey
        client = made(port=port, protocol=protocol, decode_responses=True)
        try:
            assert await client.ping()
            await asyncio.gather(*(client.set(f"k{number}", number) for number in range(50)))
            found = await asyncio.gather(*(client.get(f"k{number}") for number in range(50)))
            assert found == [str(number) for number in range(50)]
            assert await client.mset({"a": 1, "b": 2}) is True
            assert await client.mget("a", "b", "missing") == ["1", "2", None]
            assert await client.getex("a", ex=100) == "1"
            assert await client.getrange("a", 0, 0) == "1"
            async with client.pipeline(transaction=True) as pipe:
                assert await pipe.incr("n").hset("h", "f", "v").execute() == [1, 1]
            waiting = asyncio.create_task(client.bzpopmin("z", timeout=5))
            await asyncio.sleep(0.02)
            await client.zadd("z", {"m": 1.5})
            assert tuple(await waiting) == ("z", "m", 1.5)
        finally:
            await client.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("protocol", [2, 3])
def test_hot_keys(port: int, protocol: int) -> None:
    """redis-py 8 alone has these methods."""
    client: Any = redis.Redis(port=port, protocol=protocol)
    metrics: Any = redis.commands.core.HotkeysMetricsTypes
    try:
        assert client.hotkeys_start([metrics.CPU, metrics.NET], count=3, duration=60, sample_ratio=1) in (b"OK", True)
        client.set("large", "v" * 5000)
        for _ in range(20):
            client.get("large")
        (found,) = client.hotkeys_get()
        assert found[b"tracking-active"] == 1
        assert found[b"by-net-bytes"][0] == b"large"
        with pytest.raises(redis.ResponseError, match="already in progress"):
            client.hotkeys_start([metrics.CPU])
        assert client.hotkeys_stop() in (b"OK", True)
        assert client.hotkeys_reset() in (b"OK", True)
        if protocol == 3:
            # In RESP2 redis-py cannot read the null that Redis documents.
            assert client.hotkeys_get() is None
    finally:
        client.hotkeys_stop()
        client.hotkeys_reset()
        client.close()
