"""A redpoll as an operator starts it: a process, its streams, its log, its end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import redis
from tests.differential.servers import free_port, redpoll_environment

PATIENCE = 60.0
"""Seconds.  Other work on the machine may make a start take many of them."""


def until(condition: Callable[[], bool], what: str) -> None:
    """Return once the condition holds; fails with `what` was awaited."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"awaited in vain: {what}"
        time.sleep(0.005)


class Running:
    """A server started with `words` behind `redpoll server`, in an empty folder of its own unless told.

    `{port}` in a word is a free port, the attribute `port`.  It has no save points, unless `save_points` leaves them to
    the words, the file and the default.
    """

    def __init__(
        self,
        *words: str,
        folder: Path | None = None,
        given: bytes = b"",
        environment: dict[str, str] | None = None,
        prefix: list[str] | None = None,
        save_points: bool = False,
    ) -> None:
        self.made = None if folder is not None else tempfile.TemporaryDirectory(prefix="redpoll-process-")
        self.folder = folder if folder is not None else Path(self.made.name if self.made else "")
        self.port = free_port()
        self.out = self.folder / "stdout.txt"
        self.err = self.folder / "stderr.txt"
        filled = [word.replace("{port}", str(self.port)) for word in words]
        command = [*(prefix or []), sys.executable, "-m", "redpoll", "server", *filled]
        if not save_points:
            command += ["--save", ""]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**redpoll_environment(), **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
            )
        assert self.process.stdin is not None
        self.process.stdin.write(given)
        self.process.stdin.close()

    # ---- what it says

    def log(self) -> str:
        return self.out.read_text(errors="replace")

    def errors(self) -> str:
        return self.err.read_text(errors="replace")

    def says(self, text: str) -> None:
        """Return once the log has `text`; fails if the process ends without."""
        until(lambda: text in self.log() or self.process.poll() is not None, text)
        assert text in self.log(), self.log() + self.errors()

    def ready(self) -> Running:
        self.says("Ready to accept connections")
        return self

    # ---- talking to it

    def client(self, **options: object) -> redis.Redis:
        return redis.Redis(port=self.port, **{"socket_timeout": PATIENCE, **options})  # type: ignore[arg-type]

    # ---- its end

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def status(self) -> int:
        """The exit status, once it has ended."""
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        if self.made is not None:
            self.made.cleanup()


def alive(pid: int) -> bool:
    """Whether a process runs, a finished one that nobody has waited for excepted."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True
