"""The data of the page: sums since the start, bounded in every direction."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.engine.machine import Machine

from redpoll.engine.durability import RunningLoad, RunningSave
from redpoll.observe.page_data import MOST_CHARACTERS, MOST_GROUPS, MOST_SHOWN, MOST_SLOW, PageData, shown
from redpoll.observe.survey import Survey


@pytest.fixture
def machine() -> Machine:
    return Machine()


def poll(machine: Machine) -> dict[str, Any]:
    survey = Survey(machine.engine)
    survey.work(1000)
    report = PageData(machine.engine, survey)
    while report.step():
        pass
    found: dict[str, Any] = json.loads(report.text())
    return found


def test_sums(machine: Machine) -> None:
    machine.do("SET", "k", "v")
    machine.do("GET", "k")
    machine.do("GET", "nothing")
    machine.do("LPUSH", "k", "v")
    machine.do("LPUSH", "list", "v")
    found = poll(machine)
    assert found["families"] == {"string": 3, "list": 2}
    assert sum(calls for _, calls in found["durations"]) == 5
    assert (found["hits"], found["misses"]) == (1, 1)
    assert found["databases"] == [{"db": 0, "keys": 2, "expires": 0}]
    assert {row["type"]: row["keys"] for row in found["types"]} == {"string": 1, "list": 1}
    assert found["clients"]["connected"] == len(machine.engine.sessions)
    assert 0 < found["memory"]["data"] < found["memory"]["used"]
    assert found["run"] == machine.engine.run_id.decode()


def test_how_far_a_save_or_a_load_is(machine: Machine) -> None:
    machine.do("SET", "k", "v")
    files = poll(machine)["files"]
    assert (files["work"], files["worked"], files["unsaved"]) == ("", True, 1)
    durability = machine.engine.durability
    durability.load = RunningLoad(machine.engine.moment.now_us - 2_000_000, 4_000)
    durability.load.done = 1_000
    files = poll(machine)["files"]
    assert (files["work"], files["share"], files["left_s"]) == ("loading", 0.25, 5)
    assert 0 < files["bytes_a_second"] <= 500
    durability.load = None
    durability.running = RunningSave(machine.engine.moment.now_us - 2_000_000, 10)
    files = poll(machine)["files"]
    assert (files["work"], files["share"], files["left_s"], files["bytes_a_second"]) == ("saving", 0.0, -1, 0)


def test_no_durations_while_they_are_not_tracked(machine: Machine) -> None:
    machine.do("CONFIG", "SET", "latency-tracking", "no")
    before = poll(machine)
    machine.do("SET", "k", "v")
    found = poll(machine)
    assert found["tracking"] is False
    assert found["durations"] == before["durations"]
    assert found["families"]["string"] == 1


def test_streams_and_lags(machine: Machine) -> None:
    for n in range(1, 6):
        machine.do("XADD", "stream", f"{n}-1", "f", "v")
    machine.do("XGROUP", "CREATE", "stream", "g\xff".encode("latin-1"), "0")
    machine.do("XREADGROUP", "GROUP", "g\xff".encode("latin-1"), "c", "COUNT", 2, "STREAMS", "stream", ">")
    machine.do("XGROUP", "CREATE", "stream", "lost", "3-0")
    found = poll(machine)["streams"]
    assert found[0]["entries"] == 5
    assert found[0]["groups"] == [
        {"name": "g\\xff", "lag": 3, "pending": 2, "consumers": 1},
        {"name": "lost", "lag": None, "pending": 0, "consumers": 0},
    ]


def test_lists_are_bounded(machine: Machine) -> None:
    machine.do("CONFIG", "SET", "slowlog-log-slower-than", 0)
    for n in range(MOST_SHOWN + 20):
        machine.do("XADD", f"stream:{n}", "*", "f", "v" * 1000)
        for group in range(MOST_GROUPS + 3):
            machine.do("XGROUP", "CREATE", f"stream:{n}", f"group:{group}", "0")
    found = poll(machine)
    assert len(found["streams"]) == MOST_SHOWN
    assert {len(stream["groups"]) for stream in found["streams"]} == {MOST_GROUPS}
    assert {stream["more_groups"] for stream in found["streams"]} == {3}
    assert len(found["slow"]) == MOST_SLOW
    assert all(len(entry["command"]) <= MOST_CHARACTERS + 1 for entry in found["slow"])


def test_any_bytes_are_text() -> None:
    assert shown(b"a\xff'\n\"<") == "a\\xff\\'\\n\"<"
    assert shown(b"x" * MOST_CHARACTERS) == "x" * MOST_CHARACTERS
    assert shown(b"x" * (MOST_CHARACTERS + 1)) == "x" * MOST_CHARACTERS + "…"
    assert len(shown(b"\xff" * 1000)) == MOST_CHARACTERS + 1
