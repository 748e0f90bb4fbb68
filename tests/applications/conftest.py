"""Applications have an environment of their own: arq needs an older redis-py than the tests.

`make test-full` makes it in build/applications.  REDPOLL_DIFF_SELF=1 runs the applications against a valkey: what fails
then too is no fault of redpoll.
"""

from __future__ import annotations

import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from tests.differential.servers import free_port, ours
from tests.process.running import accepts, until

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "build" / "applications" / "bin" / "python"
PROGRAMS = Path(__file__).resolve().parent / "programs"


@pytest.fixture(scope="session")
def port() -> Iterator[int]:
    """The port of a server."""
    server = ours()
    try:
        server.start()
        yield server.port
    finally:
        server.close()


class Applications:
    """Runs the programs of this folder."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []

    def command(self, program: str, *words: str) -> list[str]:
        return [str(PYTHON), str(PROGRAMS / program), str(self.port), *words]

    def run(self, program: str, *words: str) -> list[str]:
        """Run a program to its end; the lines that it printed."""
        done = subprocess.run(
            self.command(program, *words), capture_output=True, text=True, timeout=120, check=False, cwd=self.folder
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    def start(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        """Start a program, which ends with the test; its output goes into a file of its name."""
        with (self.folder / f"{program}.log").open("wb") as log:
            made = subprocess.Popen(self.command(program, *words), stdout=log, stderr=log, cwd=self.folder)
        self.running.append(made)
        return made

    def site(self, program: str) -> Callable[..., str]:
        """Start a site; a browser that keeps cookies."""
        port = free_port()
        self.start(program, str(port))
        until(lambda: accepts(port), f"{program} to listen")
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

        def visit(path: str, post: bool = False) -> str:
            with opener.open(f"http://127.0.0.1:{port}{path}", data=b"" if post else None, timeout=20) as answer:
                return str(answer.read().decode())

        return visit

    def log(self, program: str) -> str:
        return (self.folder / f"{program}.log").read_text(errors="replace")

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait(10)


@pytest.fixture
def applications(port: int, tmp_path: Path) -> Iterator[Applications]:
    if not PYTHON.exists():
        pytest.skip("`make test-full` installs the applications into build/applications")
    made = Applications(port, tmp_path)
    yield made
    made.close()
