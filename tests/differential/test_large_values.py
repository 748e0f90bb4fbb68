"""Lists, sets, hashes and sorted sets of a million elements: true to a model, without walks, without second copies.

Costs are compared as CPU time of the server's thread, which other work on the machine does not change much.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.differential.pair import Pair
from tests.differential.servers import Server, ours
from tests.differential.wire import Reply, Wire, encode
from tests.process.running import until

MILLION = 1_000_000
BATCH = 2_000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Caller:
    """A patient client of a server of its own."""

    def __init__(self) -> None:
        self.server: Server = ours()
        self.server.start()
        self.wire = Wire(self.server.port, timeout=120)

    def do(self, *words: str | int | bytes) -> Reply:
        self.wire.send(encode(words))
        return self.wire.read()

    def texts(self, *words: str | int | bytes) -> list[bytes]:
        return [item.text or b"" for item in self.do(*words).items]

    def all(self, commands: list[tuple[str | int | bytes, ...]]) -> list[Reply]:
        """The replies to commands that are sent together, some hundred at a time."""
        replies = []
        for first in range(0, len(commands), 500):
            part = commands[first : first + 500]
            self.wire.send(b"".join(map(encode, part)))
            replies += [self.wire.read() for _ in part]
        return replies

    def fill(self, command: str, key: str, words: list[bytes], each: int = 1) -> None:
        for first in range(0, len(words), BATCH * each):
            self.do(command, key, *words[first : first + BATCH * each])

    @property
    def process(self) -> Path:
        assert self.server.process is not None
        return Path(f"/proc/{self.server.process.pid}")

    def cpu_ms(self, *commands: tuple[str | int | bytes, ...]) -> float:
        """What these commands cost the server's thread."""
        self.do("PING")
        before = int((self.process / "schedstat").read_text().split()[0])
        self.all(list(commands))
        return (int((self.process / "schedstat").read_text().split()[0]) - before) / 1e6

    def memory(self, field: str) -> int:
        """`VmRSS` or `VmHWM`, its high mark, in bytes."""
        line = next(line for line in (self.process / "status").read_text().splitlines() if line.startswith(field))
        return int(line.split()[1]) * 1024

    def close(self) -> None:
        self.wire.close()
        self.server.close()


@pytest.fixture
def caller() -> Iterator[Caller]:
    made = Caller()
    yield made
    made.close()


def elements(count: int) -> list[bytes]:
    return [b"element:%d" % n for n in range(count)]


def test_a_list_of_a_million_is_true_to_a_model(caller: Caller) -> None:
    dice = random.Random(1)
    model = elements(MILLION)
    caller.fill("RPUSH", "list", model)
    for turn in range(400):
        at = dice.randrange(len(model))
        assert caller.do("LINDEX", "list", at).text == model[at]
        assert caller.do("LINDEX", "list", at - len(model)).text == model[at]
        if turn % 4 == 0:
            word = b"new:%d" % turn
            before = dice.random() < 0.5
            where = "BEFORE" if before else "AFTER"
            assert caller.do("LINSERT", "list", where, model[at], word).integer == len(model) + 1
            model.insert(at if before else at + 1, word)
        elif turn % 4 == 1:
            model[at] = b"set:%d" % turn if dice.random() < 0.9 else b"long" * dice.randrange(5000)
            caller.do("LSET", "list", at, model[at])
        elif turn % 4 == 2:
            assert caller.do("LREM", "list", dice.choice([0, 1, -1]), model[at]).integer == 1
            del model[at]
        else:
            assert caller.texts("LRANGE", "list", at, at + 50) == model[at : at + 51]
        if turn % 100 == 99:
            low, high = dice.randrange(30_000), dice.randrange(30_000)
            caller.do("LTRIM", "list", low, -high - 1)
            model = model[low : len(model) - high]
        assert caller.do("LLEN", "list").integer == len(model)
    assert caller.texts("LRANGE", "list", 0, -1) == model


