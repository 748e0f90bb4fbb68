"""The parts of the benchmarks that can be wrong without anyone noticing; nothing here asserts a time."""

from __future__ import annotations

import re
import socket
import threading
import time
from pathlib import Path

import pytest
from benchmarks.contestants import parse_contestant
from benchmarks.expiry import hear
from benchmarks.instructions import own_costs
from benchmarks.load import BATCH, RANDOM_INT, SAME_INT, Load, prepare
from benchmarks.profile import Sample, by_step
from benchmarks.report import geometric_mean, median
from benchmarks.rows import ROWS, rows_named
from benchmarks.throughput import GATE_DEPTHS, Figures
from benchmarks.wire import encode, pattern


def test_a_pattern_filled_in_is_the_command_encoded() -> None:
    command = pattern("HSET", "key:%012d", "field", "v%06d")
    assert encode("HSET", "key:000000000042", "field", "v000007") == command % (42, 7)


def test_prepared_batches_hold_depth_commands_and_repeat_for_a_seed() -> None:
    load = Load(("SET", "key:__rand_int__", "__rand_int__"), 1, 100, 16)
    batches = prepare(load)
    assert len(batches) == 6
    assert [batch.count(b"*3\r\n$3\r\nSET\r\n$16\r\nkey:") for batch in batches] == [16] * 6
    assert batches == prepare(load)


def test_events_are_told_apart_however_they_arrive() -> None:
    ours, theirs = socket.socketpair()
    deadline = int(time.time() * 1000) - 5
    events = b"".join(encode("message", "__keyevent@0__:expired", f"exp:{deadline:013}:{n:07}") for n in range(5))

    def send() -> None:
        # Never a whole event at a time.
        for at in range(0, len(events), 7):
            theirs.sendall(events[at : at + 7])

    sender = threading.Thread(target=send)
    sender.start()
    with ours, theirs:
        lags = hear(ours, 5)
        sender.join()
    assert len(lags) == 5
    assert min(lags) >= 5


def test_ratios_above_one_mean_the_first_is_better() -> None:
    quick, slow = Figures(200.0, 1.0, 1.0, 2.0), Figures(100.0, 2.0, 4.0, 4.0)
    assert quick.ratios_to(slow) == [2.0, 2.0, 4.0, 2.0]


def test_statistics() -> None:
    assert median([4.0, 1.0, 2.0, 3.0]) == 2.5
    assert abs(geometric_mean([0.5, 2.0]) - 1.0) < 1e-12


def test_a_contestant_is_named_with_its_environment_and_command() -> None:
    contestant = parse_contestant('old=A=1 "my server" --port {port}')
    assert (
        contestant.name,
        contestant.command,
        contestant.environment,
    ) == ("old", ("my server", "--port", "{port}"), {"A": "1"})
    with pytest.raises(ValueError, match="NAME=COMMAND LINE"):
        parse_contestant("old")


def test_rows_are_found_by_name_in_any_case_with_or_without_their_count() -> None:
    assert [row.name for row in rows_named("mget,GET")] == ["GET", "MGET(100)"]
    assert [row.name for row in rows_named("xadd,xadd(10)")] == ["XADD", "XADD(10)"]
    assert [row.name for row in rows_named("xadd")] == ["XADD"]
    with pytest.raises(ValueError, match="there is no row 'gets'"):
        rows_named("gets")


def test_a_request_of_several_commands_has_its_numbers_in_common() -> None:
    what = Load(("GET", f"a:{BATCH}:{RANDOM_INT}"), 2, 130, 2, then=(("ACK", f"{SAME_INT}+3-0", SAME_INT),))
    batches = prepare(what)
    assert len(batches) == 65
    words = batches[64].split(b"\r\n")
    assert (words[4][:15], words[5:8:2], words[9][12:]) == (b"a:000000000000:", [b"*3", b"ACK"], b"-0")
    assert int(words[9][:12]) == int(words[4][15:]) + 3 == int(words[11]) + 3
    assert batches[1].split(b"\r\n")[4][:15] == b"a:000000000001:"


def test_every_row_is_explained_and_in_italics_if_it_is_outside_the_mean() -> None:
    readme = (Path(__file__).parents[3] / "benchmarks" / "README.md").read_text()
    explained = re.findall(r"(?m)^\| (\*?[A-Z][A-Z_0-9~]*(?:\(\d+\))?\*?) \| `", readme)
    assert sorted(explained) == sorted(row.name if row.gate else f"*{row.name}*" for row in ROWS)
    assert f"mean over its {sum(row.gate for row in ROWS) * len(GATE_DEPTHS)} rows" in readme


def test_own_costs_leave_out_callees_and_keep_libraries_apart(tmp_path: Path) -> None:
    dump = tmp_path / "callgrind.out"
    dump.write_text(
        "events: Ir\nsummary: 99\n\nob=(1) /usr/bin/server\nfl=(1) a.c\nfn=(1) main\n10 3\n+1 4\n"
        "cob=(2) /lib/libc.so.6\ncfi=(2) m.c\ncfn=(2) malloc\ncalls=2 5\n* 60\n-2 1\n\n"
        "ob=(2)\nfl=(2)\nfn=(2)\n5 60\n\nob=(1)\nfl=(1)\nfn=(1)\n30 2\n\ntotals: 70\n"
    )
    assert own_costs(dump) == {"malloc [libc.so.6]": 60, "main [server]": 10}


def test_functions_belong_to_the_step_of_their_module_whatever_others_are_called() -> None:
    samples = (
        Sample(0.4, "redpoll__mypyc.so", "CPyDef_net___connection___Connection___run"),
        Sample(0.3, "redpoll__mypyc.so", "CPyDef_commands___connection___ping"),
        Sample(0.2, "redpoll__mypyc.so", "CPyDef_table___Table___find"),
        Sample(0.06, "redpoll__mypyc.so", "CPyTagged_Add"),
        Sample(0.04, "libc.so.6", "send"),
    )
    assert by_step(samples) == [
        ("loop, connection", 0.4),
        ("command", 0.3),
        ("table and other structures", 0.2),
        ("compiled code's helpers", 0.06),
        ("libc.so.6", 0.04),
    ]
