"""SLOWLOG and COMMANDLOG on virtual time: what is kept, how it is cut, and which secrets it hides."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Machine

from redpoll.engine.command_log import clipped, request_bytes
from redpoll.engine.redact import redacted


def slow(machine: Machine, count: int = -1) -> list[list[object]]:
    found = machine.do("SLOWLOG", "GET", count)
    assert isinstance(found, list)
    return found


def test_a_slow_command_is_kept_with_its_time() -> None:
    machine = Machine()
    machine.session.name = b"worker"
    machine.do("DEBUG", "SLEEP", "0.0099")
    machine.do("DEBUG", "SLEEP", "0.010")
    at_s = machine.clock.now_us() // 1000000
    assert slow(machine) == [[0, at_s, 10000, [b"DEBUG", b"SLEEP", b"0.010"], b"?:0", b"worker"]]


def test_quick_commands_are_kept_when_the_threshold_is_low() -> None:
    machine = Machine()
    outliers = machine.engine.outliers
    outliers.slow.threshold = 3
    outliers.update_thresholds()
    machine.do("DEBUG", "SLEEP", "0.000002")
    machine.do("DEBUG", "SLEEP", "0.000003")
    outliers.slow.threshold = 0
    outliers.update_thresholds()
    machine.do("PING")
    assert [entry[3] for entry in slow(machine)] == [[b"PING"], [b"DEBUG", b"SLEEP", b"0.000003"]]
    outliers.slow.threshold = -1
    outliers.update_thresholds()
    machine.do("DEBUG", "SLEEP", "5")
    assert len(slow(machine)) == 3


def test_ids_count_on_and_the_oldest_are_forgotten() -> None:
    machine = Machine()
    machine.engine.outliers.slow.max_len = 3
    for _ in range(5):
        machine.do("DEBUG", "SLEEP", "1")
    assert [entry[0] for entry in slow(machine)] == [4, 3, 2]
    assert [entry[0] for entry in slow(machine, 2)] == [4, 3]
    assert machine.do("SLOWLOG", "LEN") == 3
    machine.do("SLOWLOG", "RESET")
    machine.do("DEBUG", "SLEEP", "1")
    assert [entry[0] for entry in slow(machine)] == [5]


def test_no_room_means_no_entries_and_those_there_stay() -> None:
    machine = Machine()
    machine.do("DEBUG", "SLEEP", "1")
    machine.engine.outliers.slow.max_len = 0
    machine.do("DEBUG", "SLEEP", "1")
    assert [entry[0] for entry in slow(machine)] == [0]


def test_in_a_transaction_each_command_has_its_own_time() -> None:
    machine = Machine()
    machine.do("MULTI")
    machine.do("DEBUG", "SLEEP", "0.02")
    machine.do("DEBUG", "SLEEP", "0.001")
    machine.do("DEBUG", "SLEEP", "0.03")
    machine.do("EXEC")
    assert [entry[2] for entry in slow(machine)] == [30000, 20000]
    stats = machine.lines("commandstats")
    assert stats["cmdstat_debug"].startswith("calls=3,usec=51000,usec_per_call=17000.00")
    assert stats["cmdstat_exec"].startswith("calls=1,usec=51000,")


def test_a_blocked_command_counts_once_when_it_is_over() -> None:
    machine = Machine()
    machine.engine.outliers.slow.threshold = 0
    machine.engine.outliers.update_thresholds()
    machine.do("BZPOPMIN", "z", "1")
    assert machine.session.waiting is not None
    assert "cmdstat_bzpopmin" not in machine.lines("commandstats")
    before = machine.engine.counters.processed()
    machine.clock.advance_ms(2000)
    machine.engine.tick()
    assert machine.session.waiting is None
    assert machine.engine.counters.processed() == before + 1
    assert next(entry[3] for entry in slow(machine)) == [b"BZPOPMIN", b"z", b"1"]
    assert machine.lines("commandstats")["cmdstat_bzpopmin"].startswith("calls=1,usec=0,")


def test_arguments_are_cut() -> None:
    assert clipped([b"x"] * 32) == [b"x"] * 32
    assert clipped([b"x"] * 33) == [b"x"] * 31 + [b"... (2 more arguments)"]
    assert clipped([b"y" * 128, b"z" * 129]) == [b"y" * 128, b"z" * 128 + b"... (1 more bytes)"]


def test_a_request_weighs_what_it_takes_on_the_wire() -> None:
    assert request_bytes([b"SET", b"a", b"x" * 100]) == len(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100\r\n\r\n") + 100
    assert request_bytes([b""] * 12) == len(b"*12\r\n") + 12 * len(b"$0\r\n\r\n")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("AUTH p", "AUTH *"),
        ("auth u p", "auth * *"),
        ("HELLO 3 AUTH u p SETNAME n", "HELLO 3 AUTH * * SETNAME n"),
        ("HELLO 3 AUTH u", "HELLO 3 AUTH *"),
        ("CONFIG SET requirepass p maxclients 5", "CONFIG SET requirepass * maxclients 5"),
        ("CONFIG GET requirepass", "CONFIG GET requirepass"),
        ("CONFIG SET requirepass", "CONFIG SET requirepass"),
        ("ACL SETUSER u on >p", "ACL SETUSER * * *"),
        ("ACL WHOAMI", "ACL WHOAMI"),
        ("MIGRATE h 1 k 0 5 COPY AUTH p", "MIGRATE h 1 k 0 5 COPY AUTH *"),
        ("MIGRATE h 1 k 0 5 AUTH2 u p KEYS auth x", "MIGRATE h 1 k 0 5 AUTH2 * * KEYS auth x"),
        ("SET auth x", "SET auth x"),
    ],
)
def test_secrets_are_hidden(said: str, shown: str) -> None:
    words = said.encode().split()
    name = words[0].lower()
    if name in (b"config", b"acl"):
        name += b"|" + words[1].lower()
    assert redacted(name, words) == [b"(redacted)" if word == b"*" else word for word in shown.encode().split()]
    assert words == said.encode().split()


def test_a_null_is_weighed_though_nothing_was_refused_yet() -> None:
    machine = Machine()
    outliers = machine.engine.outliers
    outliers.large_replies.threshold = 0
    outliers.update_thresholds()
    outliers.record_reply(machine.session, [b"GET", b"a"], None, 0)
    outliers.record_reply(machine.session, [b"GET"], machine.do("GET"), 0)
    assert [(entry.args, entry.amount) for entry in outliers.large_replies.entries] == [([b"GET", b"a"], 5)]


def test_a_renamed_command_hides_its_secrets_too() -> None:
    machine = Machine()
    commands = machine.engine.commands
    commands[b"letmein"] = commands.pop(b"auth")
    commands[b"settings"] = commands.pop(b"config")
    machine.engine.outliers.slow.threshold = 0
    machine.engine.outliers.update_thresholds()
    machine.do("LetMeIn", "secret")
    machine.do("SETTINGS", "SET", "requirepass", "secret")
    assert [entry.args for entry in machine.engine.outliers.slow.entries] == [
        [b"SETTINGS", b"SET", b"requirepass", b"(redacted)"],
        [b"LetMeIn", b"(redacted)"],
    ]


def test_the_replies_of_a_renamed_exec_are_not_kept_twice() -> None:
    machine = Machine()
    outliers = machine.engine.outliers
    outliers.large_replies.threshold = 0
    outliers.large_replies.max_len = 10
    outliers.update_thresholds()
    machine.engine.commands[b"go"] = machine.engine.commands.pop(b"exec")
    outliers.record_reply(machine.session, [b"GO"], [b"x"], 0)
    assert len(outliers.large_replies.entries) == 0
