"""What scripts do to others: waiters, watchers, monitors, statistics, paused clients, memory and busy servers."""

from __future__ import annotations

import re

import pytest
from tests.differential.pair import Pair
from tests.differential.wire import Wire


def test_a_monitor_sees_the_script_and_its_commands(pair: Pair) -> None:
    monitor = pair.second()
    monitor.do("MONITOR")
    pair.do("EVAL", "redis.call('set', KEYS[1], 1.5) redis.pcall('nosuch') return redis.call('get', KEYS[1])", "1", "k")
    pair.do("EVAL_RO", "return redis.call('get', KEYS[1])", "1", "k")
    pair.do("EVAL", "redis.call('select', 2) return redis.call('incr', 'n')", "0")
    pair.do(
        "FUNCTION",
        "LOAD",
        "REPLACE",
        "#!lua name=m\nredis.register_function('mf', function(k) return redis.call('del', k[1]) end)",
    )
    pair.do("FCALL", "mf", "1", "k")
    blotted = [
        [re.sub(rb"\d{10}\.\d{6}|:\d{4,5}", b"*", wire.read().text or b"") for _ in range(10)]
        for wire in (monitor.theirs, monitor.ours)
    ]
    assert blotted[0] == blotted[1]


def rows_without_times(text: bytes) -> list[bytes]:
    return sorted(re.sub(rb"usec[a-z_]*=[0-9.]+", b"", line) for line in text.splitlines())


def test_statistics_count_the_script_and_its_commands(pair: Pair) -> None:
    pair.do("SET", "s", "abc")
    pair.do("CONFIG", "RESETSTAT")
    pair.do("EVAL", "redis.call('get', 's') redis.pcall('incr', 's') return redis.pcall('lpush', 's', 1)", "0")
    pair.do("EVAL", "return redis.call('incr', 's')", "0")
    theirs, ours = (rows_without_times(reply.text or b"") for reply in pair.both("INFO", "commandstats"))
    assert theirs == ours
    pair.do("INFO", "errorstats")


def test_the_slow_log_has_the_script_alone(pair: Pair) -> None:
    with pair.config("slowlog-log-slower-than", "0"):
        pair.do("SLOWLOG", "RESET")
        pair.do("EVAL", "return redis.call('set', 'a', 'b')", "0")
        pair.do("SLOWLOG", "LEN")
        theirs, ours = pair.both("SLOWLOG", "GET", "-1")
    commands = [[[word.text for word in entry.items[3].items] for entry in reply.items] for reply in (theirs, ours)]
    assert commands[0] == commands[1]


