"""WATCH with several sessions: who is told of which change, and what is left when one of them stops."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Client, Machine

from redpoll.engine.latency import EXPIRE_DEL
from redpoll.keyspace.moment import AWAITED, WATCHED
from redpoll.protocol.reply import NULL_ARRAY


@pytest.fixture
def machine() -> Machine:
    made = Machine()
    made.do("CONFIG", "SET", "latency-monitor-threshold", 0)
    return made


def watches(client: Client, *keys: str) -> None:
    client.play(f"WATCH {' '.join(keys)}")


def outcome(client: Client) -> str:
    """What EXEC makes of a transaction of one command."""
    reply = client.play("MULTI", "PING", "EXEC")
    return "broken" if reply is NULL_ARRAY else "runs"


CHANGES = [
    "SET k new", "APPEND k x", "DEL k", "EXPIRE k 100", "RENAME k j", "MOVE k 1", "FLUSHDB", "FLUSHALL", "SWAPDB 0 1",
    "EXPIRE k -1", "SETRANGE k 0 y",
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_every_watcher_of_a_key_is_told_of_its_change(machine: Machine, change: str) -> None:
    machine.do("SET", "k", "old")
    machine.do("SET", "other", "old")
    clients = [machine.client() for _ in range(3)]
    for client in clients:
        watches(client, "k")
    apart = machine.client()
    watches(apart, "elsewhere")
    machine.do(*change.split())
    assert [outcome(client) for client in clients] == ["broken"] * 3
    assert outcome(apart) == "runs"
    # Watching is over after EXEC, whatever became of it.
    machine.do("SET", "k", "newer")
    assert [outcome(client) for client in clients] == ["runs"] * 3


def test_reading_and_changes_of_other_keys_or_databases_break_nothing(machine: Machine) -> None:
    client = machine.client()
    machine.do("SET", "k", "v")
    watches(client, "k", "none")
    for line in ("GET k", "TTL k", "SET j v", "DEL absent", "SELECT 1", "SET k v", "FLUSHDB", "SELECT 0"):
        machine.do(*line.split())
    assert outcome(client) == "runs"


def test_one_unwatch_leaves_the_others_watching(machine: Machine) -> None:
    stops = ["UNWATCH", "DISCARD", "EXEC", "RESET"]
    for stop in stops:
        first, second, third = (machine.client() for _ in range(3))
        for client in (first, second, third):
            watches(client, "k", "j")
        first.play("MULTI", stop) if stop in ("DISCARD", "EXEC") else first.do(stop)
        assert machine.engine.moment.interest & WATCHED != 0
        machine.do("SET", "k", stop)
        assert (outcome(first), outcome(second), outcome(third)) == ("runs", "broken", "broken"), stop
        assert machine.engine.interest.watchers == {}
        assert machine.engine.moment.interest == 0


def test_a_closed_session_leaves_the_others_watching(machine: Machine) -> None:
    first, second = machine.client(), machine.client()
    for client in (first, second):
        watches(client, "k")
    machine.engine.close_session(first.session)
    assert machine.engine.interest.watchers == {(0, b"k"): [second.session]}
    machine.do("SET", "k", 1)
    assert outcome(second) == "broken"
    watches(second, "k")
    machine.engine.close_session(second.session)
    assert (machine.engine.interest.watchers, machine.engine.moment.interest) == ({}, 0)


def test_a_session_may_watch_a_key_twice_and_keys_of_several_databases(machine: Machine) -> None:
    client = machine.client()
    watches(client, "k", "k")
    watches(client, "k", "j")
    client.do("SELECT 1")
    watches(client, "k")
    assert machine.engine.interest.watchers == {
        (0, b"k"): [client.session], (0, b"j"): [client.session], (1, b"k"): [client.session],
    }  # fmt: skip
    machine.do("SELECT", 1)
    machine.do("SET", "k", 1)
    assert outcome(client) == "broken"
    client.do("UNWATCH")
    assert client.session.watched == {}


def test_a_transaction_that_is_broken_stays_broken_until_it_ends(machine: Machine) -> None:
    client = machine.client()
    watches(client, "k")
    machine.do("SET", "k", 1)
    assert client.session.watch_broken
    # WATCH after that is of no use.
    watches(client, "j")
    assert list(client.session.watched) == [(0, b"k")]
    assert outcome(client) == "broken"
    assert not client.session.watch_broken


def test_own_changes_break_it_too_and_those_of_the_transaction_do_not(machine: Machine) -> None:
    client = machine.client()
    watches(client, "k")
    client.do("SET k 1")
    assert outcome(client) == "broken"
    watches(client, "k")
    assert client.play("MULTI", "SET k 2", "SET k 3", "EXEC") is not NULL_ARRAY


# ---- deadlines


def test_a_key_that_expires_meanwhile_breaks_it_deleted_or_not(machine: Machine) -> None:
    for deleted in (True, False):
        machine.do("SET", "k", "v", "PX", 10)
        client = machine.client()
        watches(client, "k")
        machine.clock.advance_ms(10)
        if deleted:
            machine.do("GET", "k")
        assert outcome(client) == "broken", deleted


def test_a_key_that_had_expired_before_is_as_good_as_gone(machine: Machine) -> None:
    for way in ("GET k", "FLUSHDB", "PING", "SWAPDB 0 1"):
        machine.do("FLUSHALL")
        machine.do("SET", "k", "v", "PX", 10)
        machine.do("SET", "other", "v")
        machine.clock.advance_ms(10)
        client = machine.client()
        watches(client, "k")
        assert client.session.watched_stale == {(0, b"k")}
        machine.do(*way.split())
        assert outcome(client) == "runs", way
    # But what is set anew in its place is a change.
    machine.do("SET", "k", "v", "PX", 10)
    machine.clock.advance_ms(10)
    client = machine.client()
    watches(client, "k")
    machine.do("SET", "k", "new")
    assert outcome(client) == "broken"


def test_exchanged_databases_break_what_was_there_or_comes(machine: Machine) -> None:
    clients = {key: machine.client() for key in ("ours", "theirs", "both", "neither", "stale")}
    machine.do("MSET", "ours", 1, "both", 1)
    machine.do("SELECT", 1)
    machine.do("MSET", "theirs", 1, "both", 1)
    machine.do("SET", "stale", 1, "PX", 1)
    machine.clock.advance_ms(1)
    for key, client in clients.items():
        watches(client, key)
    machine.do("SWAPDB", 1, 0)
    told = {key: client.session.watch_broken for key, client in clients.items()}
    assert told == {"ours": True, "theirs": True, "both": True, "neither": False, "stale": False}
    assert clients["stale"].session.watched_stale == {(0, b"stale")}
    # Back again: what is past its deadline goes as it came.
    machine.do("SWAPDB", 1, 0)
    assert clients["stale"].session.watched_stale == set()
    assert outcome(clients["stale"]) == "runs"
    assert outcome(clients["neither"]) == "runs"


# ---- expiry


def test_the_time_of_deleting_a_large_expired_value_is_measured_when_wanted(machine: Machine) -> None:
    interest = machine.engine.interest
    interest.expiring()
    assert interest.expiring_since_us == 0
    machine.do("CONFIG", "SET", "latency-monitor-threshold", 1)
    machine.engine.start_unit()
    interest.expiring()
    machine.clock.advance_ms(7)
    interest.expired(0, b"k")
    series = machine.engine.outliers.latency.series[EXPIRE_DEL]
    assert (series.count, series.greatest_ms, interest.expiring_since_us) == (1, 7, 0)
    machine.clock.advance_ms(7)
    interest.expired(0, b"k")
    assert series.count == 1


# ---- waiting sessions


def test_only_replacements_that_somebody_awaits_mark_keys(machine: Machine) -> None:
    client = machine.client()
    client.do("BZPOPMIN k 0")
    engine = machine.engine
    assert engine.moment.interest == AWAITED
    machine.do("SET", "k", "v")
    machine.do("DEL", "k")
    assert engine.blocking.ready == []
    assert client.session.waits()
    machine.do("ZADD", "k", 1, "a")
    assert len(client.heard()) == 1
    assert engine.moment.interest == 0
