"""The typed methods of an engine inside a program: what they answer, and what they tell the journal."""

from __future__ import annotations

from enum import Enum, IntEnum, StrEnum
from pathlib import Path

import pytest
from tests.unit.engine.machine import Kept

import redpoll
from redpoll.client.store import Store
from redpoll.env.clock import VirtualClock


def test_methods_answer_python_values() -> None:
    store = redpoll.open()
    store.set("k", "41")
    assert store.get(b"k") == b"41"
    assert store.get("nobody") is None
    assert store.incr("k") == 42
    assert store.incr("k", -2) == 40
    assert store.hset("h", "f", "v") == 1
    assert store.hset("h", "f", "w") == 0
    assert store.hget("h", "f") == b"w"
    assert store.hget("h", "g") is None
    assert store.hget("nobody", "f") is None
    assert store.zadd("z", "a", 1.5) == 1
    assert store.zadd("z", "a", 2) == 0
    assert store.zrank("z", "a") == 0
    assert store.zrank("z", "b") is None
    assert store.delete("k", "h", "nobody") == 2


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda store: store.get("z"), "WRONGTYPE"),
        (lambda store: store.hset("z", "f", "v"), "WRONGTYPE"),
        (lambda store: store.hget("s", "f"), "WRONGTYPE"),
        (lambda store: store.zadd("s", "a", 1), "WRONGTYPE"),
        (lambda store: store.zrank("s", "a"), "WRONGTYPE"),
        (lambda store: store.incr("s"), "ERR value is not an integer or out of range"),
        (lambda store: store.incr("n", 1 << 63), "ERR value is not an integer or out of range"),
        (lambda store: store.incr("n", (1 << 63) - 1), "ERR increment or decrement would overflow"),
        (lambda store: store.zadd("z", "a", float("nan")), "ERR value is not a valid float"),
        (lambda store: store.execute("NOSUCH"), "ERR unknown command"),
        (lambda store: store.execute(), "ERR no command given"),
    ],
)
def test_complaints_are_the_reference_s_and_change_nothing(call: object, complaint: str) -> None:
    store = redpoll.open()
    store.set("s", "text")
    store.set("n", "1")
    store.zadd("z", "a", 1)
    with pytest.raises(redpoll.CommandError, match=complaint):
        call(store)  # type: ignore[operator]
    assert (store.get("s"), store.get("n"), store.zrank("z", "a"), store.execute("DBSIZE")) == (b"text", b"1", 0, 3)


def test_words_are_bytes_text_or_numbers() -> None:
    store = redpoll.open()
    assert store.execute("MSET", "a", 1, "b", 1.5, b"c", "\u00e9") == b"OK"
    assert store.execute(b"MGET", "a", "b", "c") == [b"1", b"1.5", b"\xc3\xa9"]
    for word in (None, True, ["x"], bytearray(b"x"), memoryview(b"x")):
        with pytest.raises(TypeError):
            store.execute("SET", "a", word)  # type: ignore[arg-type]
    assert store.get("a") == b"1"


def test_values_and_members_may_be_numbers() -> None:
    store = redpoll.open()
    store.set("k", 1)
    store.set("f", 1.5, ex=60)
    assert store.mget("k", "f") == [b"1", b"1.5"]
    assert store.hset("h", "f", 2) == 1
    assert store.hget("h", "f") == b"2"
    assert store.zadd("z", 5, 1) == 1
    assert store.zrank("z", 5) == store.zrank("z", "5") == 0


@pytest.mark.parametrize("value", [None, True, ["x"], bytearray(b"x")])
def test_what_has_no_one_spelling_is_a_type_error_and_changes_nothing(value: object) -> None:
    store = redpoll.open()
    for call in (
        lambda: store.set("k", value),  # type: ignore[arg-type]
        lambda: store.set("k", value, ex=1),  # type: ignore[arg-type]
        lambda: store.set(value, "v"),  # type: ignore[arg-type]
        lambda: store.hset("k", "f", value),  # type: ignore[arg-type]
        lambda: store.zadd("k", value, 1),  # type: ignore[arg-type]
        lambda: store.rpush("k", value),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError):
            call()
    assert store.execute("DBSIZE") == 0


class Whole(int, Enum):
    ONE = 1


class Level(IntEnum):
    LOW = -3


class Part(float, Enum):
    HALF = 0.5


class Name(StrEnum):
    KEY = "name"


class Raw(bytes, Enum):
    KEY = b"raw"


def test_members_of_enumerations_are_spelled_as_what_they_are_equal_to() -> None:
    store = redpoll.open()
    store.execute("MSET", "w", Whole.ONE, "l", Level.LOW, "p", Part.HALF, Name.KEY, Name.KEY, Raw.KEY, Raw.KEY)
    assert store.execute("MGET", "w", "l", "p", "name", "raw") == [b"1", b"-3", b"0.5", b"name", b"raw"]
    store.set(Raw.KEY, Raw.KEY)
    assert [type(found) for found in (store.get("raw"), store.get(Raw.KEY))] == [bytes, bytes]
    store.set("name", "other")
    assert store.get(Name.KEY) == b"other"
    store.hset(Raw.KEY + b"h", Raw.KEY, Name.KEY)
    assert store.hget("rawh", "raw") == b"name"
    assert store.delete(Raw.KEY) == 1


def test_the_journal_gets_what_methods_change() -> None:
    clock = VirtualClock(1_700_000_000_000_000)
    store = Store(clock)
    kept = Kept()
    store.set("before", "1")
    store.engine.unit.attach(kept)
    store.set("k", "41")
    store.get("k")
    store.incr("k", 2)
    store.hset("h", "f", "v")
    store.hget("h", "f")
    store.zadd("z", "a", 1.5)
    store.zadd("z", "a", 1.5)
    store.zrank("z", "a")
    store.delete("nobody")
    store.delete("k", "nobody")
    store.execute("SELECT", 3)
    store.execute("SET", "k", "1", "PX", "10")
    store.set("l", "2")
    clock.advance_ms(10)
    assert store.get("k") is None
    store.engine.unit.detach(kept)
    store.set("after", "1")
    assert kept.units == [
        "0 SET k 41",
        "0 INCRBY k 2",
        "0 HSET h f v",
        "0 ZADD z 1.5 a",
        "0 DEL k nobody",
        "3 SET k 1 PXAT 1700000000010",
        "3 SET l 2",
        "3 UNLINK k",
    ]


def test_closing_ends_a_snapshot_and_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = redpoll.open()
    for number in range(20_000):
        store.set(f"key:{number}", "v" * 50)
    assert store.execute("BGSAVE") == b"Background saving started"
    assert list(tmp_path.glob("temp-*.rdb"))
    store.close()
    assert list(tmp_path.iterdir()) == []
