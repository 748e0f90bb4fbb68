"""All data as commands: their words, and at most 64 items in each."""

from __future__ import annotations

from tests.unit.persistence.append import FOLDER, Opened, spelled

BASE = FOLDER + b"appendonly.aof.2.base.aof"


def base_of(*commands: tuple[object, ...]) -> bytes:
    """The base after these commands and a rewrite."""
    made = Opened(aof_use_rdb_preamble="no")
    made.engine.saves_itself = False
    for words in commands:
        made.do(*words)
    made.do("BGREWRITEAOF")
    made.work()
    return made.engine.config.files.read(BASE)


def test_the_words_of_each_type() -> None:
    select = spelled(("SELECT", 0))
    far = 4102444800000
    assert base_of(("SET", "k", "v", "PXAT", far)) == select + spelled(("SET", "k", "v"), ("PEXPIREAT", "k", far))
    assert base_of(("RPUSH", "l", "a", "b")) == select + spelled(("RPUSH", "l", "a", "b"))
    assert base_of(("SADD", "s", "3", "1")) == select + spelled(("SADD", "s", "1", "3"))
    assert base_of(("ZADD", "z", "2.5", "b", "1", "a")) == select + spelled(("ZADD", "z", "1", "a", "2.5", "b"))
    assert base_of(("HSET", "h", "f", "v", "g", "w"), ("HPEXPIREAT", "h", far, "FIELDS", 1, "f")) == select + spelled(
        ("HMSET", "h", "f", "v", "g", "w"), ("HPEXPIREAT", "h", far, "FIELDS", 1, "f")
    )


def test_a_stream_with_groups_and_one_without_entries() -> None:
    found = base_of(
        ("XADD", "s", "1-1", "f", "v"), ("XGROUP", "CREATE", "s", "g", "0"), ("XGROUP", "CREATECONSUMER", "s", "g", "c"),
        ("XDEL", "s", "1-1"),
    )  # fmt: skip
    assert found == spelled(
        ("SELECT", 0), ("XADD", "s", "MAXLEN", 0, "0-1", "x", "y"),
        ("XSETID", "s", "1-1", "ENTRIESADDED", 1, "MAXDELETEDID", "1-1"),
        ("XGROUP", "CREATE", "s", "g", "0-0", "ENTRIESREAD", -1), ("XGROUP", "CREATECONSUMER", "s", "g", "c"),
    )  # fmt: skip


def test_large_values_take_several_commands() -> None:
    for words in (
        ("RPUSH", "k", *range(200)), ("SADD", "k", *[f"m{n}" for n in range(200)]),
        ("ZADD", "k", *[word for n in range(200) for word in (n, f"m{n}")]), ("HSET", "k", *range(400)),
    ):  # fmt: skip
        found = base_of(words)
        assert found.count(b"*130\r\n") + found.count(b"*66\r\n") == 3
