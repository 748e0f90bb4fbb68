"""MONITOR: which commands are shown, and how."""

from __future__ import annotations

import re

from tests.differential.pair import Pair, words_of
from tests.differential.wire import Reply, encode


def shown(wire_replies: list[Reply]) -> list[bytes]:
    """The lines without their time and port."""
    found = []
    for reply in wire_replies:
        line = re.fullmatch(rb"\d{10}\.\d{6} \[(\d+) 127\.0\.0\.1:\d+\] (.*)", reply.text or b"", re.DOTALL)
        assert line is not None, reply
        found.append(line[1] + b" " + line[2])
    return found


def lines(pair: Pair, count: int) -> list[bytes]:
    """The next `count` lines of a monitor, equal at both."""
    theirs = shown([pair.theirs.read() for _ in range(count)])
    ours = shown([pair.ours.read() for _ in range(count)])
    assert theirs == ours
    return theirs


def both(pair: Pair, *words: str) -> None:
    for wire in (pair.theirs, pair.ours):
        wire.send(encode(words))


def test_what_is_shown(pair: Pair) -> None:
    monitor = pair.second()
    monitor.do("MONITOR")
    shows = 0
    for line in (
        "PING",
        "ping x",
        "SELECT 3",
        r'SET "a b" "\"\\\n\r\t\x07\x08\x01\xff\x7f"',
        "client setname me",
        "CLIENT ID",
        "CLIENT INFO",
        "CLIENT HELP",
        "CLIENT NO-TOUCH off",
        "CLIENT GETNAME",
        "HELLO 2",
        "HELLO 2 AUTH default secret SETNAME x",
        "AUTH nobody secret",
        "AUTH secret",
        "ZADD z x y",
        "ZADD z 1 m",
        "BZPOPMIN z 0",
        "BZPOPMIN z 0.01",
        'ECHO ""',
        "TIME",
        "INFO server",
        "COMMAND COUNT",
        "OBJECT ENCODING z",
        "EXEC",
        "DISCARD",
        "WATCH k",
        "UNWATCH",
        "DBSIZE",
        "CLIENT TRACKINGINFO",
    ):
        pair.both(*words_of(line))
        shows += 1
    if pair.protocol == 3:
        pair.both("HELLO", "3")
        shows += 1
    found = lines(monitor, shows)
    assert b'3 "AUTH" "(redacted)" "(redacted)"' in found
    assert found[2] == b'3 "SELECT" "3"'


def test_what_is_hidden(pair: Pair) -> None:
    monitor = pair.second()
    monitor.do("MONITOR")
    pair.play("""
        NOSUCH
        GET
        CONFIG GET nosuch
        CONFIG SET nosuch x
        CLIENT LIST ID 99999
        CLIENT KILL ID 99999
        CLIENT PAUSE 0
        CLIENT UNPAUSE
        CLIENT NO-EVICT off
        CLIENT UNBLOCK 99999
        DEBUG SLEEP 0
        CONFIG
        PING end
    """)
    assert lines(monitor, 1) == [b'0 "PING" "end"']


def test_transactions(pair: Pair) -> None:
    monitor = pair.second()
    monitor.do("MONITOR")
    pair.play("""
        MULTI
        SET k 1
        CLIENT LIST ID 99999
        SELECT 2
        GET k
        EXEC
        SELECT 0
        MULTI
        PING
        DISCARD
        MULTI
        NOSUCH
        PING
        EXEC
    """)
    assert lines(monitor, 10)[:5] == [b'0 "MULTI"', b'0 "SET" "k" "1"', b'2 "SELECT" "2"', b'2 "GET" "k"', b'2 "EXEC"']


def test_what_a_monitor_may_send(pair: Pair) -> None:
    pair.do("MONITOR")
    # No second reply.
    both(pair, "MONITOR")
    both(pair, "PING")
    assert pair.theirs.read().raw == pair.ours.read().raw == b"+PONG\r\n"
    assert lines(pair, 1) == [b'0 "PING"']
    for line in ("GET x", "SET x 1", "DBSIZE", "FLUSHALL", "EXISTS x", "SCAN 0", "OBJECT ENCODING x", "NOSUCH", "GET"):
        pair.do(*line.split())
    for line in ("SELECT 1", "MULTI", "WATCH k"):
        pair.do(*line.split())
        if line != "WATCH k":
            lines(pair, 1)
    pair.do("GET", "x")
    pair.do("EXEC")
    lines(pair, 1)
    other = pair.second()
    for found in other.both("CLIENT", "LIST"):
        assert b" flags=O " in (found.text or b"")


def test_reset_ends_it(pair: Pair) -> None:
    pair.do("MONITOR")
    pair.do("RESET")
    pair.second().do("PING")
    pair.play("PING\nSET k v\nGET k")
    pair.do("MONITOR")
    pair.do("QUIT")


def test_not_inside_a_transaction(pair: Pair) -> None:
    pair.play("MONITOR x\nMULTI\nMONITOR\nPING\nEXEC\nPING")


def test_several_monitors(pair: Pair) -> None:
    monitors = [pair.second() for _ in range(3)]
    for monitor in monitors:
        monitor.do("MONITOR")
    for monitor in monitors[1:]:
        # Their own MONITOR is hidden.
        monitor.silent(0.01)
    pair.do("PING")
    for monitor in monitors:
        assert lines(monitor, 1) == [b'0 "PING"']
    monitors[0].close()
    pair.do("PING", "x")
    assert lines(monitors[1], 1) == [b'0 "PING" "x"']


def test_a_pipeline_is_shown_in_order(pair: Pair) -> None:
    monitor = pair.second()
    monitor.do("MONITOR")
    data = b"".join(encode(("PING", str(n))) for n in range(300))
    for wire in (pair.theirs, pair.ours):
        wire.send(data)
    assert lines(monitor, 300) == [b'0 "PING" "%d"' % n for n in range(300)]