@pytest.mark.parametrize(
    ("block", "script", "setup"),
    [
        (("BLPOP", "w", "0"), "return redis.call('rpush', 'w', 'a', 'b')", ()),
        (("BLMOVE", "w", "v", "LEFT", "LEFT", "0"), "return redis.call('rpush', 'w', 'a')", ()),
        (("BZPOPMIN", "w", "0"), "redis.call('zadd', 'w', 2, 'b') return redis.call('zadd', 'w', 1, 'a')", ()),
        (
            ("BZMPOP", "0", "1", "w", "MAX"),
            "redis.call('zadd', 'w', 2, 'b') return redis.call('zadd', 'w', 1, 'a')",
            (),
        ),
        (("XREAD", "BLOCK", "0", "STREAMS", "w", "$"), "return redis.call('xadd', 'w', '1-1', 'f', 'v')", ()),
        (
            ("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "w", ">"),
            "return redis.call('xadd', 'w', '1-1', 'f', 'v')",
            (("XGROUP", "CREATE", "w", "g", "$", "MKSTREAM"),),
        ),
        (
            ("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "w", ">"),
            "return redis.call('del', 'w')",
            (("XGROUP", "CREATE", "w", "g", "$", "MKSTREAM"),),
        ),
    ],
)
def test_a_script_wakes_waiters(
    pair: Pair, block: tuple[str, ...], script: str, setup: tuple[tuple[str, ...], ...]
) -> None:
    other = pair.second()
    for words in setup:
        pair.do(*words)
    other.send(*block)
    other.silent()
    pair.do("EVAL", script, "0")
    other.read()


def test_a_waiter_does_not_see_the_middle_of_a_script(pair: Pair) -> None:
    other = pair.second()
    other.send("BLPOP", "w", "0")
    other.silent()
    pair.do("EVAL", "redis.call('rpush', 'w', 'a') return redis.call('lpop', 'w')", "0")
    other.silent()
    pair.do("RPUSH", "w", "b")
    other.read()


def events(wire: Wire) -> list[bytes]:
    return [wire.read().raw for _ in range(6)]


def test_keyspace_events_of_scripts(pair: Pair) -> None:
    other = pair.second()
    with pair.config("notify-keyspace-events", "KEA"):
        other.both("HELLO", 2)
        other.do("PSUBSCRIBE", "__key*__:*")
        pair.do(
            "EVAL", "redis.call('set', 'k', 1, 'ex', 9) redis.call('select', 1) return redis.call('incr', 'k')", "0"
        )
        assert events(other.theirs) == events(other.ours)


def test_transactions_with_scripts(pair: Pair) -> None:
    pair.play(r"""
        WATCH k
        EVAL "return redis.call('get', 'k')" 0
        MULTI
        EVAL "redis.call('set', 'k', 1) return redis.call('incr', 'k')" 0
        EVAL "return redis.call('incr')" 0
        EVAL "return redis.call('multi')" 0
        EVAL_RO "return redis.call('set', 'k', 2)" 0
        EVALSHA ffffffffffffffffffffffffffffffffffffffff 0
        FCALL nosuch 0
        SELECT 1
        EVAL "redis.call('select', 3) return redis.call('dbsize')" 0
        DBSIZE
        EXEC
        WATCH k
        EVAL "return redis.call('set', 'k', 3)" 0
        MULTI
        GET k
        EXEC
        SELECT 0
        GET k
    """)


@pytest.mark.parametrize("mode", ["WRITE", "ALL"])
def test_scripts_while_clients_are_paused(pair: Pair, mode: str) -> None:
    pair.do(
        "FUNCTION",
        "LOAD",
        "REPLACE",
        "#!lua name=p\nredis.register_function{function_name='pr', callback=function() return 1 end, flags={'no-writes'}}\nredis.register_function('pw', function() return 2 end)",
    )
    for words in (
        ("EVAL", "return 1", "0"),
        ("EVAL", "#!lua flags=no-writes\nreturn 1", "0"),
        ("EVAL", "#!lua\nreturn 1", "0"),
        ("EVAL_RO", "return 1", "0"),
        ("FCALL", "pr", "0"),
        ("FCALL", "pw", "0"),
        ("FCALL_RO", "pr", "0"),
    ):
        other = pair.second()
        # A pause of ALL stops CLIENT UNPAUSE too: it ends by itself.
        pair.do("CLIENT", "PAUSE", "60000" if mode == "WRITE" else "400", mode)
        other.send(*words)
        waits = (
            mode == "ALL"
            or words[:2] == ("FCALL", "pw")
            or words[:2] in (("EVAL", "return 1"), ("EVAL", "#!lua\nreturn 1"))
        )
        if waits:
            other.silent(0.1)
        if mode == "ALL":
            other.read()
        else:
            if not waits:
                other.read()
            pair.do("CLIENT", "UNPAUSE")
            if waits:
                other.read()


def test_scripts_without_memory(pair: Pair) -> None:
    pair.do("SET", "k", "v")
    with pair.config("maxmemory", "1"):
        for script in (
            "return redis.call('get', 'k')",
            "return redis.call('set', 'k', 'w')",
            "return redis.pcall('set', 'k', 'w')",
            "redis.call('del', 'k') return redis.call('set', 'k', 'w')",
            "#!lua\nreturn 1",
            "#!lua flags=no-writes\nreturn redis.call('get', 'k')",
            "#!lua flags=allow-oom\nreturn redis.call('set', 'k', 'w')",
        ):
            pair.do("EVAL", script, "0")
            pair.do("EVAL_RO", script, "0")


def test_a_busy_function(pair: Pair) -> None:
    other = pair.second()
    pair.do(
        "FUNCTION",
        "LOAD",
        "REPLACE",
        "#!lua name=b\nredis.register_function('bf', function() while true do end end)",
    )
    with pair.config("busy-reply-threshold", "50"):
        pair.send("FCALL", "bf", "0")
        pair.silent(0.3)
        for words in (("GET", "k"), ("EVAL", "return 1", "0"), ("SCRIPT", "KILL"), ("FUNCTION", "KILL")):
            other.do(*words)
        pair.read()


def test_the_insecure_api(pair: Pair) -> None:
    scripts = ("return type(getfenv)", "return type(setfenv)", "return type(newproxy)", "return type(print)")
    for value in ("yes", "no"):
        pair.do("CONFIG", "SET", "lua-enable-insecure-api", value)
        for script in scripts:
            pair.do("EVAL", script, "0")
