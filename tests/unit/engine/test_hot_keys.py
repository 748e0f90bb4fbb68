"""Hot keys: what the tracker finds in its windows, and what sessions of HOTKEYS measure."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Machine

from redpoll.protocol.reply import OK, Error, Map


@pytest.fixture
def machine() -> Machine:
    made = Machine()
    assert made.do("CONFIG", "SET", "hotkey-sampling-ratio", 100, "hotkey-window-seconds", 1) is OK
    return made


def shown(machine: Machine) -> list[str]:
    lines = machine.lines("hotkeys")
    return [line for name, line in lines.items() if name != "hotkey_window_seconds"]


def use(machine: Machine, line: str, times: int) -> None:
    for _ in range(times):
        machine.do(*line.split())


def test_the_last_whole_window_is_shown(machine: Machine) -> None:
    machine.clock.advance_ms(1000)
    machine.do("PING")
    use(machine, "GET hot", 100)
    use(machine, "SET warm v", 50)
    use(machine, "GET once", 1)
    assert shown(machine) == []
    machine.clock.advance_ms(1000)
    assert shown(machine) == ["db=0,qps=100,key=hot", "db=0,qps=50,key=warm"]
    machine.clock.advance_ms(500)
    assert len(shown(machine)) == 2
    machine.clock.advance_ms(500)
    assert shown(machine) == []


def test_old_windows_are_no_news(machine: Machine) -> None:
    machine.clock.advance_ms(1000)
    machine.do("PING")
    use(machine, "GET hot", 100)
    machine.clock.advance_ms(60_000)
    assert shown(machine) == []


def test_all_keys_of_a_command_count_in_their_database(machine: Machine) -> None:
    machine.clock.advance_ms(1000)
    machine.do("SELECT", 1)
    use(machine, "MGET a b", 20)
    use(machine, "ZUNION 2 c d", 10)
    use(machine, "PING", 10)
    machine.clock.advance_ms(1000)
    assert shown(machine) == [f"db=1,qps={qps},key={key}" for key, qps in (("a", 20), ("b", 20), ("c", 10), ("d", 10))]


def test_sampling_estimates(machine: Machine) -> None:
    machine.do("CONFIG", "SET", "hotkey-sampling-ratio", 10)
    machine.clock.advance_ms(1000)
    machine.do("PING")
    for _ in range(2000):
        machine.do("GET", "hot")
        machine.do("GET", "other")
    machine.clock.advance_ms(1000)
    estimates = [int(line.partition("qps=")[2].partition(",")[0]) for line in shown(machine)]
    assert len(estimates) == 2
    assert all(1400 < estimate < 2600 for estimate in estimates), estimates


def test_without_a_number_of_keys_nothing_is_counted(machine: Machine) -> None:
    machine.do("CONFIG", "SET", "hotkey-top-k", 0)
    use(machine, "GET hot", 100)
    machine.clock.advance_ms(1000)
    assert shown(machine) == []
    assert machine.engine.until_sample < 0
    machine.do("CONFIG", "SET", "hotkey-top-k", 1)
    use(machine, "GET hot", 100)
    use(machine, "GET warm", 50)
    machine.clock.advance_ms(1000)
    assert len(shown(machine)) == 1


def fields(machine: Machine) -> dict[bytes, object]:
    reply = machine.do("HOTKEYS", "GET")
    assert isinstance(reply, list)
    (found,) = reply
    assert isinstance(found, Map)
    items = found.items
    return dict(zip(items[::2], items[1::2], strict=True))  # type: ignore[arg-type]


def test_a_session_measures_each_key(machine: Machine) -> None:
    assert machine.do("HOTKEYS", "GET") is None
    assert machine.do("HOTKEYS", "STOP") is None
    assert machine.do("HOTKEYS", "START", "METRICS", 2, "CPU", "NET", "COUNT", 2) is OK
    machine.do("SET", "big", "v" * 1000)
    use(machine, "GET big", 3)
    use(machine, "GET none", 5)
    machine.do("MGET", "big", "none")
    machine.clock.advance_ms(1500)
    found = fields(machine)
    assert list(found) == [
        b"tracking-active", b"sample-ratio", b"selected-slots", b"all-commands-all-slots-us",
        b"net-bytes-all-commands-all-slots", b"collection-start-time-unix-ms", b"collection-duration-ms",
        b"total-cpu-time-user-ms", b"total-cpu-time-sys-ms", b"total-net-bytes", b"by-cpu-time-us", b"by-net-bytes",
    ]  # fmt: skip
    assert (found[b"tracking-active"], found[b"sample-ratio"], found[b"selected-slots"]) == (1, 1, [])
    assert found[b"collection-duration-ms"] == 1500
    by_bytes = found[b"by-net-bytes"]
    assert isinstance(by_bytes, list)
    assert by_bytes[::2] == [b"big", b"none"]
    # SET: 1,035 bytes and 5; GET: 23 and 1,009; MGET: its half of 34 and 1,019.
    assert by_bytes[1] == pytest.approx(1040 + 3 * 1032 + 526, abs=20)
    assert machine.do("HOTKEYS", "STOP") is OK
    before = fields(machine)
    machine.do("GET", "big")
    machine.clock.advance_ms(500)
    assert fields(machine) == before
    assert before[b"tracking-active"] == 0
    assert machine.do("HOTKEYS", "RESET") is OK
    assert machine.do("HOTKEYS", "GET") is None


def test_a_session_ends_by_itself(machine: Machine) -> None:
    machine.do("HOTKEYS", "START", "METRICS", 1, "NET", "DURATION", 2)
    machine.do("GET", "a")
    machine.clock.advance_ms(3000)
    machine.do("GET", "b")
    assert machine.engine.outliers.measuring is None
    found = fields(machine)
    assert found[b"tracking-active"] == 0
    assert found[b"collection-duration-ms"] == 2000
    assert b"by-cpu-time-us" not in found
    assert b"total-cpu-time-user-ms" not in found
    assert found[b"by-net-bytes"][::2] == [b"a"]  # type: ignore[index]
    assert machine.do("HOTKEYS", "START", "METRICS", 1, "CPU") is OK
    assert b"by-net-bytes" not in fields(machine)


def test_sampling_measures_some_and_sums_all(machine: Machine) -> None:
    machine.do("HOTKEYS", "START", "METRICS", 1, "NET", "SAMPLE", 10)
    use(machine, "GET a", 1000)
    found = fields(machine)
    total = found[b"total-net-bytes"]
    row = found[b"by-net-bytes"]
    assert isinstance(total, int)
    assert isinstance(row, list)
    assert total / 20 < row[1] < total / 5


def test_commands_in_a_transaction_count_once(machine: Machine) -> None:
    machine.do("HOTKEYS", "START", "METRICS", 1, "NET")
    for line in ("MULTI", "GET a", "GET a", "EXEC"):
        machine.do(*line.split())
    row = fields(machine)[b"by-net-bytes"]
    assert isinstance(row, list)
    assert row == [b"a", 2 * (20 + 5)]


COMPLAINTS = {
    "": b"ERR METRICS parameter is required",
    "COUNT 5": b"ERR METRICS parameter is required",
    "METRICS": b"ERR METRICS count must be > 0 and <= 2",
    "METRICS x": b"ERR METRICS count must be > 0 and <= 2",
    "METRICS 0": b"ERR METRICS count must be > 0 and <= 2",
    "METRICS 3 CPU NET": b"ERR METRICS count must be > 0 and <= 2",
    "METRICS 2 CPU": b"ERR METRICS count does not match number of metric types provided",
    "METRICS 2 CPU CPU": b"ERR METRICS CPU defined more than once!",
    "METRICS 2 NET NET": b"ERR METRICS NET defined more than once!",
    "METRICS 1 DISK": b"ERR METRICS no valid metrics passed. Supported: CPU|NET",
    "METRICS 1 CPU NET": b"ERR syntax error",
    "METRICS 1 CPU COUNT": b"ERR syntax error",
    "METRICS 1 CPU COUNT 0": b"ERR COUNT must be between 1 and 64",
    "METRICS 1 CPU COUNT 65": b"ERR COUNT must be between 1 and 64",
    "METRICS 1 CPU DURATION -1": b"ERR DURATION must be between 1 and 1000000",
    "METRICS 1 CPU DURATION 1000001": b"ERR DURATION must be between 1 and 1000000",
    "METRICS 1 CPU SAMPLE 0": b"ERR SAMPLE ratio must be positive",
    "METRICS 1 CPU SLOTS 1 5": b"ERR SLOTS parameter cannot be used in non-cluster mode",
    "METRICS 1 CPU FOO 1": b"ERR syntax error",
}


@pytest.mark.parametrize("options", COMPLAINTS)
def test_what_is_wrong_is_said_and_nothing_begins(machine: Machine, options: str) -> None:
    reply = machine.do("HOTKEYS", "START", *options.split())
    assert isinstance(reply, Error)
    assert reply.text == COMPLAINTS[options]
    assert machine.do("HOTKEYS", "GET") is None


def test_one_session_at_a_time(machine: Machine) -> None:
    machine.do("HOTKEYS", "START", "METRICS", 1, "CPU")
    for line in ("START METRICS 1 CPU", "RESET"):
        reply = machine.do("HOTKEYS", *line.split())
        assert isinstance(reply, Error)
        assert reply.text.startswith(b"ERR hotkey tracking session")
