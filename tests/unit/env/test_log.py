"""Log lines in all their forms."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from redpoll.env.clock import VirtualClock
from redpoll.env.log import LEVELS, ROLES, CollectedLog, Log, time_text

MOMENT_US = 1_795_530_927_057_999
PID = os.getpid()


@pytest.fixture(autouse=True)
def far_from_greenwich() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Kolkata"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.fixture
def log() -> CollectedLog:
    return CollectedLog(VirtualClock(MOMENT_US), "debug")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("legacy", "24 Nov 2026 20:05:27.057"),
        ("iso8601", "2026-11-24T20:05:27.057+05:30"),
        ("milliseconds", "1795530927057"),
    ],
)
def test_a_moment_is_shown_in_local_time(form: str, expected: str) -> None:
    assert time_text(MOMENT_US // 1000, form) == expected


def test_a_zone_west_of_greenwich_has_a_minus() -> None:
    os.environ["TZ"] = "America/St_Johns"
    time.tzset()
    assert time_text(MOMENT_US // 1000, "iso8601") == "2026-11-24T11:05:27.057-03:30"


def test_a_signal_is_logged_as_a_warning_with_a_legacy_form_of_its_own(log: CollectedLog) -> None:
    for level in ("warning", "debug", "nothing"):
        log.level = LEVELS.index(level)
        log.signal("Received SIGTERM scheduling shutdown...")
    assert log.lines == [f"{PID}:signal-handler (1795530927) Received SIGTERM scheduling shutdown..."] * 2


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_a_signal_is_logged_in_the_form_of_the_other_lines(log: CollectedLog, form: str) -> None:
    """docs/differences.md, `signal-log-form`: the reference writes this one line in the legacy form."""
    log.form = form
    log.signal("Received SIGTERM scheduling shutdown...")
    log.warning("Received SIGTERM scheduling shutdown...")
    assert log.lines[0] == log.lines[1]
    log.level = LEVELS.index("nothing")
    log.signal("Received SIGTERM scheduling shutdown...")
    assert len(log.lines) == 2


def test_legacy_lines_have_a_sign_for_the_level(log: CollectedLog) -> None:
    log.debug("a")
    log.verbose("b")
    log.notice("c")
    log.role = "S"
    log.warning('d "\n')
    stamp = "24 Nov 2026 20:05:27.057"
    assert log.lines == [
        f"{PID}:M {stamp} . a",
        f"{PID}:M {stamp} - b",
        f"{PID}:M {stamp} * c",
        f'{PID}:S {stamp} # d "\n',
    ]


def test_logfmt_lines_stay_one_line(log: CollectedLog) -> None:
    log.form = "logfmt"
    log.timestamp = "iso8601"
    log.warning('a"b\\c\td\r\n')
    stamp = "2026-11-24T20:05:27.057+05:30"
    assert log.lines == [f'pid={PID} role=primary timestamp="{stamp}" level=warning message="a\'b\\c\td  "']


def test_json_lines_are_json(log: CollectedLog) -> None:
    log.form = "json"
    log.role = "C"
    log.notice('a"b\\c\td\x01\b\f\r\né/')
    assert log.lines[0].endswith('"message":"a\\"b\\\\c\\td\\u0001\\b\\f\\r\\né/"}')
    assert json.loads(log.lines[0]) == {
        "pid": PID,
        "role": "RDB/AOF child",
        "timestamp": "24 Nov 2026 20:05:27.057",
        "level": "notice",
        "message": 'a"b\\c\td\x01\b\f\r\né/',
    }


@pytest.mark.parametrize("level", range(len(LEVELS)))
def test_a_level_hides_what_is_less_important(level: int) -> None:
    log = CollectedLog(VirtualClock(), LEVELS[level])
    log.debug("0")
    log.verbose("1")
    log.notice("2")
    log.warning("3")
    assert [line[-1] for line in log.lines] == ["0", "1", "2", "3"][level:]


def test_every_role_has_a_word() -> None:
    assert sorted(ROLES) == ["C", "M", "S", "X"]


def test_lines_go_to_standard_output_at_once(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    log = Log(VirtualClock(MOMENT_US))
    log.notice("caf\u00e9 \udcff")
    assert capfdbinary.readouterr().out == f"{PID}:M 24 Nov 2026 20:05:27.057 * caf\u00e9 ".encode() + b"\xff\n"


def test_a_file_is_appended_to_and_may_be_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log(VirtualClock(), path=str(path))
    log.notice("one")
    path.rename(tmp_path / "old")
    log.notice("two")
    assert (tmp_path / "old").read_text().endswith("* one\n")
    assert path.read_text().endswith("* two\n")


def test_a_file_that_cannot_be_written_does_not_stop_the_server(tmp_path: Path) -> None:
    Log(VirtualClock(), path=str(tmp_path / "no" / "log")).notice("lost")