def test_places_in_the_middle_cost_no_walk(caller: Caller) -> None:
    """A hundred times the elements cost no more than some levels more of what leads to them."""
    costs = []
    for count in (10_000, MILLION):
        words = elements(count)
        caller.fill("RPUSH", "list", words)
        caller.fill("ZADD", "zset", [word for n, name in enumerate(words) for word in (b"%d" % n, name)], 2)
        dice = random.Random(2)
        places = [dice.randrange(count // 3, count * 2 // 3) for _ in range(1000)]
        costs.append({
            "LINDEX": caller.cpu_ms(*[("LINDEX", "list", at) for at in places]),
            "LSET": caller.cpu_ms(*[("LSET", "list", at, b"element:%d" % at) for at in places]),
            "LRANGE": caller.cpu_ms(*[("LRANGE", "list", at, at + 5) for at in places]),
            "ZRANGE": caller.cpu_ms(*[("ZRANGE", "zset", at, at + 5) for at in places]),
            "ZRANGEBYSCORE": caller.cpu_ms(*[("ZRANGEBYSCORE", "zset", at, at + 5) for at in places]),
            "ZRANK": caller.cpu_ms(*[("ZRANK", "zset", b"element:%d" % at) for at in places]),
            "ZCOUNT": caller.cpu_ms(*[("ZCOUNT", "zset", 5, at) for at in places]),
            "ZRANDMEMBER": caller.cpu_ms(*[("ZRANDMEMBER", "zset", 5) for _ in places]),
        })  # fmt: skip
        caller.do("DEL", "list", "zset")
    for name, small in costs[0].items():
        # A walk would cost a hundred times as much; what is not in the processor's cache costs some times.
        assert costs[1][name] < 8 * small + 2, f"{name}: {small:.1f} ms in 10,000, {costs[1][name]:.1f} ms in a million"


def test_a_set_of_a_million_is_true_to_a_model(caller: Caller) -> None:
    dice = random.Random(3)
    model = set(elements(MILLION))
    caller.fill("SADD", "set", list(model))
    for turn in range(60):
        popped = caller.texts("SPOP", "set", dice.choice([1, 10, 3000]))
        assert model.issuperset(popped)
        assert len(set(popped)) == len(popped)
        model.difference_update(popped)
        chosen = caller.texts("SRANDMEMBER", "set", 200)
        assert len(set(chosen)) == 200
        assert model.issuperset(chosen)
        assert model.issuperset(caller.texts("SRANDMEMBER", "set", -200))
        words = [b"element:%d" % dice.randrange(2 * MILLION) for _ in range(200)]
        assert [item.integer for item in caller.do("SMISMEMBER", "set", *words).items] == [
            word in model for word in words
        ]
        assert caller.do("SADD", "set", *words).integer == len(set(words) - model)
        model.update(words)
        assert caller.do("SREM", "set", *words[:50]).integer == len(set(words[:50]))
        model.difference_update(words[:50])
        assert caller.do("SCARD", "set").integer == len(model), turn
    few = dice.sample(sorted(model), 1000)
    caller.fill("SADD", "few", [*few, b"a stranger"])
    assert set(caller.texts("SINTER", "few", "set")) == set(few)
    assert caller.texts("SDIFF", "few", "set") == [b"a stranger"]
    assert caller.do("SUNIONSTORE", "all", "set", "few").integer == len(model) + 1
    assert caller.do("SPOP", "all", len(model) // 2).items
    assert caller.do("SCARD", "all").integer == len(model) + 1 - len(model) // 2
    assert set(caller.texts("SMEMBERS", "set")) == model


def scanned(caller: Caller, *words: str | int | bytes) -> tuple[dict[bytes, bytes], int]:
    """All that a scan finds, as pairs, and how many calls it took."""
    cursor: bytes = b"0"
    found: dict[bytes, bytes] = {}
    calls = 0
    while calls == 0 or cursor != b"0":
        reply = caller.do(words[0], words[1], cursor, *words[2:])
        cursor = reply.items[0].text or b"0"
        items = [item.text or b"" for item in reply.items[1].items]
        found.update(zip(items[::2], items[1::2], strict=True))
        calls += 1
    return found, calls


def test_a_hash_of_a_million_is_true_to_a_model(caller: Caller) -> None:
    dice = random.Random(4)
    model = {b"field:%d" % n: b"value:%d" % n for n in range(MILLION)}
    caller.fill("HSET", "hash", [word for pair in model.items() for word in pair], 2)
    for _ in range(60):
        fields = [b"field:%d" % dice.randrange(2 * MILLION) for _ in range(200)]
        assert [item.text for item in caller.do("HMGET", "hash", *fields).items] == [model.get(name) for name in fields]
        added = {name: b"%d" % dice.randrange(1000) for name in fields}
        words = [word for pair in added.items() for word in pair]
        assert caller.do("HSET", "hash", *words).integer == len(added.keys() - model.keys())
        model.update(added)
        assert caller.do("HDEL", "hash", *fields[:50]).integer == len(set(fields[:50]))
        for name in set(fields[:50]):
            del model[name]
        chosen = caller.texts("HRANDFIELD", "hash", 100, "WITHVALUES")
        assert [model[name] for name in chosen[::2]] == chosen[1::2]
        assert caller.do("HLEN", "hash").integer == len(model)
    found, calls = scanned(caller, "HSCAN", "hash", "COUNT", 1000)
    assert found == model
    assert 300 < calls < 3000
    whole = caller.texts("HGETALL", "hash")
    assert dict(zip(whole[::2], whole[1::2], strict=True)) == model


def test_a_sorted_set_of_a_million_beside_the_reference(pair: Pair) -> None:
    # A digest of a million members takes seconds.
    for wire in (pair.theirs, pair.ours):
        wire.socket.settimeout(120)
    dice = random.Random(5)
    for first in range(0, MILLION, BATCH):
        words: list[str | int] = []
        for n in range(first, first + BATCH):
            words += [dice.randrange(10_000), f"member:{n}"]
        pair.do("ZADD", "zset", *words)
    for turn in range(150):
        rank = dice.randrange(900_000)
        score = dice.randrange(10_000)
        member = f"member:{dice.randrange(MILLION)}"
        pair.do("ZRANGE", "zset", rank, rank + 30, "WITHSCORES")
        pair.do("ZRANGE", "zset", f"({score}", score + 2, "BYSCORE", "LIMIT", 20, 30)
        pair.do("ZREVRANGEBYSCORE", "zset", score, score - 1, "WITHSCORES", "LIMIT", 0, 30)
        pair.do("ZRANK", "zset", member, "WITHSCORE")
        pair.do("ZCOUNT", "zset", score, score + dice.randrange(500))
        pair.do("ZINCRBY", "zset", dice.randrange(-50, 50), member)
        pair.do("ZREM", "zset", member, f"member:{dice.randrange(MILLION)}")
        if turn % 10 == 0:
            pair.do("ZREMRANGEBYRANK", "zset", rank, rank + 500)
            pair.do("ZREMRANGEBYSCORE", "zset", score, score + 1)
            pair.do("ZPOPMIN", "zset", 300)
            pair.do("ZPOPMAX", "zset", 300)
    pair.do("ZLEXCOUNT", "zset", "-", "+")
    pair.do("ZCARD", "zset")
    pair.do("DEBUG", "DIGEST")


FILLED = {
    "list": ("RPUSH", 1), "set": ("SADD", 1), "hash": ("HSET", 2), "zset": ("ZADD", 2),
}  # fmt: skip
WHOLE = (
    ("list", "LRANGE", "list", "0", "-1"),
    ("set", "SMEMBERS", "set"),
    ("hash", "HGETALL", "hash"),
    ("hash", "HKEYS", "hash"),
    ("zset", "ZRANGE", "zset", "0", "-1", "WITHSCORES"),
    ("zset", "ZRANGE", "zset", "-inf", "+inf", "BYSCORE"),
)


@pytest.mark.parametrize("words", WHOLE, ids=lambda words: " ".join(words[1:]))
def test_a_long_reply_is_held_once_while_a_slow_client_reads_it(caller: Caller, words: tuple[str, ...]) -> None:
    key = words[0]
    command, each = FILLED[key]
    items: list[bytes] = []
    for n in range(MILLION):
        items += [b"%d" % n, b"element:%030d" % n] if key == "zset" else [b"element:%030d" % n] * each
    caller.fill(command, key, items, each)
    slow = Wire(caller.server.port, timeout=120)
    try:
        (caller.process / "clear_refs").write_text("5")
        before = caller.memory("VmRSS")
        slow.send(encode(words[1:]))
        until(lambda: b" cmd=%b " % words[1].lower().encode() in (caller.do("CLIENT", "LIST").text or b""), "it runs")
        grown = caller.memory("VmHWM") - before
        reply = slow.read()
        assert len(reply.items) >= MILLION
        size = len(reply.raw)
        assert grown < 1.35 * size + 8_000_000, f"{grown / 1e6:.0f} MB for a reply of {size / 1e6:.0f} MB"
    finally:
        slow.close()


def waiters_cost_ms(caller: Caller, count: int) -> float:
    """The CPU time in which one push serves so many waiters on one key."""
    waiting = [Wire(caller.server.port, timeout=60) for _ in range(count)]
    try:
        for wire in waiting:
            wire.send(encode(("BLPOP", "queue", 0)))
        blocked = b"blocked_clients:%d\r\n" % count
        until(lambda: blocked in (caller.do("INFO", "clients").text or b""), "all wait")
        cost = caller.cpu_ms(("RPUSH", "queue", *range(count)))
        for n, wire in enumerate(waiting):
            assert [item.text for item in wire.read().items] == [b"queue", b"%d" % n], "first come, first served"
        caller.do("PING")
        return cost
    finally:
        for wire in waiting:
            wire.close()
        until(lambda: b"connected_clients:1\r\n" in (caller.do("INFO", "clients").text or b""), "they have gone")


def test_waiters_on_one_key_are_served_in_linear_time(caller: Caller) -> None:
    waiters_cost_ms(caller, 100)
    few = waiters_cost_ms(caller, 1000)
    many = waiters_cost_ms(caller, 4000)
    assert many < 2.5 * 4 * few, f"{few:.1f} ms for 1,000 waiters, {many:.1f} ms for 4,000"
