"""What the system log's daemon gets, and what happens while it does not listen."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from redpoll.env.clock import VirtualClock
from redpoll.env.log import CollectedLog
from redpoll.env.system_log import FACILITIES, SystemLog

MOMENT_US = 1_793_840_561_057_999
STAMP = time.strftime("%b %e %H:%M:%S", time.localtime(MOMENT_US // 1000000))
PID = os.getpid()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "log")


@pytest.fixture
def daemon(path: str) -> Iterator[socket.socket]:
    with listening(path) as sock:
        yield sock


def listening(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    sock.settimeout(10)
    return sock


Open = Callable[..., SystemLog]


@pytest.fixture
def open_log(path: str) -> Iterator[Open]:
    opened = []

    def one(facility: str = "local0") -> SystemLog:
        opened.append(SystemLog("an ident", facility, VirtualClock(MOMENT_US), path))
        return opened[-1]

    yield one
    for log in opened:
        log.close()


def test_the_moment_of_these_tests_is_a_day_of_one_digit() -> None:
    assert STAMP[4] == " "


@pytest.mark.parametrize(
    ("facility", "numbers"),
    [("user", [15, 14, 13, 12]), ("local0", [135, 134, 133, 132]), ("local7", [191, 190, 189, 188])],
)
def test_facility_and_level_are_one_number(
    open_log: Open, daemon: socket.socket, facility: str, numbers: list[int]
) -> None:
    log = open_log(facility)
    for level, number in enumerate(numbers):
        log.write(level, "text")
        assert daemon.recv(1000) == f"<{number}>{STAMP} an ident[{PID}]: text".encode()


def test_facilities_are_those_of_the_directive() -> None:
    assert sorted(FACILITIES) == [*(f"local{n}" for n in range(8)), "user"]


def test_bytes_go_as_they_are_but_for_zeros(open_log: Open, daemon: socket.socket) -> None:
    open_log().write(3, "two\nlines\x01 caf\u00e9 \udcff \0.")
    assert daemon.recv(1000).partition(b": ")[2] == b"two\nlines\x01 caf\xc3\xa9 \xff  ."


def test_a_log_sends_what_its_level_lets_through(open_log: Open, daemon: socket.socket) -> None:
    log = CollectedLog(VirtualClock(MOMENT_US))
    log.system = open_log()
    log.verbose("not wanted")
    log.notice("wanted")
    assert daemon.recv(1000).endswith(b": wanted")
    assert log.lines[-1].endswith("* wanted")


def test_a_daemon_may_come_later_go_and_come_again(open_log: Open, path: str) -> None:
    log = open_log()
    log.write(2, "lost")
    with listening(path) as first:
        log.write(2, "one")
        assert first.recv(1000).endswith(b": one")
    os.unlink(path)
    log.write(2, "lost too")
    with listening(path) as second:
        log.write(2, "two")
        assert second.recv(1000).endswith(b": two")
    os.unlink(path)
    with listening(path) as third:
        log.write(2, "three")
        assert third.recv(1000).endswith(b": three")


def test_a_daemon_that_reads_nothing_holds_nobody_up_twice(open_log: Open, daemon: socket.socket) -> None:
    log = open_log()
    while log.patient:
        log.write(2, "x" * 1000)
    began = time.monotonic()
    for _ in range(100):
        log.write(2, "lost")
    assert time.monotonic() - began < 5
    while b"lost" not in daemon.recv(2000):
        log.write(2, "it reads again: not lost")
    assert log.patient
