"""`redpoll top`, against redpoll and against the reference."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import redis
from tests.differential.servers import Server, Valkey, redpoll_environment
from tests.process.conftest import Start
from tests.process.running import until


def top(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "redpoll", "top", *map(str, words)],
        env={**redpoll_environment(), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Load:
    """Commands that go on while a test looks."""

    def __init__(self, port: int) -> None:
        self.client = redis.Redis(port=port)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        while not self.over.is_set():
            self.client.set("k", "v")
            self.client.get("k")
            self.client.get("nothing")
            self.client.hset("h", "f", "v")

    def close(self) -> None:
        self.over.set()
        self.thread.join()
        self.client.close()


@pytest.fixture(scope="module")
def valkey() -> Iterator[Server]:
    made = Valkey("top")
    made.start()
    yield made
    made.close()


def check_picture(text: str) -> None:
    """What every server shows under `Load`."""
    assert re.search(r"^commands +[1-9]\d*/s   hit ratio \d+\.\d %$", text, re.MULTILINE)
    assert re.search(r"^memory +\d", text, re.MULTILINE)
    assert re.search(r"^families +string \d+/s +hash \d+/s", text, re.MULTILINE)
    assert re.search(r"^(get|set|hset) +\d+ +\d+\.\d +\d+\.\d   p50=\d+", text, re.MULTILINE)
    assert re.search(r"^  db0 +keys=2  expires=0", text, re.MULTILINE)
    assert re.search(r"^  \d\d:\d\d:\d\d +\d+\.\d ms  \w+", text, re.MULTILINE)


def test_redpoll(start: Start) -> None:
    words = ["--hotkey-sampling-ratio", "100", "--hotkey-window-seconds", "1", "--slowlog-log-slower-than", "0"]
    server = start("--port", "{port}", "--bind", "127.0.0.1", *words).ready()
    load = Load(server.port)
    try:
        until(lambda: "hotkey_0" in server.client().info("hotkeys"), "a hot key")
        done = top("-p", server.port, "--once", "--interval", 0.5)
    finally:
        load.close()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("redpoll 0.")
    check_picture(done.stdout)
    assert re.search(r"^hot keys\n  db=0  qps=\d+  key=(k|h|nothing)$", done.stdout, re.MULTILINE)


def test_the_reference(valkey: Server) -> None:
    client = redis.Redis(port=valkey.port)
    client.config_set("slowlog-log-slower-than", 0)
    load = Load(valkey.port)
    try:
        done = top("-p", valkey.port, "--once", "-i", 0.5)
    finally:
        load.close()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("valkey 9.")
    check_picture(done.stdout)
    client.flushall()
    client.close()


def test_passwords(start: Start) -> None:
    server = start("--port", "{port}", "--bind", "127.0.0.1", "--requirepass", "secret").ready()
    once = ["-p", server.port, "--once", "-i", 0.05]
    done = top(*once)
    assert done.returncode == 1
    assert done.stderr == "redpoll top: NOAUTH Authentication required.\n"
    assert top(*once, REDISCLI_AUTH="secret").returncode == 0
    assert top(*once, "-a", "secret", "--user", "default").returncode == 0
    assert top(*once, "-a", "guess").returncode == 1


def test_what_cannot_be_reached_and_what_does_not_speak(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        def answer() -> None:
            found, _ = other.accept()
            with found:
                found.recv(100)
                found.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        done = top("-p", port, "--once")
        thread.join()
    assert (done.returncode, done.stderr) == (1, "redpoll top: the server does not speak the protocol of Redis\n")
    done = top("-p", port, "--once")
    assert done.returncode == 1
    assert f"cannot connect to 127.0.0.1:{port}" in done.stderr
    assert top("--interval", "0").returncode == 2
    assert "redpoll top" in top("--help").stdout


def test_it_goes_on_until_it_is_interrupted(start: Start) -> None:
    server = start("--port", "{port}", "--bind", "127.0.0.1").ready()
    process = subprocess.Popen(
        [sys.executable, "-m", "redpoll", "top", "-p", str(server.port), "-i", "0.1"],
        env={**redpoll_environment(), **os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    seen = 0
    while seen < 3:
        line = process.stdout.readline()
        assert line or process.poll() is None
        seen += line.startswith("redpoll 0.")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
