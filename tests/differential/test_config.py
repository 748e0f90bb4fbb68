"""CONFIG on the live servers: what is shown, what is changed, what is refused.

That every directive's values are taken and refused alike is the business of test_config_values.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.differential.pair import Pair, difference_rows
from tests.differential.test_persistence import do

TOUCHED = ("hz", "timeout", "requirepass", "hash-max-listpack-entries", "proto-max-bulk-len", "availability-zone")
"""Directives that these tests change: both servers get their values back afterwards."""


@pytest.fixture(autouse=True)
def put_back(pair: Pair) -> Iterator[None]:
    before = {name: pair.both("CONFIG", "GET", name) for name in TOUCHED}
    yield
    for name, both in before.items():
        for wire, reply in zip((pair.theirs, pair.ours), both, strict=True):
            wire.send(f"CONFIG SET {name} '{(reply.items[1].text or b'').decode()}'\r\n".encode())
            wire.read()


@pytest.mark.parametrize(
    "words",
    [
        ("maxclients",),
        ("MaxClients", "HZ"),
        ("slowlog-*",),
        ("*ziplist*", "hash-max-listpack-entries"),
        ("SLOWLOG-max-l?n",),
        ("[hi]z",),
        ("nosuch",),
        ("nosuch*", "nosuch"),
        ("",),
        ("hz", "hz", "HZ", "h*z"),
        ("*buffer-limit",),
        ("cluster-message-gossip-perc",),
        ("slave*", "replica-*"),
        ("tls-*",),
        ("rename-command", "include", "user", "hotkey-top-?"),
    ],
)
def test_settings_are_shown_alike(pair: Pair, words: tuple[str, ...]) -> None:
    pair.do("CONFIG", "GET", *words)


def test_every_name_is_shown(pair: Pair) -> None:
    theirs, ours = pair.both("CONFIG", "GET", "*")
    assert [item.text for item in theirs.items[::2]] == [item.text for item in ours.items[::2]]


def test_changes_are_made_and_refused_alike(pair: Pair) -> None:
    pair.play(
        """
        CONFIG
        CONFIG GET
        CONFIG SET
        CONFIG SET hz
        CONFIG SET hz 20 timeout
        CONFIG SET nosuch 1
        CONFIG SET "no\\x00such" 1
        CONFIG SET "a\\r\\nb" 1
        CONFIG SET hz "1\\r\\n"
        CONFIG SET hz 20
        CONFIG GET hz
        CONFIG SET HZ 30 timeout 100
        CONFIG GET hz timeout
        CONFIG SET hz 40 nosuch 1
        CONFIG SET hz 40 timeout x
        CONFIG SET hz 40 hz 50
        CONFIG SET port 1 databases 5
        CONFIG SET databases 5
        CONFIG SET dir /tmp
        CONFIG SET dbfilename x.rdb
        CONFIG GET hz timeout
        CONFIG SET hash-max-ziplist-entries 2
        CONFIG GET hash-max-listpack-entries
        HSET h a 1 b 2
        OBJECT ENCODING h
        HSET h c 3
        OBJECT ENCODING h
        CONFIG SET proto-max-bulk-len 2mb
        CONFIG GET proto-max-bulk-len
        CONFIG SET proto-max-bulk-len 1
        CONFIG RESETSTAT x
        CONFIG RESETSTAT
        CONFIG REWRITE
        CONFIG REWRITE x
        CONFIG HELP x
        CONFIG NOSUCH
        """
    )


def test_help_has_the_usual_first_and_last_lines(pair: Pair) -> None:
    theirs, ours = pair.both("CONFIG", "HELP")
    for at in (0, -2, -1):
        assert theirs.items[at].raw == ours.items[at].raw


def test_a_password_holds_for_those_who_come_later(pair: Pair) -> None:
    pair.do("CONFIG", "SET", "requirepass", "secret")
    pair.do("GET", "k")
    late = pair.second()
    if pair.protocol == 2:
        late.do("GET", "k")
        late.do("AUTH", "wrong")
        late.do("AUTH", "secret")
    late.do("GET", "k")
    pair.do("CONFIG", "SET", "requirepass", "")
    pair.second().do("GET", "k")


def test_greeting_names_the_zone(pair: Pair) -> None:
    pair.do("CONFIG", "SET", "availability-zone", "eu 1")
    theirs, ours = pair.both("HELLO")
    assert theirs.items[-1].raw == ours.items[-1].raw
    assert theirs.items[-2].raw == ours.items[-2].raw


def test_settings_change_inside_a_transaction(pair: Pair) -> None:
    pair.play(
        """
        MULTI
        CONFIG SET hz 20
        CONFIG GET hz
        CONFIG SET hz x
        EXEC
        """
    )


@pytest.mark.parametrize(
    "words",
    ["ABORT", "ABORT NOW", "NOSUCH", "SAVE NOSAVE", "NOSAVE SAVE NOW", "FAILOVER", "NOSAVE ABORT", "SAFE FAILOVER x"],
)
def test_shutdown_is_refused_alike(pair: Pair, words: str) -> None:
    pair.do("SHUTDOWN", *words.split())


def test_sizes_that_wrap_are_refused(pair: Pair) -> None:
    reply = pair.differs("config-sizes-do-not-wrap", "CONFIG", "SET", "client-query-buffer-limit", "17179869185gb")
    assert (reply.text or b"").endswith(b"- argument must be a memory value")


def test_what_is_not_there_yet_is_refused_by_name(pair: Pair) -> None:
    """Of redpoll alone: a valkey without certificates ends."""
    assert "config-not-yet" in difference_rows()
    reply = do(pair.servers[1], "CONFIG", "SET", "tls-port", "1")
    assert (reply.text or b"").endswith(b"- tls-port is not supported by this version of redpoll: only '0' is accepted")


def test_our_own_directives_are_shown_by_name_only(pair: Pair) -> None:
    hot_keys = ("hotkey-top-k", "hotkey-sampling-ratio", "hotkey-window-seconds")
    metrics = ("metrics-bind", "metrics-names", "metrics-port")
    for name in (*hot_keys, *metrics, "rdb-format", "snapshot-cpu-percent"):
        pair.differs("config-own-directives", "CONFIG", "GET", name)
    pair.do("CONFIG", "GET", "ignore-*")
    pair.do("CONFIG", "GET", "hotkey*")
    pair.do("CONFIG", "GET", "metrics*")
    pair.do("CONFIG", "GET", "rdb-f*")


def test_a_name_that_is_none_is_no_address_to_bind_to(pair: Pair) -> None:
    for name in (b"\xff", b"x" * 300, b"-"):
        pair.do("CONFIG", "SET", "bind", name)
    theirs, ours = pair.both("CONFIG", "GET", "bind")
    assert (theirs.items[1].text or b"") and (ours.items[1].text or b"")
    pair.second().do("PING")
