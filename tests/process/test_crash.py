"""What is left behind when the server dies of its own mistake."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.differential.servers import free_port, redpoll_environment
from tests.process.conftest import Start
from tests.process.running import until

from redpoll.build_info import VERSION, build_kind

LOCAL = ("--bind", "127.0.0.1", "--port", "{port}")

BREAK_THE_LOOP = """
import os, sys
from redpoll.config.file import load
from redpoll.env.clock import Clock
from redpoll.env.files import Files
from redpoll.env.log import Log
from redpoll.net.supervisor import Supervisor
from redpoll.server import Server

log = Log(Clock())
config = load([word.encode() for word in sys.argv[1:]], b"", Files())
server = Server(config, log, "this build", Supervisor("no", log))
server.start()
os.close(server.reactor.fileno())
sys.exit(server.run())
"""
"""Takes the poller away from under the loop, which no code expects."""


@pytest.mark.parametrize("reports", ["yes", "no"])
def test_an_exception_that_ends_the_loop_is_reported(tmp_path: Path, reports: str) -> None:
    words = ["--bind", "127.0.0.1", "--port", str(free_port()), "--crash-log-enabled", reports]
    done = subprocess.run(
        [sys.executable, "-c", BREAK_THE_LOOP, *words],
        cwd=tmp_path,
        env=redpoll_environment(),
        capture_output=True,
        timeout=20,
    )
    assert done.returncode == 1
    log = done.stdout.decode()
    parts = ("REDPOLL BUG REPORT START", "redpoll this build", "0 commands so far", "crashed by: OSError", "Traceback")
    assert all((part in log) == (reports == "yes") for part in parts), log
    assert "bye bye" not in log


def test_a_fault_leaves_the_stack_and_dies_of_its_signal(start: Start) -> None:
    server = start(*LOCAL).ready()
    server.signal(signal.SIGSEGV)
    assert server.status() == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in server.errors()
    assert f"redpoll {VERSION} ({build_kind()}" in server.log()


def test_a_fault_is_written_into_the_log_file(start: Start) -> None:
    server = start(*LOCAL, "--logfile", "server.log")
    log = server.folder / "server.log"
    until(lambda: log.exists() and "Ready to accept" in log.read_text(), "the start")
    server.signal(signal.SIGABRT)
    assert server.status() == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in log.read_text()


def test_reports_of_faults_may_be_switched_off(start: Start) -> None:
    server = start(*LOCAL).ready()
    server.client().config_set("crash-log-enabled", "no")
    server.signal(signal.SIGSEGV)
    assert server.status() == -signal.SIGSEGV
    assert server.errors() == ""
