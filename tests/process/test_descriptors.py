"""File descriptors: none left for a client, and standard streams that are missing from the start."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.process.conftest import Start
from tests.process.running import PATIENCE, Running, until

LOCAL = ("--bind", "127.0.0.1", "--port", "{port}")
TOLD = "Accepting client connection: Too many open files."


def descriptors(server: Running) -> dict[int, str]:
    """What each descriptor of a server is."""
    folder = Path(f"/proc/{server.process.pid}/fd")
    return {int(name): os.readlink(folder / name) for name in os.listdir(folder)}


def cpu_seconds(server: Running) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Wire:
    """A client that knows only PING."""

    def __init__(self, server: Running, path: str = "") -> None:
        self.socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(server.folder / path) if path else ("127.0.0.1", server.port))
        self.socket.sendall(b"PING\r\n")

    def is_served(self) -> bool:
        return self.socket.recv(7) == b"+PONG\r\n"

    def waits(self) -> bool:
        self.socket.settimeout(0)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(PATIENCE)
        return False


Connect = Callable[..., Wire]


@pytest.fixture
def connect() -> Iterator[Connect]:
    with ExitStack() as stack:

        def one(server: Running, path: str = "") -> Wire:
            made = Wire(server, path)
            stack.enter_context(made.socket)
            return made

        yield one


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux changes the limits of another process")
@pytest.mark.parametrize("log", [(), ("--logfile", "stdout.txt")])
def test_clients_wait_for_a_descriptor_and_cost_nothing(start: Start, connect: Connect, log: tuple[str, ...]) -> None:
    server = start(*LOCAL, "--unixsocket", "here.sock", *log).ready()
    first, second = connect(server), connect(server)
    assert first.is_served()
    assert second.is_served()
    open_now = max(descriptors(server)) + 1
    assert len(descriptors(server)) == open_now
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (open_now, open_now))
    third, fourth = connect(server), connect(server, "here.sock")
    server.says(TOLD)
    began = time.monotonic()
    cpu = cpu_seconds(server)
    while time.monotonic() - began < 1.0:
        first.socket.sendall(b"PING\r\n")
        assert first.is_served()
        time.sleep(0.01)
    assert cpu_seconds(server) - cpu < 0.5
    assert third.waits()
    assert fourth.waits()
    first.socket.close()
    second.socket.close()
    assert third.is_served()
    assert fourth.is_served()
    assert server.log().count(TOLD) == 1


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux changes the limits of another process")
def test_clients_are_let_in_when_descriptors_come_free_elsewhere(start: Start, connect: Connect) -> None:
    server = start(*LOCAL).ready()
    open_now = max(descriptors(server)) + 1
    _, most = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (open_now, most))
    client = connect(server)
    server.says(TOLD)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (open_now + 10, most))
    assert client.is_served()
    assert server.log().count(TOLD) == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("by", ["SIGTERM", "SHUTDOWN"])
def test_a_server_may_be_started_without_standard_streams(start: Start, closed: str, by: str) -> None:
    without = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh"]
    server = start(*LOCAL, "--logfile", "server.log", prefix=without)
    log = server.folder / "server.log"
    until(lambda: log.exists() and "Ready to accept connections tcp" in log.read_text(), "the start")
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as wire:
        wire.sendall(b"PING\r\n")
        assert wire.recv(7) == b"+PONG\r\n"
        opened = descriptors(server)
        assert [stream for stream in range(3) if "socket" in opened[stream] or "eventpoll" in opened[stream]] == []
        if by == "SHUTDOWN":
            wire.sendall(b"SHUTDOWN\r\n")
            assert wire.recv(7) == b""
    if by == "SIGTERM":
        server.signal(signal.SIGTERM)
    assert server.status() == 0
    assert server.errors() == ""
    assert log.read_text().endswith("bye bye...\n")


def test_standard_input_that_is_missing_holds_no_settings(start: Start) -> None:
    server = start("-", *LOCAL, prefix=["/bin/sh", "-c", 'exec "$@" <&-', "sh"]).ready()
    assert server.client().ping()
